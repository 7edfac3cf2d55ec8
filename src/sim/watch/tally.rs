//! The kinds of steps that fired in a world, and its approximate memory use, for callers that run many worlds.

use core::mem::{size_of, size_of_val};

use crate::process::{Process, Size};
use crate::sim::host::{SimHost, WaitingInput};
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::Line;
use crate::sim::world::World;

/// The estimated bytes of one item in a process's containers.
const ITEM_BYTES: u64 = 128;

impl<P: Process, J: Judge<P>> World<P, J> {
    /// The kinds of the steps that fired.
    pub fn fired_kinds(&self) -> impl Iterator<Item = &'static str> {
        self.script.director.fired_steps().map(|step| step.action.kind())
    }

    /// About how many bytes the world holds: disks, datagrams under way, scheduled events, waiting inputs, its trace,
    /// and at a flat rate what processes [show](Process::sizes). Not counted: containers that no process shows, and
    /// what processes and judges keep of durable state, about as much again as the disks. It visits all of these, so
    /// do not call it for every event.
    pub fn bytes(&self) -> u64 {
        let hosts: u64 = self.hosts.list.iter().map(host_bytes).sum();
        let trace = self.trace().len() * size_of::<Line<P>>();
        hosts + self.net.packets.bytes() + self.queue.bytes() + trace as u64
    }
}

fn host_bytes<P: Process>(host: &SimHost<P>) -> u64 {
    let mut bytes = size_of_val(host) as u64;
    bytes += host.disk.as_ref().map_or(0, |disk| disk.bytes());
    let Some(running) = host.running() else { return bytes };
    running
        .process
        .sizes(|Size { holds, .. }| bytes = bytes.saturating_add(holds.saturating_mul(ITEM_BYTES)));
    let waiting = running.inbox.len() * size_of::<WaitingInput<P>>();
    let own: usize = running.own.iter().map(|message| message.bytes.len()).sum();
    let unsynced: usize = running.unsynced.iter().map(|batch| batch.records.bytes()).sum();
    bytes.saturating_add((waiting + own + unsynced) as u64)
}
