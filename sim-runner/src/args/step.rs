//! Arguments of `step`.

use std::path::PathBuf;

use clap::Args;

const STEP: &str = "\
Needs a program that was built with the feature `http` of sim-runner.

Prints an address on this machine, and serves the page of `show` there until Ctrl-C. The page has the simulator behind it: \
at any moment of the run it shows each process as it is, its disk, and every datagram under way. There you deliver, lose, \
double or delay datagrams, crash, pause or cut off processes, or do anything else that a step of a scenario can say. The \
run goes on from there, and what you did is undone as easily.

What was done is a list of steps. `Save` in the page writes the scenario with these steps, reads it back and runs it: \
`replay` repeats exactly what you saw. No file is overwritten that an earlier `step` has not saved, nor one that \
has changed since this one began.

The address holds a secret: whoever knows it, on this machine, may act. Other web pages and other machines may not.

Exit codes:
  0  ended by Ctrl-C; the last line says where the session was saved, or that it was not
  2  a flag or a file is wrong, or the file to save to is there already";

#[derive(Args, Debug)]
#[command(after_help = STEP)]
pub(crate) struct StepArgs {
    /// A scenario or a saved failure
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Save to this file instead of NAME.stepped.ron in this folder
    #[arg(short = 'o', long = "output", value_name = "FILE.ron")]
    pub(crate) output: Option<PathBuf>,
    /// Open the page in the desktop's browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Use this seed instead of the scenario's own, and save it
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
