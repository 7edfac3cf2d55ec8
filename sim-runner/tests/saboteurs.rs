//! `saboteurs` of the built program: its report of a hunt, in text and JSON, and its exit.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Nothing ever goes wrong here, so no site comes back having forgotten anything, or has anything to report.
const CALM: &str = r#"Profile(about: "All is calm.", quiet: "100%", follows_recipe: "0%", episodes: {0: 1})"#;

/// An empty folder of this test, with only the calm profile.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("saboteurs").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("calm.ron"), CALM).unwrap();
    folder
}

fn hunt(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-runner"));
    command.current_dir(folder).arg("saboteurs").args(args).env_remove("CLICOLOR_FORCE");
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn rows(folder: &Path, args: &[&str]) -> (i32, Vec<serde_json::Value>) {
    let (code, text, error) = hunt(folder, &[args, &["--format", "json"]].concat());
    assert_eq!(error, "", "{text}");
    (code, text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

const TWO: [&str; 4] = ["--saboteur", "forgets-accept", "--saboteur", "hides-the-newest"];

#[test]
fn a_hunt_tells_who_caught_what_and_how_soon() {
    let folder = folder("two");
    let hunted = [&TWO[..], &["--sweeps", "3", "--seeds-max", "20", "--shrink-time", "2s"]].concat();
    let (code, text, error) = hunt(&folder, &hunted);
    assert_eq!((code, error.as_str()), (0, ""), "{text}");
    for part in
        ["forgets-accept    durability", "hides-the-newest  timelines ", "caught: all 2; seeds: median "]
    {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    let (code, rows) = rows(&folder, &[&hunted[..], &["--threads", "2"]].concat());
    assert_eq!((code, rows.len()), (0, 2));
    let (first, runs) = (&rows[0], rows[0]["runs"].as_array().unwrap());
    assert_eq!(
        (first["name"].as_str(), first["property"].as_str()),
        (Some("forgets-accept"), Some("durability"))
    );
    let mut sorted: Vec<u64> = runs.iter().map(|runs| runs.as_u64().unwrap()).collect();
    sorted.sort_unstable();
    assert_eq!(sorted.len(), 3);
    assert_eq!((first["median"].as_u64(), first["worst"].as_u64()), (Some(sorted[1]), Some(sorted[2])));
    assert!(first["verdict"].as_str().unwrap().starts_with("durability: "), "{first}");
    let small = &first["small"];
    assert!(small["steps"].as_u64() < small["steps_before"].as_u64(), "{first}");
    // Each sweep has its own seeds, and its count gives the place of the failing one.
    for (number, seed) in first["seeds"].as_array().unwrap().iter().enumerate() {
        assert_eq!(seed.as_u64().unwrap(), 1_000_000 * number as u64 + runs[number].as_u64().unwrap() - 1);
    }
}

#[test]
fn who_is_not_caught_is_named() {
    let folder = folder("uncaught");
    let hunted = ["calm.ron", "--saboteur", "first-part-is-whole", "--saboteur", "forgets-accept"];
    let bounds = ["--sweeps", "4", "--seeds-max", "3", "--no-shrink"];
    let (code, text, error) = hunt(&folder, &[&hunted[..], &bounds].concat());
    assert_eq!((code, error.as_str()), (6, ""), "{text}");
    assert!(text.contains("blind: 1 of 2 caught"), "{text}");
    assert!(text.contains("first-part-is-whole is not found in 3 seeds"), "{text}");
    let (code, rows) = rows(&folder, &[&hunted[..3], &bounds].concat());
    assert_eq!(code, 6);
    // When three of four sweeps gave up, the median did.
    assert_eq!(rows[0]["runs"].as_array().unwrap().len(), 3);
    assert!(rows[0]["property"].is_null() && rows[0]["median"].is_null(), "{}", rows[0]);
}

#[test]
fn a_program_with_a_planted_bug_tells_its_own_row() {
    let folder = folder("planted");
    let bounds = ["--sweeps", "1", "--seeds-max", "3", "--no-shrink", "--except", "1", "--except", "2"];
    let (code, rows) = rows(&folder, &[&["calm.ron", "--planted", "a-bug"], &bounds[..]].concat());
    assert_eq!((code, rows.len(), rows[0]["name"].as_str()), (0, 1, Some("a-bug")));
    // This program has no planted bug, and a calm run passes.
    assert!(rows[0]["property"].is_null() && rows[0]["median"].is_null(), "{}", rows[0]);
}

#[test]
fn what_is_unknown_is_said_first() {
    let folder = folder("unknown");
    let (code, _, error) = hunt(&folder, &["--saboteur", "nobody"]);
    assert!(code == 2 && error.contains("unknown saboteur `nobody`\nexpected `"), "{error}");
    let (code, _, error) = hunt(&folder, &["--saboteur", "forgets-acept"]);
    let expected = "unknown saboteur `forgets-acept`\ndid you mean `forgets-accept`? expected `";
    assert!(code == 2 && error.contains(expected), "{error}");
    let (code, _, error) = hunt(&folder, &["defualt"]);
    assert!(code == 2 && error.contains("unknown profile `defualt`"), "{error}");
    let (code, _, error) = hunt(&folder, &["--except", "3"]);
    assert!(code == 2 && error.contains("--planted"), "{error}");
    let (code, _, error) = hunt(&folder, &["--seeds-max", "0"]);
    assert!(code == 2 && error.contains("--seeds-max"), "{error}");
}
