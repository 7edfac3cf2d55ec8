//! Judges a cluster seen from outside, from what its clients did and received and from its sites' journals at the end.
//! It is for real sites, whose inside is not observed while they run.
//!
//! The judges are those of a simulation, fed in another order: first everything that was ever asked, then the journals,
//! then the clients' events in the order in which they happened, compared with the whole chosen log.
//!
//! Judged: validity, agreement, order and acknowledgements; exactly once; sessions; timelines; linearizability;
//! durability as far as journals show it. Not judged, because it is not observed: messages between sites, whether an
//! answer left before its sync (what is durable at the end counts as durable all along), and the order in which a
//! site's answers left (`prefix`). A submission that its origin proposed and lost in a crash is taken as brought up by
//! that origin; whether a client asked for it is judged all the same.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId};
use crate::process::Recipients;
use crate::replicated::paxos::{self, Slot};
use crate::sim::Violation;
use crate::time::Instant;
use crate::tweets::judges::{
    Acknowledged, Agreement, ChosenLog, Durability, ExactlyOnce, JudgeContext, Linearizable, LogEntry, Model,
    OrderJudge, SeenFact, SessionJudge, TimelineJudge, Validity, begins, timelines,
};
use crate::tweets::site::{Command, Message, Note, Number, Record, Submission};
use crate::tweets::timeline::{Tweet, User};

/// A client's event.
#[derive(Clone, Debug)]
pub enum ClientEvent {
    /// A user gave a command.
    Commanded(Command),
    /// The client received a message of a site.
    Received(SiteId, Message),
    /// The client reported to its user.
    Noted(Note),
    /// The client sent a message to a site.
    Sent(SiteId, Message),
}

/// A site's journal at the end.
#[derive(Clone, Debug)]
pub struct FinalJournal {
    /// The site.
    pub site: SiteId,
    /// The number of starts of the site.
    pub incarnation: u64,
    /// In the order in which they were written.
    pub records: Vec<Record>,
}

/// The result of judging a cluster.
#[derive(Clone)]
pub struct Outside {
    agreement: Agreement,
    model: Model,
    durability: Durability,
    order: OrderJudge,
    acknowledged: Acknowledged,
    unknown: Vec<alloc::string::String>,
    lost_in_crashes: usize,
}

impl core::fmt::Debug for Outside {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Outside").field("log", self.log()).finish_non_exhaustive()
    }
}

impl Outside {
    /// Judges a cluster of `sites` sites with room for `sessions_max` sessions. `history` is in the order in which it
    /// happened.
    pub fn judge(
        sites: u8,
        sessions_max: usize,
        history: &[(Instant, ProcessId, ClientEvent)],
        disks: &[FinalJournal],
    ) -> Result<Outside, Violation> {
        let mut outside = Outside {
            agreement: Agreement::new(sites),
            model: Model::new(sessions_max),
            durability: Durability::default(),
            order: OrderJudge::default(),
            acknowledged: Acknowledged::default(),
            unknown: Vec::new(),
            lost_in_crashes: 0,
        };
        for (_, client, seen) in history {
            if let ClientEvent::Sent(site, message @ Message::Request { .. }) = seen {
                let to = Recipients::One((*site).into());
                let fact = SeenFact::Left { from: *client, to, message };
                let known = JudgeContext { log: outside.agreement.log(), model: &outside.model };
                outside.acknowledged.look(known, &fact)?;
            }
        }
        outside.read(disks)?;
        outside.follow(history)?;
        Ok(outside)
    }

    /// The chosen log.
    pub fn log(&self) -> &ChosenLog {
        self.agreement.log()
    }

    /// The fold of the chosen log.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What could not be judged within its bounds, one sentence each.
    pub fn unknown(&self) -> &[alloc::string::String] {
        &self.unknown
    }

    /// The number of chosen submissions that their origins lost in a crash.
    pub fn lost_in_crashes(&self) -> usize {
        self.lost_in_crashes
    }

    /// Compares the state of `site` with the chosen log and its fold, as
    /// [`Judges::check_site`](crate::tweets::judges::Judges::check_site) does.
    pub fn check_site<'a>(
        &self,
        site: SiteId,
        applied: Slot,
        tweets: impl IntoIterator<Item = Tweet>,
        blocks: impl IntoIterator<Item = (&'a User, &'a User)>,
        log: impl IntoIterator<Item = (Slot, &'a LogEntry)>,
    ) -> Result<(), Violation> {
        let known = JudgeContext { log: self.agreement.log(), model: &self.model };
        timelines::check_site(known, site, applied, tweets, blocks, log)
    }

    fn read(&mut self, disks: &[FinalJournal]) -> Result<(), Violation> {
        if let Some(first) = disks.iter().find_map(|disk| begins(&disk.records)) {
            self.agreement.begin_at(first);
        }
        for FinalJournal { site, incarnation, .. } in disks {
            let (process, incarnation) = (ProcessId::from(*site), *incarnation);
            self.look(&SeenFact::Started { process, incarnation, recovered: &[] })?;
        }
        self.feed_all(disks, |record| begins(core::slice::from_ref(record)).is_some())?;
        self.bring_up_what_was_proposed(disks)?;
        self.feed_votes(disks)?;
        // Records about the chosen log come after the votes of all sites: lessons, then marks.
        self.feed_all(disks, |record| {
            matches!(record, Record::Paxos { record: paxos::PaxosRecord::Learned { .. } })
        })?;
        self.feed_all(disks, |record| {
            matches!(record, Record::Paxos { record: paxos::PaxosRecord::Chosen(_) })
        })
    }

    fn feed_all(
        &mut self,
        disks: &[FinalJournal],
        is_wanted: impl Fn(&Record) -> bool,
    ) -> Result<(), Violation> {
        disks.iter().try_for_each(|disk| {
            let mut wanted = disk.records.iter().filter(|record| is_wanted(record));
            wanted.try_for_each(|record| self.feed(disk.site, record))
        })
    }

    /// Promises, accepts and what was taken, each site's in their order: an accept may take what comes after, or rest on
    /// what was taken before. The next record is from the site whose next accept is for the lowest slot, so that what is
    /// chosen keeps up with what is proposed.
    fn feed_votes(&mut self, disks: &[FinalJournal]) -> Result<(), Violation> {
        let votes = |record: &&Record| match record {
            Record::Paxos {
                record: paxos::PaxosRecord::Promised(_) | paxos::PaxosRecord::Accepted { .. },
            }
            | Record::Taken { .. } => true,
            Record::Paxos {
                record:
                    paxos::PaxosRecord::Learned { .. }
                    | paxos::PaxosRecord::Chosen(_)
                    | paxos::PaxosRecord::Begins(_),
            } => false,
        };
        let slot = |record: &Record| match record {
            Record::Paxos { record: paxos::PaxosRecord::Accepted { slot, .. } } => *slot,
            _ => Slot(0),
        };
        let mut rest: Vec<_> =
            disks.iter().map(|disk| (disk.site, disk.records.iter().filter(votes).peekable())).collect();
        loop {
            let next = rest.iter_mut().filter_map(|(site, votes)| Some((slot(votes.peek()?), *site))).min();
            let Some((_, site)) = next else { return Ok(()) };
            let its = rest.iter_mut().find(|(other, _)| *other == site);
            if let Some(record) = its.and_then(|(_, votes)| votes.next()) {
                self.feed(site, record)?;
            }
        }
    }

    fn feed(&mut self, site: SiteId, record: &Record) -> Result<(), Violation> {
        self.look(&SeenFact::Durable { site, records: core::slice::from_ref(record) })
    }

    fn look(&mut self, fact: &SeenFact<'_>) -> Result<(), Violation> {
        self.agreement.look(fact)?;
        if self.model.folded() < self.agreement.log().end() {
            self.model.advance(self.agreement.log());
        }
        let known = JudgeContext { log: self.agreement.log(), model: &self.model };
        self.durability.look(known, fact)?;
        self.order.look(known, fact)?;
        self.acknowledged.look(known, fact)
    }

    /// Brings up what was proposed, before any vote for it is fed, also what its origin lost in a crash: a leader may
    /// propose a submission of its own before it is durable.
    fn bring_up_what_was_proposed(&mut self, disks: &[FinalJournal]) -> Result<(), Violation> {
        let of = |submission: &Arc<Submission>| (submission.origin, submission.number);
        let mut queued: BTreeSet<(SiteId, Number)> = BTreeSet::new();
        for FinalJournal { site, records, .. } in disks {
            queued.extend(records.iter().flat_map(|record| record.taken_by(*site)).map(of));
        }
        let mut brought = BTreeSet::new();
        for record in disks.iter().flat_map(|disk| &disk.records) {
            let Record::Paxos { record: paxos::PaxosRecord::Accepted { entry, .. } } = record else {
                continue;
            };
            for submission in entry.values() {
                if brought.insert(of(submission)) {
                    self.lost_in_crashes += usize::from(!queued.contains(&of(submission)));
                    self.bring_up(submission)?;
                }
            }
        }
        Ok(())
    }

    fn bring_up(&mut self, submission: &Arc<Submission>) -> Result<(), Violation> {
        let (from, submission) = (submission.origin.into(), Arc::clone(submission));
        let message = &Message::Forward { submission };
        let fact = SeenFact::Left { from, to: Recipients::One(from), message };
        let known = JudgeContext { log: self.agreement.log(), model: &self.model };
        self.order.look(known, &fact)
    }

    fn follow(&mut self, history: &[(Instant, ProcessId, ClientEvent)]) -> Result<(), Violation> {
        let (mut validity, mut sessions) = (Validity::default(), SessionJudge::default());
        let (mut timelines, mut linearizable) = (TimelineJudge::default(), Linearizable::default());
        for (now, client, seen) in history {
            let (now, client) = (*now, *client);
            let known = JudgeContext { log: self.agreement.log(), model: &self.model };
            match seen {
                ClientEvent::Commanded(command) => {
                    validity.on_commanded(client, command);
                    linearizable.on_commanded(now, client, command);
                }
                ClientEvent::Sent(site, message) => {
                    let fact = SeenFact::Left { from: client, to: Recipients::One((*site).into()), message };
                    validity.look(&fact)?;
                    sessions.look(&fact)?;
                    timelines.look(known, &fact)?;
                    linearizable.look(now, &fact);
                }
                ClientEvent::Received(site, message) => {
                    let from = (*site).into();
                    let fact = SeenFact::Left { from, to: Recipients::One(client), message };
                    self.agreement.look(&fact)?;
                    let known = JudgeContext { log: self.agreement.log(), model: &self.model };
                    self.durability.look(known, &fact)?;
                    self.acknowledged.look(known, &fact)?;
                    ExactlyOnce.look(known, &fact)?;
                    sessions.look(&fact)?;
                    timelines.look(known, &fact)?;
                    validity.on_client_received(client, message);
                    sessions.on_client_received(client, message);
                }
                ClientEvent::Noted(note) => {
                    validity.on_noted(client, note)?;
                    Acknowledged::on_noted(known, client, note)?;
                    linearizable.on_noted(known, now, client, note)?;
                }
            }
        }
        self.unknown.extend(linearizable.unknown());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tweets::judges::stage::{
        C1, accepted, applied, numbered, objects, open, proposed, site, taken, tweet,
    };
    use crate::tweets::site::{Answer, Operation, Request};
    use crate::tweets::timeline::TimelineOutcome;
    use alloc::vec;

    type History = Vec<(Instant, ProcessId, ClientEvent)>;

    /// C1 opens a session and tweets. Two of three sites accept, and the third learns nothing.
    fn run() -> (History, Vec<FinalJournal>) {
        let (opening, tweeting) = (open(1), tweet(1, "a"));
        let Request::Execute { operation, .. } = tweeting.clone() else { unreachable!() };
        let sent =
            |request: &Request| ClientEvent::Sent(site(0), Message::Request { request: request.clone() });
        let received = |message| ClientEvent::Received(site(0), message);
        let at = crate::tweets::timeline::Position { slot: 1, index: 0 };
        let steps = [
            ClientEvent::Commanded(Command::Do(operation.clone())),
            sent(&opening),
            received(applied(&opening, (0, 0), Answer::Opened)),
            sent(&tweeting),
            received(applied(&tweeting, (1, 0), Answer::Of(TimelineOutcome::Done))),
            ClientEvent::Noted(Note::Done(at, operation, Answer::Of(TimelineOutcome::Done))),
        ];
        let history = (0..).zip(steps).map(|(at, seen)| (Instant::from_micros(at), C1, seen)).collect();
        let first = numbered(0, (1, 1), (0, 0), opening);
        let second = numbered(0, (1, 2), (1, 1), tweeting);
        let votes = [accepted(1, 0, 0, &[&first]), accepted(1, 0, 1, &[&second])];
        let own = [taken(&first), taken(&second)];
        let disk = |number: u8, records: &[&[Record]]| FinalJournal {
            site: site(number),
            incarnation: 1,
            records: records.concat(),
        };
        (history, vec![disk(0, &[&own, &votes]), disk(1, &[&votes]), disk(2, &[])])
    }

    fn judge((history, disks): &(History, Vec<FinalJournal>)) -> Result<Outside, Violation> {
        Outside::judge(3, 100, history, disks)
    }

    #[test]
    fn what_the_disks_hold_and_the_client_was_told_fits() {
        let judged = judge(&run()).unwrap();
        assert_eq!((judged.log().end(), judged.lost_in_crashes()), (Slot(2), 0));
        let end = crate::tweets::timeline::Position { slot: 2, index: 0 };
        assert_eq!(judged.model().tweets_before(end).count(), 1);
        let mut crashed = run();
        crashed.1[0].records.remove(1);
        assert_eq!(judge(&crashed).unwrap().lost_in_crashes(), 1);
    }

    #[test]
    fn what_a_leader_took_is_read_in_the_order_of_its_journal() {
        let mut run = run();
        let [first, second] = [0, 1].map(|place| match &run.1[0].records[place] {
            Record::Taken { submission } => Arc::clone(submission),
            Record::Paxos { .. } => unreachable!(),
        });
        let vote = run.1[0].records[3].clone();
        run.1[0].records = vec![proposed(1, 0, 0, &[&first]), taken(&second), vote];
        judge(&run).unwrap();
        run.1[0].records.swap(0, 1);
        let sentence = "slot 0: S0 proposed its submission 1.1 for the first time, which it never took";
        objects(judge(&run).map(|_| ()), "durability", sentence);
    }

    #[test]
    fn an_acknowledged_event_that_a_disk_lost_is_caught() {
        let mut run = run();
        run.1[1].records.pop();
        let result = judge(&run).map(|_| ());
        objects(result, "agreement", "S0 answered from everything below 2, but nothing is chosen in slot 1");
    }

    #[test]
    fn disks_that_disagree_are_caught() {
        let mut run = run();
        let other = numbered(0, (1, 2), (1, 1), tweet(1, "b"));
        run.1[1].records[1] = accepted(1, 0, 1, &[&other]);
        objects(judge(&run).map(|_| ()), "agreement", "slot 1: both \"ann: a\" (1.2 of S0) and \"ann: b\"");
    }

    #[test]
    fn what_no_client_asked_is_caught() {
        let mut run = run();
        run.0.retain(|(_, _, seen)| {
            !matches!(seen, ClientEvent::Sent(_, Message::Request { request: Request::Execute { .. } }))
        });
        objects(judge(&run).map(|_| ()), "acknowledged", "S0 queued \"ann: a\" as submission 1.2");
    }

    #[test]
    fn a_client_that_is_told_another_operation_is_caught() {
        let mut run = run();
        let event = crate::tweets::timeline::Event::Tweet {
            user: "ann".parse().unwrap(),
            text: "z".parse().unwrap(),
        };
        let operation = Operation::Event { event };
        let at = crate::tweets::timeline::Position { slot: 1, index: 0 };
        run.0[5].2 = ClientEvent::Noted(Note::Done(at, operation, Answer::Of(TimelineOutcome::Done)));
        objects(judge(&run).map(|_| ()), "acknowledged", "C1 says that \"ann: z\" is done at 1.0");
    }
}
