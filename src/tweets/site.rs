//! A site of the timeline, and its client: [`replicated`], with the timeline for its state.

use crate::replicated;
use crate::tweets::timeline::Timeline;

pub use crate::replicated::{
    BusyReason, Config, ConfigError, Number, Overrides, Phase, RequestId, Session, Status,
};
pub use crate::tweets::timeline::{Block, Operation, TimelineOutcome, TimelineQuery, TimelineReply};

/// A site or a client of it: the process that both hosts run.
pub type Participant = replicated::Replicated<Timeline>;
/// A member of the cluster.
pub type Site = replicated::Site<Timeline>;
/// One who asks.
pub type ClientState = replicated::ClientState<Timeline>;
/// What a person asks of a client.
pub type Command = replicated::Command<Timeline>;
/// What sites and clients say to each other.
pub type Message = replicated::Message<Timeline>;
/// One durable fact of a site.
pub type Record = replicated::Record<Timeline>;
/// What a site or a client did.
pub type Note = replicated::Note<Timeline>;
/// What a client asks to have done once.
pub type Request = replicated::Request<Timeline>;
/// A request in the queue of the site that took it.
pub type Submission = replicated::Submission<Timeline>;
/// What came of a request.
pub type Answer = replicated::Answer<Timeline>;
/// What can be asked of a single site.
pub type Query = replicated::Query<Timeline>;
/// The answer to that.
pub type Reply = replicated::Reply<Timeline>;
/// One request of the log.
pub type LogLine = replicated::LogLine<Timeline>;
