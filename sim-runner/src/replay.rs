//! `replay`: runs scenarios and prints the result of each.

use std::io::{self, Write};

use aviary::process::Process;
use aviary::scenario::{Outcome, RunOptions, Service, run_configured};
use aviary::sim::TraceLevel;

use crate::Exit;
use crate::args::{ReplayArgs, ReplayFormat, TraceAmount};
use crate::files::{Loaded, load};
use crate::progress::Progress;
use crate::report::{
    RanScenario, failure, json, legend, load_errors, problems, refused_as_planted_otherwise, stdout, summary,
    trace, usage,
};
use crate::show::perfetto::trace_file;
use crate::show::pictures::{self, Asked};

/// Runs the scenarios that `args` name. `configure` changes the configuration of every process last.
pub(crate) fn replay<S: Service>(
    args: &ReplayArgs,
    configure: impl Fn(&mut <S::Process as Process>::Config),
) -> io::Result<Exit> {
    let loaded = match load::<S>(&args.paths) {
        Ok(loaded) => loaded,
        Err(errors) => return Ok(load_errors(&errors)),
    };
    if refused_as_planted_otherwise(&loaded, args.saboteur.as_deref()) {
        return Ok(Exit::Usage);
    }
    if args.trace.is_some() && matches!(args.format, ReplayFormat::RunJson | ReplayFormat::Perfetto) {
        return Ok(usage("--trace says how much of a trace to print; these formats hold everything"));
    }
    if args.format == ReplayFormat::Perfetto && loaded.len() > 1 {
        let why = format!("--format perfetto writes one run, and these are {}: name one file", loaded.len());
        return Ok(usage(&why));
    }
    let width = loaded.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    let mut exits = Vec::new();
    let mut out = stdout();
    if args.trace.is_some() && args.format == ReplayFormat::Text {
        legend(&mut out, S::TRACE_NOTATION)?;
    }
    let progress = Progress::new(loaded.len());
    for one in &loaded {
        progress.begin(&one.name);
        if matches!(args.format, ReplayFormat::RunJson | ReplayFormat::Perfetto) {
            let asked = Asked {
                seed: args.seed,
                saboteur: args.saboteur.as_deref(),
                run_events_max: args.events_max,
                events_max: usize::MAX,
            };
            let pictured = pictures::of(one, asked, &configure);
            progress.done();
            match pictured {
                Ok((picture, outcome)) => {
                    exits.push(Exit::of(&outcome.verdict));
                    let text = match args.format {
                        ReplayFormat::Perfetto => serde_json::to_string(&trace_file(&picture)),
                        _ => serde_json::to_string(&picture),
                    };
                    writeln!(out, "{}", text.map_err(io::Error::other)?)?;
                }
                Err(found) => {
                    problems(&one.path, &found);
                    return Ok(Exit::Usage);
                }
            }
            continue;
        }
        let ran = timed(one, args, &configure);
        progress.done();
        let Some(ran) = ran else { return Ok(Exit::Usage) };
        exits.push(Exit::of(&ran.outcome.verdict));
        progress.aside(|| write_report(&mut out, &ran, args, width))?;
    }
    Ok(Exit::worst(&exits))
}

fn write_report(
    out: &mut impl Write,
    ran: &RanScenario<'_>,
    args: &ReplayArgs,
    width: usize,
) -> io::Result<()> {
    match args.format {
        ReplayFormat::RunJson | ReplayFormat::Perfetto => {}
        ReplayFormat::Json => json(out, ran, args.trace.is_some())?,
        ReplayFormat::Text => {
            if args.trace.is_some() {
                trace(out, ran)?;
            }
            summary(out, ran, width)?;
            if !ran.outcome.verdict.is_pass() {
                failure(out, ran, args.trace.is_some())?;
            }
        }
    }
    out.flush()
}

#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "wall time is shown, never fed into a run"
)]
fn timed<'a, S: Service>(
    one: &'a Loaded<S>,
    args: &'a ReplayArgs,
    configure: impl Fn(&mut <S::Process as Process>::Config),
) -> Option<RanScenario<'a>> {
    let level = match args.trace {
        Some(TraceAmount::Full) => TraceLevel::Full,
        // Kept in case something fails.
        Some(TraceAmount::Notable) | None => TraceLevel::Notable,
    };
    let options =
        RunOptions { seed: args.seed, trace: level, events_max: args.events_max, ..RunOptions::default() };
    let start = std::time::Instant::now();
    let result: Result<Outcome, _> = run_configured(&one.scenario, &options, configure);
    let wall = start.elapsed();
    match result {
        Ok(outcome) => {
            let (path, name, about) = (&one.path, &one.name, &one.scenario.about);
            Some(RanScenario { path, name, about, saboteur: args.saboteur.as_deref(), outcome, wall })
        }
        Err(found) => {
            problems(&one.path, &found);
            None
        }
    }
}
