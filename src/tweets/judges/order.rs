//! Checks that every origin's submissions have one order:
//!
//! - No two of them share a number, wherever they appear (in a durable queue, forwarded, proposed, or chosen).
//! - Each names a predecessor below itself and an incarnation that has begun.
//! - No other site brings a submission up before its origin has made it durable, forwarded or proposed it.
//! - An origin's durable queue only grows, and each submission names the last one, or a later one, as its predecessor.
//!
//! Does not check which submissions take effect. That the fold takes them in ascending order is the rule of `naive`,
//! with which `timelines` and `exactly_once` compare the sites.

use alloc::sync::Arc;
use core::fmt;

use crate::ids::{SITES_MAX, SiteId};
use crate::replicated::paxos::{self, Slot};
use crate::sim::Violation;
use crate::tweets::judges::shelf::CowMap;
use crate::tweets::judges::{FactKinds, JudgeContext, SeenFact};
use crate::tweets::site::{Message, Number, Record, Submission};

const PROPERTY: &str = "order";

/// The judge.
#[derive(Clone, Debug, Default)]
pub struct OrderJudge {
    /// By origin.
    submissions: [CowMap<Number, Arc<Submission>>; SITES_MAX as usize],
    queues: [OriginQueue; SITES_MAX as usize],
    /// The end of the part of the chosen log that is checked.
    looked: Slot,
}

#[derive(Clone, Copy, Debug, Default)]
struct OriginQueue {
    incarnation: u64,
    last: Number,
}

impl OrderJudge {
    pub(super) const LOOKS_AT: FactKinds =
        FactKinds::STARTED.and(FactKinds::DURABLE).and(FactKinds::PAXOS).and(FactKinds::HANDED_ON);

    #[inline(never)]
    pub(super) fn look(&mut self, known: JudgeContext<'_>, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Started { process, incarnation, .. } => {
                if let Some(site) = process.as_site() {
                    self.queues[site.index()].incarnation = incarnation;
                }
            }
            SeenFact::Durable { site, records } => {
                for record in records {
                    for submission in record.taken_by(site) {
                        let last = self.queues[site.index()].last;
                        // What a leader proposes it may have queued before.
                        if matches!(record, Record::Taken { .. }) || submission.number > last {
                            self.on_taken(site, submission)?;
                        }
                        self.see(submission, Some(site))?;
                    }
                }
            }
            SeenFact::Left { from, message: Message::Forward { submission }, .. } => {
                self.see(submission, from.as_site())?;
            }
            SeenFact::Left { message: Message::Relay { submission }, .. } => self.see(submission, None)?,
            SeenFact::Left { from, message: Message::Paxos { message }, .. } => {
                let paxos::PaxosMessage::Accept { entry, .. } = message else { return Ok(()) };
                entry.values().iter().try_for_each(|submission| self.see(submission, from.as_site()))?;
            }
            SeenFact::Left { .. } | SeenFact::Own { .. } => {}
        }
        if self.looked < known.log.end() {
            for (_, submission) in known.log.submissions_from(self.looked) {
                self.see(submission, None)?;
            }
            self.looked = known.log.end();
        }
        Ok(())
    }

    fn on_taken(&mut self, site: SiteId, submission: &Arc<Submission>) -> Result<(), Violation> {
        let Submission { origin, number, after, .. } = **submission;
        ensure!(origin == site, PROPERTY, "{site} queued submission {number} of {origin} as its own");
        self.see(submission, Some(site))?;
        let last = self.queues[site.index()].last;
        ensure!(
            last < number && last <= after,
            PROPERTY,
            "{site} queued submission {number} after {after}, but the last in its queue is {last}"
        );
        self.queues[site.index()].last = number;
        Ok(())
    }

    /// A submission appears: queued or sent by `by`, or relayed or chosen if `by` is `None`.
    fn see(&mut self, submission: &Arc<Submission>, by: Option<SiteId>) -> Result<(), Violation> {
        let Submission { origin, number, after, .. } = **submission;
        if let Some(seen) = self.submissions[origin.index()].get(&number) {
            ensure!(
                seen == submission,
                PROPERTY,
                "submission {number} of {origin} is both \"{}\" after {} and \"{}\" after {after}",
                seen.request,
                seen.after,
                submission.request
            );
            return Ok(());
        }
        ensure!(
            after < number,
            PROPERTY,
            "submission {number} of {origin} names {after} as the one before it"
        );
        let incarnation = self.queues[origin.index()].incarnation;
        ensure!(
            number.count > 0 && (1..=incarnation).contains(&number.incarnation),
            PROPERTY,
            "submission {number} of {origin} belongs to no incarnation up to {incarnation}"
        );
        ensure!(
            by == Some(origin),
            PROPERTY,
            "submission {number} of {origin}, \"{}\", is {}, but {origin} never brought it up",
            submission.request,
            Where(by)
        );
        self.submissions[origin.index()].insert(number, submission.clone());
        Ok(())
    }
}

struct Where(Option<SiteId>);

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(site) => write!(f, "sent by {site}"),
            None => f.write_str("chosen"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tweets::judges::stage::{Stage, accept, accepted, numbered, objects, site, taken, tweet};

    const S0: SiteId = SiteId::new(0).unwrap();

    #[test]
    fn a_queue_that_grows_across_a_restart_passes() {
        let mut stage = Stage::new(3);
        let first = numbered(0, (1, 1), (0, 0), tweet(1, "a"));
        let second = numbered(0, (2, 1), (1, 1), tweet(2, "b"));
        stage.asked(&first.request);
        stage.asked(&second.request);
        stage.durable(S0, &[taken(&first)]).unwrap();
        stage.started(S0, 2, &[taken(&first)]).unwrap();
        stage.durable(S0, &[taken(&second)]).unwrap();
    }

    #[test]
    fn a_number_used_again_after_a_restart_is_caught() {
        let mut stage = Stage::new(3);
        let unsynced = numbered(0, (1, 1), (0, 0), tweet(1, "a"));
        let again = numbered(0, (1, 1), (0, 0), tweet(2, "b"));
        stage.asked(&unsynced.request);
        stage.asked(&again.request);
        stage.prepared(S0, 1);
        stage.sent_by(S0, accept(1, 0, 0, &[&unsynced])).unwrap();
        stage.started_as_it_was(S0, 2);
        let result = stage.durable(S0, &[taken(&again)]);
        objects(result, "order", "submission 1.1 of S0 is both");
    }

    #[test]
    fn a_submission_made_up_in_anothers_name_is_caught() {
        let invented = numbered(1, (1, 1), (0, 0), tweet(1, "a"));
        let mut stage = Stage::new(3);
        stage.asked(&invented.request);
        stage.prepared(S0, 1);
        let result = stage.sent_by(S0, accept(1, 0, 0, &[&invented]));
        objects(
            result,
            "order",
            "submission 1.1 of S1, \"ann: a\", is sent by S0, but S1 never brought it up",
        );
        let mut stage = Stage::new(3);
        stage.asked(&invented.request);
        let record = accepted(1, 0, 0, &[&invented]);
        stage.durable(S0, core::slice::from_ref(&record)).unwrap();
        let result = stage.durable(site(2), &[record]);
        objects(result, "order", "submission 1.1 of S1, \"ann: a\", is chosen, but S1 never brought it up");
        let mut stage = Stage::new(3);
        stage.asked(&invented.request);
        stage.prepared(S0, 1);
        stage.durable(site(1), &[taken(&invented)]).unwrap();
        stage.sent_by(S0, accept(1, 0, 0, &[&invented])).unwrap();
    }

    #[test]
    fn a_queue_that_skips_back_is_caught() {
        let check = |second: (u64, u64), after: (u64, u64), sentence: &str| {
            let mut stage = Stage::new(3);
            let first = numbered(0, (1, 2), (1, 1), tweet(1, "a"));
            let second = numbered(0, second, after, tweet(2, "b"));
            stage.asked(&first.request);
            stage.asked(&second.request);
            stage.durable(S0, &[taken(&first)]).unwrap();
            objects(stage.durable(S0, &[taken(&second)]), "order", sentence);
        };
        check((1, 1), (0, 0), "S0 queued submission 1.1 after 0.0, but the last in its queue is 1.2");
        check((1, 3), (1, 1), "S0 queued submission 1.3 after 1.1, but the last in its queue is 1.2");
        check((1, 3), (1, 3), "submission 1.3 of S0 names 1.3 as the one before it");
        check((2, 1), (1, 2), "submission 2.1 of S0 belongs to no incarnation up to 1");
    }
}
