//! Decides whether an expectation of the tweet service holds, and summarises the final state in a few lines.

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::replicated::paxos::Slot;
use crate::replicated::replica::{Applied, Replica};
use crate::replicated::service::{is_idle, site};
use crate::scenario::{Cluster, same};
use crate::tweets::service::vocabulary::{Asker, TimelineExpectation};
use crate::tweets::site::{Operation, Participant, Request, Site};
use crate::tweets::timeline::{User, View};

pub(super) fn holds(
    expectation: &TimelineExpectation,
    cluster: &Cluster<'_, Participant>,
) -> Result<(), String> {
    match expectation {
        TimelineExpectation::View { site, user, sees } => {
            let user = user.parse().map_err(|why| format!("{why}"))?;
            same(&format!("{user} at S{site} sees"), sees, &seen(numbered(cluster, *site)?, &user))
        }
        TimelineExpectation::Log { site, is, count } => {
            let events = events(cluster, numbered(cluster, *site)?);
            if let Some(is) = is {
                same(&format!("the log of S{site} is"), is, &events)?;
            }
            match count {
                Some(count) if *count != events.len() => Err(format!(
                    "expected {count} events in the log of S{site}, found {}: {events:?}",
                    events.len()
                )),
                _ => Ok(()),
            }
        }
        TimelineExpectation::Chosen { site: number, slot, noop } => {
            let sites = cluster.members.iter().filter_map(|member| member.id.as_site());
            let asked = sites.filter(|id| number.is_none_or(|number| number == id.number()));
            let entry = |id: SiteId| site(cluster, id).ok()?.log().chosen_at(Slot(*slot)).map(is_noop);
            let known: Vec<bool> = asked.filter_map(entry).collect();
            let by = number.map_or("any site".to_owned(), |number| format!("S{number}"));
            match (known.first(), noop) {
                (None, _) => {
                    Err(format!("expected slot {slot} to be known as chosen by {by}, found it is not"))
                }
                (Some(found), Some(noop)) if found != noop => {
                    let what = |noop: bool| if noop { "a no-op" } else { "events" };
                    Err(format!("expected {} in slot {slot}, found {}", what(*noop), what(*found)))
                }
                _ => Ok(()),
            }
        }
        TimelineExpectation::Unchosen { site: number, slot } => {
            let sites = cluster.members.iter().filter_map(|member| member.id.as_site());
            let mut asked = sites.filter(|id| number.is_none_or(|number| number == id.number()));
            let knows = |id: &SiteId| {
                site(cluster, *id).is_ok_and(|site| site.log().chosen_at(Slot(*slot)).is_some())
            };
            match asked.find(knows) {
                Some(id) => {
                    Err(format!("expected slot {slot} not to be known as chosen, found that {id} knows it"))
                }
                None => Ok(()),
            }
        }
        TimelineExpectation::Applied { site, at_least, at_most } => {
            let applied = numbered(cluster, *site)?.status().applied.0;
            let bounds = [
                (at_least.filter(|least| applied < *least), "more"),
                (at_most.filter(|most| applied > *most), "fewer"),
            ];
            match bounds.into_iter().find_map(|(bound, or)| Some((bound?, or))) {
                Some((bound, or)) => {
                    Err(format!("expected S{site} to have applied {bound} slots or {or}, found {applied}"))
                }
                None => Ok(()),
            }
        }
        TimelineExpectation::Blocks { site, are } => {
            let blocks = numbered(cluster, *site)?.machine().blocks();
            let found: Vec<String> = blocks.map(|(user, target)| format!("{user} blocks {target}")).collect();
            same(&format!("the blocks at S{site} are"), are, &found)
        }
        TimelineExpectation::Queue { site, holds } => {
            let found = numbered(cluster, *site)?.queue().len();
            let message = || format!("expected {holds} submissions in the queue of S{site}, found {found}");
            if found == *holds { Ok(()) } else { Err(message()) }
        }
        TimelineExpectation::Answered(asker) => {
            let id = match asker {
                Asker::Site(number) => ProcessId::Terminal(id(*number)?),
                Asker::Client(number) => ProcessId::Client(*number),
            };
            is_idle(cluster, id)
        }
    }
}

fn id(number: u8) -> Result<SiteId, String> {
    SiteId::new(number).ok_or_else(|| format!("there is no site {number}"))
}

fn numbered<'a>(cluster: &Cluster<'a, Participant>, number: u8) -> Result<&'a Site, String> {
    site(cluster, id(number)?)
}

fn is_noop<V>(entry: &crate::replicated::paxos::Entry<V>) -> bool {
    entry.values().is_empty()
}

/// Everything that `user` sees at `site`, newest first, collected page by page.
fn seen(site: &Site, user: &User) -> Vec<String> {
    let mut view = View { viewer: user.clone(), limit: u64::MAX, older_than: None };
    let mut seen = Vec::new();
    loop {
        let page = site.machine().view(&view);
        seen.extend(page.tweets.iter().map(|tweet| tweet.to_string()));
        match page.next {
            Some(next) => view.older_than = Some(next),
            None => return seen,
        }
    }
}

/// The events of a site's log that took effect, oldest first.
fn events(cluster: &Cluster<'_, Participant>, site: &Site) -> Vec<String> {
    let first = site.log().first();
    let mut replica = Replica::beginning_at(first, cluster.config.sessions_max);
    let mut events = Vec::new();
    let applied = site.status().applied;
    for (_, entry) in site.log().chosen_from(first).take_while(|(slot, _)| *slot < applied) {
        replica.apply(entry, |_, submission, outcome| {
            let is_first = matches!(outcome, Applied::Answered { is_repeated: false, .. });
            if let (true, Request::Execute { operation: Operation::Event { event }, .. }) =
                (is_first, &submission.request)
            {
                events.push(event.to_string());
            }
        });
    }
    events
}

/// One line for each group of sites in the same state, and the events of the longest applied log.
/// A line: `S012: 6 slots applied, 3 tweets, 0 waiting, S1 leads`.
pub(super) fn final_state(cluster: &Cluster<'_, Participant>) -> String {
    let mut groups: Vec<(String, SiteSet)> = Vec::new();
    let mut longest: Option<&Site> = None;
    for number in cluster.members.iter().filter_map(|member| member.id.as_site()) {
        let state = match site(cluster, number) {
            Ok(site) => {
                let status = site.status();
                if longest.is_none_or(|longest| longest.status().applied < status.applied) {
                    longest = Some(site);
                }
                let (applied, tweets) = (status.applied, site.machine().tweets().count());
                format!("{applied} slots applied, {tweets} tweets, {} waiting", status.queue)
            }
            Err(_) => "down".to_owned(),
        };
        match groups.iter_mut().find(|(known, _)| *known == state) {
            Some((_, sites)) => {
                sites.insert(number);
            }
            None => groups.push((state, SiteSet::EMPTY.with(number))),
        }
    }
    let leads = |sites: SiteSet| cluster.leader().filter(|leader| sites.contains(*leader));
    let line = |(state, sites): &(String, SiteSet)| match leads(*sites) {
        Some(leader) => format!("{sites}: {state}, {leader} leads"),
        None => format!("{sites}: {state}"),
    };
    let mut lines: Vec<String> = groups.iter().map(line).collect();
    if let Some(site) = longest {
        lines.push("log:".to_owned());
        lines.extend(events(cluster, site).into_iter().map(|event| format!("  {event}")));
    }
    lines.join("\n")
}
