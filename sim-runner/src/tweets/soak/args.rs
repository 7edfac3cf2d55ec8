//! Flags of `soak`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::args::Format;

const ABOUT: &str = "\
Real processes on loopback, with a proxy between them that follows the simulator's rules. One fault follows the other: \
loss, bursts, latency, reordering, duplication, corruption, truncation, replays, misdelivery, partitions and one-way cuts, \
lost votes, late messages; and together with them kill -9 of a minority, pauses, and kill -9 of all sites at once. At the \
end all is healed, the sites must agree, and the simulator's judges look at what clients saw and what the disks hold. \
The seed decides what befalls whom and for how long; what the sites make of it is theirs.

Exit codes:
  0  nothing was lost or doubled, every judge agrees, every fault touched something
  1  a judge objects, a site ended by itself, memory grows beside the log, or a fault touched no datagram
  2  a flag is wrong, or the sites cannot be started
  3  the sites did not agree within 30 s of healing";

#[derive(Args, Debug)]
#[command(after_help = ABOUT)]
pub(crate) struct SoakArgs {
    /// How many sites
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(3..=9))]
    pub(crate) sites: u8,
    /// For how long faults follow each other: 10m
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = crate::sweep::numbers::time)]
    pub(crate) time: Duration,
    /// Draw what befalls the sites from this; another one each time when absent
    #[arg(long, value_name = "N", env = "SIM_RUNNER_SEED")]
    pub(crate) seed: Option<u64>,
    /// Where the sites keep their files; a folder that goes away when absent and all is well
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The program `site`; the one beside this program when absent
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) site: Option<PathBuf>,
    /// How many clients in each of two threads, each of which asks for up to 50 things a second
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) clients: u16,
    /// For people, or for machines: one JSON object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}
