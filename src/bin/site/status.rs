//! `site status`: how each site is.

use aviary::replicated::paxos::{Quorum, Slot};
use aviary::replicated::sites_ron::Sites;
use aviary::tweets::client;
use aviary::udp::ClientKey;
use serde_json::{Value, json};

use crate::ask::Whom;
use crate::error::ProgramError;
use crate::{answers, objects, terminal};

/// Prints all of it, and then fails if too few have answered.
pub(crate) fn status(sites: &Sites, key: ClientKey, whom: &Whom) -> Result<(), ProgramError> {
    let only = whom.first_site(sites)?;
    let found = client::statuses(sites, key, whom.timeout)?;
    let (mut text, mut list, mut silent, mut answered) = (String::new(), Vec::new(), Vec::new(), 0);
    let asked =
        found.into_iter().enumerate().filter(|(site, _)| only.is_none_or(|only| only.index() == *site));
    for (site, status) in asked {
        let member = &sites.members[site];
        let (address, region) = (member.address.to_string(), member.region.as_str());
        let mut more = json!({ "is_silent": status.is_none() });
        match status {
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
        list.push(objects::site(site, &address, region, more));
    }
    terminal::answer(&if whom.json { format!("{}\n", Value::from(list)) } else { text })?;
    let needed = if only.is_some() { 1 } else { Quorum::at(sites.config.sites, Slot(0)).accept() };
    if answered >= needed {
        return Ok(());
    }
    let cure = "are the sites running, and are sites.ron and client.key those of this cluster?";
    let (waited, silent) = (whom.timeout, silent.join(", "));
    if answered == 0 {
        return Err(ProgramError::NoAnswer(format!("no answer within {waited} from {silent}; {cure}")));
    }
    let count = sites.members.len();
    Err(ProgramError::NoQuorum(format!(
        "{answered} of {count} sites answered within {waited}, and nothing is agreed on without {needed}: no answer \
         from {silent}; {cure}"
    )))
}
