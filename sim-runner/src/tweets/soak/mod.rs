//! `soak`: runs real sites for minutes under constant load with kills, pauses and network faults, and judges the end.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "real sites take real time")]

mod args;
mod faults;
mod memory;
mod render;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use aviary::ids::ProcessId;
use aviary::mix::Seed;

pub(crate) use self::args::SoakArgs;
use crate::Exit;
use crate::args::Format;
use crate::interrupt;
use crate::proxy::{Counts, Proxy};
use crate::report::{error, stdout, usage};
use crate::tweets::real::judged::{self, Judged, Wrong, converge};
use crate::tweets::real::load::Gap;
use crate::tweets::real::{ClientLoad, ClusterFailure, LoadSettings, RealCluster};
use faults::{Episode, Harm, Schedule};
use memory::MemorySamples;

/// Within this time after the last fault, all sites must agree.
const CONVERGES_WITHIN: Duration = Duration::from_secs(30);

/// The result of a soak.
pub(super) struct SoakReport {
    seed: u64,
    sites: u8,
    time: Duration,
    acknowledged: u64,
    given_up: u64,
    gap: Gap,
    /// The episodes during the longest time without an acknowledgement.
    during: Vec<String>,
    memory: MemorySamples,
    counts: Counts,
    /// The number of datagrams that each network fault affected.
    touched: BTreeMap<String, u64>,
    kills: u64,
    pauses: u64,
    outages: u64,
    judged: Option<Judged>,
    /// The problems found.
    wrong: Vec<String>,
}

/// A soak in progress.
struct SoakRun<'a> {
    args: &'a SoakArgs,
    cluster: RealCluster,
    proxy: Proxy,
    load: ClientLoad,
    schedule: Schedule,
    memory: MemorySamples,
    /// The start and the end of each episode in the history's time, and its description.
    log: Vec<(aviary::time::Instant, aviary::time::Instant, String)>,
    used: BTreeSet<&'static str>,
    kills: u64,
    pauses: u64,
    outages: u64,
}

/// Soaks according to `args`, and prints the result.
pub(crate) fn soak(args: &SoakArgs) -> io::Result<Exit> {
    let program = match program(args) {
        Ok(program) => program,
        Err(why) => return Ok(usage(&why)),
    };
    let seed = args.seed.unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::from(since.subsec_nanos())
    });
    let (dir, is_own) = match &args.dir {
        Some(dir) => (dir.clone(), false),
        None => (std::env::temp_dir().join(format!("aviary-soak-{}", std::process::id())), true),
    };
    let (shown, place) = (program.display(), dir.display());
    // A closed standard error is ignored.
    let _ = writeln!(io::stderr(), "soak: seed {seed}, {} sites of {shown} in {place}", args.sites);
    let is_over = interrupt::flag()?;
    let (report, exit) = match run(args, seed, &program, &dir, &is_over) {
        Ok(done) => done,
        Err(why) => {
            error(format_args!("{why}"));
            return Ok(Exit::Usage);
        }
    };
    let mut out = stdout();
    match args.format {
        Format::Text => render::text(&mut out, &report)?,
        Format::Json => render::json(&mut out, &report)?,
    }
    out.flush()?;
    if exit != Exit::Passed {
        error(format_args!("the sites' journals and logs are in {}", dir.display()));
    } else if is_own && let Err(why) = std::fs::remove_dir_all(&dir) {
        error(format_args!("failed to remove {}: {why}", dir.display()));
    }
    Ok(exit)
}

/// The program `site`: the named one, or the one next to this program.
fn program(args: &SoakArgs) -> Result<PathBuf, String> {
    let program = match &args.site {
        Some(program) => program.clone(),
        None => {
            let own = std::env::current_exe().map_err(|why| format!("failed to find this program: {why}"))?;
            own.with_file_name("site")
        }
    };
    let cure = "build it with `cargo build --features udp --bin site`, or name one with --site";
    if program.is_file() { Ok(program) } else { Err(format!("there is no {}: {cure}", program.display())) }
}

fn run(
    args: &SoakArgs,
    seed: u64,
    program: &Path,
    dir: &Path,
    is_over: &AtomicBool,
) -> Result<(SoakReport, Exit), ClusterFailure> {
    let mut cluster = RealCluster::init(program, dir, args.sites, true)?;
    let parts = Seed(seed);
    let proxy = cluster.proxy(parts.part([1]))?;
    cluster.start_all()?;
    let settings = LoadSettings {
        threads: 2,
        clients: args.clients,
        pace: aviary::time::Duration::from_millis(20),
        patience: aviary::time::Duration::from_millis(1_200),
        seed: parts.part([2]),
    };
    let load = ClientLoad::start(&cluster.sites, &cluster.client_keys(), &settings, || Ok(()))?;
    let mut run = SoakRun {
        args,
        schedule: Schedule::new(parts.part([3]), usize::from(args.sites)),
        cluster,
        proxy,
        load,
        memory: MemorySamples::default(),
        log: Vec::new(),
        used: BTreeSet::new(),
        kills: 0,
        pauses: 0,
        outages: 0,
    };
    let broken = run.strain(is_over).err();
    Ok(run.end(seed, dir, broken))
}

impl SoakRun<'_> {
    /// Runs one episode after the other until the time is over.
    fn strain(&mut self, is_over: &AtomicBool) -> Result<(), ClusterFailure> {
        let begun = Instant::now();
        // A site must lead before the leader can be cut off.
        self.wait(aviary::time::Duration::from_millis(1_500))?;
        self.memory.sample(&self.cluster, self.load.logged());
        let mut is_half = false;
        while begun.elapsed() < self.args.time && !is_over.load(Ordering::Relaxed) {
            let leader = self.proxy.last_sender_of("Heartbeat").and_then(ProcessId::as_site);
            let episode = self.schedule.next(leader.map(|site| site.index()));
            let from = self.load.history.now();
            self.suffer(&episode)?;
            self.log.push((from, self.load.history.now(), episode.description()));
            self.wait(episode.rest)?;
            if !is_half && begun.elapsed() * 2 >= self.args.time {
                is_half = true;
                self.memory.sample(&self.cluster, self.load.logged());
            }
        }
        Ok(())
    }

    fn suffer(&mut self, episode: &Episode) -> Result<(), ClusterFailure> {
        self.used.extend(episode.counted());
        let draw = self.schedule.draw(1 << 20) as u64;
        self.proxy.set_network(episode.weather());
        for rule in episode.rules(self.proxy.now(), self.cluster.count(), draw) {
            self.proxy.add(rule).map_err(|unfit| ClusterFailure(unfit.to_string()))?;
        }
        let third = aviary::time::Duration::from_micros(episode.length.as_micros() / 3);
        match episode.harm {
            Harm::Nothing => {}
            Harm::Kill | Harm::KillTwice => self.kill(&episode.victims)?,
            Harm::Pause => {
                self.pauses += episode.victims.len() as u64;
                episode.victims.iter().try_for_each(|site| self.cluster.pause(*site))?;
            }
            Harm::Outage => {
                self.outages += 1;
                self.cluster.kill_all()?;
                self.wait(aviary::time::Duration::from_micros(third.as_micros() / 2))?;
                self.cluster.start_all()?;
            }
        }
        self.wait(third)?;
        if episode.harm == Harm::KillTwice {
            self.cluster.start_all()?;
            self.wait(aviary::time::Duration::from_millis(120))?;
            self.kill(&episode.victims)?;
        }
        self.wait(third)?;
        self.wait(third)?;
        if episode.harm == Harm::Pause {
            episode.victims.iter().try_for_each(|site| self.cluster.resume(*site))?;
        }
        self.cluster.start_all()?;
        self.proxy.heal();
        Ok(())
    }

    fn kill(&mut self, victims: &[usize]) -> Result<(), ClusterFailure> {
        self.kills += victims.len() as u64;
        victims.iter().try_for_each(|site| self.cluster.kill(*site))
    }

    /// Waits, and fails if a site ends by itself meanwhile.
    fn wait(&mut self, length: aviary::time::Duration) -> Result<(), ClusterFailure> {
        let until = Instant::now() + Duration::from_micros(length.as_micros());
        while Instant::now() < until {
            std::thread::sleep((until - Instant::now()).min(Duration::from_millis(50)));
            self.cluster.check_running()?;
        }
        Ok(())
    }

    /// Heals, converges and judges.
    fn end(mut self, seed: u64, dir: &Path, broken: Option<ClusterFailure>) -> (SoakReport, Exit) {
        self.proxy.heal();
        let time = Duration::from_micros(self.load.history.now().as_micros());
        let mut report = SoakReport {
            seed,
            sites: self.args.sites,
            time,
            acknowledged: 0,
            given_up: 0,
            gap: Gap::default(),
            during: Vec::new(),
            memory: MemorySamples::default(),
            counts: Counts::default(),
            touched: BTreeMap::new(),
            kills: self.kills,
            pauses: self.pauses,
            outages: self.outages,
            judged: None,
            wrong: Vec::new(),
        };
        let mut exit = Exit::Passed;
        if let Some(failure) = broken {
            report.wrong.push(failure.to_string());
            exit = Exit::Violated;
        }
        let ended = (0..self.cluster.count()).try_for_each(|site| self.cluster.resume(site));
        if let Err(failure) = ended.and_then(|()| self.cluster.start_all()) {
            report.wrong.push(failure.to_string());
            exit = Exit::Violated;
        }
        // Calls in progress may finish.
        if let Err(failure) = self.wait(aviary::time::Duration::from_secs(2)) {
            report.wrong.push(failure.to_string());
            exit = Exit::Violated;
        }
        self.memory.sample(&self.cluster, self.load.logged());
        (report.acknowledged, report.given_up, report.gap) =
            (self.load.acknowledged(), self.load.given_up(), self.load.gap());
        let gap = report.gap;
        let meets = |from: aviary::time::Instant, to| from < gap.to && gap.from < to;
        let during = self.log.iter().filter(|(from, to, _)| meets(*from, *to));
        report.during = during.map(|(_, _, description)| description.clone()).collect();
        let history = match self.load.stop() {
            Ok(history) => history,
            Err(failure) => {
                report.wrong.push(failure.to_string());
                return (report, Exit::Violated);
            }
        };
        if let Err(failure) = converge(&self.cluster.sites, &self.cluster.client_key(), CONVERGES_WITHIN) {
            report.wrong.push(failure.to_string());
            exit = Exit::worst(&[exit, Exit::Stalled]);
        }
        (report.counts, report.touched) = (self.proxy.counts(), self.proxy.touched());
        for why in untouched(&self.used, &report.touched) {
            report.wrong.push(why);
            exit = Exit::Violated;
        }
        if let Err(why) = self.memory.check() {
            report.wrong.push(why);
            exit = Exit::Violated;
        }
        report.memory = core::mem::take(&mut self.memory);
        let lines = history.take();
        match judge(&mut self.cluster, &lines) {
            Ok(judged) => {
                if judged.lost + judged.doubled > 0 || judged.acknowledged == 0 {
                    report.wrong.push("events were lost or doubled, or none was acknowledged".into());
                    exit = Exit::Violated;
                }
                report.judged = Some(judged);
            }
            Err(wrong) => {
                report.wrong.push(wrong.to_string());
                exit = Exit::Violated;
            }
        }
        if exit != Exit::Passed {
            // A list of the faults, for analysis. If it cannot be written, nothing else is affected.
            let faults: Vec<String> = self
                .log
                .iter()
                .map(|(from, to, description)| format!("{from} {to} {description}\n"))
                .collect();
            let _ = std::fs::write(dir.join("faults"), faults.concat());
        }
        (report, exit)
    }
}

/// The faults that affected no datagram: a soak in which nothing happened proves nothing.
fn untouched(used: &BTreeSet<&'static str>, touched: &BTreeMap<String, u64>) -> Vec<String> {
    if used.is_empty() {
        return vec!["no fault befell anybody: the soak was too short".to_owned()];
    }
    let is_touched = |fault: &&&str| touched.get(**fault).is_some_and(|count| *count > 0);
    let idle = used.iter().filter(|fault| !is_touched(fault));
    idle.map(|fault| format!("the fault \"{fault}\" touched no datagram: the soak proves nothing of it"))
        .collect()
}

fn judge(
    cluster: &mut RealCluster,
    history: &[crate::tweets::real::history::CallLogLine],
) -> Result<Judged, Wrong> {
    cluster.kill_all()?;
    let disks = (0..cluster.count()).map(|site| cluster.disk(site)).collect::<Result<Vec<_>, _>>()?;
    judged::judge(&cluster.sites, history, &disks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soak_whose_faults_touched_nothing_fails() {
        let touched = BTreeMap::from([("loss".to_owned(), 3), ("burst".to_owned(), 0)]);
        assert!(untouched(&BTreeSet::from(["loss"]), &touched).is_empty());
        let why = untouched(&BTreeSet::from(["burst", "loss", "partition"]), &touched);
        assert_eq!(why.len(), 2, "{why:?}");
        assert!(why[1].starts_with("the fault \"partition\" touched no datagram"), "{why:?}");
        assert_eq!(untouched(&BTreeSet::new(), &touched).len(), 1);
    }
}
