//! `site local`: a whole cluster in one terminal, on real sockets and files, to play with.

mod commands;
mod live;
mod net;
mod site;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use aviary::ids::SiteId;
use aviary::replicated::real;
use aviary::replicated::sites_ron::Sites;
use aviary::tweets::timeline::Timeline;
use aviary::udp::Keys;
use mio::{Events, Poll, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

pub(crate) use self::commands::HELP;
use self::commands::LocalCommand;
use self::live::Live;
use self::net::Links;
use self::site::{LocalReport, Running};
use crate::children::{self, Folder, loopback};
use crate::ending;
use crate::error::ProgramError;
use crate::signals::Signals;
use crate::terminal::{self, Printer};

/// A cluster to play with.
#[derive(Debug, clap::Args)]
pub(crate) struct Local {
    /// The number of sites.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=9))]
    sites: u8,
    /// A folder that `site init` made, or one without a cluster, which gets one. It is kept [default: a temporary
    /// folder].
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// The longest time for which the next piped line, and the end of the input, wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time since its start.
#[expect(clippy::disallowed_types, reason = "people wait in real time")]
struct UpTime(std::time::Instant);

#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "people wait in real time")]
impl UpTime {
    fn start() -> UpTime {
        UpTime(std::time::Instant::now())
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

struct LocalCluster {
    sites: Sites,
    keys: Keys,
    dir: PathBuf,
    links: Links,
    running: Vec<Option<Running>>,
    /// The site that commands go to.
    current: usize,
    reports: Sender<LocalReport>,
    waker: Arc<Waker>,
    live: Live,
    printer: Printer,
    /// The number of unanswered lines of each site.
    pending: Vec<usize>,
    /// The first site that stopped by itself, and its reason.
    stopped: Option<String>,
}

pub(crate) fn local(arguments: &Local) -> Result<(), ProgramError> {
    let failed =
        |error: std::io::Error| ProgramError::Run(format!("failed to read from the terminal: {error}"));
    let mut poll = Poll::new().map_err(failed)?;
    let waker = Arc::new(Waker::new(poll.registry(), Token(0)).map_err(failed)?);
    // Signals are watched before there is a temporary folder, so that they never leave one behind.
    let late = format!("not every site ended within {} s", ending::PATIENCE.as_secs());
    let signals = Signals::watch(&[SIGTERM, SIGINT, SIGHUP], waker.clone(), late.clone())
        .map_err(|error| ProgramError::Run(format!("failed to watch for signals: {error}")))?;
    let temporary;
    let dir = match &arguments.dir {
        Some(dir) => dir.as_path(),
        None => {
            temporary = Folder::new(&children::temporary())?;
            temporary.path()
        }
    };
    let sites = sites(arguments, dir)?;
    let keys = Keys::read(dir).map_err(|error| ProgramError::Usage(error.to_string()))?;
    let keys = Keys { denied: sites.denied, ..keys };
    let (reports, received) = channel();
    let (lines, printer, _restore) =
        terminal::start("> ".into(), &commands::NAMES, waker.clone()).map_err(failed)?;
    let count = sites.members.len();
    let mut cluster = LocalCluster {
        live: Live::new(count, printer.is_terminal()),
        links: Links::whole(count),
        running: (0..count).map(|_| None).collect(),
        current: 0,
        dir: dir.to_path_buf(),
        pending: vec![0; count],
        stopped: None,
        sites,
        keys,
        reports,
        waker,
        printer,
    };
    for site in 0..count {
        cluster.start(site)?;
    }
    let shown = dir.join("sites.ron");
    cluster.print(&format!("{count} sites; `help` lists the words; clients: --config {}\n", shown.display()));
    let served = cluster.serve(&mut poll, &lines, &received, &signals);
    let late = ending::deadline(late);
    let stuck = cluster.running.drain(..).flatten().filter_map(|site| (!site.crash()).then_some(())).count();
    drop(late);
    let ended = match (stuck, cluster.stopped.take()) {
        (0, None) => Ok(()),
        (0, Some(reason)) => Err(ProgramError::Run(reason)),
        (_, _) => Err(ProgramError::Run(format!("{stuck} sites do not end: their disks do not"))),
    };
    let is_asked = || signals.received().is_some();
    let printed = cluster.printer.finish(|waited| is_asked() && waited >= terminal::PRINT_PATIENCE);
    // A terminal that hung up takes nothing more.
    let printed = if is_asked() { Ok(()) } else { printed };
    served.and(ended).and(printed)
}

/// The sites of the cluster in this folder. Makes a cluster if there is none.
fn sites(arguments: &Local, dir: &Path) -> Result<Sites, ProgramError> {
    let path = dir.join("sites.ron");
    if path.exists() {
        return Ok(Sites::read(&path)?);
    }
    let sites = loopback(arguments.sites)?;
    real::init::<Timeline>(dir, &sites)?;
    Ok(sites)
}

impl LocalCluster {
    fn start(&mut self, site: usize) -> Result<(), ProgramError> {
        let me = u8::try_from(site).ok().and_then(SiteId::new).expect("one of at most 9");
        let data = self.dir.join(format!("site-{site}"));
        let (reports, waker) = (self.reports.clone(), self.waker.clone());
        let (keys, links) = (self.keys.clone(), self.links.clone());
        self.running[site] = Some(Running::start(&self.sites, me, keys, data, links, reports, waker)?);
        Ok(())
    }

    fn print(&self, lines: &str) {
        self.printer.print(lines);
    }

    fn serve(
        &mut self,
        poll: &mut Poll,
        lines: &Receiver<String>,
        received: &Receiver<LocalReport>,
        signals: &Signals,
    ) -> Result<(), ProgramError> {
        let mut events = Events::with_capacity(4);
        let mut has_ended = false;
        // The time since the last line or answer.
        let mut watch = UpTime::start();
        loop {
            let waits = self.pending.iter().any(|pending| *pending > 0);
            let left = PATIENCE.saturating_sub(watch.elapsed());
            let polled = poll.poll(&mut events, (waits && !left.is_zero()).then_some(left));
            if polled.is_err_and(|error| error.kind() != std::io::ErrorKind::Interrupted) {
                return Err(ProgramError::Run("failed to wait for events".into()));
            }
            if let Some(signal) = signals.received() {
                tracing::info!("{signal}: shutting down");
                return Ok(());
            }
            self.live.fit();
            while let Ok(report) = received.try_recv() {
                if matches!(report, LocalReport::Answered(..)) {
                    watch = UpTime::start();
                }
                self.on_report(report);
            }
            // This counts as the end of the input.
            has_ended |= self.printer.is_gone();
            // Piped lines go one by one, so that each sees what the one before it did, unless that stays unanswered.
            while !has_ended && self.printer.has_room() {
                let is_answered = self.pending.iter().all(|pending| *pending == 0);
                if !self.live.is_on() && !is_answered && watch.elapsed() < PATIENCE {
                    break;
                }
                match lines.try_recv() {
                    Ok(line) => has_ended = self.on_line(&line),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => has_ended = true,
                }
                watch = UpTime::start();
            }
            let pending: usize = self.pending.iter().sum();
            if has_ended && pending == 0 {
                return Ok(());
            }
            if has_ended && watch.elapsed() >= PATIENCE {
                let message = format!("ended with {pending} lines unanswered; what was taken may yet happen");
                return Err(ProgramError::Run(message));
            }
        }
    }

    /// Handles a line. True if it was the last.
    fn on_line(&mut self, line: &str) -> bool {
        let count = self.running.len();
        match commands::parse(line, count) {
            Err(error) => self.print(&format!("error: {error}\n")),
            Ok(LocalCommand::Nothing) => {}
            Ok(LocalCommand::Help) => self.print(&format!("{HELP}\n")),
            Ok(LocalCommand::Quit) => return true,
            Ok(LocalCommand::At(site)) => {
                self.current = site;
                self.print(&format!("at S{site}\n"));
            }
            Ok(LocalCommand::Ask(site, line)) => self.ask(site.unwrap_or(self.current), line),
            Ok(LocalCommand::Crash(site)) => match self.running[site].take() {
                None => self.print(&format!("error: S{site} is not running\n")),
                Some(running) => {
                    let has_ended = running.crash();
                    self.pending[site] = 0;
                    self.live.on_crash(site);
                    self.print(&match has_ended {
                        true => format!("S{site} crashed\n"),
                        false => format!("error: S{site} does not end: its disk does not finish a sync\n"),
                    });
                }
            },
            Ok(LocalCommand::Restart(site)) if self.running[site].is_some() => {
                self.print(&format!("error: S{site} is running; crash it first\n"));
            }
            Ok(LocalCommand::Restart(site)) => {
                match self.start(site) {
                    Ok(()) => self.print(&format!("S{site} started\n")),
                    Err(error) => self.print(&error.text(false)),
                };
            }
            Ok(LocalCommand::Partition(groups)) => {
                self.links.partition(&groups);
                self.print("cut\n");
            }
            Ok(LocalCommand::Heal) => {
                self.links.heal();
                self.print("healed\n");
            }
        }
        false
    }

    fn ask(&mut self, site: usize, line: String) {
        match &self.running[site] {
            None => self.print(&format!("error: S{site} is not running; restart {site}\n")),
            Some(running) => {
                running.ask(line);
                self.pending[site] += 1;
            }
        }
    }

    fn on_report(&mut self, report: LocalReport) {
        match report {
            LocalReport::Answered(site, lines) => {
                self.pending[site] = self.pending[site].saturating_sub(lines);
            }
            LocalReport::Lines(site, lines) => {
                let named: String = lines.lines().map(|line| format!("S{site}: {line}\n")).collect();
                self.print(&named);
            }
            LocalReport::Status(site, status) => self.live.on_status(site, status),
            LocalReport::Stopped(site, reason) => {
                self.running[site] = None;
                self.pending[site] = 0;
                self.live.on_crash(site);
                let line = format!("S{site} stopped: {reason}");
                self.print(&format!("{line}\n"));
                self.stopped.get_or_insert(line);
            }
        }
    }
}
