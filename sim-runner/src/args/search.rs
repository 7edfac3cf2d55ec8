//! Arguments of the commands that search: many runs, and one failure out of them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use aviary::search::{Seeds, Shard};
use clap::Args;

use super::{EXIT_CODES, Format};

/// After how many events a search gives up a run.
pub(crate) const SEARCH_EVENTS_MAX: u64 = 2_000_000;

const SWEEP: &str = "\
Every source runs under every seed: a profile draws a scenario from the seed, a scenario file uses it as its seed. \
Runs are reported in the order of their seeds: with --seeds the report is the same bytes for any number of threads. \
Every 50th run is repeated and must be the same. Failures are grouped by the broken property and by the shape of the \
shrunken scenario; one failure per group is saved. The first failure of each kind is saved at once, unshrunken; the \
shrunken one replaces it at the end. An interrupt ends the sweep and reports what was found; a second one ends it at \
once.";

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{SWEEP}\n\n{EXIT_CODES}"))]
pub(crate) struct SweepArgs {
    /// Profiles, scenario files, or folders of scenarios; the profile `default` when absent
    #[arg(value_name = "PROFILE|SCENARIO")]
    pub(crate) sources: Vec<String>,
    /// Range of seeds, the last one excluded; with --time, A.. has no end
    #[arg(long, value_name = "A..B")]
    pub(crate) seeds: Option<Seeds>,
    /// Start no run after this time: 10m
    #[arg(long, value_name = "TIME", value_parser = crate::sweep::numbers::time)]
    pub(crate) time: Option<Duration>,
    /// Number of threads; one per core when absent
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Write each run to FILE as one line with a JSON object
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write a JUnit report for build servers
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Folder in which failures are saved
    #[arg(long, value_name = "DIR", default_value = "failures")]
    pub(crate) failures: PathBuf,
    /// Write a page beside each saved failure that shows its run in a browser
    #[arg(long)]
    pub(crate) pages: bool,
    /// Run only this part of the seeds, counted from 1: 2/4
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// First run again every failure saved in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) corpus: Option<PathBuf>,
    /// Plant this bug in every process; `matrix` lists the bugs
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
    /// Fail if something that a profile requires never happens; otherwise only a long sweep warns
    #[arg(long)]
    pub(crate) must_happen: bool,
    /// Give up a run after this many events
    #[arg(long, value_name = "N", default_value_t = SEARCH_EVENTS_MAX, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) events_max: u64,
    /// Give up a run whose world takes more than about this many bytes
    #[arg(long, value_name = "N", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) bytes_max: u64,
    /// End with the first run that fails
    #[arg(long)]
    pub(crate) until_failure: bool,
    /// Shrink each failure for at most this time; 20s without --shrink-runs
    #[arg(long, value_name = "TIME", value_parser = crate::sweep::numbers::time)]
    pub(crate) shrink_time: Option<Duration>,
    /// Shrink each failure by at most this many tries: a bound that gives the same result on any machine
    #[arg(long, value_name = "N")]
    pub(crate) shrink_runs: Option<u64>,
    /// Save failures without shrinking them
    #[arg(long, conflicts_with_all = ["shrink_time", "shrink_runs"])]
    pub(crate) no_shrink: bool,
    /// For people, or for machines: one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

const ASK: &str = "\
A question is made of events, as a step of a scenario has them: Crashed(Leader), Noted(kind: \"expired\"), \
Sent(kind: \"Nack\", to: Leader). These words join them:
  A then B    B is true of what happens after A became true; B counts from there
  A before B  A becomes true, and B does not become true until then, nor in the same event
  not A       A is not true at the end of the run, so nothing comes after it
  ( .. )      brackets; words that differ need them: A then (B before C)
A question is asked from the first event of a run to its last, healing at the end included. A run that fails ends there.

Every source runs under every seed, as in a sweep. With --seeds the output is the same bytes for any number of threads. \
Nothing is stored: the commands that are shown make the runs again. How the question goes together with failures is \
shown whenever a run fails.

--format json prints one object:
  question, given, sources, seeds
                  as asked
  counts          numbers of runs: runs, true, given, failed, true_and_given, true_and_failed,
                  true_and_given_and_failed, and open: stale or undecided
  shares          true, given and failed among all runs, X_if_Y among runs with Y, or null
  first, first_with_given, first_failed
                  up to 5 runs in which the question is true: source, seed, reproduce
  not_repeatable  the number of runs that differed when they were repeated
  interrupted     whether an interrupt ended it
Without --given, whatever speaks of it is left out.

Exit codes:
  0  there is an answer, whatever it is, and whether or not runs fail
  2  a flag, the question or a file is wrong
  4  nondeterminism: two runs of one scenario differed, so the answer means nothing";

#[derive(Args, Debug)]
#[command(after_help = ASK)]
pub(crate) struct AskArgs {
    /// Events, joined by `then`, `before` and `not`
    #[arg(value_name = "QUESTION")]
    pub(crate) question: String,
    /// Profiles, scenario files, or folders of scenarios; the profile `default` when absent
    #[arg(value_name = "PROFILE|SCENARIO")]
    pub(crate) sources: Vec<String>,
    /// Also ask this, and show how often each is true where the other one is
    #[arg(long, value_name = "QUESTION")]
    pub(crate) given: Option<String>,
    /// Range of seeds, the last one excluded; with --time, A.. has no end
    #[arg(long, value_name = "A..B")]
    pub(crate) seeds: Option<Seeds>,
    /// Start no run after this time: 10m
    #[arg(long, value_name = "TIME", value_parser = crate::sweep::numbers::time)]
    pub(crate) time: Option<Duration>,
    /// Number of threads; one per core when absent
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Run only this part of the seeds, counted from 1: 2/4
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// Plant this bug in every process; `matrix` lists the bugs
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
    /// Give up a run after this many events
    #[arg(long, value_name = "N", default_value_t = SEARCH_EVENTS_MAX, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) events_max: u64,
    /// Give up a run whose world takes more than about this many bytes
    #[arg(long, value_name = "N", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) bytes_max: u64,
    /// For people, or for machines: one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
pub(crate) struct DrawArgs {
    /// A profile: one that --list names, or a file
    #[arg(value_name = "PROFILE", default_value = "default")]
    pub(crate) profile: String,
    /// The seed from which everything is drawn
    #[arg(long, value_name = "N", required_unless_present = "list")]
    pub(crate) seed: Option<u64>,
    /// Follow this recipe, whatever the profile says about recipes
    #[arg(long, value_name = "NAME")]
    pub(crate) recipe: Option<String>,
    /// Write to this file, which must not exist, or hold the same
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// List recipes and profiles
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Args, Debug)]
#[command(after_help = SHRINK)]
pub(crate) struct ShrinkArgs {
    /// A scenario that fails
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Write the smaller scenario to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Stop after this time with the smallest scenario found; 20s without --runs
    #[arg(long, value_name = "TIME", value_parser = crate::sweep::numbers::time)]
    pub(crate) time: Option<Duration>,
    /// Try at most this many scenarios: a bound that gives the same result on any machine
    #[arg(long, value_name = "N")]
    pub(crate) runs: Option<u64>,
    /// Use this seed instead of the scenario's own
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// Plant this bug in every process; `matrix` lists the bugs
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = BLAME)]
pub(crate) struct BlameArgs {
    /// A scenario that fails
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Draw the curve into this file
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) svg: Option<PathBuf>,
    /// Number of forks at each moment
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) forks: u32,
    /// Start no further fork after this time; 60s without --runs
    #[arg(long, value_name = "TIME", value_parser = crate::sweep::numbers::time)]
    pub(crate) time: Option<Duration>,
    /// Run at most this many forks: a bound that gives the same result on any machine
    #[arg(long, value_name = "N")]
    pub(crate) runs: Option<u64>,
    /// For people, or for machines: one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// Use this seed instead of the scenario's own
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// Plant this bug in every process; `matrix` lists the bugs
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
}

const SHRINK: &str = "\
The result breaks the same property as FILE; two complete runs confirmed that. It is the smallest scenario that was \
found, and shrinking it again changes nothing, unless time, runs or an interrupt ended the search early. An \
interrupt writes the smallest scenario found so far; a second interrupt ends the program at once.

Exit codes:
  0  a scenario that breaks the same property was written
  2  a flag or FILE is wrong, FILE passes, is stale or undecided, or the result cannot be written
  4  nondeterminism: two runs of one scenario differed";

const BLAME: &str = "\
Forks the failing run at many moments. Each fork keeps the steps and draws everything random anew from that moment on. \
The share of forks that break the same property estimates its probability at that moment. Where the probability \
jumps, the failure became inevitable.

Exit codes:
  0  the moment was found
  2  a flag or FILE is wrong, FILE passes, is stale or undecided, or the drawing cannot be written
  4  nondeterminism: two runs of one scenario differed";
