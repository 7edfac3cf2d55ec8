//! Log lines of the crates `log`, `slog` and `tracing`, with simulated time and process, as lines of traces.
//!
//! Call [`install`] once, before the first run; the programs of `sim-runner` do. From then on a trace shows what a
//! process writes to a log while it is started or handed an input. Each library is behind the feature of its name.
//! `log` and `tracing` have one logger per program, and `install` sets it. `slog` has none: pass the logger of
//! [`slog`](slog::slog) to the crate, for instance in the configuration of your processes. For any other library ask
//! [`takes`] and call [`push`].
//!
//! # Invariants
//!
//! 1. Lines wait in a slot of their thread, which is open only while a traced world runs the code of a process. Lines
//!    from elsewhere, and all lines of runs without a trace, are dropped before they are formatted.
//! 2. No line enters a fingerprint: it is the same with any level, and without a trace.

#[cfg(feature = "log")]
mod log;
#[cfg(feature = "slog")]
pub mod slog;
#[cfg(feature = "tracing")]
mod tracing;

use std::cell::RefCell;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::sim::{LogLevel, LogLine, LogTap};

/// The most lines of one input. Further ones are counted.
const LINES_MAX: usize = 1_000;

/// The most characters of one line. The rest is cut off.
const CHARS_MAX: usize = 2_000;

/// The lowest level that is collected, as a number; 0 before [`install`].
static LEVEL: AtomicU8 = AtomicU8::new(0);

const LEVELS: [LogLevel; 5] =
    [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace];

static INSTALLED: OnceLock<Result<(), OtherLogger>> = OnceLock::new();

thread_local! {
    static SLOT: RefCell<Slot> = const { RefCell::new(Slot { is_open: false, lines: Vec::new(), left_out: 0 }) };
}

/// The lines of the code that runs on one thread.
struct Slot {
    is_open: bool,
    lines: Vec<LogLine>,
    left_out: u64,
}

/// Another logger takes the lines of this library.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OtherLogger(&'static str);

impl fmt::Display for OtherLogger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this program has another logger for the crate `{}`: traces do not show its lines", self.0)
    }
}

impl std::error::Error for OtherLogger {}

/// From here on, traces of all runs show log lines of this level and graver ones. It may be called again with another
/// level.
///
/// # Errors
/// When the program has another logger for `log` or `tracing`. All other lines are collected.
pub fn install(level: LogLevel) -> Result<(), OtherLogger> {
    LEVEL.store(number(level), Ordering::Relaxed);
    let installed = *INSTALLED.get_or_init(|| {
        let results: &[Result<(), OtherLogger>] = &[
            #[cfg(feature = "log")]
            log::install(),
            #[cfg(feature = "tracing")]
            tracing::install(),
        ];
        results.iter().copied().collect()
    });
    #[cfg(feature = "log")]
    log::limit(level);
    #[cfg(feature = "tracing")]
    tracing::limit();
    installed
}

/// The lowest level that traces show; `None` before [`install`].
pub fn level() -> Option<LogLevel> {
    let lowest = LEVEL.load(Ordering::Relaxed);
    LEVELS.into_iter().find(|level| number(*level) == lowest)
}

fn number(level: LogLevel) -> u8 {
    level as u8 + 1
}

/// Whether a line of this level would be collected here and now.
pub fn takes(level: LogLevel) -> bool {
    number(level) <= LEVEL.load(Ordering::Relaxed) && SLOT.with_borrow(|slot| slot.is_open)
}

/// A line was written: by the module `source`, with this text.
pub fn push(level: LogLevel, source: &str, text: fmt::Arguments<'_>) {
    if !takes(level) {
        return;
    }
    // The slot is not borrowed while the text is made: that may write lines too.
    let is_shown = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.to_string().trim_end().chars().take(CHARS_MAX).map(is_shown).collect();
    SLOT.with_borrow_mut(|slot| {
        if slot.lines.len() < LINES_MAX {
            slot.lines.push(LogLine { level, source: source.to_owned(), text });
        } else {
            slot.left_out += 1;
        }
    });
}

/// How worlds collect lines; `None` if nothing is installed.
#[cfg_attr(not(feature = "scenario"), expect(dead_code, reason = "scenarios hand it to their worlds"))]
pub(crate) fn tap() -> Option<LogTap> {
    (LEVEL.load(Ordering::Relaxed) > 0).then_some(LogTap { open, take })
}

fn open() {
    SLOT.with_borrow_mut(|slot| {
        slot.is_open = true;
        slot.lines.clear();
        slot.left_out = 0;
    });
}

fn take() -> Vec<LogLine> {
    SLOT.with_borrow_mut(|slot| {
        slot.is_open = false;
        let mut lines = core::mem::take(&mut slot.lines);
        if slot.left_out > 0 {
            let text = format!("{} more lines in one input are left out", slot.left_out);
            lines.push(LogLine { level: LogLevel::Warn, source: "aviary".into(), text });
        }
        lines
    })
}

/// Runs `act`, whose lines are dropped.
pub(super) fn muted<T>(act: impl FnOnce() -> T) -> T {
    /// Opens the slot again, also after a panic.
    struct Muted(bool);
    impl Drop for Muted {
        fn drop(&mut self) {
            SLOT.with_borrow_mut(|slot| slot.is_open = self.0);
        }
    }
    let _muted = Muted(SLOT.with_borrow_mut(|slot| core::mem::replace(&mut slot.is_open, false)));
    act()
}
