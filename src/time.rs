//! Time as a process sees it: microseconds since its host's epoch, as integers.
//!
//! Nothing here reads a clock; the host supplies the time. The standard library's `Instant` has neither a zero nor a
//! form on disk, so it cannot appear in a scenario, a trace or a message.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::str::FromStr;

/// A moment: microseconds since the epoch of its host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Instant(u64);

/// A length of time in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Duration(u64);

impl Instant {
    /// The host's epoch.
    pub const ZERO: Instant = Instant(0);

    /// The moment `micros` microseconds after the epoch.
    pub const fn from_micros(micros: u64) -> Instant {
        Instant(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this moment; zero when this moment is not after `earlier`.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);

    /// A length of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Duration {
        Duration(micros)
    }

    /// A length of `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Duration {
        Duration(millis * 1_000)
    }

    /// A length of `secs` seconds.
    pub const fn from_secs(secs: u64) -> Duration {
        Duration(secs * 1_000_000)
    }

    /// The length in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// This length times `factor`, capped at the longest length.
    #[must_use]
    pub const fn times(self, factor: u64) -> Duration {
        Duration(self.0.saturating_mul(factor))
    }
}

/// Derives a time that never goes back from a clock that may be set back. When the clock is set back, the steady time
/// stands still only until the next reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Steady {
    latest: Instant,
    /// The sum of all amounts by which the clock was set back.
    lead: Duration,
}

impl Steady {
    /// The steady time at the moment when the clock shows `now`.
    pub fn read(&mut self, now: Instant) -> Instant {
        let steady = now + self.lead;
        if steady < self.latest {
            self.lead = self.lead + self.latest.since(steady);
        }
        self.latest = self.latest.max(steady);
        self.latest
    }

    /// The clock's reading at the steady time `at`, as far as it is known.
    pub const fn shown(&self, at: Instant) -> Instant {
        Instant(at.0.saturating_sub(self.lead.0))
    }
}

wire_struct!(Steady { latest, lead });

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, length: Duration) -> Instant {
        Instant(self.0.saturating_add(length.0))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, length: Duration) {
        *self = *self + length;
    }
}

impl Add for Duration {
    type Output = Duration;

    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}

impl Sub for Duration {
    type Output = Duration;

    fn sub(self, other: Duration) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
}

/// Prints seconds with six digits, as in every trace: `1.020000`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// The units in which times are printed.
const UNITS: [(&str, u64); 4] = [("us", 1), ("ms", 1_000), ("s", 1_000_000), ("min", 60_000_000)];

/// More units in which times are read.
const MORE_UNITS: [(&str, u64); 2] = [("m", 60_000_000), ("h", 3_600_000_000)];

/// Prints the form of scenario files, in the largest unit that loses nothing: `20ms`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |&&(_, micros): &&(&str, u64)| self.0.is_multiple_of(micros) && self.0 >= micros;
        let (unit, micros) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
        write!(f, "{}{unit}", self.0 / micros)
    }
}

/// The error for a text that is no length of time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadDuration;

impl fmt::Display for BadDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number and a unit (us, ms, s, min or h), like \"20ms\" or \"1.5s\"")
    }
}

impl core::error::Error for BadDuration {}

/// Reads `20ms`, `1.5s`, `2min`. It refuses, and does not round, anything finer than a microsecond.
impl FromStr for Duration {
    type Err = BadDuration;

    fn from_str(text: &str) -> Result<Duration, BadDuration> {
        let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(BadDuration)?;
        let (number, unit) = text.split_at(digits_end);
        let (_, scale) =
            UNITS.iter().chain(&MORE_UNITS).find(|(name, _)| *name == unit).ok_or(BadDuration)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if fraction.is_empty() || fraction.len() > 9 {
            return Err(BadDuration);
        }
        let whole: u64 = whole.parse().map_err(|_| BadDuration)?;
        let parts: u64 = fraction.parse().map_err(|_| BadDuration)?;
        let unit_parts = 10u64.pow(u32::try_from(fraction.len()).map_err(|_| BadDuration)?);
        let parts = parts.checked_mul(*scale).ok_or(BadDuration)?;
        if !parts.is_multiple_of(unit_parts) {
            return Err(BadDuration);
        }
        let micros = whole.checked_mul(*scale).and_then(|whole| whole.checked_add(parts / unit_parts));
        micros.map(Duration).ok_or(BadDuration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn durations_read_and_print() {
        let check = |text: &str, micros: u64, printed: &str| {
            let read: Duration = text.parse().unwrap();
            assert_eq!((read.as_micros(), read.to_string().as_str()), (micros, printed), "{text}");
        };
        check("20ms", 20_000, "20ms");
        check("1.5s", 1_500_000, "1500ms");
        check("2min", 120_000_000, "2min");
        check("2m", 120_000_000, "2min");
        check("1.5h", 5_400_000_000, "90min");
        check("7us", 7, "7us");
        check("0s", 0, "0us");
    }

    #[test]
    fn steady_time_never_goes_back_and_loses_no_time_to_come() {
        let mut steady = Steady::default();
        let at = Instant::from_micros;
        let mut read = |now| steady.read(at(now)).as_micros();
        assert_eq!([read(10), read(30), read(5), read(6), read(50), read(20)], [10, 30, 30, 31, 75, 75]);
        assert_eq!(
            (steady.shown(at(80)), steady.shown(at(75)), steady.shown(at(1))),
            (at(25), at(20), at(0))
        );
    }

    #[test]
    fn wrong_durations_are_refused() {
        for text in ["", "20", "ms", "-1s", "1.s", "0.1us", "1.0000001s", "99999999999999999min", "5 s", "1d"]
        {
            assert_eq!(text.parse::<Duration>(), Err(BadDuration), "{text:?}");
        }
    }
}
