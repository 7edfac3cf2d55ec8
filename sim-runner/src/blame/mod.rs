//! `blame`: shows when a failure became inevitable, and the suspects.

mod drawing;
pub(crate) mod render;

use std::io::{self, Write};

use aviary::scenario::Service;
use aviary::search::{self, Inquiry, Runner, can_write_aside, write_aside};

use crate::Exit;
use crate::args::{BlameArgs, Format, time_or};
use crate::files::load_one;
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{error, load_errors, stdout};
use crate::shrink::refused;

/// Forks the scenario that `args` name and reports the result.
pub(crate) fn blame<S: Service>(args: &BlameArgs, runner: &Runner<S>) -> io::Result<Exit> {
    let loaded = match load_one::<S>(&args.path) {
        Ok(loaded) => loaded,
        Err(error) => return Ok(load_errors(&[error])),
    };
    if let Some(why) = loaded.planted_otherwise(args.saboteur.as_deref()) {
        error(format_args!("{why}"));
        return Ok(Exit::Usage);
    }
    // A shrunken failure contains too little that could have happened otherwise, so the original scenario is forked.
    let origin = loaded.failure.as_ref().and_then(|failure| failure.origin.as_ref());
    let scenario = origin.unwrap_or(&loaded.scenario);
    if let Some(svg) = &args.svg
        && let Err(why) = can_write_aside(svg)
    {
        error(format_args!("failed to write {}: {why}", svg.display()));
        return Ok(Exit::Usage);
    }
    let mut runner = runner.clone();
    runner.options.seed = args.seed;
    let stop = interrupt::flag()?;
    let runs_max = args.runs.unwrap_or(u64::MAX);
    let time = time_or(args.time, args.runs.is_some(), Inquiry::default().time);
    let inquiry = Inquiry { forks: args.forks, time, runs_max, stop: Some(&stop) };
    let progress = Progress::endless(&format!("forking {}", loaded.name));
    let blamed = search::blame(&runner, scenario, &inquiry);
    drop(progress);
    let blamed = match blamed {
        Ok(blamed) => blamed,
        Err(why) => return Ok(refused(&args.path, &why)),
    };
    if let Some(svg) = &args.svg
        && let Err(why) = write_aside(svg, &drawing::svg(&loaded.name, &blamed))
    {
        error(format_args!("{why}"));
        return Ok(Exit::Usage);
    }
    let mut out = stdout();
    match args.format {
        Format::Text => render::text(&mut out, &blamed)?,
        Format::Json => render::json(&mut out, &loaded.name, &blamed)?,
    }
    out.flush()?;
    Ok(Exit::Passed)
}
