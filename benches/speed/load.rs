//! A cluster under load: five sites with every judge, and clients that each keep one tweet outstanding.

use aviary::ids::ProcessId;
use aviary::journal::JournalConfig;
use aviary::mix::Seed;
use aviary::replicated::paxos::Slot;
use aviary::sim::{Judge, LinkLatency, Observation, TraceLevel, Violation, World, WorldSettings};
use aviary::time::Duration;
use aviary::tweets::judges::Judges;
use aviary::tweets::site::{Command, Config, Note, Operation, Participant};
use aviary::tweets::timeline::{Event, Timeline, User};

/// The number of sites.
pub const SITES: u8 = 5;

/// Longer than any tweet waits for its answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The maximum number of clients that finish within one event.
const FINISHED_MAX: usize = 64;

/// The judges of the service, and which clients were answered.
#[derive(Clone)]
pub struct Counting {
    judges: Judges,
    done: u64,
    /// The clients that were answered last: the answer numbered n, from 0, is at n modulo the length.
    finished: [Option<ProcessId>; FINISHED_MAX],
}

impl Judge<Participant> for Counting {
    fn observe(
        &mut self,
        now: aviary::time::Instant,
        seen: &Observation<'_, Participant>,
    ) -> Result<(), Violation> {
        if let Observation::Noted { process, note: Note::Done(..) } = seen {
            self.finished[place(self.done)] = Some(*process);
            self.done += 1;
        }
        self.judges.observe(now, seen)
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number % FINISHED_MAX as u64).expect("below the length")
}

/// The cluster.
#[derive(Clone)]
pub struct Load {
    pub world: World<Participant, Counting>,
    users: Vec<User>,
    asked: u64,
    answered: u64,
}

/// One event per slot: the window limits the slots in flight.
pub fn one_event_a_slot() -> Config {
    Config { batch: 1, window: 64, ..Config::new(SITES) }
}

/// Many events per slot: few slots are in flight, so events that arrive meanwhile share the next slot.
pub fn many_events_a_slot() -> Config {
    Config { batch: 64, window: 2, datagram_max: 8_192, ..Config::new(SITES) }
}

impl Load {
    /// A cluster with a leader, whose clients all have a session: a constant 1 ms between any two processes, no loss,
    /// 100 microseconds per sync, no trace.
    pub fn new(config: Config, clients: u16) -> Load {
        config.check().expect("a configuration that works");
        let mut settings: WorldSettings<Participant> = WorldSettings::calm(Seed(1), SITES, config);
        settings.clients = clients;
        settings.network.latency = LinkLatency::Constant(Duration::from_millis(1));
        settings.disk.sync_time = Duration::from_micros(100);
        settings.trace.level = TraceLevel::Off;
        settings.datagram_max = settings.config.datagram_max;
        settings.journal = JournalConfig {
            segment_bytes: settings.config.burst_bytes_max() + (64 << 10),
            record_max: settings.config.record_bytes_max::<Timeline>(),
        };
        let judges = Judges::new(SITES, settings.config.sessions_max);
        let judge = Counting { judges, done: 0, finished: [None; FINISHED_MAX] };
        let world = World::new(settings, judge).expect("settings that make a world");
        let user = |number| format!("user{number}").parse().expect("a name");
        let mut load = Load { world, users: (0..clients).map(user).collect(), asked: 0, answered: 0 };
        load.pass(Duration::from_secs(1));
        load.run(clients.into());
        load
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now() + time;
        self.world.run_until(until).unwrap_or_else(|violation| panic!("{violation}"));
    }

    /// Runs until `count` more tweets are answered. A client that is answered tweets again only while tweets are
    /// missing, so nothing is outstanding at the end.
    pub fn run(&mut self, count: u64) {
        self.run_on(count, self.answered + count);
    }

    /// The same, but every answered client tweets again: every client waits for an answer at the end.
    pub fn run_amid(&mut self, count: u64) {
        self.run_on(count, u64::MAX);
    }

    fn run_on(&mut self, count: u64, asked_max: u64) {
        let until = self.answered + count;
        for client in 0..self.users.len() {
            let client = ProcessId::Client(u16::try_from(client).expect("clients are numbered by u16"));
            if self.is_idle(client) && self.asked < asked_max {
                self.ask(client);
            }
        }
        let give_up = self.world.now() + PATIENCE.times(count);
        while self.answered < until {
            self.world.step().unwrap_or_else(|violation| panic!("{violation}"));
            assert!(self.world.now() < give_up, "{} of {until} tweets are answered", self.answered);
            while self.answered < self.world.judge().done {
                let client = self.world.judge().finished[place(self.answered)];
                self.answered += 1;
                if let Some(client) = client.filter(|_| self.asked < asked_max) {
                    self.ask(client);
                }
            }
        }
    }

    fn is_idle(&self, client: ProcessId) -> bool {
        let client = self.world.process(client).and_then(Participant::as_client);
        client.is_some_and(|client| client.is_idle())
    }

    fn ask(&mut self, client: ProcessId) {
        let ProcessId::Client(number) = client else { panic!("{client} is asked to tweet") };
        let user = self.users[usize::from(number)].clone();
        let text = format!("tweet {} of many, all of about this length", self.asked);
        let text = text.parse().expect("a text");
        self.asked += 1;
        let operation = Operation::Event { event: Event::Tweet { user, text } };
        self.world.command(client, Command::Do(operation));
    }

    /// The number of chosen slots.
    pub fn slots(&self) -> u64 {
        self.world.judge().judges.log().end().0
    }

    /// Compares every site with the chosen log, once all have applied it.
    pub fn check(&mut self) {
        self.pass(Duration::from_secs(1));
        for id in self.world.sites().iter() {
            let site = self.world.process(id.into()).and_then(Participant::as_site).expect("every site runs");
            let (log, applied) = (site.log().chosen_from(Slot(0)), site.status().applied);
            let (tweets, blocks) = (site.machine().tweets(), site.machine().blocks());
            let verdict = self.world.judge().judges.check_site(id, applied, tweets, blocks, log);
            verdict.unwrap_or_else(|violation| panic!("{violation}"));
            assert_eq!(site.machine().tweets().count() as u64, self.answered, "tweets at {id}");
        }
    }
}
