//! OmniPaxos as published, in Aviary.
//!
//! A site is one `OmniPaxos` with its storage in memory. [`Site::flush`] hands over what the crate did in one input:
//! records to the disk, messages to the network, decided calls to the application. The application is the list of the
//! calls, each once. The clients of [`Sites`] retry: they have the answer when their call is applied.

mod store;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use aviary::prelude::*;
use omnipaxos::storage::{Entry, NoSnapshot};
use omnipaxos::util::LogEntry;
use omnipaxos::{ClusterConfig, OmniPaxos, ServerConfig};

use store::{Record, Store};

/// The time between two calls of `OmniPaxos::tick`.
const TICK: Duration = Duration::from_millis(10);

/// What is decided: a number, for one call. A call that is proposed twice is decided twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Number(CallId, u64);

impl Entry for Number {
    type Snapshot = NoSnapshot;
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Command {
    Put { at: Target, number: u64 },
}

// ---- The site ------------------------------------------------------------------------------------------------------

pub struct Site {
    paxos: OmniPaxos<Number, Store>,
    unwritten: Rc<RefCell<Vec<Record>>>,
    variant: &'static str,
    decided: Vec<Number>,
    applied: Vec<Number>,
    /// Calls that came here and are not decided yet.
    asked: BTreeSet<CallId>,
    tick_at: Instant,
}

/// `OmniPaxos` is not `Clone`.
impl Forked for Site {}

impl Protocol for Site {
    type Message = omnipaxos::messages::Message<Number>;
    type Command = Command;
    type Answer = u64;
    type Record = Record;

    const LINKS: Links = Links::Stream;
    const LEADS: bool = true;
    const SITES: &'static [u8] = &[2, 3, 4, 5];
    const ASKERS: Askers = Askers::TerminalsAndClients;
    const NOTES: &'static [&'static str] = &["decided"];
    /// What the glue does wrong, so that tests show that it is noticed.
    const VARIANTS: &'static [&'static str] =
        &["forgets promise", "forgets entries", "forgets hard state", "applies twice"];

    fn start(start: Start<Record>) -> Site {
        let mut store = Store::default();
        start.records.iter().for_each(|record| store.apply(record));
        let (decided, length) = (store.decided, store.log.len());
        assert!(decided <= length, "{decided} of {length} entries are decided");
        let unwritten = Rc::clone(&store.unwritten);
        let nodes = start.sites.iter().map(pid).collect();
        let cluster = ClusterConfig { configuration_id: 1, nodes, flexible_quorum: None };
        let server = ServerConfig {
            pid: pid(start.id),
            election_tick_timeout: 10,
            resend_message_tick_timeout: 20,
            ..ServerConfig::default()
        };
        let paxos = cluster.build_for_server(server, store).expect("a cluster has at least two sites");
        let (decided, applied, asked) = (Vec::new(), Vec::new(), BTreeSet::new());
        Site { paxos, unwritten, variant: start.variant, decided, applied, asked, tick_at: Instant::ZERO }
    }

    fn handle(&mut self, now: Instant, input: SiteInput<Site>, effects: &mut SiteEffects<Site>) {
        match input {
            SiteInput::Message { message, .. } => self.paxos.handle_incoming(message),
            SiteInput::Command { call, command: Command::Put { number, .. } } => {
                self.asked.insert(call);
                self.paxos
                    .append(Number(call, number))
                    .expect("it fails only once the cluster is reconfigured");
            }
            SiteInput::Wake => {
                self.tick_at = now + TICK;
                self.paxos.tick();
            }
            SiteInput::Link { peer, up: true } => self.paxos.reconnected(pid(peer)),
            SiteInput::Link { .. } | SiteInput::DiskSpace { .. } => {}
        }
        self.flush(effects);
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        Some((self.tick_at, "tick"))
    }

    fn role(&self) -> Role {
        let ballot = self.paxos.get_promise();
        let leads = self.paxos.get_current_leader() == Some((self.paxos.get_pid(), true));
        if leads { Role::Leader { rank: u64::from(ballot.n) << 8 | ballot.pid } } else { Role::Follower }
    }

    fn converged(cluster: &SitesOf<Site>) -> Result<(), String> {
        cluster.agree("applied", |site| site.applied.clone())
    }

    fn judges() -> Judges<Site> {
        let value = |call, Command::Put { number, .. }: &Command| Some(Number(call, *number));
        Judges::none().decides(|site: &Site| &site.decided, value).once(|site| &site.applied)
    }

    fn draw(_: &mut Draws, asking: &Asking) -> Option<Command> {
        Some(Command::Put { at: asking.who, number: asking.number })
    }

    fn probe() -> Option<Command> {
        Some(Command::Put { at: Target::Any, number: 0 })
    }
}

impl Site {
    fn forgets(&self, record: &Record) -> bool {
        match record {
            Record::Promise(_) => matches!(self.variant, "forgets promise" | "forgets hard state"),
            Record::AcceptedRound(_) => self.variant == "forgets hard state",
            Record::DecidedIndex(_) => matches!(self.variant, "forgets entries" | "forgets hard state"),
            Record::Log(..) => self.variant == "forgets entries",
        }
    }

    fn flush(&mut self, effects: &mut SiteEffects<Site>) {
        let mut unwritten = self.unwritten.take();
        unwritten.retain(|record| !self.forgets(record));
        unwritten.into_iter().for_each(|record| effects.append(record));
        let mut messages = Vec::new();
        self.paxos.take_outgoing_messages(&mut messages);
        for message in messages {
            let to = ProcessId::site((message.get_receiver() - 1) as u8);
            // Each message waits until the records above are on disk. With that, a storage that writes into memory
            // and returns is as good as one that waits for its disk.
            effects.send(to, message);
        }
        for entry in self.paxos.read_decided_suffix(self.decided.len()).unwrap_or_default() {
            let LogEntry::Decided(number) = entry else { panic!("{entry:?} among decided entries") };
            effects.note("decided", format!("{} for {}", number.1, number.0));
            self.decided.push(number);
            if self.variant == "applies twice" || !self.applied.contains(&number) {
                self.applied.push(number);
            }
            if self.asked.remove(&number.0) {
                effects.answer(number.0, number.1);
            }
        }
    }
}

fn pid(site: SiteId) -> u64 {
    u64::from(site.number()) + 1
}
