//! Takes the datagrams of sites: answers for clients, and notices.

use super::super::counters::Drop;
use super::super::notices::{Challenge, Notice};
use super::super::seal::{Opened, Party, SEAL_BYTES};
use super::{Caller, SentDatagram, SiteNotice};
use crate::frame;
use crate::ids::{ProcessId, SiteId};
use crate::process::{Input, Process, Recipients};

/// The most times that one frame is sent again in answer to challenges. Then it is for its process to ask again.
const PROOFS_MAX: u8 = 3;

/// The result of looking for a datagram.
pub(super) enum Looked {
    Nothing,
    /// A notice of a site's host, already handled.
    Notice,
    /// Messages for the client with this number, already handed in.
    For(u16),
}

impl<P: Process> Caller<P> {
    /// Takes one datagram, hands it to its client and returns the number of that client.
    pub(super) fn receive(&mut self) -> Result<Looked, Drop> {
        let next = self.arrivals.next(&mut self.socket).map_err(|_| Drop::ReceiveFailed)?;
        let Some((place, source)) = next else { return Ok(Looked::Nothing) };
        if place.len() > self.settings.datagram_max + SEAL_BYTES {
            return Err(Drop::Oversized);
        }
        let opened = self.sealer.open(self.arrivals.bytes(place))?;
        if let Opened { party, notice: Some(notice), .. } = opened {
            return self.on_notice(party, &notice).map(|()| Looked::Notice);
        }
        let (header, messages) = frame::read(opened.frame).map_err(|rejected| Drop::from(&rejected))?;
        if header.sender.cluster != self.settings.cluster {
            return Err(Drop::Cluster);
        }
        if header.sender.configuration != self.settings.configuration {
            return Err(Drop::Configuration);
        }
        let from = header.sender.from;
        let Recipients::One(ProcessId::Client(number)) = header.to else {
            return Err(Drop::Misdelivered);
        };
        // Only sites seal datagrams to clients, and each key seals only those to its own clients.
        if from.as_site().is_none() || Party::of(ProcessId::Client(number)) != opened.party {
            return Err(Drop::Source);
        }
        if !self.seats.contains_key(&number) {
            return Err(Drop::Misdelivered);
        }
        let messages: Vec<P::Message> = messages.decode().map_err(|_| Drop::Malformed)?;
        tracing::trace!(%source, %from, "received");
        self.counters.received += 1;
        for message in messages {
            self.hand_in(number, Input::Message { from, message });
        }
        Ok(Looked::For(number))
    }

    /// Takes a notice of a site's host about a datagram that was sent. If it is a challenge, keeps its cookie, and
    /// sends the datagram again if the site dropped it.
    fn on_notice(&mut self, party: Party, notice: &Notice) -> Result<(), Drop> {
        let place = self.sent.binary_search_by_key(&notice.count(), |sent| sent.count);
        let sent = place.ok().and_then(|place| self.sent.get_mut(place));
        let of_its_key = |sent: &&mut SentDatagram| Party::of(ProcessId::Client(sent.client)) == party;
        // Any other datagram was sent long ago, or was answered before.
        let Some(sent) = sent.filter(of_its_key).filter(|sent| !sent.frame.is_empty()) else {
            return Err(Drop::Misdelivered);
        };
        let SentDatagram { client, site, proofs, .. } = *sent;
        if let Notice::Challenge(challenge) = *notice
            && !challenge.is_dropped
        {
            // The site took the datagram, so its own answer, such as counters, is yet to come.
            self.take_cookie((client, site), challenge, (&[], proofs));
            return Ok(());
        }
        let frame = core::mem::take(&mut sent.frame);
        self.sent_bytes -= frame.len();
        let notice_of_site = match *notice {
            Notice::Challenge(challenge) => {
                self.take_cookie((client, site), challenge, (&frame, proofs));
                return Ok(());
            }
            Notice::Starting { .. } => SiteNotice::Starting,
            Notice::Counters { counters, .. } => SiteNotice::Counters(counters),
        };
        let site = u8::try_from(site).ok().and_then(SiteId::new).expect("something was sent to it");
        self.notices.push((site, notice_of_site));
        Ok(())
    }

    fn take_cookie(
        &mut self,
        (client, site): (u16, usize),
        challenge: Challenge,
        (frame, proofs): (&[u8], u8),
    ) {
        self.cookies[site] = challenge.cookie;
        let Some(seat) = self.seats.get_mut(&client) else { return };
        seat.cookies[site] = Some(challenge.cookie);
        if challenge.is_dropped && proofs < PROOFS_MAX {
            self.send_to(site, client, frame, proofs + 1);
        }
    }
}
