//! `site run`: one site and its terminal.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use aviary::ids::ProcessId;
use aviary::process::Label;
use aviary::replicated::real;
use aviary::replicated::sites_ron::Sites;
use aviary::tweets::site::Participant;
use aviary::tweets::timeline::Timeline;
use aviary::udp::{
    CLIENT_KEY, CLIENT_MASTER_KEY, CLUSTER_KEY, ClientKey, Files, Host, Key, KeyError, KeyKind, Keys,
    OffloadSocket, Recorder, RecorderSettings,
};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::ProgramError;
use crate::prompt::{AtOnce, End, Prompt};
use crate::signals::Signals;
use crate::terminal::{self, Printer, TerminalGuard};
use crate::{RunArgs, answers, commands, ending};

type SiteHost = Host<Participant, Files, OffloadSocket>;

pub(crate) fn run(arguments: &RunArgs) -> Result<(), ProgramError> {
    let sites = Sites::read(&arguments.config)?;
    let (mut host, bound) = start(arguments, &sites)?;
    let (me, count) = (arguments.id, sites.members.len());
    let (lines, printer, _restore) = if arguments.headless {
        // The sender sends nothing and is kept, so that the input never ends.
        let (sender, lines) = sync_channel(1);
        core::mem::forget(sender);
        let printer = Printer::plain(host.waker());
        let failed = |error| ProgramError::Run(format!("failed to start a thread: {error}"));
        (lines, printer.map_err(failed)?, TerminalGuard)
    } else {
        let failed = |error| ProgramError::Run(format!("failed to read from the terminal: {error}"));
        terminal::start(format!("S{me}> "), &commands::NAMES, host.waker()).map_err(failed)?
    };
    let address = sites.members[usize::from(me)].address;
    let listens = match arguments.listen {
        Some(_) => format!(", listens on {bound}"),
        None => String::new(),
    };
    let start = host.incarnation();
    printer.print(&format!("S{me} of {count} sites at {address}, start {start}{listens}\n"));
    let late = format!(
        "S{me} did not end within {} s: its disk has not finished what was begun, and nothing that waits for it was \
         acknowledged; check the device",
        ending::PATIENCE.as_secs()
    );
    let signals = Signals::watch(&[SIGTERM, SIGINT], host.waker(), late.clone())
        .map_err(|error| ProgramError::Run(format!("failed to watch for signals: {error}")))?;
    let terminal = (!arguments.headless).then_some(&printer);
    let served = serve(&mut host, &sites, me, &lines, terminal, &signals);
    let late = match &served {
        Err(ProgramError::Run(reason)) if host.has_failed() => reason.clone(),
        _ => late,
    };
    let deadline = ending::deadline(late);
    let has_failed = host.has_failed();
    let stopped = if has_failed {
        // A host that failed neither writes nor sends again.
        drop(host);
        Ok(())
    } else {
        // Nothing acknowledged waits for this sync, but clients would have to ask again for what is not synced.
        host.stop().map_err(|error| ProgramError::Run(format!("S{me} stopped: {error}")))
    };
    drop(deadline);
    // A reader may be slow. A clean end waits for the reader, unless a signal asked for the end.
    let is_clean = !arguments.headless && !has_failed;
    let printed = printer
        .finish(|waited| waited >= terminal::PRINT_PATIENCE && !(is_clean && signals.received().is_none()));
    let printed = if arguments.headless { Ok(()) } else { printed };
    served.and(stopped).and(printed)
}

/// Starts the site, and returns the address that it listens on.
fn start(arguments: &RunArgs, sites: &Sites) -> Result<(SiteHost, SocketAddr), ProgramError> {
    let shown = arguments.config.display();
    let me = sites.site(arguments.id).ok_or_else(|| {
        let last = sites.members.len() - 1;
        ProgramError::Usage(format!("there is no site {} in {shown}; --id is 0 to {last}", arguments.id))
    })?;
    let keys = keys(arguments, sites)?;
    let beside = || arguments.config.with_file_name(format!("site-{me}", me = me.number()));
    let data = arguments.data.clone().unwrap_or_else(beside);
    let disk = folder(&data)?;
    let address = arguments.listen.unwrap_or(sites.members[me.index()].address);
    let socket = OffloadSocket::bind(address).map_err(|error| {
        ProgramError::Run(format!(
            "failed to listen on {address}: {error}; free it, or name another with --listen"
        ))
    })?;
    let bound = socket.local_addr().map_err(|error| {
        ProgramError::Run(format!("failed to find where {address} is bound: {error}; check the network"))
    })?;
    let recorder = recorder(arguments, sites.cluster, me.into())?;
    Ok((real::open_and_announce::<Timeline, _>(sites, me, keys, (&data, disk), socket, recorder)?, bound))
}

/// The folder of a site's storage, locked.
pub(crate) fn folder(data: &Path) -> Result<Files, ProgramError> {
    Files::open(data).map_err(|error| ProgramError::Run(error.to_string()))
}

fn recorder(
    arguments: &RunArgs,
    cluster: u64,
    site: ProcessId,
) -> Result<Option<Recorder<Participant>>, ProgramError> {
    let Some(folder) = arguments.record.clone() else { return Ok(None) };
    let settings = RecorderSettings { folder, bytes_max: arguments.record_max, cluster, site };
    Recorder::open(settings).map(Some).map_err(|error| ProgramError::Usage(error.to_string()))
}

/// The key of the sites must exist. Without the master key of clients the site serves only its terminal.
fn keys(arguments: &RunArgs, of: &Sites) -> Result<Keys, ProgramError> {
    let beside = |name| arguments.config.with_file_name(name);
    let refused = |error: KeyError| ProgramError::Usage(error.to_string());
    let sites = arguments.key.clone().unwrap_or_else(|| beside(CLUSTER_KEY));
    let sites = Key::read(&sites, KeyKind::Cluster).map_err(refused)?;
    let master = match &arguments.client_master {
        Some(path) => Some(path.clone()),
        None => Some(beside(CLIENT_MASTER_KEY)).filter(|path| path.exists()),
    };
    let client_master =
        master.map(|path| Key::read(&path, KeyKind::ClientMaster)).transpose().map_err(refused)?;
    if client_master.is_none() {
        // In the earlier format clients were served by this key, and there was no master.
        if let Err(shared @ KeyError::Shared(_)) = ClientKey::read(&beside(CLIENT_KEY)) {
            return Err(refused(shared));
        }
        tracing::warn!("there is no {CLIENT_MASTER_KEY}: no clients are served but the terminal");
    }
    Ok(Keys { sites: Some(sites), client_master, denied: of.denied })
}

fn serve(
    host: &mut SiteHost,
    sites: &Sites,
    me: u8,
    lines: &Receiver<String>,
    terminal: Option<&Printer>,
    signals: &Signals,
) -> Result<(), ProgramError> {
    // Its terminal's notes are answers. Of the site's own, only warnings are read unless they are logged.
    if !tracing::enabled!(tracing::Level::INFO) {
        host.leave_out_ordinary_notes();
    }
    let mut prompt = Prompt::new();
    let print = |lines: &str| {
        if let Some(printer) = terminal {
            printer.print(lines);
        }
    };
    loop {
        if let Some(signal) = signals.received() {
            tracing::info!("{signal}: shutting down");
            return Ok(());
        }
        if terminal.is_some_and(Printer::is_gone) {
            // This counts as the end of the input.
            prompt.on_end(host.now());
        }
        let has_room = terminal.is_none_or(Printer::has_room);
        while has_room && prompt.has_room() {
            let at_once = match lines.try_recv() {
                Ok(line) => prompt.on_line(host.now(), &line),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    prompt.on_end(host.now());
                    AtOnce::Nothing
                }
            };
            match at_once {
                AtOnce::Nothing => {}
                AtOnce::Error(error) => print(&format!("error: {error}\n")),
                AtOnce::Help => print(&format!("{}\n", commands::HELP)),
                AtOnce::Sites => print(&answers::sites(sites, me)),
            }
        }
        if has_room {
            prompt.take_commands(host.now()).into_iter().for_each(|command| host.command(command));
        }
        match prompt.end(host.now()) {
            End::NotYet => {}
            End::Answered => return Ok(()),
            End::Unanswered(count) => {
                let message =
                    format!("ended with {count} commands unanswered; what was taken may yet happen");
                return Err(ProgramError::Run(message));
            }
        }
        // Without room nothing is asked, so the deadline does not count.
        let until = if has_room { prompt.deadline() } else { None };
        host.turn(until).map_err(|error| ProgramError::Run(format!("S{me} stopped: {error}")))?;
        for (who, note) in host.take_notes() {
            if let ProcessId::Terminal(_) = who {
                print(&prompt.on_note(&note, host.counters()));
            }
            if answers::is_worth_a_warning(&note) {
                tracing::warn!(%who, kind = note.kind(), "{note}");
            } else {
                tracing::info!(%who, kind = note.kind(), "{note}");
            }
        }
    }
}
