//! What a protocol must provide so that scenarios can be written about it.

use core::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::frame::DATAGRAM_DEFAULT;
use crate::ids::{ProcessId, SITES_MAX, SiteId, SiteSet};
use crate::journal::JournalConfig;
use crate::process::{Label, Links, Process, Recovered};
use crate::ron_file::{OldWord, Place, Problem};
use crate::scenario::askers::Askers;
use crate::scenario::draw::{Asking, Draws, RecipesOf, common_recipes};
use crate::scenario::history::PastLife;
use crate::scenario::picture::{MessagePhase, Shown, ShownCall};
use crate::scenario::plan::CONVERGES_WITHIN;
use crate::scenario::renaming::Renaming;
#[cfg(feature = "schema")]
use crate::scenario::schema::ServiceSchemas;
use crate::scenario::step::Target;
use crate::sim::{Judge, Told, Violation};
use crate::time::Duration;

mod cluster;
mod shape;

pub use cluster::{Cluster, Member, same};
pub use shape::Shape;

/// A protocol, with the words for what its users do and for what is expected of it.
///
/// [`Command`](Service::Command) and [`Expectation`](Service::Expectation) are enums. Their names share one namespace
/// with the harness's own. [Writing](crate::scenario::write()) a value and reading it back yields an equal value;
/// `skip_serializing_if` marks the fields that a file may leave out.
pub trait Service: Sized + Clone + Debug + 'static {
    /// The process that runs on sites, terminals and clients.
    type Process: Process<Config: 'static> + 'static;
    /// The judges that watch a run.
    type Judges: Judge<Self::Process>;
    /// A user's command, as written in a scenario.
    type Command: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync;
    /// An expectation, as written in a scenario.
    type Expectation: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync;
    /// The settings that a scenario may change.
    type Settings: Serialize + DeserializeOwned + Default + Clone + PartialEq + Debug + Send + Sync;

    /// The links that scenarios run under, unless they say another `order`.
    const LINKS: Links = <Self::Process as Process>::LINKS;
    /// The numbers of sites that a cluster of this service can have, in ascending order. A scenario or profile with
    /// another number is an error, and drawing and shrinking keep to these.
    const SITES: &'static [u8] = &[1, 2, 3, 4, 5, 6, 7, 8, SITES_MAX];
    /// Whether its sites ever [lead](crate::process::Role::Leader). Otherwise no scenario says which one leads first.
    const LEADS: bool = true;
    /// Whom drawn scenarios give commands to.
    const ASKERS: Askers = Askers::TerminalsAndClients;
    /// Notes that drawn scenarios hardly ever produce: no sweep requires them.
    const RARE_NOTES: &'static [&'static str] = &[];
    /// How numbers in traces of this service are read, in lines of at most 110 characters. Shown once above a trace.
    const TRACE_NOTATION: &'static str = "";
    /// Old words of this service that files may still contain: kinds of messages and notes, commands, expectations
    /// and their fields. A file with one of them is refused, and `check --fix` rewrites it.
    const OLD_WORDS: &'static [OldWord] = &[];
    /// A commented scenario file to start from. The default one uses no word of any service, and needs two sites.
    const STARTER: &'static str = include_str!("starter.ron");

    /// Every kind of message, for rules and events.
    fn messages() -> Vec<&'static str> {
        <<Self::Process as Process>::Message as Label>::kinds()
    }

    /// Every kind of note, for events.
    fn notes() -> Vec<&'static str> {
        <<Self::Process as Process>::Note as Label>::kinds()
    }

    /// Kinds of message that drawn scenarios wait for, starve, delay and duplicate.
    fn notable_messages() -> Vec<&'static str> {
        Self::messages()
    }

    /// The process that `command` goes to and the command that it receives, or everything that is wrong with
    /// `command`. The caller checks that the process exists.
    fn compile(command: &Self::Command) -> Result<Order<Self>, Vec<Problem>>;

    /// Everything that is wrong with `expectation` in a cluster of this shape.
    fn check(_expectation: &Self::Expectation, _shape: &Shape) -> Vec<Problem> {
        Vec::new()
    }

    /// A command for a drawn scenario; `None` if `asking.who` has no such command. A service that always returns
    /// `None` cannot have scenarios drawn.
    fn draw_command(_draws: &mut Draws, _asking: &Asking) -> Option<Self::Command> {
        None
    }

    /// Settings for a drawn scenario. If `is_tiny`, some limits are small enough to be reached.
    fn draw_settings(_draws: &mut Draws, _is_tiny: bool) -> Self::Settings {
        Self::Settings::default()
    }

    /// Recipes for drawn scenarios. The default ones use leaders, links, restarts, disks and clocks, and no word of
    /// any protocol.
    fn recipes() -> RecipesOf<Self> {
        common_recipes()
    }

    /// The configuration of every process, or everything that is wrong with `settings`.
    fn config(
        settings: &Self::Settings,
        shape: &Shape,
    ) -> Result<<Self::Process as Process>::Config, Vec<Problem>>;

    /// Everything that is wrong with a configuration that a program or a test has changed, as
    /// [`Runner::configured`](crate::search::Runner::configured) does. With any problem no run begins, so nobody takes a
    /// mistake in a test for a failure of the protocol.
    fn check_config(_config: &<Self::Process as Process>::Config) -> Vec<Problem> {
        Vec::new()
    }

    /// The limit on one datagram, in bytes.
    fn datagram_max(_config: &<Self::Process as Process>::Config) -> usize {
        DATAGRAM_DEFAULT
    }

    /// The journal configuration of every site. Small files make a run start faster.
    fn journal(_config: &<Self::Process as Process>::Config) -> JournalConfig {
        JournalConfig { segment_bytes: 256 << 10, ..JournalConfig::default() }
    }

    /// The most bytes of records that one input may make a process write. One file of its journal must hold them.
    fn burst_bytes_max(_config: &<Self::Process as Process>::Config) -> u64 {
        0
    }

    /// How many sites are healed at the end. They must be able to go on without the others: a majority, unless the
    /// protocol needs another number. The harness heals the lowest-numbered sites with intact storage.
    fn core_size(_config: &<Self::Process as Process>::Config, shape: &Shape) -> u8 {
        shape.sites / 2 + 1
    }

    /// How soon a healed core must agree if the scenario gives no bound: longer than a correct core ever takes.
    fn converges_within(_config: &<Self::Process as Process>::Config, _pace: &Pace) -> Duration {
        CONVERGES_WITHIN
    }

    /// The command with which a terminal or client shows that the service works end to end. It must exercise the
    /// whole service and change nothing that a scenario expects. `None` means that this process has nothing to do; if
    /// no process has, no scenario may claim `Progresses`.
    fn probe(_process: ProcessId) -> Option<Probe<Self>> {
        None
    }

    /// Compares two sites that agree, or one site before and after its restart. The error says what differs. The
    /// first is not ahead of the second. The default compares nothing.
    fn same_state(_one: &Self::Process, _other: &Self::Process) -> Result<(), String> {
        Ok(())
    }

    /// The records of each site's journal after `history`, oldest first, or everything that is wrong with `history`.
    /// Sites of such a life must have been able to write them. The default supports `starts` alone.
    fn journals(
        _config: &<Self::Process as Process>::Config,
        shape: &Shape,
        history: &PastLife,
    ) -> Result<Vec<Vec<RecordOf<Self>>>, Vec<Problem>> {
        let problems = history.of_starts_alone();
        if problems.is_empty() { Ok(vec![Vec::new(); usize::from(shape.sites)]) } else { Err(problems) }
    }

    /// A history for a drawn run to begin with.
    fn draw_history(draws: &mut Draws, _config: &<Self::Process as Process>::Config) -> PastLife {
        PastLife { starts: draws.between(250, 300), ..PastLife::default() }
    }

    /// Shows the judges, before a run begins, what each journal holds and how often its site was started.
    fn recall(_judges: &mut Self::Judges, _journals: &[(SiteId, Recovered<RecordOf<Self>>)]) {}

    /// New judges for a run.
    fn judges(config: &<Self::Process as Process>::Config, shape: &Shape) -> Self::Judges;

    /// Makes the judges object to anything that exceeds its time bound while nothing is wrong. An error means that
    /// there are no bounds: then no scenario may claim `Prompt`.
    fn hold_to_bounds(
        _judges: &mut Self::Judges,
        _config: &<Self::Process as Process>::Config,
        _shape: &Shape,
        _pace: &Pace,
    ) -> Result<(), String> {
        Err("this service has no bounds for `Prompt`: implement `Service::hold_to_bounds`".to_owned())
    }

    /// The judges' check of the processes themselves, once at the end.
    fn judge_end(_judges: &Self::Judges, _cluster: &Cluster<'_, Self::Process>) -> Result<(), Violation> {
        Ok(())
    }

    /// Checks that the judges gave up at their limits, one sentence each. They are reported, and fail no run.
    fn unknown(_judges: &Self::Judges) -> Vec<String> {
        Vec::new()
    }

    /// Whether `expectation` holds at this moment. The error says what was expected and what was found.
    fn expect(expectation: &Self::Expectation, cluster: &Cluster<'_, Self::Process>) -> Result<(), String>;

    /// Whether the sites in `cluster.core` agree and nothing is left to do. The error says why not.
    fn converged(cluster: &Cluster<'_, Self::Process>) -> Result<(), String>;

    /// `command` for a cluster whose members have other numbers; `None` if it needs a member that was left out. A
    /// service whose commands name sites or clients must implement this so that failures shrink to fewer members.
    fn rename_command(command: &Self::Command, _renaming: &Renaming) -> Option<Self::Command> {
        Some(command.clone())
    }

    /// `expectation` for a cluster whose members have other numbers; `None` if it needs a member that was left out.
    fn rename_expectation(
        expectation: &Self::Expectation,
        _renaming: &Renaming,
    ) -> Option<Self::Expectation> {
        Some(expectation.clone())
    }

    /// Commands that are simpler than the given one and may show the same failure, the simplest first. Simplifying
    /// again and again must end.
    fn simpler_commands(_command: &Self::Command) -> Vec<Self::Command> {
        Vec::new()
    }

    /// Settings with fewer fields set. Simplifying again and again must end.
    fn simpler_settings(_settings: &Self::Settings) -> Vec<Self::Settings> {
        Vec::new()
    }

    /// The schemas of its words, for `sim-runner words --markdown`: names alone, unless a service whose words derive
    /// [`JsonSchema`](schemars::JsonSchema) returns [`ServiceSchemas::derived`].
    #[cfg(feature = "schema")]
    fn schemas(_generator: &mut schemars::SchemaGenerator) -> ServiceSchemas {
        ServiceSchemas::of_names::<Self>()
    }

    /// Shows the state of a process in pictures: its ballot, its queue, what it holds by slot. By default the sizes that
    /// it [shows](Process::sizes).
    fn show(process: &Self::Process, shown: &mut Shown) {
        process.sizes(|size| shown.field(size.what, size.holds));
    }

    /// What a message holds, in a few words, for pictures: `under 3.0: ann: hello`. Its kind and subject are shown anyhow.
    /// By default nothing.
    fn describe(_message: &<Self::Process as Process>::Message) -> String {
        String::new()
    }

    /// The part that messages of this kind play, for the colours of pictures.
    fn phase(_kind: &str) -> MessagePhase {
        MessagePhase::Other
    }

    /// The call that a command or note begins or ends, for pictures. By default no call is shown.
    fn call(_told: Told<'_, Self::Process>) -> Option<ShownCall> {
        None
    }

    /// The final state of the cluster in a few lines, for snapshots.
    fn final_state(cluster: &Cluster<'_, Self::Process>) -> String {
        let all: SiteSet = cluster.members.iter().filter_map(|member| member.id.as_site()).collect();
        let up: SiteSet = cluster.running().filter_map(|(id, _)| id.as_site()).collect();
        let down = all.minus(up);
        let leads = cluster.leader().map(|site| format!(", {site} leads")).unwrap_or_default();
        if down.is_empty() { format!("{up} up{leads}") } else { format!("{up} up, {down} down{leads}") }
    }
}

/// One durable record of a service's sites.
pub type RecordOf<S> = <<S as Service>::Process as Process>::Record;

/// The speed of a world, for time bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// The longest time that a datagram is in transit. An exponential latency counts as its minimum plus 8 means.
    pub latency: Duration,
    /// The longest sync time of any disk.
    pub sync: Duration,
    /// Number of commands in the scenario.
    pub commands: u64,
}

/// A command with which a terminal or client shows that the service works.
#[derive(Clone, Debug)]
pub struct Probe<S: Service> {
    /// The command.
    pub command: <S::Process as Process>::Command,
    /// The kind of note that reports that the command is done. Until then, the harness repeats the command whenever
    /// the sites agree and nothing is left to do.
    pub done: &'static str,
}

/// A command and the process that receives it.
///
/// [`at`](Order::at) builds one from a command that has a field `at` of the type [`Target`].
/// [`at_site`](Order::at_site), [`at_terminal`](Order::at_terminal) and [`at_client`](Order::at_client) build one from a
/// command that has a field `site` or `client`.
#[derive(Clone, Debug)]
pub struct Order<S: Service> {
    /// The process that receives the command. A role means its holder when the step fires. While nobody has the role,
    /// the step waits.
    pub to: Target,
    /// The command.
    pub command: <S::Process as Process>::Command,
    /// The field of the scenario's command that names `to`.
    pub place: Place,
}

/// The result of [`Service::compile`].
pub type Compiled<S> = Result<Order<S>, Vec<Problem>>;

impl<S: Service> Order<S> {
    /// An order for the process that the command's field `at` names: `Put(at: Leader, value: 7)` in a file.
    pub fn at(at: Target, command: <S::Process as Process>::Command) -> Compiled<S> {
        Ok(Order { to: at, command, place: Place::whole().field("at") })
    }

    /// An order for the site that the command's field `site` names.
    pub fn at_site(site: u8, command: <S::Process as Process>::Command) -> Compiled<S> {
        Order::of_site(site, ProcessId::Site, command)
    }

    /// An order for the terminal of the site that the command's field `site` names.
    pub fn at_terminal(site: u8, command: <S::Process as Process>::Command) -> Compiled<S> {
        Order::of_site(site, ProcessId::Terminal, command)
    }

    /// An order for the client that the command's field `client` names.
    pub fn at_client(client: u16, command: <S::Process as Process>::Command) -> Compiled<S> {
        Ok(Order { to: Target::Client(client), command, place: Place::whole().field("client") })
    }

    /// An order for the terminal or client that the command's field `who` names.
    pub fn of(who: Target, command: <S::Process as Process>::Command) -> Compiled<S> {
        let place = Place::whole().field("who");
        match who {
            Target::Terminal(_) | Target::Client(_) => Ok(Order { to: who, command, place }),
            _ => {
                let help = "`Client(0)`, or `Terminal(0)` for the terminal of site 0";
                Err(vec![Problem::new(place, "who asks is a terminal or a client").help(help)])
            }
        }
    }

    fn of_site(
        site: u8,
        process_at: fn(SiteId) -> ProcessId,
        command: <S::Process as Process>::Command,
    ) -> Compiled<S> {
        let place = Place::whole().field("site");
        match SiteId::new(site) {
            Some(site) => Ok(Order { to: Target::of(process_at(site)), command, place }),
            None => {
                let help = format!("a cluster has at most {SITES_MAX} sites, from 0");
                Err(vec![Problem::new(place, format!("there is no site {site}")).help(help)])
            }
        }
    }
}
