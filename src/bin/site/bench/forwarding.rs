//! Measures what it costs to ask a site that does not lead: the same tweet at the leader and at a follower, in turns,
//! and beside them the round trip of a question that a site answers at once.

use aviary::tweets::site::{Command, Operation, Query};
use aviary::tweets::timeline::{Event, TimelineQuery};

use crate::bench::load::Load;
use crate::bench::ours::{Recording, SiteCluster, name, tweet};
use crate::bench::{Bench, table};
use crate::children::Folder;
use crate::error::ProgramError;

pub(crate) fn measure(arguments: &Bench, folder: &Folder) -> Result<(), ProgramError> {
    let tweet = Command::Do(Operation::Event { event: Event::Tweet { user: name("ann"), text: tweet() } });
    let question = Command::Query(Query::Of(TimelineQuery::Blocks { after: None }));
    for datagram_max in &arguments.datagrams {
        for count in &arguments.sites {
            let cluster =
                SiteCluster::start(folder, *count, *datagram_max, arguments.sync_mode(), Recording::Off)?;
            let load = Load::new(1, arguments.milliseconds);
            let mut turns = Vec::new();
            for _ in 0..arguments.pairs {
                let leader = cluster.leader()?;
                let follower = (leader + 1) % usize::from(*count);
                let at_leader = cluster.load_at(leader, &load, &tweet)?;
                let at_follower = cluster.load_at(follower, &load, &tweet)?;
                turns.push([at_leader, at_follower, cluster.load_at(follower, &load, &question)?]);
            }
            table::forwarding(arguments.json, *datagram_max, *count, &turns)?;
        }
    }
    Ok(())
}
