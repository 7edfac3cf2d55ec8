//! The whole file.

use serde::{Deserialize, Serialize};

use crate::process::Links;
use crate::scenario::history::PastLife;
#[cfg(feature = "schema")]
use crate::scenario::schema::{ExpectationSchema, SettingsSchema, StepSchema, shown};
use crate::scenario::service::Service;
use crate::scenario::step::{Action, Expectation, Rule, Step};
use crate::scenario::value::is_usual;
use crate::sim::{Bandwidth, Bursts, Chance, Delivery, LateCopy};
use crate::time::Duration;

/// A scenario: the cluster, what happens to it, and what must hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "", deserialize = ""), deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Scenario", bound = ""))]
pub struct Scenario<S: Service> {
    /// The property that the scenario shows, in one sentence.
    pub about: String,
    /// The number from which everything random in the run is drawn.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub seed: u64,
    /// The number of sites, 1 to 9. Sites are numbered from 0.
    pub sites: u8,
    /// The number of clients on machines of their own. Clients are numbered from 0.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub clients: u16,
    /// Whether all terminals and clients draw the same random numbers, so that queries of two of them have the same
    /// number.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub clients_alike: bool,
    /// The sites of each machine, as in `[[0, 1], [2]]`: each site once, up to 9 machines, numbered from 0. Absent:
    /// each site has a machine of its own.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub machines: Option<Vec<Vec<u8>>>,
    /// The life of the cluster before the run. Default: a cluster without a past.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub history: PastLife,
    /// The site that leads first. The other sites sleep from their start until it campaigns; the run is stale if it
    /// never does. Absent: any site may lead first.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub leader: Option<u8>,
    /// The behaviour of every link.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub network: Network,
    /// The disk of every site.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub disk: DiskForm,
    /// The number of sites whose storage the file may damage.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub budget: FaultBudget,
    /// The configuration of the service.
    #[serde(default, skip_serializing_if = "is_usual")]
    #[cfg_attr(feature = "schema", schemars(with = "SettingsSchema<S>"))]
    pub settings: S::Settings,
    /// The simulated time at which waiting for steps ends, counted from the start of the run. A step that has not
    /// fired by then makes the run stale, unless it is optional. Above `"0s"`.
    #[serde(default = "a_minute", skip_serializing_if = "is_a_minute")]
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "shown"))]
    pub limit: Duration,
    /// Rules for datagrams that apply from the start of the run.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub rules: Vec<Rule>,
    /// The first track of steps.
    #[serde(default, skip_serializing_if = "is_usual")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<StepSchema<S>>"))]
    pub steps: Vec<StepOf<S>>,
    /// Further tracks of steps. They run beside the first.
    #[serde(default, skip_serializing_if = "is_usual")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Vec<StepSchema<S>>>"))]
    pub also: Vec<Vec<StepOf<S>>>,
    /// The claims and expectations about the whole run and its end.
    #[serde(default, skip_serializing_if = "is_usual")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<ExpectationSchema<S>>"))]
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
pub type StepOf<S> = Step<ActionOf<S>>;

/// The action of a step in the words of a service.
pub type ActionOf<S> = Action<<S as Service>::Command, <S as Service>::Expectation>;

/// An expectation in the words of a service.
pub type ExpectationOf<S> = Expectation<<S as Service>::Expectation>;

fn a_minute() -> Duration {
    Duration::from_secs(60)
}

fn is_a_minute(time: &Duration) -> bool {
    *time == a_minute()
}

/// The behaviour of every link. Chances apply to each datagram by itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Network {
    /// What makes datagrams arrive, deadlines come and syncs complete. `network: Held` is short for
    /// `network: (delivery: Held)`, and `ByItself` alike.
    #[serde(skip_serializing_if = "is_usual")]
    pub delivery: Delivery,
    /// The time that a datagram takes.
    #[serde(skip_serializing_if = "is_one_millisecond")]
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "shown"))]
    pub latency: Latency,
    /// The chance that a datagram is lost.
    #[serde(skip_serializing_if = "is_usual")]
    pub loss: Chance,
    /// The chance that a datagram arrives twice.
    #[serde(skip_serializing_if = "is_usual")]
    pub duplication: Chance,
    /// The chance that a datagram is held back, and the longest extra time.
    #[serde(skip_serializing_if = "is_usual")]
    pub reordering: Reordering,
    /// Periods in which a link loses most datagrams.
    #[serde(skip_serializing_if = "is_usual")]
    pub bursts: Bursts,
    /// The chance that some bits of a datagram are flipped on the way.
    #[serde(skip_serializing_if = "is_usual")]
    pub corruption: Chance,
    /// The chance that only the beginning of a datagram arrives.
    #[serde(skip_serializing_if = "is_usual")]
    pub truncation: Chance,
    /// The chance that a copy of a datagram arrives once more, much later.
    #[serde(skip_serializing_if = "is_usual")]
    pub late_copies: LateCopy,
    /// The chance that a datagram arrives at another site instead.
    #[serde(skip_serializing_if = "is_usual")]
    pub misdelivery: Chance,
    /// The capacity of each link in each direction. Absent: unlimited.
    #[serde(skip_serializing_if = "is_usual")]
    pub bandwidth: Option<Bandwidth>,
    /// What each link promises. Absent: what the service assumes.
    #[serde(skip_serializing_if = "is_usual")]
    pub order: Option<Links>,
    /// How long a link may be cut or clogged before it breaks, above `"0s"`, where the order is `Stream`. Absent: 2s.
    #[serde(skip_serializing_if = "is_usual")]
    pub break_after: Option<Duration>,
}

impl Network {
    /// What each link promises, for a service that assumes these links.
    pub fn order(&self, assumed: Links) -> Links {
        self.order.unwrap_or(assumed)
    }
}

pub(super) const ONE_MILLISECOND: Latency = Latency::Constant(Duration::from_millis(1));

fn is_one_millisecond(latency: &Latency) -> bool {
    *latency == ONE_MILLISECOND
}

impl Default for Network {
    fn default() -> Network {
        Network {
            delivery: Delivery::ByItself,
            latency: ONE_MILLISECOND,
            loss: Chance::NEVER,
            duplication: Chance::NEVER,
            reordering: Reordering::default(),
            bursts: Bursts::default(),
            corruption: Chance::NEVER,
            truncation: Chance::NEVER,
            late_copies: LateCopy::default(),
            misdelivery: Chance::NEVER,
            bandwidth: None,
            order: None,
            break_after: None,
        }
    }
}

/// How often and how long datagrams are held back, so that later ones overtake them.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reordering {
    /// The chance that a datagram is held back.
    pub chance: Chance,
    /// The longest extra time.
    pub by: Duration,
}

/// The time that a datagram takes on a link.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "latency"), deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Latency"))]
pub enum Latency {
    /// Always the same time.
    Constant(Duration),
    /// A time between the two, both included; each is equally likely.
    Uniform(Duration, Duration),
    /// A least time, and an exponentially distributed time on top.
    Exponential {
        /// The least time.
        min: Duration,
        /// The mean of the time on top.
        mean: Duration,
    },
    /// A row for each sending site, and in it a latency for each receiving site, the sender included. Both are in the
    /// order of the numbers. A latency here is `Constant`, `Uniform` or `Exponential`, and so it is in `Regions`.
    Table(Vec<Vec<Latency>>),
    /// Groups of sites with one latency inside a group and another between groups.
    Regions {
        /// The latency inside a group.
        within: Box<Latency>,
        /// The latency between two groups.
        between: Box<Latency>,
        /// The groups. Every site is in exactly one.
        of: Vec<Vec<u8>>,
    },
}

/// The number of sites whose storage a file may damage or wipe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "budget"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Budget", extend("default" = FaultBudget::default())))]
pub enum FaultBudget {
    /// As many as the protocol can lose for good. The other sites must converge.
    #[default]
    Survivable,
    /// Any number. Nothing has to converge, and only safety is judged.
    Unlimited,
}

/// The disk of every site.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, rename(deserialize = "Disk"), deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Disk"))]
pub struct DiskForm {
    /// The time that a sync takes.
    #[serde(skip_serializing_if = "is_usual_sync")]
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "shown"))]
    pub sync: Duration,
    /// Whether a site handles inputs while a sync runs.
    #[serde(skip_serializing_if = "is_usual")]
    pub mode: DiskMode,
    /// The length of each file of a journal, in bytes. Absent: the length that the service chooses.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "DiskMode", extend("default" = DiskMode::default())))]
pub enum DiskMode {
    /// The site handles inputs; whatever depends on the sync waits for it.
    #[default]
    Overlapped,
    /// The site handles nothing until the sync ends.
    Blocking,
}
