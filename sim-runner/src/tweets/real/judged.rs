//! The end of a run of real sites: waits until they agree, and judges everything.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "real sites converge in real time")]

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use aviary::ids::{ProcessId, SiteId};
use aviary::mix::Seed;
use aviary::process::{Process, Recovered};
use aviary::replicated::paxos::Slot;
use aviary::replicated::sites_ron::Sites;
use aviary::sim::Violation;
use aviary::tweets::client;
use aviary::tweets::judges::outside::{ClientEvent, FinalJournal};
use aviary::tweets::judges::{LogEntry, Outside};
use aviary::tweets::site::{Command, Note, Operation, Participant, Status};
use aviary::tweets::timeline::{Event, Position, Tweet};
use aviary::udp::ClientKey;

use super::cluster::{ClusterFailure, failed};
use super::history::CallLogLine;

/// The outcomes of all requests.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Events that were acknowledged to their clients as being in the log.
    pub acknowledged: usize,
    /// Acknowledged tweets that are not in the timeline.
    pub lost: usize,
    /// Tweets that are in the timeline more than once.
    pub doubled: usize,
    /// Tweets without an answer: their clients gave up, or their session was evicted.
    pub unknown: usize,
    /// Tweets without an answer that are in the timeline.
    pub unknown_but_there: usize,
    /// Answered linearizable views, as entries of the log or by a read round.
    pub views: usize,
    /// Answered local queries, such as local views.
    pub queries: usize,
    /// The number of slots of the log.
    pub slots: u64,
    /// The number of records in all journals.
    pub records: usize,
    /// The number of starts of all sites together.
    pub starts: u64,
    /// Submissions that were chosen although their origins had lost them in a crash.
    pub lost_in_crashes: usize,
    /// What could not be judged within its bounds.
    pub unjudged: Vec<String>,
}

/// Why a run failed.
#[derive(Debug)]
pub enum Wrong {
    /// A judge objects.
    Judge(Violation),
    /// An operation that must work has failed.
    Failed(ClusterFailure),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Judge(violation) => write!(f, "{violation}"),
            Wrong::Failed(failure) => write!(f, "{failure}"),
        }
    }
}

impl std::error::Error for Wrong {}

impl From<Violation> for Wrong {
    fn from(violation: Violation) -> Wrong {
        Wrong::Judge(violation)
    }
}

impl From<ClusterFailure> for Wrong {
    fn from(failure: ClusterFailure) -> Wrong {
        Wrong::Failed(failure)
    }
}

/// Waits until all sites follow one leader, and know and have applied the same slots. The error says how they differ.
pub fn converge(sites: &Sites, key: &ClientKey, within: Duration) -> Result<Vec<Status>, ClusterFailure> {
    let until = Instant::now() + within;
    loop {
        let found = client::statuses(sites, key.clone(), aviary::time::Duration::from_millis(500));
        let found = found.map_err(failed("ask sites how they are"))?;
        let why = match differ(&found) {
            Ok(statuses) => return Ok(statuses),
            Err(why) => why,
        };
        if Instant::now() >= until {
            return Err(ClusterFailure(format!(
                "no convergence within {} s of healing: {why}",
                within.as_secs()
            )));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn differ(found: &[Option<Status>]) -> Result<Vec<Status>, String> {
    let mut statuses = Vec::new();
    for (site, status) in found.iter().enumerate() {
        statuses.push(status.ok_or_else(|| format!("S{site} does not answer"))?);
    }
    for status in &statuses {
        let (site, first) = (status.site, &statuses[0]);
        let Status { leader, chosen, applied, queue, digest, .. } = status;
        if leader.is_none() || *leader != first.leader {
            return Err(format!("{site} follows {leader:?} and {} {:?}", first.site, first.leader));
        }
        if applied != chosen || *chosen != first.chosen || *queue > 0 {
            let other = first.chosen;
            return Err(format!(
                "{site} knows {chosen} as chosen, applied {applied}, {queue} wait; {} knows {other}",
                first.site
            ));
        }
        if *digest != first.digest {
            let (applied, other) = (first.applied, first.digest);
            return Err(format!("below slot {applied} {site} has {digest} and {} {other}", first.site));
        }
    }
    Ok(statuses)
}

/// Compares what clients did and heard with what the disks hold.
pub fn judge(sites: &Sites, history: &[CallLogLine], disks: &[FinalJournal]) -> Result<Judged, Wrong> {
    let config = &sites.config;
    let outside = Outside::judge(config.sites, config.sessions_max, history, disks)?;
    let mut judged = Judged {
        slots: outside.log().end().0,
        records: disks.iter().map(|disk| disk.records.len()).sum(),
        starts: disks.iter().map(|disk| disk.incarnation).sum(),
        lost_in_crashes: outside.lost_in_crashes(),
        unjudged: outside.unknown().to_vec(),
        ..Judged::default()
    };
    count(&mut judged, &outside, history)?;
    for disk in disks {
        check_state(sites, &outside, disk)?;
    }
    Ok(judged)
}

/// Counts tweets, which are all different, in the naive fold of the chosen entries.
fn count(judged: &mut Judged, outside: &Outside, history: &[CallLogLine]) -> Result<(), Violation> {
    let mut asked: BTreeMap<String, bool> = BTreeMap::new();
    let tweet = |operation: &Operation| match operation {
        Operation::Event { event: Event::Tweet { text, .. } } => Some(text.as_str().to_owned()),
        Operation::Event { .. } | Operation::View { .. } => None,
    };
    for (_, _, seen) in history {
        match seen {
            ClientEvent::Commanded(Command::Do(operation) | Command::DoLast(operation)) => {
                asked.extend(tweet(operation).map(|text| (text, false)));
            }
            ClientEvent::Noted(Note::Done(_, operation, _)) => {
                match operation {
                    Operation::Event { .. } => judged.acknowledged += 1,
                    Operation::View { .. } => judged.views += 1,
                }
                asked.extend(tweet(operation).map(|text| (text, true)));
            }
            ClientEvent::Noted(Note::QuorumReply(..)) => judged.views += 1,
            ClientEvent::Noted(Note::LocalReply(..)) => judged.queries += 1,
            ClientEvent::Commanded(Command::Query(_))
            | ClientEvent::Noted(_)
            | ClientEvent::Received(..)
            | ClientEvent::Sent(..) => {}
        }
    }
    let end = Position { slot: outside.log().end().0, index: 0 };
    let mut there: BTreeMap<&str, usize> = BTreeMap::new();
    // A tweet's text names its client and counts its tweets: they must appear in the order in which they were
    // requested.
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    let tweets: Vec<Tweet> = outside.model().tweets_before(end).collect();
    for tweet in &tweets {
        *there.entry(tweet.text.as_str()).or_default() += 1;
        let Some((client, number)) = tweet.text.as_str().split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        if let Some(before) = last.insert(client, number).filter(|before| *before >= number) {
            let explanation =
                format!("{client}'s tweet {number} stands at {}, behind its tweet {before}", tweet.position);
            return Err(Violation::new("order of a client", explanation));
        }
    }
    judged.doubled = there.values().filter(|count| **count > 1).count();
    for (text, is_acknowledged) in &asked {
        let is_there = there.contains_key(text.as_str());
        judged.lost += usize::from(*is_acknowledged && !is_there);
        judged.unknown += usize::from(!is_acknowledged);
        judged.unknown_but_there += usize::from(!is_acknowledged && is_there);
    }
    Ok(())
}

/// Checks that the real code, started from a journal, equals the naive fold of the chosen entries as far as it applied.
fn check_state(sites: &Sites, outside: &Outside, disk: &FinalJournal) -> Result<(), Wrong> {
    let FinalJournal { site, incarnation, records } = disk;
    let recovered = Recovered { incarnation: incarnation + 1, records: records.clone() };
    let participant = Participant::start(&sites.config, ProcessId::Site(*site), Seed(1), recovered);
    let participant = participant
        .map_err(|damage| ClusterFailure(format!("{site} cannot be started from its journal: {damage:?}")))?;
    let state = participant.as_site().ok_or_else(|| ClusterFailure(format!("{site} is no site")))?;
    let (applied, timeline) = (state.status().applied, state.machine());
    let log: Vec<(Slot, &LogEntry)> = state.log().chosen_from(Slot(0)).collect();
    outside.check_site(*site, applied, timeline.tweets(), timeline.blocks(), log)?;
    Ok(())
}

/// Compares the logs that sites report, line by line.
pub fn check_logs(logs: &[(SiteId, Vec<String>)]) -> Result<(), Violation> {
    let Some(((first, log), others)) = logs.split_first() else { return Ok(()) };
    for (site, other) in others {
        let place = (0..log.len().max(other.len())).find(|place| log.get(*place) != other.get(*place));
        if let Some(place) = place {
            let shown = |line: Option<&String>| line.map_or_else(|| "nothing".to_owned(), Clone::clone);
            let (one, two) = (shown(log.get(place)), shown(other.get(place)));
            let explanation =
                format!("line {place} of the log is \"{one}\" at {first} and \"{two}\" at {site}");
            return Err(Violation::new("logs", explanation));
        }
    }
    Ok(())
}
