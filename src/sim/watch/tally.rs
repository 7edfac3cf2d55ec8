//! What happened in a world, by name and number, and about how much memory it takes: for those who run many.

use core::mem::{size_of, size_of_val};

use crate::process::{Process, Size};
use crate::sim::host::{Host, Waiting};
use crate::sim::net::rule::Ruling;
use crate::sim::script::{Action, ClockFault, DiskFault, Leaves, Seam};
use crate::sim::watch::judge::Judge;
use crate::sim::watch::trace::Line;
use crate::sim::world::World;

/// What one item of a process's containers is taken to need.
const ITEM_BYTES: u64 = 128;

impl<C> Action<C> {
    /// Every name that [`kind`](Action::kind) gives.
    pub const KINDS: &'static [&'static str] = &[
        "command",
        "crash",
        "crash, torn",
        "crash, scattered",
        "crash before a sync",
        "crash after a sync",
        "crash between two sends",
        "crash between two recipients",
        "crash during recovery",
        "restart",
        "pause",
        "resume",
        "isolate",
        "partition",
        "cut",
        "mend",
        "rule: drop",
        "rule: delay",
        "clog",
        "unclog",
        "replay",
        "rule: duplicate",
        "rule: corrupt",
        "rule: truncate",
        "rule: misdeliver",
        "rule: keep",
        "slow syncs",
        "disk: fail a sync",
        "disk: fail a write",
        "disk: full",
        "disk: room",
        "disk: rot",
        "disk: misdirect",
        "disk: lose a file",
        "disk: save",
        "disk: restore",
        "wipe",
        "slow",
        "clock: ahead",
        "clock: behind",
        "clock: fast",
        "clock: slow",
        "heal",
        "expect",
    ];

    /// What sort of action it is, without whom it is done to.
    pub const fn kind(&self) -> &'static str {
        match self {
            Action::Command(..) => "command",
            Action::Crash { at: None, leaves, .. } => match leaves {
                Leaves::Nothing => "crash",
                Leaves::Torn => "crash, torn",
                Leaves::Scattered => "crash, scattered",
            },
            Action::Crash { at: Some(seam), .. } => match seam {
                Seam::BeforeSync => "crash before a sync",
                Seam::AfterSync => "crash after a sync",
                Seam::BetweenSends => "crash between two sends",
                Seam::BetweenRecipients => "crash between two recipients",
                Seam::DuringRecovery => "crash during recovery",
            },
            Action::Restart(_) => "restart",
            Action::Pause(_) => "pause",
            Action::Resume(_) => "resume",
            Action::Isolate(_) => "isolate",
            Action::Partition(_) => "partition",
            Action::Cut { .. } => "cut",
            Action::Mend(..) => "mend",
            Action::Clog { .. } => "clog",
            Action::Unclog { .. } => "unclog",
            Action::Replay(_) => "replay",
            Action::Rule(rule) => match rule.ruling {
                Ruling::Drop => "rule: drop",
                Ruling::Delay(_) => "rule: delay",
                Ruling::Duplicate { .. } => "rule: duplicate",
                Ruling::Corrupt => "rule: corrupt",
                Ruling::Truncate => "rule: truncate",
                Ruling::Misdeliver(_) => "rule: misdeliver",
                Ruling::Keep => "rule: keep",
            },
            Action::SyncTime(..) => "slow syncs",
            Action::Disk(_, fault) => match fault {
                DiskFault::FailSync => "disk: fail a sync",
                DiskFault::FailWrite => "disk: fail a write",
                DiskFault::Full => "disk: full",
                DiskFault::Room => "disk: room",
                DiskFault::Rot => "disk: rot",
                DiskFault::Misdirect => "disk: misdirect",
                DiskFault::LoseFile => "disk: lose a file",
                DiskFault::Save => "disk: save",
                DiskFault::Restore => "disk: restore",
            },
            Action::Wipe(_) => "wipe",
            Action::Slow(..) => "slow",
            Action::Clock(_, fault) => match fault {
                ClockFault::Ahead(_) => "clock: ahead",
                ClockFault::Behind(_) => "clock: behind",
                ClockFault::Fast(_) => "clock: fast",
                ClockFault::Slow(_) => "clock: slow",
            },
            Action::Heal => "heal",
            Action::Check(_) => "expect",
        }
    }
}

impl<P: Process, J: Judge<P>> World<P, J> {
    /// The kinds of the steps that fired.
    pub fn fired_kinds(&self) -> impl Iterator<Item = &'static str> {
        self.script.director.fired_steps().map(|step| step.action.kind())
    }

    /// About how many bytes it holds: its disks, datagrams under way, scheduled events, inputs that wait, its trace, and
    /// what processes [show](Process::sizes) at a flat rate. What nobody shows is not seen, and what processes
    /// and judges keep of what is durable is about as much again as the disks. A pass over all of these: not for every event.
    pub fn bytes(&self) -> u64 {
        let hosts: u64 = self.hosts.list.iter().map(host_bytes).sum();
        let trace = self.trace().len() * size_of::<Line<P>>();
        hosts + self.net.packets.bytes() + self.queue.bytes() + trace as u64
    }
}

fn host_bytes<P: Process>(host: &Host<P>) -> u64 {
    let mut bytes = size_of_val(host) as u64;
    bytes += host.disk.as_ref().map_or(0, |disk| disk.bytes());
    let Some(running) = host.running() else { return bytes };
    running
        .process
        .sizes(|Size { holds, .. }| bytes = bytes.saturating_add(holds.saturating_mul(ITEM_BYTES)));
    let waiting = running.inbox.len() * size_of::<Waiting<P>>();
    let own: usize = running.own.iter().map(|message| message.len()).sum();
    let unsynced: usize = running.unsynced.iter().map(|(_, records)| records.bytes()).sum();
    bytes.saturating_add((waiting + own + unsynced) as u64)
}
