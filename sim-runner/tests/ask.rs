//! `ask` of the built program: its counts, its commands, its refusals, and its exits.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Whether a site submits the tweet again is left to chance.
const LOSSY: &str = r#"Scenario(about: "A tweet arrives.", sites: 3, clients: 1, network: (loss: "20%"),
    steps: [At("1s", Tweet(client: 0, user: "ann", text: "hello"))], expect: [Converges(within: "10s")])"#;
/// Wrong on purpose.
const VIOLATED: &str = r#"Scenario(about: "Nobody may ever be done.", sites: 3, network: (loss: "1%"),
    steps: [At("1s", Tweet(site: 0, user: "ann", text: "hello"))], expect: [Never(Noted(kind: "done"))])"#;
const RESUBMITS: &str = r#"Noted(kind: "resubmits")"#;

/// A folder of this test with both scenarios.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ask_{test}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("lossy.ron"), LOSSY).unwrap();
    fs::write(folder.join("violated.ron"), VIOLATED).unwrap();
    folder
}

fn output(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-runner"));
    command.current_dir(folder).args(args).env_remove("SIM_RUNNER_SEED").env_remove("CLICOLOR_FORCE");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn asked(folder: &Path, args: &[&str]) -> Value {
    let (code, text, error) = output(folder, &[&["ask"], args, &["--format", "json"]].concat());
    assert_eq!((code, error.as_str()), (0, ""), "{text}");
    serde_json::from_str(&text).unwrap()
}

fn seeds(runs: &Value) -> Vec<u64> {
    runs.as_array().unwrap().iter().map(|run| run["seed"].as_u64().unwrap()).collect()
}

/// What a command that was shown prints.
fn run_shown(folder: &Path, command: &Value) -> String {
    let ran =
        Command::new("sh").current_dir(folder).arg("-c").arg(command.as_str().unwrap()).output().unwrap();
    String::from_utf8(ran.stdout).unwrap()
}

#[test]
fn an_answer_is_the_same_for_any_number_of_threads_and_its_runs_can_be_seen() {
    let folder = folder("threads");
    let ask = |format: &str, threads: &str| {
        let args =
            ["ask", RESUBMITS, "lossy.ron", "--seeds", "0..40", "--format", format, "--threads", threads];
        output(&folder, &args)
    };
    for format in ["text", "json"] {
        let one = ask(format, "1");
        assert_eq!((one.0, one.2.as_str()), (0, ""), "{}", one.1);
        assert_eq!(one, ask(format, "3"));
    }
    let text = ask("text", "2").1;
    for part in [
        "question   Noted(kind: \"resubmits\")\nasked of   lossy.ron, seeds 0..40\n\n",
        "  the question is true  ",
        "  no run fails\n",
        "\nfirst runs in which the question is true\n  seed ",
        "\n  reproduce: ",
    ] {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    let object = asked(&folder, &[RESUBMITS, "lossy.ron", "--seeds", "0..40"]);
    let first = object["first"].as_array().unwrap();
    assert_eq!(first.len(), 5, "{object}");
    let found = seeds(&object["first"]);
    for seed in 0..=found[1] {
        let shown = match found.iter().position(|known| *known == seed) {
            Some(place) => run_shown(&folder, &first[place]["reproduce"]),
            None => output(&folder, &["replay", "lossy.ron", "--seed", &seed.to_string(), "--trace"]).1,
        };
        assert!(shown.contains("passed"), "{shown}");
        assert_eq!(shown.contains(" resubmits "), found.contains(&seed), "seed {seed}:\n{shown}");
    }
}

#[test]
fn a_drawn_run_is_drawn_and_replayed() {
    let folder = folder("drawn");
    let object = asked(&folder, &["Crashed(Leader) then Leads(Any)", "quiet", "--seeds", "0..12"]);
    let first = &object["first"][0];
    assert_eq!(first["source"], "quiet");
    let shown = run_shown(&folder, &first["reproduce"]);
    let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text:?} is missing in\n{shown}"));
    assert!(shown[place(" crashes")..].contains(" leads"), "{shown}");
    assert!(folder.join(format!("quiet-{}.ron", first["seed"])).exists());
}

#[test]
fn a_second_question_and_failures_stand_beside_the_base_rate() {
    let folder = folder("given");
    let both = ["lossy.ron", "violated.ron", "--seeds", "0..10"];
    let done = r#"Noted(kind: "done", who: Terminal(0))"#;
    let object = asked(&folder, &[&[done, "--given", "Leads(Any)"], &both[..]].concat());
    let count = |name: &str| object["counts"][name].as_u64().unwrap();
    let named = ["runs", "true", "given", "true_and_given", "failed", "true_and_failed", "open"];
    assert_eq!(named.map(count), [20, 10, 20, 10, 10, 10, 0], "{object}");
    let share = |name: &str| object["shares"][name].as_f64().unwrap();
    assert!((share("true") - 0.5).abs() < 1e-9 && (share("given_if_true") - 1.0).abs() < 1e-9, "{object}");
    assert!((share("failed_if_true") - 1.0).abs() < 1e-9 && (share("true_if_failed") - 1.0).abs() < 1e-9);
    assert_eq!(seeds(&object["first_failed"]), [0, 1, 2, 3, 4]);
    assert_eq!(object["first_failed"][0]["source"], "violated.ron");
    let (code, text, _) = output(&folder, &[&["ask", "Crashed(Any)", "--given", done], &both[..]].concat());
    assert_eq!(code, 0);
    let row = |name: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        line.split_whitespace()
            .rev()
            .take(4)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(row("the given one is true"), "10 20 50.00 %", "{text}");
    assert!(row("the question is true where the run fails").ends_with("0 10 0.00 %"), "{text}");
    assert!(row("where the question is true").ends_with(" 0 0 -"), "{text}");
}

#[test]
fn what_cannot_be_asked_is_refused_in_its_place() {
    let folder = folder("refused");
    let refused = |args: &[&str], parts: &[&str]| {
        let (code, text, error) = output(&folder, &[&["ask"], args].concat());
        assert_eq!((code, text.as_str()), (2, ""), "{error}");
        for part in parts {
            assert!(error.contains(part), "{part:?} is missing in\n{error}");
        }
    };
    let few = ["--seeds", "0..2"];
    refused(&["Crashed(Any)"], &["of how many runs?", "--seeds A..B"]);
    refused(&["Crashed(Any)", "--seeds", "3.."], &["of how many runs?"]);
    refused(
        &[&["Crashed(Leader) thn Leads(Any)"], &few[..]].concat(),
        &[" --> question:1:17", "\n  |                 ^^^ did you mean `then`?"],
    );
    refused(
        &[&["Noted(kind: \"expird\")"], &few[..]].concat(),
        &["unknown kind of note `expird`", "`expired`"],
    );
    refused(
        &[&["Leads(Any)", "--given", "Leads(Site(5))", "lossy.ron"], &few[..]].concat(),
        &["there is no site 5", "the sites are 0 to 2"],
    );
    refused(&[&["Leads(Any)", "qiet"], &few[..]].concat(), &["did you mean `quiet`?"]);
    refused(
        &[&["Leads(Any)", "--saboteur", "forwards-onc"], &few[..]].concat(),
        &["did you mean `forwards-once`?"],
    );
    // A profile may draw a site that one scenario does not have.
    assert_eq!(output(&folder, &["ask", "Leads(Site(5))", "lossy.ron", "quiet", "--seeds", "0..1"]).0, 0);
    let short = asked(&folder, &["Leads(Any)", "lossy.ron", "--seeds", "3..", "--time", "20ms"]);
    let last = 3 + short["counts"]["runs"].as_u64().unwrap();
    assert!(last == 3 || short["seeds"] == format!("3..{last}"), "{short}");
}
