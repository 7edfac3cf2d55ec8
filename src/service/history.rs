//! What the journals of sites hold that have been there for long.
//!
//! 1. Every site holds the same: a cluster in which all went well, until its power failed.
//! 2. What the log still holds of the slots that are chosen are no-ops.
//! 3. What is open above them are tweets of sessions that opened, and were evicted, before the log begins: whoever
//!    applies them says that they expired. So they leave nothing behind, and nobody waits for them.

use alloc::sync::Arc;

use crate::ids::{ProcessId, SiteId};
use crate::paxos::{Ballot, Entry, Record as Fact, Slot};
use crate::scenario::draw::Draws;
use crate::scenario::{History, Place, Problem, Shape};
use crate::site::{Config, Number, Operation, Record, Request, Session, Submission};
use crate::timeline::{Event, Text};

/// Around these numbers fewer bytes hold a number, or one more is needed.
const SLOTS: [u64; 4] = [127, 16_383, 65_535, 1 << 32];
const STARTS: [u64; 4] = [127, 255, 65_535, 1 << 32];

/// Kept slots: a chunk of a log is sealed here, and the second.
const KEPT: [u64; 2] = [256, 512];

/// Who asked for what is open; no client of a scenario has this number.
const CLIENT: ProcessId = ProcessId::Client(u16::MAX);

/// The journal of each site, or what is wrong with `history`.
pub(super) fn journals(
    config: &Config,
    shape: &Shape,
    history: &History,
) -> Result<Vec<Vec<Record>>, Vec<Problem>> {
    let History { starts, rounds, slots, kept, open } = *history;
    if open > config.window {
        let help = format!("{} at most, the `window` of a leader", config.window);
        let message = format!("{open} open slots");
        return Err(vec![Problem::new(Place::whole().field("open"), message).help(help)]);
    }
    if open > 0 && kept >= slots {
        let message = "what is open belongs to sessions that ended before the log begins";
        let help = "`slots` above `kept`, so that there was something before";
        return Err(vec![Problem::new(Place::whole().field("open"), message).help(help)]);
    }
    let leader = SiteId::default();
    let ballot = Ballot { round: rounds.max(1), site: leader };
    let first = slots - kept;
    let asked: Vec<_> = (1..=open).map(|count| submission(leader, starts.max(1), count)).collect();
    let accepted = |slot, entry| Fact::Accepted { ballot, slot: Slot(slot), entry };
    let mut facts = Vec::new();
    facts.extend((first > 0).then_some(Fact::Begins(Slot(first))));
    facts.extend((rounds > 0 || slots > 0).then_some(Fact::Promised(ballot)));
    facts.extend((first..slots).map(|slot| accepted(slot, Entry::Noop)));
    let values = asked.iter().map(|submission| Entry::Values([Arc::clone(submission)].into()));
    facts.extend((slots..).zip(values).map(|(slot, entry)| accepted(slot, entry)));
    facts.extend((kept > 0).then_some(Fact::Chosen(Slot(slots))));
    let journal = |site: SiteId| {
        let mut records: Vec<Record> =
            facts.iter().map(|record| Record::Paxos { record: record.clone() }).collect();
        if site == leader {
            // It took them before it proposed them.
            let at = usize::from(first > 0).min(records.len());
            records.splice(
                at..at,
                asked.iter().map(|submission| Record::Taken { submission: submission.clone() }),
            );
        }
        records
    };
    Ok(shape.all_sites().iter().map(journal).collect())
}

/// The tweet of this number that `origin` took in its last start: as large as a tweet may be.
fn submission(origin: SiteId, incarnation: u64, count: u64) -> Arc<Submission> {
    let number = |count| match count {
        0 => Number::default(),
        count => Number { incarnation, count },
    };
    let text: Text = "\u{1f426}".repeat(Text::BYTES_MAX / 4).parse().expect("as long as a text may be");
    let event = Event::Tweet { user: "long-gone".parse().expect("a name"), text };
    let request = Request::Execute {
        client: CLIENT,
        session: Session { slot: 0, index: 0 },
        number: count,
        operation: Operation::Event { event },
        is_last: false,
    };
    Arc::new(Submission { origin, number: number(count), after: number(count - 1), request })
}

/// A history near the numbers at which something may break.
pub(super) fn draw(draws: &mut Draws, config: &Config) -> History {
    let near = |draws: &mut Draws, all: &[u64], by: u64| {
        let at = draws.one_of(all).copied().unwrap_or_default();
        draws.between(at.saturating_sub(by), at + by)
    };
    let starts = near(draws, &STARTS, 3);
    let rounds = near(draws, &STARTS, 3);
    let slots = near(draws, &SLOTS, 40).max(1);
    let (is_kept, kept) = (draws.one_in(4), near(draws, &KEPT, 20));
    let is_open = draws.one_in(2);
    let open = if is_open { config.window } else { 0 };
    let kept = if is_kept { kept.min(slots - 1) } else { 0 };
    History { starts, rounds, slots, kept, open }
}
