//! `shrink` and `blame` as programs: what they print and write, and their exits.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LITTLE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/little_loss_costs_nobody_a_tweet.ron");

/// An empty folder of this test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sim-runner")).args(args).env_remove("SIM_RUNNER_SEED").output().unwrap()
}

fn check(args: &[&str], exit: i32, out: &[&str], err: &[&str]) -> String {
    let output = run(args);
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(exit), "{args:?}\n{stdout}\n{stderr}");
    assert!(out.iter().all(|text| stdout.contains(text)), "{args:?}\n{stdout}");
    assert!(err.iter().all(|text| stderr.contains(text)), "{args:?}\n{stderr}");
    assert!(!err.is_empty() || stderr.is_empty(), "{args:?}\n{stderr}");
    stdout
}

#[test]
fn a_failure_is_written_small_and_replays_as_it_did() {
    let folder = folder("shrink");
    let small = folder.join("small.ron").display().to_string();
    let planted = ["--saboteur", "forwards-once"];
    let output = check(
        &[&["shrink", LITTLE, "-o", &small], &planted[..]].concat(),
        0,
        &["progress: ", "from: 3 sites, 2 clients, 5 steps, 0 rules", "nothing more goes", "reproduce: "],
        &[],
    );
    assert!(!output.contains('\u{1b}'), "plain in a pipe: {output}");
    check(&[&["replay", &small], &planted[..]].concat(), 3, &["progress: "], &[]);
    check(&["replay", &small], 0, &["passed"], &[]);
    let text = fs::read_to_string(&small).unwrap();
    assert!(text.starts_with("// progress: ") && text.contains("kind: \"Forward\""), "{text}");
    let printed = check(&[&["shrink", LITTLE], &planted[..]].concat(), 0, &["Scenario("], &[]);
    assert_eq!(printed, text, "to standard output where no file is named");
}

#[test]
fn what_cannot_be_shrunk_or_blamed_is_said_at_once() {
    let folder = folder("refused");
    let nowhere = folder.join("none/small.ron").display().to_string();
    check(&["shrink", LITTLE], 2, &[], &["there is no failure: it passes"]);
    check(&["blame", LITTLE], 2, &[], &["there is no failure: it passes"]);
    check(&["shrink", "none.ron"], 2, &[], &["failed to read none.ron"]);
    check(&["shrink", LITTLE, "-o", &nowhere], 2, &[], &["failed to write"]);
    check(&["blame", LITTLE, "--svg", &nowhere], 2, &[], &["failed to write"]);
    check(&["shrink", LITTLE, "--saboteur", "forward-once"], 2, &[], &["forwards-once"]);
    check(&["shrink", LITTLE, "--time", "0s"], 2, &[], &["above 0"]);
    check(&["blame", LITTLE, "--forks", "1"], 2, &[], &["--forks"]);
}

#[test]
fn blame_is_told_to_people_and_machines_and_drawn() {
    let folder = folder("blame");
    let svg = folder.join("curve.svg").display().to_string();
    let planted = ["blame", LITTLE, "--saboteur", "forwards-once", "--forks", "8"];
    let jump = "> 1.664506 S1 -> S2 Forward submission 2: lost";
    let output = check(&[&planted[..], &["--svg", &svg]].concat(), 0, &["How likely", "It jumps from"], &[]);
    let plain: Vec<String> =
        output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(plain.iter().any(|line| line == jump), "{output}");
    assert!(!output.contains('\u{1b}') && output.lines().all(|line| line.chars().count() < 120), "{output}");
    let drawing = fs::read_to_string(&svg).unwrap();
    assert!(drawing.starts_with("<svg ") && drawing.trim_end().ends_with("</svg>"), "{drawing}");
    assert!(drawing.contains("-&gt; S2 Forward submission 2: lost"), "{drawing}");
    let object = check(&[&planted[..], &["--format", "json"]].concat(), 0, &[], &[]);
    let object: serde_json::Value = serde_json::from_str(&object).unwrap();
    assert_eq!((&object["property"], &object["seed"]), (&"progress".into(), &7.into()), "{object}");
    assert_eq!(object["jump"]["after"]["at_ns"], 1_664_506_000_u64, "{object}");
    assert!(object["curve"].as_array().unwrap().len() > 20, "{object}");
    assert!(object["suspects"][0]["what"].as_str().is_some(), "{object}");
}
