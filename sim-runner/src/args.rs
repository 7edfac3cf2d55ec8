//! Command-line arguments.

mod search;
#[cfg(feature = "http")]
mod step;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

pub(crate) use search::{AskArgs, BlameArgs, DrawArgs, SEARCH_EVENTS_MAX, ShrinkArgs, SweepArgs};
#[cfg(feature = "http")]
pub(crate) use step::StepArgs;

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  everything held
  1  a property or an expectation did not hold, or a process panicked
  2  a flag or a file is wrong, a report cannot be written, or the program to compare with cannot be run
  3  no progress after healing
  4  nondeterminism: two runs of one scenario differed
  5  stale or undecided: a required step never fired, a named rule matched nothing, or a budget was spent
  6  a saboteur was not caught, no saboteur turned a scenario red, a required fact never occurred, or a matrix or
     a hunt was interrupted
For several files, the first of 1, 4, 3, 5, 6, 2 that occurs. For an audit or a sweep, 4 precedes all others.";

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
    /// Step through a run in a browser, look into processes, and act at any moment
    #[cfg(feature = "http")]
    Step(StepArgs),
    /// Only to say how to build the program that can do it
    #[cfg(not(feature = "http"))]
    #[command(hide = true, disable_help_flag = true)]
    Step {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        _args: Vec<std::ffi::OsString>,
    },
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
            #[cfg(feature = "http")]
            HarnessCommand::Step(StepArgs { saboteur, .. }) => saboteur.as_deref(),
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

The folder into which `site run --record` recorded has a page too: what the processes of that site were handed, what they \
did, and where the replay differs.

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
    /// A scenario, a saved failure, or the folder into which a real site recorded
    #[arg(value_name = "FILE|DIR")]
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
    /// For machines
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
#[command(after_help = EXIT_CODES)]
pub(crate) struct CheckArgs {
    /// Scenario files, or folders: all *.ron below them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// First replace words that were renamed, in place; comments and layout stay. Profiles and saved failures too
    #[arg(long)]
    pub(crate) fix: bool,
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
