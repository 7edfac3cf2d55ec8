//! The tweet service as scenarios know it: what users do, what is expected, what is judged.

mod bound;
mod drawing;
mod expect;
mod history;
mod recipes;
mod same;
mod simpler;
mod words;

pub use words::{Asker, Command, Expectation};

use crate::ids::{ProcessId, SiteId};
use crate::journal::JournalConfig;
use crate::process::{Process, Recovered};
use crate::replicated::paxos::Slot;
use crate::scenario::draw::{Asking, Draws, RecipesOf};
use crate::scenario::{Cluster, History, Order, Pace, Place, Probe, Problem, Renaming, Service, Shape};
use crate::sim::Violation;
use crate::time::Duration;
use crate::tweets::judges::Judges;
use crate::tweets::site::{Config, Operation, Overrides, Participant, Record, Site};
use crate::tweets::timeline::{Timeline, View};

/// The tweet service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timelines;

impl Service for Timelines {
    type Process = Participant;
    type Judges = Judges;
    type Command = Command;
    type Expectation = Expectation;
    type Settings = Overrides;

    /// Another cluster's storage or storage that was put back brings about the first four; the last one waits for an election
    /// that is lost in the instant in which it is won.
    const RARE_NOTES: &'static [&'static str] = &["differs", "diverged", "foreign", "reunited", "overtaken"];
    const NOTABLE_MESSAGES: &'static [&'static str] = &[
        "Prepare",
        "Promise",
        "Accept",
        "Accepted",
        "Chosen",
        "Nack",
        "Heartbeat",
        "Heard",
        "Fetch",
        "Supply",
        "Survey",
        "Extent",
        "Forward",
        "Relay",
    ];
    const STARTER: &'static str = include_str!("starter.ron");

    fn compile(command: &Command) -> Result<Order<Timelines>, Vec<Problem>> {
        command.compile()
    }

    fn check(expectation: &Expectation, shape: &Shape) -> Vec<Problem> {
        expectation.check(shape)
    }

    fn draw_command(draws: &mut Draws, asking: &Asking) -> Option<Command> {
        drawing::command(draws, asking)
    }

    fn draw_settings(draws: &mut Draws, is_tiny: bool) -> Overrides {
        drawing::settings(draws, is_tiny)
    }

    fn recipes() -> RecipesOf<Timelines> {
        recipes::all()
    }

    fn config(settings: &Overrides, shape: &Shape) -> Result<Config, Vec<Problem>> {
        let mut config = Config::new(shape.sites);
        settings.apply(&mut config);
        config
            .check()
            .map_err(|error| vec![Problem::new(Place::whole().field(error.setting()), error.to_string())])?;
        Ok(config)
    }

    fn datagram_max(config: &Config) -> usize {
        config.datagram_max
    }

    fn journal(config: &Config) -> JournalConfig {
        let segment_bytes = config.burst_bytes_max() + (64 << 10);
        JournalConfig { segment_bytes, record_max: config.record_bytes_max::<Timeline>() }
    }

    fn burst_bytes_max(config: &Config) -> u64 {
        // Beside the entries there is a promise or a watermark, and each record's length.
        config.burst_bytes_max() + (1 << 10)
    }

    fn journals(config: &Config, shape: &Shape, history: &History) -> Result<Vec<Vec<Record>>, Vec<Problem>> {
        history::journals(config, shape, history)
    }

    fn draw_history(draws: &mut Draws, config: &Config) -> History {
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
        Ok(())
    }

    fn unknown(judges: &Judges) -> Vec<String> {
        judges.unknown()
    }

    fn converges_within(config: &Config, pace: &Pace) -> Duration {
        bound::converges_within(config, pace)
    }

    /// A linearizable view: it takes a session, a place in the log and an answer, and leaves no tweet.
    fn probe(whom: ProcessId) -> Option<Probe<Timelines>> {
        let view = View { viewer: "probe".parse().ok()?, limit: 50, older_than: None };
        let is_asker = matches!(whom, ProcessId::Terminal(_) | ProcessId::Client(_));
        is_asker.then_some(Probe { command: Ask::Do(Operation::View { view }), done: "done" })
    }

    fn same_state(one: &Participant, other: &Participant) -> Result<(), String> {
        match (one.as_site(), other.as_site()) {
            (Some(one), Some(other)) => same::same_state(one, other),
            _ => Err("one of them is no site".to_owned()),
        }
    }

    fn expect(expectation: &Expectation, cluster: &Cluster<'_, Participant>) -> Result<(), String> {
        expect::holds(expectation, cluster)
    }

    /// All follow one leader, know and have applied the same slots, and neither they nor those who ask them wait
    /// for anything.
    fn converged(cluster: &Cluster<'_, Participant>) -> Result<(), String> {
        let mut first: Option<(SiteId, Slot)> = None;
        let mut leader = None;
        for id in cluster.core.iter() {
            let site = site(cluster, id)?;
            let status = site.status();
            let Some(led_by) = status.leader else { return Err(format!("{id} follows nobody")) };
            if *leader.get_or_insert(led_by) != led_by {
                return Err(format!("{id} follows {led_by}, others another"));
            }
            if status.applied != status.chosen || site.log().end() != status.chosen {
                let (end, chosen, applied) = (site.log().end(), status.chosen, status.applied);
                return Err(format!(
                    "{id} holds slots below {end}, knows {chosen} as chosen, applied {applied}"
                ));
            }
            if status.queue > 0 {
                return Err(format!("{} submissions wait at {id}", status.queue));
            }
            let (other, applied) = *first.get_or_insert((id, status.applied));
            if applied != status.applied {
                return Err(format!("{other} applied {applied} slots and {id} {}", status.applied));
            }
            is_idle(cluster, ProcessId::Terminal(id))?;
        }
        let clients = cluster.members.iter().map(|member| member.id);
        let mut clients = clients.filter(|id| matches!(id, ProcessId::Client(_)));
        clients.try_for_each(|client| is_idle(cluster, client))
    }

    fn rename_command(command: &Command, renaming: &Renaming) -> Option<Command> {
        simpler::rename_command(command, renaming)
    }

    fn rename_expectation(expectation: &Expectation, renaming: &Renaming) -> Option<Expectation> {
        simpler::rename_expectation(expectation, renaming)
    }

    fn simpler_commands(command: &Command) -> Vec<Command> {
        simpler::commands(command)
    }

    fn simpler_settings(settings: &Overrides) -> Vec<Overrides> {
        settings.each_without_one()
    }

    fn final_state(cluster: &Cluster<'_, Participant>) -> String {
        expect::final_state(cluster)
    }
}

/// The running site `id`.
fn site<'a>(cluster: &Cluster<'a, Participant>, id: SiteId) -> Result<&'a Site, String> {
    cluster.state(id)?.as_site().ok_or_else(|| format!("{id} is no site"))
}

fn is_idle(cluster: &Cluster<'_, Participant>, id: ProcessId) -> Result<(), String> {
    let client = cluster.state(id)?.as_client();
    if client.is_none_or(crate::tweets::site::Client::is_idle) {
        Ok(())
    } else {
        Err(format!("{id} waits for an answer"))
    }
}

/// What a command of the service is to its process.
type Ask = <Participant as Process>::Command;

#[cfg(test)]
mod tests;
