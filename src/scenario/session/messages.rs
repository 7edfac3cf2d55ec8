//! What a session is asked, and what it answers.

use serde::{Deserialize, Serialize};

use crate::scenario::picture::Picture;
use crate::scenario::session::view::View;

/// What is asked of a session.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// What was so after a line of the picture.
    Look {
        /// The number of the line, from 0.
        event: usize,
    },
    /// Does something after a line of the picture.
    Poke {
        /// The number of the line, from 0.
        event: usize,
        /// The number of a copy of a datagram under way.
        #[serde(default)]
        copy: Option<u32>,
        /// What is done to that copy.
        #[serde(default)]
        how: Option<How>,
        /// By how many microseconds it is delayed.
        #[serde(default)]
        by: Option<u64>,
        /// Instead of those: an action as steps of scenarios write it, in RON.
        #[serde(default)]
        action: Option<String>,
        /// How long after the line it is done, in microseconds.
        #[serde(default)]
        later: Option<u64>,
    },
    /// Takes back what was done last.
    Undo {},
}

/// What is done to a copy of a datagram under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It arrives at once.
    Deliver,
    /// It is lost.
    Lose,
    /// A copy of it arrives at once.
    Double,
    /// It arrives later.
    Delay,
}

/// What a session answers.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reply<'a> {
    /// What was so.
    View(View),
    /// The run as it is now.
    Run {
        /// The run.
        run: &'a Picture,
        /// The line of what was done, or the last one before what was taken back.
        event: usize,
        /// Everything that was done, in the order of time.
        pokes: Vec<Done>,
        /// How many later pokes were taken back by this one.
        dropped: usize,
    },
    /// It cannot be done, and nothing was changed.
    Refused {
        /// Everything that is wrong.
        problems: Vec<Refusal>,
    },
}

/// Something that was done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Done {
    /// When, in microseconds.
    pub at: u64,
    /// The action, in RON.
    pub action: String,
}

/// Why something cannot be done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Refusal {
    /// The reason, in a sentence or two.
    pub message: String,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Refusal {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), help: Some(help.into()) }
    }
}
