//! The judges of the tweet service: they compare what left its sites with what became durable there.
//!
//! They only watch, and know nothing but observations decoded from bytes. No judge calls the code that it judges:
//! [`chosen`] derives what is chosen from durable accepts, and [`naive`] derives its meaning from the rules alone.
//!
//! 1. [`validity`] looks at clients alone. [`agreement`] comes next; whatever it lets pass, the others may take as
//!    chosen.
//! 2. The chosen log and its fold are computed once and passed to every judge as [`JudgeContext`].
//! 3. Once storage is restored to an earlier state, nothing more is judged: the protocol does not survive amnesia.
//! 4. Each judge says which kinds of facts it looks at, and is asked about no others. Most facts are heartbeats.
//! 5. A message is judged when it leaves its sender, whatever happens to it afterwards. A site's message to itself is
//!    judged when it is about to be counted.

pub mod acknowledged;
pub mod agreement;
pub mod chosen;
pub mod costs;
mod describe;
pub mod digests;
pub mod durability;
pub mod exactly_once;
mod kinds;
pub mod linearizable;
pub mod naive;
pub mod order;
pub mod outside;
pub mod pages;
pub mod prefix;
mod prints;
pub mod sessions;
pub mod shelf;
#[cfg(test)]
mod stage;
pub mod status;
pub mod timelines;
pub mod times;
pub mod validity;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::{ProcessId, SiteId};
use crate::process::{Process, Recipients, Recovered};
use crate::replicated::paxos::{self, Slot};
use crate::sim::{Judge, Observation, ObservationKinds, Violation};
use crate::time::Instant;
use crate::tweets::site::{Command, Message, Note, Query, Record};
use crate::tweets::timeline::{Tweet, User};

pub use acknowledged::Acknowledged;
pub use agreement::Agreement;
pub use chosen::{ChosenLog, LogEntry};
pub use costs::Costs;
pub use digests::DigestJudge;
pub use durability::Durability;
pub use exactly_once::ExactlyOnce;
pub(crate) use kinds::FactKinds;
pub use linearizable::Linearizable;
pub use naive::Model;
pub use order::OrderJudge;
pub use outside::Outside;
pub use prefix::Prefix;
pub use sessions::SessionJudge;
pub use status::Statuses;
pub use timelines::TimelineJudge;
pub use times::Times;
pub use validity::Validity;

/// All judges of the service, in a fixed order.
#[derive(Clone)]
pub struct Judges {
    validity: Validity,
    agreement: Agreement,
    prefix: Prefix,
    model: Model,
    digests: DigestJudge,
    durability: Durability,
    order: OrderJudge,
    acknowledged: Acknowledged,
    exactly_once: ExactlyOnce,
    sessions: SessionJudge,
    timelines: TimelineJudge,
    linearizable: Linearizable,
    statuses: Statuses,
    /// Present where a scenario bounds times.
    times: Option<Times>,
    /// Present where a scenario bounds costs.
    costs: Option<Costs>,
    /// Storage was restored to an earlier state: promises need not hold any more, and nothing is judged.
    is_forgotten: bool,
}

impl fmt::Debug for Judges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judges").field("log", self.log()).finish_non_exhaustive()
    }
}

/// What every judge may take for granted.
#[derive(Clone, Copy, Debug)]
pub struct JudgeContext<'a> {
    /// The chosen log.
    pub log: &'a ChosenLog,
    /// The fold of the chosen log.
    pub model: &'a Model,
}

/// An observation in the form that judges need.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SeenFact<'a> {
    /// A process started with these records.
    Started { process: ProcessId, incarnation: u64, recovered: &'a [Record] },
    /// Records became durable, or a restart found them to be durable.
    Durable { site: SiteId, records: &'a [Record] },
    /// A message left its sender.
    Left { from: ProcessId, to: Recipients, message: &'a Message },
    /// A message of a site to itself is about to be counted.
    Own { site: SiteId, message: &'a Message },
}

impl Judges {
    /// Judges for a cluster of `sites` sites whose replicated state has room for `sessions_max` sessions.
    pub fn new(sites: u8, sessions_max: usize) -> Judges {
        Judges {
            validity: Validity::default(),
            agreement: Agreement::new(sites),
            prefix: Prefix::default(),
            model: Model::new(sessions_max),
            digests: DigestJudge::default(),
            durability: Durability::default(),
            order: OrderJudge::default(),
            acknowledged: Acknowledged::default(),
            exactly_once: ExactlyOnce,
            sessions: SessionJudge::default(),
            timelines: TimelineJudge::default(),
            linearizable: Linearizable::default(),
            statuses: Statuses::default(),
            times: None,
            costs: None,
            is_forgotten: false,
        }
    }

    /// From this call on, also judges times and costs of a cluster of `sites` sites.
    pub fn hold_to_bounds(&mut self, sites: u8, bounds: times::Bounds, budget: costs::CostBudget) {
        self.times = Some(Times::new(sites, bounds));
        self.costs = Some(Costs::new(budget));
    }

    /// Takes in the journals of the sites before their first start, each with its site and its number of earlier
    /// starts. Every request in them counts as asked.
    ///
    /// # Errors
    /// When the journals contradict each other.
    pub fn recall(&mut self, journals: &[(SiteId, Recovered<Record>)]) -> Result<(), Violation> {
        if let Some(first) = journals.iter().find_map(|(_, journal)| begins(&journal.records)) {
            self.agreement.begin_at(first);
        }
        let is_mark =
            |record: &Record| matches!(record, Record::Paxos { record: paxos::PaxosRecord::Chosen(_) });
        for (site, journal) in journals {
            let (process, incarnation) = (ProcessId::from(*site), journal.incarnation);
            self.look(Instant::ZERO, &SeenFact::Started { process, incarnation, recovered: &[] })?;
            for submission in journal.records.iter().flat_map(|record| record.taken_by(*site)) {
                let request = submission.request.clone();
                let (from, to) = (request.client(), Recipients::One(process));
                let asked = SeenFact::Left { from, to, message: &Message::Request { request } };
                let known = JudgeContext { log: self.agreement.log(), model: &self.model };
                self.acknowledged.look(known, &asked)?;
            }
        }
        // A mark is checked against the chosen log, which needs the accepts of all sites, so marks come last.
        for is_last in [false, true] {
            for (site, journal) in journals {
                for record in journal.records.iter().filter(|record| is_mark(record) == is_last) {
                    let records = core::slice::from_ref(record);
                    self.look(Instant::ZERO, &SeenFact::Durable { site: *site, records })?;
                }
            }
        }
        Ok(())
    }

    /// The log chosen so far.
    pub fn log(&self) -> &ChosenLog {
        self.agreement.log()
    }

    /// The fold of the chosen log.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Compares the state of `site` with the chosen log and its fold, at the end of a run.
    ///
    /// `applied` is how far the site reports to have applied the log; `log` is its contiguous chosen prefix.
    pub fn check_site<'a>(
        &self,
        site: SiteId,
        applied: Slot,
        tweets: impl IntoIterator<Item = Tweet>,
        blocks: impl IntoIterator<Item = (&'a User, &'a User)>,
        log: impl IntoIterator<Item = (Slot, &'a LogEntry)>,
    ) -> Result<(), Violation> {
        if self.is_forgotten {
            return Ok(());
        }
        timelines::check_site(self.known(), site, applied, tweets, blocks, log)
    }

    fn known(&self) -> JudgeContext<'_> {
        JudgeContext { log: self.agreement.log(), model: &self.model }
    }

    /// What could not be judged within its bounds, one sentence each.
    pub fn unknown(&self) -> Vec<String> {
        self.linearizable.unknown().into_iter().collect()
    }

    fn look(&mut self, now: Instant, fact: &SeenFact<'_>) -> Result<(), Violation> {
        let kind = fact.kind();
        if Validity::LOOKS_AT.have(kind) {
            self.validity.look(fact)?;
        }
        if Agreement::LOOKS_AT.have(kind) {
            self.agreement.look(fact)?;
        }
        if Prefix::LOOKS_AT.have(kind) {
            self.prefix.look(fact)?;
        }
        if FactKinds::DURABLE.have(kind) && self.model.folded() < self.agreement.log().end() {
            self.model.advance(self.agreement.log());
        }
        let known = JudgeContext { log: self.agreement.log(), model: &self.model };
        if DigestJudge::LOOKS_AT.have(kind) {
            self.digests.look(known, fact)?;
        }
        if Durability::LOOKS_AT.have(kind) {
            self.durability.look(known, fact)?;
        }
        if OrderJudge::LOOKS_AT.have(kind) {
            self.order.look(known, fact)?;
        }
        if Acknowledged::LOOKS_AT.have(kind) {
            self.acknowledged.look(known, fact)?;
        }
        if ExactlyOnce::LOOKS_AT.have(kind) {
            self.exactly_once.look(known, fact)?;
        }
        if SessionJudge::LOOKS_AT.have(kind) {
            self.sessions.look(fact)?;
        }
        if TimelineJudge::LOOKS_AT.have(kind) {
            self.timelines.look(known, fact)?;
        }
        if Statuses::LOOKS_AT.have(kind) {
            self.statuses.look(known, fact)?;
        }
        if Linearizable::LOOKS_AT.have(kind) {
            self.linearizable.look(now, fact);
        }
        Ok(())
    }
}

impl<P> Judge<P> for Judges
where
    P: Process<Message = Message, Record = Record, Note = Note, Command = Command>,
{
    fn observe(&mut self, now: Instant, seen: &Observation<'_, P>) -> Result<(), Violation> {
        if self.is_forgotten {
            return Ok(());
        }
        if let Some(times) = &mut self.times {
            let known = JudgeContext { log: self.agreement.log(), model: &self.model };
            times.observe(now, known, seen)?;
        }
        if let Some(costs) = &mut self.costs {
            costs.observe(now, seen)?;
        }
        match *seen {
            Observation::Restored { .. } => {
                self.is_forgotten = true;
                Ok(())
            }
            Observation::Started { process, incarnation, recovered, .. } => {
                self.look(now, &SeenFact::Started { process, incarnation, recovered })?;
                let Some(site) = process.as_site() else { return Ok(()) };
                // Records that were written but not synced before a crash may have survived it.
                let records = recovered.get(self.durability.durable_count(site)..).unwrap_or_default();
                if records.is_empty() { Ok(()) } else { self.look(now, &SeenFact::Durable { site, records }) }
            }
            Observation::Durable { process, records } => match process.as_site() {
                Some(site) => self.look(now, &SeenFact::Durable { site, records }),
                None => Ok(()),
            },
            Observation::Sent { datagram, messages } => {
                let (from, to) = (datagram.from, datagram.to);
                messages.iter().try_for_each(|message| self.look(now, &SeenFact::Left { from, to, message }))
            }
            Observation::Delivered { to, from, message } if to == from => match to.as_site() {
                Some(site) => self.look(now, &SeenFact::Own { site, message }),
                None => Ok(()),
            },
            Observation::Commanded { process, command } => {
                self.validity.on_commanded(process, command);
                self.linearizable.on_commanded(now, process, command);
                Ok(())
            }
            Observation::Delivered { to, message, .. } if to.as_site().is_none() => {
                self.validity.on_client_received(to, message);
                self.sessions.on_client_received(to, message);
                Ok(())
            }
            Observation::Delivered { to, from, message: Message::Query { id, query: Query::Status, .. } } => {
                if let Some(site) = to.as_site() {
                    self.statuses.on_asked(site, from, *id);
                }
                Ok(())
            }
            Observation::Noted { process, note } => {
                let known = JudgeContext { log: self.agreement.log(), model: &self.model };
                self.validity.on_noted(process, note)?;
                Acknowledged::on_noted(known, process, note)?;
                self.sessions.on_noted(known, process, note)?;
                self.linearizable.on_noted(known, now, process, note)
            }
            Observation::Delivered { .. } | Observation::Crashed { .. } => Ok(()),
            Observation::Link { .. } | Observation::Handled { .. } => Ok(()),
        }
    }

    fn looks_at(&self) -> ObservationKinds {
        match (&self.times, &self.costs, self.is_forgotten) {
            (_, _, true) => ObservationKinds::NONE,
            (None, None, false) => WITHOUT_BOUNDS,
            (Some(_), _, false) | (_, Some(_), false) => ObservationKinds::ALL,
        }
    }
}

/// What the judges look at where no scenario bounds times and costs.
const WITHOUT_BOUNDS: ObservationKinds = ObservationKinds::ALL
    .without(ObservationKinds::CRASHED)
    .without(ObservationKinds::LINK)
    .without(ObservationKinds::HANDLED);

/// Where the log begins, if the first of these records of a journal says so.
pub(crate) fn begins(records: &[Record]) -> Option<Slot> {
    match records.first() {
        Some(Record::Paxos { record: paxos::PaxosRecord::Begins(first) }) => Some(*first),
        _ => None,
    }
}

#[cold]
pub(crate) fn broken(property: &'static str, explanation: String) -> Result<(), Violation> {
    Err(Violation::new(property, explanation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tweets::judges::stage::{C1, Stage, numbered, objects, open, site, taken};
    use crate::tweets::site::Submission;

    #[test]
    fn a_message_is_judged_where_it_leaves_and_not_where_it_arrives() {
        let mut stage = Stage::new(3);
        stage.asked(&open(1));
        let reply = Message::Taken { id: open(1).id() };
        stage.delivered(site(0).into(), C1, &reply).unwrap();
        objects(
            stage.sent(site(0), C1, reply.clone()),
            "durability",
            "S0 told C1 that the opening with nonce 1",
        );
        stage.durable(site(0), &[taken(&numbered(0, (1, 1), (0, 0), open(1)))]).unwrap();
        stage.sent(site(0), C1, reply).unwrap();
    }

    /// A fork of the judges remembers what they saw and diverges from them.
    #[test]
    fn forked_judges_judge_alone() {
        let mut stage = Stage::new(3);
        stage.choose(0, &[open(1)]).unwrap();
        let fork = stage.judges.clone();
        stage.choose(1, &[open(2)]).unwrap();
        assert_eq!((fork.log().end(), stage.judges.log().end()), (Slot(1), Slot(2)));
        assert_eq!(fork.log().entry(Slot(0)), stage.judges.log().entry(Slot(0)));
    }

    #[test]
    fn what_survives_a_crash_unsynced_counts_as_durable() {
        let mut stage = Stage::new(3);
        stage.asked(&open(1));
        let submission: alloc::sync::Arc<Submission> = numbered(0, (1, 1), (0, 0), open(1));
        let record = stage::accepted(1, 0, 0, &[&submission]);
        stage.durable(site(0), &[taken(&submission), record.clone()]).unwrap();
        assert_eq!(stage.judges.log().end(), Slot(0));
        stage.started(site(1), 2, &[record]).unwrap();
        assert_eq!(stage.judges.log().end(), Slot(1));
        assert!(stage.judges.model().life(crate::tweets::timeline::Position::default()).is_some());
    }
}
