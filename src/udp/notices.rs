//! What a site's host and a program of clients say to each other by themselves, without the processes that they run: no
//! process ever sees any of it, and no simulated run has it.

use super::counters::Counters;
use crate::frame::FRAME_BYTES;

/// What a client seals in place of a frame to ask for the [`Counters`] of a site: the first byte of a frame is its version,
/// which is never 0. It is as long as the head of a frame, so that no challenge is longer.
pub(super) const ASKS_FOR_COUNTERS: [u8; FRAME_BYTES] = [0; FRAME_BYTES];

/// What a site sends to a client of which it does not know that it hears what is sent to its address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// What the client's next datagrams carry.
    pub cookie: u64,
    /// The count of the datagram that this answers.
    pub count: u64,
    /// Whether that was dropped. If not, its cookie was an old one.
    pub is_dropped: bool,
}

/// What a site's host answers to a datagram of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// It is to prove where it is.
    Challenge(Challenge),
    /// The site reads its journal, and has not looked at the datagram of this count.
    Starting {
        /// Which of the client's.
        count: u64,
    },
    /// What became of datagrams since the site's start.
    Counters {
        /// Which of the client's datagrams asked for that.
        count: u64,
        /// How many of each.
        counters: Counters,
    },
}

/// Bytes of a notice that has no counters, behind which those stand.
const HEAD_BYTES: usize = 8 + 8 + 1;

/// The last byte of a notice's head.
const KEPT: u8 = 0;
const DROPPED: u8 = 1;
const STARTING: u8 = 2;
const COUNTERS: u8 = 3;

// What is sent to whoever has not proven where it is is no longer than what it answers.
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

    /// The cookie or 0, the count, what it is, and the counters if it has them.
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
