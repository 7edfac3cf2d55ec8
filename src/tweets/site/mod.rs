//! A whole site, and the client: two processes that speak one set of messages.
//!
//! What a site takes goes to the leader: `Forward` from its origin. An origin that hears no leader, though a peer of
//! it does, hands it to that peer, which passes it on as `Relay`; a `Relay` is never passed on, so nothing goes in
//! circles, and a chain of two such peers serves nobody. The leader stays who it is. What takes effect, in which order
//! and once, is settled by the origin's numbers when the log is applied, whichever way a submission came. A leader names
//! whom it hears in its heartbeats, so an origin that it does not hear for long looks for such a peer too.
//!
//! What a client is told of the timeline is, by its choice: what this site has applied (`Query::View`), what a quorum's
//! logs may hold when it asks ([`Query::Fresh`], by a survey and without an entry in the log), or what stands before an
//! entry of its own (`Operation::View`).

pub mod bird;
pub mod client;
mod comparison;
pub mod config;
pub mod cut;
pub mod digests;
pub mod message;
pub mod note;
pub mod queue;
mod reads;
pub mod replica;
#[expect(clippy::module_inception, reason = "the file holds the type that the folder is named after")]
pub mod site;
pub mod submission;
mod telling;
#[cfg(test)]
mod tests;
mod waiting;

pub use bird::Bird;
pub use client::{Client, Command};
pub use config::{Config, ConfigError, Overrides};
pub use message::{Answer, Block, Message, Query, Record, RequestId, Status, Telling};
pub use note::Note;
pub use site::Site;
pub use submission::{Number, Operation, Request, Session, Submission};
