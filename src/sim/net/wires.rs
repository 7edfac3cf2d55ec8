//! The traffic on each link with limited bandwidth. A terminal shares the links of its site's program.

use alloc::vec::Vec;

use crate::ids::{ProcessId, SITES_MAX};
use crate::sim::net::settings::Bandwidth;
use crate::time::{Duration, Instant};

/// The room of a link for one datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WireRoom {
    /// The link has no bandwidth limit.
    Endless,
    /// The link has sent the datagram's last byte after this long.
    After(Duration),
    /// The datagram does not fit after those that wait.
    Full,
}

/// The links of a world, by direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wires {
    programs: usize,
    /// When each link has sent everything that it was given. Empty without a bandwidth limit.
    free_at: Vec<Instant>,
}

impl Wires {
    /// The links of a world with this many clients.
    pub(crate) fn new(clients: u16, bandwidth: Option<Bandwidth>) -> Wires {
        let programs = usize::from(SITES_MAX) + usize::from(clients);
        let links = if bandwidth.is_some() { programs * programs } else { 0 };
        Wires { programs, free_at: alloc::vec![Instant::ZERO; links] }
    }

    /// Whether no link has a bandwidth limit.
    pub(crate) const fn are_endless(&self) -> bool {
        self.free_at.is_empty()
    }

    fn place(&self, (from, to): (ProcessId, ProcessId)) -> usize {
        let program = |process| match process {
            ProcessId::Site(site) | ProcessId::Terminal(site) => site.index(),
            ProcessId::Client(number) => usize::from(SITES_MAX) + usize::from(number),
        };
        program(from) * self.programs + program(to)
    }

    /// The room of this link for a datagram of this many bytes.
    pub(crate) fn room(
        &self,
        bandwidth: Bandwidth,
        now: Instant,
        ends: (ProcessId, ProcessId),
        bytes: usize,
    ) -> WireRoom {
        let free_at = self.free_at[self.place(ends)];
        let (rate, bytes) = (u128::from(bandwidth.rate), bytes as u128);
        let ahead = free_at.as_micros().saturating_sub(now.as_micros());
        let waiting = u128::from(ahead) * rate / 1_000_000;
        if ahead > 0 && waiting + bytes > u128::from(bandwidth.queue) {
            return WireRoom::Full;
        }
        let takes = u64::try_from((bytes * 1_000_000).div_ceil(rate)).unwrap_or(u64::MAX);
        WireRoom::After(Duration::from_micros(ahead) + Duration::from_micros(takes))
    }

    /// Gives this link a datagram whose last byte is sent at `until`.
    pub(crate) fn occupy(&mut self, ends: (ProcessId, ProcessId), until: Instant) {
        let place = self.place(ends);
        self.free_at[place] = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_sends_one_after_the_other_and_holds_so_much() {
        let bandwidth = Bandwidth { rate: 1_000, queue: 250 };
        let mut wires = Wires::new(1, Some(bandwidth));
        let (s0, s1) = (ProcessId::site(0), ProcessId::site(1));
        let ms = |millis| Instant::ZERO + Duration::from_millis(millis);
        let mut enter = |at, ends, bytes| match wires.room(bandwidth, ms(at), ends, bytes) {
            WireRoom::After(wait) => {
                wires.occupy(ends, ms(at) + wait);
                Some(wait.as_micros() / 1_000)
            }
            WireRoom::Full => None,
            WireRoom::Endless => panic!("a link with a bandwidth is not endless"),
        };
        assert_eq!(enter(0, (s0, s1), 100), Some(100));
        assert_eq!(enter(0, (s0, s1), 150), Some(250), "150 bytes behind 100 are 250");
        assert_eq!(enter(0, (s0, s1), 1), None);
        assert_eq!(enter(0, (s1, s0), 100), Some(100), "the other way is another wire");
        assert_eq!(enter(0, (s0, ProcessId::Client(0)), 100), Some(100));
        assert_eq!(enter(50, (s0, s1), 50), Some(250), "50 bytes have gone by then");
        assert_eq!(enter(2_000, (s0, s1), 300), Some(300), "nothing waits before it");
    }
}
