//! `site init`: a new cluster.

use std::net::{Ipv4Addr, SocketAddr};

use aviary::replicated::real;
use aviary::replicated::sites_ron::{Member, Sites};
use aviary::tweets::timeline::Timeline;
use aviary::udp::{CLIENT_KEY, CLIENT_MASTER_KEY, CLUSTER_KEY};

use crate::{Failure, Init, terminal};

pub(crate) fn init(arguments: &Init) -> Result<(), Failure> {
    let Init { sites: count, dir, base_port, sessions_max } = arguments;
    let last = base_port.checked_add(u16::from(*count) - 1);
    let last = last.ok_or_else(|| {
        Failure::Usage(format!(
            "{count} sites from port {base_port} on exceed port 65535; use a lower --base-port"
        ))
    })?;
    let member =
        |port| Member { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), region: "local".into() };
    let cluster = real::random("the cluster's number")?;
    let mut sites = Sites::new(cluster, (*base_port..=last).map(member).collect());
    sites.config.sessions_max = usize::try_from(*sessions_max).expect("at most 65,536");
    real::init::<Timeline>(dir, &sites)?;
    terminal::done(&format!(
        "wrote {}, and beside it storage for {count} sites, {CLUSTER_KEY}, {CLIENT_MASTER_KEY} and {CLIENT_KEY}\n",
        dir.join("sites.ron").display()
    ));
    Ok(())
}
