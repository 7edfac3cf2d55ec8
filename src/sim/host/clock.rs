//! The clock of one process: the world's time, scaled and shifted in integer arithmetic.

use crate::sim::script::ClockFault;
use crate::time::Instant;

/// A clock that differs from the world's. It runs evenly since its last fault.
#[derive(Clone, Debug)]
pub(crate) struct LocalClock {
    /// The world's time at its last fault.
    since: Instant,
    /// The time that it showed at its last fault.
    shown: Instant,
    /// Its speed, in percent of the world's.
    percent: u64,
    /// Whether it was set back and its process has not woken since.
    pub(crate) is_set_back: bool,
}

/// The world's clock.
impl Default for LocalClock {
    fn default() -> LocalClock {
        LocalClock { since: Instant::ZERO, shown: Instant::ZERO, percent: 100, is_set_back: false }
    }
}

impl LocalClock {
    /// The time that it shows when the world's time is `now`, which is not before its last fault.
    pub(crate) fn shows(&self, now: Instant) -> Instant {
        let passed = u128::from(now.since(self.since).as_micros()) * u128::from(self.percent) / 100;
        moment(u128::from(self.shown.as_micros()) + passed)
    }

    /// The first moment of the world at which it shows `due` or later.
    pub(crate) fn when(&self, due: Instant) -> Instant {
        let to_go = u128::from(due.since(self.shown).as_micros()) * 100;
        moment(u128::from(self.since.as_micros()) + to_go.div_ceil(u128::from(self.percent)))
    }

    pub(crate) fn strike(&mut self, fault: ClockFault, now: Instant) {
        self.shown = self.shows(now);
        self.since = now;
        let micros = self.shown.as_micros();
        match fault {
            ClockFault::Ahead(by) => self.shown += by,
            ClockFault::Behind(by) => {
                self.shown = Instant::from_micros(micros.saturating_sub(by.as_micros()));
                self.is_set_back = true;
            }
            ClockFault::Fast(percent) => self.percent = 100 + u64::from(percent.0),
            ClockFault::Slow(percent) => self.percent = 100 - u64::from(percent.0),
        }
    }
}

fn moment(micros: u128) -> Instant {
    Instant::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::script::Percent;
    use crate::time::Duration;

    #[test]
    fn a_deadline_comes_at_the_first_moment_at_which_the_clock_shows_it() {
        let at = Instant::from_micros;
        let mut clock = LocalClock::default();
        assert_eq!((clock.shows(at(7)), clock.when(at(7))), (at(7), at(7)));
        clock.strike(ClockFault::Ahead(Duration::from_micros(1_000)), at(100));
        assert_eq!(
            (clock.shows(at(150)), clock.when(at(1_150)), clock.when(at(5))),
            (at(1_150), at(150), at(100))
        );
        for fault in [
            ClockFault::Fast(Percent(50)),
            ClockFault::Slow(Percent(37)),
            ClockFault::Behind(Duration::from_micros(900)),
        ] {
            clock.strike(fault, at(200));
            for due in 1_000..1_400 {
                let when = clock.when(at(due));
                assert!(clock.shows(when) >= at(due));
                assert!(when == at(200) || clock.shows(at(when.as_micros() - 1)) < at(due));
            }
        }
        clock.strike(ClockFault::Behind(Duration::from_secs(1)), at(300));
        assert_eq!(clock.shows(at(300)), Instant::ZERO);
        assert_eq!(clock.when(at(u64::MAX)), at(u64::MAX));
    }
}
