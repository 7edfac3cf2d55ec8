//! `site bench`: commits per second of a real cluster on this machine, beside those of a bare program on the same disks
//! and datagrams.
//!
//! The bare program runs twice: with one system call per datagram, and with runs of datagrams as sites have them. All
//! run at the same time on the same file system, and are loaded in turns: one for a while, then the next, several times
//! over. The printed figures are medians, and a ratio is the median of the ratios within each turn.

mod flood;
mod floor;
mod forwarding;
mod load;
mod ours;
mod record;
mod table;

use std::fmt::Display;
use std::path::PathBuf;

use aviary::outbox::SyncMode;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::bench::floor::Calls;
use crate::bench::load::{Figures, Load, Sockets};
use crate::bench::ours::Recording;
use crate::error::ProgramError;
use crate::signals::Signals;

/// The measurements to make.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Sizes of clusters, in sites.
    #[arg(long, value_delimiter = ',', default_values_t = [3, 5], value_parser = clap::value_parser!(u8).range(1..=9))]
    sites: Vec<u8>,
    /// How many requests are outstanding at once, one per client.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256], value_parser = clap::value_parser!(u16).range(1..=4096))]
    outstanding: Vec<u16>,
    /// Limits on a datagram, in bytes.
    #[arg(long, value_delimiter = ',', default_values_t = [1200, 60000])]
    datagrams: Vec<usize>,
    /// The number of loads of each program, in turns.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..))]
    pairs: u8,
    /// Length of one load, in milliseconds.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(100..))]
    milliseconds: u64,
    /// Each client has a socket and a thread of its own, as if it were another program.
    #[arg(long, conflicts_with_all = ["recovery", "flood", "record", "forwarding"])]
    sockets: bool,
    /// Syncs in the thread that does everything else, like `sync: Blocking` in sites.ron.
    #[arg(long)]
    blocking: bool,
    /// The folder for the disks, on the file system to measure [default: the folder for temporary files].
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Measures instead how long a site with a journal of at least this many events takes to start, and how much memory it
    /// takes.
    #[arg(long, value_name = "EVENTS")]
    recovery: Option<u64>,
    /// Measures instead what garbage costs: datagrams of a stranger at the rate of honest requests, and 50,000
    /// datagrams of 1,200 bytes per second that go elsewhere, that are a stranger's, or that have a client's cookie so
    /// that all are opened.
    #[arg(long, conflicts_with = "recovery")]
    flood: bool,
    /// Measures instead the cost of recording at every site, as with `site run --record`.
    #[arg(long, conflicts_with_all = ["recovery", "flood"])]
    record: bool,
    /// Measures instead what it costs to ask a site that does not lead, one request at a time.
    #[arg(long, conflicts_with_all = ["recovery", "flood", "record"])]
    forwarding: bool,
    /// Prints one JSON object per row instead of a table.
    #[arg(long)]
    json: bool,
}

/// A part of the bare program; not for people.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchPartArgs {
    #[arg(long)]
    config: PathBuf,
    #[arg(long)]
    id: u8,
    #[arg(long)]
    file: PathBuf,
    #[arg(long)]
    calls: floor::Calls,
}

impl Bench {
    fn sync_mode(&self) -> SyncMode {
        if self.blocking { SyncMode::Blocking } else { SyncMode::Overlapped }
    }

    /// Refuses lists that cannot be measured.
    fn check(&self) -> Result<(), ProgramError> {
        fn twice<T: PartialEq + Display>(flag: &str, list: &[T]) -> Result<(), ProgramError> {
            let is_again = |(at, value): &(usize, &T)| list[..*at].contains(value);
            match list.iter().enumerate().find(is_again) {
                Some((_, value)) => {
                    Err(ProgramError::Usage(format!("{flag} names {value} twice; name it once")))
                }
                None => Ok(()),
            }
        }
        twice("--sites", &self.sites)?;
        twice("--datagrams", &self.datagrams)?;
        twice("--outstanding", &self.outstanding)?;
        if self.forwarding && self.sites.contains(&1) {
            let why = "--forwarding asks a site that does not lead; name two or more with --sites";
            return Err(ProgramError::Usage(why.into()));
        }
        Ok(())
    }
}

pub(crate) fn bench(arguments: &Bench) -> Result<(), ProgramError> {
    arguments.check()?;
    // Before there is a folder or a site, so that none is left behind.
    Signals::end_at(&[SIGTERM, SIGINT, SIGHUP])
        .map_err(|error| ProgramError::Run(format!("failed to watch for signals: {error}")))?;
    let base = arguments.dir.clone().unwrap_or_else(crate::children::temporary);
    let folder = crate::children::Folder::new(&base)?;
    if let Some(events) = arguments.recovery {
        let recovered = ours::recovery(&folder, events)?;
        return table::recovery(arguments.json, &base, recovered);
    }
    if arguments.flood {
        return flood::measure(arguments, &folder);
    }
    if arguments.forwarding {
        return forwarding::measure(arguments, &folder);
    }
    if arguments.record {
        return record::measure(arguments, &folder);
    }
    table::head(arguments.json, &base, arguments.sockets, floor::sync_rate(&folder.path().join("syncs"))?)?;
    for datagram_max in &arguments.datagrams {
        for count in &arguments.sites {
            let ours = ours::SiteCluster::start(
                &folder,
                *count,
                *datagram_max,
                arguments.sync_mode(),
                Recording::Off,
            )?;
            let bare = |calls| floor::FloorCluster::start(&folder, *count, *datagram_max, calls);
            let (single, runs) = (bare(Calls::Single)?, bare(Calls::Runs)?);
            for outstanding in &arguments.outstanding {
                let sockets = if arguments.sockets { Sockets::Own } else { Sockets::Shared };
                let load = Load::new(*outstanding, arguments.milliseconds).with_sockets(sockets);
                let mut turns = Vec::new();
                for _ in 0..arguments.pairs {
                    turns.push([ours.load(&load)?, single.load(&load)?, runs.load(&load)?]);
                }
                table::row(arguments.json, *datagram_max, *count, *outstanding, &turns)?;
            }
        }
    }
    Ok(())
}

pub(crate) fn part(arguments: &BenchPartArgs) -> Result<(), ProgramError> {
    floor::run(&arguments.config, arguments.id, &arguments.file, arguments.calls)
}
