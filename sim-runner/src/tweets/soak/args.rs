//! Arguments of `soak`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::args::Format;

const ABOUT: &str = "\
Runs real processes on loopback, with a proxy between them that follows the simulator's rules. Faults follow one after \
the other: loss, bursts, latency, reordering, duplication, corruption, truncation, late copies, misdelivery, \
partitions and one-way cuts, lost votes, late messages; together with these, kill -9 of a minority, pauses, and \
kill -9 of all sites at once. At the end everything is healed, the sites must agree, and the simulator's judges check \
what clients saw and what the disks hold. The seed determines the faults, their targets and their lengths, but not how \
the sites react.

Exit codes:
  0  nothing was lost or doubled, no judge objects, every fault affected something
  1  a judge objects, a site ended by itself, memory grows faster than the log, or a fault affected no datagram
  2  a flag is wrong, or the sites cannot be started
  3  the sites did not agree within 30 s of healing";

#[derive(Args, Debug)]
#[command(after_help = ABOUT)]
pub(crate) struct SoakArgs {
    /// Number of sites
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(3..=9))]
    pub(crate) sites: u8,
    /// Time during which faults follow one another: 10m
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = crate::sweep::numbers::time)]
    pub(crate) time: Duration,
    /// The seed of the faults; a different one each time when absent
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// Folder for the sites' files; when absent, a temporary one, removed if all is well
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The program `site`; the one next to this program when absent
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) site: Option<PathBuf>,
    /// Number of clients in each of two threads; each client sends up to 50 requests per second
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) clients: u16,
    /// For people, or for machines: one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}
