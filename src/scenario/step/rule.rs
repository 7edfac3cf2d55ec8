//! A rule about datagrams.

use serde::{Deserialize, Serialize};

use super::{Ruling, Slots, Target};
use crate::scenario::value::is_usual;
use crate::sim::About;
use crate::time::Duration;

/// A fault of the network: the datagrams that match, a period, a number of times, and a ruling. A field that is
/// left out matches everything. A datagram matches if one of its messages does. The first rule that matches
/// decides.
///
/// A role means the site that has it when the rule is added. The step waits until there is such a site.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rule {
    /// The name in traces. A rule with a name that matches nothing makes the run stale, unless its step is
    /// optional.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub name: Option<String>,
    /// The kind of a message in the datagram.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub kind: Option<String>,
    /// The sender.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub from: Target,
    /// The recipient.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub to: Target,
    /// The subject of that message, as traces show it.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub subject: Option<About>,
    /// The slot that the message is about: short for the subject `"slot 7"`.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub slot: Option<u64>,
    /// One slot in several: the message is about one of them.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub slots: Option<Slots>,
    /// The first moment at which the rule applies.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub since: Duration,
    /// The moment from which the rule no longer applies. Absent: it applies to the end.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub until: Option<Duration>,
    /// The number of matches that pass before the first ruling.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub skip: u64,
    /// The number of rulings; after them all datagrams pass. Absent: no limit.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub count: Option<u64>,
    /// What happens to the datagram.
    pub then: Ruling,
}

impl Rule {
    /// A rule that does this to every datagram from the start of the run on. The other fields say to which alone.
    pub fn new(then: Ruling) -> Rule {
        Rule {
            name: None,
            kind: None,
            from: Target::Any,
            to: Target::Any,
            subject: None,
            slot: None,
            slots: None,
            since: Duration::ZERO,
            until: None,
            skip: 0,
            count: None,
            then,
        }
    }
}
