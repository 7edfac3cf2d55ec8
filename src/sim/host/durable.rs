//! What a journal calls durable, held against what the simulated disk has synced; property `durable`.
//!
//! When a journal says that records are durable, a completed sync must cover their bytes and all that was written before
//! them, the file must have its name in the synced folder, and its bytes must hold the records. When a journal was read
//! back, each record that it returned must be in what a crash at that moment would leave, in their order.
//!
//! Does not check whether the frames around the records can be read, nor whether the incarnation is durable: recovery
//! shows that. Nor does it look at storage that somebody damaged or put back as it was.

use alloc::format;
use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::outbox::Offset;
use crate::process::{Process, Records};
use crate::sim::host::disk::proof::Written;
use crate::sim::host::{SimHost, Storage};
use crate::sim::watch::judge::Violation;

const PROPERTY: &str = "durable";

/// A batch that was appended and is not called durable yet.
#[derive(Clone, Debug)]
pub(crate) struct Unsynced {
    /// Where it ends.
    pub(crate) end: Offset,
    pub(crate) records: Records,
    /// The write that brought it to the disk, if there was one.
    pub(crate) written: Option<Written>,
}

/// Fails if the journal of `host` calls a batch durable up to `durable` that a crash would lose.
#[inline]
pub(crate) fn check<P: Process>(host: &SimHost<P>, durable: Offset) -> Result<(), Violation> {
    let Some(running) = host.running() else { return Ok(()) };
    let told = running.unsynced.iter().take_while(|batch| batch.end <= durable);
    told.map(|batch| check_batch(host, batch)).find(Result::is_err).unwrap_or(Ok(()))
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
    Err(Violation { property: PROPERTY, explanation })
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
            Err(Violation { property: PROPERTY, explanation })
        }
    }
}
