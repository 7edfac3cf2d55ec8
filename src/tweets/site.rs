//! The timeline's types of [`replicated`]: its site, its client, and what they exchange.

use crate::replicated;
use crate::tweets::timeline::Timeline;

pub use crate::replicated::{
    BusyReason, Config, ConfigError, Number, Overrides, Phase, RequestId, Session, Status,
};
pub use crate::tweets::timeline::{Block, Operation, TimelineOutcome, TimelineQuery, TimelineReply};

/// A site, or a client of a site: the process that both hosts run.
pub type Participant = replicated::Replicated<Timeline>;
/// A member of the cluster.
pub type Site = replicated::Site<Timeline>;
/// A client of the sites.
pub type ClientState = replicated::ClientState<Timeline>;
/// A user's command to a client.
pub type Command = replicated::Command<Timeline>;
/// A message between sites and clients.
pub type Message = replicated::Message<Timeline>;
/// One durable fact of a site.
pub type Record = replicated::Record<Timeline>;
/// A note of a site or client about what it did.
pub type Note = replicated::Note<Timeline>;
/// A client's request, which is done once.
pub type Request = replicated::Request<Timeline>;
/// A request in the queue of the site that took it.
pub type Submission = replicated::Submission<Timeline>;
/// The outcome of a request.
pub type Answer = replicated::Answer<Timeline>;
/// A query to a single site.
pub type Query = replicated::Query<Timeline>;
/// The answer to a query.
pub type Reply = replicated::Reply<Timeline>;
/// One request of the log.
pub type LogLine = replicated::LogLine<Timeline>;
