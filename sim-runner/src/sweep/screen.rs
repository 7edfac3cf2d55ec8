//! The progress line of a sweep on a terminal; nothing where nobody would see it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::numbers::{count, rate};
use super::totals::Totals;
use crate::progress::style;

/// The progress line; it disappears when this is dropped.
pub(crate) struct Screen {
    bar: ProgressBar,
    /// The total number of runs, if it is known.
    of: Option<u64>,
    time: Option<Duration>,
}

/// The full length of the bar: it counts thousandths of the runs or of the time, whichever is further.
const WHOLE: u64 = 1_000;

impl Screen {
    pub(crate) fn new(of: Option<u64>, time: Option<Duration>) -> Screen {
        // In a pipe, standard error is no terminal, and nothing is drawn.
        let bar = ProgressBar::with_draw_target(Some(WHOLE), ProgressDrawTarget::stderr());
        bar.set_style(style("[{bar:24}] {wide_msg} {eta}"));
        Screen { bar, of, time }
    }

    pub(crate) fn show(&self, totals: &Totals, coverage: (usize, usize), elapsed: Duration) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_message(line(totals, coverage, elapsed, self.of));
        self.bar.set_position(done(totals, elapsed, self.of, self.time));
    }

    /// Shows another task that takes time.
    pub(super) fn show_task(&self, what: &str) {
        self.bar.set_style(style("{spinner} {wide_msg} {elapsed}"));
        self.bar.set_message(what.to_owned());
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The progress in thousandths.
fn done(totals: &Totals, elapsed: Duration, of: Option<u64>, time: Option<Duration>) -> u64 {
    let of_runs = of.map(|of| totals.runs.saturating_mul(WHOLE) / of.max(1));
    let of_time = time.map(|time| {
        u64::try_from(elapsed.as_millis() * u128::from(WHOLE) / time.as_millis().max(1)).unwrap_or(WHOLE)
    });
    of_runs.max(of_time).unwrap_or(0).min(WHOLE)
}

fn line(totals: &Totals, (seen, all): (usize, usize), elapsed: Duration, of: Option<u64>) -> String {
    let seconds = elapsed.as_secs_f64().max(1e-3);
    let runs = of.map_or_else(|| count(totals.runs), |of| format!("{}/{}", count(totals.runs), count(of)));
    format!(
        "{runs} runs, {} failed, facts {seen}/{all}, {} runs/s, {}x real time, {} events/s",
        count(totals.failed()),
        rate(totals.runs, seconds),
        rate(totals.simulated_s(), seconds),
        rate(totals.events, seconds)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_how_far_it_is_and_how_fast() {
        let totals =
            Totals { runs: 500, events: 1_500_000, simulated_us: 30_000_000_000, ..Totals::default() };
        let two = Duration::from_secs(2);
        let text = line(&totals, (3, 9), two, Some(1_000));
        let rates = "250 runs/s, 15,000x real time, 750,000 events/s";
        assert_eq!(text, format!("500/1,000 runs, 0 failed, facts 3/9, {rates}"));
        assert_eq!(done(&totals, two, Some(1_000), None), 500);
        assert_eq!(done(&totals, two, None, Some(Duration::from_secs(8))), 250);
        assert_eq!(done(&totals, two, Some(1_000), Some(Duration::from_secs(1))), 1_000);
    }
}
