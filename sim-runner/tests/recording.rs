//! `replay-recording` and `show`: their output for a recording that is the same, that differs, and that cannot be played.
#![cfg(all(feature = "tweets", feature = "udp"))]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use aviary::ids::{ProcessId, SiteId};
use aviary::journal::{Identity, Journal, JournalConfig};
use aviary::mix::Seed;
use aviary::outbox::SyncMode;
use aviary::recording::{File, frames, put_preface};
use aviary::replicated::config::Config;
use aviary::time::Duration;
use aviary::tweets::site::{Command, Note, Operation, Participant};
use aviary::tweets::timeline::{Event, Timeline};
use aviary::udp::{Files, Host, HostSettings, Key, Keys, Recorder, RecorderSettings, socket};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;

const CLUSTER: u64 = 77;
const ME: ProcessId = ProcessId::site(0);

fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recording").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Records a cluster of one site that takes a tweet from its terminal.
fn record(data: &Path, recording: &Path, text: &str) {
    let config = Config::new(1);
    let recorder =
        RecorderSettings { folder: recording.into(), bytes_max: 16 << 20, cluster: CLUSTER, site: ME };
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
    let bound = socket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let recorder = Recorder::open(recorder).unwrap();
    let mut host: Host<Participant, _, _> =
        Host::start_recorded(settings, bound, Files::open(data).unwrap(), Some(recorder)).unwrap();
    let event = Event::Tweet { user: "ann".parse().unwrap(), text: text.parse().unwrap() };
    host.command(Command::Do(Operation::Event { event }));
    let end = host.now() + Duration::from_secs(20);
    while !host.take_notes().iter().any(|(_, note)| matches!(note, Note::Done(..))) {
        assert!(host.now() < end, "the tweet was not done in 20 s");
        host.turn(Some(host.now() + Duration::from_millis(10))).unwrap();
    }
}

/// Two starts of one site, recorded.
fn recorded(test: &str) -> PathBuf {
    let folder = folder(test);
    let (data, recording) = (folder.join("data"), folder.join("recording"));
    fs::create_dir_all(&data).unwrap();
    let config = JournalConfig {
        record_max: Config::new(1).record_bytes_max::<Timeline>(),
        ..JournalConfig::default()
    };
    let identity = Identity { cluster: CLUSTER, process: ME };
    Journal::format(&mut Files::open(&data).unwrap(), &identity, &config).unwrap();
    record(&data, &recording, "of the first life");
    record(&data, &recording, "of the second");
    recording
}

fn replay(arguments: &[&str]) -> (i32, String, String) {
    ran("replay-recording", arguments)
}

fn ran(command: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut program = Program::new(env!("CARGO_BIN_EXE_sim-runner"));
    let output = program.arg(command).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_recording_that_comes_out_the_same_is_counted_and_told() {
    let recording = recorded("same");
    let path = recording.to_str().unwrap();
    let (code, output, errors) = replay(&[path]);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    assert!(output.starts_with("same      S0 of cluster 0x000000000000004d: "), "{output}");
    assert!(
        output.contains(" in 2 files over ") && output.contains(", 4 starts of 2 incarnations\n"),
        "{output}"
    );
    let (code, output, _) = replay(&[path, "--verbose"]);
    assert!(code == 0 && output.contains("ann: of the first life"), "{output}");
    let second = recording.join("00000001.rec");
    let (code, output, _) = replay(&[path, "--from", second.to_str().unwrap(), "--verbose"]);
    assert!(
        code == 0 && output.contains("ann: of the second") && output.contains(" in 1 file over "),
        "{output}"
    );
    assert!(!output.contains("took 1.2: ann: of the first life"), "that is in the other file: {output}");
}

/// What the page of a recording shows.
fn shown(recording: &Path, arguments: &[&str]) -> serde_json::Value {
    let page = recording.with_extension("html");
    let paths = [recording.to_str().unwrap(), "-o", page.to_str().unwrap()];
    let (code, output, errors) = ran("show", &[&paths[..], arguments].concat());
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    assert!(output.contains("wrote "), "{output}");
    let html = fs::read_to_string(page).unwrap();
    let (_, data) = html.split_once(r#"id="run">"#).unwrap();
    let packed = STANDARD.decode(data.split_once('<').unwrap().0.trim()).unwrap();
    let mut runs: serde_json::Value = serde_json::from_reader(GzDecoder::new(&packed[..])).unwrap();
    runs["runs"][0].take()
}

fn texts<'a>(list: &'a serde_json::Value, field: &'a str) -> impl Iterator<Item = &'a str> {
    list.as_array().unwrap().iter().filter_map(move |one| one[field].as_str())
}

#[test]
fn a_recording_has_a_page_of_its_inputs_effects_states_and_calls() {
    let run = shown(&recorded("shown"), &[]);
    assert_eq!((&run["source"], &run["verdict"]["name"]), (&"recording".into(), &"passed".into()));
    assert!(run["about"].as_str().unwrap().contains("S0 of cluster 0x000000000000004d"), "{}", run["about"]);
    assert_eq!(texts(&run["processes"], "id").collect::<Vec<_>>(), ["S0", "T0"]);
    let events = run["events"].as_array().unwrap();
    let kinds = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count();
    assert_eq!((kinds("started"), kinds("ended"), kinds("commanded")), (4, 2, 2), "two lives of a site");
    assert!(kinds("own") > 0 && kinds("woke") > 0 && kinds("appended") > 0 && kinds("leads") == 2);
    let mut last = 0;
    for (place, event) in events.iter().enumerate() {
        let at = event["at"].as_u64().unwrap();
        assert!(at >= last, "{event} is earlier than what comes before it");
        last = at;
        if let Some(cause) = event["cause"].as_u64() {
            assert!(cause < place as u64, "{event} is caused by what comes later");
        }
        // Whatever is handed in without a clock or a user comes from inside this program.
        if event["kind"] == "delivered" || event["kind"] == "own" {
            let cause = &events[usize::try_from(event["cause"].as_u64().unwrap()).unwrap()];
            let is_sent = cause["kind"] == "sent" && cause["copy"] == event["copy"];
            assert!(is_sent || event["kind"] == "own", "{event} is caused by {cause}");
        }
    }
    let calls: Vec<&str> = texts(&run["calls"], "text").collect();
    assert_eq!(calls, ["ann: of the first life", "ann: of the second"]);
    assert!(
        run["calls"].as_array().unwrap().iter().all(|call| call["answered"].is_u64()),
        "{}",
        run["calls"]
    );
    let applied = run["states"].as_array().unwrap().iter().rev().find_map(|state| {
        state["fields"]["applied below slot"].as_str().filter(|_| state["process"] == "S0")
    });
    assert!(applied.is_some_and(|applied| applied.parse::<u64>().unwrap() >= 2), "{applied:?}");
}

#[test]
fn a_recording_with_too_many_events_is_shown_from_its_beginning() {
    let recording = recorded("few");
    let (whole, few) = (shown(&recording, &[]), shown(&recording, &["--shown-max", "20"]));
    let count = |run: &serde_json::Value| run["events"].as_array().unwrap().len() as u64;
    assert_eq!(few["left_out"], count(&whole) - 20);
    assert_eq!(few["events"].as_array().unwrap()[..], whole["events"].as_array().unwrap()[..20]);
}

#[test]
fn the_page_of_a_recording_that_differs_shows_where() {
    let recording = differing("shown differently");
    for arguments in [&[][..], &["--shown-max", "20"][..]] {
        let run = shown(&recording, arguments);
        let text = run["verdict"]["text"].as_str().unwrap();
        assert_eq!(run["verdict"]["name"], "differs");
        assert!(text.contains("00000000.rec, entry ") && text.contains("replayed:"), "{text}");
        let last = run["events"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["kind"], &last["who"]), (&"differs".into(), &run["verdict"]["process"]));
        let cause = usize::try_from(last["cause"].as_u64().unwrap()).unwrap();
        assert_eq!(run["events"][cause]["who"], last["who"], "the input at which it differs");
    }
}

#[test]
fn what_has_no_page_is_refused_as_it_is_by_a_replay() {
    let refused = |arguments: &[&str], words: &str| {
        let (code, output, errors) = ran("show", arguments);
        assert_eq!((code, output.as_str()), (2, ""), "{errors}");
        assert!(errors.contains(words), "{words:?} in {errors}");
    };
    let empty = folder("no page");
    refused(
        &[empty.to_str().unwrap()],
        "holds no recording: no file like 00000017.rec; `site run --record` writes one",
    );
    let recording = recorded("no page of this");
    let path = recording.to_str().unwrap();
    refused(&[path, "--against", "seed=3"], "is the folder of a recording, and --against is for scenarios");
    refused(
        &[path, "--saboteur", "reads-alone"],
        "is the folder of a recording, and --saboteur is for scenarios",
    );
    let first = recording.join("00000000.rec");
    refused(&[path, "-o", first.to_str().unwrap()], "write the page to another file");
    fs::write(&first, b"not a recording").unwrap();
    refused(&[path], "it is no file of a recording");
}

#[test]
fn the_first_difference_is_shown_and_has_a_code_of_its_own() {
    let (code, output, _) = replay(&[differing("differs").to_str().unwrap()]);
    assert_eq!(code, 4, "{output}");
    assert!(
        output.starts_with("differs   ") && output.contains("recorded") && output.contains("replayed"),
        "{output}"
    );
    assert!(output.contains("reproduce: ") && output.contains("00000000.rec"), "{output}");
}

/// A recording with a wrong byte in its first long output.
fn differing(test: &str) -> PathBuf {
    let recording = recorded(test);
    let first = recording.join("00000000.rec");
    let bytes = fs::read(&first).unwrap();
    let (front, mut rest) = bytes.split_at(10);
    let mut changed = front.to_vec();
    let mut outputs = 0;
    while let Ok(body) = frames::take(&mut rest) {
        let mut body = body.to_vec();
        // An output ends with its last message, or with the number of messages.
        if body[0] == 5 && body.len() > 40 {
            outputs += 1;
            if outputs == 1 {
                *body.last_mut().unwrap() ^= 1;
            }
        }
        let start = changed.len();
        frames::put(&mut changed, |out| out.extend_from_slice(&body));
        frames::seal(&mut changed[start..]);
    }
    assert!(outputs > 1, "the recording has long outputs");
    fs::write(&first, changed).unwrap();
    recording
}

#[test]
fn what_cannot_be_played_is_a_usage_error_with_a_cure() {
    let refused = |arguments: &[&str], words: &[&str]| {
        let (code, output, errors) = replay(arguments);
        assert_eq!((code, output.as_str()), (2, ""), "{errors}");
        words.iter().for_each(|words| assert!(errors.contains(words), "{words:?} in {errors}"));
    };
    let empty = folder("empty");
    refused(&[empty.to_str().unwrap()], &["holds no recording", "`site run --record` writes one"]);
    refused(&["nowhere"], &["failed to read nowhere", "name a folder of a recording"]);
    let recording = recorded("refused");
    let path = recording.to_str().unwrap();
    refused(&[path, "--from", "00000009.rec"], &["there is no 00000009.rec", "00000001.rec"]);
    let first = recording.join("00000000.rec");
    let whole = fs::read(&first).unwrap();
    let mut header = File::header_of(&whole).unwrap();
    header.code = "0.0.0 of other sources".into();
    let mut foreign = Vec::new();
    put_preface(&mut foreign, &header);
    fs::write(&first, foreign).unwrap();
    let later = format!("what this code recorded begins with --from {path}/00000001.rec");
    refused(&[path], &["it was recorded by other code", "0.0.0 of other sources", &later]);
    fs::write(&first, b"not a recording").unwrap();
    refused(&[path], &["it is no file of a recording"]);
    let mut damaged = whole;
    damaged[14] ^= 1;
    fs::write(&first, damaged).unwrap();
    refused(&[path], &["00000000.rec", "damaged at byte"]);
}
