//! `sweep` of the built program: its reports, the files it saves, its refusals, and its exits.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const GOOD: &str = r#"Scenario(about: "All is quiet.", sites: 3, network: (loss: "1%"),
    steps: [At("1s", Tweet(site: 0, user: "ann", text: "hello"))],
    expect: [Converges(within: "10s"), View(site: 1, user: "bob", sees: ["ann: hello"])])"#;
/// Wrong on purpose, and longer than it needs to be.
const VIOLATED: &str = r#"Scenario(about: "Nobody may ever be done.", sites: 3, network: (duplication: "1%"),
    steps: [At("1s", Tweet(site: 0, user: "ann", text: "hello")), After("1s", Pause(Site(2))),
            After("1s", Tweet(site: 1, user: "bob", text: "bye")), After("1s", Heal)],
    expect: [Never(Noted(kind: "done"))])"#;
const STALE: &str = r#"Scenario(about: "Nothing is evicted.", sites: 3, limit: "2s",
    steps: [On(Noted(kind: "evicted"), Heal)])"#;

/// An empty folder of this test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sweep_{test}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("good.ron"), GOOD).unwrap();
    fs::write(folder.join("violated.ron"), VIOLATED).unwrap();
    fs::write(folder.join("stale.ron"), STALE).unwrap();
    folder
}

#[expect(clippy::disallowed_methods, reason = "the program is found where other programs are")]
fn runner(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-runner"));
    command.current_dir(folder).args(args).env_remove("SIM_RUNNER_SEED").env_remove("CLICOLOR_FORCE");
    // A shell finds the program by its name.
    let program = Path::new(env!("CARGO_BIN_EXE_sim-runner")).parent().unwrap();
    command.env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()));
    command
}

fn code_and_output(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn output(folder: &Path, args: &[&str]) -> (i32, String, String) {
    code_and_output(&runner(folder, args).output().unwrap())
}

fn saved(folder: &Path) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(folder.join("failures")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn a_quiet_sweep_prints_its_figures_and_leaves_nothing_behind() {
    let folder = folder("quiet");
    let (code, text, error) = output(&folder, &["sweep", "good.ron", "--seeds", "0..60", "--threads", "2"]);
    assert_eq!((code, error.as_str()), (0, ""), "{text}");
    assert!(text.starts_with("swept good.ron, seeds 0..60, 2 threads\n  runs       60 in "), "{text}");
    for part in
        ["2 of them twice", "runs/s, ", "times real time, ", "failures   none", "never step: ", " crash; "]
    {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    assert!(saved(&folder).is_empty() && !folder.join("failures").exists() && !text.contains('\u{1b}'));
    let json = output(&folder, &["sweep", "good.ron", "--seeds", "0..60", "--format", "json"]).1;
    let object: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((object["runs"].as_u64(), object["failed"].as_u64()), (Some(60), Some(0)));
    let done = object["facts"].as_array().unwrap().iter().find(|fact| fact["name"] == "done").unwrap();
    assert_eq!((done["runs"].as_u64(), done["kind"].as_str()), (Some(60), Some("note")));
}

#[test]
fn what_a_profile_never_draws_is_not_missed() {
    let folder = folder("drawn");
    let has_expect = |sources: &[&str]| {
        let json =
            output(&folder, &[&["sweep"], sources, &["--seeds", "0..2", "--format", "json"]].concat()).1;
        let object: serde_json::Value = serde_json::from_str(&json).unwrap();
        let facts = object["facts"].as_array().unwrap();
        assert!(facts.iter().any(|fact| fact["name"] == "rule: keep"), "{json}");
        facts.iter().any(|fact| fact["name"] == "expect")
    };
    assert!(!has_expect(&["default", "quiet"]));
    assert!(has_expect(&["good.ron"]) && has_expect(&["default", "good.ron"]));
}

#[test]
fn what_must_happen_and_never_did_fails_a_sweep_that_asks_for_it() {
    let folder = folder("must_happen");
    fs::create_dir(folder.join("profiles")).unwrap();
    let profile = |names: &str| {
        let text = format!("Profile(about: \"Calm.\", must_happen: {names})");
        fs::write(folder.join("profiles/mine.ron"), text).unwrap();
    };
    let sweep =
        |more: &[&str]| output(&folder, &[&["sweep", "profiles/mine.ron", "--seeds", "0..3"], more].concat());
    profile("These([\"leads\", \"disk: save\", \"copies of disks\"])");
    // Few runs prove nothing, so the sweep warns only if asked to.
    let (code, _, error) = sweep(&[]);
    assert_eq!((code, error.as_str()), (0, ""));
    let (code, text, error) = sweep(&["--must-happen"]);
    assert_eq!(code, 6, "{text}");
    assert!(error.starts_with("error: never in 3 runs: copies of disks; disk: save\n  help: "), "{error}");
    let json = sweep(&["--must-happen", "--format", "json"]).1;
    let object: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(object["missing"], serde_json::json!(["copies of disks", "disk: save"]));
    profile("These([\"leads\"])");
    assert_eq!(sweep(&["--must-happen"]).0, 0);
    let (code, _, error) = output(&folder, &["sweep", "good.ron", "--seeds", "0..3", "--must-happen"]);
    assert_eq!(code, 2);
    assert!(error.contains("nothing must happen in these: --must-happen needs a profile"), "{error}");
}

#[test]
fn a_long_sweep_warns_of_what_never_happened() {
    let folder = folder("warns");
    fs::create_dir(folder.join("profiles")).unwrap();
    let small = "Profile(about: \"Small.\", sites: {1: 1}, clients: (0, 0), commands: (1, 1), lasts: (\"1s\", \"1s\"),
        episodes: {0: 1}, besides: {}, follows_recipe: \"0%\", must_happen: These([\"leads\", \"clog\"]))";
    fs::write(folder.join("profiles/small.ron"), small).unwrap();
    let (code, _, error) = output(&folder, &["sweep", "profiles/small.ron", "--seeds", "0..10000"]);
    assert_eq!(code, 0, "{error}");
    assert!(error.starts_with("warning: never in 10,000 runs: clog\n  help: "), "{error}");
}

#[test]
fn reports_are_the_same_bytes_whatever_the_threads_and_shards_add_up() {
    let folder = folder("reports");
    let report = |name: &str, more: &[&str]| {
        let args = [&["sweep", "good.ron", "stale.ron", "--seeds", "5..65", "--report", name], more].concat();
        assert_eq!(output(&folder, &args).0, 5);
        fs::read_to_string(folder.join(name)).unwrap()
    };
    let one = report("one", &["--threads", "1"]);
    assert_eq!(one.lines().count(), 120);
    assert_eq!(one, report("three", &["--threads", "3"]));
    let bare = |text: &str| -> Vec<String> {
        let mut lines: Vec<String> = text.lines().map(|line| line.replace(",\"repeats\":true", "")).collect();
        lines.sort();
        lines
    };
    let parts: String = ["1/3", "2/3", "3/3"].map(|shard| report("part", &["--shard", shard])).concat();
    assert_eq!(bare(&parts), bare(&one));
    let first: serde_json::Value = serde_json::from_str(one.lines().next().unwrap()).unwrap();
    let replayed = output(&folder, &["replay", "good.ron", "--seed", "5", "--format", "json"]).1;
    let replayed: serde_json::Value = serde_json::from_str(&replayed).unwrap();
    assert_eq!((&first["fingerprint"], &first["seed"]), (&replayed["fingerprint"], &replayed["seed"]));
}

#[test]
fn failures_of_one_shape_are_one_small_file_that_fails_again() {
    let folder = folder("failures");
    let args = ["sweep", "violated.ron", "good.ron", "--seeds", "0..12", "--junit", "j.xml"];
    let (code, text, error) = output(&folder, &[args.as_slice(), &["--shrink-time", "5s"]].concat());
    assert_eq!((code, error.as_str()), (1, ""), "{text}");
    let files = saved(&folder);
    assert_eq!(files.len(), 1, "{files:?}\n{text}");
    assert!(text.contains("failures   12 in 1 groups") && text.contains("shrunk to 1 steps"), "{text}");
    let path = files[0].strip_prefix(&folder).unwrap().display().to_string();
    assert!(
        path.starts_with("failures/never-") && text.contains(&format!("replay {path} --seed ")),
        "{path}"
    );
    let junit = fs::read_to_string(folder.join("j.xml")).unwrap();
    assert!(
        junit.contains(r#"tests="2" failures="1""#) && junit.contains("<failure message=\"never: "),
        "{junit}"
    );
    // Every command that takes a scenario takes a saved failure.
    let file = fs::read_to_string(&files[0]).unwrap();
    assert!(file.starts_with("// Broken: never: ") && file.contains("origin: Scenario("), "{file}");
    assert_eq!(output(&folder, &["replay", &path]).0, 1);
    assert_eq!(output(&folder, &["check", &path]).0, 0);
    assert_eq!(output(&folder, &["audit", &path]).0, 1);
    assert_eq!(output(&folder, &["record", &path]).0, 0);
    // And as a corpus: unchanged, repaired, stale, and found with a planted bug.
    let corpus = |seeds: &[&str]| output(&folder, &[&["sweep", "--corpus", "failures"], seeds].concat());
    let (code, text, _) = corpus(&[]);
    assert!(code == 1 && text.contains("still fails  failures/never-"), "{text}");
    let fixed = file.replace("kind: \"done\"", "kind: \"evicted\"");
    fs::write(&files[0], &fixed).unwrap();
    let (code, text, _) = corpus(&[]);
    assert!(code == 0 && text.contains("passes  failures/never-"), "{text}");
    fs::write(
        &files[0],
        fixed.replace("    property: \"never\",", "    property: \"never\", saboteur: \"mute\","),
    )
    .unwrap();
    let (code, text, _) = corpus(&[]);
    assert!(code == 0 && text.contains("not run  ") && text.contains("--saboteur mute"), "{text}");
    let (code, _, error) = output(&folder, &["replay", &path]);
    assert!(code == 2 && error.contains("run it with --saboteur mute"), "{error}");
    let stale = fixed.replacen("steps: [", "steps: [On(Noted(kind: \"evicted\"), Heal),", 1);
    fs::write(&files[0], stale).unwrap();
    let (code, text, error) = corpus(&[]);
    assert!(code == 5 && text.contains("stale  failures/never-"), "{text}{error}");
}

#[test]
fn failures_are_saved_as_they_are_where_nothing_is_to_be_shrunk() {
    let folder = folder("unshrunk");
    let args = ["sweep", "violated.ron", "--seeds", "3..9", "--no-shrink", "--failures", "deep/failures"];
    let (code, text, _) = output(&folder, &args);
    assert!(code == 1 && !text.contains("shrunk"), "{text}");
    let files: Vec<_> = fs::read_dir(folder.join("deep/failures")).unwrap().collect();
    assert_eq!(files.len(), 1);
    let (_, text, _) = output(&folder, &["replay", "deep/failures"]);
    assert!(text.contains("--seed 3"), "{text}");
}

#[test]
fn the_command_for_a_run_that_ended_at_a_bound_ends_there_again() {
    let folder = folder("bounded");
    let (code, text, _) = output(&folder, &["sweep", "good.ron", "--seeds", "3..4", "--events-max", "20"]);
    assert_eq!(code, 5, "{text}");
    let file = fs::read_to_string(&saved(&folder)[0]).unwrap();
    let (_, replay) = file.split_once("// Replay: ").unwrap();
    let (replay, _) = replay.split_once('\n').unwrap();
    assert!(text.contains(replay), "{replay} is missing in\n{text}");
    let args: Vec<&str> = replay.split(' ').skip(1).collect();
    let (code, text, _) = output(&folder, &args);
    assert!(code == 5 && text.contains("no verdict after 20 events"), "{replay}: {text}");
}

#[test]
fn what_is_wrong_is_found_before_anything_runs() {
    let folder = folder("wrong");
    fs::write(folder.join("file"), "x").unwrap();
    fs::create_dir(folder.join("plain")).unwrap();
    fs::write(folder.join("plain/good.ron"), GOOD).unwrap();
    fs::create_dir(folder.join("old")).unwrap();
    fs::write(folder.join("old/a.ron"), "Failure(schema: 0, property: \"x\")").unwrap();
    let check = |args: &[&str], part: &str| {
        let (code, text, error) = output(&folder, &[&["sweep"], args].concat());
        assert!(
            code == 2 && text.is_empty() && error.contains(part),
            "{args:?}: {part:?} is missing in\n{error}"
        );
    };
    check(&["good.ron"], "expected --seeds A..B, --time 10m, or both");
    check(&["good.ron", "--seeds", "5..5"], "no seed is in 5..5");
    check(&["good.ron", "--seeds", "5.."], "expected --seeds A..B, --time 10m, or both");
    check(&["good.ron", "--time", "10"], "(us, ms, s, min or h)");
    check(&["good.ron", "--seeds", "0..9", "--shard", "3/2"], "which part of how many");
    check(&["defualt", "--seeds", "0..9"], "did you mean `default`?");
    check(&["good.ron", "--corpus", "old"], "how much of it?");
    check(&["nothing.ron", "--seeds", "0..9"], "failed to read nothing.ron");
    check(&["good.ron", "--seeds", "0..9", "--report", "none/r"], "failed to write none/r");
    check(&["good.ron", "--seeds", "0..9", "--junit", "none/j"], "failed to write none/j");
    check(&["good.ron", "--seeds", "0..9", "--report", "r", "--junit", "r"], "the same file");
    check(&["good.ron", "--seeds", "0..9", "--failures", "file"], "failed to write to the folder file");
    check(&["good.ron", "--seeds", "0..9", "--no-shrink", "--shrink-time", "1s"], "--shrink-time");
    check(&["good.ron", "--seeds", "0..9", "--saboteur", "nobody"], "unknown saboteur `nobody`");
    check(&["good.ron", "--seeds", "0..9", "--threads", "0"], "--threads");
    check(&["--corpus", "none"], "there is no folder none");
    let (code, _, error) = output(&folder, &["draw", "good.ron", "--seed", "1"]);
    assert!(code == 2 && error.starts_with("error: ") && error.matches("error:").count() == 1, "{error}");
    check(&["--corpus", "plain"], "plain/good.ron is a scenario and no saved failure");
    check(&["--corpus", "old"], "a failure of an older schema, 0");
}

#[test]
fn a_planted_bug_is_found_and_its_file_names_it() {
    let folder = folder("saboteur");
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/stormy_weather.ron");
    let name = "forgets-accept";
    let args = ["sweep", &scenario.to_string_lossy(), "--seeds", "0..40", "--no-shrink", "--saboteur", name];
    let (code, text, error) = output(&folder, &args);
    assert!(code != 0 && code != 2, "{name}: {text}{error}");
    for file in saved(&folder) {
        assert!(fs::read_to_string(file).unwrap().contains(&format!("saboteur: \"{name}\"")));
    }
    assert!(text.contains(&format!("--saboteur {name} --trace")), "{text}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_tells_what_was_found_so_far() {
    let folder = folder("interrupt");
    let args = ["sweep", "good.ron", "violated.ron", "--time", "10m", "--no-shrink", "--report", "r.jsonl"];
    let child = runner(&folder, &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The report grows once runs are reported.
    while fs::metadata(folder.join("r.jsonl")).map_or(0, |meta| meta.len()) == 0 {
        std::thread::yield_now();
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let (code, text, error) = code_and_output(&child.wait_with_output().unwrap());
    assert_eq!((code, error.as_str()), (1, ""), "{text}");
    assert!(text.contains(", interrupted\n") && text.contains("violated.ron seed 0"), "{text}");
    let report = fs::read_to_string(folder.join("r.jsonl")).unwrap();
    assert!(report.ends_with("}\n") && report.lines().count().is_multiple_of(2));
}
