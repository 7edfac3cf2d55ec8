//! The messages and notes of a protocol of sites: its own, and those of the clients that come with it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::foreign::Serde;
use crate::ids::SiteId;
use crate::process::{Label, Subject};
use crate::protocol::{CallId, Protocol};
use crate::wire::{Reader, Wire, WireError};

/// A message between any two processes.
pub enum SitesMessage<P: Protocol> {
    /// From site to site. Its kind is that of the protocol's own message.
    Site(Serde<P::Message>),
    /// From a client to a site, at first and at every retry.
    Ask {
        /// The call.
        call: CallId,
        /// The command, as the scenario gave it to the client.
        command: Serde<P::Command>,
    },
    /// From a site to the client.
    Answer {
        /// The call that is answered.
        call: CallId,
        /// The answer.
        answer: Serde<P::Answer>,
    },
    /// From a site to the client: another site is to be asked.
    Redirect {
        /// The call that is not answered here.
        call: CallId,
        /// The site to ask.
        to: SiteId,
    },
}

impl<P: Protocol> Clone for SitesMessage<P> {
    fn clone(&self) -> SitesMessage<P> {
        match self {
            SitesMessage::Site(message) => SitesMessage::Site(message.clone()),
            SitesMessage::Ask { call, command } => {
                SitesMessage::Ask { call: *call, command: command.clone() }
            }
            SitesMessage::Answer { call, answer } => {
                SitesMessage::Answer { call: *call, answer: answer.clone() }
            }
            SitesMessage::Redirect { call, to } => SitesMessage::Redirect { call: *call, to: *to },
        }
    }
}

impl<P: Protocol> fmt::Debug for SitesMessage<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, call, what): (_, _, &dyn fmt::Debug) = match self {
            SitesMessage::Site(message) => return f.debug_tuple("Site").field(message).finish(),
            SitesMessage::Ask { call, command } => ("Ask", call, command),
            SitesMessage::Answer { call, answer } => ("Answer", call, answer),
            SitesMessage::Redirect { call, to } => ("Redirect", call, to),
        };
        f.debug_tuple(name).field(call).field(what).finish()
    }
}

impl<P: Protocol> Wire for SitesMessage<P> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            SitesMessage::Site(message) => {
                out.push(0);
                message.encode(out);
            }
            SitesMessage::Ask { call, command } => {
                out.push(1);
                call.encode(out);
                command.encode(out);
            }
            SitesMessage::Answer { call, answer } => {
                out.push(2);
                call.encode(out);
                answer.encode(out);
            }
            SitesMessage::Redirect { call, to } => {
                out.push(3);
                call.encode(out);
                to.encode(out);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<SitesMessage<P>, WireError> {
        Ok(match input.u8()? {
            0 => SitesMessage::Site(Wire::decode(input)?),
            1 => SitesMessage::Ask { call: Wire::decode(input)?, command: Wire::decode(input)? },
            2 => SitesMessage::Answer { call: Wire::decode(input)?, answer: Wire::decode(input)? },
            3 => SitesMessage::Redirect { call: Wire::decode(input)?, to: Wire::decode(input)? },
            _ => return Err(WireError::Invalid("message of sites")),
        })
    }
}

impl<P: Protocol> Label for SitesMessage<P> {
    fn kinds() -> Vec<&'static str> {
        let mut kinds = P::kinds();
        kinds.extend(["Ask", "Answer", "Redirect"]);
        kinds
    }

    fn nouns() -> Vec<&'static str> {
        let mut nouns = P::NOUNS.to_vec();
        nouns.push("call");
        nouns
    }

    fn kind(&self) -> &'static str {
        match self {
            SitesMessage::Site(message) => P::kind(message),
            SitesMessage::Ask { .. } => "Ask",
            SitesMessage::Answer { .. } => "Answer",
            SitesMessage::Redirect { .. } => "Redirect",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            SitesMessage::Site(message) => P::subject(message),
            SitesMessage::Ask { call, .. } | SitesMessage::Answer { call, .. } => about(*call),
            SitesMessage::Redirect { call, .. } => about(*call),
        }
    }
}

/// A call as a subject: the sender and the recipient of a message say whose it is.
const fn about(call: CallId) -> Subject {
    Subject { noun: "call", number: call.number }
}

/// What happened, for traces, for steps that wait for it, and for judges.
pub enum SitesNote<P: Protocol> {
    /// A note of the protocol.
    Site {
        /// One of [`Protocol::NOTES`].
        kind: &'static str,
        /// What there is to say.
        text: String,
    },
    /// A client begins to ask: kind `asked`.
    Asked {
        /// The call.
        call: CallId,
        /// The command.
        command: P::Command,
    },
    /// A client heard nothing in time, and asks the next site: kind `retried`.
    Retried {
        /// The call.
        call: CallId,
        /// The site that is asked now.
        to: SiteId,
    },
    /// A client was sent to another site: kind `redirected`. A command that a scenario gives to a site is not asked
    /// again, and remains without an answer.
    Redirected {
        /// The call.
        call: CallId,
        /// The other site.
        to: SiteId,
    },
    /// The first answer to a call is here: kind `answered`.
    Answered {
        /// The call.
        call: CallId,
        /// The answer.
        answer: P::Answer,
    },
    /// Too much is waiting at a client, and it drops a command that it never asked: kind `gave up`.
    GaveUp {
        /// The command.
        command: P::Command,
    },
}

impl<P: Protocol> Clone for SitesNote<P> {
    fn clone(&self) -> SitesNote<P> {
        match self {
            SitesNote::Site { kind, text } => SitesNote::Site { kind, text: text.clone() },
            SitesNote::Asked { call, command } => SitesNote::Asked { call: *call, command: command.clone() },
            SitesNote::Retried { call, to } => SitesNote::Retried { call: *call, to: *to },
            SitesNote::Redirected { call, to } => SitesNote::Redirected { call: *call, to: *to },
            SitesNote::Answered { call, answer } => {
                SitesNote::Answered { call: *call, answer: answer.clone() }
            }
            SitesNote::GaveUp { command } => SitesNote::GaveUp { command: command.clone() },
        }
    }
}

impl<P: Protocol> fmt::Debug for SitesNote<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SitesNote({self})")
    }
}

impl<P: Protocol> Label for SitesNote<P> {
    fn kinds() -> Vec<&'static str> {
        let mut kinds = P::NOTES.to_vec();
        kinds.extend(["asked", "retried", "redirected", "answered", "gave up"]);
        kinds
    }

    fn nouns() -> Vec<&'static str> {
        Vec::from(["call"])
    }

    fn kind(&self) -> &'static str {
        match self {
            SitesNote::Site { kind, .. } => kind,
            SitesNote::Asked { .. } => "asked",
            SitesNote::Retried { .. } => "retried",
            SitesNote::Redirected { .. } => "redirected",
            SitesNote::Answered { .. } => "answered",
            SitesNote::GaveUp { .. } => "gave up",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            SitesNote::Site { .. } | SitesNote::GaveUp { .. } => Subject::NONE,
            SitesNote::Asked { call, .. } | SitesNote::Answered { call, .. } => about(*call),
            SitesNote::Retried { call, .. } | SitesNote::Redirected { call, .. } => about(*call),
        }
    }
}

impl<P: Protocol> fmt::Display for SitesNote<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SitesNote::Site { kind, text } if text.is_empty() => f.write_str(kind),
            SitesNote::Site { kind, text } => write!(f, "{kind}: {text}"),
            SitesNote::Asked { call, command } => write!(f, "asks as call {}: {command:?}", call.number),
            SitesNote::Retried { call, to } => write!(f, "asks {to} now, call {}", call.number),
            SitesNote::Redirected { call, to } => write!(f, "is sent to {to} with call {}", call.number),
            SitesNote::Answered { call, answer } => write!(f, "is answered call {}: {answer:?}", call.number),
            SitesNote::GaveUp { command } => write!(f, "has too much waiting, and drops {command:?}"),
        }
    }
}
