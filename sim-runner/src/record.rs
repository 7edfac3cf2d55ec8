//! `record`: one scenario's run as lines of JSON, written here and read back from another process.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use aviary::process::Process;
use aviary::scenario::{RunComparison, RunDifference, RunEnd, RunEntry, RunOptions, RunRecorder, Service};
use aviary::sim::TraceLevel;
use aviary::time::Instant;
use serde::{Deserialize, Serialize};

use crate::Exit;
use crate::args::RecordArgs;
use crate::files::load_one;
use crate::report::{error, load_errors, problems, stdout};

/// The version of the format below.
const VERSION: u32 = 1;

/// The first line.
#[derive(Serialize, Deserialize)]
struct RecordHead {
    recording: u32,
    scenario: String,
    seed: u64,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
struct RecordLine {
    events: u64,
    at_us: u64,
    fingerprint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<LastLine>,
}

#[derive(Serialize, Deserialize)]
struct LastLine {
    verdict: String,
    state: String,
}

impl From<RunEntry> for RecordLine {
    fn from(entry: RunEntry) -> RecordLine {
        let RunEntry { events, at, fingerprint, lines, end } = entry;
        let end = end.map(|RunEnd { verdict, state }| LastLine { verdict, state });
        RecordLine { events, at_us: at.as_micros(), fingerprint: format!("{fingerprint:016x}"), lines, end }
    }
}

impl RecordLine {
    fn entry(self) -> Option<RunEntry> {
        let RecordLine { events, at_us, fingerprint, lines, end } = self;
        let fingerprint = u64::from_str_radix(&fingerprint, 16).ok()?;
        let end = end.map(|LastLine { verdict, state }| RunEnd { verdict, state });
        Some(RunEntry { events, at: Instant::from_micros(at_us), fingerprint, lines, end })
    }
}

/// The options with which runs are recorded, in this process and in others.
pub(crate) fn options(seed: Option<u64>) -> RunOptions {
    RunOptions { seed, trace: TraceLevel::Full, ..RunOptions::default() }
}

/// Records the scenario that `args` name. `configure` changes the configuration of every process last.
pub(crate) fn record<S: Service>(
    args: &RecordArgs,
    configure: impl Fn(&mut <S::Process as Process>::Config),
) -> io::Result<Exit> {
    let one = match load_one::<S>(&args.path) {
        Ok(one) => one,
        Err(error) => return Ok(load_errors(&[error])),
    };
    if let Some(why) = one.planted_otherwise(args.saboteur.as_deref()) {
        error(format_args!("{why}"));
        return Ok(Exit::Usage);
    }
    let recorder = match RunRecorder::configured(&one.scenario, &options(args.seed), configure) {
        Ok(recorder) => recorder,
        Err(found) => {
            problems(&one.path, &found);
            return Ok(Exit::Usage);
        }
    };
    let mut out = stdout();
    let seed = args.seed.unwrap_or(one.scenario.seed);
    write(&mut out, &RecordHead { recording: VERSION, scenario: one.name, seed })?;
    for entry in recorder {
        write(&mut out, &RecordLine::from(entry))?;
    }
    out.flush()?;
    Ok(Exit::Passed)
}

fn write(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", serde_json::to_string(line).map_err(io::Error::other)?)
}

/// Runs `program`, with the `leading` arguments first, to record the scenario at `path`, and compares that with
/// `first`. The error says why there is no recording.
pub(crate) fn compare(
    (program, leading): (&Path, &[OsString]),
    path: &Path,
    (seed, saboteur): (u64, Option<&str>),
    first: &[RunEntry],
) -> Result<Option<RunDifference>, String> {
    let mut command = Command::new(program);
    command.args(leading).arg("record").arg(format!("--seed={seed}"));
    command.args(saboteur.map(|name| format!("--saboteur={name}"))).arg("--").arg(path);
    #[cfg(any(feature = "log", feature = "slog", feature = "tracing"))]
    command.env(crate::args::LOG_VARIABLE, crate::log::level());
    let shown = format!("`{} record {}`", program.display(), path.display());
    let failed = |error: io::Error| format!("failed to run {shown}: {error}");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let compared = match child.stdout.take() {
        Some(out) => hold(BufReader::new(out), first),
        None => Err("it has no standard output".to_owned()),
    };
    // After a difference, or an error, nothing reads the rest of the recording.
    if !matches!(compared, Ok(None)) {
        let _ = child.kill();
    }
    let status = child.wait().map_err(failed)?;
    compared.map_err(|why| format!("{shown} gave no recording: {why} ({status})"))
}

/// Compares a recording with `first`.
fn hold(out: impl BufRead, first: &[RunEntry]) -> Result<Option<RunDifference>, String> {
    let mut comparison = RunComparison::new(first);
    let mut lines = out.lines();
    let head = lines.next().ok_or("it printed nothing")?.map_err(|error| error.to_string())?;
    let head: RecordHead = parse(&head)?;
    if head.recording != VERSION {
        return Err(format!("expected a recording of version {VERSION}, found {}", head.recording));
    }
    for line in lines {
        let line = line.map_err(|error| error.to_string())?;
        let entry = parse::<RecordLine>(&line)?.entry().ok_or_else(|| unread(&line, "no fingerprint"))?;
        if let Err(difference) = comparison.take(&entry) {
            return Ok(Some(*difference));
        }
        if entry.end.is_some() {
            return Ok(None);
        }
    }
    Err("it ends before its run does".to_owned())
}

fn parse<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| unread(line, &error.to_string()))
}

fn unread(line: &str, why: &str) -> String {
    let start: String = line.chars().take(60).collect();
    format!("{why} in {start:?}")
}
