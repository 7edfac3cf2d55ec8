//! The real loop over a real socket and real files, with everything that it does to them recorded.

mod clerk;
mod clients;
mod first_input;
mod links;
mod recorder;
mod runs;
mod syncs;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket as StdSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use self::clerk::{COSTLY, Clerk, Fact, LAST, SECOND, Word};
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
    // However late the host comes to its first turn, it is long after that when nothing more is expected.
    bench.turn_until(|bench| bench.kept() > 0).unwrap();
    let soon = bench.host.now() + Duration::from_millis(100);
    bench.turn_until(|bench| bench.host.now() > soon).unwrap();
    let kept = bench.kept();
    assert!(kept < 50, "kept {kept} of 50 with a full outbox");
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
