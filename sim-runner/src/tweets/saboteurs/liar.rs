//! The process that lies: the real one inside, and one lie at its border.
//!
//! 1. Without a saboteur it is the real process, to the bit.
//! 2. A lie sees what crosses the border and what the site tells of itself, and changes only what crosses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aviary::ids::{ProcessId, SiteId};
use aviary::mix::Seed;
use aviary::process::{Damage, Effects, Given, Input, Label, Letter, Process, Recovered, Role, Size, Stop};
use aviary::replicated::paxos::{self, Ballot, Slot};
use aviary::time::{Duration, Instant};
use aviary::tweets::site::{
    self, Command, Message, Note, Participant, Query, Record, RequestId, Site, Submission,
};
use aviary::tweets::timeline::View;

use crate::tweets::saboteurs::{Saboteur, clocks};

/// What sites say to each other.
pub(super) type Paxos = paxos::PaxosMessage<Arc<Submission>>;

/// What acceptors and learners write.
pub(super) type PaxosRecord = paxos::PaxosRecord<Arc<Submission>>;

/// Where a saboteur lies, and what it does there.
#[derive(Clone, Copy)]
pub(super) enum Lie {
    /// About what a site is started from.
    Birth(fn(&mut Birth)),
    /// About the seed that a client starts with, of its own and its id.
    Seeds(fn(Seed, ProcessId) -> Seed),
    /// About a message that a site is handed.
    Hears(fn(&mut Hearing<'_>)),
    /// About a message that a site is handed, and about what it says and writes.
    HearsAndSays(fn(&mut Hearing<'_>), fn(&mut Speech<'_>)),
    /// About what a site says and writes.
    Says(fn(&mut Speech<'_>)),
    /// About what a client says.
    Asks(fn(&mut Message, &mut LieMemory)),
    /// About a message that a client is handed.
    Reads(fn(&mut Message)),
    /// About what a client calls something: in what it says, backwards in what it is handed, and in what it tells its user.
    Renames(fn(&mut Message, &mut LieMemory), fn(&mut Message, &LieMemory), fn(&mut Note, &LieMemory)),
    /// About what a client tells its user.
    Tells(fn(&mut Note, &mut LieMemory)),
    /// About when it wants to be woken: for these reasons it does not, until something else comes.
    Sleeps(&'static [&'static str]),
    /// About when it wants to be woken: for this reason it does so later, by this.
    Oversleeps(&'static str, Duration),
    /// About whether its disk is low, as its host tells it.
    Notices(fn(&mut bool, &mut LieMemory)),
    /// About what the clock of a site shows, and about the moment by it that it wants to be woken at.
    Clocks(fn(Instant, &LieMemory) -> Instant, fn(Instant, &LieMemory) -> Instant),
}

/// What a site is started from.
pub(super) struct Birth {
    pub(super) me: SiteId,
    pub(super) recovered: Recovered<Record>,
}

/// A message on its way into a site.
pub(super) struct Hearing<'a> {
    /// As it is before the call.
    pub(super) site: &'a Site,
    pub(super) me: SiteId,
    pub(super) from: &'a mut ProcessId,
    pub(super) message: &'a mut Message,
    pub(super) memory: &'a mut LieMemory,
}

/// One call of a site.
pub(super) struct Speech<'a> {
    /// As it is behind the call.
    pub(super) site: &'a Site,
    pub(super) me: SiteId,
    /// What it was handed, if that was a message.
    pub(super) heard: Option<(ProcessId, &'a Message)>,
    /// What it wants done.
    pub(super) given: &'a mut Given<Participant>,
    /// No datagram is larger, in bytes.
    pub(super) datagram_max: usize,
    pub(super) memory: &'a mut LieMemory,
}

/// What a lie remembers in one life of its site.
#[derive(Clone, Debug, Default)]
pub(super) struct LieMemory {
    /// What was said before, by kind and subject.
    pub(super) said: BTreeSet<(&'static str, u64)>,
    /// Messages kept for later.
    pub(super) kept: Vec<Message>,
    /// Who voted for what.
    pub(super) votes: BTreeSet<(Ballot, Slot, ProcessId)>,
    /// What clients asked and were not answered.
    pub(super) views: BTreeMap<(ProcessId, u64), View>,
    /// Who asked last under a number.
    pub(super) askers: BTreeMap<u64, ProcessId>,
    /// What was asked first under a number.
    pub(super) queries: BTreeMap<u64, Query>,
    /// What a terminal asked last.
    pub(super) asked: Option<RequestId>,
    /// What a client calls something, and how many it called otherwise.
    pub(super) renamed: (u64, u64),
    /// Requests that clients were told of, or asked.
    pub(super) told: BTreeSet<RequestId>,
    /// The most that the clock of its host showed.
    pub(super) latest: Instant,
    /// By how much that clock was set back, all together.
    pub(super) set_back: Duration,
    /// What it showed last, and that.
    pub(super) steady: Instant,
}

/// The configuration of the real process, and who lies.
#[derive(Clone, Debug)]
pub struct LiarConfig {
    /// Of the real process.
    pub real: site::Config,
    /// The lie, the same in every process; none when all are honest.
    pub saboteur: Option<&'static Saboteur>,
}

/// The real process and its lie.
#[derive(Clone, Debug)]
pub struct Liar {
    /// The real process.
    pub real: Participant,
    id: ProcessId,
    datagram_max: usize,
    saboteur: Option<&'static Saboteur>,
    memory: LieMemory,
}

impl Process for Liar {
    type Message = Message;
    type Record = Record;
    type Note = Note;
    type Command = Command;
    type Config = LiarConfig;

    fn start(
        config: &LiarConfig,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Record>,
    ) -> Result<Liar, Damage> {
        let saboteur = config.saboteur;
        let recovered = match (saboteur.map(|saboteur| saboteur.lie), id.as_site()) {
            (Some(Lie::Birth(lie)), Some(me)) => {
                let mut birth = Birth { me, recovered };
                lie(&mut birth);
                birth.recovered
            }
            _ => recovered,
        };
        let seed = match (saboteur.map(|saboteur| saboteur.lie), id.as_site()) {
            (Some(Lie::Seeds(lie)), None) => lie(seed, id),
            _ => seed,
        };
        let real = Participant::start(&config.real, id, seed, recovered)?;
        let datagram_max = config.real.datagram_max;
        Ok(Liar { real, id, datagram_max, saboteur, memory: LieMemory::default() })
    }

    fn handle(&mut self, now: Instant, input: Input<Liar>, effects: &mut Effects<Liar>) {
        let lie = self.saboteur.map(|saboteur| saboteur.lie);
        let mut input = match input {
            Input::Message { from, message } => Input::<Participant>::Message { from, message },
            Input::Wake => Input::Wake,
            Input::Command(command) => Input::Command(command),
            Input::DiskSpace { is_low } => Input::DiskSpace { is_low },
        };
        if let (
            Some(Lie::Hears(lie) | Lie::HearsAndSays(lie, _)),
            Input::Message { from, message },
            Some(me),
            Some(site),
        ) = (lie, &mut input, self.id.as_site(), self.real.as_site())
        {
            lie(&mut Hearing { site, me, from, message, memory: &mut self.memory });
        }
        if let (Some(Lie::Reads(lie)), Input::Message { message, .. }, None) =
            (lie, &mut input, self.id.as_site())
        {
            lie(message);
        }
        if let (Some(Lie::Renames(_, lie, _)), Input::Message { message, .. }, None) =
            (lie, &mut input, self.id.as_site())
        {
            lie(message, &self.memory);
        }
        if let (Some(Lie::Notices(lie)), Input::DiskSpace { is_low }) = (lie, &mut input) {
            lie(is_low, &mut self.memory);
        }
        let heard = match (&input, lie) {
            (Input::Message { from, message }, Some(Lie::Says(_) | Lie::HearsAndSays(..))) => {
                Some((*from, message.clone()))
            }
            _ => None,
        };
        let now = match (lie, self.id.as_site()) {
            (Some(Lie::Clocks(shows, _)), Some(_)) => {
                clocks::notice(now, &mut self.memory);
                shows(now, &self.memory)
            }
            _ => now,
        };
        let mut inner = Effects::default();
        self.real.handle(now, input, &mut inner);
        let mut given = inner.take().expect("what the real process encoded decodes: round trips are tested");
        match (lie, self.id.as_site(), self.real.as_site()) {
            (Some(Lie::Says(lie) | Lie::HearsAndSays(_, lie)), Some(me), Some(site)) => lie(&mut Speech {
                site,
                me,
                heard: heard.as_ref().map(|(from, message)| (*from, message)),
                given: &mut given,
                datagram_max: self.datagram_max,
                memory: &mut self.memory,
            }),
            (Some(Lie::Asks(lie)), None, _) => {
                given.messages.iter_mut().for_each(|letter| lie(&mut letter.message, &mut self.memory));
            }
            (Some(Lie::Renames(lie, _, tell)), None, _) => {
                given.messages.iter_mut().for_each(|letter| lie(&mut letter.message, &mut self.memory));
                given.notes.iter_mut().for_each(|note| tell(note, &self.memory));
            }
            (Some(Lie::Tells(lie)), None, _) => {
                given.notes.iter_mut().for_each(|note| lie(note, &mut self.memory));
            }
            _ => {}
        }
        hand_on(given, effects);
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        let (at, reason) = self.real.deadline()?;
        match self.saboteur.map(|saboteur| saboteur.lie) {
            Some(Lie::Sleeps(reasons)) if reasons.contains(&reason) => None,
            Some(Lie::Oversleeps(late, by)) if late == reason => Some((at + by, reason)),
            Some(Lie::Clocks(_, wakes)) if self.id.as_site().is_some() => {
                Some((wakes(at, &self.memory), reason))
            }
            _ => Some((at, reason)),
        }
    }

    fn role(&self) -> Role {
        self.real.role()
    }

    fn progress(&self) -> u64 {
        self.real.progress()
    }

    fn rekey(&mut self, salt: u64) {
        self.real.rekey(salt);
    }

    const LOOKS_MAX: u64 = Participant::LOOKS_MAX;

    fn looks(&self) -> u64 {
        self.real.looks()
    }

    fn unanswered(&self) -> usize {
        self.real.unanswered()
    }

    fn sizes(&self, see: impl FnMut(Size)) {
        self.real.sizes(see);
    }
}

fn hand_on(given: Given<Participant>, effects: &mut Effects<Liar>) {
    given.records.iter().for_each(|record| effects.append(record));
    for Letter { to, message, is_independent } in &given.messages {
        if *is_independent {
            effects.send_independent(*to, message);
        } else {
            effects.send(*to, message);
        }
    }
    given.notes.into_iter().for_each(|note| effects.note(note));
    if let Some(Stop { property, reason }) = given.stop {
        effects.stop(property, reason);
    }
}

impl Speech<'_> {
    /// Every message between sites.
    pub(super) fn paxos(&mut self) -> impl Iterator<Item = &mut Paxos> {
        self.given.messages.iter_mut().filter_map(|letter| match &mut letter.message {
            Message::Paxos { message } => Some(message),
            _ => None,
        })
    }

    /// Every record of its acceptor and learner.
    pub(super) fn records(&mut self) -> impl Iterator<Item = &mut PaxosRecord> {
        self.given.records.iter_mut().filter_map(|record| match record {
            Record::Paxos { record } => Some(record),
            Record::Taken { .. } => None,
        })
    }

    /// Does not write what `is_lost` says.
    pub(super) fn forget(&mut self, is_lost: impl Fn(&PaxosRecord) -> bool) {
        let is_lost = |record: &Record| matches!(record, Record::Paxos { record } if is_lost(record));
        self.given.records.retain(|record| !is_lost(record));
    }

    /// Does not send messages of this kind.
    pub(super) fn withhold(&mut self, kind: &str) {
        self.given.messages.retain(|letter| letter.message.kind() != kind);
    }

    /// Sends messages of this kind without waiting for what they depend on.
    pub(super) fn hurry(&mut self, kind: &str, is_hurried: impl Fn(&Letter<Message>) -> bool) {
        for letter in &mut self.given.messages {
            letter.is_independent |= letter.message.kind() == kind && is_hurried(letter);
        }
    }

    /// Sends messages of this kind once only for each subject.
    pub(super) fn say_once(&mut self, kind: &'static str) {
        let said = &mut self.memory.said;
        let mut is_new = |message: &Message| said.insert((kind, message.subject().number));
        self.given.messages.retain(|letter| letter.message.kind() != kind || is_new(&letter.message));
    }
}
