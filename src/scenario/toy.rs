//! A small protocol for tests: site 0 takes numbers and repeats the greatest until all have it. On request, it takes
//! a number from a source that no run may depend on.

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::ids::{ProcessId, SiteSet};
use crate::mix::Seed;
use crate::process::{Damage, Effects, Input, Label, Process, Recovered, Role, Subject};
use crate::ron_file::Place;
use crate::ron_file::Problem;
use crate::scenario::service::{Cluster, Order, Service, Shape};
use crate::sim::{Judge, Observation, Violation};
use crate::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub(crate) struct Toy {
    id: ProcessId,
    sites: SiteSet,
    pub(crate) greatest: u64,
    acknowledged: SiteSet,
    next: Instant,
    /// Its address differs from run to run.
    memory: Box<u8>,
    /// A clone shares this counter with its original.
    shared: Arc<AtomicU64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ToyMessage {
    Greatest { number: u64 },
    Got { number: u64 },
}

#[derive(Clone, Debug)]
pub(crate) struct Kept {
    number: u64,
}

wire_enum!(ToyMessage { 1 => Greatest { number }, 2 => Got { number } });
wire_struct!(Kept { number });

#[derive(Clone, Debug)]
pub(crate) struct Kept1(pub(super) u64);

impl fmt::Display for Kept1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kept {}", self.0)
    }
}

impl Label for Kept1 {
    fn kinds() -> Vec<&'static str> {
        vec!["Kept"]
    }

    fn kind(&self) -> &'static str {
        "Kept"
    }

    fn subject(&self) -> Subject {
        Subject::NONE
    }
}

label_enum!(ToyMessage { Greatest about number, Got about number });

#[derive(Clone, Debug)]
pub(crate) enum Put {
    Number(u64),
    Impure(Impurity, Arc<()>),
}

/// A source that no run may depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Impurity {
    /// An address.
    Address,
    /// An address that is only written to the disk.
    HiddenAddress,
    /// An address that only a note shows.
    ToldAddress,
    /// The computer's clock.
    Clock,
    /// A counter that clones share.
    Shared,
    /// The iteration order of a hash map.
    HashOrder,
    /// The number of holders of the same command; a trace is one.
    Holders,
}

impl fmt::Display for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Put::Number(number) => write!(f, "put {number}"),
            Put::Impure(impurity, _) => write!(f, "put {impurity:?}"),
        }
    }
}

impl Toy {
    fn keep(&mut self, number: u64, effects: &mut Effects<Toy>) {
        if number > self.greatest {
            assert!(number != 13, "13 is unlucky");
            self.greatest = number;
            self.acknowledged = SiteSet::EMPTY;
            effects.append(&Kept { number });
            effects.note(Kept1(number));
        }
    }

    fn put_impurity(&mut self, impurity: Impurity, holders: &Arc<()>, effects: &mut Effects<Toy>) {
        let address = core::ptr::from_ref(&*self.memory).addr() as u64;
        match impurity {
            Impurity::Address => self.keep(address, effects),
            Impurity::HiddenAddress => effects.append(&Kept { number: address }),
            Impurity::ToldAddress => effects.note(Kept1(address)),
            Impurity::Clock => self.keep(clock(), effects),
            Impurity::Shared => self.keep(1_000 + self.shared.fetch_add(1, Ordering::Relaxed), effects),
            Impurity::HashOrder => hash_order().for_each(|number| effects.note(Kept1(number))),
            Impurity::Holders => self.keep(1_000 + Arc::strong_count(holders) as u64, effects),
        }
    }
}

/// The numbers below 30, in another order each time.
#[expect(clippy::disallowed_types, reason = "what an audit has to find out")]
fn hash_order() -> impl Iterator<Item = u64> {
    (0..30).map(|number| (number, ())).collect::<std::collections::HashMap<u64, ()>>().into_keys()
}

#[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "what an audit has to find out")]
fn clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap().as_nanos()).unwrap()
}

impl Process for Toy {
    type Message = ToyMessage;
    type Record = Kept;
    type Note = Kept1;
    type Command = Put;
    type Config = SiteSet;

    fn start(
        config: &SiteSet,
        id: ProcessId,
        _seed: Seed,
        recovered: Recovered<Kept>,
    ) -> Result<Toy, Damage> {
        let greatest = recovered.records.iter().map(|kept| kept.number).max().unwrap_or(0);
        Ok(Toy {
            id,
            sites: *config,
            greatest,
            acknowledged: SiteSet::EMPTY,
            next: Instant::ZERO,
            memory: Box::default(),
            shared: Arc::default(),
        })
    }

    fn handle(&mut self, now: Instant, input: Input<Toy>, effects: &mut Effects<Toy>) {
        match input {
            Input::Command(Put::Number(number)) => self.keep(number, effects),
            Input::Command(Put::Impure(impurity, holders)) => self.put_impurity(impurity, &holders, effects),
            Input::Message { from, message: ToyMessage::Greatest { number } } => {
                self.keep(number, effects);
                effects.send(from, &ToyMessage::Got { number });
            }
            Input::Message { from, message: ToyMessage::Got { number } } => {
                if number == self.greatest
                    && let Some(site) = from.as_site()
                {
                    self.acknowledged.insert(site);
                }
            }
            Input::Wake => {
                self.next = now + Duration::from_millis(100);
                let behind = self.sites.minus(self.acknowledged).without(self.id.as_site().unwrap());
                effects.send(behind, &ToyMessage::Greatest { number: self.greatest });
            }
            Input::Started | Input::DiskSpace { .. } | Input::Link { .. } => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        (self.role() != Role::Follower && self.id.as_site().is_some()).then_some((self.next, "repeat"))
    }

    fn role(&self) -> Role {
        match self.id {
            id if id == ProcessId::site(0) => Role::Leader { rank: 1 },
            ProcessId::Site(_) => Role::Follower,
            ProcessId::Terminal(_) | ProcessId::Client(_) => Role::Client,
        }
    }
}

/// Objects to 66.
#[derive(Clone, Debug)]
pub(crate) struct NoSixes;

impl Judge<Toy> for NoSixes {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Toy>) -> Result<(), Violation> {
        match seen {
            Observation::Noted { process, note } if note.0 == 66 => {
                Err(Violation::new("no sixes", format!("{process} kept 66")))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Toys;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum Command {
    Put { site: u8, number: u64 },
    PutOdd { site: u8, what: Impurity },
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum Expected {
    Holds { site: u8, number: u64 },
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    is_broken: bool,
}

impl Service for Toys {
    type Process = Toy;
    type Judges = NoSixes;
    type Command = Command;
    type Expectation = Expected;
    type Settings = Settings;

    fn compile(command: &Command) -> Result<Order<Toys>, Vec<Problem>> {
        let (site, put) = match *command {
            Command::Put { number, .. } if number > 99 => {
                let place = Place::whole().field("number");
                return Err(vec![Problem::new(place, format!("{number} is too much")).help("at most 99")]);
            }
            Command::Put { site, number } => (site, Put::Number(number)),
            Command::PutOdd { site, what } => (site, Put::Impure(what, Arc::default())),
        };
        Order::at_site(site, put)
    }

    fn check(expectation: &Expected, shape: &Shape) -> Vec<Problem> {
        let Expected::Holds { site, .. } = *expectation;
        shape.check_site(site, Place::whole().field("site")).into_iter().collect()
    }

    fn config(settings: &Settings, shape: &Shape) -> Result<SiteSet, Vec<Problem>> {
        let place = Place::whole().field("is_broken");
        if settings.is_broken { Err(vec![Problem::new(place, "broken")]) } else { Ok(shape.all_sites()) }
    }

    fn judges(_: &SiteSet, _: &Shape) -> NoSixes {
        NoSixes
    }

    fn expect(expectation: &Expected, cluster: &Cluster<'_, Toy>) -> Result<(), String> {
        let Expected::Holds { site, number } = *expectation;
        let found = cluster.state(ProcessId::site(site))?.greatest;
        if found == number { Ok(()) } else { Err(format!("expected {number}, found {found}")) }
    }

    fn converged(cluster: &Cluster<'_, Toy>) -> Result<(), String> {
        let held = |site| Ok((site, cluster.state(site)?.greatest));
        let held: Vec<_> = cluster.core.iter().map(held).collect::<Result<_, String>>()?;
        match held.iter().find(|(_, number)| *number != held[0].1) {
            Some((site, number)) => Err(format!("{} holds {} and {site} {number}", held[0].0, held[0].1)),
            None => Ok(()),
        }
    }

    fn final_state(cluster: &Cluster<'_, Toy>) -> String {
        let line = |member: &super::Member<'_, Toy>| match member.state {
            Some(state) => format!("{}: {}", member.id, state.greatest),
            None => format!("{}: down", member.id),
        };
        cluster.members.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
