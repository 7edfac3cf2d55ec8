//! Messages between a site's host and a program of clients. The processes that these run never see such messages, and
//! no simulated run has them.

use super::counters::Counters;
use crate::frame::FRAME_BYTES;

/// The bytes that a client seals in place of a frame to ask for the [`Counters`] of a site. No frame begins so: its
/// first byte is its version, which is never 0. They are as long as the head of a frame, so that no challenge is
/// longer.
pub(super) const ASKS_FOR_COUNTERS: [u8; FRAME_BYTES] = [0; FRAME_BYTES];

/// A challenge of a site: the client is to prove that it receives at the address it sends from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// The cookie for the client's next datagrams.
    pub cookie: u64,
    /// The count of the datagram that the challenge answers.
    pub count: u64,
    /// Whether that datagram was dropped. If not, its cookie was of the epoch before.
    pub is_dropped: bool,
}

/// The answer of a site's host itself to a datagram of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// The client is to prove its address.
    Challenge(Challenge),
    /// The site is reading its journal, and has not looked at the datagram.
    Starting {
        /// The count of the client's datagram.
        count: u64,
    },
    /// The datagram counters of the host since its start.
    Counters {
        /// The count of the client's datagram that asked for them.
        count: u64,
        /// The counters.
        counters: Counters,
    },
}

/// Bytes of a notice before its counters, which only one kind of notice has.
const HEAD_BYTES: usize = 8 + 8 + 1;

/// The kinds of notices: the last byte of the head.
const KEPT: u8 = 0;
const DROPPED: u8 = 1;
const STARTING: u8 = 2;
const COUNTERS: u8 = 3;

// An answer to an unproven address must be no longer than the datagram that it answers.
const _: () = assert!(HEAD_BYTES <= FRAME_BYTES);

impl Notice {
    /// The count of the datagram that it answers.
    pub(super) fn count(&self) -> u64 {
        match *self {
            Notice::Challenge(Challenge { count, .. })
            | Notice::Starting { count }
            | Notice::Counters { count, .. } => count,
        }
    }

    /// The cookie or 0, the count, the kind, and the counters if the notice has them.
    pub(super) fn encode(&self) -> Vec<u8> {
        let (cookie, kind) = match *self {
            Notice::Challenge(Challenge { cookie, is_dropped: false, .. }) => (cookie, KEPT),
            Notice::Challenge(Challenge { cookie, is_dropped: true, .. }) => (cookie, DROPPED),
            Notice::Starting { .. } => (0, STARTING),
            Notice::Counters { .. } => (0, COUNTERS),
        };
        let mut bytes = Vec::with_capacity(HEAD_BYTES);
        bytes.extend_from_slice(&cookie.to_le_bytes());
        bytes.extend_from_slice(&self.count().to_le_bytes());
        bytes.push(kind);
        if let Notice::Counters { counters, .. } = self {
            counters.numbers().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
        }
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Notice> {
        let (cookie, rest) = bytes.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (cookie, count) = (u64::from_le_bytes(*cookie), u64::from_le_bytes(*count));
        let (kind, rest) = rest.split_first()?;
        match (*kind, rest) {
            (KEPT | DROPPED, []) => {
                Some(Notice::Challenge(Challenge { cookie, count, is_dropped: *kind == DROPPED }))
            }
            (STARTING, []) => Some(Notice::Starting { count }),
            (COUNTERS, numbers) => {
                let (numbers, rest) = numbers.as_chunks();
                let numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
                let counters = Counters::of(numbers).filter(|_| rest.is_empty())?;
                Some(Notice::Counters { count, counters })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::udp::Drop;

    #[test]
    fn notices_are_read_back_and_nothing_else_is_one() {
        let mut counters = Counters::default();
        (counters.received, counters.sent) = (7, u64::MAX);
        Drop::ALL.into_iter().enumerate().for_each(|(n, reason)| (0..n).for_each(|_| counters.drop(reason)));
        let challenge = |is_dropped| Notice::Challenge(Challenge { cookie: 5, count: 9, is_dropped });
        let starting = Notice::Starting { count: 1 };
        for notice in [challenge(false), challenge(true), starting, Notice::Counters { count: 2, counters }] {
            let bytes = notice.encode();
            assert_eq!(Notice::decode(&bytes), Some(notice));
            (0..bytes.len())
                .for_each(|end| assert_eq!(Notice::decode(&bytes[..end]), None, "{notice:?} {end}"));
            assert_eq!(Notice::decode(&[bytes.as_slice(), &[0]].concat()), None, "{notice:?}");
        }
    }
}
