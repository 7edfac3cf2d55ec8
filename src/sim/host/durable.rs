//! Compares what a journal calls durable with what the simulated disk has synced; property `durable`.
//!
//! When a journal says that records are durable, three things must hold. A completed sync covers their bytes and
//! everything written before them. The name of their file is in the synced folder. The file's bytes hold the records.
//! When a journal is read back, every record that it returns must be in what a crash at that moment would leave, in
//! the same order.
//!
//! Not checked: that the frames around the records can be read, and that the incarnation is durable (recovery shows
//! both); storage that a fault damaged or put back.

use alloc::format;
use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::outbox::Offset;
use crate::process::{Process, Records};
use crate::sim::host::disk::proof::Written;
use crate::sim::host::{SimHost, Storage};
use crate::sim::watch::judge::Violation;

const PROPERTY: &str = "durable";

/// A batch that was appended and that the journal does not call durable yet.
#[derive(Clone, Debug)]
pub(crate) struct Unsynced {
    /// The offset of its end.
    pub(crate) end: Offset,
    pub(crate) records: Records,
    /// The write that put it on the disk, if there was one.
    pub(crate) written: Option<Written>,
}

/// Fails if a crash would lose a batch that the journal of `host` calls durable, up to `durable`.
#[inline]
pub(crate) fn check<P: Process>(host: &SimHost<P>, durable: Offset) -> Result<(), Violation> {
    let Some(running) = host.running() else { return Ok(()) };
    let synced = running.unsynced.iter().take_while(|batch| batch.end <= durable);
    synced.map(|batch| check_batch(host, batch)).find(Result::is_err).unwrap_or(Ok(()))
}

fn check_batch<P: Process>(host: &SimHost<P>, batch: &Unsynced) -> Result<(), Violation> {
    let Some(disk) = host.disk.as_ref().filter(|_| host.storage == Storage::Sound) else { return Ok(()) };
    let why = match batch.written {
        None => Some("nothing was written for them"),
        Some(written) => disk.would_lose(written, batch.records.iter()),
    };
    let Some(why) = why else { return Ok(()) };
    let (id, count, end) = (host.id, batch.records.iter().count(), batch.end.0);
    let explanation =
        format!("the journal of {id} calls {count} records before offset {end} durable, but {why}");
    Err(Violation::new(PROPERTY, explanation))
}

/// Fails if a crash would lose any of the records that the journal of `host` returned.
pub(crate) fn check_recovered<P: Process>(host: &SimHost<P>, records: &[Vec<u8>]) -> Result<(), Violation> {
    let Some(disk) = host.disk.as_ref().filter(|_| host.storage == Storage::Sound) else { return Ok(()) };
    let id: ProcessId = host.id;
    match disk.lacks(records) {
        None => Ok(()),
        Some(which) => {
            let explanation = format!(
                "the journal of {id} returns {} records, but of record {which} a crash would leave nothing",
                records.len()
            );
            Err(Violation::new(PROPERTY, explanation))
        }
    }
}
