//! The example of another state machine: its scenarios and sweeps pass, a planted bug is found and shrunk, and the
//! guide shows the real code and runs as printed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod guide;
mod hasty;
#[path = "../../examples/key_value.rs"]
#[expect(dead_code, reason = "its program is run from outside")]
mod key_value;

use std::fs;
use std::path::{Path, PathBuf};

use aviary::scenario::{PictureOptions, RunOptions, Service, picture};
use aviary::search::Failure;
use sim_runner::Exit;

use hasty::HastyStore;
use key_value::KeyValue;

const SCENARIO: &str = "examples/key_value.ron";

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn ends<S: Service>(args: &[&str], exit: Exit) {
    let args = ["key_value"].iter().chain(args);
    assert_eq!(sim_runner::run::<S, _>(args.clone()), exit, "{:?}", args.collect::<Vec<_>>());
}

#[test]
fn the_example_is_no_longer_than_300_lines() {
    let count = fs::read_to_string(file("examples/key_value.rs")).unwrap().lines().count();
    assert!(count <= 300, "it has {count} lines");
}

#[test]
fn its_scenario_passes_under_30_seeds() {
    let path = file(SCENARIO);
    for seed in 1..=30 {
        ends::<KeyValue>(&["replay", path.to_str().unwrap(), "--seed", &seed.to_string()], Exit::Passed);
    }
}

#[test]
fn drawn_scenarios_pass() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("key_value");
    ends::<KeyValue>(&["sweep", "--seeds", "0..60", "--failures", folder.to_str().unwrap()], Exit::Passed);
}

/// The bug is found in the first seeds, and the failure is shrunk to what it needs.
#[test]
fn a_store_that_answers_before_it_is_applied_is_found_and_shrunk() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hasty");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    ends::<HastyStore>(
        &["sweep", "--seeds", "0..20", "--failures", folder.to_str().unwrap()],
        Exit::Violated,
    );
    let saved = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut saved: Vec<PathBuf> =
        saved.filter(|path| path.extension().is_some_and(|end| end == "ron")).collect();
    saved.sort();
    assert!(!saved.is_empty(), "nothing is saved in {}", folder.display());
    for path in &saved {
        let shown = path.to_str().unwrap();
        let failure = Failure::<HastyStore>::read(shown, &fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(failure.property, "linearizable", "{shown}");
        let steps = failure.scenario.steps.len() + failure.scenario.also.iter().map(Vec::len).sum::<usize>();
        assert!(steps <= 8, "{steps} steps are left in {shown}");
        shows_the_order_that_explains_most(shown, &failure);
        // With honest sites the shrunken scenario passes.
        ends::<KeyValue>(&["replay", shown], Exit::Passed);
    }
}

/// The picture of the failure has the same order as its sentence, and finds its calls among those of the run.
fn shows_the_order_that_explains_most(name: &str, failure: &Failure<HastyStore>) {
    let (is_failure, reproduce, events_max) = (true, String::new(), 1_000_000);
    let options = PictureOptions { name: name.into(), is_failure, reproduce, events_max };
    let (picture, _) = picture(&failure.scenario, &RunOptions::default(), &options, |_| {}).unwrap();
    let unexplained = picture.unexplained.unwrap_or_else(|| panic!("{name}: {}", picture.verdict.text));
    assert!(unexplained.part.is_some(), "{name}: the key is missing");
    let [misfit] = &unexplained.calls.iter().filter(|call| !call.fits).collect::<Vec<_>>()[..] else {
        panic!("{name}: not one call is left out of {unexplained:?}");
    };
    let words = |place: &usize| {
        let call = &unexplained.calls[*place];
        assert!(call.fits && call.state.is_some(), "{name}: {call:?}");
        format!("\"{}\" of {}", call.text, call.process)
    };
    let order: Vec<String> = unexplained.order.iter().map(words).collect();
    let without = format!("\"{}\" of {}", misfit.text, misfit.process);
    let text = &picture.verdict.text;
    if unexplained.calls.len() == 1 {
        // One call that is wrong by itself needs no order.
        assert!(text.contains(&format!("no order explains that {without} at ")), "{name}: {text}");
    } else {
        let sentence = match &order[..] {
            [] => format!("Without {without} there is nothing to explain"),
            order => format!("The order {} explains all but {without}", order.join(", ")),
        };
        assert!(text.ends_with(&sentence), "{name}: {text} is no {sentence}");
    }
    for call in &unexplained.calls {
        let shown = &picture.calls[call.call.unwrap_or_else(|| panic!("{name}: {call:?} is not shown"))];
        let answered = shown.answered.map(|place| picture.events[place].at);
        assert_eq!((&shown.process, answered), (&call.process, call.answered), "{name}");
        assert!(picture.events[shown.asked].at <= call.begun, "{name}: {shown:?} is not {call:?}");
    }
}
