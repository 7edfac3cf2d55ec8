//! The queue of waiting messages: no message leaves before the records that it depends on are durable.
//!
//! Both hosts pass every [`Effects`] to one [`Outbox`]. It packs messages into datagrams and releases each datagram
//! when the journal is durable up to the [`Offset`] that was appended when the datagram was sent. Messages from a
//! process to itself wait too and come back as [`Outgoing::Own`], so no site counts its own vote before its sync.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use crate::frame::{self, Datagram, Head, Sender};
use crate::ids::ProcessId;
use crate::process::{BACKGROUND, Effects, Process, Recipients, Sent};

mod drafts;
#[cfg(test)]
mod tests;

use drafts::Drafts;

/// A position in a journal: everything below it was appended. A journal that is durable up to an offset has synced
/// everything below it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Offset(pub u64);

/// Whether a host hands in inputs while a sync is in progress. It means the same in every host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SyncMode {
    /// It does; effects of these inputs wait for a later sync.
    #[default]
    Overlapped,
    /// It holds them until the sync is complete.
    Blocking,
}

/// Something that may leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outgoing {
    /// For the network.
    Datagram(Box<Datagram>),
    /// An encoded message to the process itself: hand it back as an input.
    Own(Arc<[u8]>),
}

/// Datagrams that were sent, kept to reuse their memory. A clone is empty.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "each goes out and comes back in its box")]
pub struct Spare(Vec<Box<Datagram>>);

impl Clone for Spare {
    fn clone(&self) -> Spare {
        Spare::default()
    }
}

impl Spare {
    /// Returns a datagram that is not needed any more.
    pub fn give(&mut self, datagram: Box<Datagram>) {
        self.0.push(datagram);
    }

    /// A datagram without messages.
    #[inline]
    fn take(&mut self, from: ProcessId, to: Recipients) -> Box<Datagram> {
        let Some(mut spare) = self.0.pop() else {
            // Most datagrams hold one short message, and there may be many.
            let (labels, bytes) = (Vec::with_capacity(1), Vec::with_capacity(128));
            return Box::new(Datagram { from, to, labels, is_background: true, bytes, hash: 0 });
        };
        spare.labels.clear();
        spare.bytes.clear();
        (spare.from, spare.to, spare.is_background) = (from, to, true);
        spare
    }
}

/// The waiting messages of one incarnation of one process.
#[derive(Clone, Debug)]
pub struct Outbox {
    sender: Sender,
    head: Head,
    datagram_max: usize,
    waiting: VecDeque<(Offset, Outgoing)>,
    waiting_bytes: usize,
    bytes_max: usize,
    /// Empty between calls.
    drafts: Drafts,
    own: Vec<(bool, Outgoing)>,
    appended: Offset,
    durable: Offset,
}

impl Outbox {
    /// An empty outbox. `datagram_max` and `bytes_max` are in bytes.
    pub fn new(sender: Sender, datagram_max: usize, bytes_max: usize) -> Outbox {
        Outbox {
            sender,
            head: Head::new(&sender),
            datagram_max,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            bytes_max,
            drafts: Drafts::default(),
            own: Vec::new(),
            appended: Offset(0),
            durable: Offset(0),
        }
    }

    /// Whether the messages and records that wait for a sync exceed the limit. Then the host must hand in nothing more
    /// until a sync completes.
    pub fn is_full(&self) -> bool {
        let records = self.appended.0.saturating_sub(self.durable.0);
        self.waiting_bytes as u64 + records > self.bytes_max as u64
    }

    /// The number of datagrams and own messages that wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the messages of one `handle` call, whose records end at `appended`. Pushes to `ready` what may leave at
    /// once: independent messages, and the rest if the journal is `durable` up to `appended`. Reuses datagrams of
    /// `spare` first.
    ///
    /// # Panics When a message does not fit a datagram: its sender broke the limit that its configuration states.
    #[inline]
    pub fn absorb<P: Process>(
        &mut self,
        effects: &mut Effects<P>,
        appended: Offset,
        durable: Offset,
        ready: &mut VecDeque<Outgoing>,
        spare: &mut Spare,
    ) {
        assert!(self.waiting.back().is_none_or(|(last, _)| *last <= appended), "offsets never decrease");
        (self.appended, self.durable) = (appended, durable);
        match effects.sent.as_slice() {
            [] => return,
            [message] => self.absorb_one(message, &effects.buffer, (appended, durable), ready, spare),
            _ => self.absorb_several(effects, (appended, durable), ready, spare),
        }
        effects.sent.clear();
        effects.buffer.clear();
    }

    #[inline(always)]
    fn absorb_one(
        &mut self,
        message: &Sent,
        buffer: &[u8],
        offsets: (Offset, Offset),
        ready: &mut VecDeque<Outgoing>,
        spare: &mut Spare,
    ) {
        let bytes = &buffer[message.bytes.clone()];
        if let Some(to) = self.others(message.to) {
            let mut datagram = spare.take(self.sender.from, to);
            self.head.begin(&mut datagram.bytes, to);
            put(&mut datagram, message, bytes, self.datagram_max);
            datagram.hash = frame::seal(&mut datagram.bytes);
            self.let_go(message.is_independent, Outgoing::Datagram(datagram), offsets, ready);
        }
        if message.to.is_own(self.sender.from) {
            self.let_go(message.is_independent, Outgoing::Own(bytes.into()), offsets, ready);
        }
    }

    fn absorb_several<P: Process>(
        &mut self,
        effects: &mut Effects<P>,
        offsets: (Offset, Offset),
        ready: &mut VecDeque<Outgoing>,
        spare: &mut Spare,
    ) {
        effects.sent.sort_by_key(|message| message.rank);
        let mut drafts = mem::take(&mut self.drafts);
        let mut own = mem::take(&mut self.own);
        for message in &effects.sent {
            let bytes = &effects.buffer[message.bytes.clone()];
            if message.to.is_own(self.sender.from) {
                own.push((message.is_independent, Outgoing::Own(bytes.into())));
            }
            let Some(to) = self.others(message.to) else { continue };
            let draft = drafts.draft(to, message, self.datagram_max, || {
                let mut datagram = spare.take(self.sender.from, to);
                self.head.begin(&mut datagram.bytes, to);
                datagram
            });
            put(draft, message, bytes, self.datagram_max);
        }
        for (is_independent, outgoing) in drafts.finish().chain(own.drain(..)) {
            self.let_go(is_independent, outgoing, offsets, ready);
        }
        (self.drafts, self.own) = (drafts, own);
    }

    #[inline(always)]
    fn let_go(
        &mut self,
        is_independent: bool,
        outgoing: Outgoing,
        (appended, durable): (Offset, Offset),
        ready: &mut VecDeque<Outgoing>,
    ) {
        if is_independent || appended <= durable {
            ready.push_back(outgoing);
        } else {
            self.waiting_bytes += outgoing.bytes().len();
            self.waiting.push_back((appended, outgoing));
        }
    }

    /// Pushes to `ready`, in the order of sending, whatever waits for an offset of at most `durable`.
    pub fn release(&mut self, durable: Offset, ready: &mut VecDeque<Outgoing>) {
        self.durable = durable;
        while self.waiting.front().is_some_and(|(offset, _)| *offset <= durable) {
            if let Some((_, outgoing)) = self.waiting.pop_front() {
                self.waiting_bytes -= outgoing.bytes().len();
                ready.push_back(outgoing);
            }
        }
    }

    /// `to` without this process; `None` when no other recipient is left.
    fn others(&self, to: Recipients) -> Option<Recipients> {
        match (to, self.sender.from.as_site()) {
            (Recipients::One(one), _) if one == self.sender.from => None,
            (Recipients::Sites(sites), Some(me)) => {
                let others = sites.without(me);
                (!others.is_empty()).then_some(Recipients::Sites(others))
            }
            (Recipients::Sites(sites), None) if sites.is_empty() => None,
            (Recipients::Clients { count: 0 }, _) => None,
            (to, _) => Some(to),
        }
    }
}

impl Outgoing {
    fn bytes(&self) -> &[u8] {
        match self {
            Outgoing::Datagram(datagram) => &datagram.bytes,
            Outgoing::Own(bytes) => bytes,
        }
    }
}

/// Appends a message to a datagram that has room for it, and panics if it has none.
#[inline]
fn put(datagram: &mut Datagram, message: &Sent, bytes: &[u8], datagram_max: usize) {
    frame::put_message(&mut datagram.bytes, bytes);
    assert!(
        datagram.bytes.len() <= datagram_max,
        "{} about {} takes a datagram of {} bytes, more than the limit of {datagram_max}",
        message.kind,
        message.subject,
        datagram.bytes.len(),
    );
    datagram.labels.push((message.kind, message.subject));
    datagram.is_background &= message.rank >= BACKGROUND;
}
