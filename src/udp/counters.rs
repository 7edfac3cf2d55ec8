//! What became of datagrams, by number.

use core::fmt;

use crate::frame::Rejected;

/// Why a datagram was dropped.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Drop {
    /// Not one of ours, or damaged; also if only a message in it is.
    Malformed,
    /// Its checksum does not match.
    Checksum,
    /// It has another version of the format.
    Version,
    /// It is of another cluster.
    Cluster,
    /// It is of another configuration.
    Configuration,
    /// It is for nobody here.
    Misdelivered,
    /// It is from a stranger of whose kind too many came: it was not opened.
    Unopened,
    /// It was not sealed with our key, or altered on its way.
    Key,
    /// It was sealed with a client key that `sites.ron` denies.
    Denied,
    /// It says that it is from this very program, or from somebody whose key it was not sealed with; or it is said to
    /// the other side: a request to a client, an answer to a site.
    Source,
    /// It is from a client of which the site does not know that it hears what is sent to where it sends from; it was
    /// challenged to prove that.
    Unproven,
    /// It is from a client whose number another one uses, or used after it.
    NumberTaken,
    /// It holds more messages of a client than are answered together: the rest of it.
    TooMany,
    /// It is larger than the limit.
    Oversized,
    /// The socket failed to hand it over.
    ReceiveFailed,
    /// Nobody knows where its recipient is, or the key to seal it with is not at hand.
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

    /// One word for it.
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
    /// Datagrams that came over the network and were handed in.
    pub received: u64,
    /// Datagrams that the socket took, one for each recipient.
    pub sent: u64,
    dropped: [u64; Drop::ALL.len()],
}

impl Counters {
    /// How many were dropped for this reason.
    pub fn dropped(&self, reason: Drop) -> u64 {
        self.dropped[reason as usize]
    }

    /// All of them, in the order of the fields and of [`Drop::ALL`].
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        [self.received, self.sent].into_iter().chain(self.dropped)
    }

    /// Those that [`Counters::numbers`] gave; none of another build, which knows other reasons.
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
