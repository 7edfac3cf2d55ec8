//! Flags of `saboteurs`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use crate::args::Format;

const ABOUT: &str = "\
Each saboteur is hunted by several sweeps of the profile, each over seeds of its own up to its first failure. The table \
tells which judge objected, how many seeds that took, the median sweep's and the worst's, and how many steps and rules \
are left of the median sweep's scenario when it has been shrunk. What honest processes fail as well is no catch. A \
saboteur is caught when half of its sweeps find it. Those that were written after the profile and its recipes were \
fixed stand apart: they say whether the search finds bugs or only those that it was made for.

Exit codes:
  0  every saboteur was caught
  2  a flag, the profile or a patch is wrong
  6  a saboteur was not caught";

#[derive(Args, Debug)]
#[command(after_help = ABOUT)]
pub(crate) struct SaboteursArgs {
    /// What draws the scenarios: one of the profiles that `draw --list` names, or a file
    #[arg(value_name = "PROFILE", default_value = "default")]
    pub(crate) profile: String,
    /// Only this saboteur; may be given several times
    #[arg(long = "saboteur", value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// The patches in tests/saboteurs too, each built in a copy of the source; takes many minutes
    #[arg(long)]
    pub(crate) patches: bool,
    /// How many sweeps hunt each; the median counts
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) sweeps: NonZeroUsize,
    /// Each sweep gives up after so many seeds
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) seeds_max: u64,
    /// Shrink each failure for so long at most
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = crate::sweep::numbers::time)]
    pub(crate) shrink_time: Duration,
    /// Leave failures as they are
    #[arg(long, conflicts_with = "shrink_time")]
    pub(crate) no_shrink: bool,
    /// How many are hunted at once; as many as there are cores when absent
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// For people, or for machines: one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
    /// Hunt the bug of this name that is planted in the source of this very program, and print its row
    #[arg(long, value_name = "NAME", hide = true)]
    pub(crate) planted: Option<String>,
    /// With --planted: what fails under this seed does not count, for it does without the bug too
    #[arg(long, value_name = "N", hide = true, requires = "planted")]
    pub(crate) except: Vec<u64>,
}
