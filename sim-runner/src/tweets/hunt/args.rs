//! Arguments of `saboteurs`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::args::Format;

const ABOUT: &str = "\
Several sweeps of the profile hunt each saboteur, each over its own seeds up to its first failure. The table shows \
which judge objected, the number of seeds until then in the median and in the worst sweep, the processor time of a \
sweep until then in the mean, and the number of steps and rules in the shrunken scenario of the median sweep. A failure that honest processes share does not count. A saboteur \
is caught when half of its sweeps find it. Saboteurs written after the profile and its recipes were fixed are listed \
apart: they show whether the search finds bugs in general or only those for which it was made.

Exit codes:
  0  every saboteur was caught
  2  a flag, the profile or a patch is wrong
  6  a saboteur was not caught";

#[derive(Args, Debug)]
#[command(after_help = ABOUT)]
pub(crate) struct SaboteursArgs {
    /// The source of the scenarios: a profile that `draw --list` names, or a file
    #[arg(value_name = "PROFILE", default_value = "default")]
    pub(crate) profile: String,
    /// Hunt only this saboteur; may be given several times
    #[arg(long = "saboteur", value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Hunt the patches in tests/saboteurs too, each built in a copy of the source; takes many minutes
    #[arg(long)]
    pub(crate) patches: bool,
    /// Number of sweeps per saboteur; the median counts
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) sweeps: NonZeroUsize,
    /// Each sweep gives up after this many seeds
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) seeds_max: u64,
    /// Shrink each failure for at most this time
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = crate::sweep::numbers::time)]
    pub(crate) shrink_time: Duration,
    /// Do not shrink failures
    #[arg(long, conflicts_with = "shrink_time")]
    pub(crate) no_shrink: bool,
    /// Number of saboteurs hunted at once; one per core when absent
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// For people, or for machines: one JSON object per line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// Hunt the bug of this name that is planted in this program's own source, and print its row
    #[arg(long, value_name = "NAME", hide = true)]
    pub(crate) planted: Option<String>,
    /// With --planted: ignore a failure under this seed, because it also occurs without the bug
    #[arg(long, value_name = "N", hide = true, requires = "planted")]
    pub(crate) except: Vec<u64>,
}
