//! The matrix of scenarios and saboteurs: it is full, reports if it is not, and the honest process is the real one.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use aviary::scenario::{Profile, RunOptions, Scenario, draw, read, run, run_configured, write};
use aviary::tweets::service::Timelines;
use sim_runner::tweets::saboteurs::{self, Lying};

const QUIET: &str = r#"Scenario(about: "All is quiet.", seed: 3, sites: 3,
    steps: [On(Leads(Any), Tweet(site: 0, user: "ann", text: "hello"))],
    expect: [Converges(within: "10s"), Log(site: 1, is: ["ann: hello"])])"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// An empty folder of this test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn matrix(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-runner"));
    let output = command.current_dir(folder).arg("matrix").args(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_wrapper_is_caught_and_every_scenario_goes_red() {
    let (code, text, error) = matrix(root(), &["scenarios"]);
    assert!(code == 0 && error.is_empty(), "{text}{error}");
    assert!(saboteurs::all().count() >= 20, "{text}");
}

#[test]
fn saboteurs_have_names_of_their_own_and_one_sentence() {
    let mut names: Vec<&str> = saboteurs::all().map(|saboteur| saboteur.name).collect();
    for saboteur in saboteurs::all() {
        assert!(saboteur.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{saboteur:?}");
        assert!(saboteur.about.ends_with('.') && !saboteur.about.contains('\n'), "{saboteur:?}");
        assert_eq!(saboteurs::find(saboteur.name).map(|found| found.about), Some(saboteur.about));
    }
    names.sort_unstable();
    assert!(names.is_sorted_by(|one, other| one < other), "{names:?}");
}

#[test]
fn a_wrapper_that_does_not_lie_is_the_real_process_to_the_bit() {
    let path = root().join("scenarios/stormy_weather.ron");
    let scenario: Scenario<Timelines> = read("stormy", &fs::read_to_string(path).unwrap()).unwrap();
    let options = RunOptions::default();
    let (real, wrapped) =
        (run(&scenario, &options).unwrap(), saboteurs::run(&scenario.for_service(), None, &options).unwrap());
    assert_eq!((real.verdict, real.events), (wrapped.verdict, wrapped.events));
    assert_eq!((real.fingerprint, real.final_state), (wrapped.fingerprint, wrapped.final_state));
}

/// The names of the items of a trait, from its source.
fn items(path: &str, head: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let (_, body) = text.split_once(head).unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let item = |line: &str| {
        let rest = ["    fn ", "    const "].iter().find_map(|kind| line.strip_prefix(kind))?;
        rest.split([':', '(', ' ']).next().map(str::to_owned)
    };
    body.lines().filter_map(item).collect()
}

/// An item with a default would be left out without a word.
#[test]
fn a_wrapper_hands_on_every_item_of_what_it_wraps() {
    let check = |source: &str, head: &str, wrapper: &str| {
        let text = fs::read_to_string(root().join(wrapper)).unwrap();
        let items = items(source, head);
        let has = |item: &String| {
            [format!("fn {item}("), format!("const {item}:")].iter().any(|it| text.contains(it))
        };
        assert!(items.len() > 10, "{head} {items:?}");
        let lacking: Vec<&String> = items.iter().filter(|item| !has(item)).collect();
        assert!(lacking.is_empty(), "{wrapper} lacks {lacking:?} of {head}");
    };
    let folder = "sim-runner/src/tweets/saboteurs";
    check("src/scenario/service.rs", "pub trait Service:", &format!("{folder}/lying.rs"));
    check("src/process.rs", "pub trait Process:", &format!("{folder}/liar.rs"));
}

#[test]
fn what_is_drawn_for_a_wrapper_that_does_not_lie_is_what_is_drawn_for_the_real_process() {
    let path = root().join("scenarios/profiles/default.ron");
    let profile = Profile::read::<Timelines>("default", &fs::read_to_string(path).unwrap()).unwrap();
    let options = RunOptions::default();
    let mut has_short_files = 0;
    for seed in 0..40 {
        let (real, wrapped): (Scenario<Timelines>, Scenario<Lying>) =
            (draw(&profile, seed).unwrap(), draw(&profile, seed).unwrap());
        assert_eq!(write(&real), write(&wrapped), "seed {seed}");
        has_short_files += usize::from(real.disk.file_bytes.is_some());
        if seed < 10 || real.disk.file_bytes.is_some() {
            let (real, wrapped) =
                (run(&real, &options).unwrap(), run_configured(&wrapped, &options, |_| {}).unwrap());
            assert_eq!((real.fingerprint, real.events), (wrapped.fingerprint, wrapped.events), "seed {seed}");
        }
    }
    assert!(has_short_files > 0, "nobody asked how much one input makes a site write");
}

/// A request is numbered in a record of its own, or in that of the slot for which its leader proposes it.
#[test]
fn wrong_numbers_are_noticed_wherever_a_request_is_written() {
    for name in ["numbers-all-alike", "names-no-predecessor"] {
        for asked in [0, 1] {
            let text = format!(
                r#"Scenario(about: "Two requests.", seed: 3, sites: 3, leader: 0,
                    steps: [On(Leads(Site(0)), Tweet(site: {asked}, user: "ann", text: "hello"))],
                    expect: [Converges(within: "10s")])"#
            );
            let scenario: Scenario<Timelines> = read("numbers", &text).unwrap();
            let run = |saboteur| {
                let outcome =
                    saboteurs::run(&scenario.for_service(), saboteur, &RunOptions::default()).unwrap();
                outcome.verdict.to_string()
            };
            assert_eq!(run(None), "passed", "honest, at site {asked}");
            let verdict = run(saboteurs::find(name));
            assert!(verdict.contains("order: "), "{name}, asked at site {asked}: {verdict}");
        }
    }
}

#[test]
fn culprits_are_named() {
    let folder = folder("culprits");
    fs::write(folder.join("quiet.ron"), QUIET).unwrap();
    let (code, text, _) =
        matrix(&folder, &["quiet.ron", "--saboteur", "counts-as-newborn", "--saboteur", "forgets-accept"]);
    assert!(code == 6 && text.contains("no scenario catches the saboteur counts-as-newborn"), "{text}");
    assert!(!text.contains("catches the saboteur forgets-accept") && text.contains("D durability"), "{text}");
    let (code, text, _) = matrix(
        &folder,
        &["quiet.ron", "--saboteur", "forgets-accept", "--format", "json", "--seeds", "5..7"],
    );
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, lines.len()), (0, 2));
    assert_eq!((lines[0]["scenario"].as_str(), lines[0]["is_red"].as_bool()), (Some("quiet"), Some(true)));
    assert_eq!((lines[0]["seed"].as_u64(), lines[1]["uncaught"].as_array().unwrap().len()), (Some(5), 0));
}

#[test]
fn what_fails_without_saboteurs_and_what_is_unknown_is_said_first() {
    let folder = folder("first");
    fs::write(folder.join("wrong.ron"), QUIET.replace(r#"is: ["ann: hello"]"#, "is: []")).unwrap();
    let (code, text, error) = matrix(&folder, &["wrong.ron"]);
    assert!(code == 1 && text.is_empty(), "{text}");
    assert!(
        error.contains("wrong.ron fails without any saboteur, seed 3: expectation: expect[1]"),
        "{error}"
    );
    let (code, _, error) = matrix(&folder, &["wrong.ron", "--saboteur", "nobody"]);
    assert!(
        code == 2 && error.contains("unknown saboteur `nobody`\nexpected `forgets-promise`, "),
        "{error}"
    );
    let (code, _, error) = matrix(&folder, &["wrong.ron", "--seeds", "7..7"]);
    assert!(code == 2 && error.contains("expected two numbers, the smaller first: 1..30"), "{error}");
}

#[test]
fn a_cell_can_be_replayed() {
    let folder = folder("cell");
    fs::write(folder.join("quiet.ron"), QUIET).unwrap();
    let replay = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sim-runner"));
        command.current_dir(&folder).args(["replay", "quiet.ron", "--saboteur", name]).output().unwrap()
    };
    let output = replay("forgets-accept");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("durability") && text.contains("--saboteur forgets-accept --trace"), "{text}");
    assert_eq!(replay("nobody").status.code(), Some(2));
}

#[test]
fn a_patch_that_no_longer_applies_is_named_with_the_file_that_moved() {
    let folder = folder("patches");
    fs::create_dir_all(folder.join("tests/saboteurs")).unwrap();
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("quiet.ron"), QUIET).unwrap();
    fs::write(folder.join("src/a.rs"), "one\nthree\n").unwrap();
    let patch =
        |was: &str| format!("Two for one.\n\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -1 +1 @@\n-{was}\n+two\n");
    fs::write(folder.join("tests/saboteurs/stale.patch"), patch("zero")).unwrap();
    let git = |args: &[&str]| {
        assert!(Command::new("git").current_dir(&folder).args(args).status().unwrap().success())
    };
    git(&["init", "--quiet"]);
    git(&["add", "src", "tests"]);
    let check = || matrix(&folder, &["quiet.ron", "--saboteur", "stale", "--patches=check"]);
    let (code, _, error) = check();
    let expected = "tests/saboteurs/stale.patch no longer applies: the source has moved on at src/a.rs:1; plant its bug there anew";
    assert!(code == 2 && error.contains(expected), "{error}");
    fs::write(folder.join("tests/saboteurs/stale.patch"), patch("one").replace("Two for one.\n\n", ""))
        .unwrap();
    let (code, _, error) = check();
    assert!(code == 2 && error.contains("stale.patch does not begin with a sentence"), "{error}");
}
