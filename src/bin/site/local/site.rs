//! One site of a local cluster, in a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread;

use aviary::ids::{ProcessId, SiteId};
use aviary::replicated::real;
use aviary::replicated::sites_ron::Sites;
use aviary::tweets::site::{Participant, Status};
use aviary::tweets::timeline::Timeline;
use aviary::udp::{Files, Host, Keys, OffloadSocket};
use mio::Waker;

use super::net::{CutSocket, Links};
use crate::ending::PATIENCE;
use crate::error::ProgramError;
use crate::prompt::{AtOnce, Prompt};
use crate::{answers, commands, run};

type LocalHost = Host<Participant, Files, CutSocket>;

/// A report of a site to the terminal.
pub(super) enum LocalReport {
    /// Lines for people, of this site.
    Lines(usize, String),
    /// This site has answered this many more lines.
    Answered(usize, usize),
    /// The status of this site, after each change.
    Status(usize, Status),
    /// It stopped by itself, with the reason.
    Stopped(usize, String),
}

/// A running site.
pub(super) struct Running {
    lines: Sender<String>,
    waker: Arc<Waker>,
    /// Disconnected once the site is gone: the site's thread holds the other end.
    ended: Receiver<()>,
}

impl Running {
    pub(super) fn start(
        sites: &Sites,
        me: SiteId,
        keys: Keys,
        data: PathBuf,
        links: Links,
        reports: Sender<LocalReport>,
        listener: Arc<Waker>,
    ) -> Result<Running, ProgramError> {
        let disk = run::folder(&data)?;
        let address = sites.members[me.index()].address;
        let bound = OffloadSocket::bind(address);
        let bound = bound.map_err(|error| {
            ProgramError::Run(format!("failed to listen on {address}: {error}; free it, or edit sites.ron"))
        })?;
        let socket = CutSocket { socket: bound, me: me.index(), addresses: sites.addresses(), links };
        let host = real::open::<Timeline, _, _>(sites, me, keys, (&data, disk), socket, None)?;
        let waker = host.waker();
        let (lines, read) = channel();
        let (ends, ended) = channel();
        let sites = sites.clone();
        let thread = thread::Builder::new().name(me.to_string()).spawn(move || {
            let _ends: Sender<()> = ends;
            let mut report = |what: LocalReport| {
                // If the terminal is gone, nobody listens.
                let _ = reports.send(what);
                let _ = listener.wake();
            };
            // The host is dropped when this returns, even after a panic.
            let served = catch_unwind(AssertUnwindSafe(|| serve(host, &sites, me, &read, &mut report)));
            if let Err(reason) = served.unwrap_or_else(|_| Err(crate::BROKEN.into())) {
                report(LocalReport::Stopped(me.index(), reason));
            }
        });
        thread.map_err(|error| ProgramError::Run(format!("failed to start a thread: {error}")))?;
        Ok(Running { lines, waker, ended })
    }

    pub(super) fn ask(&self, line: String) {
        // A site that has stopped has reported that.
        let _ = self.lines.send(line);
        let _ = self.waker.wake();
    }

    /// Ends the site between two turns, without another sync: what was not durable before is lost. False if the site
    /// does not end, because its disk does not finish.
    pub(super) fn crash(self) -> bool {
        drop(self.lines);
        let _ = self.waker.wake();
        self.ended.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout)
    }
}

/// Runs until the lines end, which is a crash, or until an error.
fn serve(
    mut host: LocalHost,
    sites: &Sites,
    me: SiteId,
    lines: &Receiver<String>,
    report: &mut impl FnMut(LocalReport),
) -> Result<(), String> {
    let at = me.index();
    let mut prompt = Prompt::new();
    let mut last = None;
    let mut asked = 0;
    loop {
        while prompt.has_room() {
            match lines.try_recv() {
                Err(TryRecvError::Disconnected) => return Ok(()),
                Err(TryRecvError::Empty) => break,
                Ok(line) => match prompt.on_line(host.now(), &line) {
                    AtOnce::Nothing => asked += 1,
                    AtOnce::Error(error) => {
                        report(LocalReport::Lines(at, format!("error: {error}\n")));
                        report(LocalReport::Answered(at, 1));
                    }
                    AtOnce::Help => {
                        report(LocalReport::Lines(at, format!("{}\n", commands::HELP)));
                        report(LocalReport::Answered(at, 1));
                    }
                    AtOnce::Sites => {
                        report(LocalReport::Lines(at, answers::sites(sites, me.number())));
                        report(LocalReport::Answered(at, 1));
                    }
                },
            }
        }
        for command in prompt.take_commands(host.now()) {
            host.command(command);
        }
        host.turn(prompt.deadline()).map_err(|error| error.to_string())?;
        for (who, note) in host.take_notes() {
            if let ProcessId::Terminal(_) = who {
                let answer = prompt.on_note(&note, host.counters());
                if !answer.is_empty() {
                    report(LocalReport::Lines(at, answer));
                }
            }
            tracing::info!(%who, "{note}");
        }
        if asked > 0 && prompt.unanswered() == 0 {
            report(LocalReport::Answered(at, asked));
            asked = 0;
        }
        let status = host.site().as_site().map(|site| site.status());
        if status != last
            && let Some(status) = status
        {
            last = Some(status);
            report(LocalReport::Status(at, status));
        }
    }
}
