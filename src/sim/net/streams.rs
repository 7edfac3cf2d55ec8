//! Links that are connections: whole, in order and without loss while they are up, and broken by long cuts and by the
//! end of either program.
//!
//! 1. While a stream is up, each direction delivers what was sent over this connection, in the order of sending. What
//!    a connection delivers in its whole life is the beginning of what was sent over it.
//! 2. Everything that is scheduled on a direction arrives in the order of scheduling, whatever each copy's latency is.
//! 3. A copy that arrives while its direction is cut or clogged waits, and so does every later one. One latency after
//!    the direction is open again, all that waits arrives at once.
//! 4. A stream breaks when either direction was cut or clogged for `break_after`, when too much waits, or when a
//!    program ends. What is under way or waits is then lost. Only the program that goes on still gets what the ended
//!    one had sent; the news that the link is down comes after that, like the end of a file.
//! 5. A broken stream is connected again one latency after both programs run and both directions are open.
//! 6. Both ends learn of a break and of a connection in alternation, beginning with a break. For a program that was
//!    started again everything is broken at first, so it learns of a connection first.
//!
//! Every site has a link to every other program. Two clients have one once either has sent something to the other.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::fmt;

use crate::ids::{ProcessId, SiteSet};
use crate::sim::net::packets::PacketId;
use crate::time::{Duration, Instant};

/// Two programs, the lower one first.
pub(crate) type Ends = (ProcessId, ProcessId);

/// A moment of a stream. It is void unless the stream still expects it at that time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LinkEvent {
    /// A direction was cut for too long.
    Break(Ends),
    /// The program that goes on learns that the other one has ended.
    Close(Ends),
    /// The stream is connected again.
    Connect(Ends),
    /// What waits on this direction arrives: sender, recipient.
    Flow(ProcessId, ProcessId),
}

/// Why a stream broke.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Broken {
    Cut(Duration),
    Ended(ProcessId),
    /// More waits for a cut direction than it holds.
    TooMuchWaits,
    /// The inbox of this program was full.
    InboxFull(ProcessId),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Cut(time) => write!(f, "cut for {time}"),
            Broken::Ended(who) => write!(f, "{who} has ended"),
            Broken::TooMuchWaits => f.write_str("too much waits for it"),
            Broken::InboxFull(who) => write!(f, "the inbox of {who} is full"),
        }
    }
}

/// What becomes of a copy that arrives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    Arrives,
    Waits,
    Lost,
}

/// Something that a program is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkNotice {
    pub(crate) to: ProcessId,
    pub(crate) peer: ProcessId,
    pub(crate) up: bool,
}

/// The end of a program, on its way to the program at the other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing {
    /// The program that goes on.
    pub(crate) to: ProcessId,
    /// When it learns of the end.
    pub(crate) at: Instant,
    /// Whether what the ended program had sent still arrives.
    pub(crate) lets_in: bool,
    /// Whether the way was blocked, so that the end is noticed by the silence.
    pub(crate) is_silent: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum StreamState {
    /// It carries. `blocked_at` is when the first of its directions was cut or clogged, if one is.
    Up { blocked_at: Option<Instant> },
    /// It is broken. `up_at` is when it will be connected, if nothing prevents that.
    Down { closing: Option<Closing>, up_at: Option<Instant> },
}

/// The link between two programs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) state: StreamState,
    /// How often it was connected again.
    pub(crate) connection: u32,
    /// When the last copy arrives, in the direction from the first end and in the one to it.
    pub(crate) last: [Instant; 2],
}

impl Default for Stream {
    fn default() -> Stream {
        Stream { state: StreamState::Up { blocked_at: None }, connection: 0, last: [Instant::ZERO; 2] }
    }
}

/// The copies that have arrived while their direction was blocked, in the order of sending.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) copies: VecDeque<(ProcessId, PacketId)>,
    /// When they go on, once the direction is open.
    pub(crate) flows_at: Option<Instant>,
}

/// The streams of a world. One that was always up and never used takes no room.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    sites: SiteSet,
    clients: u16,
    pub(crate) break_after: Duration,
    pub(crate) links: BTreeMap<Ends, Stream>,
    pub(crate) waiting: BTreeMap<(ProcessId, ProcessId), Waiting>,
    /// The programs that do not run.
    pub(crate) ended: BTreeSet<ProcessId>,
    pub(crate) notices: Vec<LinkNotice>,
}

/// The ends of a link between two processes, and whether the way from the first to the second process leads from the
/// second end to the first.
pub(crate) fn ends((from, to): (ProcessId, ProcessId)) -> (Ends, usize) {
    let (from, to) = (from.program(), to.program());
    if from < to { ((from, to), 0) } else { ((to, from), 1) }
}

impl Streams {
    pub(crate) fn new(sites: u8, clients: u16, break_after: Duration) -> Streams {
        Streams {
            sites: SiteSet::first(sites),
            clients,
            break_after,
            links: BTreeMap::new(),
            waiting: BTreeMap::new(),
            ended: BTreeSet::new(),
            notices: Vec::new(),
        }
    }

    /// Whether the link between these two is broken.
    pub(crate) fn is_down(&self, way: (ProcessId, ProcessId)) -> bool {
        self.links.get(&ends(way).0).is_some_and(|stream| matches!(stream.state, StreamState::Down { .. }))
    }

    /// Sends a copy that would arrive at `at` on its own. Returns when it arrives, and over which connection.
    pub(crate) fn enter(&mut self, way: (ProcessId, ProcessId), at: Instant) -> (Instant, u32) {
        let (ends, direction) = ends(way);
        let stream = self.links.entry(ends).or_default();
        let last = &mut stream.last[direction];
        *last = at.max(*last);
        (*last, stream.connection)
    }

    /// The programs to which this one has a link.
    pub(crate) fn peers(&self, program: ProcessId) -> Vec<ProcessId> {
        let sites = self.sites.iter().map(ProcessId::Site).filter(|site| *site != program);
        match program {
            ProcessId::Site(_) | ProcessId::Terminal(_) => {
                sites.chain((0..self.clients).map(ProcessId::Client)).collect()
            }
            ProcessId::Client(_) => sites.chain(self.clients_of(program)).collect(),
        }
    }

    /// The clients with which this client has exchanged something.
    fn clients_of(&self, client: ProcessId) -> impl Iterator<Item = ProcessId> {
        let pairs = self.links_of_clients();
        pairs.filter_map(move |(one, other)| match client {
            _ if client == one => Some(other),
            _ if client == other => Some(one),
            _ => None,
        })
    }

    fn links_of_clients(&self) -> impl Iterator<Item = Ends> {
        // Sites come before clients, so these are the last links.
        self.links.range((ProcessId::Client(0), ProcessId::Client(0))..).map(|(ends, _)| *ends)
    }

    /// Every link.
    pub(crate) fn all(&self) -> Vec<Ends> {
        let clients = || (0..self.clients).map(ProcessId::Client);
        let of_site = |one| {
            let sites = self.sites.iter().filter(move |other| *other > one).map(ProcessId::Site);
            sites.chain(clients()).map(move |other| (ProcessId::Site(one), other))
        };
        self.sites.iter().flat_map(of_site).chain(self.links_of_clients()).collect()
    }

    /// Whether both programs run.
    pub(crate) fn both_run(&self, (one, other): Ends) -> bool {
        !self.ended.contains(&one) && !self.ended.contains(&other)
    }

    /// Tells the ends that run.
    pub(crate) fn notify(&mut self, (one, other): Ends, up: bool) {
        for (to, peer) in [(one, other), (other, one)] {
            if !self.ended.contains(&to) {
                self.notices.push(LinkNotice { to, peer, up });
            }
        }
    }

    /// Takes out the next copy that waits on this way, if what waits there may go on.
    pub(crate) fn next_waiting(&mut self, way: (ProcessId, ProcessId)) -> Option<(ProcessId, PacketId)> {
        let waiting = self.waiting.get_mut(&way).filter(|waiting| waiting.flows_at.is_some())?;
        let next = waiting.copies.pop_front();
        if waiting.copies.is_empty() {
            self.waiting.remove(&way);
        }
        next
    }

    /// The copies that wait, and to whom they go.
    pub(crate) fn copies(&self) -> impl Iterator<Item = (ProcessId, PacketId)> {
        self.waiting.values().flat_map(|waiting| &waiting.copies).copied()
    }
}
