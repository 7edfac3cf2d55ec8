//! Syncs of a real disk, in a thread of their own or in the host's.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use mio::Waker;

use crate::journal::{Disk, DiskError, SyncId};

/// A sync that was started and has yet to be done.
pub struct SyncJob {
    /// The number of the sync.
    pub id: SyncId,
    /// Does the sync. Returns once everything written to the file before the sync was started is durable.
    pub work: Box<dyn FnOnce() -> Result<(), DiskError> + Send>,
}

/// A disk whose syncs the host does itself, in any thread.
pub trait HostDisk: Disk {
    /// The syncs that were started since the last call, oldest first.
    fn take_started(&mut self) -> Vec<SyncJob>;
}

/// The most syncs that may wait for the thread. A journal has one sync under way, of few files.
const JOBS_MAX: usize = 64;

/// A finished sync, and its result.
pub(super) type Synced = (SyncId, Result<(), DiskError>);

/// A thread that does one sync after another and wakes the host after each. It ends when this handle is dropped.
#[derive(Debug)]
pub(super) struct Syncer {
    jobs: SyncSender<SyncJob>,
    done: Receiver<Synced>,
}

impl Syncer {
    pub(super) fn start(waker: Arc<Waker>) -> io::Result<Syncer> {
        let (jobs, to_do) = sync_channel::<SyncJob>(JOBS_MAX);
        let (report, done) = sync_channel::<Synced>(JOBS_MAX);
        let reporter = Reporter { report: Some(report), waker };
        thread::Builder::new().name("sync".into()).spawn(move || {
            for job in to_do {
                let result = (job.work)();
                if !reporter.report((job.id, result)) {
                    return;
                }
            }
        })?;
        Ok(Syncer { jobs, done })
    }

    /// Hands a sync to the thread. Fails only if the thread is gone.
    pub(super) fn submit(&self, job: SyncJob) -> Result<(), DiskError> {
        self.jobs.send(job).map_err(|_| DiskError::Io(GONE.into()))
    }

    /// The next finished sync, if there is one. Fails only if the thread is gone.
    pub(super) fn next_done(&self) -> Result<Option<Synced>, DiskError> {
        match self.done.try_recv() {
            Ok(synced) => Ok(Some(synced)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(DiskError::Io(GONE.into())),
        }
    }
}

/// Reports results to the host, and also the end of the thread, even after a panic.
struct Reporter {
    report: Option<SyncSender<Synced>>,
    waker: Arc<Waker>,
}

impl Reporter {
    /// False if the host is gone.
    fn report(&self, synced: Synced) -> bool {
        self.report.as_ref().is_some_and(|report| report.send(synced).is_ok()) && self.waker.wake().is_ok()
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        // The channel closes first, so that the host finds it closed once it is awake.
        self.report = None;
        let _ = self.waker.wake();
    }
}

const GONE: &str = "the thread that syncs has ended";
