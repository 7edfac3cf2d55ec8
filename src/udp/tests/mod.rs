//! The real loop over a real socket and real files, with everything that it does to them recorded.

mod clients;
mod first_input;
mod links;
mod recorder;
mod runs;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket as StdSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use self::recorder::{Happened, Lie, RecordedDisk, RecordedSocket, Recording};
use super::clock::Clock;
use super::seal::{Challenge, Notice, Party, Sealer};
use super::*;
use crate::frame::{self, Sender};
use crate::ids::{ProcessId, SiteId};
use crate::journal::{Identity, Journal, JournalConfig};
use crate::mix::Seed;
use crate::outbox::SyncMode;
use crate::process::{Damage, Effects, Input, Label, NoNote, Process, Recipients, Recovered, Role, Subject};
use crate::time::{Duration, Instant};
use crate::wire::{Reader, Wire, WireError};

const CLUSTER: u64 = 77;
const DATAGRAM: usize = 1_100;
const RECORD: usize = 64;

fn keys() -> Keys {
    let [sites, client_master] = [1, 2].map(|byte| Some(Key::from_bytes([byte; 32])));
    Keys { sites, client_master, denied: KeySet::default() }
}

/// A program of clients that holds this key.
fn of_clients(number: KeyNumber) -> Sealer {
    let key = keys().client_master.map(|master| master.client_key(number));
    Sealer::of_clients(CLUSTER, &[key.unwrap()], [9; 32])
}

/// Receives the next challenge.
fn challenge(socket: &StdSocket, client: u16) -> Challenge {
    let mut bytes = [0; 200];
    let length = socket.recv(&mut bytes).unwrap();
    let opened = of_clients(KeyNumber::of(client)).open(&mut bytes[..length]).unwrap().challenge();
    opened.unwrap()
}

/// A datagram before it is sealed.
fn framed(from: ProcessId, to: ProcessId, word: &Word) -> Vec<u8> {
    let sender = Sender { cluster: CLUSTER, configuration: 0, from, incarnation: 1 };
    let mut bytes = Vec::new();
    frame::Head::new(&sender).begin(&mut bytes, Recipients::One(to));
    frame::put_message(&mut bytes, &word.to_bytes());
    frame::seal(&mut bytes);
    bytes
}

/// The header and the messages of a datagram from the host.
fn words(sealed: &[u8]) -> (frame::Header, Vec<Word>) {
    let mut bytes = sealed.to_vec();
    let opened = Sealer::of_bystander(CLUSTER, &keys()).open(&mut bytes).unwrap().frame;
    let (header, messages) = frame::read(opened).unwrap();
    (header, messages.decode().unwrap())
}

/// One fact. Its bytes are found nowhere else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Fact(u64);

impl Fact {
    fn pattern(self) -> [u8; 16] {
        let mut bytes = *b"fact :  ........";
        bytes[8..].copy_from_slice(&self.0.to_le_bytes());
        bytes
    }
}

impl Wire for Fact {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.pattern());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Fact, WireError> {
        let bytes: [u8; 16] = input.array()?;
        let number = bytes[8..].try_into().map_err(|_| WireError::Short)?;
        Ok(Fact(u64::from_le_bytes(number)))
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Word {
    /// Make this fact durable, then say so.
    Keep { number: u64 },
    /// This fact is durable.
    Kept { number: u64 },
    /// This fact is on its way.
    HeartbeatReply { number: u64 },
}

wire_enum!(Word { 1 => Keep { number }, 2 => Kept { number }, 3 => HeartbeatReply { number } });

impl Label for Word {
    fn kind(&self) -> &'static str {
        match self {
            Word::Keep { .. } => "Keep",
            Word::Kept { .. } => "Kept",
            Word::HeartbeatReply { .. } => "HeartbeatReply",
        }
    }

    fn subject(&self) -> Subject {
        Subject::NONE
    }
}

/// A site keeps each fact that it receives, and reports it to site 1. A kept odd fact makes it keep another one, by a
/// message to itself. A terminal passes commands on to its site.
#[derive(Clone, Debug)]
struct Clerk {
    id: ProcessId,
    kept: Vec<u64>,
}

/// From here on a fact brings no other.
const SECOND: u64 = 1_000_000;

/// A fact from here on takes this long to keep.
const COSTLY: (u64, Duration) = (4 * SECOND, Duration::from_millis(2));
/// A site stops at this one.
const LAST: u64 = 2_000_000;

impl Process for Clerk {
    type Message = Word;
    type Record = Fact;
    type Note = NoNote;
    type Command = u64;
    type Config = ();

    fn start(_: &(), id: ProcessId, _: Seed, recovered: Recovered<Fact>) -> Result<Clerk, Damage> {
        Ok(Clerk { id, kept: recovered.records.iter().map(|fact| fact.0).collect() })
    }

    fn handle(&mut self, _: Instant, input: Input<Clerk>, effects: &mut Effects<Clerk>) {
        match (self.id, input) {
            (ProcessId::Terminal(site), Input::Command(number)) => effects.send(site, &Word::Keep { number }),
            (ProcessId::Site(_), Input::Message { from, message: Word::Keep { number } }) => {
                if number == LAST {
                    effects.stop("clerk", "it was told the last fact".into());
                }
                // The waiting message comes first: what it waits for does not depend on the order of calls.
                effects.send(ProcessId::site(1), &Word::Kept { number });
                if let ProcessId::Client(_) = from {
                    effects.send(from, &Word::Kept { number });
                }
                effects.send_independent(ProcessId::site(1), &Word::HeartbeatReply { number });
                effects.append(&Fact(number));
                if number % 2 == 1 && number < SECOND {
                    effects.send(self.id, &Word::Keep { number: SECOND + number });
                }
                let clock = Clock::start();
                while number >= COSTLY.0 && clock.now().since(Instant::ZERO) < COSTLY.1 {}
                self.kept.push(number);
            }
            (_, _) => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }

    fn role(&self) -> Role {
        Role::Follower
    }
}

/// A folder that is removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("aviary-udp-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }
}

impl core::ops::Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

type ClerkHost = Host<Clerk, RecordedDisk, RecordedSocket>;

/// A host of site 0 on a folder of its own, and a socket that is site 1.
struct Bench {
    host: ClerkHost,
    recording: Recording,
    peer: StdSocket,
    me: SocketAddr,
    /// The cookie of the client that proved its address last.
    cookie: u64,
    _scratch: Scratch,
}

fn format(path: &Path) {
    let mut files = Files::open(path).unwrap();
    let identity = Identity { cluster: CLUSTER, process: ProcessId::site(0) };
    let config = JournalConfig { segment_bytes: 1 << 16, record_max: RECORD };
    Journal::format(&mut files, &identity, &config).unwrap();
}

fn bench(name: &str, sync_mode: SyncMode, lie: Lie, outbox_max: usize) -> Bench {
    bench_with(name, sync_mode, lie, outbox_max, keys())
}

fn bench_with(name: &str, sync_mode: SyncMode, lie: Lie, outbox_max: usize, keys: Keys) -> Bench {
    let scratch = Scratch::new(name);
    format(&scratch.0);
    let peer = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    peer.set_nonblocking(true).unwrap();
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    start(scratch, (at, peer), sync_mode, lie, outbox_max, keys)
}

fn start(
    scratch: Scratch,
    (at, peer): (SocketAddr, StdSocket),
    sync_mode: SyncMode,
    lie: Lie,
    outbox_max: usize,
    keys: Keys,
) -> Bench {
    let recording = Recording::default();
    let disk = RecordedDisk::new(Files::open(&scratch.0).unwrap(), recording.clone(), lie);
    let socket = socket::bind(at).unwrap();
    let me = socket.local_addr().unwrap();
    let settings = HostSettings {
        configuration: 0,
        cluster: CLUSTER,
        me: SiteId::new(0).unwrap(),
        addresses: vec![me, peer.local_addr().unwrap()],
        config: (),
        record_max: RECORD,
        datagram_max: DATAGRAM,
        keys,
        outbox_max,
        sync_mode,
        seed: Seed(1),
    };
    let host = Host::start(settings, RecordedSocket::new(socket, recording.clone()), disk).unwrap();
    Bench { host, recording, peer, me, cookie: 0, _scratch: scratch }
}

impl Bench {
    /// The same site, started again.
    fn restarted(self) -> Bench {
        let Bench { host, peer, me, _scratch: scratch, .. } = self;
        drop(host);
        start(scratch, (me, peer), SyncMode::Overlapped, Lie::None, 1 << 20, keys())
    }

    /// Takes turns until `is_done`, or for 20 s.
    fn turn_until(&mut self, is_done: impl Fn(&Bench) -> bool) -> Result<(), HostError> {
        let end = self.host.now() + Duration::from_secs(20);
        while !is_done(self) {
            assert!(self.host.now() < end, "nothing comes any more: {:?}", self.recording.take());
            let soon = self.host.now() + Duration::from_millis(10);
            self.host.turn(Some(soon))?;
        }
        Ok(())
    }

    fn kept(&self) -> usize {
        self.host.site().kept.len()
    }

    /// Sends one datagram to the host, from this socket, as of this process.
    fn send(&self, socket: &StdSocket, from: ProcessId, to: ProcessId, number: u64) {
        let bytes = framed(from, to, &Word::Keep { number });
        let mut sealed = Vec::new();
        let party = Party::of(from);
        match party {
            Party::Sites => Sealer::new(CLUSTER, &keys(), [9; 32]).seal(party, &bytes, &mut sealed),
            Party::Client(number) => of_clients(number).seal_with(party, self.cookie, &bytes, &mut sealed),
        };
        socket.send_to(&sealed, self.me).unwrap();
    }

    /// Has the host challenge this client, and takes the cookie.
    fn prove(&mut self, socket: &StdSocket, client: u16) {
        self.send(socket, ProcessId::Client(client), ProcessId::site(0), 0);
        let unproven = self.host.counters().dropped(Drop::Unproven);
        self.turn_until(|bench| bench.host.counters().dropped(Drop::Unproven) > unproven).unwrap();
        self.cookie = challenge(socket, client).cookie;
    }
}

#[test]
fn a_site_that_stops_by_itself_leaves_nothing_of_that_turn() {
    let mut bench = bench("stop", SyncMode::Overlapped, Lie::None, 1 << 20);
    bench.host.command(4);
    bench.turn_until(|bench| bench.kept() == 1).unwrap();
    let error = loop {
        bench.host.command(LAST);
        if let Err(error) = bench.turn_until(|bench| bench.kept() == 2) {
            break error;
        }
    };
    assert_eq!(error.to_string(), "clerk: it was told the last fact");
    // Nothing leaves when the host is stopped then, either.
    let Bench { host, recording, .. } = bench;
    assert!(matches!(host.stop(), Err(HostError::Failed)));
    let last = LAST.to_bytes();
    let writes = recording.take().into_iter().filter_map(|event| match event {
        Happened::Wrote { bytes, .. } => Some(bytes),
        _ => None,
    });
    assert!(!writes.into_iter().any(|bytes| bytes.windows(last.len()).any(|part| part == last)));
}

/// The facts that were reported as durable, and those among them that were not.
fn judge(events: &[Happened]) -> (Vec<u64>, Vec<u64>) {
    // Each write: its file, its bytes, and whether a sync that began after it has ended.
    let mut writes: Vec<(&str, &[u8], bool)> = Vec::new();
    let mut syncs: Vec<(u64, &str, usize)> = Vec::new();
    let (mut reported, mut untrue) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            Happened::Wrote { file, bytes } => writes.push((file, bytes, false)),
            Happened::SyncStarted { id, file } => syncs.push((*id, file, writes.len())),
            Happened::Synced { id } => {
                let (_, file, end) = syncs.iter().find(|(started, ..)| started == id).unwrap();
                writes[..*end].iter_mut().filter(|write| write.0 == *file).for_each(|write| write.2 = true);
            }
            Happened::Sent { bytes } => {
                for word in words(bytes).1 {
                    let Word::Kept { number } = word else { continue };
                    let pattern = Fact(number).pattern();
                    let holds = |bytes: &[u8]| bytes.windows(pattern.len()).any(|part| part == pattern);
                    let at = writes.iter().position(|(_, bytes, _)| holds(bytes)).unwrap();
                    reported.push(number);
                    // Everything that was appended earlier counts too.
                    if writes[..=at].iter().any(|(_, _, is_durable)| !is_durable) {
                        untrue.push(number);
                    }
                }
            }
        }
    }
    (reported, untrue)
}

/// Has facts kept, from the network and from the terminal. Returns the facts that were reported, and the untrue ones.
fn keep_facts(name: &str, sync_mode: SyncMode, lie: Lie) -> (Vec<u64>, Vec<u64>) {
    let mut bench = bench(name, sync_mode, lie, 1 << 20);
    for number in 0..200 {
        match number % 3 {
            0 => bench.host.command(number),
            _ => bench.send(&bench.peer, ProcessId::site(1), ProcessId::site(0), number),
        }
        if number % 10 == 0 {
            bench.host.turn(Some(Instant::ZERO)).unwrap();
        }
    }
    // Each odd one brings another, when its own message comes back.
    bench.turn_until(|bench| judge(&bench.recording.all()).0.len() == 300).unwrap();
    let (mut reported, untrue) = judge(&bench.recording.all());
    reported.sort_unstable();
    (reported, untrue)
}

#[test]
fn what_waits_leaves_only_after_the_sync_of_all_that_it_depends_on() {
    for (name, sync_mode) in [("overlapped", SyncMode::Overlapped), ("blocking", SyncMode::Blocking)] {
        let (reported, untrue) = keep_facts(name, sync_mode, Lie::None);
        let expected: Vec<u64> =
            (0..200).chain((0..200).filter(|n| n % 2 == 1).map(|n| SECOND + n)).collect();
        assert_eq!(reported, expected, "{name}");
        assert_eq!(untrue, [0_u64; 0], "{name}");
    }
}

#[test]
fn a_disk_that_reports_syncs_before_they_happen_is_caught() {
    for (name, sync_mode) in [("early-o", SyncMode::Overlapped), ("early-b", SyncMode::Blocking)] {
        let (_, untrue) = keep_facts(name, sync_mode, Lie::EarlySync);
        assert!(!untrue.is_empty(), "{name}");
    }
}

#[test]
fn a_failed_sync_or_write_stops_the_host_before_anything_else_leaves() {
    for (name, sync_mode) in [("failed-o", SyncMode::Overlapped), ("failed-b", SyncMode::Blocking)] {
        for lie in [Lie::FailedSync, Lie::FailedWrite] {
            let mut bench = bench(name, sync_mode, lie, 1 << 20);
            bench.host.command(4);
            let error = bench.turn_until(|_| false).unwrap_err().to_string();
            assert!(error.contains("the disk failed: it is only a test; check the device"), "{error}");
            assert_eq!(judge(&bench.recording.all()).0, [0_u64; 0]);
            check_is_done_for(bench);
        }
    }
}

/// A host that failed takes nothing, writes nothing and sends nothing, whatever is asked of it.
fn check_is_done_for(mut bench: Bench) {
    assert!(bench.host.has_failed());
    bench.recording.take();
    let kept = bench.kept();
    bench.host.command(6);
    bench.send(&bench.peer, ProcessId::site(1), ProcessId::site(0), 8);
    for _ in 0..3 {
        let soon = bench.host.now() + Duration::from_millis(5);
        assert!(matches!(bench.host.turn(Some(soon)), Err(HostError::Failed)));
    }
    assert_eq!(bench.kept(), kept);
    assert!(matches!(bench.host.stop(), Err(HostError::Failed)));
    assert_eq!(bench.recording.take(), []);
}

#[test]
fn a_thread_that_syncs_and_dies_stops_a_host_that_waits_for_nothing_else() {
    let mut bench = bench("dies", SyncMode::Overlapped, Lie::PanickingSync, 1 << 20);
    // The host itself does the first sync, which takes so long that it leaves the next one to the thread.
    bench.host.command(2);
    bench.turn_until(|bench| !judge(&bench.recording.all()).0.is_empty()).unwrap();
    bench.host.command(4);
    let failed = loop {
        if let Err(error) = bench.host.turn(None) {
            break error.to_string();
        }
    };
    assert!(failed.contains("the thread that syncs has ended"), "{failed}");
    check_is_done_for(bench);
}

#[test]
fn a_turn_ends_after_few_costly_datagrams_however_many_wait() {
    let mut bench = bench("costly", SyncMode::Overlapped, Lie::None, 1 << 20);
    for number in 0..40 {
        bench.send(&bench.peer, ProcessId::site(1), ProcessId::site(0), COSTLY.0 + 2 * number);
    }
    let mut most = 0;
    while bench.kept() < 40 {
        let before = bench.kept();
        let soon = bench.host.now() + Duration::from_millis(10);
        bench.host.turn(Some(soon)).unwrap();
        most = most.max(bench.kept() - before);
    }
    assert!((1..=3).contains(&most), "{most} datagrams of 2 ms in a turn of 5 ms");
}

#[test]
fn a_full_outbox_takes_nothing_more_until_the_sync_is_done() {
    let gate = Arc::new(Mutex::new(()));
    let mut bench = bench("full", SyncMode::Overlapped, Lie::Gated(gate.clone()), 200);
    let closed = gate.lock().unwrap();
    for number in 0..50 {
        bench.send(&bench.peer, ProcessId::site(1), ProcessId::site(0), 2 * number);
    }
    let soon = bench.host.now() + Duration::from_millis(100);
    bench.turn_until(|bench| bench.host.now() > soon).unwrap();
    let kept = bench.kept();
    assert!((1..50).contains(&kept), "kept {kept} of 50 with a full outbox");
    drop(closed);
    bench.turn_until(|bench| bench.kept() == 50).unwrap();
}

#[test]
fn what_comes_from_nowhere_is_counted_and_a_client_is_answered_where_it_is() {
    let mut bench = bench("garbage", SyncMode::Overlapped, Lie::None, 1 << 20);
    let stranger = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (me, other) = (ProcessId::site(0), ProcessId::site(1));
    stranger.send_to(b"nonsense", bench.me).unwrap();
    stranger.send_to(&[seal::VERSION; 100], bench.me).unwrap();
    stranger.send_to(&[0; 5_000], bench.me).unwrap();
    let mut sealed = Vec::new();
    let strange = Keys { sites: Some(Key::from_bytes([3; 32])), ..Keys::default() };
    Sealer::new(CLUSTER, &strange, [0; 32]).seal(Party::Sites, b"", &mut sealed);
    stranger.send_to(&sealed, bench.me).unwrap();
    Sealer::new(CLUSTER, &keys(), [0; 32]).seal(Party::Sites, b"no frame", &mut sealed);
    stranger.send_to(&sealed, bench.me).unwrap();
    bench.send(&bench.peer, me, me, 1);
    bench.send(&bench.peer, other, ProcessId::site(1), 1);
    bench.prove(&stranger, 7);
    bench.send(&stranger, ProcessId::Client(7), me, 42);
    bench.turn_until(|bench| bench.host.counters().sent == 4).unwrap();
    assert_eq!(
        bench.host.counters().to_string(),
        "received=1 sent=4 dropped=8 malformed=1 version=1 cluster=1 misdelivered=1 key=1 source=1 unproven=1 \
         oversized=1"
    );
    assert_eq!(bench.host.site().kept, [42]);
    let mut bytes = [0; 200];
    let length = stranger.recv(&mut bytes).unwrap();
    let (header, words) = words(&bytes[..length]);
    assert_eq!(header.to, Recipients::One(ProcessId::Client(7)));
    assert_eq!(words, [Word::Kept { number: 42 }]);
}

#[test]
fn a_restart_finds_what_was_kept_and_an_open_folder_is_locked() {
    let mut bench = bench("restart", SyncMode::Overlapped, Lie::None, 1 << 20);
    // Enough for several segments.
    for number in 0..2_000 {
        bench.host.command(2 * number);
    }
    bench.turn_until(|bench| judge_count(&bench.recording.all()) == 2_000).unwrap();
    let Bench { host, _scratch: scratch, .. } = bench;
    let error = Files::open(&scratch.0).unwrap_err().to_string();
    assert!(error.ends_with("open; stop it, or name another folder"), "{error}");
    drop(host);
    let mut files = Files::open(&scratch.0).unwrap();
    let identity = Identity { cluster: CLUSTER, process: ProcessId::site(0) };
    let (journal, recovered) = Journal::open(&mut files, &identity).unwrap();
    assert_eq!((journal.record_max(), recovered.incarnation), (RECORD, 2));
    let kept: Vec<u64> = recovered.decode::<Fact>().unwrap().records.iter().map(|fact| fact.0).collect();
    assert_eq!(kept, (0..2_000).map(|number| 2 * number).collect::<Vec<_>>());
}

fn judge_count(events: &[Happened]) -> usize {
    let kept =
        |bytes: &Vec<u8>| words(bytes).1.iter().filter(|word| matches!(word, Word::Kept { .. })).count();
    events.iter().map(|event| if let Happened::Sent { bytes } = event { kept(bytes) } else { 0 }).sum()
}

#[test]
fn a_folder_that_is_not_there_or_not_to_be_read_is_named() {
    let missing = Files::open(Path::new("/nowhere/at-all")).unwrap_err().to_string();
    assert_eq!(missing, "there is no folder /nowhere/at-all; name the one that was formatted for this site");
    let scratch = Scratch::new("file");
    let file = scratch.0.join("file");
    fs::write(&file, b"").unwrap();
    let error = Files::open(&file).unwrap_err().to_string();
    assert!(error.starts_with(&format!("failed to open the folder {}", file.display())), "{error}");
    assert!(error.ends_with("check the path and its permissions"), "{error}");
}
