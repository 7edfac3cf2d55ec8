//! `replay`: runs scenarios and says what came of each.

use std::io::{self, IsTerminal, Write};

use aviary::scenario::{Outcome, RunOptions, Service, run};
use aviary::sim::TraceLevel;

use crate::Exit;
use crate::args::{Format, Replay, Trace};
use crate::files::{Loaded, load};
use crate::report::{Ran, error, failure, json, load_errors, stdout, summary, trace};

pub(crate) fn replay<S: Service>(args: &Replay) -> io::Result<Exit> {
    let loaded = match load::<S>(&args.paths) {
        Ok(loaded) => loaded,
        Err(errors) => return Ok(load_errors(&errors)),
    };
    let width = loaded.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    let mut exits = Vec::new();
    let mut out = stdout();
    for (number, one) in loaded.iter().enumerate() {
        let progress = Progress::show(number + 1, loaded.len(), &one.name);
        let ran = timed(one, args);
        drop(progress);
        let Some(ran) = ran else { return Ok(Exit::Usage) };
        exits.push(Exit::of(&ran.outcome.verdict));
        match args.format {
            Format::Json => json(&mut out, &ran, args.trace.is_some())?,
            Format::Text => {
                if args.trace.is_some() {
                    trace(&mut out, &ran)?;
                }
                summary(&mut out, &ran, width)?;
                if !ran.outcome.verdict.is_pass() {
                    failure(&mut out, &ran, args.trace.is_some())?;
                }
            }
        }
        out.flush()?;
    }
    Ok(Exit::worst(&exits))
}

#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "wall time is shown, never fed into a run"
)]
fn timed<'a, S: Service>(one: &'a Loaded<S>, args: &Replay) -> Option<Ran<'a>> {
    let level = match args.trace {
        Some(Trace::Full) => TraceLevel::Full,
        // Kept for the case that something fails.
        Some(Trace::Notable) | None => TraceLevel::Notable,
    };
    let options = RunOptions { seed: args.seed, trace: level, ..RunOptions::default() };
    let start = std::time::Instant::now();
    let result: Result<Outcome, _> = run(&one.scenario, &options);
    let wall = start.elapsed();
    match result {
        Ok(outcome) => {
            Some(Ran { path: &one.path, name: &one.name, about: &one.scenario.about, outcome, wall })
        }
        Err(problems) => {
            for problem in problems {
                error(format_args!("{}: {}", one.path.display(), problem.message));
            }
            None
        }
    }
}

/// A line on a terminal that goes when the run is over.
struct Progress {
    is_shown: bool,
}

impl Progress {
    fn show(number: usize, of: usize, name: &str) -> Progress {
        let is_shown = io::stderr().is_terminal() && io::stdout().is_terminal();
        if is_shown {
            // Progress that cannot be shown is no failure.
            let _ = write!(io::stderr(), "\r\x1b[K[{number}/{of}] {name}");
        }
        Progress { is_shown }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
