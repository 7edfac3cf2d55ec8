//! Searches as tests: a failure panics with the file that shows it and the command that runs it again.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::num::NonZeroUsize;
use core::sync::atomic::AtomicBool;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread;

use crate::scenario::{RunOptions, Scenario, Service, Verdict, read, run};
use crate::search::facts::Facts;
use crate::search::failure::Failure;
use crate::search::groups::Groups;
use crate::search::property::Property;
use crate::search::ran::{Again, Ran};
use crate::search::runner::Runner;
use crate::search::saved;
use crate::search::seeds::{Seeds, Shard};
use crate::search::settle::{AtOnce, Settle, Settled};
use crate::search::shrink::{Budget, shrink};
use crate::search::source::{Pinned, Source};
use crate::search::sweep::{Listener, Sweep};

/// The folder for failures of tests, relative to where the tests run.
const FOLDER: &str = "target/failures";

/// From this many equal runs of one source on, a test that passes has searched nothing.
const ALIKE_MIN: u64 = 10;

/// Number of trace lines that a failing replay shows.
const TAIL: usize = 20;

impl<S: Service> Sweep<S> {
    /// A sweep over the first 100 seeds of `source`, on all cores.
    pub fn of(source: impl Source<S> + 'static) -> Sweep<S> {
        Sweep {
            runner: Runner::new(RunOptions { events_max: 2_000_000, ..RunOptions::default() }),
            sources: vec![Arc::new(source)],
            seeds: Seeds::from(0..100),
            shard: Shard::ALL,
            time: None,
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }

    /// A sweep over the first 100 seeds of the scenario in `text`, which reports call `name`.
    ///
    /// # Panics
    /// When something is wrong with the text: with all of it, in place.
    pub fn of_text(name: &str, text: &str) -> Sweep<S> {
        let scenario = read(name, text).unwrap_or_else(|bad| panic!("{bad}"));
        Sweep::of(Pinned::new(name, scenario))
    }

    /// The same with these seeds.
    #[must_use]
    pub fn seeds(self, seeds: impl Into<Seeds>) -> Sweep<S> {
        Sweep { seeds: seeds.into(), ..self }
    }

    /// Runs everything, and saves failures in `target/failures`. Returns what happened, and how often.
    ///
    /// ```
    /// # #[cfg(feature = "tweets")]
    /// # {
    /// use aviary::search::Sweep;
    /// use aviary::tweets::service::Timelines;
    ///
    /// let quiet = r#"Scenario(about: "A quiet cluster agrees.", sites: 3)"#;
    /// Sweep::<Timelines>::of_text("quiet", quiet).seeds(0..20).check();
    /// # }
    /// ```
    ///
    /// First it runs the failures that it saved before: those in the folder whose `found` names one of its sources. If one
    /// does not pass, or is stale or cannot be read, the test fails at once. One that passes is reported as fixed on
    /// standard error. No file is removed: a bug that comes back is found first. Delete a file whose scenario is wrong or
    /// outdated.
    ///
    /// `AVIARY_SEED` in the environment is a single seed to run instead. `AVIARY_SEEDS` is a range of seeds:
    /// `0..100000`. With either, no saved failure is run.
    ///
    /// # Panics
    /// When a saved failure does not pass; when a run does not pass, or not in the same way twice; when ten seeds or more of a scenario all gave the same run,
    /// because too little in it is left to chance; when the environment has no valid seeds; when neither the seeds nor the time have an end.
    pub fn check(self) -> Facts {
        self.check_into(Path::new(FOLDER))
    }

    /// As [`check`](Sweep::check), with another folder for failures.
    ///
    /// # Panics
    /// As [`check`](Sweep::check) does.
    pub fn check_into(mut self, folder: &Path) -> Facts {
        let (seed, seeds) = (variable("AVIARY_SEED"), variable("AVIARY_SEEDS"));
        let is_asked_for = seed.is_some() || seeds.is_some();
        self.seeds = seeds_of(self.seeds, seed, seeds).unwrap_or_else(|why| panic!("{why}"));
        assert!(self.seeds.end().is_some() || self.time.is_some(), "seeds without an end: {}", self.seeds);
        if !is_asked_for {
            self.replay_saved(folder);
        }
        let mut found = SearchResult::default();
        let stop = AtomicBool::new(false);
        let facts = self.run(&stop, &mut found);
        if let Some((source, seed)) = found.differed {
            let name = self.sources[source].name();
            panic!("two runs of {name} with seed {seed} differed: `scenario::audit` shows where");
        }
        if found.groups.is_empty() {
            for (source, (runs, first)) in &found.alike {
                assert!(
                    *runs < ALIKE_MIN || first.is_none(),
                    "all {runs} seeds of {} gave the same run: too little in the scenario is left to chance. \
                     Give it a network, like `network: (latency: Uniform(\"1ms\", \"30ms\"), loss: \"5%\")`, or run one seed",
                    self.sources[*source].name()
                );
            }
            return facts;
        }
        let settled = self.settled(folder, &found.groups, &stop);
        let lines: Vec<String> = settled.iter().map(line_of).collect();
        panic!("{} of {} runs failed\n{}", found.failed, found.runs, lines.join("\n"));
    }

    /// Runs the failures that were saved before.
    fn replay_saved(&self, folder: &Path) {
        let names: Vec<&str> = self.sources.iter().map(|source| source.name()).collect();
        let saved::Replayed { failing, others } = saved::replay(folder, &names, &self.runner);
        for line in others {
            // If writing fails, nobody is left to read about it.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        if failing.is_empty() {
            return;
        }
        let line = |(path, why): &(PathBuf, String)| {
            format!("{why}\n  saved: {}\n  reproduce: {}", path.display(), again(""))
        };
        let lines: Vec<String> = failing.iter().map(line).collect();
        let (count, verb) = (failing.len(), if failing.len() == 1 { "failure does" } else { "failures do" });
        panic!(
            "{count} saved {verb} not pass, and no seed was run; delete a file whose scenario is wrong or outdated\n{}",
            lines.join("\n")
        );
    }

    fn settled(&self, folder: &Path, groups: &Groups, stop: &AtomicBool) -> Vec<Settled> {
        let smaller = |origin: &Scenario<S>, verdict: &Verdict| {
            let property = Property::of(verdict)?;
            shrink(&self.runner, origin, Some(&property), &Budget::default()).ok().map(|it| it.scenario)
        };
        let settle = Settle {
            runner: &self.runner,
            sources: &self.sources,
            shrink: Some(&smaller),
            threads: self.threads,
            folder: Some(folder),
            saboteur: None,
            replay: &|path, _, _| {
                let path = path.display();
                format!(
                    "`replay {path} --trace`, as arguments of your program, or `search::replay` in a test"
                )
            },
        };
        settle.settle(groups, &AtOnce::default(), stop)
    }
}

/// Runs the scenario or the saved failure at `path`, as a regression test for a fixed bug.
///
/// # Panics
/// When the run does not pass; when the file is missing or wrong.
pub fn replay<S: Service>(path: impl AsRef<Path>) {
    let path = path.as_ref().display().to_string();
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("failed to read {path}: {why}"));
    let scenario = if Failure::<S>::is_one(&text) {
        Failure::<S>::read(&path, &text).map(|failure| failure.scenario)
    } else {
        read(&path, &text)
    };
    let scenario = scenario.unwrap_or_else(|bad| panic!("{bad}"));
    let outcome = run(&scenario, &RunOptions::default());
    let outcome = outcome.unwrap_or_else(|problems| panic!("{path} was read and planned: {problems:?}"));
    if !outcome.verdict.is_pass() {
        let skipped = outcome.trace.len().saturating_sub(TAIL);
        let lines: Vec<String> = outcome.trace.iter().skip(skipped).map(ToString::to_string).collect();
        panic!("{path}: {}\n{}", outcome.verdict, lines.join("\n"));
    }
}

fn line_of(one: &Settled) -> String {
    let Settled { property, explanation, count, found, path, .. } = one;
    let saved = path.as_ref().map(|path| format!("\n  saved: {}", path.display())).unwrap_or_default();
    let again = again(&format!("AVIARY_SEED={} ", found.seed));
    format!("{property}: {explanation} ({count} runs){saved}\n  reproduce: {again}")
}

/// The command that runs this test again, after `variables`.
fn again(variables: &str) -> String {
    // A test runs on a thread that is named after it.
    let thread = thread::current();
    let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
    format!("{variables}cargo test {test}").trim_end().to_owned()
}

/// The seeds to run; the environment takes precedence over `own`.
fn seeds_of(own: Seeds, seed: Option<String>, seeds: Option<String>) -> Result<Seeds, String> {
    match (seed, seeds) {
        (Some(_), Some(_)) => Err("AVIARY_SEED and AVIARY_SEEDS are both set: expected one of them".into()),
        (Some(seed), None) => {
            let number = seed.parse::<u64>().ok().filter(|number| *number < u64::MAX);
            let number = number.ok_or_else(|| format!("AVIARY_SEED: expected a number, found {seed:?}"))?;
            Ok(Seeds::from(number..number + 1))
        }
        (None, Some(seeds)) => seeds.parse().map_err(|why| format!("AVIARY_SEEDS: {why}")),
        (None, None) => Ok(own),
    }
}

#[expect(clippy::disallowed_methods, reason = "it chooses which runs are made, and changes none")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The result of a search.
#[derive(Default)]
struct SearchResult {
    runs: u64,
    failed: u64,
    groups: Groups,
    differed: Option<(usize, u64)>,
    /// For each source, the number of its runs and the fingerprint of all of them, if that is one.
    alike: BTreeMap<usize, (u64, Option<u64>)>,
}

impl Listener for SearchResult {
    fn ran(&mut self, ran: &Ran) {
        self.runs += 1;
        let (runs, alike) = self.alike.entry(ran.source).or_insert((0, Some(ran.fingerprint)));
        *runs += 1;
        *alike = alike.filter(|first| *first == ran.fingerprint);
        if !ran.verdict.is_pass() {
            self.failed += 1;
            self.groups.add(ran);
        }
        if matches!(ran.again, Again::Differed(_)) {
            self.differed.get_or_insert((ran.source, ran.seed));
        }
    }

    fn look(&mut self, _facts: &Facts) {}
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::scenario::toy::Toys;
    use crate::search::tests::scenario;

    fn panics<T: core::fmt::Debug>(act: impl FnOnce() -> T) -> String {
        let payload = catch_unwind(AssertUnwindSafe(act)).unwrap_err();
        payload.downcast_ref::<String>().unwrap().clone()
    }

    #[test]
    fn a_search_that_fails_panics_with_a_small_file_that_fails_again() {
        let folder = std::env::temp_dir().join(format!("aviary-check-{}", std::process::id()));
        let pinned = |fields: &str| Pinned::new("pinned", scenario(fields));
        let five = "steps: [At(\"1s\", Put(site: 0, number: 5))]";
        let network = "network: (latency: Uniform(\"1ms\", \"9ms\"))";
        Sweep::<Toys>::of(pinned(&format!("{network}, {five}"))).check_into(&folder);
        let alike = panics(|| Sweep::<Toys>::of(pinned(five)).seeds(0..10).check_into(&folder));
        assert!(alike.starts_with("all 10 seeds of pinned gave the same run: "), "{alike}");
        Sweep::<Toys>::of(pinned(five)).seeds(0..9).check_into(&folder);
        assert!(!folder.exists());
        let broken = "steps: [At(\"1s\", Put(site: 0, number: 5)), At(\"1s\", Put(site: 1, number: 66))]";
        let message = panics(|| Sweep::<Toys>::of(pinned(broken)).seeds(4..9).check_into(&folder));
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines[0], "5 of 5 runs failed");
        assert!(lines[1].starts_with("no sixes: S") && lines[1].ends_with(" kept 66 (5 runs)"), "{message}");
        let path = lines[2].strip_prefix("  saved: ").unwrap();
        let test = "search::check::tests::a_search_that_fails_panics_with_a_small_file_that_fails_again";
        assert_eq!(lines[3], format!("  reproduce: AVIARY_SEED=4 cargo test {test}"));
        // The next run of the same test finds it before any seed.
        let name_of_test = lines[3].split_once(" cargo ").unwrap().1;
        let still = panics(|| Sweep::<Toys>::of(pinned(&format!("{network}, {five}"))).check_into(&folder));
        let expected = format!(
            "1 saved failure does not pass, and no seed was run; delete a file whose scenario is wrong or outdated\n{}\n  saved: {path}\n  reproduce: cargo {name_of_test}",
            lines[1].trim_end_matches(" (5 runs)")
        );
        assert_eq!(still, expected);
        let other = Pinned::new("another", scenario(&format!("{network}, {five}")));
        Sweep::<Toys>::of(other).check_into(&folder);
        let again = panics(|| replay::<Toys>(path));
        assert!(again.contains("no sixes: S") && again.contains("kept 66\n"), "{again}");
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, text.replace("site: 1, number: 66", "site: 0, number: 65")).unwrap();
        replay::<Toys>(path);
        let replayed = saved::replay(&folder, &["pinned"], &Runner::<Toys>::new(RunOptions::default()));
        assert_eq!(replayed.others, [format!("fixed: {path} passes")]);
        fs::write(path, text.replace("number: 66", "nmber: 66")).unwrap();
        let unread = panics(|| Sweep::<Toys>::of(pinned(&format!("{network}, {five}"))).check_into(&folder));
        assert!(unread.contains("it cannot be read: `check` says what is wrong"), "{unread}");
        assert!(Path::new(path).exists());
        fs::remove_dir_all(&folder).unwrap();
        assert!(panics(|| replay::<Toys>(path)).starts_with("failed to read "));
        let differing =
            panics(|| Sweep::<Toys>::of(pinned("steps: [At(\"1s\", PutOdd(site: 0, what: Clock))]")).check());
        assert!(differing.starts_with("two runs of pinned with seed 0 differed"), "{differing}");
    }

    #[test]
    fn the_environment_has_the_last_word_on_seeds() {
        let check = |seed: Option<&str>, seeds: Option<&str>| {
            let result = seeds_of(Seeds::from(3..7), seed.map(Into::into), seeds.map(Into::into));
            result.map(|seeds| seeds.to_string())
        };
        assert_eq!(check(None, None), Ok("3..7".into()));
        assert_eq!(check(Some("9"), None), Ok("9..10".into()));
        assert_eq!(check(None, Some("0..1000")), Ok("0..1000".into()));
        for (seed, seeds) in [(Some("x"), None), (None, Some("5..5")), (Some("1"), Some("1..2"))] {
            assert!(check(seed, seeds).is_err_and(|why| why.contains("AVIARY_SEED")));
        }
    }
}
