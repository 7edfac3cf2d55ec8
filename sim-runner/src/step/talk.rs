//! What the page's script and this program say to each other beside the requests and replies of a session.

use aviary::scenario::session::{Refusal, Reply};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A request, and the run that it is about: of several windows that show the page, only one may act on what it sees.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope {
    /// The fingerprint of the run that the page shows.
    pub(super) run: String,
    /// One of [`Own`], or of a session.
    pub(super) request: Map<String, Value>,
}

/// The requests that no session answers.
#[derive(Deserialize, Debug)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Own {
    /// The first one of a page.
    Begin {},
    /// Write what was done to the file.
    Save {},
}

/// The replies to them.
#[derive(Serialize, Debug)]
#[serde(tag = "is", rename_all = "lowercase")]
pub(super) enum OwnReply<'a> {
    Begun {
        /// The steps that were done so far, as in the reply `run`.
        pokes: &'a Value,
        /// Actions of steps, in RON: first those of the service.
        examples: &'a [String],
        /// The file that `save` writes.
        path: String,
    },
    Saved {
        path: String,
        fingerprint: &'a str,
        /// The command that runs it again.
        replay: String,
    },
}

/// A reply in JSON.
pub(super) fn text(reply: &impl Serialize) -> String {
    serde_json::to_string(reply).expect("replies have only names as keys")
}

/// Why something is not done, and what helps.
pub(super) fn refusal(message: impl Into<String>, help: &str) -> Refusal {
    Refusal { message: message.into(), help: Some(help.to_owned()) }
}

/// A refusal in JSON.
pub(super) fn refused(why: Refusal) -> String {
    text(&Reply::Refused { problems: vec![why] })
}
