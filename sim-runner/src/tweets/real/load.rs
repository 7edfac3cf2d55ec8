//! Constant load: clients in several threads that tweet, view and block, with one request at a time each. Some of them
//! give up. A client that gives up is not heard of again, so its last request has an unknown outcome.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use aviary::ids::ProcessId;
use aviary::mix::{self, Seed};
use aviary::replicated::sites_ron::Sites;
use aviary::time::{Duration, Instant};
use aviary::tweets::site::{Command, Note, Operation, Query};
use aviary::tweets::timeline::{Event, TimelineQuery, User, View};
use aviary::udp::{Caller, CallerSettings, ClientKey};

use super::cluster::{ClusterFailure, failed};
use super::history::{CallLog, Witness, WitnessConfig};

/// The amount of load.
#[derive(Clone, Debug)]
pub struct LoadSettings {
    /// Number of threads, each with a socket of its own.
    pub threads: u16,
    /// Number of clients in each thread.
    pub clients: u16,
    /// A client sends its next request this long after the last one, or when the last one was answered if that is
    /// later.
    pub pace: Duration,
    /// A client that gets no answer for this long gives up forever, and another takes its place.
    pub patience: Duration,
    /// The seed from which requests are drawn.
    pub seed: Seed,
}

/// Clients that run until they are stopped.
pub struct ClientLoad {
    /// What the clients do and hear.
    pub history: CallLog,
    shared: Arc<LoadShared>,
    threads: Vec<JoinHandle<Result<(), ClusterFailure>>>,
}

#[derive(Default)]
struct LoadShared {
    is_over: AtomicBool,
    acknowledged: AtomicU64,
    logged: AtomicU64,
    given_up: AtomicU64,
    gap: Mutex<Gap>,
}

/// The longest time without an acknowledgement.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gap {
    /// The time of the last acknowledgement.
    last: Instant,
    /// The start of the longest gap.
    pub from: Instant,
    /// The end of the longest gap.
    pub to: Instant,
}

impl Gap {
    fn on_acknowledged(&mut self, now: Instant) {
        if now.since(self.last) > self.length() {
            (self.from, self.to) = (self.last, now);
        }
        self.last = self.last.max(now);
    }

    /// The length of the gap.
    pub fn length(&self) -> Duration {
        self.to.since(self.from)
    }
}

impl ClientLoad {
    /// Starts the clients, with all client keys. Each thread first calls `enter`, which enters the network of the
    /// clients.
    pub fn start(
        sites: &Sites,
        keys: &[ClientKey],
        settings: &LoadSettings,
        enter: impl Fn() -> Result<(), ClusterFailure> + Clone + Send + 'static,
    ) -> Result<ClientLoad, ClusterFailure> {
        let (history, shared) = (CallLog::default(), Arc::new(LoadShared::default()));
        let mut threads = Vec::new();
        for number in 0..settings.threads {
            let (settings, shared, enter) = (settings.clone(), shared.clone(), enter.clone());
            let caller = CallerSettings {
                cluster: sites.cluster,
                configuration: sites.configuration(),
                addresses: sites.addresses(),
                datagram_max: sites.config.datagram_max,
                config: WitnessConfig { real: sites.config.clone(), history: history.clone() },
                keys: keys.to_vec(),
            };
            let history = history.clone();
            let run = move || {
                enter()?;
                let caller = Caller::start(caller).map_err(failed("start clients"))?;
                Crowd::new(caller, settings, number, history, shared).run()
            };
            let thread = std::thread::Builder::new().name(format!("clients {number}")).spawn(run);
            threads.push(thread.map_err(failed("start a thread"))?);
        }
        Ok(ClientLoad { history, shared, threads })
    }

    /// The number of acknowledged events.
    pub fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// The number of log entries that clients know: events, linearizable views and openings.
    pub fn logged(&self) -> u64 {
        self.shared.logged.load(Ordering::Relaxed)
    }

    /// The number of clients that gave up.
    pub fn given_up(&self) -> u64 {
        self.shared.given_up.load(Ordering::Relaxed)
    }

    /// The longest time without an acknowledgement so far, in the history's time.
    pub fn gap(&self) -> Gap {
        *self.shared.gap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends no further requests, and waits until each is answered or given up.
    pub fn stop(self) -> Result<CallLog, ClusterFailure> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().map_err(|_| ClusterFailure("a thread of clients panicked".into()))??;
        }
        Ok(self.history)
    }
}

/// The clients of one thread.
struct Crowd {
    caller: Caller<Witness>,
    settings: LoadSettings,
    history: CallLog,
    shared: Arc<LoadShared>,
    /// The number of the next client.
    next: u16,
    /// The number of draws so far.
    drawn: u64,
    seed: Seed,
    clients: Vec<One>,
}

/// One client.
struct One {
    id: ProcessId,
    /// When it sent the request for which it waits.
    asked: Option<Instant>,
    next_at: Instant,
    tweets: u64,
}

/// Client numbers per thread.
const NUMBERS: u16 = 6_000;

const USERS: [&str; 5] = ["ann", "bob", "cat", "dan", "eve"];

impl Crowd {
    fn new(
        caller: Caller<Witness>,
        settings: LoadSettings,
        number: u16,
        history: CallLog,
        shared: Arc<LoadShared>,
    ) -> Crowd {
        let seed = settings.seed.part([number.into()]);
        let next = number * NUMBERS;
        Crowd { caller, settings, history, shared, next, drawn: 0, seed, clients: Vec::new() }
    }

    fn run(mut self) -> Result<(), ClusterFailure> {
        for _ in 0..self.settings.clients {
            let one = self.newcomer()?;
            self.clients.push(one);
        }
        loop {
            let is_over = self.shared.is_over.load(Ordering::Relaxed);
            let now = self.caller.now();
            for place in 0..self.clients.len() {
                let One { asked, next_at, .. } = self.clients[place];
                match asked {
                    Some(at) if now.since(at) >= self.settings.patience => {
                        self.caller.remove(self.clients[place].id);
                        self.shared.given_up.fetch_add(1, Ordering::Relaxed);
                        self.clients[place] = self.newcomer()?;
                    }
                    None if !is_over && now >= next_at => self.ask(place, now),
                    Some(_) | None => {}
                }
            }
            if is_over && self.clients.iter().all(|one| one.asked.is_none()) {
                return Ok(());
            }
            let until = self.caller.now() + Duration::from_millis(10);
            self.caller.turn(until).map_err(failed("turn clients"))?;
            for (client, note) in self.caller.take_notes() {
                self.on_note(client, &note);
            }
        }
    }

    fn newcomer(&mut self) -> Result<One, ClusterFailure> {
        let number = self.next;
        self.next += 1;
        if self.next.is_multiple_of(NUMBERS) {
            return Err(ClusterFailure("all numbers of clients were used".into()));
        }
        let id = self.caller.add(number).map_err(failed("add a client"))?;
        Ok(One { id, asked: None, next_at: self.caller.now(), tweets: 0 })
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.drawn += 1;
        mix::below(mix::mix(self.seed.0, [self.drawn]), below)
    }

    fn user(&mut self) -> User {
        let place = usize::try_from(self.draw(USERS.len() as u64)).expect("below 5");
        USERS[place].parse().expect("a name of three letters")
    }

    fn ask(&mut self, place: usize, now: Instant) {
        let (what, user) = (self.draw(20), self.user());
        let one = &self.clients[place];
        let view = View { viewer: user.clone(), limit: 4, older_than: None };
        let event = |event| Command::Do(Operation::Event { event });
        let command = match what {
            0..12 => {
                let text = format!("{} {}", one.id, one.tweets);
                self.clients[place].tweets += 1;
                event(Event::Tweet { user, text: text.parse().expect("a short text") })
            }
            12 | 13 => {
                let blocked = self.user();
                let changed = if what == 12 {
                    Event::block(user.clone(), blocked)
                } else {
                    Event::unblock(user.clone(), blocked)
                };
                // A user cannot block themselves; then the client reads blocks instead.
                changed.map_or(Command::Query(Query::Of(TimelineQuery::Blocks { after: None })), event)
            }
            14 => Command::Do(Operation::View { view }),
            15 => Command::Query(Query::Of(TimelineQuery::QuorumView { view })),
            _ => Command::Query(Query::Of(TimelineQuery::View { view })),
        };
        let one = &mut self.clients[place];
        (one.asked, one.next_at) = (Some(now), now + self.settings.pace);
        self.caller.command(one.id, command);
    }

    fn on_note(&mut self, client: ProcessId, note: &Note) {
        if let Note::Done(..) | Note::OpenedSession(_) = note {
            self.shared.logged.fetch_add(1, Ordering::Relaxed);
        }
        match note {
            Note::Done(_, operation, _) => {
                if let Operation::Event { .. } = operation {
                    self.shared.acknowledged.fetch_add(1, Ordering::Relaxed);
                    let now = self.history.now();
                    self.shared.gap.lock().unwrap_or_else(PoisonError::into_inner).on_acknowledged(now);
                }
            }
            Note::OutcomeUnknown(_) | Note::GaveUp(_) | Note::LocalReply(..) | Note::QuorumReply(..) => {}
            _ => return,
        }
        if let Some(one) = self.clients.iter_mut().find(|one| one.id == client) {
            one.asked = None;
        }
    }
}
