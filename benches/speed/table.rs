//! Rows of the table, and the computation of a figure.

use std::fmt;

/// The head above the rows.
pub const HEAD: &str = "\
row                                                 ours       bare  ours/bare        target  missed by
--------------------------------------------------------------------------------------------------------";

/// One line of the table.
pub struct Row {
    /// The measured subject.
    pub name: String,
    /// The measured figure.
    pub ours: f64,
    /// The unit of the figure: `tweets/s`.
    pub unit: &'static str,
    /// The figure for the compared program: a bare loop, or another size.
    pub bare: Option<f64>,
    /// The target for the figure.
    pub target: Option<Target>,
}

/// The target for a figure.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Target {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// At most this factor times `bare`.
    OfBare(f64),
}

impl Row {
    /// The factor by which the target is missed, if it is.
    fn missed_by(&self) -> Option<f64> {
        let factor = match self.target? {
            Target::AtLeast(least) => least / self.ours,
            Target::AtMost(most) => self.ours / most,
            Target::OfBare(part) => part * self.bare? / self.ours,
        };
        (factor > 1.0).then_some(factor)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ours = format!("{} {}", figure(self.ours), self.unit);
        write!(f, "{:<36}{ours:>20}", self.name)?;
        let ratio = self.bare.map(|bare| format!("{:.2}", self.ours / bare)).unwrap_or_default();
        write!(f, "{:>11}{ratio:>11}", self.bare.map(figure).unwrap_or_default())?;
        let target = match self.target {
            Some(Target::AtLeast(least)) => format!(">= {}", figure(least)),
            Some(Target::AtMost(most)) => format!("<= {}", figure(most)),
            Some(Target::OfBare(part)) => format!(">= {part:.2} bare"),
            None => String::new(),
        };
        let missed = match self.missed_by() {
            Some(factor) => format!("{factor:.2}x"),
            None if self.target.is_some() => "met".to_owned(),
            None => String::new(),
        };
        write!(f, "{target:>14}{missed:>11}")
    }
}

/// Three significant digits, with thousands separated.
fn figure(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// The median.
pub fn median(mut figures: Vec<f64>) -> f64 {
    assert!(!figures.is_empty(), "the median of nothing");
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Seconds of one core that `work` takes, and its result. If the operating system reports it, the processor time of
/// this thread, so that a busy machine does not count; else wall time.
#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "time is measured here, never fed into a run"
)]
pub fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let (wall, start) = (std::time::Instant::now(), on_processor());
    let result = work();
    let spent = on_processor().zip(start).map(|(end, start)| end - start);
    (spent.unwrap_or_else(|| wall.elapsed().as_secs_f64()), result)
}

/// Seconds that this thread has spent on the processor.
#[cfg(unix)]
fn on_processor() -> Option<f64> {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9)
}

#[cfg(not(unix))]
fn on_processor() -> Option<f64> {
    None
}
