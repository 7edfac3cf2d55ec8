//! The world: every process, the network between them and the script, as one value.
//!
//! Time stands still while an event is applied, and jumps to the next event. One function chooses the next event and
//! another applies it. A clone runs on exactly as the original does.
//!
//! 1. Events are applied by time and, within a moment, in the order of their scheduling.
//! 2. Actions on links take effect the moment they fire. Actions on processes take effect once the datagram that
//!    fired them has passed the network, or otherwise once the running process has finished its input.
//! 3. Nothing reads a clock, and no two users draw from the same random stream.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::frame::Datagram;
use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::journal::{Contents, Identity, Journal, SyncId};
use crate::mix;
use crate::process::Process;
use crate::sim::host::disk::SimDisk;
use crate::sim::host::hosts::{HostIndex, Hosts};
use crate::sim::host::{ProcessStatus, Storage};
use crate::sim::net::barriers::{Barrier, BarriersVersion};
use crate::sim::net::ledger::Ledger;
use crate::sim::net::packets::{Origin, PacketId};
use crate::sim::net::settings::Chance;
use crate::sim::net::streams::LinkEvent;
use crate::sim::net::{Net, Reach};
use crate::sim::queue::{EventQueue, Turn};
use crate::sim::script::Script;
use crate::sim::script::director::{StepId, Unfired};
use crate::sim::settings::{BadSettings, WorldSettings};
use crate::sim::watch::judge::{Judge, Violation};
use crate::sim::watch::log::LogTap;
use crate::sim::watch::trace::Trace;
use crate::sim::watch::{Statistics, Watchers};
use crate::time::{Duration, Instant};

/// An event in the queue. It names its host by place and, where a restart would make it void, by life.
#[derive(Clone, Debug)]
pub(crate) enum QueuedEvent {
    Start {
        host: HostIndex,
    },
    Deliver {
        host: HostIndex,
        packet: PacketId,
    },
    Synced {
        host: HostIndex,
        life: u64,
        sync: SyncId,
    },
    Wake {
        host: HostIndex,
        life: u64,
    },
    /// A copy arrives that was sent over this connection of a stream.
    Arrive {
        host: HostIndex,
        packet: PacketId,
        connection: u32,
    },
    /// The time of a stream has come.
    Link(LinkEvent),
    /// Inputs wait that could not be handed in when they arrived.
    Drain {
        host: HostIndex,
    },
    /// A paused process resumes.
    Resumed {
        host: HostIndex,
    },
    /// A slow process has finished its input.
    Ready {
        host: HostIndex,
        life: u64,
    },
    Step(StepId),
    /// The next step that acts by hand.
    ByHand,
    /// All sites have started, and one of them is to lead first.
    HeadStart,
}

/// A whole simulated cluster at one moment.
#[derive(Clone)]
pub struct World<P: Process, J: Judge<P>> {
    pub(crate) settings: Arc<WorldSettings<P>>,
    pub(crate) queue: EventQueue<QueuedEvent>,
    pub(crate) hosts: Hosts<P>,
    pub(crate) net: Net<P>,
    pub(crate) script: Script<P::Command>,
    pub(crate) watch: Watchers<P, J>,
}

impl<P: Process, J: Judge<P>> World<P, J> {
    /// A world before its first event: every process is about to start.
    pub fn new(settings: WorldSettings<P>, judge: J) -> Result<World<P, J>, BadSettings> {
        settings.check()?;
        let sites = SiteSet::first(settings.sites);
        let mut disks = Vec::new();
        for site in sites.iter() {
            let mut disk = SimDisk::new(settings.disk.capacity);
            let identity = Identity { cluster: settings.cluster, process: site.into() };
            match settings.journals.get(site.index()) {
                None => Journal::format(&mut disk, &identity, &settings.journal),
                Some(recovered) => {
                    let contents = Contents { recovered: recovered.clone(), limits: settings.journal };
                    Journal::write(&mut disk, &identity, &contents)
                }
            }
            .map_err(|error| BadSettings(format!("{error}")))?;
            disks.push(disk);
        }
        let hosts = Hosts::new(settings.seed, disks, settings.disk.sync_time, settings.clients);
        let mut queue = EventQueue::new();
        // Clients start first: if a site leads as it starts, a step may hand a client a command.
        for host in hosts.list.of_others().chain(hosts.list.of_sites()) {
            queue.push(Instant::ZERO, QueuedEvent::Start { host });
        }
        if settings.leader.is_some() {
            queue.push(Instant::ZERO, QueuedEvent::HeadStart);
        }
        let mut world = World {
            queue,
            hosts,
            net: Net::new(&settings),
            script: Script::new(settings.tracks.clone(), settings.watchpoints.clone(), settings.leader),
            watch: Watchers::new(settings.trace, judge),
            settings: Arc::new(settings),
        };
        world.schedule_steps();
        Ok(world)
    }

    /// The turn of the next event; `None` if nothing will ever happen again.
    pub fn next_event(&self) -> Option<Turn> {
        self.queue.first()
    }

    /// The turns of all scheduled events, in no particular order.
    pub fn turns(&self) -> impl Iterator<Item = Turn> {
        self.queue.turns().map(|(turn, _)| turn)
    }

    /// Applies the event of this turn. An event taken out of order happens at its own time or the current time,
    /// whichever is later; then no link keeps the order of sending. The first violation is kept, and every later call returns it too.
    pub fn apply(&mut self, turn: Turn) -> Result<(), Violation> {
        match self.queue.take(turn) {
            Some(event) => self.happen(turn, event),
            None => self.watch.verdict(),
        }
    }

    /// Applies the next event; `false` if there is none.
    pub fn step(&mut self) -> Result<bool, Violation> {
        self.step_until(Instant::from_micros(u64::MAX))
    }

    /// Applies the next event if it is due by `until`; `false` if there is none.
    pub fn step_until(&mut self, until: Instant) -> Result<bool, Violation> {
        let Some((turn, event)) = self.queue.take_until(until) else { return Ok(false) };
        self.happen(turn, event).map(|()| true)
    }

    /// Applies every event up to and including `until`, and moves the clock there.
    pub fn run_until(&mut self, until: Instant) -> Result<(), Violation> {
        while let Some((turn, event)) = self.queue.take_until(until) {
            self.happen(turn, event)?;
        }
        self.watch.now = self.watch.now.max(until);
        Ok(())
    }

    fn happen(&mut self, turn: Turn, event: QueuedEvent) -> Result<(), Violation> {
        self.watch.now = self.watch.now.max(turn.at);
        self.watch.events += 1;
        match event {
            QueuedEvent::Start { host } => self.start(host),
            QueuedEvent::Deliver { host, packet } => self.deliver(host, packet),
            QueuedEvent::Arrive { host, packet, connection } => self.arrive(host, packet, connection),
            QueuedEvent::Link(event) => self.on_link(event, turn.at),
            QueuedEvent::Synced { host, life, sync } => self.on_synced(host, life, sync),
            QueuedEvent::Wake { host, life } => self.on_wake(host, life, turn.at),
            QueuedEvent::Drain { host } => self.drain(host),
            QueuedEvent::Resumed { host } => self.on_resumed(host),
            QueuedEvent::Ready { host, life } => self.on_ready(host, life),
            QueuedEvent::HeadStart => self.begin_head_start(),
            QueuedEvent::Step(step) => self.on_step(step),
            QueuedEvent::ByHand => self.act_by_hand(),
        }
        if let Some(first) = self.script.first() {
            self.follow_head_start(first);
        }
        self.run_fired(false);
        if self.script.has_due() {
            self.retry_steps();
        }
        self.watch.verdict()
    }

    /// Replaces all randomness from here on: fates, torn writes, the seeds of processes that start later, and the
    /// future draws of running processes. Datagrams under way and the script stay as they are.
    pub fn rekey(&mut self, salt: u64) {
        self.net.rekey(salt);
        self.hosts.rekey(salt);
    }

    /// Delays every datagram from here on by a drawn time of up to `most`. In a world without other chance this makes
    /// the order of events random, unless its network is held.
    pub fn shake(&mut self, most: Duration) {
        let network = &mut Arc::make_mut(&mut self.settings).network;
        network.reordering = Chance { numerator: 1, denominator: 1 };
        network.reordering_by = network.reordering_by.max(most);
    }

    /// From here on, a full trace holds what messages hold, as `describe` says it.
    pub fn describe_messages(&mut self, describe: fn(&P::Message) -> String) {
        self.watch.describe = Some(describe);
    }

    /// From here on, the log lines of processes enter the trace, if there is one.
    pub fn collect_log(&mut self, tap: LogTap) {
        self.watch.log = Some(tap);
    }

    /// Takes into the trace what a process wrote to its log before it panicked.
    #[cfg_attr(not(feature = "scenario"), expect(dead_code, reason = "only scenarios catch a panic"))]
    pub(crate) fn take_log_of_panic(&mut self) {
        if let Some(id) = self.hosts.handling {
            self.watch.take_log(id);
        }
    }

    /// From here on, records the fate that chance draws for every datagram.
    pub fn keep_ledger(&mut self) {
        self.net.keep_ledger();
    }

    /// The recorded fates, if [`keep_ledger`](World::keep_ledger) was called.
    pub fn ledger(&self) -> Option<&Ledger> {
        self.net.ledger()
    }

    /// Delivers `bytes` to `to` at once, as if the network had brought them, for tests of input from outside.
    pub fn inject(&mut self, to: ProcessId, bytes: &[u8]) {
        if let Some(host) = self.hosts.list.place(to) {
            let hash = mix::absorb(0, bytes);
            let (labels, is_background) = (Vec::new(), false);
            let datagram =
                Datagram { from: to, to: to.into(), labels, is_background, bytes: bytes.into(), hash };
            let packet = self.net.packets.post_from(Box::new(datagram), Origin::Elsewhere);
            self.queue.push(self.watch.now, QueuedEvent::Deliver { host, packet });
        }
    }

    /// What stands between processes: links that are cut or clogged, and rules in force.
    pub fn barriers(&self) -> Vec<Barrier> {
        self.net.barriers(self.watch.now)
    }

    /// As long as this is the same and not [at an edge](BarriersVersion::is_at_edge), so is what stands between processes.
    pub fn barriers_version(&self) -> BarriersVersion {
        self.net.barriers_version(self.watch.now)
    }

    /// The current time.
    pub const fn now(&self) -> Instant {
        self.watch.now
    }

    /// The settings of this world.
    pub fn settings(&self) -> &WorldSettings<P> {
        &self.settings
    }

    /// The state of a process, if it runs.
    pub fn process(&self, id: ProcessId) -> Option<&P> {
        Some(&self.hosts.list[self.hosts.list.place(id)?].running()?.process)
    }

    /// All sites.
    pub fn sites(&self) -> SiteSet {
        SiteSet::first(self.settings.sites)
    }

    /// The sites whose storage is damaged or may be. They count as failed for good, and are never healed.
    pub fn damaged(&self) -> SiteSet {
        let damaged = self.hosts.list.iter().filter(|host| host.storage != Storage::Sound);
        damaged.filter_map(|host| host.id.as_site()).collect()
    }

    /// The sites whose process has stopped by itself at least once.
    pub fn stopped(&self) -> SiteSet {
        self.hosts.list.iter().filter(|host| host.stopped).filter_map(|host| host.id.as_site()).collect()
    }

    /// Every process: sites, terminals, clients.
    pub fn processes(&self) -> impl Iterator<Item = ProcessId> {
        self.hosts.list.iter().map(|host| host.id)
    }

    /// Whether a process runs; `None` if there is no such process.
    pub fn status(&self, id: ProcessId) -> Option<ProcessStatus> {
        Some(self.hosts.list[self.hosts.list.place(id)?].status())
    }

    /// What the clock of a process shows; the current time if there is no such process.
    pub fn clock(&self, id: ProcessId) -> Instant {
        self.hosts.list.place(id).map_or(self.now(), |host| self.hosts.list[host].local(self.now()))
    }

    /// Whether a step that fired is about to act by hand.
    #[cfg_attr(not(feature = "scenario"), expect(dead_code, reason = "only sessions wait for that"))]
    pub(crate) fn acts_by_hand(&self) -> bool {
        !self.script.by_hand.is_empty()
    }

    /// The number of inputs that wait for a process.
    pub fn waiting(&self, id: ProcessId) -> usize {
        let running = self.hosts.list.place(id).and_then(|host| self.hosts.list[host].running());
        running.map_or(0, |running| running.inbox.len())
    }

    /// The contents of a site's disk, unsynced writes included.
    pub fn disk(&self, id: ProcessId) -> Option<&SimDisk> {
        self.hosts.list[self.hosts.list.place(id)?].disk.as_ref()
    }

    /// The leading site of the highest rank.
    pub fn leader(&self) -> Option<SiteId> {
        self.hosts.list.leader()
    }

    /// The process whose code is running or, after a panic, whose code panicked.
    pub const fn handling(&self) -> Option<ProcessId> {
        self.hosts.handling
    }

    /// The number of events applied so far.
    pub const fn events(&self) -> u64 {
        self.watch.events
    }

    /// A hash of everything that happened: if two runs differ in anything, their fingerprints differ.
    pub const fn fingerprint(&self) -> u64 {
        self.watch.fingerprint
    }

    /// The trace, as far as the settings keep it.
    pub const fn trace(&self) -> &Trace<P> {
        &self.watch.trace
    }

    /// The counters.
    pub const fn statistics(&self) -> &Statistics {
        &self.watch.statistics
    }

    /// The judge, with its state.
    pub const fn judge(&self) -> &J {
        &self.watch.judge
    }

    /// Tells the judge something that no process did.
    #[cfg_attr(not(feature = "scenario"), expect(dead_code, reason = "only scenarios tell a judge anything"))]
    pub(crate) fn tell_judge(&mut self, tell: impl FnOnce(&mut J)) {
        self.watch.tell_judge(tell);
    }

    /// The first violation.
    pub const fn violation(&self) -> Option<&Violation> {
        self.watch.violation.as_ref()
    }

    /// Takes the next check that the script asked for.
    pub fn due_check(&mut self) -> Option<usize> {
        self.script.checks.pop_front()
    }

    /// Whether no step of the script is certain to fire any more.
    pub fn script_done(&self) -> bool {
        self.script.director.is_done()
    }

    /// The site that was to lead first, if it neither campaigned nor led while the others were paused.
    pub fn unled(&self) -> Option<SiteId> {
        self.script.head_start.unled()
    }

    /// How many optional steps fired, and how many there are.
    pub fn optional_steps(&self) -> (usize, usize) {
        self.script.director.optional()
    }

    /// How many steps of this track fired.
    pub fn fired(&self, track: usize) -> usize {
        self.script.director.fired(track)
    }

    /// Whether the question of the watchpoint with this number, from 0, is answered with yes if the run ends here.
    pub fn has_happened(&self, watchpoint: usize) -> bool {
        self.script.watchpoints.has_happened(watchpoint)
    }

    /// The steps that make the run stale: required steps that did not fire, and those that fired without any effect.
    pub fn unfired(&self) -> Vec<Unfired> {
        let required = |step| self.script.is_required(step);
        let unmet = self.hosts.list.iter().flat_map(|host| host.unmet(required));
        let mut unfired = self.script.unfired(unmet);
        self.add_what_is_there(&mut unfired);
        unfired
    }

    /// The first required step that acts by hand and did not find what it names.
    #[cfg_attr(not(feature = "scenario"), expect(dead_code, reason = "only scenarios end there"))]
    pub(crate) fn missed_by_hand(&self) -> Option<&Unfired> {
        let is_by_hand = |step| self.script.director.step(step).action.row().is_by_hand;
        self.script.fruitless.iter().find(|missed| is_by_hand(missed.step))
    }

    /// What a held network may hold, if it has lost more than that.
    #[cfg_attr(not(feature = "scenario"), expect(dead_code, reason = "only scenarios end there"))]
    pub(crate) fn overfull_hold(&self) -> Option<usize> {
        self.net.is_overfull().then_some(self.settings.clog_max)
    }

    /// The names of rules that matched nothing, except rules that an optional step added.
    pub fn unmatched_rules(&self) -> impl Iterator<Item = &str> {
        self.net.unmatched_rules()
    }

    /// The network, and the parts of the world that it uses.
    #[inline]
    pub(crate) fn network(&mut self) -> (&mut Net<P>, Reach<'_, P, J>) {
        let World { settings, queue, net, watch, .. } = self;
        (net, Reach { settings, watch, queue })
    }
    /// Runs the fired actions, and those that they fire in turn. With `links_only`, actions on processes stay queued.
    /// Returns whether any action ran.
    #[inline]
    pub(crate) fn run_fired(&mut self, links_only: bool) -> bool {
        !self.script.is_quiet() && self.run_all(links_only)
    }
}
