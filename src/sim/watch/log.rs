//! Log lines of the crates that processes use, as lines of the trace.
//!
//! A crate writes to a logger that knows nothing of worlds. So a world opens a tap before it runs the code of a
//! process, and takes the lines out directly after it: they belong to that process and to this moment. What a process
//! writes to a log is no part of the fingerprint, because nothing is collected while nothing is traced.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::ProcessId;
use crate::process::Process;
use crate::sim::settings::TraceLevel;
use crate::sim::watch::Watchers;
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, TraceEvent};

/// The level of a log line, gravest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is suspicious.
    Warn,
    /// Something worth knowing happened.
    Info,
    /// For the developers of a crate.
    Debug,
    /// Every step.
    Trace,
}

/// The level in lower case.
impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        })
    }
}

/// One line that a process wrote to a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// Its level.
    pub level: LogLevel,
    /// The module that wrote it, as the logger names it.
    pub source: String,
    /// The text, without line breaks.
    pub text: String,
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "logs {} {}: {}", self.level, self.source, self.text)
    }
}

/// Collects the log lines of the code that runs on this thread.
#[derive(Clone, Copy, Debug)]
pub struct LogTap {
    /// Collects from here on, beginning with nothing.
    pub open: fn(),
    /// Ends that, and returns the lines in their order.
    pub take: fn() -> Vec<LogLine>,
}

impl<P: Process, J: Judge<P>> Watchers<P, J> {
    fn tap(&self) -> Option<LogTap> {
        self.log.filter(|_| self.trace.settings.level != TraceLevel::Off)
    }

    /// Collects the log lines of the code that runs next, if there is a trace.
    #[inline]
    pub(crate) fn open_log(&self) {
        if let Some(tap) = self.tap() {
            (tap.open)();
        }
    }

    /// Writes what `who` wrote to its log since then.
    #[inline]
    pub(crate) fn take_log(&mut self, who: ProcessId) {
        if let Some(tap) = self.tap() {
            self.take_lines(tap, who);
        }
    }

    #[cold]
    fn take_lines(&mut self, tap: LogTap, who: ProcessId) {
        for line in (tap.take)() {
            self.line(who, LineClass::Log, || TraceEvent::Logged(line));
        }
    }
}
