//! Runs a machine in scenarios: [`StateService`] is the rest of a [`Service`] whose sites are [`Replicated`].

mod agreed;
mod bound;
mod pictures;
mod settings;

use core::borrow::Borrow;
use core::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ids::ProcessId;
use crate::journal::JournalConfig;
use crate::process::Process;
use crate::replicated::message::BETWEEN_SITES;
use crate::replicated::{Command, Config, Machine, Message, Note, Overrides, Record, Replicated};
use crate::scenario::draw::{Asking, Draws};
#[cfg(feature = "schema")]
use crate::scenario::schema::{ServiceSchemas, derived};
use crate::scenario::step::Target;
use crate::scenario::{
    Cluster, MessagePhase, OldWord, Order, Pace, Place, Probe, Problem, Renaming, Service, Shape, Shown,
    ShownCall,
};
use crate::sim::{Judge, Told, Violation};
use crate::time::Duration;

pub use agreed::{check_saved, converged, is_idle, same_state, site};
pub use bound::converges_within;
pub use pictures::{call, describe, phase, show};
pub use settings::draw_settings;

/// The scenario words of a machine, and its judges. Every implementation is a [`Service`].
pub trait StateService: Sized + Clone + Debug + 'static {
    /// The machine that its sites replicate.
    type Machine: Machine;
    /// The process that runs: `Replicated<Self::Machine>`, or a wrapper of one.
    type Process: Process<
            Message = Message<Self::Machine>,
            Record = Record<Self::Machine>,
            Note = Note<Self::Machine>,
            Command = Command<Self::Machine>,
            Config = Config,
        > + Borrow<Replicated<Self::Machine>>
        + 'static;
    /// The judges that watch it.
    type Judges: Judge<Self::Process>;
    /// Commands of users, as written in a scenario.
    type Words: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync;
    /// Expectations, as written in a scenario.
    type Expectation: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync;

    /// The order that `words` give to a terminal or client, or the problems in them.
    fn compile(words: &Self::Words) -> Result<Order<Self>, Vec<Problem>>;

    /// A command for `asking.who` in a drawn scenario.
    fn draw(draws: &mut Draws, asking: &Asking) -> Option<Self::Words>;

    /// New judges for a run.
    fn judges(config: &Config, shape: &Shape) -> Self::Judges;

    /// What the judges could not judge within their bounds, one sentence each.
    fn unknown(_judges: &Self::Judges) -> Vec<String> {
        Vec::new()
    }

    /// The terminal or client that gets `words`: their field `who`.
    fn who(words: &mut Self::Words) -> &mut Target;

    /// The site that `expectation` is about, if any: its field `site`.
    fn site(expectation: &mut Self::Expectation) -> Option<&mut u8>;

    /// Checks that `expectation` holds. The error says what was expected and what was found.
    fn expect(expectation: &Self::Expectation, cluster: &Cluster<'_, Self::Process>) -> Result<(), String>;

    /// An operation that shows that the service goes on, and changes nothing that a scenario would expect otherwise.
    fn probe() -> Option<<Self::Machine as Machine>::Operation> {
        None
    }
}

impl<T: StateService> Service for T {
    type Process = T::Process;
    type Judges = T::Judges;
    type Command = T::Words;
    type Expectation = T::Expectation;
    type Settings = Overrides;

    /// Storage of other clusters, or storage that was put back, causes the first four. The last one needs an election
    /// that is lost in the instant in which it is won.
    const RARE_NOTES: &'static [&'static str] = RARE_NOTES;
    const OLD_WORDS: &'static [OldWord] = OLD_KINDS;
    const TRACE_NOTATION: &'static str = TRACE_NOTATION;

    fn notable_messages() -> Vec<&'static str> {
        NOTABLE_MESSAGES.into()
    }

    fn compile(words: &T::Words) -> Result<Order<T>, Vec<Problem>> {
        T::compile(words)
    }

    fn check(expectation: &T::Expectation, shape: &Shape) -> Vec<Problem> {
        let site = T::site(&mut expectation.clone()).copied();
        site.and_then(|site| shape.check_site(site, Place::whole().field("site"))).into_iter().collect()
    }

    fn draw_command(draws: &mut Draws, asking: &Asking) -> Option<T::Words> {
        T::draw(draws, asking)
    }

    fn draw_settings(draws: &mut Draws, is_tiny: bool) -> Overrides {
        draw_settings(draws, is_tiny)
    }

    fn config(settings: &Overrides, shape: &Shape) -> Result<Config, Vec<Problem>> {
        config(settings, shape)
    }

    fn datagram_max(config: &Config) -> usize {
        config.datagram_max
    }

    fn journal(config: &Config) -> JournalConfig {
        journal::<T::Machine>(config)
    }

    fn burst_bytes_max(config: &Config) -> u64 {
        burst_bytes_max(config)
    }

    fn converges_within(config: &Config, pace: &Pace) -> Duration {
        converges_within(config, pace)
    }

    fn probe(process: ProcessId) -> Option<Probe<T>> {
        let is_asker = matches!(process, ProcessId::Terminal(_) | ProcessId::Client(_));
        let operation = T::probe().filter(|_| is_asker)?;
        Some(Probe { command: Command::Do(operation), done: "done" })
    }

    fn same_state(one: &T::Process, other: &T::Process) -> Result<(), String> {
        match (one.borrow().as_site(), other.borrow().as_site()) {
            (Some(one), Some(other)) => same_state(one, other),
            _ => Err("one of them is no site".to_owned()),
        }
    }

    fn judges(config: &Config, shape: &Shape) -> T::Judges {
        T::judges(config, shape)
    }

    fn judge_end(_: &T::Judges, cluster: &Cluster<'_, T::Process>) -> Result<(), Violation> {
        check_saved(cluster)
    }

    fn unknown(judges: &T::Judges) -> Vec<String> {
        T::unknown(judges)
    }

    fn expect(expectation: &T::Expectation, cluster: &Cluster<'_, T::Process>) -> Result<(), String> {
        T::expect(expectation, cluster)
    }

    fn converged(cluster: &Cluster<'_, T::Process>) -> Result<(), String> {
        converged(cluster)
    }

    fn rename_command(words: &T::Words, renaming: &Renaming) -> Option<T::Words> {
        let mut renamed = words.clone();
        let who = T::who(&mut renamed);
        *who = renaming.asker(*who)?;
        Some(renamed)
    }

    fn rename_expectation(expectation: &T::Expectation, renaming: &Renaming) -> Option<T::Expectation> {
        let mut renamed = expectation.clone();
        if let Some(site) = T::site(&mut renamed) {
            *site = renaming.site(*site)?;
        }
        Some(renamed)
    }

    fn simpler_settings(settings: &Overrides) -> Vec<Overrides> {
        settings.each_without_one()
    }

    fn show(process: &T::Process, shown: &mut Shown) {
        show(process.borrow(), shown);
    }

    fn describe(message: &Message<T::Machine>) -> String {
        describe(message)
    }

    fn phase(kind: &str) -> MessagePhase {
        phase(kind)
    }

    fn call(told: Told<'_, T::Process>) -> Option<ShownCall> {
        call(told)
    }

    #[cfg(feature = "schema")]
    fn schemas(generator: &mut schemars::SchemaGenerator) -> ServiceSchemas {
        ServiceSchemas { settings: derived::<Overrides>(generator), ..ServiceSchemas::of_names::<T>() }
    }
}

/// Notes that hardly any drawn scenario causes.
pub const RARE_NOTES: &[&str] = &["differs", "diverged", "wrong client", "reunited", "overtaken"];

/// The kinds of messages that drawn scenarios wait for, starve, delay and double.
pub const NOTABLE_MESSAGES: &[&str] = BETWEEN_SITES;

/// How traces write ballots, submissions and positions in the log.
pub const TRACE_NOTATION: &str = "\
under 3.1: the ballot of round 3 of site 1; took 1.2: the 2nd submission of the site's incarnation 1 (its 1st start)
at 5.0, applied 5.0: slot 5 of the log, the first request in that slot; slots and requests count from 0
session 5.0: the session that was opened there; Prepare ballot 28: the ballot 3.1, as 9 times its round plus its site";

/// Kinds of messages and notes that were renamed.
pub const OLD_KINDS: &[OldWord] = &[
    OldWord::message("Ask", "Request"),
    OldWord::message("Compared", "CompareReply"),
    OldWord::message("Extent", "SurveyReply"),
    OldWord::message("Heard", "HeartbeatReply"),
    OldWord::message("Supply", "FetchReply"),
    OldWord::message("Told", "QueryReply"),
    OldWord::note("asks anew", "asks in new session"),
    OldWord::note("foreign", "wrong client"),
    OldWord::note("leans", "follows through"),
    OldWord::note("leaves", "leaves session"),
    OldWord::note("lost", "outcome unknown"),
    OldWord::note("opened", "opened session"),
    OldWord::note("shown", "quorum reply"),
    OldWord::note("told", "local reply"),
    OldWord::note("undone", "gave up"),
    OldWord::note("unread", "read timed out"),
    OldWord::note("waits", "taken"),
];

/// The usual configuration with these settings.
///
/// # Errors
/// When they cannot work.
pub fn config(settings: &Overrides, shape: &Shape) -> Result<Config, Vec<Problem>> {
    let mut config = Config::new(shape.sites);
    settings.apply(&mut config);
    let wrong = config.check();
    wrong.map_err(|error| vec![Problem::new(Place::whole().field(error.setting()), error.to_string())])?;
    Ok(config)
}

/// The configuration of every simulated journal.
pub fn journal<M: Machine>(config: &Config) -> JournalConfig {
    let segment_bytes = config.burst_bytes_max() + (64 << 10);
    JournalConfig { segment_bytes, record_max: config.record_bytes_max::<M>() }
}

/// The most bytes of records that one input may make a site write.
pub fn burst_bytes_max(config: &Config) -> u64 {
    // Beside the entries there are a promise or a watermark, and the length of each record.
    config.burst_bytes_max() + (1 << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_notable_goes_between_sites() {
        assert_eq!((NOTABLE_MESSAGES.first(), NOTABLE_MESSAGES.last()), (Some(&"Prepare"), Some(&"Relay")));
    }
}
