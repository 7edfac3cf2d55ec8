//! Output: for people and for machines.

use std::fmt::{self, Arguments};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstream::AutoStream;
use aviary::foreign::rebuilt::{REPLAYED_MAX, Replayed};
use aviary::ids::ProcessId;
use aviary::scenario::{Outcome, Problem, RunOptions, Service, Verdict};
use aviary::sim::{LineClass, StoryEntry};
use clap::builder::styling::{AnsiColor, Effects, Style};

use crate::Exit;
use crate::files::{LoadError, Loaded};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().effects(Effects::BOLD);
pub(crate) const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);
pub(crate) const DIM: Style = Style::new().effects(Effects::DIMMED);

/// How any trace is read.
const TRACE_LEGEND: &str = "\
columns: simulated seconds, +N routine events left out before the line, who, what
S0 site 0, S012 sites 0, 1 and 2, T0 the terminal of site 0, C0 client 0, -- the simulator; -> sends, <- receives";

/// Number of trace lines that are shown for a failure.
const TAIL: usize = 20;

/// One scenario that was run.
pub(crate) struct RanScenario<'a> {
    pub(crate) path: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) about: &'a str,
    pub(crate) saboteur: Option<&'a str>,
    pub(crate) outcome: Outcome,
    pub(crate) wall: Duration,
}

/// Standard output: in colour on a terminal, plain in a pipe or with `NO_COLOR`. A reader that closes the pipe, like
/// `| head`, is not an error: the command runs to its end, and its exit code states the result.
pub(crate) fn stdout() -> impl Write {
    io::BufWriter::new(UntilClosed { out: AutoStream::auto(io::stdout()), is_closed: false })
}

/// Accepts everything, and passes it on until the reader is gone.
struct UntilClosed<W> {
    out: W,
    is_closed: bool,
}

impl<W: Write> UntilClosed<W> {
    fn unless_closed<T>(&mut self, closed: T, write: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.is_closed {
            return Ok(closed);
        }
        write(&mut self.out).or_else(|error| {
            self.is_closed = error.kind() == io::ErrorKind::BrokenPipe;
            if self.is_closed { Ok(closed) } else { Err(error) }
        })
    }
}

impl<W: Write> Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(bytes.len(), |out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed((), Write::flush)
    }
}

/// Prints one line to standard error. A closed standard error is ignored.
pub(crate) fn error(message: Arguments<'_>) {
    let mut err = AutoStream::auto(io::stderr());
    let _ = writeln!(err, "{BAD}error{BAD:#}: {message}");
}

/// Like [`error`], for problems that do not fail the command.
pub(crate) fn warning(message: Arguments<'_>) {
    let _ = writeln!(AutoStream::auto(io::stderr()), "{WARN}warning{WARN:#}: {message}");
}

/// Prints how much the clones of processes that are not `Clone` cost since `before`, if there were any.
pub(crate) fn replayed(before: Replayed, now: Replayed) {
    let (rebuilds, inputs) = (now.rebuilds - before.rebuilds, now.inputs - before.inputs);
    let what = format!("{rebuilds} clones of processes were rebuilt, and replayed {inputs} inputs");
    match inputs {
        _ if rebuilds == 0 => {}
        REPLAYED_MAX.. => {
            warning(format_args!(
                "{what}; fewer forks or a shorter scenario cost less, a process that is Clone nothing"
            ));
        }
        _ => {
            let _ = writeln!(AutoStream::auto(io::stderr()), "{DIM}{what}{DIM:#}");
        }
    }
}

/// Prints why a request cannot be fulfilled, and returns the exit.
pub(crate) fn usage(why: &str) -> Exit {
    error(format_args!("{why}"));
    Exit::Usage
}

/// Prints the problems of a scenario.
pub(crate) fn problems(path: &Path, problems: &[Problem]) {
    for problem in problems {
        error(format_args!("{}: {}", path.display(), problem.message));
    }
}

/// Prints the errors of files, and returns the exit.
pub(crate) fn load_errors(errors: &[LoadError]) -> Exit {
    for one in errors {
        match one {
            LoadError::Files(message) => error(format_args!("{message}")),
            LoadError::Profile(path) => error(format_args!(
                "{0} is a profile, and no scenario\n  help: draw a scenario from it, or sweep it: {1} draw {0} --seed 1",
                quoted(path),
                program()
            )),
            LoadError::Scenario(bad) => {
                let mut err = AutoStream::auto(io::stderr());
                let _ = writeln!(err, "{}\n", bad.render(true));
            }
        }
    }
    Exit::Usage
}

/// Whether any of these must not be run with `saboteur`; if so, prints that.
pub(crate) fn refused_as_planted_otherwise<S: Service>(loaded: &[Loaded<S>], saboteur: Option<&str>) -> bool {
    let mut is_refused = false;
    for why in loaded.iter().filter_map(|one| one.planted_otherwise(saboteur)) {
        error(format_args!("{why}"));
        is_refused = true;
    }
    is_refused
}

/// The name of this program, for commands that can be copied: as it was called, or shorter if a shell finds it.
pub(crate) fn program() -> String {
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_else(|| "sim-runner".into());
    let short = called.file_name().map(Path::new).unwrap_or(&called);
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(short)).find(|path| path.is_file());
    if called.is_absolute() && found.as_ref() == Some(&called) { quoted(short) } else { quoted(&called) }
}

/// The name of this program's file for shell completion; if it is not a plain word, the name it was built with.
pub(crate) fn program_name() -> String {
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let name = called.file_name().map(|name| name.to_string_lossy().into_owned());
    let is_plain = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    name.filter(is_plain).unwrap_or_else(|| "sim-runner".to_owned())
}

/// A path quoted for bash, so that no program takes it for a flag.
pub(crate) fn quoted(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let safe = if bytes.starts_with(b"-") { "./" } else { "" };
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@,=".contains(c);
    match path.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => format!("{safe}{text}"),
        Some(text) if !text.contains(char::is_control) => {
            format!("'{safe}{}'", text.replace('\'', r"'\''"))
        }
        // Characters that no terminal shows, byte by byte.
        _ => {
            let escaped = bytes.iter().map(|byte| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                b' '..=b'~' => char::from(*byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            });
            format!("$'{safe}{}'", escaped.collect::<String>())
        }
    }
}

fn style(verdict: &Verdict) -> Style {
    match verdict {
        Verdict::Passed => GOOD,
        Verdict::Violated(_) | Verdict::Panicked { .. } | Verdict::Stalled { .. } => BAD,
        Verdict::Stale { .. } | Verdict::Undecided { .. } => WARN,
    }
}

/// Prints one line: verdict, name, events, simulated time, wall time, fingerprint.
pub(crate) fn summary(out: &mut impl Write, ran: &RanScenario<'_>, width: usize) -> io::Result<()> {
    let outcome = &ran.outcome;
    let (style, verdict) = (style(&outcome.verdict), outcome.verdict.name());
    let simulated = outcome.simulated.as_micros() / 1_000;
    write!(out, "{style}{verdict:<9}{style:#} {:<width$}  {:>8} events", ran.name, outcome.events)?;
    write!(out, "  {:>5}.{:03} s simulated", simulated / 1_000, simulated % 1_000)?;
    writeln!(out, "  {:>7.3} s  {:016x}", ran.wall.as_secs_f64(), outcome.fingerprint)?;
    outcome.unknown.iter().try_for_each(|what| writeln!(out, "  {WARN}unknown{WARN:#}: {what}"))
}

/// How traces are read: the columns, the processes and what the service adds.
pub(crate) fn legend(out: &mut impl Write, notation: &str) -> io::Result<()> {
    TRACE_LEGEND.lines().chain(notation.lines()).try_for_each(|line| writeln!(out, "{DIM}# {line}{DIM:#}"))
}

/// The whole trace and the final state.
pub(crate) fn trace(out: &mut impl Write, ran: &RanScenario<'_>) -> io::Result<()> {
    writeln!(out, "{DIM}# {} (seed {}){DIM:#}", ran.about, ran.outcome.seed)?;
    if ran.outcome.forgotten > 0 {
        writeln!(out, "{DIM}... {} earlier lines{DIM:#}", ran.outcome.forgotten)?;
    }
    for one in &ran.outcome.trace {
        line(out, "", one)?;
    }
    if ran.outcome.elided > 0 {
        writeln!(out, "{DIM}... {} routine events{DIM:#}", ran.outcome.elided)?;
    }
    for one in ran.outcome.final_state.lines() {
        writeln!(out, "{DIM}={DIM:#} {one}")?;
    }
    Ok(())
}

pub(crate) fn line(out: &mut impl Write, indent: &str, line: &StoryEntry) -> io::Result<()> {
    let style = match line.class {
        LineClass::Routine => DIM,
        LineClass::Step => AnsiColor::Cyan.on_default().effects(Effects::BOLD),
        LineClass::Fault => AnsiColor::Red.on_default(),
        LineClass::Life => AnsiColor::Green.on_default(),
        LineClass::Note => Style::new(),
        LineClass::Log => AnsiColor::Yellow.on_default(),
    };
    writeln!(out, "{indent}{style}{}{style:#}", cut(line.to_string()))
}

/// Longer lines are cut in output for people: texts of users can have any length.
const LETTERS_MAX: usize = 280;

/// Number of letters shown of such a line.
const LETTERS_SHOWN: usize = 200;

fn cut(mut line: String) -> String {
    let letters = line.chars().count();
    if letters > LETTERS_MAX
        && let Some((end, _)) = line.char_indices().nth(LETTERS_SHOWN)
    {
        line.truncate(end);
        line += &format!("... ({} more letters)", letters - LETTERS_SHOWN);
    }
    line
}

/// What a saved failure says of a run that ended at a bound.
pub(crate) const UNDECIDED: &str = "undecided";

/// The command that replays a run.
pub(crate) struct ReplayCommand<'a> {
    pub(crate) path: &'a Path,
    /// The seed, unless it is the scenario's own.
    pub(crate) seed: Option<u64>,
    pub(crate) saboteur: Option<&'a str>,
    /// The bound on events, where the run ends at it: a replay with another bound goes on.
    pub(crate) events_max: Option<u64>,
}

impl fmt::Display for ReplayCommand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} replay {}", program(), quoted(self.path))?;
        if let Some(seed) = self.seed {
            write!(f, " --seed {seed}")?;
        }
        if let Some(saboteur) = self.saboteur {
            write!(f, " --saboteur {saboteur}")?;
        }
        match self.events_max {
            Some(most) if most != RunOptions::default().events_max => write!(f, " --events-max {most}"),
            _ => Ok(()),
        }
    }
}

/// Prints the property and a sentence, the last lines that matter, and how to reproduce the failure.
pub(crate) fn failure(out: &mut impl Write, ran: &RanScenario<'_>, is_traced: bool) -> io::Result<()> {
    let text = ran.outcome.verdict.to_string();
    let (property, sentence) = text.split_once(": ").unwrap_or((&text, ""));
    writeln!(out, "  {BAD}{property}{BAD:#}: {sentence}")?;
    if !is_traced {
        for one in last_that_matter(&ran.outcome.trace, &text) {
            line(out, "  ", one)?;
        }
    }
    let Outcome { seed, events, verdict, .. } = &ran.outcome;
    // A run that is undecided ended at a bound. With this one it ends there again.
    let events_max = matches!(verdict, Verdict::Undecided { .. }).then_some(*events);
    let replay = ReplayCommand { path: ran.path, seed: Some(*seed), saboteur: ran.saboteur, events_max };
    writeln!(out, "  reproduce: {replay} --trace")
}

/// The last lines of the processes that the sentence names, and of the world; of all processes if it names none.
fn last_that_matter<'a>(trace: &'a [StoryEntry], sentence: &str) -> Vec<&'a StoryEntry> {
    let words: Vec<&str> = sentence.split(|c: char| !c.is_alphanumeric()).collect();
    let is_word = |who: &ProcessId| words.contains(&who.to_string().as_str());
    let is_named = |line: &&StoryEntry| line.who.is_empty() || line.who.iter().any(is_word);
    let anybody = trace.iter().any(|line| line.who.iter().any(is_word));
    let mut last: Vec<&StoryEntry> = trace
        .iter()
        .rev()
        .filter(|line| line.class != LineClass::Routine)
        .filter(|line| !anybody || is_named(line))
        .take(TAIL)
        .collect();
    last.reverse();
    last
}

/// One run for machines.
#[derive(serde::Serialize)]
struct RunJson<'a> {
    scenario: &'a str,
    file: String,
    verdict: &'static str,
    /// The property and a sentence; absent when everything held.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The bug that was planted; absent when none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    saboteur: Option<&'a str>,
    seed: u64,
    events: u64,
    simulated_ns: u64,
    wall_ns: u64,
    fingerprint: String,
    skipped_steps: usize,
    /// What judges could not judge within their bounds; absent when they judged everything.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unknown: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Vec<String>>,
}

/// Prints one run as one line with a JSON object.
pub(crate) fn json(out: &mut impl Write, ran: &RanScenario<'_>, is_traced: bool) -> io::Result<()> {
    let outcome = &ran.outcome;
    let lines = || outcome.trace.iter().map(StoryEntry::to_string).collect();
    let object = RunJson {
        scenario: ran.name,
        file: ran.path.display().to_string(),
        verdict: outcome.verdict.name(),
        reason: (!outcome.verdict.is_pass()).then(|| outcome.verdict.to_string()),
        saboteur: ran.saboteur,
        seed: outcome.seed,
        events: outcome.events,
        simulated_ns: outcome.simulated.as_micros().saturating_mul(1_000),
        wall_ns: u64::try_from(ran.wall.as_nanos()).unwrap_or(u64::MAX),
        fingerprint: format!("{:016x}", outcome.fingerprint),
        skipped_steps: outcome.skipped,
        unknown: &outcome.unknown,
        trace: is_traced.then(lines),
    };
    let text = serde_json::to_string(&object).map_err(io::Error::other)?;
    writeln!(out, "{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_path_is_one_word_and_no_flag() {
        let check = |path: &str, shown: &str| assert_eq!(quoted(Path::new(path)), shown);
        check("failures/a.ron", "failures/a.ron");
        check("-x.ron", "./-x.ron");
        check("- it's.ron", r"'./- it'\''s.ron'");
        check("a\nb'c.ron", r"$'a\x0ab\'c.ron'");
        check("", "''");
    }

    #[test]
    fn what_nobody_reads_is_no_error_and_what_finds_no_room_is() {
        struct Fails(io::ErrorKind);
        impl Write for Fails {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Err(self.0.into())
            }
        }
        let mut out = UntilClosed { out: Fails(io::ErrorKind::BrokenPipe), is_closed: false };
        assert_eq!(out.write(b"abc").unwrap(), 3);
        out.flush().unwrap();
        let mut out = UntilClosed { out: Fails(io::ErrorKind::StorageFull), is_closed: false };
        assert_eq!(out.write(b"abc").unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
