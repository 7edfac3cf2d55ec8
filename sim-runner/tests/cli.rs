//! The built program: exit codes, output on both streams, and messages about wrong flags and files.
#![cfg(feature = "tweets")]
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

#[expect(clippy::disallowed_methods, reason = "the program is found where other programs are")]
fn runner(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-runner"));
    command.current_dir(folder).args(args).env_remove("SIM_RUNNER_SEED").env_remove("CLICOLOR_FORCE");
    // A shell finds the program by its name.
    let program = Path::new(env!("CARGO_BIN_EXE_sim-runner")).parent().unwrap();
    command.env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()));
    command
}

fn output(folder: &Path, args: &[&str]) -> (i32, String, String) {
    code_and_output(&runner(folder, args).output().unwrap())
}

fn code_and_output(output: &Output) -> (i32, String, String) {
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
    let (code, help, _) = output(&folder, &["audit", "--help"]);
    assert!(code == 0 && help.contains("4  nondeterminism") && help.contains("`record`"), "{help}");
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
    assert!(code_and_output(&forced).1.contains('\u{1b}'));
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
    let other: serde_json::Value = serde_json::from_str(&code_and_output(&other).1).unwrap();
    assert_eq!(other["seed"].as_u64(), Some(10));
    assert_ne!(other["fingerprint"], objects[0]["fingerprint"]);
}

/// A program like this one, except for what `sed` changes in the recordings that it prints.
fn other_build(folder: &Path, name: &str, sed: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let text = format!("#!/bin/sh\n'{}' \"$@\" | sed -E '{sed}'\n", env!("CARGO_BIN_EXE_sim-runner"));
    fs::write(folder.join(name), text).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_audit_tells_whether_a_scenario_repeats_itself_and_how_it_fails() {
    let folder = folder("audit");
    let files = [("good", GOOD), ("violated", VIOLATED), ("stalled", STALLED), ("stale", STALE)];
    for (name, text) in files {
        fs::write(folder.join(name).with_extension("ron"), text).unwrap();
    }
    for (name, code) in [("good", 0), ("violated", 1), ("stalled", 3), ("stale", 5)] {
        let (found, text, error) = output(&folder, &["audit", &format!("{name}.ron")]);
        assert_eq!((found, error.as_str()), (code, ""), "{text}");
        let mut lines = text.lines();
        let first = lines.next().unwrap();
        assert!(first.starts_with(&format!("repeats   {name}   7 runs ")), "{text}");
        let fails = lines.next().unwrap_or_default();
        let how = if name == "stale" { "it comes to nothing" } else { "it fails" };
        assert_eq!(fails.starts_with(&format!("  {how}, in the same way each time: ")), code != 0, "{text}");
        assert_eq!(lines.next(), None);
    }
    let (code, text, _) = output(&folder, &["audit", ".", "--format", "json", "--seed", "9"]);
    let objects: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, objects.len()), (1, 4));
    assert_eq!((objects[0]["repeats"].as_bool(), objects[0]["seed"].as_u64()), (Some(true), Some(9)));
    let ways: Vec<_> = objects[0]["runs"].as_array().unwrap().iter().map(|run| run["way"].as_str()).collect();
    let all = ["again", "notable", "untraced", "clone", "original", "process"];
    assert_eq!(ways, all.map(Some));
    assert!(objects[3]["reason"].as_str().unwrap().starts_with("expectation"));
    let replayed = output(&folder, &["replay", "good.ron", "--format=json", "--seed=9"]).1;
    let replayed: serde_json::Value = serde_json::from_str(&replayed).unwrap();
    assert_eq!(replayed["fingerprint"], objects[0]["fingerprint"]);
}

#[test]
fn an_audit_shows_where_another_build_parts() {
    let folder = folder("against");
    fs::write(folder.join("good.ron"), GOOD).unwrap();
    fs::write(folder.join("violated.ron"), VIOLATED).unwrap();
    let against = |program: &str, more: &[&str]| {
        output(&folder, &[&["audit", "good.ron", "--against", program], more].concat())
    };
    let same = against(env!("CARGO_BIN_EXE_sim-runner"), &[]);
    assert!(same.0 == 0 && same.1.starts_with("repeats   good   8 runs"), "{same:?}");

    other_build(&folder, "text", "s/applied/forgot/");
    let (code, text, error) = against("./text", &[]);
    assert_eq!((code, error.as_str()), (4, ""), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("differs   good   8 runs"), "{text}");
    assert!(lines[1].starts_with("  run by ./text: the traces part in event "), "{text}");
    // Some lines of agreement, then two columns.
    assert!(lines[2..7].iter().all(|line| line.starts_with("       ") && !line.contains(" | ")), "{text}");
    assert!(lines[7].starts_with("    first run ") && lines[7].ends_with(" this run"), "{text}");
    let (left, right) = lines[8].split_once(" | ").unwrap();
    assert!(left.contains("S0     applied ") && right.contains("S0     forgot "), "{text}");
    assert_eq!(*lines.last().unwrap(), "  reproduce: sim-runner audit good.ron --seed 3");

    other_build(&folder, "fingerprint", "50s/\"fingerprint\":\"..../\"fingerprint\":\"0000/");
    let (code, text, _) = against("./fingerprint", &["--format=json"]);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    let difference = &object["runs"][6]["difference"];
    assert_eq!((code, difference["what"].as_str()), (4, Some("fingerprint")), "{text}");
    let sides = ["first_run", "this_run"].map(|side| difference[side].clone());
    assert_eq!((sides[0]["events"].as_u64(), &sides[0]["lines"]), (Some(49), &sides[1]["lines"]));
    assert!(sides[1]["fingerprint"].as_str().unwrap().starts_with("0000"), "{text}");

    other_build(&folder, "verdict", "s/found \\[.*\\]/found something else/");
    let (code, text, _) = output(&folder, &["audit", "violated.ron", "--against", "./verdict"]);
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("\n  it fails, at least the first time: expectation: "), "{text}");
    assert!(text.contains("run by ./verdict: the ends differ") && text.contains("found something else"));
    // An audit is about nondeterminism, so this precedes a violation.
    assert_eq!(output(&folder, &["audit", ".", "--against", "./verdict"]).0, 4);
}

#[test]
fn what_gives_no_recording_is_an_error() {
    let folder = folder("no_recording");
    fs::write(folder.join("good.ron"), GOOD).unwrap();
    fs::write(folder.join("bad.ron"), GOOD.replace("Tweet", "Twet")).unwrap();
    other_build(&folder, "short", "/\"end\"/d");
    other_build(&folder, "newer", "1s/\"recording\":1/\"recording\":9/");
    other_build(&folder, "silent", "d");
    other_build(&folder, "chatty", "s/^/hello /");
    let check = |args: &[&str], part: &str| {
        let (code, text, error) = output(&folder, args);
        assert!(code == 2 && error.contains(part), "{part:?} is missing in\n{text}{error}");
    };
    let against = |program: &str, part: &str| check(&["audit", "good.ron", "--against", program], part);
    against("./nowhere", "failed to run `./nowhere record good.ron`: No such file");
    against("./short", "`./short record good.ron` gave no recording: it ends before its run does");
    against("./newer", "expected a recording of version 1, found 9");
    against("./silent", "it printed nothing");
    against("./chatty", "in \"hello {");
    check(&["audit", "good.ron", "bad.ron"], "did you mean `Tweet`?");
    check(&["record", "bad.ron"], "did you mean `Tweet`?");
    check(&["record", "."], "failed to read .: Is a directory");
    check(&["audit", "nowhere.ron"], "failed to read nowhere.ron: No such file");
}

#[test]
fn recordings_are_equal_byte_for_byte() {
    let folder = folder("recordings");
    fs::write(folder.join("good.ron"), GOOD).unwrap();
    let [one, other, third] =
        ["3", "3", "4"].map(|seed| output(&folder, &["record", "good.ron", "--seed", seed]));
    assert!(one == other && one.0 == 0 && one.2.is_empty());
    assert_ne!(one.1, third.1);
    let lines: Vec<serde_json::Value> =
        one.1.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0]["scenario"].as_str(), lines[0]["seed"].as_u64()), (Some("good"), Some(3)));
    assert_eq!(lines.last().unwrap()["end"]["verdict"].as_str(), Some("passed"));
    assert_eq!(lines[1]["lines"][0].as_str(), Some("   0.000000        T0     starts"));
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
    assert_eq!((output.status.code(), code_and_output(&output).2), (Some(0), String::new()));
}

#[test]
fn every_step_is_listed_with_what_is_known_of_it() {
    let folder = folder("words");
    let (code, list, _) = output(&folder, &["words"]);
    assert_eq!(code, 0);
    for line in [
        "Disk(Site(1), Rot)",
        "    disk: rot: aims at sites, at once; damages storage for good; counted as \"rotten bytes\"",
        "    restart: aims at sites and clients, but not by role, once the process at work is done; counted as \"starts\"",
        "Heal",
    ] {
        assert!(list.lines().any(|listed| listed == line), "{line} is not in\n{list}");
    }
}

#[test]
fn words_are_written_for_people_for_editors_and_for_programs() {
    let folder = folder("words_written");
    fs::write(folder.join("intro.md"), "# Ours\n\nOur words.\n").unwrap();
    let (code, page, _) = output(&folder, &["words", "--markdown", "--intro", "intro.md"]);
    assert!(code == 0 && page.starts_with("# Ours\n\nOur words.\n\nEverything below"), "{page}");
    let (code, page, _) = output(&folder, &["words", "--markdown"]);
    assert!(code == 0 && page.starts_with("# Scenarios\n\nEverything below"), "{page}");
    let (code, _, errors) = output(&folder, &["words", "--markdown", "--intro", "missing.md"]);
    assert!(code == 2 && errors.contains("failed to read missing.md"), "{errors}");
    for (form, place) in
        [("--schema", "/$defs/Scenario/properties/sites"), ("--snippets", "/action: Heal/body")]
    {
        let (code, text, _) = output(&folder, &["words", form]);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(code == 0 && json.pointer(place).is_some(), "{place} is not in {text}");
    }
}

#[test]
fn a_drawn_scenario_is_a_file_that_replays() {
    let folder = folder("drawn");
    let (code, text, _) = output(&folder, &["draw", "--seed", "11"]);
    assert!(code == 0 && text.starts_with("Scenario(\n    about: \"Seed 11"), "{text}");
    for _ in 0..2 {
        assert_eq!(output(&folder, &["draw", "--seed", "11", "-o", "drawn.ron"]).0, 0, "it can be repeated");
    }
    assert_eq!(fs::read_to_string(folder.join("drawn.ron")).unwrap(), text);
    let (code, out, _) = output(&folder, &["replay", "drawn.ron"]);
    assert!(code == 0 && out.starts_with("passed    drawn"), "{out}");
    let (code, list, _) = output(&folder, &["draw", "--list"]);
    assert!(code == 0 && list.contains("\nswizzle ") && list.contains("\nquiet "), "{list}");
    let refused = |args: &[&str], why: &str| {
        let (code, _, errors) = output(&folder, &[&["draw"], args].concat());
        assert!(code == 2 && errors.contains(why), "{errors}");
    };
    refused(&["--seed", "12", "-o", "drawn.ron"], "failed to write drawn.ron");
    refused(&["--seed", "1", "--recipe", "swizle"], "did you mean `swizzle`?");
    refused(&["quite", "--seed", "1"], "did you mean `quiet`?");
    refused(&[], "--seed");
    fs::write(folder.join("mine.ron"), "Profile(\n    sites: {3: 0},\n)").unwrap();
    refused(&["mine.ron", "--seed", "1"], "nothing can be drawn: no weight is above 0");
}

#[cfg(feature = "udp")]
#[test]
fn a_soak_without_sites_to_run_is_a_usage_error() {
    let folder = folder("soak");
    let (code, _, errors) = output(&folder, &["soak", "--site", "nowhere/site"]);
    assert_eq!(code, 2, "{errors}");
    assert!(
        errors.contains("there is no nowhere/site: build it with `cargo build --features udp --bin site`"),
        "{errors}"
    );
    for (flags, message) in
        [(["--sites", "2"], "2 is not in 3..=9"), (["--time", "0s"], "nothing is done within no time")]
    {
        let (code, _, errors) = output(&folder, &["soak", flags[0], flags[1]]);
        assert_eq!(code, 2, "{errors}");
        assert!(errors.contains(message), "{errors}");
    }
    // A folder that already holds a cluster is refused.
    let (code, _, errors) = output(&folder, &["soak", "--site", "/bin/false", "--dir", "here"]);
    assert_eq!(code, 2, "{errors}");
}
