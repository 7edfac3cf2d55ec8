//! Replicates any state machine over several sites. [`Replicated`] is a whole site or a client of one: two kinds of
//! process that share one set of messages. All that they know of the state is [`Machine`].
//!
//! A site sends what it takes to the leader, as `Forward`. An origin that hears no leader sends it to a peer that hears
//! one, and the peer passes it on as `Relay`. No site passes a `Relay` on, so no submission circles; an origin that is
//! two such peers away from the leader is not served. None of this changes who leads. The origin's numbers decide what
//! takes effect, in which order and once, when the log is applied, whichever way a submission came. A leader's
//! heartbeats name the sites that it hears, so an origin that the leader has not heard for long looks for such a peer
//! too.
//!
//! A client chooses what a read shows: what the asked site has applied ([`Read::Local`]), what a quorum's logs may hold
//! when the client asks ([`Read::Quorum`], by a survey and without an entry in the log), or what stands before a log
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
