//! Tests out of files: each scenario of a folder is a test of its own with a snapshot, and each sweep is a test.
//!
//! A test target with `harness = false` is one expression:
//!
//! ```no_run
//! # use aviary::tweets::service::Timelines as MyService;
//! fn main() -> std::process::ExitCode {
//!     aviary::testing!(MyService)
//!         .scenarios("scenarios")
//!         .sweep("drawn_scenarios_pass", "profiles/default.ron", 0..100)
//!         .run()
//! }
//! ```
//!
//! Every scenario must pass, and its story must be the one in its snapshot. A story is the trace without fingerprint,
//! totals and counts of routine traffic, so that a snapshot changes only when what happens does. As with any snapshot
//! of `insta`, `INSTA_UPDATE=always cargo test` writes new ones, and `cargo insta review` shows them first.
//!
//! All arguments of `cargo test` work: a part of a name selects tests, `--list` lists them.

use core::fmt::Write as _;
use core::marker::PhantomData;
use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

#[doc(hidden)]
pub use insta;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::scenario::{Outcome, Profile, RunOptions, Scenario, Service, read, run};
use crate::search::{Drawn, Failure, Pinned, Sweep};
use crate::sim::{LineClass, StoryEntry};

/// The most lines of a story. Of a longer one only steps, crashes and starts are shown, and of those the beginning and
/// the end.
pub const STORY_LINES_MAX: usize = 80;

/// The number of last lines that a failing scenario shows.
const TAIL: usize = 20;

/// [`Tests`](crate::testing::Tests) of this service for the package in which it is written.
#[macro_export]
macro_rules! testing {
    ($service:ty) => {
        $crate::testing::Tests::<$service>::new(env!("CARGO_MANIFEST_DIR"), |name, story| {
            $crate::testing::insta::assert_snapshot!(name, story)
        })
    };
}

/// Tests to run. Make it with [`testing!`](crate::testing!).
pub struct Tests<S: Service> {
    package: PathBuf,
    snapshot: fn(&str, &str),
    trials: Vec<Trial>,
    /// The names of all scenarios whose snapshots are in a folder.
    named: BTreeMap<PathBuf, BTreeSet<String>>,
    service: PhantomData<S>,
}

impl<S: Service> Tests<S> {
    /// No tests yet, for the package in this folder. `snapshot` compares the story of a scenario with the snapshot of
    /// the same name; it is a macro of `insta` and must be written in that package.
    pub fn new(package: &str, snapshot: fn(&str, &str)) -> Tests<S> {
        Tests {
            package: package.into(),
            snapshot,
            trials: Vec::new(),
            named: BTreeMap::new(),
            service: PhantomData,
        }
    }

    /// Adds a test for each `*.ron` file in `folder`, scenarios and saved failures, named after the file. The snapshots
    /// are in the folder `snapshots` beside it, and one more test fails if one of them is left without its scenario.
    ///
    /// # Panics
    /// When the folder cannot be read or has no such file; when a scenario with the same snapshot was added before.
    #[must_use]
    pub fn scenarios(mut self, folder: &str) -> Tests<S> {
        let path = self.package.join(folder);
        let snapshots = path.with_file_name("snapshots");
        let names = stems(&path, "ron").unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!names.is_empty(), "{} has no *.ron file", path.display());
        let named = self.named.entry(snapshots.clone()).or_default();
        for name in names {
            assert!(
                named.insert(name.clone()),
                "two scenarios have the snapshot {name} in {}",
                snapshots.display()
            );
            let file = path.join(&name).with_extension("ron");
            let shown = Path::new(folder).join(&name).with_extension("ron");
            let (snapshots, snapshot) = (snapshots.clone(), self.snapshot);
            let replay = move || replay::<S>(&file, &shown, &snapshots, snapshot);
            self.trials.push(Trial::test(name, replay));
        }
        self
    }

    /// Adds a test that sweeps these seeds of a profile, which draws a scenario from each, or of a scenario.
    /// `AVIARY_SEED` and `AVIARY_SEEDS` replace the seeds, as [`Sweep::check`] says.
    #[must_use]
    pub fn sweep(mut self, name: &str, file: &str, seeds: Range<u64>) -> Tests<S> {
        let (path, shown, named) = (self.package.join(file), file.to_owned(), name.to_owned());
        let sweep = move || {
            let text = fs::read_to_string(&path).map_err(|error| format!("{shown}: {error}"))?;
            let sweep = sweep_of::<S>(&shown, &text)?.seeds(seeds);
            // A sweep names the test to run again after its thread.
            let checks = thread::Builder::new().name(named).spawn(move || sweep.check());
            checks?.join().map(|_facts| ()).map_err(|panic| Failed::from(text_of(&*panic)))
        };
        self.trials.push(Trial::test(name, sweep));
        self
    }

    /// Adds a test of any other kind.
    #[must_use]
    pub fn test(
        mut self,
        name: &str,
        test: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Tests<S> {
        self.trials.push(Trial::test(name, move || test().map_err(Failed::from)));
        self
    }

    /// Runs the tests that the arguments of the program select, and says how to exit.
    pub fn run(mut self) -> ExitCode {
        let named = core::mem::take(&mut self.named);
        if !named.is_empty() {
            self = self.test("every_snapshot_has_its_scenario", move || {
                named.iter().try_for_each(|(folder, names)| orphans(folder, names))
            });
        }
        libtest_mimic::run(&Arguments::from_args(), self.trials).exit_code()
    }
}

/// Fails if the folder has a snapshot of none of these names.
fn orphans(folder: &Path, names: &BTreeSet<String>) -> Result<(), String> {
    // While there is no folder, no scenario has a snapshot: each says so itself.
    let found = stems(folder, "snap").unwrap_or_default();
    let orphaned: Vec<&String> = found.difference(names).collect();
    if orphaned.is_empty() {
        return Ok(());
    }
    Err(format!("no scenario has the names of these files in {}: {orphaned:?}", folder.display()))
}

fn text_of(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

/// The names of the files in a folder, without their extension.
fn stems(folder: &Path, extension: &str) -> std::io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_of_kind = path.extension().is_some_and(|found| found == extension);
        names.extend(path.file_stem().filter(|_| is_of_kind).map(|stem| stem.to_string_lossy().into_owned()));
    }
    Ok(names)
}

fn sweep_of<S: Service>(name: &str, text: &str) -> Result<Sweep<S>, Failed> {
    if !Profile::is_one(text) {
        return Ok(Sweep::of(Pinned::new(name, read(name, text).map_err(|bad| bad.render(false))?)));
    }
    let profile = Profile::read::<S>(name, text).map_err(|bad| bad.render(false))?;
    Ok(Sweep::of(Drawn::new::<S>(name, profile).map_err(|why| why.to_string())?))
}

fn replay<S: Service>(
    file: &Path,
    shown: &Path,
    snapshots: &Path,
    snapshot: fn(&str, &str),
) -> Result<(), Failed> {
    let (shown, text) = (shown.display().to_string(), fs::read_to_string(file)?);
    let scenario: Result<Scenario<S>, _> = match Failure::<S>::is_one(&text) {
        true => Failure::read(&shown, &text).map(|failure| failure.scenario),
        false => read(&shown, &text),
    };
    let scenario = scenario.map_err(|bad| bad.render(false))?;
    let outcome = run(&scenario, &RunOptions::default()).map_err(|problems| format!("{problems:?}"))?;
    let story = story(&outcome);
    if !outcome.verdict.is_pass() {
        let lines: Vec<&str> = story.lines().collect();
        let last = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        let again = format!("`replay {shown} --seed {} --trace`, as arguments of your program", outcome.seed);
        return Err(format!("{}\n{last}\nreproduce: {again}", outcome.verdict).into());
    }
    let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshots);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(scenario.about.as_str());
    settings.bind(|| snapshot(&name, &story));
    Ok(())
}

/// What happened, in at most about [`STORY_LINES_MAX`] lines.
fn story(outcome: &Outcome) -> String {
    let is_short = outcome.trace.len() + outcome.final_state.lines().count() <= STORY_LINES_MAX;
    let is_key = |entry: &&StoryEntry| is_short || matches!(entry.class, LineClass::Step | LineClass::Life);
    let mut story = String::new();
    for entry in outcome.trace.iter().filter(is_key) {
        let _ = writeln!(story, "{}", StoryEntry { elided: 0, ..entry.clone() });
    }
    story.push_str(&outcome.final_state);
    shorten(story)
}

/// The beginning and the end of a story with too many lines.
fn shorten(story: String) -> String {
    let lines: Vec<&str> = story.lines().collect();
    if lines.len() <= STORY_LINES_MAX {
        return story;
    }
    let kept = STORY_LINES_MAX / 2 - 1;
    let (begins, ends) = (&lines[..kept], &lines[lines.len() - kept..]);
    let left_out = lines.len() - 2 * kept;
    format!("{}\n… {left_out} lines\n{}\n", begins.join("\n"), ends.join("\n"))
}
