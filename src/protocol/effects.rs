//! What a site wants done.

use alloc::string::String;

use crate::foreign::Serde;
use crate::foreign::rebuilt::Rebuilt;
use crate::ids::{ProcessId, SiteId};
use crate::process::{Effects, Recipients};
use crate::protocol::{CallId, Protocol, SiteProcess, SitesMessage, SitesNote};

/// The effects of one call of [`Protocol::handle`].
#[derive(Debug)]
pub struct SiteEffects<'a, P: Protocol> {
    pub(super) me: SiteId,
    pub(super) effects: &'a mut Effects<Rebuilt<SiteProcess<P>>>,
}

impl<P: Protocol> SiteEffects<'_, P> {
    /// Makes `record` durable. All records of one call become durable together or not at all.
    pub fn append(&mut self, record: P::Record) {
        self.effects.append(&Serde::new(record));
    }

    /// Sends `message` to a site or several once everything appended earlier and every record of this call is durable.
    /// A site may send to itself: that message skips the network, but not the wait.
    pub fn send(&mut self, to: impl Into<Recipients>, message: P::Message) {
        self.effects.send(to, &SitesMessage::Site(Serde::new(message)));
    }

    /// Sends `message` at once. Correct only if the message stays true when a crash loses every unsynced record.
    pub fn send_independent(&mut self, to: impl Into<Recipients>, message: P::Message) {
        self.effects.send_independent(to, &SitesMessage::Site(Serde::new(message)));
    }

    /// Answers a call, of this input or an earlier one, and at any site. The answer waits for records as a message does.
    /// The client takes the first answer that it gets.
    pub fn answer(&mut self, call: CallId, answer: P::Answer) {
        self.effects.send(call.client, &SitesMessage::Answer { call, answer: Serde::new(answer) });
    }

    /// Sends the client of `call` to another site, which it asks at once. The message waits for records, as an answer
    /// does. A command that a scenario gave to a site itself remains
    /// without an answer.
    pub fn redirect(&mut self, call: CallId, to: SiteId) {
        if call.client == ProcessId::Site(self.me) {
            self.effects.note(SitesNote::Redirected { call, to });
        } else {
            self.effects.send(call.client, &SitesMessage::Redirect { call, to });
        }
    }

    /// Reports an event to traces, steps and judges. `text` may be empty.
    ///
    /// # Panics
    /// When `kind` is not in [`Protocol::NOTES`]: a scenario that waits for it would be refused.
    pub fn note(&mut self, kind: &'static str, text: impl Into<String>) {
        assert!(P::NOTES.contains(&kind), "the note {kind:?} is not in `Protocol::NOTES`: {:?}", P::NOTES);
        self.effects.note(SitesNote::Site { kind, text: text.into() });
    }

    /// Stops the site, as a failed disk would: see [`Effects::stop`].
    pub fn stop(&mut self, property: &'static str, reason: String) {
        self.effects.stop(property, reason);
    }
}
