//! Replays what a real host records: the replay is the same, or the first difference is found.
#![cfg(all(feature = "tweets", feature = "udp"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use aviary::ids::{ProcessId, SiteId};
use aviary::journal::{Identity, Journal, JournalConfig};
use aviary::mix::Seed;
use aviary::outbox::SyncMode;
use aviary::process::{Damage, Effects, Given, Input, Letter, Process, Recovered, Role, Savable, Size};
use aviary::recording::{CutShort, File, PlayFailure, Player, Refusal, Tally, frames};
use aviary::replicated::config::Config;
use aviary::time::{Duration, Instant};
use aviary::tweets::site::{Command, Message, Note, Operation, Participant, Query, Record};
use aviary::tweets::timeline::{Event, Timeline, TimelineQuery, View};
use aviary::udp::{Files, Host, HostSettings, Key, Keys, Recorder, RecorderSettings, socket};
use aviary::wire::WireError;

const CLUSTER: u64 = 77;
const ME: ProcessId = ProcessId::site(0);
const RING: u64 = 16 << 20;

/// The real process, except that it panics when it is asked to say `crash`.
#[derive(Clone, Debug)]
struct Fragile(Participant);

impl Process for Fragile {
    type Message = Message;
    type Record = Record;
    type Note = Note;
    type Command = Command;
    type Config = Config;

    fn start(config: &Config, id: ProcessId, seed: Seed, from: Recovered<Record>) -> Result<Fragile, Damage> {
        Participant::start(config, id, seed, from).map(Fragile)
    }

    fn handle(&mut self, now: Instant, input: Input<Fragile>, effects: &mut Effects<Fragile>) {
        let input = match input {
            Input::Message { from, message } => {
                let is_fatal =
                    matches!(message, Message::Request { .. }) && format!("{message:?}").contains("crash");
                assert!(!is_fatal, "it was asked to crash");
                Input::<Participant>::Message { from, message }
            }
            Input::Started => Input::Started,
            Input::Wake => Input::Wake,
            Input::Command(command) => Input::Command(command),
            Input::DiskSpace { is_low } => Input::DiskSpace { is_low },
            Input::Link { peer, up } => Input::Link { peer, up },
        };
        let mut given = Effects::<Participant>::default();
        self.0.handle(now, input, &mut given);
        let Given { records, messages, notes, stop } = given.take().unwrap();
        records.iter().for_each(|record| effects.append(record));
        for Letter { to, message, is_independent } in &messages {
            if *is_independent {
                effects.send_independent(*to, message);
            } else {
                effects.send(*to, message);
            }
        }
        notes.into_iter().for_each(|note| effects.note(note));
        if let Some(stop) = stop {
            effects.stop(stop.property, stop.reason);
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.0.deadline()
    }

    fn role(&self) -> Role {
        self.0.role()
    }

    fn sizes(&self, see: impl FnMut(Size)) {
        self.0.sizes(see);
    }
}

impl Savable for Fragile {
    const CODE: &'static str = Participant::CODE;

    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn load(config: &Config, id: ProcessId, bytes: &[u8]) -> Result<Fragile, WireError> {
        Participant::load(config, id, bytes).map(Fragile)
    }
}

/// A cluster of one site, and a folder for its recordings. Dropping this removes both.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("aviary-recording-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("data")).unwrap();
        let identity = Identity { cluster: CLUSTER, process: ME };
        let record_max = Config::new(1).record_bytes_max::<Timeline>();
        let config = JournalConfig { record_max, ..JournalConfig::default() };
        Journal::format(&mut Files::open(&path.join("data")).unwrap(), &identity, &config).unwrap();
        Scratch(path)
    }

    fn folder(&self) -> PathBuf {
        self.0.join("recording")
    }

    fn settings(&self) -> RecorderSettings {
        RecorderSettings { folder: self.folder(), bytes_max: RING, cluster: CLUSTER, site: ME }
    }

    fn start(&self) -> Host<Fragile, Files, mio::net::UdpSocket> {
        let config = Config::new(1);
        let settings = HostSettings {
            cluster: CLUSTER,
            configuration: 0,
            me: SiteId::default(),
            addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 9))],
            record_max: config.record_bytes_max::<Timeline>(),
            datagram_max: config.datagram_max,
            config,
            keys: Keys { sites: Some(Key::from_bytes([7; 32])), ..Keys::default() },
            outbox_max: 1 << 20,
            sync_mode: SyncMode::Overlapped,
            seed: Seed(1),
        };
        let socket = socket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let recorder = Recorder::open(self.settings()).unwrap();
        Host::start_recorded(settings, socket, Files::open(&self.0.join("data")).unwrap(), Some(recorder))
            .unwrap()
    }

    /// The bytes of each file, oldest first.
    fn files(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| fs::read(path).unwrap()).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn tweet(text: &str) -> Command {
    let event = Event::Tweet { user: "ann".parse().unwrap(), text: text.parse().unwrap() };
    Command::Do(Operation::Event { event })
}

fn look() -> Command {
    let view = View { viewer: "bob".parse().unwrap(), limit: 50, older_than: None };
    Command::Query(Query::Of(TimelineQuery::View { view }))
}

/// Sends the command `count` times to the terminal, and waits for the answers.
fn ask(host: &mut Host<Fragile, Files, mio::net::UdpSocket>, command: &Command, count: usize) {
    (0..count).for_each(|_| host.command(command.clone()));
    let end = host.now() + Duration::from_secs(20);
    let mut answers = 0;
    while answers < count {
        assert!(host.now() < end, "{answers} of {count} answers came");
        host.turn(Some(host.now() + Duration::from_millis(10))).unwrap();
        let notes = host.take_notes().into_iter();
        answers += notes.filter(|(_, note)| matches!(note, Note::Done(..) | Note::LocalReply(..))).count();
    }
}

fn caught(act: &mut dyn FnMut()) -> Result<(), String> {
    let payload = catch_unwind(AssertUnwindSafe(act)).err();
    payload.map_or(Ok(()), |payload| Err(format!("{:?}", payload.downcast_ref::<&str>())))
}

fn play(files: &[Vec<u8>]) -> Result<(Tally, Option<CutShort>), PlayFailure> {
    let mut player = Player::<Fragile>::default();
    let mut cut = None;
    for bytes in files {
        cut = player.play(bytes, &caught, None)?;
    }
    Ok((player.tally().clone(), cut))
}

fn inputs(tally: &Tally) -> u64 {
    tally.inputs.values().sum()
}

/// Everything of one file after its common start, frame by frame.
fn bodies(file: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (front, mut rest) = file.split_at(10);
    let bodies = core::iter::from_fn(|| frames::take(&mut rest).ok().map(<[u8]>::to_vec)).collect();
    (front.to_vec(), bodies)
}

fn rebuilt((front, bodies): &(Vec<u8>, Vec<Vec<u8>>)) -> Vec<u8> {
    let mut sealed = Vec::new();
    bodies.iter().for_each(|body| frames::put(&mut sealed, |out| out.extend_from_slice(body)));
    frames::seal(&mut sealed);
    [front.as_slice(), &sealed].concat()
}

#[test]
fn a_crashed_run_and_the_one_behind_it_come_out_as_they_were_recorded() {
    let scratch = Scratch::new("crash");
    let mut host = scratch.start();
    ask(&mut host, &tweet("hello"), 5);
    ask(&mut host, &look(), 2);
    host.command(tweet("crash"));
    let crashed = catch_unwind(AssertUnwindSafe(move || {
        let mut host = host;
        (0..100).try_for_each(|_| host.turn(Some(host.now())))
    }));
    assert!(crashed.is_err(), "the site was asked to crash");
    let (tally, cut) = play(&scratch.files()).unwrap();
    assert_eq!((tally.panics, tally.open, tally.starts, tally.incarnations, cut), (1, 0, 2, 1, None));
    // Both starts are compared too; the panic has no output.
    assert_eq!(tally.outputs, inputs(&tally) + 1);
    assert!(tally.inputs.keys().copied().eq(["commands", "messages", "own messages", "wake-ups"]));

    let mut host = scratch.start();
    ask(&mut host, &tweet("hello again"), 1);
    let recorded = host.recorded().unwrap();
    host.stop().unwrap();
    let (tally, _) = play(&scratch.files()).unwrap();
    assert_eq!((tally.panics, tally.open, tally.starts, tally.incarnations, tally.gaps), (1, 0, 4, 2, 0));
    let (second, _) = play(&scratch.files()[1..]).unwrap();
    assert!(inputs(&second) >= recorded.inputs && recorded.left_out == 0 && recorded.inputs > 5);
}

#[test]
fn whatever_is_cut_off_a_recording_the_rest_is_played() {
    let scratch = Scratch::new("cut");
    let mut host = scratch.start();
    ask(&mut host, &tweet("hello"), 2);
    drop(host);
    let file = scratch.files().remove(0);
    let (whole, _) = play(core::slice::from_ref(&file)).unwrap();
    let mut most = 0;
    for length in 0..file.len() {
        let (tally, _) = play(&[file[..length].to_vec()]).unwrap();
        assert!(tally.open <= 1 && inputs(&tally) <= inputs(&whole), "cut at {length}");
        assert!(inputs(&tally) >= most, "more is left, and less is played: cut at {length}");
        most = inputs(&tally);
    }
    assert_eq!(most, inputs(&whole));
    let padded = [file.as_slice(), &[0; 4_096]].concat();
    assert_eq!(play(&[padded]).unwrap().1, Some(CutShort(file.len())), "a file may end in zeros");
}

#[test]
fn the_first_output_that_differs_is_shown() {
    let scratch = Scratch::new("tampered");
    let mut host = scratch.start();
    ask(&mut host, &tweet("hello"), 1);
    drop(host);
    let mut parts = bodies(&scratch.files()[0]);
    let has_text = |body: &Vec<u8>| body[0] == 5 && body.windows(5).any(|part| part == b"hello");
    let index = parts.1.iter().position(has_text).unwrap();
    let place = parts.1[index].windows(5).position(|part| part == b"hello").unwrap();
    parts.1[index][place..place + 5].copy_from_slice(b"hullo");
    let Err(PlayFailure::Differs(difference)) = play(&[rebuilt(&parts)]) else { panic!("it differs") };
    // Before the entries are the header and two openings; the input is the one before its output.
    assert_eq!(difference.entry, index as u64 - 3);
    assert!(difference.now.is_some() && difference.input.contains("is "), "{difference}");
    let has = |lines: &[String], text| lines.iter().any(|line| line.contains(text));
    assert!(has(&difference.recorded, "hullo") && has(&difference.replayed, "hello"), "{difference}");
}

#[test]
fn other_code_and_damage_are_refused() {
    let scratch = Scratch::new("refused");
    let mut host = scratch.start();
    ask(&mut host, &tweet("hello"), 1);
    drop(host);
    let file = scratch.files().remove(0);
    let refused = |file: Vec<u8>| match play(&[file]) {
        Err(PlayFailure::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let mut parts = bodies(&file);
    let last = Participant::CODE.len();
    parts.1[0][last] ^= 1;
    let refusal = refused(rebuilt(&parts));
    let text = refusal.to_string();
    assert!(matches!(refusal, Refusal::Code { .. }), "{text}");
    assert!(
        text.contains(Participant::CODE) && text.contains("build the program from the sources"),
        "{text}"
    );
    let mut damaged = file.clone();
    let middle = file.len() / 2;
    damaged[middle] ^= 1;
    // A damaged length may point beyond the end, which a crash leaves too.
    assert!(matches!(
        play(&[damaged.clone()]),
        Err(PlayFailure::Refused(Refusal::Damaged(_))) | Ok((_, Some(_)))
    ));
    damaged[middle] ^= 1;
    let end = damaged.len() - 1;
    damaged[end] ^= 1;
    assert!(matches!(refused(damaged), Refusal::Damaged(_)));
    let mut newer = file.clone();
    newer[8] += 1;
    assert_eq!(refused(newer), Refusal::Format(2));
    assert_eq!(refused(b"something else".to_vec()), Refusal::Foreign);
}

#[test]
fn a_ring_stays_within_its_bound_and_goes_on_from_a_state() {
    let scratch = Scratch::new("ring");
    let mut host = scratch.start();
    ask(&mut host, &tweet(&"x".repeat(200)), 20);
    for _ in 0..150 {
        ask(&mut host, &look(), 100);
    }
    let recorded = host.recorded().unwrap();
    drop(host);
    let files = scratch.files();
    let bytes: usize = files.iter().map(Vec::len).sum();
    assert!(bytes as u64 <= RING && bytes as u64 > RING / 2, "{bytes} bytes");
    let first = File::header_of(&files[0]).unwrap();
    assert!(first.number > 0 && first.follows && files.len() >= 3, "{first:?}");
    let (tally, cut) = play(&files).unwrap();
    assert_eq!((tally.starts, tally.gaps, tally.open, cut, recorded.left_out), (0, 0, 0, None, 0));
    assert_eq!(tally.states, 2 * (files.len() as u64 - 1));
    assert!(tally.outputs == inputs(&tally) && inputs(&tally) < recorded.inputs);
    // A missing file is a gap, and the files after it are replayed.
    let (tally, _) = play(&[files[0].clone(), files[2].clone()]).unwrap();
    assert_eq!((tally.gaps, tally.states), (1, 0));
    // A different state is found where it is.
    let mut parts = bodies(&files[1]);
    let end = parts.1[1].len() - 1;
    parts.1[1][end] ^= 1;
    let Err(PlayFailure::Differs(difference)) = play(&[files[0].clone(), rebuilt(&parts)]) else {
        panic!("it differs")
    };
    assert_eq!(difference.entry, 0);
}

#[test]
fn a_recorder_that_cannot_write_stops_and_its_site_goes_on() {
    let scratch = Scratch::new("unwritable");
    let mut host = scratch.start();
    ask(&mut host, &tweet(&"x".repeat(200)), 20);
    // The next file cannot be created.
    fs::remove_dir_all(scratch.folder()).unwrap();
    for _ in 0..60 {
        ask(&mut host, &look(), 100);
    }
    ask(&mut host, &tweet("hello"), 10);
    assert!(host.recorded().unwrap().left_out > 0);
    host.stop().unwrap();
}

#[test]
fn folders_of_other_sites_are_refused() {
    let scratch = Scratch::new("others");
    drop(scratch.start());
    let open = |settings: RecorderSettings| {
        Recorder::<Fragile>::open(settings).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(open(scratch.settings()), Ok(()));
    let other = open(RecorderSettings { site: ProcessId::site(1), ..scratch.settings() }).unwrap_err();
    assert!(other.contains("records S0 of cluster") && other.contains("a folder of its own"), "{other}");
    let small = open(RecorderSettings { bytes_max: 1, ..scratch.settings() }).unwrap_err();
    assert!(small.contains("16777216"), "{small}");
    let file = Path::new(&scratch.0).join("file");
    fs::write(&file, "").unwrap();
    let file = open(RecorderSettings { folder: file, ..scratch.settings() }).unwrap_err();
    assert!(file.contains("failed to make the folder"), "{file}");
}
