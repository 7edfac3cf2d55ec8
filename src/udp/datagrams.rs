//! A host's side of the network: what comes in is checked, what goes out is addressed, and what is dropped is
//! counted.

use std::io;
use std::net::SocketAddr;

use super::counters::Drop;
use super::error::HostError;
use super::host::{Host, Local};
use super::socket::Socket;
use super::syncer::HostDisk;
use crate::frame::{self, Datagram};
use crate::process::Process;

impl<P: Process, D: HostDisk, S: Socket> Host<P, D, S> {
    /// Takes one datagram from the socket.
    pub(super) fn receive(&mut self) -> Result<(), HostError> {
        let (length, source) = match self.socket.receive(&mut self.received) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => {
                self.is_readable = false;
                if error.kind() != io::ErrorKind::WouldBlock {
                    tracing::debug!(%error, "failed to receive");
                    self.counters.drop(Drop::ReceiveFailed);
                }
                return Ok(());
            }
        };
        let received = core::mem::take(&mut self.received);
        let taken = self.take_datagram(received.get(..length).unwrap_or(&received), source);
        self.received = received;
        if let Some(reason) = taken? {
            tracing::debug!(%source, length, reason = reason.name(), "dropped a datagram");
            self.counters.drop(reason);
        }
        Ok(())
    }

    /// Hands in the messages of a datagram, or says why it is dropped.
    fn take_datagram(&mut self, bytes: &[u8], source: SocketAddr) -> Result<Option<Drop>, HostError> {
        if bytes.len() > self.settings.datagram_max {
            return Ok(Some(Drop::Oversized));
        }
        let (header, messages) = match frame::read(bytes) {
            Ok(read) => read,
            Err(rejected) => return Ok(Some(Drop::from(&rejected))),
        };
        let from = header.sender.from;
        if header.sender.cluster != self.settings.cluster {
            return Ok(Some(Drop::Cluster));
        }
        if header.sender.configuration != self.settings.configuration {
            return Ok(Some(Drop::Configuration));
        }
        // Nothing of this program's own crosses the network.
        if from == self.site.id || from == self.terminal.id || !self.routes.may_come_from(from, source) {
            return Ok(Some(Drop::Source));
        }
        let Some(who) = [self.site.id, self.terminal.id].into_iter().find(|id| header.to.contains(*id))
        else {
            return Ok(Some(Drop::Misdelivered));
        };
        let Ok(messages) = messages.decode() else { return Ok(Some(Drop::Malformed)) };
        self.routes.learn(from, source);
        self.counters.received += 1;
        self.hand_in_messages(who, from, messages)?;
        Ok(None)
    }

    /// Sends one copy to each recipient. What cannot leave is lost, and counted.
    pub(super) fn send(&mut self, datagram: Box<Datagram>) {
        let mut is_local = false;
        for to in datagram.recipients() {
            if to == self.site.id || to == self.terminal.id {
                is_local = true;
                continue;
            }
            let Some(address) = self.routes.address(to) else {
                self.counters.drop(Drop::NoAddress);
                continue;
            };
            match self.socket.send(&datagram.bytes, address) {
                Ok(()) => self.counters.sent += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.counters.drop(Drop::SendBlocked);
                }
                Err(error) => {
                    tracing::debug!(%to, %address, %error, "failed to send");
                    self.counters.drop(Drop::SendFailed);
                }
            }
        }
        if is_local {
            self.local.push_back(Local::Datagram(datagram));
        } else {
            self.spare.give(datagram);
        }
    }
}
