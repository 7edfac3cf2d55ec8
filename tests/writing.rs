//! Every scenario of this repository survives writing: it is read back as the same, and written the same again.

use std::fs;
use std::path::{Path, PathBuf};

use aviary::scenario::{Scenario, Service, read, write};
use aviary::tweets::service::Timelines;

#[expect(dead_code, reason = "only its words are of interest here")]
#[path = "../examples/quorum_register.rs"]
mod quorum_register;

#[expect(dead_code, reason = "only its words are of interest here")]
#[path = "../examples/key_value.rs"]
mod key_value;

#[expect(dead_code, reason = "only its words are of interest here")]
#[path = "../examples/voter.rs"]
mod voter;

/// The scenarios in this folder, not in folders below it.
fn scenarios(folder: &str) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder of scenarios");
    let paths = entries.map(|entry| entry.expect("a folder that can be read").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|of| of == "ron")).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder}");
    paths
}

fn check<S: Service>(path: &Path) {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).expect("a file that can be read");
    let scenario: Scenario<S> = read(&name, &text).expect("a scenario that is well-formed");
    let written = write(&scenario);
    let again: Scenario<S> = read(&name, &written).unwrap_or_else(|bad| panic!("{written}\n{bad}"));
    assert_eq!(scenario, again, "{written}");
    assert_eq!(write(&again), written, "{name}");
    assert_ne!(scenario, Scenario { seed: scenario.seed + 1, ..again }, "{name}");
    // As long as the original without its comments and empty lines, apart from a broken line.
    let lines = |text: &str| {
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
    };
    assert!(lines(&written).abs_diff(lines(&text)) <= 6, "{name}: {written}");
}

#[test]
fn scenarios_are_written_and_read_back_as_the_same() {
    scenarios("scenarios").iter().for_each(|path| check::<Timelines>(path));
}

#[test]
fn so_is_the_starter() {
    check::<Timelines>(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tweets/service/starter.ron"));
}

#[test]
fn so_are_those_of_another_protocol() {
    for path in scenarios("examples") {
        match path.file_stem().and_then(|stem| stem.to_str()) {
            Some("key_value") => check::<key_value::KeyValue>(&path),
            Some("voter") => check::<voter::VoterService>(&path),
            _ => check::<quorum_register::RegisterService>(&path),
        }
    }
}
