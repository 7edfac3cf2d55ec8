//! A disk and a socket that note everything that is done to them, in one list; and disks that lie.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use mio::event::Source;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};

use crate::journal::{Disk, DiskError, SyncId};
use crate::udp::socket::Received;
use crate::udp::{Files, HostDisk, Socket, SyncJob};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Happened {
    Wrote {
        file: String,
        bytes: Vec<u8>,
    },
    SyncStarted {
        id: u64,
        file: String,
    },
    /// The sync truly ended.
    Synced {
        id: u64,
    },
    Sent {
        bytes: Vec<u8>,
    },
}

/// Everything that happened, in order, in any thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Recording(Arc<Mutex<Vec<Happened>>>);

impl Recording {
    pub(super) fn push(&self, event: Happened) {
        self.0.lock().unwrap().push(event);
    }

    pub(super) fn all(&self) -> Vec<Happened> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn take(&self) -> Vec<Happened> {
        core::mem::take(&mut self.0.lock().unwrap())
    }
}

/// The way in which a disk lies, once the journal is open.
#[derive(Clone, Debug)]
pub(super) enum Lie {
    /// Nothing.
    None,
    /// It reports a sync that it has not done.
    EarlySync,
    FailedSync,
    FailedWrite,
    /// A sync is not quick, and panics in the thread for syncs.
    PanickingSync,
    /// Nothing, but a sync in the thread for syncs waits until the gate is open, and all other syncs are slow.
    Gated(Arc<Mutex<()>>),
}

#[derive(Debug)]
pub(super) struct RecordedDisk {
    files: Files,
    recording: Recording,
    lie: Lie,
    /// The numbers of inline syncs, which are far above those of the others.
    inline: u64,
}

impl RecordedDisk {
    pub(super) fn new(files: Files, recording: Recording, lie: Lie) -> RecordedDisk {
        RecordedDisk { files, recording, lie, inline: 1 << 32 }
    }
}

#[expect(clippy::disallowed_methods, reason = "a disk takes real time")]
fn wait() {
    std::thread::sleep(std::time::Duration::from_millis(3));
}

fn failure() -> DiskError {
    DiskError::Io("it is only a test".into())
}

impl Disk for RecordedDisk {
    fn create(&mut self, name: &str, length: u64) -> Result<(), DiskError> {
        self.files.create(name, length)
    }

    fn list(&self) -> Result<Vec<(String, u64)>, DiskError> {
        self.files.list()
    }

    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> Result<(), DiskError> {
        self.files.read(name, offset, into)
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        if matches!(self.lie, Lie::FailedWrite) && bytes.windows(4).any(|part| part == b"fact") {
            return Err(failure());
        }
        self.recording.push(Happened::Wrote { file: name.into(), bytes: bytes.into() });
        self.files.write(name, offset, bytes)
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), DiskError> {
        self.files.truncate(name, length)
    }

    fn start_sync(&mut self, name: &str) -> Result<SyncId, DiskError> {
        let id = self.files.start_sync(name)?;
        self.recording.push(Happened::SyncStarted { id: id.0, file: name.into() });
        Ok(id)
    }

    fn sync(&mut self, name: &str) -> Result<(), DiskError> {
        self.inline += 1;
        self.recording.push(Happened::SyncStarted { id: self.inline, file: name.into() });
        self.files.sync(name)?;
        self.recording.push(Happened::Synced { id: self.inline });
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.files.rename(from, to)
    }

    fn remove(&mut self, name: &str) -> Result<(), DiskError> {
        self.files.remove(name)
    }

    fn sync_dir(&mut self) -> Result<(), DiskError> {
        self.files.sync_dir()
    }

    fn free_space(&self) -> Result<u64, DiskError> {
        self.files.free_space()
    }
}

impl HostDisk for RecordedDisk {
    fn take_started(&mut self) -> Vec<SyncJob> {
        let jobs = self.files.take_started();
        let recorded = |SyncJob { id, work }| {
            let (recording, lie) = (self.recording.clone(), self.lie.clone());
            let work = move || {
                match lie {
                    Lie::EarlySync => return Ok(()),
                    Lie::FailedSync => return Err(failure()),
                    Lie::PanickingSync => {
                        assert_ne!(std::thread::current().name(), Some("sync"), "it is only a test");
                        wait();
                    }
                    Lie::Gated(gate) if std::thread::current().name() == Some("sync") => drop(gate.lock()),
                    // Slow enough for the host to leave the next one to the thread.
                    Lie::Gated(_) => wait(),
                    Lie::None | Lie::FailedWrite => {}
                }
                work()?;
                recording.push(Happened::Synced { id: id.0 });
                Ok(())
            };
            SyncJob { id, work: Box::new(work) }
        };
        jobs.into_iter().map(recorded).collect()
    }
}

#[derive(Debug)]
pub(super) struct RecordedSocket {
    socket: UdpSocket,
    recording: Recording,
}

impl RecordedSocket {
    pub(super) fn new(socket: UdpSocket, recording: Recording) -> RecordedSocket {
        RecordedSocket { socket, recording }
    }
}

impl Socket for RecordedSocket {
    fn receive(&mut self, into: &mut [u8]) -> io::Result<Received> {
        self.socket.receive(into)
    }

    fn send(&mut self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        self.recording.push(Happened::Sent { bytes: bytes.into() });
        Socket::send(&mut self.socket, bytes, to)
    }
}

impl Source for RecordedSocket {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.socket.deregister(registry)
    }
}
