//! Worlds of a tiny process: determinism, seams, links, rules, disks and scripts.

mod crossings;
mod failed_syncs;
mod faults;
mod first_input;
mod gossip;
mod held;
mod limits;
mod links;
mod lives;
mod runs;
mod scripts;
mod vital;

use alloc::string::String;
use alloc::vec::Vec;

use gossip::{Ask, Config, Gossip, Word};

use crate::frame::Datagram;
use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix::Seed;
use crate::sim::host::WaitingInput;
use crate::sim::net::rule::{About, Filter};
use crate::sim::script::watchpoints::{Demand, Watchpoint};
use crate::sim::script::{Leaves, ScriptAction, ScriptStep, Target, Trigger};
use crate::sim::settings::{TraceLevel, TraceSettings, WorldSettings};
use crate::sim::watch::judge::{Judge, Observation, Violation};
use crate::sim::world::{QueuedEvent, World};
use crate::time::{Duration, Instant};

const S0: ProcessId = ProcessId::site(0);
const S1: ProcessId = ProcessId::site(1);
const S2: ProcessId = ProcessId::site(2);

/// Records events for tests, and objects when an acknowledgement of the `forbidden` number is delivered.
#[derive(Clone, Default)]
struct Scribe {
    sent: Vec<(Instant, Datagram)>,
    delivered: Vec<(Instant, ProcessId, ProcessId, Word)>,
    durable: Vec<(ProcessId, u64)>,
    started: Vec<(ProcessId, u64, Vec<u64>)>,
    crashed: Vec<(ProcessId, Vec<u64>)>,
    /// Terminals, once for each time that their site ended.
    ended: Vec<ProcessId>,
    restored: Vec<ProcessId>,
    /// What each process was told of its links.
    links: Vec<(Instant, ProcessId, ProcessId, bool)>,
    forbidden: Option<u64>,
}

impl Judge<Gossip> for Scribe {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, Gossip>) -> Result<(), Violation> {
        match seen {
            Observation::Sent { datagram, messages } => {
                assert_eq!(datagram.labels.len(), messages.len());
                self.sent.push((now, (*datagram).clone()));
            }
            Observation::Delivered { to, from, message } => {
                self.delivered.push((now, *to, *from, (*message).clone()));
                if let (Word::Ack { number }, Some(forbidden)) = (message, self.forbidden)
                    && *number == forbidden
                {
                    let explanation = alloc::format!("{to} heard that {number} is kept");
                    return Err(Violation::new("forbidden", explanation));
                }
            }
            Observation::Durable { process, records } => {
                self.durable.extend(records.iter().map(|record| (*process, record.number)));
            }
            Observation::Started { process, incarnation, recovered, .. } => {
                let numbers = recovered.iter().map(|record| record.number).collect();
                self.started.push((*process, *incarnation, numbers));
            }
            Observation::Crashed { process: process @ ProcessId::Terminal(_), .. } => {
                self.ended.push(*process)
            }
            Observation::Crashed { process, state } => self.crashed.push((*process, state.kept.clone())),
            Observation::Restored { process } => self.restored.push(*process),
            Observation::Commanded { .. } | Observation::Noted { .. } | Observation::Handled { .. } => {}
            Observation::Link { process, peer, up } => self.links.push((now, *process, *peer, *up)),
        }
        Ok(())
    }
}

type Settings = WorldSettings<Gossip>;
type GossipWorld = World<Gossip, Scribe>;

fn ms(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn settings(steps: Vec<ScriptStep<Ask>>) -> Settings {
    let mut settings = Settings::calm(Seed(7), 3, Config { sites: 3, beat: None, kept_max: 1_000 });
    settings.clients = 2;
    settings.journal.segment_bytes = 1 << 18;
    settings.trace = TraceSettings { level: TraceLevel::Full, lines_max: 10_000 };
    settings.tracks = Vec::from([steps]);
    settings
}

fn run(settings: Settings) -> GossipWorld {
    let mut world = World::new(settings, Scribe::default()).unwrap();
    for half in 1..=2 {
        world.run_until(ms(half * 1_000)).unwrap();
        assert_every_copy_is_accounted_for(&world);
    }
    world
}

/// A forgotten copy would stay for ever. A copy that was released too early would turn into another datagram.
fn assert_every_copy_is_accounted_for(world: &GossipWorld) {
    let is_copy =
        |event: &QueuedEvent| matches!(event, QueuedEvent::Deliver { .. } | QueuedEvent::Arrive { .. });
    let queued = world.queue.turns().filter(|(_, event)| is_copy(event)).count();
    let inboxes =
        world.hosts.list.iter().filter_map(|host| host.running()).flat_map(|running| &running.inbox);
    let waiting = inboxes.filter(|waiting| matches!(waiting, WaitingInput::Datagram(_))).count();
    let held = world.net.copies_held();
    assert_eq!(world.net.packets.copies(), queued + waiting + held);
}

fn step(trigger: Trigger, action: ScriptAction<Ask>) -> ScriptStep<Ask> {
    ScriptStep { trigger, action, is_optional: false }
}

fn at(millis: u64, action: ScriptAction<Ask>) -> ScriptStep<Ask> {
    step(Trigger::At(ms(millis)), action)
}

fn put(millis: u64, who: ProcessId, number: u64) -> ScriptStep<Ask> {
    at(millis, ScriptAction::Command(Target::of(who), Ask::Put(number)))
}

fn filter(kind: &str, from: Target, to: Target) -> Filter {
    Filter { kind: Some(String::from(kind)), from, to, about: None, slots: None }
}

fn kept(world: &GossipWorld, who: ProcessId) -> Vec<u64> {
    world.process(who).map(|gossip| gossip.kept.clone()).unwrap_or_default()
}

fn only(site: ProcessId) -> SiteSet {
    site.as_site().map(|site: SiteId| SiteSet::EMPTY.with(site)).unwrap_or_default()
}

/// The times at which messages of this kind from `from` to `to` were handed in.
fn deliveries(world: &GossipWorld, kind: &str, from: ProcessId, to: ProcessId) -> Vec<u64> {
    use crate::process::Label;
    let wanted = |(_, receiver, sender, word): &&(Instant, ProcessId, ProcessId, Word)| {
        (*receiver, *sender, word.kind()) == (to, from, kind)
    };
    let times = world.judge().delivered.iter().filter(wanted);
    times.map(|(at, ..)| at.as_micros()).collect()
}
