//! The journals of sites that have existed for a long time.
//!
//! 1. Every site holds the same: a cluster in which all went well, until its power failed.
//! 2. The chosen slots that the log still holds are no-ops.
//! 3. The open slots above them hold tweets of sessions that were opened, and evicted, before the log begins: every
//!    site that applies them reports that they expired. So they leave no tweets, and no client waits for them.

use alloc::sync::Arc;

use crate::ids::{ProcessId, SiteId};
use crate::replicated::paxos::{Ballot, Entry, PaxosRecord, Slot};
use crate::scenario::draw::Draws;
use crate::scenario::{PastLife, Place, Problem, Shape};
use crate::tweets::site::{Config, Number, Operation, Record, Request, Session, Submission};
use crate::tweets::timeline::{Event, Text};

/// Near these values a number needs one byte more or less.
const SLOTS: [u64; 4] = [127, 16_383, 65_535, 1 << 32];
const STARTS: [u64; 4] = [127, 255, 65_535, 1 << 32];

/// Kept slots. At the first two a chunk of a log is sealed; the third is the most digests that a site keeps.
const KEPT: [u64; 3] = [256, 512, 1_024];

/// The client of the open tweets; no client of a scenario has this number.
const CLIENT: ProcessId = ProcessId::Client(u16::MAX);

/// The journal of each site, or what is wrong with `history`.
pub(super) fn journals(
    config: &Config,
    shape: &Shape,
    history: &PastLife,
) -> Result<Vec<Vec<Record>>, Vec<Problem>> {
    let PastLife { starts, rounds, slots, kept, open } = *history;
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
    let accepted = |slot, entry| PaxosRecord::Accepted { ballot, slot: Slot(slot), entry, is_new: false };
    let mut facts = Vec::new();
    facts.extend((first > 0).then_some(PaxosRecord::Begins(Slot(first))));
    facts.extend((rounds > 0 || slots > 0).then_some(PaxosRecord::Promised(ballot)));
    facts.extend((first..slots).map(|slot| accepted(slot, Entry::noop())));
    let values = asked.iter().map(|submission| Entry::of([Arc::clone(submission)]));
    facts.extend((slots..).zip(values).map(|(slot, entry)| accepted(slot, entry)));
    facts.extend((kept > 0).then_some(PaxosRecord::Chosen(Slot(slots))));
    let journal = |site: SiteId| {
        let mut records: Vec<Record> =
            facts.iter().map(|record| Record::Paxos { record: record.clone() }).collect();
        if site == leader {
            // The leader took the submissions before it proposed them.
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

/// The tweet of this number that `origin` took in its last start: of the largest size.
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
pub(super) fn draw(draws: &mut Draws, config: &Config) -> PastLife {
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
    PastLife { starts, rounds, slots, kept, open }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::draw::draw;
    use crate::scenario::{Profile, Run, RunOptions, Scenario, plan, read};
    use crate::sim::Chance;
    use crate::tweets::service::Timelines;

    fn scenario(history: &str) -> Scenario<Timelines> {
        let text = format!("Scenario(about: \"x\", sites: 3, history: ({history}))");
        read("test.ron", &text).unwrap_or_else(|bad| panic!("{bad}"))
    }

    #[test]
    fn sites_begin_where_their_history_ended() {
        let scenario = scenario("starts: 300, rounds: 70000, slots: 66000, kept: 300, open: 32");
        let mut run = Run::<Timelines>::new(&scenario, &RunOptions::default()).unwrap();
        while run.world().sites().iter().any(|site| run.world().process(site.into()).is_none()) {
            run.step();
        }
        for site in run.world().sites().iter() {
            let process = run.world().process(site.into()).and_then(|process| process.as_site()).unwrap();
            let (log, status) = (process.log(), process.status());
            assert_eq!((log.first(), log.end()), (Slot(65_700), Slot(66_032)), "{site}");
            assert_eq!((status.chosen, status.applied), (Slot(66_000), Slot(66_000)), "{site}");
            assert_eq!(status.ballot, Ballot { round: 70_000, site: SiteId::default() }, "{site}");
        }
        run.finish();
        assert!(run.verdict().is_some_and(|verdict| verdict.is_pass()), "{:?}", run.verdict());
    }

    #[test]
    fn the_first_start_of_a_run_is_no_restart() {
        let text = r#"Scenario(about: "x", sites: 3, history: (starts: 300, slots: 9),
            steps: [At("2s", Crash(Site(1))), At("3s", Restart(Site(1)))], expect: [EXPECTED])"#;
        let verdict = |expected: &str| {
            let scenario = read::<Timelines>("test.ron", &text.replace("EXPECTED", expected));
            let scenario = scenario.unwrap_or_else(|bad| panic!("{bad}"));
            let mut run = Run::new(&scenario, &RunOptions::default()).unwrap();
            run.finish();
            run.verdict().is_some_and(|verdict| verdict.is_pass())
        };
        assert!(verdict("Never(Restarted(Site(0)))") && verdict("Sometimes(Restarted(Site(1)))"));
    }

    /// A promise of the open slots fills many datagrams.
    #[test]
    fn what_is_open_takes_more_than_sixteen_kilobytes() {
        let plan = plan(&scenario("slots: 1, open: 32")).unwrap();
        let records = plan.journals.iter().map(|(_, journal)| &journal.records);
        let bytes = |records: &Vec<Record>| {
            let is_taken = |record: &&Record| matches!(record, Record::Taken { .. });
            records.iter().filter(|record| !is_taken(record)).map(crate::wire::Wire::size).sum::<usize>()
        };
        assert!(records.clone().all(|records| bytes(records) > 16 << 10), "{:?}", records.map(bytes));
    }

    #[test]
    fn a_history_that_nobody_can_have_had_is_answered_in_place() {
        let wrong = |history: &str, message: &str, help: &str| {
            let text =
                format!("Scenario(about: \"x\", sites: 3, settings: (window: 8), history: ({history}))");
            let bad = read::<Timelines>("wrong.ron", &text).map(|_| panic!("accepted: {text}")).unwrap_err();
            let found = &bad.diagnostics[0];
            assert!(bad.diagnostics.len() == 1 && found.message == message, "{bad}");
            assert!(found.help.as_deref().is_some_and(|found| found.contains(help)), "{bad}");
        };
        wrong("slots: 5, kept: 6", "the logs still hold 6 of 5 slots", "5 at most");
        wrong("slots: 5000, kept: 5000", "the logs still hold 5000 of 5000 slots", "4096 at most");
        wrong("slots: 9, open: 9", "9 open slots", "8 at most, the `window` of a leader");
        let before = "what is open belongs to sessions that ended before the log begins";
        wrong("open: 8", before, "`slots` above `kept`");
        wrong("slots: 9, kept: 9, open: 8", before, "`slots` above `kept`");
        wrong("starts: 2000000000000", "a history of 2000000000000 starts", "1099511627776 at most");
    }

    #[test]
    fn histories_are_drawn_as_often_as_a_profile_says() {
        // A calm run has no history.
        let percent = |numerator| Chance { numerator, denominator: 100 };
        let profile =
            |numerator| Profile { histories: percent(numerator), calm: percent(0), ..Profile::default() };
        let drawn = |profile: &Profile, seed| draw::<Timelines>(profile, seed).unwrap();
        let (all, none) = (profile(100), profile(0));
        for seed in 0..200 {
            let (old, fresh) = (drawn(&all, seed), drawn(&none, seed));
            assert!(plan(&old).is_ok() && !old.history.is_none() && fresh.history.is_none(), "{seed}");
            assert_eq!((old.network, old.disk, old.settings), (fresh.network, fresh.disk, fresh.settings));
        }
    }
}
