//! A host's side of the network: opens and checks what comes in, seals and addresses what goes out, and counts what it
//! drops.

use core::ops::Range;
use std::net::SocketAddr;

use super::cookies::CookieStanding;
use super::counters::Drop;
use super::host::{Host, LocalMessage};
use super::keys::KeyNumber;
use super::notices::{ASKS_FOR_COUNTERS, Challenge, Notice};
use super::seal::{Party, SEAL_BYTES};
use super::socket::Socket;
use super::syncer::HostDisk;
use crate::frame::{self, Datagram};
use crate::ids::ProcessId;
use crate::process::Process;
use crate::time::Instant;

/// The most messages that a site takes from one datagram of a client: each may be answered by a datagram of the largest
/// size. The client gets no answer to the rest, and asks again.
const CLIENT_MESSAGES_MAX: usize = 8;

/// The recipient, the sender and the messages of a datagram.
pub(super) type Taken<M> = (ProcessId, ProcessId, Vec<M>);

impl<P: Process, D: HostDisk, S: Socket> Host<P, D, S> {
    /// Takes one datagram from the socket. `None` if there is none, or if nothing of it is to be handed in.
    pub(super) fn receive(&mut self) -> Option<Taken<P::Message>> {
        let (place, source) = match self.arrivals.next(&mut self.socket) {
            Ok(next) => next?,
            Err(error) => {
                tracing::debug!(%error, "failed to receive");
                self.counters.drop(Drop::ReceiveFailed);
                return None;
            }
        };
        let length = place.len();
        match self.take_datagram(place, source) {
            Ok(taken) => {
                self.counters.received += 1;
                taken
            }
            Err(reason) => {
                tracing::debug!(%source, length, reason = reason.name(), "dropped a datagram");
                self.counters.drop(reason);
                None
            }
        }
    }

    /// Opens a received datagram, or returns the reason for dropping it. `Ok(None)` if it was a question to the host
    /// itself, which this answers.
    fn take_datagram(
        &mut self,
        place: Range<usize>,
        source: SocketAddr,
    ) -> Result<Option<Taken<P::Message>>, Drop> {
        if place.len() > self.settings.datagram_max + SEAL_BYTES {
            return Err(Drop::Oversized);
        }
        let now = self.clock.now();
        let bytes = self.arrivals.bytes(place);
        let claim = self.sealer.claim(bytes)?;
        let (standing, is_known) = match claim.party {
            Party::Sites => (CookieStanding::Current, self.strangers.is_site(source)),
            Party::Client(key) => {
                let standing = self.cookies.standing(now, source, key, claim.cookie);
                (standing, standing != CookieStanding::Strange)
            }
        };
        if !is_known && !self.strangers.may_open(now, source) {
            return Err(Drop::Unopened);
        }
        let opened = self.sealer.open(bytes)?;
        if opened.party == Party::Sites && !is_known {
            self.strangers.record_site(source);
        }
        if let Party::Client(key) = opened.party
            && opened.frame == ASKS_FOR_COUNTERS
        {
            let count = opened.count;
            return self.send_counters(now, key, source, (count, standing)).map(|()| None);
        }
        let (header, messages) = frame::read(opened.frame).map_err(|rejected| Drop::from(&rejected))?;
        let from = header.sender.from;
        if header.sender.cluster != self.settings.cluster {
            return Err(Drop::Cluster);
        }
        if header.sender.configuration != self.settings.configuration {
            return Err(Drop::Configuration);
        }
        // This program's own messages never cross the network, and a client key is valid for its own clients only.
        if from == self.site.id || from == self.terminal.id || Party::of(from) != opened.party {
            return Err(Drop::Source);
        }
        let who = [self.site.id, self.terminal.id].into_iter().find(|id| header.to.contains(*id));
        let who = who.ok_or(Drop::Misdelivered)?;
        let newness = (header.sender.incarnation, opened.count);
        let mut messages: Vec<P::Message> = messages.decode().map_err(|_| Drop::Malformed)?;
        if let Party::Client(key) = opened.party {
            self.look_for_proof(now, key, source, (newness.1, standing))?;
            if messages.len() > CLIENT_MESSAGES_MAX {
                messages.truncate(CLIENT_MESSAGES_MAX);
                self.counters.drop(Drop::TooMany);
            }
        }
        if !self.routes.learn(now, from, newness, source) {
            return Err(Drop::NumberTaken);
        }
        Ok(Some((who, from, messages)))
    }

    /// Challenges a client to prove its address, unless its cookie is current. An error if it has no valid cookie.
    fn look_for_proof(
        &mut self,
        now: Instant,
        key: KeyNumber,
        source: SocketAddr,
        (count, standing): (u64, CookieStanding),
    ) -> Result<(), Drop> {
        let is_dropped = match standing {
            CookieStanding::Current => return Ok(()),
            CookieStanding::Aging => false,
            CookieStanding::Strange => true,
        };
        let cookie = self.cookies.give(now, source, key);
        self.notify(key, source, &Notice::Challenge(Challenge { cookie, count, is_dropped }));
        if is_dropped { Err(Drop::Unproven) } else { Ok(()) }
    }

    /// Sends the counters to a client that has proven its address.
    fn send_counters(
        &mut self,
        now: Instant,
        key: KeyNumber,
        source: SocketAddr,
        (count, standing): (u64, CookieStanding),
    ) -> Result<(), Drop> {
        self.look_for_proof(now, key, source, (count, standing))?;
        self.notify(key, source, &Notice::Counters { count, counters: self.counters });
        Ok(())
    }

    fn notify(&mut self, key: KeyNumber, source: SocketAddr, notice: &Notice) {
        let is_sealed = self.sealer.notify(key, notice, &mut self.sealed);
        assert!(is_sealed, "the datagram was opened with client key {}", key.number());
        self.departures.send(&mut self.socket, &self.sealed, source, &mut self.counters);
    }

    /// Seals a datagram and sends one copy to each recipient. A copy that cannot leave is lost, and counted.
    pub(super) fn send(&mut self, datagram: Box<Datagram>) {
        let mut is_local = false;
        let mut sealed_for = None;
        for to in datagram.recipients() {
            if to == self.site.id || to == self.terminal.id {
                is_local = true;
                continue;
            }
            let Some(address) = self.routes.address(to) else {
                self.counters.drop(Drop::NoAddress);
                continue;
            };
            let party = Party::of(to);
            if sealed_for != Some(party) {
                if !self.sealer.seal(party, &datagram.bytes, &mut self.sealed) {
                    self.counters.drop(Drop::NoAddress);
                    continue;
                }
                sealed_for = Some(party);
            }
            self.departures.send(&mut self.socket, &self.sealed, address, &mut self.counters);
        }
        if is_local {
            self.local.push_back(LocalMessage::Datagram(datagram));
        } else {
            self.spare.give(datagram);
        }
    }
}
