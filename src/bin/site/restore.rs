//! `site restore`: a cluster from copies of all its storage.
//!
//! A single site must never be restored: it would have forgotten what it promised. All of them together may be, as
//! another cluster, which ignores all datagrams and storage of the old one.

use std::path::PathBuf;

use aviary::ids::ProcessId;
use aviary::journal::{Contents, Identity, Journal};
use aviary::mix::Seed;
use aviary::process::{Process, Recovered};
use aviary::replicated::backup_check;
use aviary::replicated::real::{self, NewCluster};
use aviary::replicated::sites_ron::Sites;
use aviary::tweets::site::{Participant, Record};
use aviary::tweets::timeline::Timeline;
use aviary::udp::{CLIENT_KEY, CLIENT_MASTER_KEY, CLUSTER_KEY, Files, KeySet};

use crate::error::ProgramError;
use crate::terminal;

#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// A folder with a copy of the cluster's sites.ron and of every site's storage as site-0, site-1, …, all copied
    /// while every site was stopped. The folder is not changed.
    #[arg(long)]
    backup: PathBuf,
    /// The folder to write to; created if it is missing.
    #[arg(long, required_unless_present = "check")]
    dir: Option<PathBuf>,
    /// Writes nothing, and only reports whether the backup can be restored.
    #[arg(long, conflicts_with = "dir")]
    check: bool,
}

pub(crate) fn restore(arguments: &RestoreArgs) -> Result<(), ProgramError> {
    let config = arguments.backup.join("sites.ron");
    let sites = Sites::read(&config)?;
    let count = sites.members.len();
    let new = match &arguments.dir {
        Some(dir) => Some(NewCluster::vacant(dir, sites.config.sites)?),
        None => None,
    };
    let copies = Copies::read(arguments, &sites)?;
    let slots = copies.check(&sites)?;
    let Some(new) = new else {
        terminal::done(&format!(
            "all {count} sites can be restored: the first {slots} slots of the log are known to be chosen\n"
        ));
        return Ok(());
    };
    let cluster = real::random("the cluster's number")?;
    let mut contents = copies.contents.iter();
    // No client has a key of the new master yet, so there is none to deny.
    new.write(&Sites { cluster, denied: KeySet::default(), ..sites }, |disk, identity| {
        let contents = contents.next().expect("one for each site was read");
        Journal::write(disk, identity, contents)
    })?;
    terminal::done(&format!(
        "wrote {}, and beside it storage for {count} sites, {CLUSTER_KEY}, {CLIENT_MASTER_KEY} and {CLIENT_KEY}: \
         cluster {cluster:016x}, the first {slots} slots of the log are known to be chosen\n",
        new.config.display()
    ));
    Ok(())
}

/// The contents of the backup, in the order of the sites.
struct Copies {
    contents: Vec<Contents>,
    /// The copies, which stay locked until everything is written.
    _disks: Vec<Files>,
}

impl Copies {
    fn read(arguments: &RestoreArgs, sites: &Sites) -> Result<Copies, ProgramError> {
        let backup = &arguments.backup;
        let names: Vec<String> = (0..sites.members.len()).map(|site| format!("site-{site}")).collect();
        let is_missing = |name: &&String| !backup.join(name).exists();
        let missing: Vec<&str> = names.iter().filter(is_missing).map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(ProgramError::Usage(format!(
                "{} lacks {}: a cluster is restored whole or not at all, since a site without its storage has \
                 forgotten what it promised; add it, or take a backup that is whole",
                backup.display(),
                missing.join(", ")
            )));
        }
        // All are locked before the first is read.
        let mut disks = Vec::new();
        for name in &names {
            let disk = Files::open(&backup.join(name));
            disks.push(disk.map_err(|error| ProgramError::Run(error.to_string()))?);
        }
        let mut contents = Vec::new();
        for ((site, name), disk) in (0..).zip(&names).zip(&disks) {
            let refused =
                |error: String| ProgramError::Run(format!("{}: {error}", backup.join(name).display()));
            let identity = Identity { cluster: sites.cluster, process: ProcessId::site(site) };
            let copy = Journal::read(disk, &identity).map_err(|error| refused(error.to_string()))?;
            let (formatted, needed) = (copy.limits.record_max, sites.config.record_bytes_max::<Timeline>());
            if formatted != needed {
                return Err(refused(format!(
                    "it was formatted for records of up to {formatted} bytes and {} needs {needed}; use the \
                     sites.ron that the cluster had",
                    backup.join("sites.ron").display()
                )));
            }
            real::terms::check(&backup.join(name), sites).map_err(refused)?;
            contents.push(copy);
        }
        Ok(Copies { contents, _disks: disks })
    }

    /// Checks that sites that start from this can serve together. Returns the number of slots known to be chosen.
    fn check(&self, sites: &Sites) -> Result<u64, ProgramError> {
        let mut recovered: Vec<Recovered<Record>> = Vec::new();
        for (site, copy) in (0..).zip(&self.contents) {
            let refused =
                |damage| ProgramError::Run(format!("site-{site}: {damage}; the backup is of no use"));
            let decoded = copy.recovered.clone().decode().map_err(refused)?;
            // As `site run` would.
            Participant::start(&sites.config, ProcessId::site(site), Seed(0), decoded.clone())
                .map_err(refused)?;
            recovered.push(decoded);
        }
        backup_check::check(recovered).map(|slot| slot.0).map_err(|torn| ProgramError::Run(torn.to_string()))
    }
}
