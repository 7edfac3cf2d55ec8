//! Hands inputs to the processes, and does what follows from them.

use super::super::error::HostError;
use super::super::socket::Socket;
use super::super::syncer::HostDisk;
use super::{Host, LocalMessage, is_of_disk};
use crate::frame;
use crate::ids::ProcessId;
use crate::outbox::Outgoing;
use crate::process::{Input, Process};
use crate::wire::Wire;

/// Once this many bytes wait to be written or sent, that is done before more is taken. Together with the effects of one
/// input they stay below the length of a journal's file.
const BATCH_BYTES: usize = 256 << 10;

impl<P: Process, D: HostDisk, S: Socket> Host<P, D, S> {
    pub(super) fn wake_late(&mut self) -> Result<(), HostError> {
        for who in [self.site.id, self.terminal.id] {
            let now = self.clock.now();
            let seat = self.seat(who);
            let is_late = seat.process.deadline().is_some_and(|(at, _)| at <= now);
            if is_late && !seat.outbox.is_full() {
                self.hand_in(who, Input::Wake)?;
            }
        }
        Ok(())
    }

    /// Hands in what comes from this program. If the site's outbox is full, the rest waits.
    pub(super) fn hand_in_local(&mut self) -> Result<(), HostError> {
        while !self.site.outbox.is_full() {
            match self.local.pop_front() {
                None => break,
                Some(LocalMessage::Own(who, bytes)) => {
                    let message = P::Message::from_bytes(&bytes);
                    let message = message.expect("a process reads what it wrote itself");
                    self.hand_in(who, Input::Message { from: who, message })?;
                }
                Some(LocalMessage::Datagram(datagram)) => {
                    let (_, messages) = frame::read(&datagram.bytes).expect("framed in this program");
                    let messages = messages.decode().expect("encoded in this program");
                    let both = [self.site.id, self.terminal.id];
                    if let Some(who) = both.into_iter().find(|id| datagram.to.contains(*id)) {
                        self.hand_in_messages(who, datagram.from, messages)?;
                    }
                }
                Some(LocalMessage::Command(command)) => {
                    self.hand_in(self.terminal.id, Input::Command(command))?
                }
                Some(LocalMessage::DiskSpace { is_low }) => {
                    self.hand_in_next(self.site.id, Input::DiskSpace { is_low })?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn hand_in_messages(
        &mut self,
        who: ProcessId,
        from: ProcessId,
        messages: Vec<P::Message>,
    ) -> Result<(), HostError> {
        messages.into_iter().try_for_each(|message| self.hand_in(who, Input::Message { from, message }))
    }

    /// Hands in one input. Its effects are done at the next [`settle`](Host::settle), or at once if there are many
    /// bytes of them.
    fn hand_in(&mut self, who: ProcessId, input: Input<P>) -> Result<(), HostError> {
        self.notice_low();
        if let Some(LocalMessage::DiskSpace { is_low }) = self.local.pop_front_if(is_of_disk) {
            self.hand_in_next(self.site.id, Input::DiskSpace { is_low })?;
        }
        self.hand_in_next(who, input)
    }

    pub(super) fn hand_in_next(&mut self, who: ProcessId, input: Input<P>) -> Result<(), HostError> {
        let now = self.clock.now();
        if let Some(recorder) = &mut self.recorder {
            let seat = if who == self.site.id { &self.site } else { &self.terminal };
            let both = [&self.site.process, &self.terminal.process];
            recorder.on_input(who, now, &input, &seat.effects, both);
        }
        let seat = if who == self.site.id { &mut self.site } else { &mut self.terminal };
        seat.process.handle(now, input, &mut seat.effects);
        if let Some(recorder) = &mut self.recorder {
            recorder.on_output(who, &seat.process, &seat.effects);
        }
        self.notes.extend(seat.effects.notes.drain(..).map(|note| (who, note)));
        if let Some(stop) = seat.effects.stop.take() {
            // The effects of earlier inputs of this turn go too: it is as if the power had failed before the sync.
            seat.effects.clear();
            return Err(HostError::Stopped(stop));
        }
        if seat.effects.bytes() >= BATCH_BYTES.min(self.settings.outbox_max) {
            self.settle_one(who)
        } else {
            Ok(())
        }
    }

    /// Does the effects of the inputs, and of the messages that both processes send to each other and to themselves.
    pub(super) fn settle(&mut self) -> Result<(), HostError> {
        loop {
            self.settle_one(self.site.id)?;
            self.settle_one(self.terminal.id)?;
            if self.local.is_empty() || self.site.outbox.is_full() {
                return Ok(());
            }
            self.hand_in_local()?;
        }
    }

    pub(super) fn settle_one(&mut self, who: ProcessId) -> Result<(), HostError> {
        let is_site = who == self.site.id;
        let seat = if is_site { &mut self.site } else { &mut self.terminal };
        let records = seat.effects.records();
        assert!(is_site || records.is_empty(), "{who} keeps nothing, but appends {} records", records.len());
        let (appended, durable) = if is_site {
            (self.journal.append(&mut self.disk, records)?, self.journal.durable())
        } else {
            Default::default()
        };
        seat.outbox.absorb(&mut seat.effects, appended, durable, &mut self.ready, &mut self.spare);
        seat.effects.clear();
        self.send_ready(who);
        Ok(())
    }

    /// Sends everything that may leave. Nothing of it is kept.
    pub(super) fn send_ready(&mut self, who: ProcessId) {
        while let Some(outgoing) = self.ready.pop_front() {
            match outgoing {
                Outgoing::Own(bytes) => self.local.push_back(LocalMessage::Own(who, bytes)),
                Outgoing::Datagram(datagram) => self.send(datagram),
            }
        }
        self.departures.flush(&mut self.socket, &mut self.counters);
    }
}
