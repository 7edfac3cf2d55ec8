//! Anybody's state machine at several sites: [`Replicated`] is a whole site or its client, two processes that speak one
//! set of messages, and knows no more of the state than [`Machine`] says.
//!
//! What a site takes goes to the leader: `Forward` from its origin. An origin that hears no leader, though a peer of
//! it does, hands it to that peer, which passes it on as `Relay`; a `Relay` is never passed on, so nothing goes in
//! circles, and a chain of two such peers serves nobody. The leader stays who it is. What takes effect, in which order
//! and once, is settled by the origin's numbers when the log is applied, whichever way a submission came. A leader names
//! whom it hears in its heartbeats, so an origin that it does not hear for long looks for such a peer too.
//!
//! What a client learns of the state is, by its choice: what this site has applied ([`Read::Local`]), what a quorum's
//! logs may hold when it asks ([`Read::Quorum`], by a survey and without an entry in the log), or what stands before an
//! entry of its own (an operation that looks).

pub mod backup_check;
pub mod calls;
pub mod client;
mod comparison;
pub mod config;
pub mod digests;
pub mod machine;
pub mod message;
pub mod note;
pub mod paxos;
pub mod process;
pub mod queue;
mod reads;
#[cfg(feature = "udp")]
pub mod real;
pub mod replica;
mod replies;
#[cfg(feature = "scenario")]
pub mod service;
mod short_text;
pub mod site;
#[cfg(feature = "udp")]
pub mod sites_ron;
pub mod submission;
#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests;
mod waiting;

pub use client::{ClientState, Command};
pub use config::{Config, ConfigError, Overrides};
pub use machine::{Chunk, Level, Machine, Position, PositionError, Read};
pub use message::{Answer, BusyReason, LogLine, Message, Phase, Query, Record, Reply, RequestId, Status};
pub use note::Note;
pub use process::Replicated;
pub use short_text::{ShortText, ShortTextError};
pub use site::Site;
pub use submission::{Number, Request, Session, Submission};
