//! Rows of the table, and how a figure is come by.

use std::fmt;

/// The line above the rows.
pub const HEAD: &str = "\
row                                                 ours       bare  ours/bare        target  missed by
--------------------------------------------------------------------------------------------------------";

/// One line of the table.
pub struct Row {
    /// What was measured.
    pub name: String,
    /// The figure.
    pub ours: f64,
    /// Of what: `tweets/s`.
    pub unit: &'static str,
    /// The same of what it is held against: a bare loop, another size.
    pub bare: Option<f64>,
    /// What it should be.
    pub target: Option<Target>,
}

/// What a figure should be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
    /// This or more times `bare`.
    OfBare(f64),
}

impl Row {
    /// By which factor the target is missed, if it is.
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

/// Three digits that say something, thousands apart.
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

/// The middle one.
pub fn median(mut figures: Vec<f64>) -> f64 {
    assert!(!figures.is_empty(), "the median of nothing");
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// How many seconds of one core `work` takes, and what it returns: what this thread spent on the processor where the
/// operating system tells, so that a busy machine does not count; else by the wall clock.
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
