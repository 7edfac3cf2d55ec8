//! The short way to test a protocol: sites alone, with plain types, and clients that come with it.
//!
//! You write a [`Protocol`]. [`Sites`] makes a [`Process`](crate::process::Process) and a
//! [`Service`](crate::scenario::Service) of it, and does nothing that these two cannot: messages, commands, answers and
//! records get the bytes and kinds of [`Serde`](crate::foreign::Serde), the field `at` of a command says who gets it, and
//! a command for a client goes through a [`SitesClient`], which retries. Write `Process` and `Service` yourself for
//! clients of your own, for codecs of your own, for settings of your own in scenario files, and where damaged records are
//! an error that a site must report.
//!
//! 1. A scenario that names an unknown kind of message or note, or a process that is not there, is an error.
//! 2. A call has one id through all retries, and no other call ever has that id.

mod aim;
mod call;
mod client;
mod effects;
mod judges;
mod linearizable;
mod log_judges;
mod message;
mod process;
mod service;
mod view;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::foreign::rebuilt::Forked;
use crate::foreign::{Labels, VariantNames};
use crate::ids::{SITES_MAX, SiteId, SiteSet};
use crate::mix::Seed;
use crate::process::{Links, Role, Size, Subject};
use crate::scenario::draw::{Asking, Draws};
use crate::scenario::{Askers, MessagePhase, Shown};
use crate::time::Instant;

pub use call::CallId;
pub use client::SitesClient;
pub use effects::SiteEffects;
pub use judges::{CallJudge, Judges};
pub use message::{SitesMessage, SitesNote};
pub use process::{SiteProcess, Sites, SitesConfig};
pub use service::{SitesExpectation, SitesSettings};
pub use view::SitesOf;

/// A protocol of sites, as one deterministic state machine: the state of one site.
///
/// ```
/// use aviary::{prelude::*, search::Sweep};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug)]
/// struct Counter { count: u64 }
/// #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
/// enum Command { Add { at: Target, number: u64 } }
///
/// impl Protocol for Counter {
///     type Message = (); // sites of one tell each other nothing
///     type Command = Command;
///     type Answer = u64;
///     type Record = u64;
///     fn start(start: Start<u64>) -> Self { Counter { count: start.records.iter().sum() } }
///     fn handle(&mut self, _now: Instant, input: SiteInput<Self>, effects: &mut SiteEffects<Self>) {
///         let SiteInput::Command { call, command: Command::Add { number, .. } } = input else { return };
///         self.count += number;
///         effects.append(number);
///         effects.answer(call, self.count);
///     }
///     fn converged(_cluster: &SitesOf<'_, Self>) -> Result<(), String> { Ok(()) }
/// }
///
/// let text = r#"Scenario(about: "A crash loses no number.", sites: 1, clients: 1,
///     network: (latency: Uniform("1ms", "9ms")),
///     steps: [At("1s", Add(at: Client(0), number: 3)), At("1s", Add(at: Client(0), number: 4)),
///         On(Noted(kind: "answered", subject: "call 2"), Crash(Site(0))), After("1s", Restart(Site(0))),
///         After("1s", Add(at: Client(0), number: 0)), After("1s", Expect(LastAnswer(client: 0, answer: 7)))])"#;
/// Sweep::<Sites<Counter>>::of_text("counter", text).seeds(0..10).check();
/// ```
///
/// Searches fork runs, so the state of a site is `Clone`. If it holds a type of another crate that is not, write
/// `impl Forked for Site {}`: then a fork rebuilds the site from its inputs, at the price that
/// [`foreign::rebuilt`](crate::foreign::rebuilt) tells.
pub trait Protocol: Forked + 'static {
    /// Messages from site to site. Their [kinds](Protocol::kind) in scenarios are the names of the variants.
    type Message: Serialize + DeserializeOwned + Clone + Debug + 'static;
    /// What a user asks. A scenario writes it as it is derived: `Put(at: Site(0), value: 7)`. Every variant has a field
    /// `at` of the type [`Target`](crate::scenario::step::Target): a site gets the command at once, a client or
    /// terminal asks sites until it has an answer, and a role means the site that has it when the step fires.
    type Command: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync + 'static;
    /// What a user is answered; `()` for protocols that answer nobody.
    type Answer: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync + 'static;
    /// One durable fact.
    type Record: Serialize + DeserializeOwned + Clone + Debug + 'static;

    /// The kinds of its own [notes](SiteEffects::note).
    const NOTES: &'static [&'static str] = &[];

    /// The nouns of the [subjects](Protocol::subject) of its messages.
    const NOUNS: &'static [&'static str] = &[];

    /// What a scenario can put in place of the usual protocol, such as a planted bug that tests must notice: a file
    /// says `settings: (variant: "forgets votes")`, and a site sees it in [`Start::variant`].
    const VARIANTS: &'static [&'static str] = &[];

    /// The links between processes that the protocol assumes. A scenario can say another `order`.
    const LINKS: Links = Links::Datagrams;

    /// Whether a site ever [leads](Protocol::role). Only then can a scenario say which one leads first.
    const LEADS: bool = false;

    /// The numbers of sites that a cluster can have, in ascending order.
    const SITES: &'static [u8] = &[1, 2, 3, 4, 5, 6, 7, 8, SITES_MAX];

    /// Whom drawn scenarios give commands to. A protocol that answers nobody takes `Askers::Sites`.
    const ASKERS: Askers = Askers::SitesAndClients;

    /// A site that is about to run, built from everything that it ever made durable. Records that contradict each other
    /// are a panic, which the simulator turns into a verdict.
    fn start(start: Start<Self::Record>) -> Self;

    /// Handles one input. It ignores messages that make no sense. An impossible state of its own is a panic. `now` is
    /// the reading of the site's own clock, which may drift, jump ahead and be set back.
    fn handle(&mut self, now: Instant, input: SiteInput<Self>, effects: &mut SiteEffects<'_, Self>);

    /// Whether the sites in `cluster.core()` agree and nothing is left to do; the error says why not. Compare sites with
    /// each other, never with a constant: shrinking may remove every step. Clients have no call under way when this is
    /// asked.
    fn converged(cluster: &SitesOf<'_, Self>) -> Result<(), String>;

    /// When to hand in [`SiteInput::Wake`], and for what purpose. The host asks after every input; a moment in the past
    /// means at once. By default a site is never woken.
    fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }

    /// Its present role, so that scenarios can say `Leader`. By default a site never leads.
    fn role(&self) -> Role {
        Role::Follower
    }

    /// How much it knows of what the sites agreed on, in any unit, so that scenarios can say `Laggard`.
    fn progress(&self) -> u64 {
        0
    }

    /// Every name that [`kind`](Protocol::kind) returns: by default the names of the variants of its messages.
    fn kinds() -> Vec<&'static str> {
        <VariantNames as Labels<Self::Message>>::kinds()
    }

    /// The kind of a message, for rules and events like `kind: "Accept"`. Override it and [`kinds`](Protocol::kinds)
    /// for a type of another crate whose kinds are no variants.
    fn kind(message: &Self::Message) -> &'static str {
        <VariantNames as Labels<Self::Message>>::kind(message)
    }

    /// What a message is about, for rules and events like `subject: "slot 7"`: an identity, never a watermark. Its noun is
    /// in [`NOUNS`](Protocol::NOUNS). By default messages are about nothing in particular.
    fn subject(_message: &Self::Message) -> Subject {
        Subject::NONE
    }

    /// Shows the state of a site in pictures; by default the [`sizes`](Protocol::sizes) of it. A protocol that derives
    /// `Debug` has this done with `shown.debug(self)`.
    fn show(&self, shown: &mut Shown) {
        self.sizes(|size| shown.field(size.what, size.holds));
    }

    /// The part that messages of this kind play, for the colours of pictures.
    fn phase(_kind: &str) -> MessagePhase {
        MessagePhase::Other
    }

    /// Shows the size of everything that grows with its input, and the limit, as [`Process::sizes`] does.
    ///
    /// [`Process::sizes`]: crate::process::Process::sizes
    fn sizes(&self, _see: impl FnMut(Size)) {}

    /// How many of `sites` sites can go on without the others: a majority by default. So many are healed at the end.
    fn core_size(sites: u8) -> u8 {
        sites / 2 + 1
    }

    /// The judges that watch a run. By default there are none.
    fn judges() -> Judges<Self> {
        Judges::none()
    }

    /// A command for a drawn scenario. Its field `at` is `asking.who`, which is a site or a client. By
    /// default there is none, and no scenario can be drawn.
    fn draw(_draws: &mut Draws, _asking: &Asking) -> Option<Self::Command> {
        None
    }

    /// The command with which each client and terminal shows at the end that the sites still serve it, if a scenario
    /// claims `Progresses`. It changes nothing that a scenario expects. Its field `at` means nothing here.
    fn probe() -> Option<Self::Command> {
        None
    }

    /// Compares two sites that agree, or one site before and after its restart. The error says what differs.
    fn same_state(_one: &Self, _other: &Self) -> Result<(), String> {
        Ok(())
    }
}

/// What a site is started with.
#[derive(Clone, Debug)]
pub struct Start<R> {
    /// Its number.
    pub id: SiteId,
    /// All sites, itself included.
    pub sites: SiteSet,
    /// How often this site has been started, this start included: 1 for a fresh one.
    pub incarnation: u64,
    /// Its records, in the order in which they were appended.
    pub records: Vec<R>,
    /// A source of numbers that differs for every site and every start: its only randomness.
    pub seed: Seed,
    /// One of [`Protocol::VARIANTS`], if the scenario asks for one; `""` for the usual protocol.
    pub variant: &'static str,
}

/// One thing that happens to a site.
#[derive(Clone, Debug)]
pub enum SiteInput<P: Protocol> {
    /// A message arrived from another site or, after its wait, from the site itself.
    Message {
        /// The sender that the message names.
        from: SiteId,
        /// The message.
        message: P::Message,
    },
    /// A client asks, or a scenario gives the site a command.
    Command {
        /// The call: a retry has the same one.
        call: CallId,
        /// The command.
        command: P::Command,
    },
    /// Its [deadline](Protocol::deadline) has passed.
    Wake,
    /// A connection to another site broke or was made again. Only with [`Links::Stream`].
    Link {
        /// The other site.
        peer: SiteId,
        /// Whether there is a connection now.
        up: bool,
    },
    /// The host's ability to reserve disk space ahead has changed.
    DiskSpace {
        /// Whether there is no more space than for the records in flight.
        is_low: bool,
    },
}
