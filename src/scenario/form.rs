//! The whole file.

use serde::{Deserialize, Serialize};

use crate::scenario::history::PastLife;
use crate::scenario::service::Service;
use crate::scenario::step::{Action, Expectation, Rule, Step};
use crate::scenario::value::is_usual;
use crate::sim::{Bandwidth, Bursts, Chance, LateCopy};
use crate::time::Duration;

/// A cluster, its network, what is done to it and what must hold: one file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "", deserialize = ""), deny_unknown_fields)]
pub struct Scenario<S: Service> {
    /// One sentence: the property.
    pub about: String,
    /// Everything random of a run is drawn from it.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub seed: u64,
    /// How many sites, 1 to 9.
    pub sites: u8,
    /// How many clients on machines of their own.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub clients: u16,
    /// Whether what terminals and clients draw, such as the numbers of their queries, is the same for all of them.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub clients_alike: bool,
    /// Which sites share a machine; each has its own when absent.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub machines: Option<Vec<Vec<u8>>>,
    /// What was before: nothing when absent.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub history: PastLife,
    /// The site that leads first: the others sleep from their start until it campaigns. Whoever is first when absent.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub leader: Option<u8>,
    /// The network that every datagram meets.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub network: Network,
    /// The disk of every site.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub disk: DiskForm,
    /// How many sites may lose their storage.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub budget: FaultBudget,
    /// What the service is configured with.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub settings: S::Settings,
    /// Simulated time after which a step that has not fired is given up.
    #[serde(default = "a_minute", skip_serializing_if = "is_a_minute")]
    pub limit: Duration,
    /// What the network does beyond its settings, from the start.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub rules: Vec<Rule>,
    /// The first track.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub steps: Vec<StepOf<S>>,
    /// More tracks, beside the first.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub also: Vec<Vec<StepOf<S>>>,
    /// What must hold at the end.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub expect: Vec<ExpectationOf<S>>,
}

impl<S: Service> PartialEq for Scenario<S> {
    fn eq(&self, other: &Scenario<S>) -> bool {
        let Scenario {
            about,
            seed,
            sites,
            clients,
            clients_alike,
            machines,
            history,
            leader,
            network,
            disk,
            budget,
            settings,
            limit,
            rules,
            steps,
            also,
            expect,
        } = self;
        *about == other.about
            && *seed == other.seed
            && *sites == other.sites
            && *clients == other.clients
            && *clients_alike == other.clients_alike
            && *machines == other.machines
            && *history == other.history
            && *leader == other.leader
            && *network == other.network
            && *disk == other.disk
            && *budget == other.budget
            && *settings == other.settings
            && *limit == other.limit
            && *rules == other.rules
            && *steps == other.steps
            && *also == other.also
            && *expect == other.expect
    }
}

impl<S: Service> Scenario<S> {
    /// Every track, the first one first.
    pub fn tracks(&self) -> impl Iterator<Item = &[StepOf<S>]> {
        core::iter::once(self.steps.as_slice()).chain(self.also.iter().map(Vec::as_slice))
    }

    /// The same scenario for a service that speaks the same words, such as one that wraps `S`.
    pub fn for_service<T>(&self) -> Scenario<T>
    where
        T: Service<Command = S::Command, Expectation = S::Expectation, Settings = S::Settings>,
    {
        Scenario {
            about: self.about.clone(),
            seed: self.seed,
            sites: self.sites,
            clients: self.clients,
            clients_alike: self.clients_alike,
            machines: self.machines.clone(),
            history: self.history,
            leader: self.leader,
            network: self.network.clone(),
            disk: self.disk,
            budget: self.budget,
            settings: self.settings.clone(),
            limit: self.limit,
            rules: self.rules.clone(),
            steps: self.steps.clone(),
            also: self.also.clone(),
            expect: self.expect.clone(),
        }
    }
}

/// A step in the words of a service.
pub type StepOf<S> = Step<Action<<S as Service>::Command, <S as Service>::Expectation>>;

/// An expectation in the words of a service.
pub type ExpectationOf<S> = Expectation<<S as Service>::Expectation>;

fn a_minute() -> Duration {
    Duration::from_secs(60)
}

fn is_a_minute(time: &Duration) -> bool {
    *time == a_minute()
}

/// The network that every datagram meets.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// How long a datagram is under way.
    #[serde(skip_serializing_if = "is_one_millisecond")]
    pub latency: Latency,
    /// How often one is lost.
    #[serde(skip_serializing_if = "is_usual")]
    pub loss: Chance,
    /// How often one arrives twice.
    #[serde(skip_serializing_if = "is_usual")]
    pub duplication: Chance,
    /// How often one is held back, and for how long at most.
    #[serde(skip_serializing_if = "is_usual")]
    pub reordering: Reordering,
    /// When links lose most of what is sent over them, for a while.
    #[serde(skip_serializing_if = "is_usual")]
    pub bursts: Bursts,
    /// How often some bits of one are flipped under way.
    #[serde(skip_serializing_if = "is_usual")]
    pub corruption: Chance,
    /// How often only the beginning of one arrives.
    #[serde(skip_serializing_if = "is_usual")]
    pub truncation: Chance,
    /// How often a copy of one arrives once more, and how much later.
    #[serde(skip_serializing_if = "is_usual")]
    pub replay: LateCopy,
    /// How often one arrives at another site instead.
    #[serde(skip_serializing_if = "is_usual")]
    pub misdelivery: Chance,
    /// What each link carries in each direction; without bound when absent.
    #[serde(skip_serializing_if = "is_usual")]
    pub bandwidth: Option<Bandwidth>,
}

const ONE_MILLISECOND: Latency = Latency::Constant(Duration::from_millis(1));

fn is_one_millisecond(latency: &Latency) -> bool {
    *latency == ONE_MILLISECOND
}

impl Default for Network {
    fn default() -> Network {
        Network {
            latency: ONE_MILLISECOND,
            loss: Chance::NEVER,
            duplication: Chance::NEVER,
            reordering: Reordering::default(),
            bursts: Bursts::default(),
            corruption: Chance::NEVER,
            truncation: Chance::NEVER,
            replay: LateCopy::default(),
            misdelivery: Chance::NEVER,
            bandwidth: None,
        }
    }
}

/// How often a datagram is held back: two fields of the simulator's settings, one of a file.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reordering {
    /// How often.
    pub chance: Chance,
    /// By how much at most.
    pub by: Duration,
}

/// How long datagrams are under way. The simulator has a type of its own: regions, and a table inside of another latency,
/// are things that only files say.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "latency"), deny_unknown_fields)]
pub enum Latency {
    /// Always the same.
    Constant(Duration),
    /// Evenly between the two, both included.
    Uniform(Duration, Duration),
    /// A least time and an exponential part on top.
    Exponential {
        /// The least.
        min: Duration,
        /// The mean of what comes on top.
        mean: Duration,
    },
    /// A row for each sending site, with a latency for each receiving one.
    Table(Vec<Vec<Latency>>),
    /// Groups of sites with one latency inside each and another between them.
    Regions {
        /// Inside a group.
        within: Box<Latency>,
        /// Between two.
        between: Box<Latency>,
        /// The groups; every site is in one.
        of: Vec<Vec<u8>>,
    },
}

/// How many sites may lose their storage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "budget"))]
pub enum FaultBudget {
    /// As many as the protocol can lose for good: the others must converge.
    #[default]
    Survivable,
    /// Any number: nothing must converge, and only safety is judged.
    Unlimited,
}

/// The disk of every site.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, rename(deserialize = "Disk"), deny_unknown_fields)]
pub struct DiskForm {
    /// How long a sync takes.
    #[serde(skip_serializing_if = "is_usual_sync")]
    pub sync: Duration,
    /// Whether a site handles inputs while a sync runs.
    #[serde(skip_serializing_if = "is_usual")]
    pub mode: DiskMode,
    /// How long each file of a journal is, in bytes; what suits the service when absent.
    #[serde(skip_serializing_if = "is_usual")]
    pub file_bytes: Option<u64>,
}

fn is_usual_sync(time: &Duration) -> bool {
    *time == DiskForm::default().sync
}

impl Default for DiskForm {
    fn default() -> DiskForm {
        DiskForm { sync: Duration::from_millis(1), mode: DiskMode::Overlapped, file_bytes: None }
    }
}

/// Whether a site handles inputs while a sync runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "disk mode"))]
pub enum DiskMode {
    /// It does; what depends on the sync waits for it.
    #[default]
    Overlapped,
    /// It waits.
    Blocking,
}
