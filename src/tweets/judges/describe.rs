//! How judges name things in a sentence.

use core::fmt;

use crate::ids::SiteSet;
use crate::process::Recipients;
use crate::tweets::judges::chosen::LogEntry;
use crate::tweets::site::{Answer, Request, RequestId};
use crate::tweets::timeline::{TimelineOutcome, Tweet};

/// An entry of the log.
pub(super) struct Shown<'a>(pub &'a LogEntry);

/// Sites, at least one.
pub(super) struct Sites(pub SiteSet);

/// The recipients of a message.
pub(super) struct To(pub Recipients);

/// The id of a request.
pub(super) struct Id(pub RequestId);

/// The kind of an answer, without its page.
pub(super) struct AnswerKind<'a>(pub &'a Answer);

/// A value, or a phrase for its absence.
pub(super) struct Maybe<T>(pub Option<T>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_noop() {
            return f.write_str("a no-op");
        }
        for (index, value) in self.0.values().iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}\"{}\" ({} of {})", value.request, value.number, value.origin)?;
        }
        Ok(())
    }
}

impl fmt::Display for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, site) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " and " };
            write!(f, "{separator}{site}")?;
        }
        Ok(())
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Recipients::One(one) => one.fmt(f),
            Recipients::Sites(sites) => Sites(sites).fmt(f),
            Recipients::Clients { count } => write!(f, "the first {count} clients"),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            RequestId::Open { nonce } => write!(f, "the opening with nonce {nonce}"),
            RequestId::Execute { session, number, .. } => write!(f, "request {number} of session {session}"),
        }
    }
}

impl fmt::Display for AnswerKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Answer::Opened => "Opened",
            Answer::Of(TimelineOutcome::Done) => "Done",
            Answer::Of(TimelineOutcome::Viewed { .. }) => "Viewed",
        })
    }
}

impl fmt::Display for Maybe<&Tweet> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(tweet) => write!(f, "\"{tweet}\" of {}", tweet.position),
            None => f.write_str("no further tweet"),
        }
    }
}

impl fmt::Display for Maybe<&Request> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(request) => write!(f, "\"{request}\""),
            None => f.write_str("nothing"),
        }
    }
}
