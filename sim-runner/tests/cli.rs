//! The built program: exit codes, what it prints where, and what it says of wrong flags and files.
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const GOOD: &str = r#"Scenario(about: "All is quiet.", seed: 3, sites: 3,
    steps: [At("1s", Tweet(site: 0, user: "ann", text: "hello"))],
    expect: [Converges(within: "10s"), View(site: 1, user: "bob", sees: ["ann: hello"])])"#;
const VIOLATED: &str = r#"Scenario(about: "Wrong on purpose.", seed: 3, sites: 3,
    steps: [At("1s", Tweet(site: 0, user: "ann", text: "hello"))],
    expect: [View(site: 1, user: "bob", sees: ["ann: bye"])])"#;
const STALLED: &str = r#"Scenario(about: "Nobody ever campaigns.", sites: 3,
    settings: (election: "60min"), expect: [Converges(within: "2s")])"#;
const STALE: &str = r#"Scenario(about: "Nothing is evicted.", sites: 3, limit: "2s",
    steps: [On(Noted(kind: "evicted"), Heal)])"#;

/// An empty folder of this test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn runner(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-runner"));
    command.current_dir(folder).args(args).env_remove("SIM_RUNNER_SEED").env_remove("CLICOLOR_FORCE");
    command
}

fn output(folder: &Path, args: &[&str]) -> (i32, String, String) {
    told(&runner(folder, args).output().unwrap())
}

fn told(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn exit_codes_say_what_came_of_the_worst() {
    let folder = folder("exit_codes");
    let files = [("good", GOOD), ("violated", VIOLATED), ("stalled", STALLED), ("stale", STALE)];
    for (name, text) in files {
        fs::write(folder.join(name).with_extension("ron"), text).unwrap();
    }
    let code = |paths: &[&str]| output(&folder, &[&["replay"], paths].concat()).0;
    assert_eq!(code(&["good.ron"]), 0);
    assert_eq!(code(&["violated.ron"]), 1);
    assert_eq!(code(&["stalled.ron"]), 3);
    assert_eq!(code(&["stale.ron"]), 5);
    assert_eq!(code(&["good.ron", "stale.ron", "stalled.ron"]), 3);
    assert_eq!(code(&["."]), 1);
    let (code, help, _) = output(&folder, &["replay", "--help"]);
    assert!(code == 0 && help.contains("3  no progress after healing"), "{help}");
}

#[test]
fn a_line_tells_of_each_and_a_failure_how_to_see_it_again() {
    let folder = folder("lines");
    fs::create_dir(folder.join("below")).unwrap();
    fs::write(folder.join("below/b.ron"), GOOD).unwrap();
    fs::write(folder.join("a wrong one.ron"), VIOLATED).unwrap();
    fs::write(folder.join("not a scenario.txt"), "x").unwrap();
    let (_, text, error) = output(&folder, &["replay", "."]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("violated  a wrong one ") && lines[0].contains(" s simulated "), "{text}");
    let explained =
        "  expectation: expect[0]: bob at S1 sees: expected [\"ann: bye\"], found [\"ann: hello\"]";
    assert_eq!(lines[1], explained);
    assert!(lines[2..].iter().any(|line| line.contains("applied") && line.contains("ann: hello")), "{text}");
    let reproduce = "  reproduce: sim-runner replay './a wrong one.ron' --seed 3 --trace";
    assert_eq!(lines[lines.len() - 2], reproduce);
    assert!(lines[lines.len() - 1].starts_with("passed    b "), "{text}");
    assert!(error.is_empty() && !text.contains('\u{1b}'), "{text}{error}");
}

#[test]
fn traces_are_plain_in_a_pipe_and_coloured_on_demand() {
    let folder = folder("traces");
    fs::write(folder.join("a.ron"), GOOD).unwrap();
    let (_, notable, _) = output(&folder, &["replay", "a.ron", "--trace"]);
    assert!(notable.contains("   +") && notable.contains("= log:"), "{notable}");
    assert!(notable.lines().count() < 120 && !notable.contains('\u{1b}'), "{notable}");
    let (_, full, _) = output(&folder, &["replay", "--trace=full", "a.ron"]);
    assert!(full.lines().count() > notable.lines().count() && !full.contains("   +"));
    let fingerprint = |text: &str| text.lines().last().unwrap().split(' ').next_back().unwrap().to_owned();
    assert_eq!(fingerprint(&notable), fingerprint(&full));
    let forced =
        runner(&folder, &["replay", "a.ron", "--trace"]).env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(told(&forced).1.contains('\u{1b}'));
}

#[test]
fn machines_get_one_object_a_line() {
    let folder = folder("json");
    fs::write(folder.join("a.ron"), GOOD).unwrap();
    fs::write(folder.join("b.ron"), VIOLATED).unwrap();
    let (code, text, _) = output(&folder, &["replay", ".", "--format", "json", "--seed", "9"]);
    let objects: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, objects.len()), (1, 2));
    let passed = objects[0].as_object().unwrap();
    assert_eq!((passed["scenario"].as_str(), passed["verdict"].as_str()), (Some("a"), Some("passed")));
    assert!(
        passed["events"].as_u64().unwrap() > 50 && passed["simulated_ns"].as_u64().unwrap() > 1_000_000_000
    );
    assert_eq!((passed["seed"].as_u64(), passed["fingerprint"].as_str().unwrap().len()), (Some(9), 16));
    assert!(
        !passed.contains_key("reason") && objects[1]["reason"].as_str().unwrap().starts_with("expectation")
    );
    let again = output(&folder, &["replay", "a.ron", "--format=json", "--seed=9"]).1;
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["fingerprint"], objects[0]["fingerprint"]);
    let other =
        runner(&folder, &["replay", "a.ron", "--format=json"]).env("SIM_RUNNER_SEED", "10").output().unwrap();
    let other: serde_json::Value = serde_json::from_str(&told(&other).1).unwrap();
    assert_eq!(other["seed"].as_u64(), Some(10));
    assert_ne!(other["fingerprint"], objects[0]["fingerprint"]);
}

#[test]
fn wrong_flags_and_files_exit_with_2_before_anything_runs() {
    let folder = folder("wrong");
    fs::write(folder.join("good.ron"), GOOD).unwrap();
    fs::write(folder.join("bad.ron"), GOOD.replace("Tweet", "Twet")).unwrap();
    fs::write(folder.join("worse.ron"), GOOD.replace("site: 0", "site: 4")).unwrap();
    fs::write(folder.join("bytes.ron"), [0xff, 0xfe]).unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    std::os::unix::fs::symlink("loop", folder.join("loop")).unwrap();
    let check = |args: &[&str], parts: &[&str]| {
        let (code, text, error) = output(&folder, args);
        assert_eq!((code, text.as_str()), (2, ""), "{error}");
        for part in parts {
            assert!(error.contains(part), "{part:?} is missing in\n{error}");
        }
    };
    check(&["replay", "good.ron", "--seed", "abc"], &["invalid value 'abc' for '--seed <N>'"]);
    check(&["replay", "good.ron", "--format", "xml"], &["invalid value 'xml'", "text, json"]);
    check(&["replay", "good.ron", "--tracing"], &["unexpected argument '--tracing'", "--trace"]);
    check(&["replay"], &["PATH"]);
    check(&["repaly", "good.ron"], &["unrecognized subcommand 'repaly'", "'replay'"]);
    check(&["replay", "nowhere"], &["failed to read nowhere: No such file"]);
    check(&["replay", "good.ron/below"], &["failed to read good.ron/below: Not a directory"]);
    check(&["replay", "loop"], &["failed to read loop:"]);
    check(&["replay", "empty"], &["no scenario (*.ron) is below the folder empty"]);
    check(&["replay", "bytes.ron"], &["failed to read bytes.ron", "UTF-8"]);
    let both = ["bad.ron:2:22", "did you mean `Tweet`?", "worse.ron:2:34", "there is no site 4"];
    check(&["replay", "good.ron", "bad.ron", "worse.ron"], &both);
    check(&["check", "good.ron", "bad.ron", "worse.ron"], &both);
}

#[test]
fn a_new_scenario_checks_and_passes() {
    let folder = folder("new");
    fs::create_dir(folder.join("deep")).unwrap();
    let (code, text, _) = output(&folder, &["new", "mine", "--dir", "deep"]);
    assert_eq!(code, 0);
    assert_eq!(text, "deep/mine.ron\nrun it: sim-runner replay deep/mine.ron --trace\n");
    assert_eq!(output(&folder, &["check", "deep"]), (0, "ok  deep/mine.ron\n".into(), String::new()));
    assert_eq!(output(&folder, &["replay", "deep/mine.ron"]).0, 0);
    let (code, _, error) = output(&folder, &["new", "mine", "--dir", "deep"]);
    assert!(code == 2 && error.contains("failed to write deep/mine.ron: File exists"), "{error}");
    let (code, _, error) = output(&folder, &["new", "../mine"]);
    assert!(code == 2 && error.contains("letters, digits, _ and -"), "{error}");
    let (code, _, error) = output(&folder, &["new", "mine", "--dir", "nowhere"]);
    assert!(code == 2 && error.contains("failed to write nowhere/mine.ron"), "{error}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = folder("pipe");
    for number in 0..5 {
        fs::write(folder.join(format!("{number}.ron")), GOOD).unwrap();
    }
    let mut child = runner(&folder, &["replay", ".", "--trace=full"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    let mut reader = child.stdout.take().unwrap();
    reader.read_exact(&mut first).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), told(&output).2), (Some(0), String::new()));
}
