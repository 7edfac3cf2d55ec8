//! `site status`: the state of each site.

use aviary::replicated::paxos::{Quorum, Slot};
use aviary::replicated::sites_ron::Sites;
use aviary::tweets::client::{self, ReportOptions, SiteReport};
use aviary::udp::ClientKey;
use serde_json::{Value, json};

use crate::ask::RequestArgs;
use crate::error::ProgramError;
use crate::{answers, objects, terminal};

/// Prints the state of all asked sites, and then fails if too few have answered.
pub(crate) fn status(
    sites: &Sites,
    key: ClientKey,
    args: &RequestArgs,
    has_counters: bool,
) -> Result<(), ProgramError> {
    let only = args.first_site(sites)?;
    let options = ReportOptions { patience: args.timeout, site: only, has_counters };
    let found = client::reports(sites, key, &options)?;
    let (mut text, mut list, mut silent, mut answered) = (String::new(), Vec::new(), Vec::new(), 0);
    let asked =
        found.into_iter().enumerate().filter(|(site, _)| only.is_none_or(|only| only.index() == *site));
    for (site, SiteReport { status, is_starting, counters }) in asked {
        let member = &sites.members[site];
        let (address, region) = (member.address.to_string(), member.region.as_str());
        let is_silent = status.is_none() && !is_starting;
        let mut more = json!({ "is_silent": is_silent, "is_starting": is_starting });
        match status {
            None if is_starting => {
                text += &format!("status: S{site} starting, it reads its journal\n");
                silent.push(format!("S{site} at {address}, which reads its journal: try again"));
            }
            None => {
                text += &format!("status: S{site} silent\n");
                silent.push(format!("S{site} at {address}"));
            }
            Some(status) => {
                answered += 1;
                text += &answers::status_line(&status);
                objects::extend(&mut more, objects::status(&status));
            }
        }
        if let Some(counters) = counters {
            text += &format!("datagrams: S{site} {counters}\n");
            objects::extend(&mut more, json!({ "datagrams": objects::counters(&counters) }));
        }
        list.push(objects::site(site, &address, region, more));
    }
    terminal::answer(&if args.json { format!("{}\n", Value::from(list)) } else { text })?;
    let needed = if only.is_some() { 1 } else { Quorum::at(sites.config.sites, Slot(0)).accept() };
    if answered >= needed {
        return Ok(());
    }
    let cure = "are the sites running, and are sites.ron and client.key those of this cluster?";
    let (waited, silent) = (args.timeout, silent.join(", "));
    if answered == 0 {
        return Err(ProgramError::NoAnswer(format!("no answer within {waited} from {silent}; {cure}")));
    }
    let count = sites.members.len();
    Err(ProgramError::NoQuorum(format!(
        "{answered} of {count} sites answered within {waited}, and nothing is agreed on without {needed}: no answer \
         from {silent}; {cure}"
    )))
}
