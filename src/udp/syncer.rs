//! Syncs of a real disk, beside the host's thread or in it.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

use mio::Waker;

use crate::journal::{Disk, DiskError, SyncId};

/// A sync that was started and has yet to be done.
pub struct SyncJob {
    /// Which.
    pub id: SyncId,
    /// Does it; returns when everything written to its file before it was started is durable.
    pub work: Box<dyn FnOnce() -> Result<(), DiskError> + Send>,
}

/// A disk whose syncs the host does itself, on whatever thread.
pub trait HostDisk: Disk {
    /// The syncs that were started since the last call, oldest first.
    fn take_started(&mut self) -> Vec<SyncJob>;
}

/// How many syncs may wait for the thread: a journal has the files of one sync under way, which are few.
const JOBS_MAX: usize = 64;

/// What became of a sync.
pub(super) type Synced = (SyncId, Result<(), DiskError>);

/// A thread that does one sync after the other and wakes the host after each. It ends when this is dropped.
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

    /// A sync that is done, if one is that was not returned before. Fails only if the thread is gone.
    pub(super) fn next_done(&self) -> Result<Option<Synced>, DiskError> {
        match self.done.try_recv() {
            Ok(synced) => Ok(Some(synced)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(DiskError::Io(GONE.into())),
        }
    }
}

/// Reports to the host, also that the thread ends, however it does.
struct Reporter {
    report: Option<SyncSender<Synced>>,
    waker: Arc<Waker>,
}

impl Reporter {
    /// False if no host is there.
    fn report(&self, synced: Synced) -> bool {
        self.report.as_ref().is_some_and(|report| report.send(synced).is_ok()) && self.waker.wake().is_ok()
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        // First, so that the host finds it gone once it is awake.
        self.report = None;
        let _ = self.waker.wake();
    }
}

const GONE: &str = "the thread that syncs has ended";
