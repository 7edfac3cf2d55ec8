//! Processes of the program `site`: creates, starts, kills and pauses them, and reads their journals.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aviary::ids::{ProcessId, SiteId};
use aviary::journal::{Identity, Journal};
use aviary::mix::Seed;
use aviary::replicated::sites_ron::Sites;
use aviary::tweets::judges::outside::FinalJournal;
use aviary::udp::{ClientKey, Files, KeyNumber, Keys};
use rustix::process::{Pid, Signal, kill_process};

use super::ports;
use crate::proxy::{Proxy, ProxySettings};

/// An operation that must work has failed.
#[derive(Debug)]
pub struct ClusterFailure(pub String);

impl fmt::Display for ClusterFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ClusterFailure {}

/// Makes an error that says what failed.
pub fn failed<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> ClusterFailure {
    move |error| ClusterFailure(format!("failed to {what}: {error}"))
}

/// A cluster in one folder. Dropping it ends its processes.
pub struct RealCluster {
    program: PathBuf,
    dir: PathBuf,
    /// The contents of `sites.ron`.
    pub sites: Sites,
    keys: Keys,
    /// The address at which each site listens, if not the one in `sites.ron`.
    listen: Option<Vec<SocketAddr>>,
    /// By site, the command in front of the program's name that enters the site's network.
    enter: Vec<Vec<String>>,
    running: Vec<Option<Child>>,
    paused: Vec<bool>,
}

impl RealCluster {
    /// Runs `site init` in `dir`, with ports on loopback; `program` is `site`. With `has_proxy` the sites listen at
    /// addresses other than those in `sites.ron`.
    pub fn init(
        program: &Path,
        dir: &Path,
        count: u8,
        has_proxy: bool,
    ) -> Result<RealCluster, ClusterFailure> {
        let count_ports = if has_proxy { 2 * u16::from(count) } else { u16::from(count) };
        let base = ports::free(count_ports).ok_or_else(|| ClusterFailure("no free ports in a row".into()))?;
        let mut init = Command::new(program);
        init.args(["init", "--sites", &count.to_string(), "--base-port", &base.to_string(), "--dir"])
            .arg(dir);
        let out = init.stdin(Stdio::null()).output();
        let out = out.map_err(failed(format_args!("run {}", program.display())))?;
        if !out.status.success() {
            let errors = String::from_utf8_lossy(&out.stderr);
            return Err(ClusterFailure(format!("{} init: {errors}", program.display())));
        }
        let listen = has_proxy.then(|| {
            let port = |site: u8| base + u16::from(count) + u16::from(site);
            (0..count).map(|site| SocketAddr::from((Ipv4Addr::LOCALHOST, port(site)))).collect()
        });
        Ok(RealCluster {
            program: program.into(),
            dir: dir.into(),
            sites: read_sites(dir)?,
            keys: Keys::read(dir).map_err(failed("read a key"))?,
            listen,
            enter: vec![Vec::new(); usize::from(count)],
            running: (0..count).map(|_| None).collect(),
            paused: vec![false; usize::from(count)],
        })
    }

    /// Moves the sites: writes these addresses into `sites.ron`, and starts site `n` with `enter[n]` in front of its
    /// program from then on.
    pub fn move_to(
        &mut self,
        addresses: &[SocketAddr],
        enter: Vec<Vec<String>>,
    ) -> Result<(), ClusterFailure> {
        for (member, address) in self.sites.members.iter_mut().zip(addresses) {
            member.address = *address;
        }
        let path = self.dir.join("sites.ron");
        fs::write(&path, self.sites.to_text()).map_err(failed("write sites.ron"))?;
        self.sites = read_sites(&self.dir)?;
        self.enter = enter;
        Ok(())
    }

    /// The client key with number 0.
    pub fn client_key(&self) -> ClientKey {
        self.derived(KeyNumber::FIRST)
    }

    /// Every client key.
    pub fn client_keys(&self) -> Vec<ClientKey> {
        KeyNumber::all().map(|number| self.derived(number)).collect()
    }

    fn derived(&self, number: KeyNumber) -> ClientKey {
        let master = self.keys.client_master.as_ref();
        master.expect("it was read when the cluster was made").client_key(number)
    }

    /// Starts the proxy between the sites of a cluster that was created with one.
    pub fn proxy(&self, seed: Seed) -> Result<Proxy, ClusterFailure> {
        let behind = self
            .listen
            .clone()
            .ok_or_else(|| ClusterFailure("the cluster was made without a proxy".into()))?;
        let settings = ProxySettings {
            cluster: self.sites.cluster,
            keys: self.keys.clone(),
            fronts: self.sites.addresses(),
            behind,
            seed,
        };
        Proxy::start::<aviary::tweets::site::Message>(settings).map_err(failed("start the proxy"))
    }

    /// The number of sites.
    pub fn count(&self) -> usize {
        self.running.len()
    }

    /// Starts a site that is not running, and waits until it prints that it runs.
    pub fn start(&mut self, site: usize) -> Result<(), ClusterFailure> {
        let mut words = self.enter[site].clone();
        words.push(self.program.display().to_string());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["run", "--headless", "--config"]).arg(self.dir.join("sites.ron"));
        command.args(["--id", &site.to_string()]);
        if let Some(listen) = &self.listen {
            command.args(["--listen", &listen[site].to_string()]);
        }
        let log = File::options().create(true).append(true).open(self.log(site));
        let log = log.map_err(failed(format_args!("write the log of S{site}")))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(failed(format_args!("start S{site}")))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            // The site prints only this line.
            let read = BufReader::new(output).read_line(&mut line);
            read.map_err(failed(format_args!("read what S{site} prints")))?;
        }
        self.running[site] = Some(child);
        self.paused[site] = false;
        if line.starts_with(&format!("S{site} of ")) { Ok(()) } else { Err(self.ended(site)) }
    }

    /// Starts every site that is not running.
    pub fn start_all(&mut self) -> Result<(), ClusterFailure> {
        (0..self.count())
            .filter(|site| self.running[*site].is_none())
            .collect::<Vec<_>>()
            .into_iter()
            .try_for_each(|site| self.start(site))
    }

    /// Kills a site, as `kill -9` does, if it runs.
    pub fn kill(&mut self, site: usize) -> Result<(), ClusterFailure> {
        let Some(mut child) = self.running[site].take() else { return Ok(()) };
        self.paused[site] = false;
        child.kill().and_then(|()| child.wait()).map(|_| ()).map_err(failed(format_args!("kill S{site}")))
    }

    /// Pauses a site, as if its machine were suspended.
    pub fn pause(&mut self, site: usize) -> Result<(), ClusterFailure> {
        self.signal(site, Signal::STOP)?;
        self.paused[site] = true;
        Ok(())
    }

    /// Resumes a paused site.
    pub fn resume(&mut self, site: usize) -> Result<(), ClusterFailure> {
        self.signal(site, Signal::CONT)?;
        self.paused[site] = false;
        Ok(())
    }

    fn signal(&self, site: usize, signal: Signal) -> Result<(), ClusterFailure> {
        let Some(child) = &self.running[site] else { return Ok(()) };
        kill_process(Pid::from_child(child), signal).map_err(failed(format_args!("signal S{site}")))
    }

    /// Whether the site was started and is neither killed nor paused.
    pub fn is_well(&self, site: usize) -> bool {
        self.running[site].is_some() && !self.paused[site]
    }

    /// The number of sites that are not well, as [`RealCluster::is_well`] defines it.
    pub fn unwell(&self) -> usize {
        (0..self.count()).filter(|site| !self.is_well(*site)).count()
    }

    /// Fails if some site ended that was not killed.
    pub fn check_running(&mut self) -> Result<(), ClusterFailure> {
        for site in 0..self.count() {
            let Some(child) = &mut self.running[site] else { continue };
            let ended = child.try_wait().map_err(failed(format_args!("watch S{site}")))?;
            if ended.is_some() {
                return Err(self.ended(site));
            }
        }
        Ok(())
    }

    fn ended(&mut self, site: usize) -> ClusterFailure {
        let status = self.running[site].as_mut().and_then(|child| child.wait().ok());
        let status = status.map_or_else(|| "somehow".to_owned(), |status| status.to_string());
        let mut log = String::new();
        if let Ok(mut file) = File::open(self.log(site)) {
            // An unreadable log is not shown.
            let _ = file.read_to_string(&mut log);
        }
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(12)..].join("\n");
        self.running[site] = None;
        ClusterFailure(format!("S{site} ended by itself ({status}); its log ends with:\n{tail}"))
    }

    /// Kills every site.
    pub fn kill_all(&mut self) -> Result<(), ClusterFailure> {
        (0..self.count()).try_for_each(|site| self.kill(site))
    }

    /// The memory of a running site, in bytes.
    pub fn memory(&self, site: usize) -> Option<u64> {
        let id = self.running[site].as_ref()?.id();
        let text = fs::read_to_string(format!("/proc/{id}/statm")).ok()?;
        let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }

    /// Reads the journal of a site that is not running, from a copy: opening the journal itself would begin an
    /// incarnation.
    pub fn disk(&self, site: usize) -> Result<FinalJournal, ClusterFailure> {
        let at = |error: &dyn fmt::Display| ClusterFailure(format!("the journal of S{site}: {error}"));
        let (from, to) = (self.dir.join(format!("site-{site}")), self.dir.join(format!("copy-{site}")));
        copy(&from, &to).map_err(|error| at(&error))?;
        let id = u8::try_from(site).ok().and_then(SiteId::new).ok_or_else(|| at(&"no such site"))?;
        let mut files = Files::open(&to).map_err(|error| at(&error))?;
        let identity = Identity { cluster: self.sites.cluster, process: ProcessId::Site(id) };
        let (_, recovered) = Journal::open(&mut files, &identity).map_err(|error| at(&error))?;
        let recovered = recovered.decode().map_err(|error| at(&error))?;
        drop(files);
        fs::remove_dir_all(&to).map_err(|error| at(&error))?;
        // The incarnation of this opening never ran.
        let incarnation = recovered.incarnation - 1;
        Ok(FinalJournal { site: id, incarnation, records: recovered.records })
    }

    fn log(&self, site: usize) -> PathBuf {
        self.dir.join(format!("stderr-{site}"))
    }
}

impl Drop for RealCluster {
    fn drop(&mut self) {
        for child in self.running.iter_mut().flatten() {
            // The process may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn read_sites(dir: &Path) -> Result<Sites, ClusterFailure> {
    Sites::read(&dir.join("sites.ron")).map_err(|error| ClusterFailure(error.to_string()))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
