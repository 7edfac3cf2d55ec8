//! Output to standard error: logs, panics, and why the program ends. None of it can stop or delay a site.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use crate::colour;
use crate::writer::{Policy, Writer};

/// The longest time for which the end of the program waits for a standard error that takes nothing.
const END_PATIENCE: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines of text for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

static ERRORS: OnceLock<Writer> = OnceLock::new();

/// Starts to log, and has panics reported in the same way.
pub(crate) fn start(verbose: u8, log_format: LogFormat) -> io::Result<()> {
    let report = match log_format {
        LogFormat::Text => dropped_text,
        LogFormat::Json => dropped_json,
    };
    // Not the standard library's handle: its lock would be held for as long as a write takes.
    let sink = |bytes: &[u8]| Ok(rustix::io::write(io::stderr(), bytes)?);
    let writer = Writer::start("log", Box::new(sink), Policy::Drops(report))?;
    ERRORS.get_or_init(|| writer);
    panic::set_hook(Box::new(|info| print(&panicked(info))));
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2.. => LevelFilter::DEBUG,
    };
    let logs = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| EventLine)
        .with_target(false)
        .log_internal_errors(false);
    match log_format {
        LogFormat::Text => logs.with_ansi(colour::is_on(&io::stderr())).init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Prints whole lines to standard error, if it takes them.
pub(crate) fn print(lines: &str) {
    if let Some(writer) = ERRORS.get() {
        writer.put(lines.as_bytes().to_vec());
    }
}

/// Waits until everything is written, but no longer than half a second if standard error takes nothing.
pub(crate) fn end() {
    if let Some(writer) = ERRORS.get() {
        writer.flush(|waited| waited >= END_PATIENCE);
    }
}

/// Takes the lines of one event.
struct EventLine;

impl Write for EventLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(writer) = ERRORS.get() {
            writer.put(bytes.to_vec());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn panicked(info: &PanicHookInfo<'_>) -> String {
    let current = thread::current();
    let thread = current.name().unwrap_or("?");
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let what = info.payload_as_str().unwrap_or("a panic without a text");
    let trace = Backtrace::capture();
    match trace.status() {
        BacktraceStatus::Captured => format!("thread '{thread}' panicked at {place}:\n{what}\n{trace}\n"),
        _ => format!("thread '{thread}' panicked at {place}:\n{what}\n"),
    }
}

fn now() -> String {
    let mut text = String::new();
    // A line without its time is better than none.
    let _ = SystemTime.format_time(&mut format::Writer::new(&mut text));
    text
}

fn dropped_text(count: u64) -> Vec<u8> {
    format!("{}  WARN log lines were dropped dropped={count}\n", now()).into_bytes()
}

fn dropped_json(count: u64) -> Vec<u8> {
    let line = serde_json::json!({
        "timestamp": now(), "level": "WARN", "message": "log lines were dropped", "dropped": count,
    });
    format!("{line}\n").into_bytes()
}
