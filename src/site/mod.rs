//! A whole site, and the client: two processes that speak one set of messages.
//!
//! What a site takes goes to the leader: `Forward` from its origin. An origin that hears no leader, though a peer of
//! it does, hands it to that peer, which passes it on as `Relay`; a `Relay` is never passed on, so nothing goes in
//! circles, and a chain of two such peers serves nobody. The leader stays who it is. What takes effect, in which order
//! and once, is settled by the origin's numbers when the log is applied, whichever way a submission came. A leader that
//! an origin hears but cannot reach is not helped so: nothing tells the origin that its way is cut.

pub mod bird;
pub mod client;
pub mod config;
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

pub use bird::Bird;
pub use client::{Client, Command};
pub use config::{Config, ConfigError};
pub use message::{Answer, Message, Query, Record, RequestId, Status, Telling};
pub use note::Note;
pub use site::Site;
pub use submission::{Number, Operation, Request, Session, Submission};
