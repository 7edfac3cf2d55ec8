//! Counts of datagrams: received, sent, and dropped for each reason.

use core::fmt;

use crate::frame::Rejected;

/// Why a datagram was dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Drop {
    /// It is not a datagram of ours, or it is damaged, or only a message in it is.
    Malformed,
    /// Its checksum does not match.
    Checksum,
    /// It has another version of the format.
    Version,
    /// It belongs to another cluster.
    Cluster,
    /// It belongs to another configuration.
    Configuration,
    /// It is for no process here, or it is a notice about no recent datagram.
    Misdelivered,
    /// It was not opened: it is from a stranger, and too many datagrams came from the strangers of its group.
    Unopened,
    /// It was not sealed with our key, or was altered on its way.
    Key,
    /// It was sealed with a client key that `sites.ron` denies.
    Denied,
    /// It claims to be from this very program, or from a sender whose key did not seal it. Or it goes the wrong way: a
    /// request to a client, or an answer to a site.
    Source,
    /// It is from a client that has not proven its address, and was challenged to do so.
    Unproven,
    /// It is from a client whose number another client uses, or used later.
    NumberTaken,
    /// It holds more messages of a client than are answered together. Only the rest was dropped.
    TooMany,
    /// It is larger than the limit.
    Oversized,
    /// The socket failed to hand it over.
    ReceiveFailed,
    /// The address of its recipient is unknown, or the key to seal it with is missing.
    NoAddress,
    /// The socket had no room for it.
    SendBlocked,
    /// The socket failed to send it.
    SendFailed,
}

impl Drop {
    /// Every reason.
    pub const ALL: [Drop; 18] = [
        Drop::Malformed,
        Drop::Checksum,
        Drop::Version,
        Drop::Cluster,
        Drop::Configuration,
        Drop::Misdelivered,
        Drop::Unopened,
        Drop::Key,
        Drop::Denied,
        Drop::Source,
        Drop::Unproven,
        Drop::NumberTaken,
        Drop::TooMany,
        Drop::Oversized,
        Drop::ReceiveFailed,
        Drop::NoAddress,
        Drop::SendBlocked,
        Drop::SendFailed,
    ];

    /// Its name in one word.
    pub const fn name(self) -> &'static str {
        match self {
            Drop::Malformed => "malformed",
            Drop::Checksum => "checksum",
            Drop::Version => "version",
            Drop::Cluster => "cluster",
            Drop::Configuration => "configuration",
            Drop::Misdelivered => "misdelivered",
            Drop::Unopened => "unopened",
            Drop::Key => "key",
            Drop::Denied => "denied",
            Drop::Source => "source",
            Drop::Unproven => "unproven",
            Drop::NumberTaken => "number_taken",
            Drop::TooMany => "too_many",
            Drop::Oversized => "oversized",
            Drop::ReceiveFailed => "receive_failed",
            Drop::NoAddress => "no_address",
            Drop::SendBlocked => "send_blocked",
            Drop::SendFailed => "send_failed",
        }
    }
}

impl From<&Rejected> for Drop {
    fn from(rejected: &Rejected) -> Drop {
        match rejected {
            Rejected::Malformed(_) => Drop::Malformed,
            Rejected::Checksum => Drop::Checksum,
            Rejected::Version(_) => Drop::Version,
            Rejected::Cluster(_) => Drop::Cluster,
            Rejected::Configuration(_) => Drop::Configuration,
            Rejected::Misdelivered(_) => Drop::Misdelivered,
        }
    }
}

/// Counts since the host's start. Displayed as `received=12 sent=9 dropped=2 checksum=1 source=1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Datagrams from the network that were handed in, or answered by the host itself.
    pub received: u64,
    /// Datagrams that the socket took, one for each recipient.
    pub sent: u64,
    dropped: [u64; Drop::ALL.len()],
}

impl Counters {
    /// The number of datagrams that were dropped for this reason.
    pub fn dropped(&self, reason: Drop) -> u64 {
        self.dropped[reason as usize]
    }

    /// All counts, in the order of the fields and of [`Drop::ALL`].
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        [self.received, self.sent].into_iter().chain(self.dropped)
    }

    /// The counters that [`Counters::numbers`] listed. `None` if another build with other reasons listed them.
    pub(super) fn of(numbers: impl ExactSizeIterator<Item = u64>) -> Option<Counters> {
        let (mut numbers, mut counters) =
            (Some(numbers).filter(|numbers| numbers.len() == 2 + Drop::ALL.len())?, Counters::default());
        (counters.received, counters.sent) = (numbers.next()?, numbers.next()?);
        counters.dropped.iter_mut().zip(numbers).for_each(|(count, number)| *count = number);
        Some(counters)
    }

    pub(super) fn drop(&mut self, reason: Drop) {
        self.dropped[reason as usize] += 1;
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped: u64 = self.dropped.iter().sum();
        write!(f, "received={} sent={} dropped={dropped}", self.received, self.sent)?;
        for reason in Drop::ALL {
            match self.dropped(reason) {
                0 => {}
                count => write!(f, " {}={count}", reason.name())?,
            }
        }
        Ok(())
    }
}
