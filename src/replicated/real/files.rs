//! The files of a new cluster: `sites.ron`, keys, and formatted storage for each site.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::ids::{ProcessId, SITES_MAX};
use crate::journal::{Identity, Journal, JournalConfig, JournalError};
use crate::replicated::Machine;
use crate::replicated::real::{RealError, terms};
use crate::replicated::sites_ron::{Member, Sites};
use crate::udp::{CLIENT_KEY, CLIENT_MASTER_KEY, CLUSTER_KEY, Files, Key, KeyKind, KeyNumber, write_new};

/// Writes all files of a new cluster whose sites replicate `M` to a folder that holds none of them.
///
/// # Errors
/// When one of them exists, or cannot be written.
pub fn init<M: Machine>(dir: &Path, sites: &Sites) -> Result<(), RealError> {
    let limits =
        JournalConfig { record_max: sites.config.record_bytes_max::<M>(), ..JournalConfig::default() };
    NewCluster::vacant(dir, sites.config.sites)?
        .write(sites, |disk, identity| Journal::format(disk, identity, &limits))
}

/// A cluster of `count` sites on this machine, with ports from `base_port` on.
///
/// # Errors
/// When there are too many sites for a cluster, or for the ports.
pub fn local(count: u8, base_port: u16) -> Result<Sites, RealError> {
    if !(1..=SITES_MAX).contains(&count) {
        return Err(RealError::Wrong(format!("a cluster has 1 to {SITES_MAX} sites, not {count}")));
    }
    let last = base_port.checked_add(u16::from(count) - 1).ok_or_else(|| {
        let cure = "use a lower --base-port";
        RealError::Wrong(format!("{count} sites from port {base_port} on exceed port 65535; {cure}"))
    })?;
    let member =
        |port| Member { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), region: "local".into() };
    Ok(Sites::new(random("the cluster's number")?, (base_port..=last).map(member).collect()))
}

/// The paths of a cluster's files.
pub struct NewCluster {
    dir: PathBuf,
    /// `sites.ron`.
    pub config: PathBuf,
    folders: Vec<PathBuf>,
    keys: [(PathBuf, KeyKind); 2],
    /// The key of clients that `init` writes.
    client_key: PathBuf,
}

impl NewCluster {
    /// Fails if one of the files exists.
    pub fn vacant(dir: &Path, count: u8) -> Result<NewCluster, RealError> {
        let config = dir.join("sites.ron");
        let folders: Vec<_> = (0..count).map(|site| dir.join(format!("site-{site}"))).collect();
        let keys = [(CLUSTER_KEY, KeyKind::Cluster), (CLIENT_MASTER_KEY, KeyKind::ClientMaster)];
        let keys = keys.map(|(name, kind)| (dir.join(name), kind));
        let client_key = dir.join(CLIENT_KEY);
        let files = [&config, &client_key].into_iter().chain(keys.iter().map(|(path, _)| path));
        for existing in files.chain(&folders) {
            // Nothing that exists is touched, not even a broken link.
            if existing.symlink_metadata().is_ok() {
                let shown = existing.display();
                let message =
                    format!("{shown} exists, and no storage is ever formatted twice; name another --dir");
                return Err(RealError::Wrong(message));
            }
        }
        Ok(NewCluster { dir: dir.into(), config, folders, keys, client_key })
    }

    /// Writes all files, for their owner alone. `fill` writes each site's storage.
    pub fn write(
        &self,
        sites: &Sites,
        mut fill: impl FnMut(&mut Files, &Identity) -> Result<(), JournalError>,
    ) -> Result<(), RealError> {
        let NewCluster { dir, config, folders, keys, client_key } = self;
        DirBuilder::new().mode(0o700).recursive(true).create(dir).map_err(failed("make", dir))?;
        for (site, folder) in (0..).zip(folders) {
            DirBuilder::new().mode(0o700).create(folder).map_err(failed("make", folder))?;
            let mut disk = Files::open(folder).map_err(|error| RealError::Failed(error.to_string()))?;
            let identity = Identity { cluster: sites.cluster, process: ProcessId::site(site) };
            let filled = fill(&mut disk, &identity);
            filled.map_err(|error| RealError::Failed(format!("{}: {error}", folder.display())))?;
            terms::write(folder, sites).map_err(failed("write to", folder))?;
        }
        for (path, kind) in keys {
            let key =
                Key::random().map_err(|error| RealError::Failed(format!("failed to draw a key: {error}")))?;
            key.write(path, *kind).map_err(failed("write", path))?;
            if *kind == KeyKind::ClientMaster {
                let written = key.client_key(KeyNumber::FIRST).write(client_key);
                written.map_err(failed("write", client_key))?;
            }
        }
        // Last, so that every file that it names exists.
        write_new(config, |file| file.write_all(sites.to_text().as_bytes()))
            .map_err(failed("write", config))?;
        fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed("sync", dir))
    }
}

/// A random number from the operating system.
pub fn random(what: &str) -> Result<u64, RealError> {
    getrandom::u64().map_err(|error| RealError::Failed(format!("failed to draw {what}: {error}")))
}

fn failed<'a>(what: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> RealError + 'a {
    move |error| {
        let shown = path.display();
        RealError::Failed(format!(
            "failed to {what} {shown}: {error}; remove what was made, mend this and try again"
        ))
    }
}
