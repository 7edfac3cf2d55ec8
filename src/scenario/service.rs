//! What a protocol brings so that scenarios can be written about it.

use core::cmp::Reverse;
use core::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::frame::DATAGRAM_DEFAULT;
use crate::ids::{ProcessId, SITES_MAX, SiteId, SiteSet};
use crate::journal::JournalConfig;
use crate::process::{Label, Process, Recovered, Role};
use crate::ron_file::{Place, Problem};
use crate::scenario::draw::{Asking, Draws, RecipesOf, common_recipes};
use crate::scenario::history::PastLife;
use crate::scenario::plan::CONVERGES_WITHIN;
use crate::scenario::renaming::Renaming;
use crate::scenario::step::Target;
use crate::sim::{Judge, Violation};
use crate::time::{Duration, Instant};

/// A protocol with words for its users and for what is expected of it.
///
/// [`Command`](Service::Command) and [`Expectation`](Service::Expectation) are enums. Their names share one
/// namespace with the harness's own. What is [written](crate::scenario::write()) of them is read back as the same:
/// a field that may be left out of a file is left out where `skip_serializing_if` says so.
pub trait Service: Sized + Clone + Debug + 'static {
    /// What runs.
    type Process: Process<Config: 'static> + 'static;
    /// What watches it.
    type Judges: Judge<Self::Process>;
    /// What users do, as written in a scenario.
    type Command: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync;
    /// What is expected, as written in a scenario.
    type Expectation: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync;
    /// What a scenario may configure.
    type Settings: Serialize + DeserializeOwned + Default + Clone + PartialEq + Debug + Send + Sync;

    /// Every kind of message, for rules and events.
    const MESSAGES: &'static [&'static str] = <<Self::Process as Process>::Message as Label>::KINDS;
    /// Every kind of note, for events.
    const NOTES: &'static [&'static str] = <<Self::Process as Process>::Note as Label>::KINDS;
    /// Kinds of message that drawn scenarios wait for, starve, delay and double.
    const NOTABLE_MESSAGES: &'static [&'static str] = Self::MESSAGES;
    /// Notes that drawn scenarios hardly ever bring about: no sweep is asked for them.
    const RARE_NOTES: &'static [&'static str] = &[];
    /// A commented scenario to start from, as a file. The usual one has no word of a service.
    const STARTER: &'static str = include_str!("starter.ron");

    /// What `command` hands to which process, or what is wrong with it. Whether that process exists is not
    /// this function's business.
    fn compile(command: &Self::Command) -> Result<Order<Self>, Vec<Problem>>;

    /// Everything that is wrong with `expectation` in a cluster of this shape.
    fn check(_expectation: &Self::Expectation, _shape: &Shape) -> Vec<Problem> {
        Vec::new()
    }

    /// A command for a drawn scenario; nothing where `asking.who` can ask for nothing of the kind. Whoever draws
    /// none cannot have scenarios drawn.
    fn draw_command(_draws: &mut Draws, _asking: &Asking) -> Option<Self::Command> {
        None
    }

    /// The settings of a drawn scenario; with `is_tiny` some limits are so small that they are reached.
    fn draw_settings(_draws: &mut Draws, _is_tiny: bool) -> Self::Settings {
        Self::Settings::default()
    }

    /// The recipes of drawn scenarios. The usual ones know of leaders and links, and of nothing else.
    fn recipes() -> RecipesOf<Self> {
        common_recipes()
    }

    /// The configuration of every process, or everything that is wrong with it.
    fn config(
        settings: &Self::Settings,
        shape: &Shape,
    ) -> Result<<Self::Process as Process>::Config, Vec<Problem>>;

    /// The limit on one datagram, in bytes.
    fn datagram_max(_config: &<Self::Process as Process>::Config) -> usize {
        DATAGRAM_DEFAULT
    }

    /// The form of every site's journal. Small files make a run start faster.
    fn journal(_config: &<Self::Process as Process>::Config) -> JournalConfig {
        JournalConfig { segment_bytes: 256 << 10, ..JournalConfig::default() }
    }

    /// How many bytes of records one input may make a process write at most: a file of its journal must hold them.
    fn burst_bytes_max(_config: &<Self::Process as Process>::Config) -> u64 {
        0
    }

    /// How many sites are healed at the end, those with the lowest numbers, because they can go on without the
    /// others: a majority, unless the protocol has another idea.
    fn core_size(_config: &<Self::Process as Process>::Config, shape: &Shape) -> u8 {
        shape.sites / 2 + 1
    }

    /// How soon a healed core must agree where a scenario does not say: longer than it ever takes one that works.
    fn converges_within(_config: &<Self::Process as Process>::Config, _pace: &Pace) -> Duration {
        CONVERGES_WITHIN
    }

    /// What `whom`, a terminal or a client, does to show that the service goes on: something that takes all of it, and
    /// changes nothing that a scenario would expect otherwise. `None` for who does nothing; where that is everybody,
    /// no scenario may claim `Progresses`.
    fn probe(_whom: ProcessId) -> Option<Probe<Self>> {
        None
    }

    /// Whether two sites that agree hold the same, or what differs: one and another, or one before it was restarted
    /// and behind that. The first has not gone further than the second. The usual one compares nothing.
    fn same_state(_one: &Self::Process, _other: &Self::Process) -> Result<(), String> {
        Ok(())
    }

    /// What the journal of each site holds after `history`, oldest first, or everything that is wrong with it: what sites
    /// of such a life could have written. A service that does not write this knows of starts alone.
    fn journals(
        _config: &<Self::Process as Process>::Config,
        shape: &Shape,
        history: &PastLife,
    ) -> Result<Vec<Vec<RecordOf<Self>>>, Vec<Problem>> {
        let problems = history.of_starts_alone();
        if problems.is_empty() { Ok(vec![Vec::new(); usize::from(shape.sites)]) } else { Err(problems) }
    }

    /// A history that a drawn run begins with.
    fn draw_history(draws: &mut Draws, _config: &<Self::Process as Process>::Config) -> PastLife {
        PastLife { starts: draws.between(250, 300), ..PastLife::default() }
    }

    /// Shows the judges of a run what the journals hold before it begins, and how often each site was started.
    fn recall(_judges: &mut Self::Judges, _journals: &[(SiteId, Recovered<RecordOf<Self>>)]) {}

    /// New judges for a run.
    fn judges(config: &<Self::Process as Process>::Config, shape: &Shape) -> Self::Judges;

    /// From here on the judges object to whatever takes longer than it may while nothing is wrong. An error says that
    /// there are no bounds: no scenario may claim `Prompt` then.
    fn hold_to_bounds(
        _judges: &mut Self::Judges,
        _config: &<Self::Process as Process>::Config,
        _shape: &Shape,
        _pace: &Pace,
    ) -> Result<(), String> {
        Err("this service has no bounds for `Prompt`: implement `Service::hold_to_bounds`".to_owned())
    }

    /// What judges say of the processes themselves, once at the end.
    fn judge_end(_judges: &Self::Judges, _cluster: &Cluster<'_, Self::Process>) -> Result<(), Violation> {
        Ok(())
    }

    /// What judges could not judge within their bounds, in a sentence each. It fails nothing, and is told.
    fn unknown(_judges: &Self::Judges) -> Vec<String> {
        Vec::new()
    }

    /// Whether `expectation` holds now; if not, what was expected and what was found.
    fn expect(expectation: &Self::Expectation, cluster: &Cluster<'_, Self::Process>) -> Result<(), String>;

    /// Whether the sites of `cluster` that are asked to agree do so and nothing is left to do; if not, why not.
    fn converged(cluster: &Cluster<'_, Self::Process>) -> Result<(), String>;

    /// `command` in a cluster whose members have other numbers; `None` when it needs somebody who is gone.
    /// A service whose commands name sites or clients writes this so that failures shrink to fewer of them.
    fn rename_command(command: &Self::Command, _renaming: &Renaming) -> Option<Self::Command> {
        Some(command.clone())
    }

    /// The same for an expectation.
    fn rename_expectation(
        expectation: &Self::Expectation,
        _renaming: &Renaming,
    ) -> Option<Self::Expectation> {
        Some(expectation.clone())
    }

    /// Commands that say less than `command` and may show the same failure, the simplest first. Following them must
    /// come to an end.
    fn simpler_commands(_command: &Self::Command) -> Vec<Self::Command> {
        Vec::new()
    }

    /// Settings with fewer things set. Following them must come to an end.
    fn simpler_settings(_settings: &Self::Settings) -> Vec<Self::Settings> {
        Vec::new()
    }

    /// What everything came to, in a few lines, for snapshots.
    fn final_state(cluster: &Cluster<'_, Self::Process>) -> String {
        let all: SiteSet = cluster.members.iter().filter_map(|member| member.id.as_site()).collect();
        let up: SiteSet = cluster.running().filter_map(|(id, _)| id.as_site()).collect();
        let down = all.minus(up);
        let leads = cluster.leader().map(|site| format!(", {site} leads")).unwrap_or_default();
        if down.is_empty() { format!("{up} up{leads}") } else { format!("{up} up, {down} down{leads}") }
    }
}

/// One durable fact of a service's sites.
pub type RecordOf<S> = <<S as Service>::Process as Process>::Record;

/// How fast a world is, for bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// The longest time that a datagram is under way, as good as: an exponential latency has no longest.
    pub latency: Duration,
    /// The longest time that any disk takes for a sync.
    pub sync: Duration,
    /// How many commands the scenario gives.
    pub commands: u64,
}

/// What somebody does to show that the service goes on.
#[derive(Clone, Debug)]
pub struct Probe<S: Service> {
    /// What it is commanded.
    pub command: <S::Process as Process>::Command,
    /// The kind of the note with which it says that this is done. Until it does, it is commanded again whenever
    /// nobody has anything left to do.
    pub done: &'static str,
}

/// A command and whom it is handed to.
///
/// [`at_site`](Order::at_site), [`at_terminal`](Order::at_terminal) and [`at_client`](Order::at_client) make one out
/// of a command that has a field `site` or `client`.
#[derive(Clone, Debug)]
pub struct Order<S: Service> {
    /// To whom.
    pub to: ProcessId,
    /// What.
    pub command: <S::Process as Process>::Command,
    /// Where `to` is written in the command.
    pub place: Place,
}

/// What a [`Service::compile`] returns.
pub type Compiled<S> = Result<Order<S>, Vec<Problem>>;

impl<S: Service> Order<S> {
    /// For the site that the command's field `site` names.
    pub fn at_site(site: u8, command: <S::Process as Process>::Command) -> Compiled<S> {
        Order::at(site, ProcessId::Site, command)
    }

    /// For the terminal of the site that the command's field `site` names.
    pub fn at_terminal(site: u8, command: <S::Process as Process>::Command) -> Compiled<S> {
        Order::at(site, ProcessId::Terminal, command)
    }

    /// For the client that the command's field `client` names.
    pub fn at_client(client: u16, command: <S::Process as Process>::Command) -> Compiled<S> {
        Ok(Order { to: ProcessId::Client(client), command, place: Place::whole().field("client") })
    }

    /// For the terminal or client that the command's field `who` names.
    pub fn of(who: Target, command: <S::Process as Process>::Command) -> Compiled<S> {
        let place = Place::whole().field("who");
        match who.process() {
            Some(to @ (ProcessId::Terminal(_) | ProcessId::Client(_))) => Ok(Order { to, command, place }),
            _ => {
                let help = "`Client(0)`, or `Terminal(0)` for the terminal of site 0";
                Err(vec![Problem::new(place, "who asks is a terminal or a client").help(help)])
            }
        }
    }

    fn at(
        site: u8,
        whose: fn(SiteId) -> ProcessId,
        command: <S::Process as Process>::Command,
    ) -> Compiled<S> {
        let place = Place::whole().field("site");
        match SiteId::new(site) {
            Some(site) => Ok(Order { to: whose(site), command, place }),
            None => {
                let help = format!("a cluster has at most {SITES_MAX} sites, from 0");
                Err(vec![Problem::new(place, format!("there is no site {site}")).help(help)])
            }
        }
    }
}

/// Who is in a cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    /// How many sites.
    pub sites: u8,
    /// How many clients beside the terminals.
    pub clients: u16,
    /// The machine of every site.
    pub machines: Vec<u8>,
}

impl Shape {
    /// Every site.
    pub fn all_sites(&self) -> SiteSet {
        SiteSet::first(self.sites)
    }

    /// The site with this number, if there is one.
    pub fn site(&self, number: u8) -> Option<SiteId> {
        SiteId::new(number).filter(|_| number < self.sites)
    }

    /// The sites on this machine.
    pub fn on_machine(&self, machine: u8) -> SiteSet {
        self.all_sites().iter().filter(|site| self.machines.get(site.index()) == Some(&machine)).collect()
    }

    /// The sites of each machine.
    pub fn all_machines(&self) -> Vec<SiteSet> {
        let count = self.machines.iter().max().map_or(0, |most| *most + 1);
        (0..count).map(|machine| self.on_machine(machine)).collect()
    }

    /// A problem at `place` unless site `number` exists.
    pub fn check_site(&self, number: u8, place: Place) -> Option<Problem> {
        let problem = || Problem::new(place, format!("there is no site {number}")).help(self.which_sites());
        self.site(number).is_none().then(problem)
    }

    /// A problem at `place` unless client `number` exists.
    pub fn check_client(&self, number: u16, place: Place) -> Option<Problem> {
        let help = match self.clients {
            0 => "this scenario has `clients: 0`".to_owned(),
            1 => "the only client is 0".to_owned(),
            clients => format!("the clients are 0 to {}", clients - 1),
        };
        let problem = || Problem::new(place, format!("there is no client {number}")).help(help);
        (number >= self.clients).then(problem)
    }

    pub(crate) fn which_sites(&self) -> String {
        match self.sites {
            0 | 1 => "the only site is 0".to_owned(),
            sites => format!("the sites are 0 to {}", sites - 1),
        }
    }
}

/// The processes of a run at one moment.
#[derive(Clone, Debug)]
pub struct Cluster<'a, P: Process> {
    /// The moment.
    pub now: Instant,
    /// What every process is configured with.
    pub config: &'a P::Config,
    /// The sites that are asked to agree: those that can vote and be reached.
    pub core: SiteSet,
    /// Everybody, in ascending order: sites, terminals, clients.
    pub members: Vec<Member<'a, P>>,
}

/// One process of a run.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a, P> {
    /// Which.
    pub id: ProcessId,
    /// Its state; `None` while it is down.
    pub state: Option<&'a P>,
}

/// `found` is what was `expected` of `what`; if not, says so.
pub fn same<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

impl<'a, P: Process> Cluster<'a, P> {
    /// The state of `id`, or why there is none.
    pub fn state(&self, id: impl Into<ProcessId>) -> Result<&'a P, String> {
        let id = id.into();
        let place = self.members.binary_search_by_key(&id, |member| member.id);
        let member = &self.members[place.map_err(|_| format!("there is no {id}"))?];
        member.state.ok_or_else(|| format!("{id} is down"))
    }

    /// Everybody that runs, sites first.
    pub fn running(&self) -> impl Iterator<Item = (ProcessId, &'a P)> {
        self.members.iter().filter_map(|member| Some((member.id, member.state?)))
    }

    /// Whether `holds` for everybody that runs; if not, who is `otherwise`, like "waits for an answer".
    pub fn all(&self, holds: impl Fn(&P) -> bool, otherwise: &str) -> Result<(), String> {
        let other = self.running().find(|(_, state)| !holds(state));
        other.map_or(Ok(()), |(id, _)| Err(format!("{id} {otherwise}")))
    }

    /// The leading site of the highest rank; the lowest number of several.
    pub fn leader(&self) -> Option<SiteId> {
        let rank = |member: &Member<'a, P>| match member.state?.role() {
            Role::Leader { rank } => Some((rank, member.id.as_site()?)),
            Role::Candidate | Role::Follower | Role::Client => None,
        };
        let leading = self.members.iter().filter_map(rank);
        leading.max_by_key(|(rank, site)| (*rank, Reverse(*site))).map(|(_, site)| site)
    }
}
