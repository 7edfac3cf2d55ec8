//! Measures what the flight recorder costs: a cluster that records beside one that does not, in turns.

use crate::bench::load::Load;
use crate::bench::ours::{Recording, SiteCluster};
use crate::bench::{Bench, table};
use crate::children::Folder;
use crate::error::ProgramError;

pub(crate) fn measure(arguments: &Bench, folder: &Folder) -> Result<(), ProgramError> {
    for datagram_max in &arguments.datagrams {
        for count in &arguments.sites {
            let start = |recording| {
                SiteCluster::start(folder, *count, *datagram_max, arguments.sync_mode(), recording)
            };
            let (plain, recorded) = (start(Recording::Off)?, start(Recording::On)?);
            for outstanding in &arguments.outstanding {
                let load = Load::new(*outstanding, arguments.milliseconds);
                let mut pairs = Vec::new();
                for _ in 0..arguments.pairs {
                    pairs.push((plain.load(&load)?, recorded.load(&load)?));
                }
                table::recorded(arguments.json, *datagram_max, *count, *outstanding, &pairs)?;
            }
        }
    }
    Ok(())
}
