//! Programs that a bench starts, and folders for temporary files. Both go away when dropped.

use std::fs::{self, DirBuilder};
use std::mem;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use aviary::replicated::real;
use aviary::replicated::sites_ron::{Member, Sites};

use crate::error::ProgramError;

/// A temporary folder, removed when dropped.
pub(crate) struct Folder(PathBuf);

/// The folders that exist.
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes every temporary folder, for a program that ends at once.
pub(crate) fn remove_folders() {
    for folder in lock(&FOLDERS).drain(..) {
        // Running sites may make a file in it meanwhile.
        let _ = (0..10).any(|_| fs::remove_dir_all(&folder).is_ok());
    }
}

/// The folder for temporary files. An empty TMPDIR counts as unset.
pub(crate) fn temporary() -> PathBuf {
    Some(std::env::temp_dir()).filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| "/tmp".into())
}

impl Folder {
    pub(crate) fn new(base: &Path) -> Result<Folder, ProgramError> {
        let path = base.join(format!("aviary-{}-{:08x}", std::process::id(), real::random("a name")? >> 32));
        let made = fs::create_dir_all(base).and_then(|()| DirBuilder::new().mode(0o700).create(&path));
        made.map_err(|error| ProgramError::Run(format!("failed to make {}: {error}", path.display())))?;
        lock(&FOLDERS).push(path.clone());
        Ok(Folder(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        lock(&FOLDERS).retain(|folder| *folder != self.0);
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Running programs, killed when dropped.
pub(crate) struct Children(Arc<Mutex<Vec<Child>>>);

/// The programs that may run.
static RUNNING: Mutex<Vec<Weak<Mutex<Vec<Child>>>>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every program, for a program that ends at once. No other one starts any more.
pub(crate) fn kill_all() {
    let mut running = lock(&RUNNING);
    for children in running.drain(..).filter_map(|children| children.upgrade()) {
        kill(&mut lock(&children));
    }
    mem::forget(running);
}

fn kill(children: &mut Vec<Child>) {
    for mut child in children.drain(..) {
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Children {
    /// Starts this program once for each of these lists of arguments.
    pub(crate) fn start(arguments: impl Iterator<Item = Vec<String>>) -> Result<Children, ProgramError> {
        let children = Children(Arc::default());
        lock(&RUNNING).push(Arc::downgrade(&children.0));
        let program = std::env::current_exe()
            .map_err(|error| ProgramError::Run(format!("failed to find this program: {error}")))?;
        for arguments in arguments {
            // Whoever kills all programs knows of this one, or comes before it.
            let _running = lock(&RUNNING);
            let child =
                Command::new(&program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
            let child =
                child.map_err(|error| ProgramError::Run(format!("failed to start a site: {error}")))?;
            lock(&children.0).push(child);
        }
        Ok(children)
    }

    /// An error if one of them has ended, which printed why.
    pub(crate) fn check(&self) -> Result<(), ProgramError> {
        for (at, child) in lock(&self.0).iter_mut().enumerate() {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(ProgramError::Run(format!("site {at} has ended meanwhile: {status}")));
            }
        }
        Ok(())
    }

    /// The processor time of one of them so far, in seconds. `None` where the system does not report it.
    pub(crate) fn processor_seconds(&self, at: usize) -> Option<f64> {
        let id = lock(&self.0).get(at)?.id();
        let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // After the name, which may hold anything: the state is field 3, times in user and kernel mode are 14 and 15.
        let mut times = text.rsplit_once(')')?.1.split_whitespace().skip(11);
        let mut ticks = || times.next()?.parse::<u32>().ok();
        let sum = f64::from(ticks()?) + f64::from(ticks()?);
        #[expect(clippy::cast_precision_loss, reason = "a hundred or a thousand")]
        let per_second = rustix::param::clock_ticks_per_second() as f64;
        Some(sum / per_second)
    }

    /// The resident memory of one of them, in MiB; 0 where the system does not report it.
    pub(crate) fn memory_mib(&self, at: usize) -> u64 {
        let id = lock(&self.0).get(at).map_or(0, Child::id);
        let text = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
        kib / 1_024
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        kill(&mut lock(&self.0));
        let these = Arc::downgrade(&self.0);
        lock(&RUNNING).retain(|children| !children.ptr_eq(&these));
    }
}

/// A cluster on ports of 127.0.0.1 that were free a moment ago.
pub(crate) fn loopback(count: u8) -> Result<Sites, ProgramError> {
    let failed = |error: std::io::Error| ProgramError::Run(format!("failed to find free ports: {error}"));
    let sockets: Result<Vec<UdpSocket>, _> =
        (0..count).map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))).collect();
    let addresses: Result<Vec<SocketAddr>, _> =
        sockets.map_err(failed)?.iter().map(UdpSocket::local_addr).collect();
    let member = |address| Member { address, region: "local".into() };
    let members = addresses.map_err(failed)?.into_iter().map(member).collect();
    Ok(Sites::new(real::random("the cluster's number")?, members))
}
