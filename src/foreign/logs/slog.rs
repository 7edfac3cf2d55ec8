//! Lines of the crate `slog`.

use std::fmt::{self, Write};

use slog::{Drain, KV, Key, Level, Logger, Never, OwnedKVList, Record, Serializer, o};

use super::{push, takes};
use crate::sim::LogLevel;

/// A logger whose lines enter traces, with their keys and values. Outside of simulations it drops them: let the
/// configuration of your processes hold the logger, and give real sites another one.
pub fn slog() -> Logger {
    Logger::root(Collector, o!())
}

struct Collector;

const fn level_of(level: Level) -> LogLevel {
    match level {
        Level::Critical | Level::Error => LogLevel::Error,
        Level::Warning => LogLevel::Warn,
        Level::Info => LogLevel::Info,
        Level::Debug => LogLevel::Debug,
        Level::Trace => LogLevel::Trace,
    }
}

/// Appends `, key: value` for each.
struct Values(String);

impl Serializer for Values {
    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        write!(self.0, ", {key}: {value}")?;
        Ok(())
    }
}

impl Drain for Collector {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        let level = level_of(record.level());
        if takes(level) {
            let mut text = Values(record.msg().to_string());
            // A value that cannot be shown is left out.
            let _ = record.kv().serialize(record, &mut text);
            let _ = values.serialize(record, &mut text);
            push(level, record.module(), format_args!("{}", text.0));
        }
        Ok(())
    }

    fn is_enabled(&self, level: Level) -> bool {
        takes(level_of(level))
    }
}
