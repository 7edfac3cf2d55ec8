//! A protocol of sites in scenarios.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::foreign::Serde;
use crate::ids::ProcessId;
use crate::process::Label;
use crate::protocol::{Judges, Protocol, Sites, SitesConfig, SitesMessage, SitesNote, SitesOf, aim};
use crate::ron_file::nearest::nearest;
use crate::ron_file::{Place, Problem};
use crate::scenario::draw::{Asking, Draws};
use crate::scenario::{
    Askers, Cluster, Compiled, MessagePhase, Order, Probe, Renaming, Service, Shape, Shown, ShownCall, same,
};
use crate::sim::Told;
use crate::time::Duration;

/// The settings of a scenario about a protocol of sites.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SitesSettings {
    /// How long a client waits for an answer before it asks the next site, above `"0s"`: `"500ms"` by default.
    #[serde(skip_serializing_if = "is_usual")]
    pub retry: Duration,
    /// One of [`Protocol::VARIANTS`]; `""`, the default, for the usual protocol.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

fn is_usual(retry: &Duration) -> bool {
    *retry == SitesSettings::default().retry
}

impl Default for SitesSettings {
    fn default() -> SitesSettings {
        SitesSettings { retry: Duration::from_millis(500), variant: String::new() }
    }
}

/// What a scenario may expect of a protocol of sites. `A` is its answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "expectation"), deny_unknown_fields)]
pub enum SitesExpectation<A> {
    /// The last answer that this client took in its present life.
    LastAnswer {
        /// The number of the client.
        client: u16,
        /// The answer.
        answer: A,
    },
}

impl<P: Protocol> Service for Sites<P> {
    type Process = Sites<P>;
    type Judges = Judges<P>;
    type Command = P::Command;
    type Expectation = SitesExpectation<P::Answer>;
    type Settings = SitesSettings;

    const SITES: &'static [u8] = P::SITES;
    const LEADS: bool = P::LEADS;
    const ASKERS: Askers = P::ASKERS;

    fn compile(command: &P::Command) -> Compiled<Sites<P>> {
        match aim::of(command) {
            Some(at) => Order::at(at, Serde::new(command.clone())),
            None => {
                let message = "this command does not say who gets it";
                let help =
                    "a field `at: Target` in this variant of `Protocol::Command`, for `at: Site(0)` in files";
                Err(vec![Problem::new(Place::whole(), message).help(help)])
            }
        }
    }

    fn check(expectation: &SitesExpectation<P::Answer>, shape: &Shape) -> Vec<Problem> {
        let SitesExpectation::LastAnswer { client, .. } = expectation;
        shape.check_client(*client, Place::whole().field("client")).into_iter().collect()
    }

    fn draw_command(draws: &mut Draws, asking: &Asking) -> Option<P::Command> {
        P::draw(draws, asking)
    }

    fn config(settings: &SitesSettings, shape: &Shape) -> Result<SitesConfig, Vec<Problem>> {
        if let Some(word) = word_of_two::<P>() {
            let message = format!("the protocol has the word {word:?}, which its clients have too");
            let help = "another name for this kind of message or note, or for this noun, in the protocol";
            return Err(vec![Problem::new(Place::whole(), message).help(help)]);
        }
        if settings.retry == Duration::ZERO {
            let place = Place::whole().field("retry");
            return Err(vec![Problem::new(place, "a client that never waits").help("a time above 0s")]);
        }
        let variant = variant_of::<P>(&settings.variant)
            .map_err(|problem| vec![Problem { place: Place::whole().field("variant"), ..problem }])?;
        Ok(SitesConfig { sites: shape.all_sites(), retry: settings.retry, variant })
    }

    fn check_config(config: &SitesConfig) -> Vec<Problem> {
        variant_of::<P>(config.variant).err().into_iter().collect()
    }

    fn core_size(_config: &SitesConfig, shape: &Shape) -> u8 {
        P::core_size(shape.sites)
    }

    fn probe(process: ProcessId) -> Option<Probe<Sites<P>>> {
        let command = P::probe().filter(|_| process.as_site().is_none())?;
        Some(Probe { command: Serde::new(command), done: "answered" })
    }

    fn same_state(one: &Sites<P>, other: &Sites<P>) -> Result<(), String> {
        one.site().zip(other.site()).map_or(Ok(()), |(one, other)| P::same_state(one, other))
    }

    fn judges(_config: &SitesConfig, _shape: &Shape) -> Judges<P> {
        P::judges()
    }

    fn unknown(judges: &Judges<P>) -> Vec<String> {
        judges.unknown()
    }

    fn expect(
        expectation: &SitesExpectation<P::Answer>,
        cluster: &Cluster<'_, Sites<P>>,
    ) -> Result<(), String> {
        let SitesExpectation::LastAnswer { client: number, answer } = expectation;
        let id = ProcessId::Client(*number);
        let client = cluster.state(id)?.client().expect("a client runs no protocol of sites");
        let found = client.last_answer().ok_or_else(|| format!("{id} has no answer"))?;
        same(&format!("last answer of {id}"), answer, found)
    }

    fn converged(cluster: &Cluster<'_, Sites<P>>) -> Result<(), String> {
        // A site that is not healed may be cut off with its terminal.
        let is_cut_off = |id| matches!(id, ProcessId::Terminal(site) if !cluster.core.contains(site));
        let waits = |process: &Sites<P>| process.client().is_some_and(|client| client.unanswered() > 0);
        if let Some((id, _)) = cluster.running().find(|(id, process)| waits(process) && !is_cut_off(*id)) {
            return Err(format!("{id} waits for an answer"));
        }
        P::converged(&SitesOf::new(cluster))
    }

    fn show(process: &Sites<P>, shown: &mut Shown) {
        match process {
            Sites::Site(site) => site.state.show(shown),
            Sites::Client(client) => shown.field("unanswered", client.unanswered()),
        }
    }

    fn describe(message: &SitesMessage<P>) -> String {
        match message {
            SitesMessage::Site(message) => format!("{message:?}"),
            SitesMessage::Ask { command, .. } => format!("{command:?}"),
            SitesMessage::Answer { answer, .. } => format!("{answer:?}"),
            SitesMessage::Redirect { to, .. } => format!("to {to}"),
        }
    }

    fn phase(kind: &str) -> MessagePhase {
        match kind {
            "Ask" | "Answer" | "Redirect" => MessagePhase::Client,
            kind => P::phase(kind),
        }
    }

    fn call(told: Told<'_, Sites<P>>) -> Option<ShownCall> {
        match told {
            Told::Noted(SitesNote::Asked { call, command }) => {
                Some(ShownCall::Began(call.number, format!("{command:?}")))
            }
            Told::Noted(SitesNote::Answered { call, answer }) => {
                Some(ShownCall::Answered(call.number, format!("{answer:?}")))
            }
            Told::Noted(_) | Told::Commanded(_) => None,
        }
    }

    fn rename_command(command: &P::Command, renaming: &Renaming) -> Option<P::Command> {
        aim::turned(command, renaming.target(aim::of(command)?)?)
    }

    fn rename_expectation(
        expectation: &SitesExpectation<P::Answer>,
        renaming: &Renaming,
    ) -> Option<SitesExpectation<P::Answer>> {
        let SitesExpectation::LastAnswer { client, answer } = expectation;
        Some(SitesExpectation::LastAnswer { client: renaming.client(*client)?, answer: answer.clone() })
    }
}

/// The variant of this name: `""` or one of [`Protocol::VARIANTS`].
fn variant_of<P: Protocol>(name: &str) -> Result<&'static str, Problem> {
    let mut variants = [""].iter().chain(P::VARIANTS);
    variants.find(|variant| **variant == name).copied().ok_or_else(|| {
        let near = nearest(name, P::VARIANTS);
        Problem::new(Place::whole(), format!("unknown variant `{name}`")).help(near.help())
    })
}

/// A kind or noun of the protocol that clients have too: rules and events could not tell the two apart.
fn word_of_two<P: Protocol>() -> Option<&'static str> {
    let twice = |words: Vec<&'static str>| {
        let mut seen = BTreeSet::new();
        words.into_iter().find(|word| !seen.insert(*word))
    };
    let kinds = twice(SitesMessage::<P>::kinds()).or_else(|| twice(SitesNote::<P>::kinds()));
    kinds.or_else(|| twice(SitesMessage::<P>::nouns()))
}
