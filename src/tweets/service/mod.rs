//! The tweet service as a [`Service`] for scenarios: what users do, what is expected, and what is judged.

mod bound;
mod drawing;
mod expect;
mod history;
mod recipes;
mod simpler;
mod vocabulary;

use vocabulary::OLD_WORDS;
pub use vocabulary::{Asker, ReadMode, TimelineCommand, TimelineExpectation};

use crate::ids::{ProcessId, SiteId};
use crate::journal::JournalConfig;
use crate::process::{Process, Recovered};
use crate::replicated::service as state;
use crate::scenario::draw::{Asking, Draws, RecipesOf};
#[cfg(feature = "schema")]
use crate::scenario::schema::ServiceSchemas;
use crate::scenario::{
    Cluster, MessagePhase, OldWord, Order, Pace, PastLife, Probe, Problem, Renaming, Service, Shape, Shown,
    ShownCall,
};
use crate::sim::{Told, Violation};
use crate::time::Duration;
use crate::tweets::judges::Judges;
use crate::tweets::site::{Config, Operation, Overrides, Participant, Record};
use crate::tweets::timeline::{Timeline, View};

/// The tweet service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timelines;

impl Service for Timelines {
    type Process = Participant;
    type Judges = Judges;
    type Command = TimelineCommand;
    type Expectation = TimelineExpectation;
    type Settings = Overrides;

    const RARE_NOTES: &'static [&'static str] = state::RARE_NOTES;
    const OLD_WORDS: &'static [OldWord] = OLD_WORDS;
    const TRACE_NOTATION: &'static str = state::TRACE_NOTATION;
    const STARTER: &'static str = include_str!("starter.ron");

    fn notable_messages() -> Vec<&'static str> {
        state::NOTABLE_MESSAGES.into()
    }

    fn compile(command: &TimelineCommand) -> Result<Order<Timelines>, Vec<Problem>> {
        command.compile()
    }

    fn check(expectation: &TimelineExpectation, shape: &Shape) -> Vec<Problem> {
        expectation.check(shape)
    }

    fn draw_command(draws: &mut Draws, asking: &Asking) -> Option<TimelineCommand> {
        drawing::command(draws, asking)
    }

    fn draw_settings(draws: &mut Draws, is_tiny: bool) -> Overrides {
        state::draw_settings(draws, is_tiny)
    }

    fn recipes() -> RecipesOf<Timelines> {
        recipes::all()
    }

    fn config(settings: &Overrides, shape: &Shape) -> Result<Config, Vec<Problem>> {
        state::config(settings, shape)
    }

    fn datagram_max(config: &Config) -> usize {
        config.datagram_max
    }

    fn journal(config: &Config) -> JournalConfig {
        state::journal::<Timeline>(config)
    }

    fn burst_bytes_max(config: &Config) -> u64 {
        state::burst_bytes_max(config)
    }

    fn journals(
        config: &Config,
        shape: &Shape,
        history: &PastLife,
    ) -> Result<Vec<Vec<Record>>, Vec<Problem>> {
        history::journals(config, shape, history)
    }

    fn draw_history(draws: &mut Draws, config: &Config) -> PastLife {
        history::draw(draws, config)
    }

    fn recall(judges: &mut Judges, journals: &[(SiteId, Recovered<Record>)]) {
        let recalled = judges.recall(journals);
        assert!(recalled.is_ok(), "no cluster can have had this history: {recalled:?}");
    }

    fn judges(config: &Config, shape: &Shape) -> Judges {
        Judges::new(shape.sites, config.sessions_max)
    }

    fn hold_to_bounds(
        judges: &mut Judges,
        config: &Config,
        shape: &Shape,
        pace: &Pace,
    ) -> Result<(), String> {
        judges.hold_to_bounds(shape.sites, bound::prompt(config, pace), bound::budget(config));
        Ok(())
    }

    fn judge_end(judges: &Judges, cluster: &Cluster<'_, Participant>) -> Result<(), Violation> {
        let sites = cluster.members.iter().filter_map(|member| Some((member.id.as_site()?, member.state?)));
        for (id, site) in sites.filter_map(|(id, state)| Some((id, state.as_site()?))) {
            let (applied, timeline) = (site.status().applied, site.machine());
            let log = site.log().chosen_from(site.log().first());
            judges.check_site(id, applied, timeline.tweets(), timeline.blocks(), log)?;
        }
        state::check_saved(cluster)
    }

    fn unknown(judges: &Judges) -> Vec<String> {
        judges.unknown()
    }

    fn converges_within(config: &Config, pace: &Pace) -> Duration {
        state::converges_within(config, pace)
    }

    /// A linearizable view: it needs a session, a slot and an answer, and leaves no tweet.
    fn probe(process: ProcessId) -> Option<Probe<Timelines>> {
        let view = View { viewer: "probe".parse().ok()?, limit: 50, older_than: None };
        let is_asker = matches!(process, ProcessId::Terminal(_) | ProcessId::Client(_));
        is_asker.then_some(Probe { command: SiteCommand::Do(Operation::View { view }), done: "done" })
    }

    fn same_state(one: &Participant, other: &Participant) -> Result<(), String> {
        match (one.as_site(), other.as_site()) {
            (Some(one), Some(other)) => state::same_state(one, other),
            _ => Err("one of them is no site".to_owned()),
        }
    }

    fn expect(expectation: &TimelineExpectation, cluster: &Cluster<'_, Participant>) -> Result<(), String> {
        expect::holds(expectation, cluster)
    }

    fn converged(cluster: &Cluster<'_, Participant>) -> Result<(), String> {
        state::converged(cluster)
    }

    fn rename_command(command: &TimelineCommand, renaming: &Renaming) -> Option<TimelineCommand> {
        simpler::rename_command(command, renaming)
    }

    fn rename_expectation(
        expectation: &TimelineExpectation,
        renaming: &Renaming,
    ) -> Option<TimelineExpectation> {
        simpler::rename_expectation(expectation, renaming)
    }

    fn simpler_commands(command: &TimelineCommand) -> Vec<TimelineCommand> {
        simpler::commands(command)
    }

    fn simpler_settings(settings: &Overrides) -> Vec<Overrides> {
        settings.each_without_one()
    }

    fn show(process: &Participant, shown: &mut Shown) {
        state::show(process, shown);
    }

    fn describe(message: &<Participant as Process>::Message) -> String {
        state::describe(message)
    }

    fn phase(kind: &str) -> MessagePhase {
        state::phase(kind)
    }

    fn call(told: Told<'_, Participant>) -> Option<ShownCall> {
        state::call(told)
    }

    #[cfg(feature = "schema")]
    fn schemas(generator: &mut schemars::SchemaGenerator) -> ServiceSchemas {
        ServiceSchemas::derived::<Timelines>(generator)
    }

    fn final_state(cluster: &Cluster<'_, Participant>) -> String {
        expect::final_state(cluster)
    }
}

/// The command that the service's process takes.
type SiteCommand = <Participant as Process>::Command;

#[cfg(test)]
mod tests;
