//! Flags.

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
  6  a saboteur is not caught, a scenario is turned red by no saboteur, what must happen never did, or a matrix or
     a hunt was interrupted
For several files the first present of 1, 4, 3, 5, 6; of an audit or a sweep, 4 before all others.";

const AUDIT: &str = "\
Each scenario is run twice in this process, with a trace of everything, of what is notable and of nothing, on from a \
clone taken half-way, and in a second process: this program starts itself with `record`. Every run is held against \
the first one, event by event: number, time, fingerprint, trace, verdict and final state. Where one differs, the \
first event that does is shown side by side. A scenario that fails must fail in the same way each time; its verdict \
then decides how the audit ends.";

const RECORD: &str = "\
The first line names the scenario, its seed and this format's version; each further one has the number of events so \
far, the simulated time in microseconds, the fingerprint over everything that happened, and the trace's lines; the \
last one has the verdict and the final state too. Recordings of one scenario are equal byte for byte, whatever \
process, machine or build they are from: `audit` compares them, and so does `diff`. Ends with 0 whatever the verdict.";

const REPLAY_RECORDING: &str = "\
Every input that `site run --record` wrote is handed to the same processes, from what they were started from, or from \
the state that the first file opens with. All that they want done, and when they want to be woken, must be what was \
recorded, byte for byte, and every further file must open with the state that the one before it leads to. A panic that \
was recorded must come again. A file that a crash cut short is read up to its last whole entry.

Exit codes:
  0  everything came out as it was recorded
  2  a flag is wrong, a file is damaged, or other code recorded it
  4  nondeterminism: something came out otherwise; the first difference is shown";

const SHRINK: &str = "\
What is left breaks the same property as FILE does, and was run to its end, twice, to see that. It is the smallest of \
all that were found, and shrinking it again changes nothing, unless time, runs or an interrupt ended it before. An \
interrupt writes the smallest that was found so far; a second one ends the program at once.

Exit codes:
  0  a scenario was written that breaks the same property
  2  a flag or FILE is wrong, FILE passes, goes stale or is not decided, or the result cannot be written
  4  nondeterminism: two runs of one scenario differed";

const BLAME: &str = "\
The failing run is forked at many moments. In each fork all that is still random is drawn anew; the steps stay. How \
many forks break the same property says how likely it was from that moment on; where that jumps, it became inevitable.

Exit codes:
  0  the moment was found
  2  a flag or FILE is wrong, FILE passes, goes stale or is not decided, or the drawing cannot be written
  4  nondeterminism: two runs of one scenario differed";

/// Replays, audits, checks and starts scenarios.
#[derive(Parser, Debug)]
#[command(name = "sim-runner", version, about, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct CommandLine<C: Subcommand> {
    #[command(subcommand)]
    pub(crate) command: C,
    /// When there are colours; `auto` is on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value_t)]
    pub(crate) color: ColorChoice,
}

/// How long something may take: as it is said, and without end where something else bounds it.
pub(crate) fn time_or(said: Option<Duration>, is_bounded: bool, usual: Duration) -> Duration {
    said.unwrap_or(if is_bounded { Duration::MAX } else { usual })
}

/// The commands that there are for any service.
#[derive(Subcommand, Debug)]
pub(crate) enum HarnessCommand {
    /// Run scenarios and say what came of each
    Replay(ReplayArgs),
    /// Feed what a real site was handed to the same site again, and compare what it does
    ReplayRecording(ReplayRecordingArgs),
    /// Say whether scenarios repeat themselves exactly, and where not
    Audit(AuditArgs),
    /// Run one scenario and print all that happens, for comparing
    Record(RecordArgs),
    /// Say whether files are well-formed scenarios, without running them
    Check(CheckArgs),
    /// Write a commented scenario to start from
    New(NewArgs),
    /// List every step that a scenario can have
    Words,
    /// Run scenarios under many seeds on all cores
    Sweep(SweepArgs),
    /// Print the scenario that a profile and a seed stand for
    Draw(DrawArgs),
    /// Make a failing scenario as small as it goes while it breaks the same property
    Shrink(ShrinkArgs),
    /// Say when a failure became inevitable, and by what
    Blame(BlameArgs),
    /// Print what has a shell complete commands and flags
    Completions(CompletionsArgs),
}

impl HarnessCommand {
    /// The name of the planted bug that every process is to have.
    pub(crate) fn saboteur(&self) -> Option<&str> {
        match self {
            HarnessCommand::Replay(ReplayArgs { saboteur, .. })
            | HarnessCommand::Audit(AuditArgs { saboteur, .. })
            | HarnessCommand::Record(RecordArgs { saboteur, .. })
            | HarnessCommand::Sweep(SweepArgs { saboteur, .. })
            | HarnessCommand::Shrink(ShrinkArgs { saboteur, .. })
            | HarnessCommand::Blame(BlameArgs { saboteur, .. }) => saboteur.as_deref(),
            _ => None,
        }
    }
}

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct ReplayArgs {
    /// Scenario files, or folders: all *.ron below them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Show what happened; with =full routine traffic too
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "notable")]
    pub(crate) trace: Option<TraceAmount>,
    /// Draw everything random from this instead of the scenario's own seed
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// For people, or for machines: one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// Give up after so many events, undecided
    #[arg(long, value_name = "N", default_value_t = 50_000_000)]
    pub(crate) events_max: u64,
    /// With this planted bug in every process; `matrix` lists them
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
}

const SWEEP: &str = "\
Every seed is given to each of the sources: a profile draws a scenario from it, a scenario file runs under it. Runs are \
told in the order of their seeds: a report of --seeds is the same bytes whatever the number of threads. Every 50th run \
is run twice and must be the same. Failures are grouped by what they break and by the shape of the shrunken scenario; \
one of each group is saved. The first failure of each kind is saved at once, as it is; what is shrunk takes its place at \
the end. An interrupt ends the sweep and tells what was found so far; a second one ends it at once.";

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{SWEEP}\n\n{EXIT_CODES}"))]
pub(crate) struct SweepArgs {
    /// Profiles, scenario files, or folders of scenarios; the profile `default` when absent
    #[arg(value_name = "PROFILE|SCENARIO")]
    pub(crate) sources: Vec<String>,
    /// Which seeds, the last excluded; without a last one together with --time
    #[arg(long, value_name = "A..B")]
    pub(crate) seeds: Option<Seeds>,
    /// Begin no run later than this: 10m
    #[arg(long, value_name = "TIME", value_parser = crate::sweep::numbers::time)]
    pub(crate) time: Option<Duration>,
    /// How many threads; all cores when absent
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Write each run as a JSON object on a line
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write a report for build servers
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Where failures are saved
    #[arg(long, value_name = "DIR", default_value = "failures")]
    pub(crate) failures: PathBuf,
    /// Only this part of the seeds, from 1: 2/4
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// First run every failure again that is saved in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) corpus: Option<PathBuf>,
    /// With this planted bug in every process; `matrix` lists them
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
    /// Fail if something never happens that a profile says must; else only a long sweep warns
    #[arg(long)]
    pub(crate) must_happen: bool,
    /// Give a run up after so many events
    #[arg(long, value_name = "N", default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) events_max: u64,
    /// Give a run up whose world takes more than about so many bytes
    #[arg(long, value_name = "N", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) bytes_max: u64,
    /// End with the first run that fails
    #[arg(long)]
    pub(crate) until_failure: bool,
    /// Shrink each failure for so long at most; 20s where there is no --shrink-runs
    #[arg(long, value_name = "TIME", value_parser = crate::sweep::numbers::time)]
    pub(crate) shrink_time: Option<Duration>,
    /// Shrink each failure by trying at most so many scenarios: the bound that gives the same result on any machine
    #[arg(long, value_name = "N")]
    pub(crate) shrink_runs: Option<u64>,
    /// Save failures as they are
    #[arg(long, conflicts_with_all = ["shrink_time", "shrink_runs"])]
    pub(crate) no_shrink: bool,
    /// For people, or for machines: one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Args, Debug)]
#[command(after_help = REPLAY_RECORDING)]
pub(crate) struct ReplayRecordingArgs {
    /// The folder that a site recorded into
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Leave out the files before this one
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Show every input, what came of it, and what the processes say
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES, after_long_help = format!("{AUDIT}\n\n{EXIT_CODES}"))]
pub(crate) struct AuditArgs {
    /// Scenario files, or folders: all *.ron below them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Compare with this build of the same program too; may be given several times
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) against: Vec<PathBuf>,
    /// Draw everything random from this instead of the scenario's own seed
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// For people, or for machines: one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// With this planted bug in every process; `matrix` lists them
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = RECORD)]
pub(crate) struct RecordArgs {
    /// The scenario file
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Draw everything random from this instead of the scenario's own seed
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// With this planted bug in every process; `matrix` lists them
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum TraceAmount {
    /// Steps, faults and what processes say of themselves
    Notable,
    /// Routine traffic too
    Full,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Args, Debug)]
#[command(after_help = SHRINK)]
pub(crate) struct ShrinkArgs {
    /// A scenario that fails
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Write the smaller scenario there instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Stop after so long, with the smallest that was found; 20s where there is no --runs
    #[arg(long, value_name = "TIME", value_parser = crate::sweep::numbers::time)]
    pub(crate) time: Option<Duration>,
    /// Try at most so many scenarios: the bound that gives the same result on any machine
    #[arg(long, value_name = "N")]
    pub(crate) runs: Option<u64>,
    /// Draw everything random from this instead of the scenario's own seed
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// With this planted bug in every process; `matrix` lists them
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
    /// How often the run is forked at each moment
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) forks: u32,
    /// Begin no further fork after so long; 60s where there is no --runs
    #[arg(long, value_name = "TIME", value_parser = crate::sweep::numbers::time)]
    pub(crate) time: Option<Duration>,
    /// Begin no further fork after so many: the bound that gives the same result on any machine
    #[arg(long, value_name = "N")]
    pub(crate) runs: Option<u64>,
    /// For people, or for machines: one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// Draw everything random from this instead of the scenario's own seed
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// With this planted bug in every process; `matrix` lists them
    #[arg(long, value_name = "NAME")]
    pub(crate) saboteur: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct CheckArgs {
    /// Scenario files, or folders: all *.ron below them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct DrawArgs {
    /// A profile: one of those that --list names, or a file
    #[arg(value_name = "PROFILE", default_value = "default")]
    pub(crate) profile: String,
    /// Draw everything from this
    #[arg(long, value_name = "N", required_unless_present = "list")]
    pub(crate) seed: Option<u64>,
    /// Follow this recipe, whatever the profile says of recipes
    #[arg(long, value_name = "NAME")]
    pub(crate) recipe: Option<String>,
    /// Write to this file, which must not be there
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
    /// For which shell
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
