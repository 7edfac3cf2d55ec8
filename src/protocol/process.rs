//! The adapter: a protocol of sites, with its clients, as a [`Process`].

use alloc::vec::Vec;

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
#[derive(Clone, Debug)]
pub enum Sites<P: Protocol> {
    /// A site.
    Site(SiteProcess<P>),
    /// A client, or the terminal of a site.
    Client(SitesClient<P>),
}

/// A site with the protocol's own state.
#[derive(Clone, Debug)]
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

impl<P: Protocol> SiteProcess<P> {
    fn handle(&mut self, now: Instant, input: Input<Sites<P>>, effects: &mut Effects<Sites<P>>) {
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
        let ProcessId::Site(site) = id else {
            return Ok(Sites::Client(SitesClient::new(config, id, seed)));
        };
        let records: Vec<P::Record> = recovered.records.into_iter().map(Foreign::into_inner).collect();
        let start =
            Start { id: site, sites: config.sites, incarnation: recovered.incarnation, records, seed };
        Ok(Sites::Site(SiteProcess { id: site, life: seed.key(LIFE), given: 0, state: P::start(start) }))
    }

    fn handle(&mut self, now: Instant, input: Input<Sites<P>>, effects: &mut Effects<Sites<P>>) {
        match self {
            Sites::Site(site) => site.handle(now, input, effects),
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
            Sites::Site(site) => site.state.deadline(),
            Sites::Client(client) => client.deadline(),
        }
    }

    fn role(&self) -> Role {
        match self {
            Sites::Site(site) => site.state.role(),
            Sites::Client(_) => Role::Client,
        }
    }

    fn progress(&self) -> u64 {
        self.site().map_or(0, P::progress)
    }

    fn unanswered(&self) -> usize {
        self.client().map_or(0, SitesClient::unanswered)
    }

    fn sizes(&self, see: impl FnMut(Size)) {
        match self {
            Sites::Site(site) => site.state.sizes(see),
            Sites::Client(client) => client.sizes(see),
        }
    }
}
