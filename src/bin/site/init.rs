//! `site init`: a new cluster.

use aviary::replicated::real;
use aviary::tweets::timeline::Timeline;
use aviary::udp::{CLIENT_KEY, CLIENT_MASTER_KEY, CLUSTER_KEY};

use crate::error::ProgramError;
use crate::{Init, terminal};

pub(crate) fn init(arguments: &Init) -> Result<(), ProgramError> {
    let Init { sites: count, dir, base_port, sessions_max } = arguments;
    let mut sites = real::local(*count, *base_port)?;
    sites.config.sessions_max = usize::try_from(*sessions_max).expect("at most 65,536");
    real::init::<Timeline>(dir, &sites)?;
    terminal::done(&format!(
        "wrote {}, and beside it storage for {count} sites, {CLUSTER_KEY}, {CLIENT_MASTER_KEY} and {CLIENT_KEY}\n",
        dir.join("sites.ron").display()
    ));
    Ok(())
}
