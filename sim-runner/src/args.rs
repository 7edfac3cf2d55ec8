//! Command-line arguments.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use aviary::search::{Seeds, Shard};
use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  everything held
  1  a property or an expectation did not hold, or a process panicked
  2  a flag or a file is wrong, or the program to compare with cannot be run
  3  no progress after healing
  4  nondeterminism: two runs of one scenario differed
  5  stale or undecided: a required step never fired, a named rule matched nothing, or a budget was spent
  6  a saboteur was not caught, no saboteur turned a scenario red, a required fact never occurred, or a matrix or
     a hunt was interrupted
For several files, the first of 1, 4, 3, 5, 6 that occurs. For an audit or a sweep, 4 precedes all others.";

const AUDIT: &str = "\
Runs each scenario twice in this process, with the full, the notable and no trace, then from a clone taken half-way, \
and in a second process, in which this program starts itself with `record`. Every run is compared with the first one, \
event by event: number, time, fingerprint, trace, verdict and final state. If a run differs, the first different \
event is shown side by side. A scenario that fails must fail in the same way each time; its verdict then decides \
the exit code of the audit.";

const RECORD: &str = "\
The first line names the scenario, its seed and the version of this format. Each further line has the number of \
events so far, the simulated time in microseconds, the fingerprint of everything that happened, and the lines of the \
trace. The last line also has the verdict and the final state. Recordings of one scenario are equal byte for byte, \
on any process, machine or build: compare them with `audit` or with `diff`. The exit code is 0 for any verdict.";

const REPLAY_RECORDING: &str = "\
Hands every input that `site run --record` wrote to the same processes again. They begin as they were started, or in \
the state at the start of the first file. Their effects and wake-up times must equal the recorded ones byte for byte, \
and every further file must begin with the state in which the file before it ends. A recorded panic must occur \
again. A file that a crash cut short is read up to its last whole entry.

Exit codes:
  0  the replay equals the recording
  2  a flag is wrong, a file is damaged, or other code recorded it
  4  nondeterminism: the replay differs from the recording; the first difference is shown";

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

/// Replays, audits, checks and starts scenarios.
#[derive(Parser, Debug)]
#[command(name = "sim-runner", version, about, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct CommandLine<C: Subcommand> {
    #[command(subcommand)]
    pub(crate) command: C,
    /// When to use colours; `auto` means on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value_t)]
    pub(crate) color: ColorChoice,
    /// Show lines of this level and graver ones in traces, of the crates that log
    #[cfg(any(feature = "log", feature = "slog", feature = "tracing"))]
    #[arg(long, global = true, value_name = "LEVEL", env = LOG_VARIABLE, default_value = "info")]
    pub(crate) log: LogAmount,
}

/// The environment variable that stands for the flag `--log`.
#[cfg(any(feature = "log", feature = "slog", feature = "tracing"))]
pub(crate) const LOG_VARIABLE: &str = "SIM_RUNNER_LOG";

#[cfg(any(feature = "log", feature = "slog", feature = "tracing"))]
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum LogAmount {
    /// No line
    Off,
    /// Failures
    Error,
    /// And what is suspicious
    Warn,
    /// And what is worth knowing
    Info,
    /// And what developers of a crate look at
    Debug,
    /// Every line
    Trace,
}

/// A time limit: the given one, else none if something else bounds the run, else the usual one.
pub(crate) fn time_or(given: Option<Duration>, is_bounded: bool, usual: Duration) -> Duration {
    given.unwrap_or(if is_bounded { Duration::MAX } else { usual })
}

/// The commands for any service.
#[derive(Subcommand, Debug)]
pub(crate) enum HarnessCommand {
    /// Run scenarios and print the result of each
    Replay(ReplayArgs),
    /// Write a page that shows a run in a browser, event by event
    Show(ShowArgs),
    /// Hand a real site's recorded inputs to the same code again, and compare what it does
    ReplayRecording(ReplayRecordingArgs),
    /// Check whether scenarios repeat themselves exactly, and show where they do not
    Audit(AuditArgs),
    /// Run one scenario and print everything that happens, for comparison
    Record(RecordArgs),
    /// Check whether files are well-formed scenarios, without running them
    Check(CheckArgs),
    /// Write a commented scenario to start from
    New(NewArgs),
    /// Write a package with a protocol, its tests and its searches to start from
    NewProtocol(NewProtocolArgs),
    /// List every action that a step of a scenario may have, or write a reference of all words of a file
    Words(WordsArgs),
    /// Run scenarios under many seeds on all cores
    Sweep(SweepArgs),
    /// Count in how many runs events happen, in which order, and whether such runs fail
    Ask(AskArgs),
    /// Print the scenario that a profile draws from a seed
    Draw(DrawArgs),
    /// Make a failing scenario as small as possible while it breaks the same property
    Shrink(ShrinkArgs),
    /// Show when a failure became inevitable, and why
    Blame(BlameArgs),
    /// Print the script with which a shell completes commands and flags
    Completions(CompletionsArgs),
}

impl HarnessCommand {
    /// The name of the bug to plant in every process, if there is one.
    pub(crate) fn saboteur(&self) -> Option<&str> {
        match self {
            HarnessCommand::Replay(ReplayArgs { saboteur, .. })
            | HarnessCommand::Show(ShowArgs { saboteur, .. })
            | HarnessCommand::Audit(AuditArgs { saboteur, .. })
            | HarnessCommand::Record(RecordArgs { saboteur, .. })
            | HarnessCommand::Sweep(SweepArgs { saboteur, .. })
            | HarnessCommand::Ask(AskArgs { saboteur, .. })
            | HarnessCommand::Shrink(ShrinkArgs { saboteur, .. })
            | HarnessCommand::Blame(BlameArgs { saboteur, .. }) => saboteur.as_deref(),
            _ => None,
        }
    }
}

const WORDS: &str = "\
Without a flag: every action of a step with its meaning, its targets, the moment of its effect and its counter.

The reference and the schema also have the fields, events, rules, claims, commands and settings of a scenario, and \
everything that a profile and a saved failure may say. Both come from the types that read these files.";

#[derive(Args, Debug)]
#[command(after_help = WORDS)]
pub(crate) struct WordsArgs {
    /// Write a reference of every word of a scenario, a profile and a saved failure, as Markdown
    #[arg(long, group = "form")]
    pub(crate) markdown: bool,
    /// Begin the reference with this Markdown file instead of a title
    #[arg(long, value_name = "FILE", requires = "markdown", conflicts_with_all = ["schema", "run_schema", "snippets"])]
    pub(crate) intro: Option<PathBuf>,
    /// Write a JSON Schema of the same, for programs that make or read such files
    #[arg(long, group = "form")]
    pub(crate) schema: bool,
    /// Write a JSON Schema of what `replay --format run-json` prints
    #[arg(long, group = "form")]
    pub(crate) run_schema: bool,
    /// Write completions for editors that read snippets in the format of Visual Studio Code
    #[arg(long, group = "form")]
    pub(crate) snippets: bool,
}

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ReplayArgs {
    /// Scenario files, or folders: all *.ron below them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Show what happened; with =full, routine traffic too
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "notable")]
    pub(crate) trace: Option<TraceAmount>,
    /// Use this seed instead of the scenario's own
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// For people, or for machines: one JSON object per line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ReplayFormat,
    /// Give up, undecided, after this many events
    #[arg(long, value_name = "N", default_value_t = 50_000_000)]
    pub(crate) events_max: u64,
    /// Plant this bug in every process; `matrix` lists the bugs
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
}

const SHOW: &str = "\
The page is one file. It needs no network, and opens from a disk, a mail or a build server. It shows the processes and \
every datagram between them, the notes, and the state of each process at any moment; of a failed run it first shows \
what led to the failure. Press ? in the page for its keys.

With --against a second run stands beside the first: common up to the first difference.
  --against FILE                       another scenario, such as the one before a fix
  --against seed=N                     the same scenario with another seed
  --saboteur NAME --against honest     the same scenario without the planted bug

Exit codes:
  0  the page was written, whatever the verdict of the run
  2  a flag or a file is wrong, or the page cannot be written";

#[derive(Args, Debug)]
#[command(after_help = SHOW)]
pub(crate) struct ShowArgs {
    /// A scenario or a saved failure
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Write the page to this file instead of NAME.html in this folder
    #[arg(short = 'o', long = "output", value_name = "FILE.html")]
    pub(crate) output: Option<PathBuf>,
    /// Show a second run beside it: of another scenario, another seed, or without the planted bug
    #[arg(long, value_name = "FILE|seed=N|honest")]
    pub(crate) against: Option<String>,
    /// Find out when the failure became inevitable, as `blame` does, for at most this time
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "20s", value_parser = crate::sweep::numbers::time)]
    pub(crate) blame: Option<Duration>,
    /// Open the page in the desktop's browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Use this seed instead of the scenario's own
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// Give the run up, undecided, after this many events
    #[arg(long, value_name = "N", default_value_t = 50_000_000)]
    pub(crate) events_max: u64,
    /// Show at most this many lines of the run
    #[arg(long, value_name = "N", default_value_t = crate::show::pictures::EVENTS_MAX)]
    pub(crate) shown_max: usize,
    /// Plant this bug in every process; `matrix` lists the bugs
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
}

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
    #[arg(long, value_name = "N", default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..))]
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
    #[arg(long, value_name = "N", default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) events_max: u64,
    /// Give up a run whose world takes more than about this many bytes
    #[arg(long, value_name = "N", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) bytes_max: u64,
    /// For people, or for machines: one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
#[command(after_help = REPLAY_RECORDING)]
pub(crate) struct ReplayRecordingArgs {
    /// The folder into which a site recorded
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Skip the files before this one
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Show every input, its effects, and the notes of the processes
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{AUDIT}\n\n{EXIT_CODES}"))]
pub(crate) struct AuditArgs {
    /// Scenario files, or folders: all *.ron below them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Also compare with this build of the same program; may be given several times
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) against: Vec<PathBuf>,
    /// Use this seed instead of the scenario's own
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// For people, or for machines: one JSON object per line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// Plant this bug in every process; `matrix` lists the bugs
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = RECORD)]
pub(crate) struct RecordArgs {
    /// The scenario file
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Use this seed instead of the scenario's own
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// Plant this bug in every process; `matrix` lists the bugs
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum TraceAmount {
    /// Steps, faults and the notes of processes
    Notable,
    /// Routine traffic too
    Full,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum ReplayFormat {
    /// For people
    Text,
    /// One JSON object per line: the result of each scenario
    Json,
    /// One JSON object per line: everything that happened, as docs/run.schema.json describes
    RunJson,
    /// One JSON object for ui.perfetto.dev and chrome://tracing, which show one run: the Trace Event Format
    Perfetto,
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

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct CheckArgs {
    /// Scenario files, or folders: all *.ron below them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// First replace words that were renamed, in place; comments and layout stay. Profiles and saved failures too
    #[arg(long)]
    pub(crate) fix: bool,
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
    /// Write to this file, which must not exist
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// List recipes and profiles
    #[arg(long)]
    pub(crate) list: bool,
}

const COMPLETIONS: &str = "\
For bash, in ~/.bashrc: source <(sim-runner completions bash)
For zsh, into a folder of fpath: sim-runner completions zsh > _sim-runner
For fish: sim-runner completions fish > ~/.config/fish/completions/sim-runner.fish";

#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
pub(crate) struct NewArgs {
    /// The scenario's name: letters, digits, _ and -
    pub(crate) name: String,
    /// The folder to write it to
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
}

const NEW_PROTOCOL: &str = "\
The package has a small protocol with clients, a scenario with its snapshot, a profile, sweeps, a planted bug that they \
notice, one test that fails on purpose to show how a failure reads, and a workflow with a sweep over fresh seeds every \
night. All of its tests pass. Its README.md says which file to change first.

Exit codes:
  0  the package was written
  2  NAME is no name for a package, DIR/NAME is there already or cannot be written, or PATH does not hold Aviary";

#[derive(Args, Debug)]
#[command(after_help = NEW_PROTOCOL)]
pub(crate) struct NewProtocolArgs {
    /// The package's name: lower-case letters, digits, _ and -
    pub(crate) name: String,
    /// The folder in which the package gets a folder of its own
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Depend on the sources of Aviary in this folder, instead of those that this program was built from
    #[arg(long, value_name = "PATH", conflicts_with = "git")]
    pub(crate) aviary: Option<PathBuf>,
    /// Depend on the sources of Aviary in this Git repository
    #[arg(long, value_name = "URL")]
    pub(crate) git: Option<String>,
}
