//! Which log lines traces show.

use aviary::foreign::logs;
use aviary::sim::LogLevel;

use crate::args::LogAmount;
use crate::report::warning;

/// Has all runs of this program show log lines.
pub(crate) fn install(amount: LogAmount) {
    let level = match amount {
        LogAmount::Off => return,
        LogAmount::Error => LogLevel::Error,
        LogAmount::Warn => LogLevel::Warn,
        LogAmount::Info => LogLevel::Info,
        LogAmount::Debug => LogLevel::Debug,
        LogAmount::Trace => LogLevel::Trace,
    };
    if let Err(other) = logs::install(level) {
        warning(format_args!("{other}"));
    }
}

/// The level as a value of the flag `--log`, for another program.
pub(crate) fn level() -> String {
    logs::level().map_or_else(|| "off".into(), |level| level.to_string())
}
