//! Kinds of facts, so that a judge is asked only about those that it looks at.

use crate::replicated::paxos::PaxosMessage;
use crate::tweets::judges::SeenFact;
use crate::tweets::site::Message;

/// A set of kinds of facts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FactKinds(u16);

impl FactKinds {
    /// A process started.
    pub(super) const STARTED: FactKinds = FactKinds(1);
    /// Records became durable. Nothing else makes the chosen log longer.
    pub(super) const DURABLE: FactKinds = FactKinds(1 << 1);
    /// A message of a site to itself.
    pub(super) const OWN: FactKinds = FactKinds(1 << 2);
    /// A heartbeat or its answer left: most of what is sent.
    pub(super) const BEAT: FactKinds = FactKinds(1 << 3);
    /// Another message of Paxos left.
    pub(super) const PAXOS: FactKinds = FactKinds(1 << 4);
    /// A submission left for the leader, or for a site that passes it on.
    pub(super) const HANDED_ON: FactKinds = FactKinds(1 << 5);
    /// A comparison of two logs, or its answer, left.
    pub(super) const COMPARED: FactKinds = FactKinds(1 << 6);
    /// A request left its client.
    pub(super) const REQUEST: FactKinds = FactKinds(1 << 7);
    /// A query left its client.
    pub(super) const QUERY: FactKinds = FactKinds(1 << 8);
    /// An answer to a request left.
    pub(super) const ANSWER: FactKinds = FactKinds(1 << 9);
    /// An answer to a query left.
    pub(super) const SHOWN: FactKinds = FactKinds(1 << 10);

    /// These kinds and the others.
    pub(super) const fn and(self, others: FactKinds) -> FactKinds {
        FactKinds(self.0 | others.0)
    }

    /// Whether any kind is in both sets.
    #[inline]
    pub(super) const fn have(self, others: FactKinds) -> bool {
        self.0 & others.0 != 0
    }
}

impl SeenFact<'_> {
    /// Its kind, as a set of one.
    #[inline]
    pub(super) const fn kind(&self) -> FactKinds {
        match self {
            SeenFact::Started { .. } => FactKinds::STARTED,
            SeenFact::Durable { .. } => FactKinds::DURABLE,
            SeenFact::Own { .. } => FactKinds::OWN,
            SeenFact::Left { message, .. } => match message {
                Message::Paxos {
                    message: PaxosMessage::Heartbeat { .. } | PaxosMessage::HeartbeatReply { .. },
                } => FactKinds::BEAT,
                Message::Paxos { .. } => FactKinds::PAXOS,
                Message::Forward { .. } | Message::Relay { .. } => FactKinds::HANDED_ON,
                Message::Compare { .. } | Message::CompareReply { .. } => FactKinds::COMPARED,
                Message::Request { .. } => FactKinds::REQUEST,
                Message::Query { .. } => FactKinds::QUERY,
                Message::Taken { .. }
                | Message::Applied { .. }
                | Message::Expired { .. }
                | Message::Busy { .. } => FactKinds::ANSWER,
                Message::QueryReply { .. } | Message::Behind { .. } => FactKinds::SHOWN,
            },
        }
    }
}
