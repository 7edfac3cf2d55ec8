//! The tweet service with a liar as its process: its vocabulary, judges and expectations are those of the real service.

use aviary::ids::{ProcessId, SiteId};
use aviary::journal::JournalConfig;
use aviary::process::{Links, Process, Recovered};
use aviary::scenario::draw::{Asking, Draws, RecipesOf};
use aviary::scenario::schema::{ServiceSchemas, schemars};
use aviary::scenario::{
    Askers, Cluster, MessagePhase, OldWord, Order, Pace, PastLife, Probe, Problem, Renaming, Service, Shape,
    Shown, ShownCall,
};
use aviary::sim::{Told, Violation};
use aviary::time::Duration;
use aviary::tweets::judges::Judges;
use aviary::tweets::service::{TimelineCommand, TimelineExpectation, Timelines};
use aviary::tweets::site::{Overrides, Participant, Record};

use super::{Liar, LiarConfig};

/// The tweet service, sabotaged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lying;

impl Service for Lying {
    type Process = Liar;
    type Judges = Judges;
    type Command = TimelineCommand;
    type Expectation = TimelineExpectation;
    type Settings = Overrides;

    const RARE_NOTES: &'static [&'static str] = Timelines::RARE_NOTES;
    const OLD_WORDS: &'static [OldWord] = Timelines::OLD_WORDS;
    const TRACE_NOTATION: &'static str = Timelines::TRACE_NOTATION;
    const STARTER: &'static str = Timelines::STARTER;

    fn messages() -> Vec<&'static str> {
        Timelines::messages()
    }

    fn notes() -> Vec<&'static str> {
        Timelines::notes()
    }

    fn notable_messages() -> Vec<&'static str> {
        Timelines::notable_messages()
    }

    const LINKS: Links = Timelines::LINKS;
    const SITES: &'static [u8] = Timelines::SITES;
    const LEADS: bool = Timelines::LEADS;
    const ASKERS: Askers = Timelines::ASKERS;

    fn compile(command: &TimelineCommand) -> Result<Order<Lying>, Vec<Problem>> {
        let Order { to, command, place } = Timelines::compile(command)?;
        Ok(Order { to, command, place })
    }

    fn check(expectation: &TimelineExpectation, shape: &Shape) -> Vec<Problem> {
        Timelines::check(expectation, shape)
    }

    fn draw_command(draws: &mut Draws, asking: &Asking) -> Option<TimelineCommand> {
        Timelines::draw_command(draws, asking)
    }

    fn draw_settings(draws: &mut Draws, is_tiny: bool) -> Overrides {
        Timelines::draw_settings(draws, is_tiny)
    }

    fn recipes() -> RecipesOf<Lying> {
        Timelines::recipes()
    }

    fn config(settings: &Overrides, shape: &Shape) -> Result<LiarConfig, Vec<Problem>> {
        Ok(LiarConfig { real: Timelines::config(settings, shape)?, saboteur: None })
    }

    fn check_config(config: &LiarConfig) -> Vec<Problem> {
        Timelines::check_config(&config.real)
    }

    fn datagram_max(config: &LiarConfig) -> usize {
        Timelines::datagram_max(&config.real)
    }

    fn journal(config: &LiarConfig) -> JournalConfig {
        Timelines::journal(&config.real)
    }

    fn burst_bytes_max(config: &LiarConfig) -> u64 {
        Timelines::burst_bytes_max(&config.real)
    }

    fn core_size(config: &LiarConfig, shape: &Shape) -> u8 {
        Timelines::core_size(&config.real, shape)
    }

    fn journals(
        config: &LiarConfig,
        shape: &Shape,
        history: &PastLife,
    ) -> Result<Vec<Vec<Record>>, Vec<Problem>> {
        Timelines::journals(&config.real, shape, history)
    }

    fn draw_history(draws: &mut Draws, config: &LiarConfig) -> PastLife {
        Timelines::draw_history(draws, &config.real)
    }

    fn recall(judges: &mut Judges, journals: &[(SiteId, Recovered<Record>)]) {
        Timelines::recall(judges, journals);
    }

    fn judges(config: &LiarConfig, shape: &Shape) -> Judges {
        Timelines::judges(&config.real, shape)
    }

    fn hold_to_bounds(
        judges: &mut Judges,
        config: &LiarConfig,
        shape: &Shape,
        pace: &Pace,
    ) -> Result<(), String> {
        Timelines::hold_to_bounds(judges, &config.real, shape, pace)
    }

    fn judge_end(judges: &Judges, cluster: &Cluster<'_, Liar>) -> Result<(), Violation> {
        Timelines::judge_end(judges, &real(cluster))
    }

    fn expect(expectation: &TimelineExpectation, cluster: &Cluster<'_, Liar>) -> Result<(), String> {
        Timelines::expect(expectation, &real(cluster))
    }

    fn converged(cluster: &Cluster<'_, Liar>) -> Result<(), String> {
        Timelines::converged(&real(cluster))
    }

    fn unknown(judges: &Judges) -> Vec<String> {
        Timelines::unknown(judges)
    }

    fn converges_within(config: &LiarConfig, pace: &Pace) -> Duration {
        Timelines::converges_within(&config.real, pace)
    }

    fn probe(process: ProcessId) -> Option<Probe<Lying>> {
        let Probe { command, done } = Timelines::probe(process)?;
        Some(Probe { command, done })
    }

    fn same_state(one: &Liar, other: &Liar) -> Result<(), String> {
        Timelines::same_state(&one.real, &other.real)
    }

    fn show(process: &Liar, shown: &mut Shown) {
        Timelines::show(&process.real, shown);
    }

    fn describe(message: &<Participant as Process>::Message) -> String {
        Timelines::describe(message)
    }

    fn phase(kind: &str) -> MessagePhase {
        Timelines::phase(kind)
    }

    fn call(told: Told<'_, Liar>) -> Option<ShownCall> {
        Timelines::call(match told {
            Told::Commanded(command) => Told::Commanded(command),
            Told::Noted(note) => Told::Noted(note),
        })
    }

    fn schemas(generator: &mut schemars::SchemaGenerator) -> ServiceSchemas {
        Timelines::schemas(generator)
    }

    fn rename_command(command: &TimelineCommand, renaming: &Renaming) -> Option<TimelineCommand> {
        Timelines::rename_command(command, renaming)
    }

    fn rename_expectation(
        expectation: &TimelineExpectation,
        renaming: &Renaming,
    ) -> Option<TimelineExpectation> {
        Timelines::rename_expectation(expectation, renaming)
    }

    fn simpler_commands(command: &TimelineCommand) -> Vec<TimelineCommand> {
        Timelines::simpler_commands(command)
    }

    fn simpler_settings(settings: &Overrides) -> Vec<Overrides> {
        Timelines::simpler_settings(settings)
    }

    fn final_state(cluster: &Cluster<'_, Liar>) -> String {
        Timelines::final_state(&real(cluster))
    }
}

/// The cluster with the real processes inside the liars.
fn real<'a>(cluster: &Cluster<'a, Liar>) -> Cluster<'a, Participant> {
    cluster.inside(&cluster.config.real, |liar| &liar.real)
}
