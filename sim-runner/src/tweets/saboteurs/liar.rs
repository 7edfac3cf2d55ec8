//! The process that lies: a wrapper around the real process, with one lie at its border.
//!
//! 1. Without a saboteur it behaves exactly like the real process, to the bit.
//! 2. A lie sees what crosses the border and the site's public state, and changes only what crosses.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use aviary::ids::{ProcessId, SiteId};
use aviary::mix::Seed;
use aviary::process::{
    Damage, Effects, Given, Input, Label, Letter, Links, Process, Recovered, Role, Size, Stop,
};
use aviary::replicated::paxos::{self, Ballot, Slot};
use aviary::time::{Duration, Instant};
use aviary::tweets::site::{
    self, Command, Message, Note, Participant, Query, Record, RequestId, Site, Submission,
};
use aviary::tweets::timeline::View;

use super::{Saboteur, clocks};

/// Messages between sites.
pub(super) type Paxos = paxos::PaxosMessage<Arc<Submission>>;

/// Records of acceptors and learners.
pub(super) type PaxosRecord = paxos::PaxosRecord<Arc<Submission>>;

/// The place of a lie, and what it does there.
#[derive(Clone, Copy)]
pub(super) enum Lie {
    /// Changes the state that a site is started from.
    Birth(fn(&mut Birth)),
    /// Changes the seed that a client starts with, from that seed and the client's id.
    Seeds(fn(Seed, ProcessId) -> Seed),
    /// Changes a message that a site receives.
    SiteInput(fn(&mut SiteInput<'_>)),
    /// Changes a message that a site receives, and what the site sends and writes.
    SiteInputAndOutput(fn(&mut SiteInput<'_>), fn(&mut SiteOutput<'_>)),
    /// Changes what a site sends and writes.
    SiteOutput(fn(&mut SiteOutput<'_>)),
    /// Changes what a client sends.
    ClientOutput(fn(&mut Message, &mut LieMemory)),
    /// Changes a message that a client receives.
    ClientInput(fn(&mut Message)),
    /// Changes an identifier of a client: in what it sends, backwards in what it receives, and in the notes for its
    /// user.
    Renames(fn(&mut Message, &mut LieMemory), fn(&mut Message, &LieMemory), fn(&mut Note, &LieMemory)),
    /// Changes the notes of a client for its user.
    ClientNotes(fn(&mut Note, &mut LieMemory)),
    /// Suppresses wake-ups for these reasons, until another input arrives.
    Sleeps(&'static [&'static str]),
    /// Delays wake-ups for this reason by this length.
    Oversleeps(&'static str, Duration),
    /// Changes the host's report on whether its disk is low.
    Notices(fn(&mut bool, &mut LieMemory)),
    /// Changes the clock reading that a site receives, and the moment on that clock at which it is woken.
    Clocks(fn(Instant, &LieMemory) -> Instant, fn(Instant, &LieMemory) -> Instant),
}

/// The state that a site is started from.
pub(super) struct Birth {
    pub(super) me: SiteId,
    pub(super) recovered: Recovered<Record>,
}

/// A message on its way into a site.
pub(super) struct SiteInput<'a> {
    /// The site as it is before the call.
    pub(super) site: &'a Site,
    pub(super) me: SiteId,
    pub(super) from: &'a mut ProcessId,
    pub(super) message: &'a mut Message,
    pub(super) memory: &'a mut LieMemory,
}

/// The outputs of one call of a site.
pub(super) struct SiteOutput<'a> {
    /// The site as it is after the call.
    pub(super) site: &'a Site,
    pub(super) me: SiteId,
    /// The sender and the message that the site received, if the input was a message.
    pub(super) received: Option<(ProcessId, &'a Message)>,
    /// The effects of the call.
    pub(super) given: &'a mut Given<Participant>,
    /// The limit on datagrams, in bytes.
    pub(super) datagram_max: usize,
    pub(super) memory: &'a mut LieMemory,
}

/// The memory of a lie in one incarnation of its site.
#[derive(Clone, Debug, Default)]
pub(super) struct LieMemory {
    /// Messages that were sent or received before, by kind and subject. Some lies also keep a mark of their own here.
    pub(super) seen: BTreeSet<(&'static str, u64)>,
    /// Messages kept for later.
    pub(super) kept: Vec<Message>,
    /// Votes: ballot, slot and voter.
    pub(super) votes: BTreeSet<(Ballot, Slot, ProcessId)>,
    /// Unanswered views of clients.
    pub(super) views: BTreeMap<(ProcessId, u64), View>,
    /// The last client that used a query number.
    pub(super) askers: BTreeMap<u64, ProcessId>,
    /// The first query with a number.
    pub(super) queries: BTreeMap<u64, Query>,
    /// The last request of a terminal.
    pub(super) asked: Option<RequestId>,
    /// The client's own identifier, and how many identifiers it has replaced.
    pub(super) renamed: (u64, u64),
    /// Requests that were mentioned to clients, or sent by them.
    pub(super) mentioned: BTreeSet<RequestId>,
    /// The latest reading of the host's clock.
    pub(super) latest: Instant,
    /// The sum of all amounts by which that clock was set back.
    pub(super) set_back: Duration,
    /// The latest steady time: a reading plus the sum of set-backs.
    pub(super) steady: Instant,
}

/// The configuration of the real process, and the saboteur.
#[derive(Clone, Debug)]
pub struct LiarConfig {
    /// The configuration of the real process.
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
        let input = input.into_input_of();
        match self.saboteur {
            None => self.handle_truly(now, input, effects),
            Some(saboteur) => self.handle_lying(saboteur.lie, now, input, effects),
        }
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
    const TAKES_STARTED: bool = Participant::TAKES_STARTED;
    const LINKS: Links = Participant::LINKS;

    fn will_not_be_cloned(&mut self) {
        self.real.will_not_be_cloned();
    }

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

impl Liar {
    /// Hands on what goes in and what comes out as it is.
    fn handle_truly(&mut self, now: Instant, input: Input<Participant>, effects: &mut Effects<Liar>) {
        let mut inner = mem::take(effects).into_effects_of();
        self.real.handle(now, input, &mut inner);
        *effects = inner.into_effects_of();
    }

    #[inline(never)]
    fn handle_lying(
        &mut self,
        lie: Lie,
        now: Instant,
        mut input: Input<Participant>,
        effects: &mut Effects<Liar>,
    ) {
        let now = self.lie_about_input(lie, now, &mut input);
        // What the real process gives is decoded only for a lie about it.
        let is_about_output = match lie {
            Lie::SiteOutput(_) | Lie::SiteInputAndOutput(..) => self.real.as_site().is_some(),
            Lie::ClientOutput(_) | Lie::Renames(..) | Lie::ClientNotes(_) => self.id.as_site().is_none(),
            Lie::Birth(_) | Lie::Seeds(_) | Lie::SiteInput(_) | Lie::ClientInput(_) => false,
            Lie::Sleeps(_) | Lie::Oversleeps(..) | Lie::Notices(_) | Lie::Clocks(..) => false,
        };
        if !is_about_output {
            return self.handle_truly(now, input, effects);
        }
        let received = match (&input, lie) {
            (Input::Message { from, message }, Lie::SiteOutput(_) | Lie::SiteInputAndOutput(..)) => {
                Some((*from, message.clone()))
            }
            _ => None,
        };
        let mut inner = mem::take(effects).into_effects_of();
        self.real.handle(now, input, &mut inner);
        let mut given = inner.take().expect("what the real process encoded decodes: round trips are tested");
        match (lie, self.id.as_site(), self.real.as_site()) {
            (Lie::SiteOutput(lie) | Lie::SiteInputAndOutput(_, lie), Some(me), Some(site)) => {
                lie(&mut SiteOutput {
                    site,
                    me,
                    received: received.as_ref().map(|(from, message)| (*from, message)),
                    given: &mut given,
                    datagram_max: self.datagram_max,
                    memory: &mut self.memory,
                })
            }
            (Lie::ClientOutput(lie), None, _) => {
                given.messages.iter_mut().for_each(|letter| lie(&mut letter.message, &mut self.memory));
            }
            (Lie::Renames(lie, _, rename), None, _) => {
                given.messages.iter_mut().for_each(|letter| lie(&mut letter.message, &mut self.memory));
                given.notes.iter_mut().for_each(|note| rename(note, &self.memory));
            }
            (Lie::ClientNotes(lie), None, _) => {
                given.notes.iter_mut().for_each(|note| lie(note, &mut self.memory));
            }
            _ => {}
        }
        *effects = inner.into_effects_of();
        hand_on(given, effects);
    }

    /// Changes what goes in, and returns the clock reading that the process receives.
    fn lie_about_input(&mut self, lie: Lie, now: Instant, input: &mut Input<Participant>) -> Instant {
        match (lie, input, self.id.as_site()) {
            (
                Lie::SiteInput(lie) | Lie::SiteInputAndOutput(lie, _),
                Input::Message { from, message },
                Some(me),
            ) => {
                if let Some(site) = self.real.as_site() {
                    lie(&mut SiteInput { site, me, from, message, memory: &mut self.memory });
                }
            }
            (Lie::ClientInput(lie), Input::Message { message, .. }, None) => lie(message),
            (Lie::Renames(_, lie, _), Input::Message { message, .. }, None) => lie(message, &self.memory),
            (Lie::Notices(lie), Input::DiskSpace { is_low }, _) => lie(is_low, &mut self.memory),
            (Lie::Clocks(shows, _), _, Some(_)) => {
                clocks::notice(now, &mut self.memory);
                return shows(now, &self.memory);
            }
            _ => {}
        }
        now
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

impl SiteOutput<'_> {
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

    /// Drops the records that `is_lost` selects.
    pub(super) fn forget(&mut self, is_lost: impl Fn(&PaxosRecord) -> bool) {
        let is_lost = |record: &Record| matches!(record, Record::Paxos { record } if is_lost(record));
        self.given.records.retain(|record| !is_lost(record));
    }

    /// Drops the messages of this kind.
    pub(super) fn withhold(&mut self, kind: &str) {
        self.given.messages.retain(|letter| letter.message.kind() != kind);
    }

    /// Sends selected messages of this kind without waiting for the records on which they depend.
    pub(super) fn hurry(&mut self, kind: &str, is_hurried: impl Fn(&Letter<Message>) -> bool) {
        for letter in &mut self.given.messages {
            letter.is_independent |= letter.message.kind() == kind && is_hurried(letter);
        }
    }

    /// Sends messages of this kind only once for each subject.
    pub(super) fn send_once(&mut self, kind: &'static str) {
        let seen = &mut self.memory.seen;
        let mut is_new = |message: &Message| seen.insert((kind, message.subject().number));
        self.given.messages.retain(|letter| letter.message.kind() != kind || is_new(&letter.message));
    }
}
