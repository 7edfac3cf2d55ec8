//! One named test for each scenario: it passes, and its story is the one in `snapshots/`.
//!
//! A snapshot holds the trace without counts of routine traffic, and the final state; no fingerprint and no totals, so
//! that it changes only when the story does. `INSTA_UPDATE=always` writes new snapshots; read them. A story that is too
//! long to read is shown only by its steps, crashes and starts.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use aviary::scenario::{Outcome, RunOptions, Scenario, read, run};
use aviary::sim::{LineClass, StoryEntry};
use aviary::tweets::service::Timelines;
use libtest_mimic::{Arguments, Failed, Trial};

/// This scenario takes ninety starts: the snapshot shows only the beginning and the end of its story.
const SHORTENED: [&str; 1] = ["full_disk_that_refuses_a_start_is_waited_for"];

/// The number of lines that a story should have: fewer show nothing, more are not read.
const LINES: std::ops::RangeInclusive<usize> = 15..=80;

fn main() {
    let names = stems("scenarios", "ron");
    let mut trials: Vec<Trial> =
        names.iter().cloned().map(|name| Trial::test(name.clone(), move || replays(&name))).collect();
    trials.push(Trial::test("every_scenario_has_a_snapshot_and_none_is_orphaned", move || {
        let snapshots = stems("snapshots", "snap");
        let lacking: Vec<_> = names.difference(&snapshots).collect();
        let orphaned: Vec<_> = snapshots.difference(&names).collect();
        if lacking.is_empty() && orphaned.is_empty() {
            return Ok(());
        }
        Err(format!("without a snapshot: {lacking:?}; snapshots without a scenario: {orphaned:?}").into())
    }));
    trials.push(Trial::test("the_guide_shows_a_scenario_and_its_story_as_they_are", guide_is_true));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The names of the files in a folder, without their extension.
fn stems(name: &str, extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let paths = entries.map(|entry| entry.expect("a folder that can be read").path());
    let of_kind = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    of_kind.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect()
}

fn replays(name: &str) -> Result<(), Failed> {
    let path = folder("scenarios").join(name).with_extension("ron");
    let text = fs::read_to_string(&path)?;
    let scenario: Scenario<Timelines> =
        read(&format!("scenarios/{name}.ron"), &text).map_err(|bad| bad.render(false))?;
    let outcome = run(&scenario, &RunOptions::default()).map_err(|problems| format!("{problems:?}"))?;
    let story = story(&outcome);
    let story = if SHORTENED.contains(&name) { shorten(&story) } else { story };
    if !outcome.verdict.is_pass() {
        let last: Vec<&str> = story.lines().rev().take(20).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        let reproduce = format!("sim-runner replay scenarios/{name}.ron --seed {} --trace", outcome.seed);
        return Err(format!("{}\n{}\nreproduce: {reproduce}", outcome.verdict, last.join("\n")).into());
    }
    let count = story.lines().count();
    if !LINES.contains(&count) {
        return Err(
            format!("its story has {count} lines, expected {} to {}", LINES.start(), LINES.end()).into()
        );
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(scenario.about.as_str());
    settings.bind(|| insta::assert_snapshot!(name, story));
    Ok(())
}

/// The guide to scenarios, which `docs/scenarios.md` begins with.
const GUIDE: &str = "docs/scenarios.intro.md";

/// The contents of the first fenced block of this language in `text`.
fn block<'a>(text: &'a str, language: &str) -> Result<&'a str, Failed> {
    let opened = text.split_once(&format!("```{language}\n")).map(|(_, rest)| rest);
    let closed = opened.and_then(|rest| rest.split_once("```")).map(|(block, _)| block);
    closed.ok_or_else(|| format!("{GUIDE} has no block of {language}").into())
}

fn guide_is_true() -> Result<(), Failed> {
    let name = "leader_crash_between_accept_quorum_and_chosen";
    let guide = fs::read_to_string(folder(GUIDE))?;
    let scenario = fs::read_to_string(folder("scenarios").join(name).with_extension("ron"))?;
    if block(&guide, "ron")? != scenario {
        return Err(format!("{GUIDE} shows another text than scenarios/{name}.ron").into());
    }
    let snapshot = fs::read_to_string(folder("snapshots").join(name).with_extension("snap"))?;
    let is_shown = |line: &&str| line.trim() == "…" || snapshot.lines().any(|shown| shown == *line);
    match block(&guide, "text")?.lines().find(|line| !is_shown(line)) {
        Some(line) => {
            Err(format!("{GUIDE} shows a line that snapshots/{name}.snap does not have: {line}").into())
        }
        None => Ok(()),
    }
}

fn story(outcome: &Outcome) -> String {
    let is_short = outcome.trace.len() + outcome.final_state.lines().count() <= *LINES.end();
    let is_key = |entry: &&StoryEntry| is_short || matches!(entry.class, LineClass::Step | LineClass::Life);
    let mut story = String::new();
    for entry in outcome.trace.iter().filter(is_key) {
        let _ = writeln!(story, "{}", StoryEntry { elided: 0, ..entry.clone() });
    }
    story.push_str(&outcome.final_state);
    story
}

/// The beginning and the end of a story with too many lines.
fn shorten(story: &str) -> String {
    let lines: Vec<&str> = story.lines().collect();
    assert!(lines.len() > *LINES.end(), "a story of {} lines is told whole", lines.len());
    let kept = LINES.end() / 2 - 1;
    let (begins, ends) = (&lines[..kept], &lines[lines.len() - kept..]);
    let left_out = lines.len() - 2 * kept;
    format!("{}\n… {left_out} lines\n{}\n", begins.join("\n"), ends.join("\n"))
}
