//! The way of a datagram: out of its sender, past rules and links, into its receiver.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::sync::Arc;

use crate::frame::{self, Datagram};
use crate::ids::ProcessId;
use crate::mix;
use crate::outbox::Outgoing;
use crate::process::Process;
use crate::sim::fates::Fate;
use crate::sim::host::Waiting;
use crate::sim::judge::{Judge, Observation, Violation};
use crate::sim::limits;
use crate::sim::rule::Ruling;
use crate::sim::script::Seam;
use crate::sim::trace::{LineClass, Loss, What};
use crate::sim::watch::Mark;
use crate::sim::world::{Event, World, cast};
use crate::time::Duration;

/// How long a datagram takes inside one program.
const INSIDE: Duration = Duration::from_micros(1);

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Sends what may leave, for as long as the sender's life goes on.
    pub(crate) fn dispatch(&mut self, h: usize, life: u64, mut ready: VecDeque<Outgoing>) {
        while let Some(outgoing) = ready.pop_front() {
            match outgoing {
                Outgoing::Own(bytes) => {
                    if let Some(running) = self.hosts[h].running_mut() {
                        running.own.push_back(bytes);
                    }
                }
                Outgoing::Datagram(datagram) => {
                    let goes_on = self.send(h, life, &datagram);
                    let is_another =
                        || ready.iter().any(|outgoing| matches!(outgoing, Outgoing::Datagram(_)));
                    if !goes_on || (is_another() && self.crash_at(h, Seam::BetweenSends)) {
                        return;
                    }
                }
            }
        }
        // Empty, and of use for its memory.
        self.ready = ready;
    }

    /// Sends one datagram to each of its recipients; `false` when its sender stopped meanwhile.
    fn send(&mut self, h: usize, life: u64, datagram: &Datagram) -> bool {
        let from = datagram.from;
        self.watch.mark(Mark::Sent, from, [datagram.bytes.len() as u64, 0]);
        self.watch.absorb(&datagram.bytes);
        let messages = frame::read(&datagram.bytes)
            .map_err(|reason| format!("{reason}"))
            .and_then(|(_, messages)| messages.decode::<P::Message>().map_err(|error| format!("{error}")));
        match messages {
            Ok(messages) => self.watch.show(&Observation::Sent { datagram, messages: &messages }),
            Err(reason) => self.watch.object(Violation {
                property: "codec",
                explanation: format!("{from} sent a datagram that cannot be read: {reason}"),
            }),
        }
        self.object_to(limits::check_datagram(datagram, self.settings.datagram_max));
        let mut recipients = datagram.to.iter().peekable();
        while let Some(to) = recipients.next() {
            self.send_to(datagram, to);
            self.run_fired(false);
            if !self.hosts[h].is_alive(life) {
                return false;
            }
            if recipients.peek().is_some() && self.crash_at(h, Seam::BetweenRecipients) {
                return false;
            }
        }
        true
    }

    /// Hands one copy to the network: its fate is drawn, then the script looks, then rules and links decide.
    fn send_to(&mut self, datagram: &Datagram, to: ProcessId) {
        let (from, now) = (datagram.from, self.watch.now);
        let labels = &datagram.labels;
        self.watch.statistics.sent += 1;
        if from.shares_program_with(to) {
            self.watch.line(from, LineClass::Routine, || What::Sent { to, labels: Arc::clone(labels) });
            self.tell_script_of_datagram(true, (from, to), datagram);
            return self.bring(datagram, to, INSIDE);
        }
        let fate = self.fates.draw(&self.settings.network, now, datagram, to);
        self.tell_script_of_datagram(true, (from, to), datagram);
        let is_in_core = self.is_in_core(from) && self.is_in_core(to);
        let decided = if is_in_core { None } else { self.rules.decide(now, from, to, labels) };
        let ruling = decided.map(|(ruling, rule)| (ruling, Arc::clone(rule)));
        let shared = || Arc::clone(labels);
        if self.links.is_cut(from, to) {
            return self.lose(datagram, to, Loss::CutAtSending);
        }
        if let Some((ruling, rule)) = &ruling {
            let rule = Arc::clone(rule);
            self.watch.line(from, LineClass::Fault, || What::Ruled { to, labels: shared(), rule });
            match ruling {
                Ruling::Drop => {
                    self.watch.mark(Mark::Lost, from, [to.number().into(), 0]);
                    self.watch.count_loss(&Loss::Rule);
                    return;
                }
                Ruling::Delay(_) => self.watch.statistics.delayed += 1,
                Ruling::Duplicate { .. } => {}
            }
        }
        let Fate { is_lost, delay, second, is_held_back } = fate;
        if is_lost && !is_in_core {
            return self.lose(datagram, to, Loss::Chance);
        }
        if ruling.is_none() {
            self.watch.line(from, LineClass::Routine, || What::Sent { to, labels: shared() });
        }
        if is_held_back {
            self.watch.statistics.held_back += 1;
            self.watch.line(from, LineClass::Routine, || What::HeldBack { to, labels: shared(), by: delay });
        }
        let mut delay = delay;
        if let Some((Ruling::Delay(by), _)) = &ruling {
            delay = delay + *by;
        }
        self.bring(datagram, to, delay);
        if let Some(second) = second.filter(|_| !is_in_core) {
            self.watch.statistics.doubled += 1;
            self.watch.line(from, LineClass::Routine, || What::Doubled { to, labels: shared() });
            self.bring(datagram, to, second);
        }
        if let Some((Ruling::Duplicate { copies, apart }, _)) = &ruling {
            for copy in 1..=u64::from(*copies) {
                self.watch.statistics.doubled += 1;
                self.bring(datagram, to, delay + apart.times(copy));
            }
        }
    }

    /// Whether faults have stopped for this process.
    fn is_in_core(&self, process: ProcessId) -> bool {
        self.core.is_some_and(|core| match process {
            ProcessId::Site(site) | ProcessId::Terminal(site) => core.contains(site),
            ProcessId::Client(_) => true,
        })
    }

    fn tell_script_of_datagram(&mut self, is_sent: bool, ends: (ProcessId, ProcessId), datagram: &Datagram) {
        if self.director.listens_to_datagrams() {
            let cast = cast(&self.hosts, &self.settings);
            self.director.on_datagram(is_sent, self.watch.now, ends, &datagram.labels, &cast);
            if is_sent {
                self.run_fired(true);
            }
        }
    }

    fn bring(&mut self, datagram: &Datagram, to: ProcessId, delay: Duration) {
        let Some(host) = self.place(to) else { return self.lose(datagram, to, Loss::Nowhere) };
        self.watch.mark(Mark::Copied, datagram.from, [to.number().into(), delay.as_micros()]);
        let event = Event::Deliver { host, datagram: datagram.clone() };
        self.queue.push(self.watch.now + delay, event);
    }

    /// A copy does not get past its sender's end.
    fn lose(&mut self, datagram: &Datagram, to: ProcessId, why: Loss) {
        let labels = &datagram.labels;
        self.watch.mark(Mark::Lost, datagram.from, [to.number().into(), 1]);
        self.watch.count_loss(&why);
        let traced = || What::Lost { to, labels: Arc::clone(labels), why };
        self.watch.line(datagram.from, loss_class(datagram), traced);
    }

    /// A copy does not get past its receiver's end.
    fn drop_at(&mut self, to: ProcessId, datagram: &Datagram, why: Loss) {
        let (from, labels) = (datagram.from, &datagram.labels);
        self.watch.mark(Mark::Lost, to, [from.number().into(), 2]);
        self.watch.count_loss(&why);
        let traced = || What::Dropped { from, labels: Arc::clone(labels), why };
        self.watch.line(to, loss_class(datagram), traced);
    }

    /// A copy arrives.
    pub(crate) fn deliver(&mut self, h: usize, datagram: Datagram) {
        let (from, to) = (datagram.from, self.hosts[h].id);
        if self.links.is_cut(from, to) {
            return self.drop_at(to, &datagram, Loss::CutAtDelivery);
        }
        let (mode, inbox_max) = (self.settings.disk.sync_mode, self.settings.inbox_max);
        let Some(running) = self.hosts[h].running_mut() else {
            return self.drop_at(to, &datagram, Loss::Down);
        };
        if !running.can_take(mode) && running.inbox.len() >= inbox_max {
            return self.drop_at(to, &datagram, Loss::InboxFull);
        }
        running.inbox.push_back(Waiting::Datagram(datagram));
        self.drain(h);
    }

    /// Opens a datagram whose turn has come: its messages are handed in next.
    pub(crate) fn open(&mut self, h: usize, datagram: &Datagram) {
        let host = &self.hosts[h];
        let (to, life) = (host.id, host.lives);
        let opened = frame::open(&datagram.bytes, self.settings.cluster, 0, to);
        let (header, messages) = match opened {
            Ok(opened) => opened,
            Err(reason) => return self.drop_at(to, datagram, Loss::Rejected(reason)),
        };
        let from = header.sender.from;
        let messages = match messages.decode::<P::Message>() {
            Ok(messages) => messages,
            Err(error) => return self.drop_at(to, datagram, Loss::Undecodable(error)),
        };
        self.watch.statistics.delivered += 1;
        self.watch.mark(Mark::Delivered, to, [from.number().into(), mix::absorb(0, &datagram.bytes)]);
        let labels = &datagram.labels;
        self.watch.line(to, LineClass::Routine, || What::Delivered { from, labels: Arc::clone(labels) });
        self.tell_script_of_datagram(false, (from, to), datagram);
        self.run_fired(false);
        if self.hosts[h].is_alive(life)
            && let Some(running) = self.hosts[h].running_mut()
        {
            running.opened.extend(messages.into_iter().map(|message| (from, message)));
        }
    }
}

/// That a heartbeat did not arrive is no news: the next one tells.
fn loss_class(datagram: &Datagram) -> LineClass {
    if datagram.is_background { LineClass::Routine } else { LineClass::Fault }
}
