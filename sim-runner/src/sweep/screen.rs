//! The line on a terminal that says how far a sweep is; nothing where nobody would see it.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::numbers::{count, rate};
use super::totals::Totals;

/// How often the line is written.
const EVERY: Duration = Duration::from_millis(200);

/// How wide the bar is.
const BAR: u64 = 24;

/// The line; it goes when this is dropped.
pub(super) struct Screen {
    is_shown: bool,
    /// How many runs there will be, if that is known.
    of: Option<u64>,
    time: Option<Duration>,
    last: Option<Duration>,
}

impl Screen {
    pub(super) fn new(of: Option<u64>, time: Option<Duration>) -> Screen {
        let is_shown = io::stderr().is_terminal();
        Screen { is_shown, of, time, last: None }
    }

    pub(super) fn show(&mut self, totals: &Totals, coverage: (usize, usize), elapsed: Duration) {
        let is_due = self.last.is_none_or(|last| elapsed.saturating_sub(last) >= EVERY);
        if !self.is_shown || !is_due {
            return;
        }
        self.last = Some(elapsed);
        let text = line(totals, coverage, elapsed, self.of, self.time);
        // Progress that cannot be shown is no failure.
        let _ = write!(io::stderr(), "\r\x1b[K{text}");
    }

    /// Another thing that takes time.
    pub(super) fn say(&self, what: &str) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K{what}");
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(
    totals: &Totals,
    (seen, all): (usize, usize),
    elapsed: Duration,
    of: Option<u64>,
    time: Option<Duration>,
) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    // In thousandths: of the seeds or of the time, whichever is further.
    let of_seeds = of.map(|of| totals.runs.saturating_mul(1_000) / of.max(1));
    let of_time = time
        .map(|time| u64::try_from(elapsed.as_millis() * 1_000 / time.as_millis().max(1)).unwrap_or(u64::MAX));
    let done = of_seeds.max(of_time).unwrap_or(0).min(1_000);
    let full = usize::try_from(done * BAR / 1_000).unwrap_or(0);
    let rest = usize::try_from(BAR).unwrap_or(0) - full;
    let bar = format!("[{}{}]", "#".repeat(full), ".".repeat(rest));
    let runs = of.map_or_else(|| count(totals.runs), |of| format!("{}/{}", count(totals.runs), count(of)));
    format!(
        "{bar} {runs} runs, {} runs/s, {}x real time, {} events/s, facts {seen}/{all}, {} failed",
        rate(totals.runs, seconds),
        rate(totals.simulated_s(), seconds),
        rate(totals.events, seconds),
        count(totals.failed())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_how_far_it_is_and_how_fast() {
        let totals =
            Totals { runs: 500, events: 1_500_000, simulated_us: 30_000_000_000, ..Totals::default() };
        let text = line(&totals, (3, 9), Duration::from_secs(2), Some(1_000), None);
        let bar = "[############............] 500/1,000 runs, 250 runs/s, 15,000x real time, ";
        assert_eq!(text, format!("{bar}750,000 events/s, facts 3/9, 0 failed"));
        let timed = line(&totals, (3, 9), Duration::from_secs(2), None, Some(Duration::from_secs(8)));
        assert!(timed.starts_with("[######..................] 500 runs"), "{timed}");
    }
}
