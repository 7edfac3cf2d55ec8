//! Lines of the crate `log`.

use log::{LevelFilter, Log, Metadata, Record};

use super::{OtherLogger, push, takes};
use crate::sim::LogLevel;

struct Collector;

static COLLECTOR: Collector = Collector;

pub(super) fn install() -> Result<(), OtherLogger> {
    log::set_logger(&COLLECTOR).map_err(|_| OtherLogger("log"))
}

/// Lets the macros of `log` skip what is below `level`.
pub(super) fn limit(level: LogLevel) {
    log::set_max_level(match level {
        LogLevel::Error => LevelFilter::Error,
        LogLevel::Warn => LevelFilter::Warn,
        LogLevel::Info => LevelFilter::Info,
        LogLevel::Debug => LevelFilter::Debug,
        LogLevel::Trace => LevelFilter::Trace,
    });
}

const fn level_of(level: log::Level) -> LogLevel {
    match level {
        log::Level::Error => LogLevel::Error,
        log::Level::Warn => LogLevel::Warn,
        log::Level::Info => LogLevel::Info,
        log::Level::Debug => LogLevel::Debug,
        log::Level::Trace => LogLevel::Trace,
    }
}

impl Log for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        takes(level_of(metadata.level()))
    }

    fn log(&self, record: &Record<'_>) {
        push(level_of(record.level()), record.target(), *record.args());
    }

    fn flush(&self) {}
}
