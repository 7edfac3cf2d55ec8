//! Real sites under load: clients with a session each, all at the leader.

use std::path::{Path, PathBuf};

use aviary::ids::ProcessId;
use aviary::outbox::SyncMode;
use aviary::replicated::real;
use aviary::replicated::sites_ron::Sites;
use aviary::time::Duration;
use aviary::tweets::client;
use aviary::tweets::site::{Command, Note, Operation, Participant, Phase};
use aviary::tweets::timeline::Timeline;
use aviary::tweets::timeline::{Event, Text, User};
use aviary::udp::seal::VERSION;
use aviary::udp::{Caller, ClientKey, KeyNumber, Keys};

use crate::bench::load::{Figures, Load, LoadTimes, TEXT_BYTES, pause, wait};
use crate::children::{Children, Folder, loopback};
use crate::error::ProgramError;

/// How often a site that starts is asked whether it is there, and how precisely its start is measured.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A running cluster.
pub(crate) struct SiteCluster {
    sites: Sites,
    /// All client keys: the clients of successive loads have numbers of their own.
    keys: Vec<ClientKey>,
    dir: PathBuf,
    recording: Recording,
    running: Children,
}

/// Whether sites record their inputs and outputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Recording {
    Off,
    On,
}

/// The cost of a start with a long journal.
pub(crate) struct RecoveryTime {
    pub(crate) events: u64,
    /// The time from the start of the program to its first answer.
    pub(crate) seconds: f64,
    /// The resident memory at the first answer, in MiB.
    pub(crate) memory_mib: u64,
}

/// Has one site commit at least this many events, kills it, and starts it again.
pub(crate) fn recovery(folder: &Folder, events: u64) -> Result<RecoveryTime, ProgramError> {
    let mut cluster = SiteCluster::start(folder, 1, 60_000, SyncMode::Overlapped, Recording::Off)?;
    cluster.leader()?;
    // Commits while a load warms up are not counted, so the journal holds some more.
    let mut committed = 0;
    while committed < events {
        committed += cluster.load(&Load::new(256, 2_000))?.commits;
    }
    cluster.running = Children::start(core::iter::empty())?;
    let watch = Load::new(1, 0).start();
    cluster.running = cluster.run(1)?;
    cluster.await_answer(Duration::from_secs(60))?;
    let seconds = watch.seconds();
    Ok(RecoveryTime { events: committed, seconds, memory_mib: cluster.running.memory_mib(0) })
}

/// Every client key of the cluster that was made in this folder.
pub(crate) fn client_keys(dir: &Path) -> Result<Vec<ClientKey>, ProgramError> {
    let keys = Keys::read(dir).map_err(|error| ProgramError::Run(error.to_string()))?;
    let master = keys.client_master.expect("it was read");
    Ok(KeyNumber::all().map(|number| master.client_key(number)).collect())
}

pub(crate) fn name(name: &str) -> User {
    name.parse().expect("a name")
}

pub(crate) fn tweet() -> Text {
    "x".repeat(TEXT_BYTES).parse().expect("a short text")
}

impl SiteCluster {
    pub(crate) fn start(
        folder: &Folder,
        count: u8,
        datagram_max: usize,
        sync: SyncMode,
        recording: Recording,
    ) -> Result<SiteCluster, ProgramError> {
        let kind = if recording == Recording::On { "recorded" } else { "ours" };
        let dir = folder.path().join(format!("{kind}-{count}-{datagram_max}"));
        let mut sites = loopback(count)?.with_datagram_max(datagram_max).map_err(ProgramError::Usage)?;
        sites.sync = sync;
        real::init::<Timeline>(&dir, &sites)?;
        let keys = client_keys(&dir)?;
        let running = Children::start(core::iter::empty())?;
        let mut cluster = SiteCluster { sites, keys, dir, recording, running };
        cluster.running = cluster.run(count)?;
        Ok(cluster)
    }

    /// Starts its sites.
    fn run(&self, count: u8) -> Result<Children, ProgramError> {
        let config = self.dir.join("sites.ron").display().to_string();
        let run = |id: u8| {
            let arguments = ["run", "--config", &config, "--id", &id.to_string(), "--headless"];
            let mut arguments = arguments.map(str::to_owned).to_vec();
            if self.recording == Recording::On {
                let folder = self.dir.join(format!("recording-{id}")).display().to_string();
                arguments.extend(["--record".into(), folder]);
            }
            arguments
        };
        Children::start((0..count).map(run))
    }

    /// Waits for the first answer of site 0. As long as it reads its journal it answers that, and is asked again.
    fn await_answer(&self, patience: Duration) -> Result<(), ProgramError> {
        for _ in 0..patience.as_micros() / ASK_EVERY.as_micros() {
            self.running.check()?;
            let found = client::statuses(&self.sites, self.key(), ASK_EVERY);
            if let [Some(_), ..] = found.map_err(|error| ProgramError::Run(error.to_string()))?[..] {
                return Ok(());
            }
        }
        Err(ProgramError::Run(format!("site 0 does not answer within {patience}")))
    }

    /// The client key that `init` wrote.
    pub(crate) fn key(&self) -> ClientKey {
        self.keys[0].clone()
    }

    /// The address of site `at`, and the first bytes of an honest datagram to it.
    pub(crate) fn target(&self, at: usize) -> (std::net::SocketAddr, Vec<u8>) {
        let head = [&[VERSION][..], &self.sites.cluster.to_le_bytes(), &[0]].concat();
        (self.sites.members[at].address, head)
    }

    /// The number of the cluster.
    pub(crate) fn number(&self) -> u64 {
        self.sites.cluster
    }

    /// The configuration of its sites and clients, as one number.
    pub(crate) fn configuration(&self) -> u32 {
        self.sites.configuration()
    }

    /// The part of one processor that site `at` takes in this time.
    pub(crate) fn processor_share(
        &self,
        at: usize,
        watched: std::time::Duration,
    ) -> Result<f64, ProgramError> {
        let seconds = || {
            let found = self.running.processor_seconds(at);
            found.ok_or_else(|| ProgramError::Run("the system does not say what processes take".into()))
        };
        let before = seconds()?;
        wait(watched);
        Ok((seconds()? - before) / watched.as_secs_f64())
    }

    /// The resident memory of site `at`, in MiB.
    pub(crate) fn memory_mib(&self, at: usize) -> u64 {
        self.running.memory_mib(at)
    }

    /// Waits up to 20 s for a leader.
    pub(crate) fn leader(&self) -> Result<usize, ProgramError> {
        for _ in 0..200 {
            self.running.check()?;
            let found = client::statuses(&self.sites, self.key(), Duration::from_millis(100));
            let found = found.map_err(|error| ProgramError::Run(error.to_string()))?;
            let leads = |status: &Option<_>| {
                matches!(status, Some(aviary::tweets::site::Status { phase: Phase::Leading, .. }))
            };
            if let Some(leader) = found.iter().position(leads) {
                return Ok(leader);
            }
            pause();
        }
        Err(ProgramError::Run("the sites have no leader after 20 s".into()))
    }

    /// Loads the leader with tweets.
    pub(crate) fn load(&self, load: &Load) -> Result<Figures, ProgramError> {
        let event = Event::Tweet { user: name("ann"), text: tweet() };
        self.load_at(self.leader()?, load, &Command::Do(Operation::Event { event }))
    }

    /// Loads site `at` with the same command over and over.
    pub(crate) fn load_at(&self, at: usize, load: &Load, command: &Command) -> Result<Figures, ProgramError> {
        let count = u16::try_from(self.sites.members.len()).expect("at most 9");
        let first =
            u16::try_from(real::random("a number")? % 40_000 / u64::from(count)).expect("below 40,000");
        let site = u16::try_from(at).expect("at most 9");
        let figures = load.run(|clients, watch| {
            let numbers = clients.map(|client| (client, (first + client) % 7_000 * count + site));
            self.ask(&numbers.collect::<Vec<_>>(), command, watch)
        });
        // Figures of fewer sites would be those of another cluster.
        self.running.check()?;
        figures
    }

    /// Asks over one socket, in the name of clients with these places and numbers.
    fn ask(
        &self,
        numbers: &[(u16, u16)],
        command: &Command,
        watch: &mut LoadTimes,
    ) -> Result<(), ProgramError> {
        let failed = |error: aviary::udp::HostError| ProgramError::Run(error.to_string());
        let used =
            |key: &&ClientKey| numbers.iter().any(|(_, number)| KeyNumber::of(*number) == key.number());
        let keys = self.keys.iter().filter(used).cloned().collect();
        let mut caller: Caller<Participant> =
            Caller::start(client::settings(&self.sites, keys)).map_err(failed)?;
        let mut places = std::collections::BTreeMap::new();
        for (place, number) in numbers {
            places.insert(caller.add(*number).map_err(failed)?, usize::from(*place));
        }
        let clients: Vec<ProcessId> = places.keys().copied().collect();
        // The first command of each client opens its session.
        clients.iter().for_each(|client| caller.command(*client, command.clone()));
        while !watch.is_over() {
            let soon = caller.now() + Duration::from_millis(20);
            caller.turn(soon).map_err(failed)?;
            for (client, note) in caller.take_notes() {
                match note {
                    Note::Done(..) | Note::LocalReply(..) => {
                        watch.answered(places[&client]);
                        caller.command(client, command.clone());
                    }
                    Note::OutcomeUnknown(_) | Note::GaveUp(_) => caller.command(client, command.clone()),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
