//! Events of the crate `tracing`. Spans are not shown.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, set_global_default};
use tracing::{Event, Level, Metadata, Subscriber, callsite};

use super::{OtherLogger, level, push, takes};
use crate::sim::LogLevel;

struct Collector;

pub(super) fn install() -> Result<(), OtherLogger> {
    set_global_default(Collector).map_err(|_| OtherLogger("tracing"))
}

/// Lets the macros of `tracing` ask again what is collected.
pub(super) fn limit() {
    callsite::rebuild_interest_cache();
}

fn level_of(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

/// The message, then `, name: value` for each other field.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string never fails.
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name if self.0.is_empty() => write!(self.0, "{name}: {value:?}"),
            name => write!(self.0, ", {name}: {value:?}"),
        };
    }
}

impl Subscriber for Collector {
    /// Whether a line is taken differs from moment to moment.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && takes(level_of(*metadata.level()))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match level() {
            None => LevelFilter::OFF,
            Some(LogLevel::Error) => LevelFilter::ERROR,
            Some(LogLevel::Warn) => LevelFilter::WARN,
            Some(LogLevel::Info) => LevelFilter::INFO,
            Some(LogLevel::Debug) => LevelFilter::DEBUG,
            Some(LogLevel::Trace) => LevelFilter::TRACE,
        })
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // Spans are all the same here: nothing of them is kept.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        push(level_of(*metadata.level()), metadata.target(), format_args!("{}", fields.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
