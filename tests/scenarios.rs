//! One named test for each scenario: it passes, and its story is the one in `snapshots/`.
//!
//! `INSTA_UPDATE=always` writes new snapshots; read them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aviary::testing::STORY_LINES_MAX;
use aviary::tweets::service::Timelines;
// Linked for its code: the harness for the tweet service, which this test need not compile again.
use sim_runner as _;

/// This scenario takes ninety starts: the snapshot shows only the beginning and the end of its story.
const SHORTENED: &str = "full_disk_that_refuses_a_start_is_waited_for";

/// The number of lines that a story should have: fewer show nothing, more are not read.
const LINES: std::ops::RangeInclusive<usize> = 15..=STORY_LINES_MAX;

fn main() -> ExitCode {
    aviary::testing!(Timelines)
        .scenarios("scenarios")
        .test("every_story_is_worth_reading", stories)
        .test("the_guide_shows_a_scenario_and_its_story_as_they_are", guide_is_true)
        .run()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Stories have neither too few nor too many lines.
fn stories() -> Result<(), String> {
    let entries = fs::read_dir(folder("snapshots")).map_err(|error| error.to_string())?;
    let paths: BTreeSet<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let mut shortened = Vec::new();
    for path in paths {
        let snapshot = text(&path)?;
        let (_, story) = snapshot.rsplit_once("---\n").ok_or("a snapshot has a header")?;
        let count = story.trim_end().lines().count();
        if !LINES.contains(&count) {
            let expected = format!("expected {} to {}", LINES.start(), LINES.end());
            return Err(format!("{}: its story has {count} lines, {expected}", path.display()));
        }
        if story.lines().any(|line| line.starts_with("… ")) {
            shortened.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    if shortened == [SHORTENED] { Ok(()) } else { Err(format!("shown only in part: {shortened:?}")) }
}

/// The guide to scenarios, which `docs/scenarios.md` begins with.
const GUIDE: &str = "docs/scenarios.intro.md";

/// The contents of the first fenced block of this language in `text`.
fn block<'a>(text: &'a str, language: &str) -> Result<&'a str, String> {
    let opened = text.split_once(&format!("```{language}\n")).map(|(_, rest)| rest);
    let closed = opened.and_then(|rest| rest.split_once("```")).map(|(block, _)| block);
    closed.ok_or_else(|| format!("{GUIDE} has no block of {language}"))
}

fn guide_is_true() -> Result<(), String> {
    let name = "leader_crash_between_accept_quorum_and_chosen";
    let guide = text(&folder(GUIDE))?;
    let scenario = text(&folder("scenarios").join(name).with_extension("ron"))?;
    if block(&guide, "ron")? != scenario {
        return Err(format!("{GUIDE} shows another text than scenarios/{name}.ron"));
    }
    let snapshot = text(&folder("snapshots").join(name).with_extension("snap"))?;
    let is_shown = |line: &&str| line.trim() == "…" || snapshot.lines().any(|shown| shown == *line);
    match block(&guide, "text")?.lines().find(|line| !is_shown(line)) {
        Some(line) => Err(format!("{GUIDE} shows a line that snapshots/{name}.snap does not have: {line}")),
        None => Ok(()),
    }
}
