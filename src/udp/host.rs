//! The loop of a real site: one thread, one socket, one journal, two processes.
//!
//! A turn takes all inputs that are there and hands them to the processes. Only then does it append the records of all
//! of them, as one batch with one sync, and send the messages. Messages that depend on no record leave before the sync.
//! Another thread syncs, so that turns go on meanwhile. After a turn with little in it, on a quick disk, the host's own
//! thread syncs.
//!
//! A host runs the process [`ProcessId::Site`] with its journal, and the process [`ProcessId::Terminal`], which keeps
//! nothing durable. Datagrams between the two are handed over in memory; all others cross the socket.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mio::{Events, Interest, Poll, Token, Waker};

use super::clock::Clock;
use super::cookies::Cookies;
use super::counters::Counters;
use super::error::HostError;
use super::keys::Keys;
use super::recorder::{Recorded, Recorder};
use super::routes::Routes;
use super::runs::{Arrivals, Departures};
use super::seal::Sealer;
use super::socket::Socket;
use super::strangers::Strangers;
use super::syncer::{HostDisk, Syncer};
use crate::frame::{Datagram, Sender};
use crate::ids::{ProcessId, SiteId};
use crate::journal::{Identity, Journal};
use crate::mix::Seed;
use crate::outbox::{Outbox, Outgoing, Spare, SyncMode};
use crate::process::{Damage, Effects, Input, Process, Recovered};
use crate::time::{Duration, Instant};

mod inputs;
mod syncs;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);

/// The most datagrams of one turn. After them the host looks at its deadlines and syncs before it takes more.
const DATAGRAMS_PER_TURN: usize = 512;

/// The longest time in which a turn takes datagrams: costly ones delay no heartbeat by more than this and one datagram.
const TURN_MAX: Duration = Duration::from_millis(5);

/// Once this many batches are unsynced, a sync starts even if no message waits for them. Before that, their sync would
/// only delay the next one that a message waits for.
const LAZY_BATCHES_MAX: u64 = 64;

/// For shorter waits the host stays awake: the operating system would let it sleep for a millisecond.
const SOON: Duration = Duration::from_micros(100);

/// The host warns of a sync that takes longer.
const SLOW_SYNC: Duration = Duration::from_secs(10);

/// The settings of a host.
#[derive(Clone, Debug)]
pub struct HostSettings<C> {
    /// The number of the cluster.
    pub cluster: u64,
    /// The configuration that all sites share, as one number. Datagrams with another number are dropped.
    pub configuration: u32,
    /// The site that runs here.
    pub me: SiteId,
    /// The address of each site, in the order of their numbers.
    pub addresses: Vec<SocketAddr>,
    /// The configuration of the processes.
    pub config: C,
    /// The most bytes of one record. Storage must have been formatted for this limit.
    pub record_max: usize,
    /// The limit on one datagram before it is sealed, in bytes.
    pub datagram_max: usize,
    /// The keys that datagrams are sealed with.
    pub keys: Keys,
    /// The most bytes that wait for a sync before the host hands the site nothing more.
    pub outbox_max: usize,
    /// Whether inputs are handed in during a sync.
    pub sync_mode: SyncMode,
    /// The seed of the processes, which the operating system draws at each start.
    pub seed: Seed,
}

/// One process and its outgoing messages.
pub(super) struct Hosted<P: Process> {
    pub(super) id: ProcessId,
    process: P,
    outbox: Outbox,
    /// The effects of its inputs that are not done yet.
    effects: Effects<P>,
}

/// An input from this program that waits to be handed in.
pub(super) enum LocalMessage<P: Process> {
    /// A message of a process to itself, which waited for its sync.
    Own(ProcessId, Arc<[u8]>),
    /// A datagram from the one process here to the other.
    Datagram(Box<Datagram>),
    /// A command of a person to the terminal.
    Command(P::Command),
    /// Whether the site's disk is nearly full.
    DiskSpace { is_low: bool },
}

/// A running site with its terminal.
pub struct Host<P: Process, D, S> {
    pub(super) settings: HostSettings<P::Config>,
    pub(super) clock: Clock,
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    pub(super) socket: S,
    pub(super) arrivals: Arrivals,
    /// Empty between turns.
    pub(super) departures: Departures,
    pub(super) sealed: Vec<u8>,
    pub(super) sealer: Sealer,
    pub(super) cookies: Cookies,
    pub(super) strangers: Strangers,
    disk: D,
    journal: Journal,
    /// `None` if this thread does all syncs.
    syncer: Option<Syncer>,
    /// The start of the latest sync. `last_sync` is the length of the last one that ended.
    sync_since: Instant,
    last_sync: Duration,
    /// Files that the other thread has yet to sync.
    syncing: usize,
    /// Whether the sync under way is slow, so that the host has warned of it.
    is_slow: bool,
    /// Whether a turn failed.
    has_failed: bool,
    /// Datagrams taken in this turn.
    taken: usize,
    was_low: bool,
    /// The next attempt to reserve room, while the disk is low.
    room_at: Instant,
    incarnation: u64,
    pub(super) site: Hosted<P>,
    pub(super) terminal: Hosted<P>,
    pub(super) routes: Routes,
    ready: VecDeque<Outgoing>,
    pub(super) spare: Spare,
    pub(super) local: VecDeque<LocalMessage<P>>,
    notes: Vec<(ProcessId, P::Note)>,
    pub(super) counters: Counters,
    recorder: Option<Recorder<P>>,
}

impl<P: Process, D: HostDisk, S: Socket> Host<P, D, S> {
    /// Recovers the site from its journal on `disk` and starts both processes.
    pub fn start(settings: HostSettings<P::Config>, socket: S, disk: D) -> Result<Self, HostError> {
        Host::start_recorded(settings, socket, disk, None)
    }

    /// Like [`Host::start`], with a recorder that records all inputs of both processes.
    pub fn start_recorded(
        settings: HostSettings<P::Config>,
        mut socket: S,
        mut disk: D,
        mut recorder: Option<Recorder<P>>,
    ) -> Result<Self, HostError> {
        const { super::check_links::<P>() }
        let (site_id, terminal_id) = (ProcessId::Site(settings.me), ProcessId::Terminal(settings.me));
        let identity = Identity { cluster: settings.cluster, process: site_id };
        let (journal, recovered) = Journal::open(&mut disk, &identity)?;
        if journal.record_max() != settings.record_max {
            let (formatted, needed) = (journal.record_max(), settings.record_max);
            return Err(HostError::RecordMax { formatted, needed });
        }
        let incarnation = recovered.incarnation;
        let seed_of = |id: ProcessId| settings.seed.part([u64::from(id.number()), incarnation]);
        if let Some(recorder) = &mut recorder {
            let site = (site_id, seed_of(site_id), recovered.records.as_slice());
            recorder.begin(incarnation, &settings.config, &[site, (terminal_id, seed_of(terminal_id), &[])]);
        }
        let is_recorded = recorder.is_some();
        let seat = |id: ProcessId, recovered| -> Result<Hosted<P>, Damage> {
            let (cluster, configuration) = (settings.cluster, settings.configuration);
            let sender = Sender { cluster, configuration, from: id, incarnation };
            let mut process = P::start(&settings.config, id, seed_of(id), recovered)?;
            if !is_recorded {
                process.will_not_be_cloned();
            }
            let outbox = Outbox::new(sender, settings.datagram_max, settings.outbox_max);
            Ok(Hosted { id, process, outbox, effects: Effects::default() })
        };
        let site = seat(site_id, recovered.decode()?)?;
        let terminal = seat(terminal_id, Recovered { incarnation, records: Vec::new() })?;
        if let Some(recorder) = &mut recorder {
            recorder.started([&site.process, &terminal.process]);
        }
        let poll = Poll::new().map_err(HostError::io("make a poll"))?;
        poll.registry()
            .register(&mut socket, SOCKET, Interest::READABLE)
            .map_err(HostError::io("watch the socket"))?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(HostError::io("make a waker"))?);
        let syncer = match settings.sync_mode {
            SyncMode::Overlapped => {
                Some(Syncer::start(waker.clone()).map_err(HostError::io("start a thread for syncs"))?)
            }
            SyncMode::Blocking => None,
        };
        let (mut seed, mut secret) = ([0; 32], [0; 32]);
        for drawn in [&mut seed, &mut secret] {
            getrandom::fill(drawn).map_err(io::Error::other).map_err(HostError::io("draw a seed"))?;
        }
        let sealer = Sealer::new(settings.cluster, &settings.keys, seed);
        let salt = getrandom::u64().map_err(io::Error::other).map_err(HostError::io("draw a seed"))?;
        let mut host = Host {
            clock: Clock::start(),
            poll,
            events: Events::with_capacity(16),
            waker,
            socket,
            arrivals: Arrivals::default(),
            departures: Departures::default(),
            sealed: Vec::new(),
            sealer,
            cookies: Cookies::new(secret),
            strangers: Strangers::new(settings.addresses.clone(), salt),
            disk,
            journal,
            syncer,
            sync_since: Instant::ZERO,
            last_sync: Duration::ZERO,
            syncing: 0,
            is_slow: false,
            has_failed: false,
            taken: 0,
            was_low: false,
            room_at: Instant::ZERO,
            incarnation,
            site,
            terminal,
            routes: Routes::new(settings.addresses.clone()),
            ready: VecDeque::new(),
            spare: Spare::default(),
            local: VecDeque::new(),
            notes: Vec::new(),
            counters: Counters::default(),
            recorder,
            settings,
        };
        if P::TAKES_STARTED {
            host.hand_in_started()?;
        }
        host.notice_low();
        Ok(host)
    }

    /// A waker that ends a wait of [`Host::turn`], from any thread.
    pub fn waker(&self) -> Arc<Waker> {
        self.waker.clone()
    }

    /// The time since the host's start.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The number of starts of this site, this one included.
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// The site.
    pub fn site(&self) -> &P {
        &self.site.process
    }

    /// The terminal.
    pub fn terminal(&self) -> &P {
        &self.terminal.process
    }

    /// The datagram counters.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The counts of the recording, if there is one.
    pub fn recorded(&self) -> Option<Recorded> {
        self.recorder.as_ref().map(Recorder::recorded)
    }

    /// Hands the terminal a command, at the next turn.
    pub fn command(&mut self, command: P::Command) {
        self.local.push_back(LocalMessage::Command(command));
    }

    /// From here on the site leaves out its notes of ordinary work: nobody reads them.
    pub fn leave_out_ordinary_notes(&mut self) {
        self.site.effects.is_watched = false;
    }

    /// The notes of both processes since the last call.
    pub fn take_notes(&mut self) -> Vec<(ProcessId, P::Note)> {
        core::mem::take(&mut self.notes)
    }

    /// Hands both processes their first input, and does what follows from it.
    fn hand_in_started(&mut self) -> Result<(), HostError> {
        self.hand_in_next(self.site.id, Input::Started)?;
        self.hand_in_next(self.terminal.id, Input::Started)?;
        self.finish_turn()
    }

    /// Waits until there is something to do, at most until `until`, and does it.
    ///
    /// # Errors
    /// After an error the host is of no use: drop it. It hands nothing in, writes nothing and sends nothing any more.
    pub fn turn(&mut self, until: Option<Instant>) -> Result<(), HostError> {
        if self.has_failed {
            return Err(HostError::Failed);
        }
        let turned = self.take_turn(until);
        self.has_failed = turned.is_err();
        turned
    }

    /// Whether a turn failed.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    fn take_turn(&mut self, until: Option<Instant>) -> Result<(), HostError> {
        self.wait(until)?;
        self.take_syncs()?;
        self.hand_in_local()?;
        self.taken = 0;
        let until = self.clock.now() + TURN_MAX;
        while self.taken < DATAGRAMS_PER_TURN
            && self.arrivals.is_readable()
            && !self.site.outbox.is_full()
            && (self.taken == 0 || self.clock.now() < until)
        {
            self.taken += 1;
            if let Some((who, from, messages)) = self.receive() {
                self.hand_in_messages(who, from, messages)?;
            }
        }
        self.wake_late()?;
        self.finish_turn()
    }

    /// Does the effects of all inputs of a turn.
    fn finish_turn(&mut self) -> Result<(), HostError> {
        self.settle()?;
        let lazy = self.journal.appended().0 - self.journal.durable().0;
        if self.site.outbox.is_empty() && lazy < LAZY_BATCHES_MAX { Ok(()) } else { self.start_sync() }
    }

    /// Makes everything durable that was appended, sends what waited for it, and hands nothing more in. Takes as long
    /// as the disk does.
    ///
    /// # Errors
    /// When the disk fails. If a turn failed before, this fails at once and does nothing.
    pub fn stop(mut self) -> Result<(), HostError> {
        if self.has_failed {
            return Err(HostError::Failed);
        }
        self.settle_one(self.site.id)?;
        self.settle_one(self.terminal.id)?;
        self.start_sync()?;
        while self.journal.durable() < self.journal.appended() {
            if let Err(error) = self.poll.poll(&mut self.events, None)
                && error.kind() != io::ErrorKind::Interrupted
            {
                return Err(HostError::io("wait for events")(error));
            }
            self.take_syncs()?;
            self.start_sync()?;
        }
        Ok(())
    }

    fn wait(&mut self, until: Option<Instant>) -> Result<(), HostError> {
        let is_full = self.site.outbox.is_full();
        let has_work = !self.local.is_empty() || self.arrivals.is_readable();
        let timeout = if has_work && !is_full {
            Some(Duration::ZERO)
        } else {
            let site = self.site.process.deadline().filter(|_| !is_full);
            let deadlines = [site, self.terminal.process.deadline()];
            let slow = (self.syncing > 0 && !self.is_slow).then_some(self.sync_since + SLOW_SYNC);
            let first = deadlines.into_iter().flatten().map(|(at, _)| at).chain(until).chain(slow).min();
            let left = first.map(|at| at.since(self.clock.now()));
            left.map(|left| if left < SOON { Duration::ZERO } else { left })
        };
        let timeout = timeout.map(|length| core::time::Duration::from_micros(length.as_micros()));
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(HostError::io("wait for events")(error));
            }
            Ok(()) | Err(_) => {}
        }
        if self.events.iter().any(|event| event.token() == SOCKET) {
            self.arrivals.report();
        }
        Ok(())
    }

    fn seat(&self, who: ProcessId) -> &Hosted<P> {
        if who == self.site.id { &self.site } else { &self.terminal }
    }
}

/// Whether this is a report about the disk, which waits in front of all else.
fn is_of_disk<P: Process>(local: &mut LocalMessage<P>) -> bool {
    matches!(local, LocalMessage::DiskSpace { .. })
}
