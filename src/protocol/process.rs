//! The adapter: a protocol of sites, with its clients, as a [`Process`].

use core::fmt::{self, Debug};
use core::mem;

use crate::foreign::rebuilt::{Rebuilt, Uncloned};
use crate::foreign::{Foreign, Serde};
use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix::Seed;
use crate::process::{Damage, Effects, Input, Links, Process, Recovered, Role, Size};
use crate::protocol::{
    CallId, Protocol, SiteEffects, SiteInput, SitesClient, SitesMessage, SitesNote, Start,
};
use crate::time::{Duration, Instant};

/// Every process of a cluster whose sites run `P`. It is a [`Process`], so either host runs it, and a
/// [`Service`](crate::scenario::Service), so scenarios can be written about it.
pub enum Sites<P: Protocol> {
    /// A site.
    Site(Rebuilt<SiteProcess<P>>),
    /// A client, or the terminal of a site.
    Client(SitesClient<P>),
}

/// A site with the protocol's own state.
#[derive(Debug)]
pub struct SiteProcess<P> {
    id: SiteId,
    life: u64,
    /// The number of commands that it was given without a client.
    given: u64,
    /// The protocol's own state.
    pub state: P,
}

/// The configuration of every process.
#[derive(Clone, Debug)]
pub struct SitesConfig {
    /// All sites; at least one.
    pub sites: SiteSet,
    /// How long a client waits for an answer before it asks the next site.
    pub retry: Duration,
    /// One of [`Protocol::VARIANTS`], or `""`.
    pub variant: &'static str,
}

impl<P: Protocol> Sites<P> {
    /// The protocol's own state, if this is a site.
    pub fn site(&self) -> Option<&P> {
        match self {
            Sites::Site(site) => Some(&site.state),
            Sites::Client(_) => None,
        }
    }

    /// The client, if this is one or a terminal.
    pub fn client(&self) -> Option<&SitesClient<P>> {
        match self {
            Sites::Site(_) => None,
            Sites::Client(client) => Some(client),
        }
    }
}

impl<P: Protocol> Clone for Sites<P> {
    fn clone(&self) -> Sites<P> {
        match self {
            Sites::Site(site) => Sites::Site(site.clone()),
            Sites::Client(client) => Sites::Client(client.clone()),
        }
    }
}

impl<P: Protocol> Debug for Sites<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sites::Site(site) => f.debug_tuple("Site").field(site).finish(),
            Sites::Client(client) => f.debug_tuple("Client").field(client).finish(),
        }
    }
}

/// It is copied where the protocol's state is `Clone`, and rebuilt otherwise.
impl<P: Protocol> Uncloned for SiteProcess<P> {
    type Message = SitesMessage<P>;
    type Record = Serde<P::Record>;
    type Note = SitesNote<P>;
    type Command = Serde<P::Command>;
    type Config = SitesConfig;

    const COPY: Option<fn(&Self) -> Self> = match P::COPY {
        Some(_) => Some(|site| {
            let copy = P::COPY.expect("it is there just above");
            SiteProcess { id: site.id, life: site.life, given: site.given, state: copy(&site.state) }
        }),
        None => None,
    };

    fn start(
        config: &SitesConfig,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Serde<P::Record>>,
    ) -> Result<SiteProcess<P>, Damage> {
        let SitesConfig { sites, variant, .. } = *config;
        let id = id.as_site().expect("clients are no sites");
        assert!(
            variant.is_empty() || P::VARIANTS.contains(&variant),
            "the variant {variant:?} is not in `Protocol::VARIANTS`: {:?}",
            P::VARIANTS
        );
        let records = recovered.records.into_iter().map(Foreign::into_inner).collect();
        let start = Start { id, sites, incarnation: recovered.incarnation, records, seed, variant };
        Ok(SiteProcess { id, life: seed.key(LIFE), given: 0, state: P::start(start) })
    }

    fn handle(&mut self, now: Instant, input: Input<Rebuilt<Self>>, effects: &mut Effects<Rebuilt<Self>>) {
        let input = match input {
            Input::Message { from, message: SitesMessage::Site(message) } => {
                // Only sites send these.
                let Some(from) = from.as_site() else { return };
                SiteInput::Message { from, message: message.inner }
            }
            // A client asks for itself; nobody asks in the name of another.
            Input::Message { from, message: SitesMessage::Ask { call, command } } if from == call.client => {
                SiteInput::Command { call, command: command.inner }
            }
            Input::Message { message: SitesMessage::Answer { call, answer }, .. }
                if call.client == ProcessId::Site(self.id) && call.life == self.life =>
            {
                return effects.note(SitesNote::Answered { call, answer: answer.inner });
            }
            Input::Message { message: SitesMessage::Redirect { call, to }, .. }
                if call.client == ProcessId::Site(self.id) && call.life == self.life =>
            {
                return effects.note(SitesNote::Redirected { call, to });
            }
            Input::Message { .. } => return,
            Input::Command(command) => {
                self.given += 1;
                let call = CallId { client: self.id.into(), life: self.life, number: self.given };
                effects.note(SitesNote::Asked { call, command: command.inner.clone() });
                SiteInput::Command { call, command: command.inner }
            }
            Input::Wake => SiteInput::Wake,
            Input::DiskSpace { is_low } => SiteInput::DiskSpace { is_low },
            Input::Link { peer, up } => match peer.as_site() {
                Some(peer) => SiteInput::Link { peer, up },
                // Whether a client is connected is its own affair: it retries.
                None => return,
            },
            Input::Started => return,
        };
        self.state.handle(now, input, &mut SiteEffects { me: self.id, effects });
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.state.deadline()
    }

    fn role(&self) -> Role {
        self.state.role()
    }

    fn progress(&self) -> u64 {
        self.state.progress()
    }

    fn sizes(&self, see: impl FnMut(Size)) {
        self.state.sizes(see);
    }
}

/// A constant for the number that tells lives apart.
const LIFE: u64 = 0x7369_7465;

impl<P: Protocol> Process for Sites<P> {
    type Message = SitesMessage<P>;
    type Record = Serde<P::Record>;
    type Note = SitesNote<P>;
    type Command = Serde<P::Command>;
    type Config = SitesConfig;

    const LINKS: Links = P::LINKS;

    fn start(
        config: &SitesConfig,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Serde<P::Record>>,
    ) -> Result<Sites<P>, Damage> {
        Ok(match id {
            ProcessId::Site(_) => Sites::Site(Rebuilt::start(config, id, seed, recovered)?),
            _ => Sites::Client(SitesClient::new(config, id, seed)),
        })
    }

    fn handle(&mut self, now: Instant, input: Input<Sites<P>>, effects: &mut Effects<Sites<P>>) {
        match self {
            Sites::Site(site) => {
                let mut own = mem::take(effects).into_effects_of();
                site.handle(now, input.into_input_of(), &mut own);
                *effects = own.into_effects_of();
            }
            Sites::Client(client) => match input {
                Input::Message { from, message } => client.message(now, from, message, effects),
                Input::Wake => client.wake(now, effects),
                Input::Command(command) => client.command(now, command.inner, effects),
                Input::Started | Input::DiskSpace { .. } | Input::Link { .. } => {}
            },
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        match self {
            Sites::Site(site) => site.deadline(),
            Sites::Client(client) => client.deadline(),
        }
    }

    fn role(&self) -> Role {
        match self {
            Sites::Site(site) => site.role(),
            Sites::Client(_) => Role::Client,
        }
    }

    fn progress(&self) -> u64 {
        match self {
            Sites::Site(site) => site.progress(),
            Sites::Client(_) => 0,
        }
    }

    fn unanswered(&self) -> usize {
        self.client().map_or(0, SitesClient::unanswered)
    }

    fn sizes(&self, see: impl FnMut(Size)) {
        match self {
            Sites::Site(site) => site.sizes(see),
            Sites::Client(client) => client.sizes(see),
        }
    }

    fn will_not_be_cloned(&mut self) {
        if let Sites::Site(site) = self {
            site.will_not_be_cloned();
        }
    }
}
