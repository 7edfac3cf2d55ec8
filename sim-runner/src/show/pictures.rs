//! From scenarios to pictures of their runs.

use std::path::{Path, PathBuf};

use aviary::process::Process;
use aviary::scenario::{Outcome, Picture, PictureOptions, Problem, RunOptions, Service, picture, picture_of};
use aviary::search::{Runner, write_aside};
use aviary::sim::TraceLevel;

use crate::files::{Loaded, load_one};
use crate::report::{ReplayCommand, UNDECIDED};
use crate::show::page::page;

/// The most events that a picture holds, unless a flag says otherwise.
pub(crate) const EVENTS_MAX: usize = 100_000;

/// What is run for a picture, beside the scenario.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) seed: Option<u64>,
    pub(crate) saboteur: Option<&'a str>,
    pub(crate) run_events_max: u64,
    pub(crate) events_max: usize,
}

/// Runs one scenario. `configure` changes the configuration of every process last.
pub(crate) fn of<S: Service>(
    one: &Loaded<S>,
    asked: Asked<'_>,
    configure: impl FnOnce(&mut <S::Process as Process>::Config),
) -> Result<(Picture, Outcome), Vec<Problem>> {
    let run = RunOptions { seed: asked.seed, events_max: asked.run_events_max, ..RunOptions::default() };
    picture(&one.scenario, &run, &options(one, asked), configure)
}

fn options<S: Service>(one: &Loaded<S>, asked: Asked<'_>) -> PictureOptions {
    // A saved failure needs the bound that it was found with only if it ends there.
    let is_decided = one.failure.as_ref().is_some_and(|failure| failure.property != UNDECIDED);
    let events_max = (!is_decided).then_some(asked.run_events_max);
    PictureOptions {
        name: one.name.clone(),
        is_failure: one.failure.is_some(),
        reproduce: format!(
            "{} --trace",
            ReplayCommand { path: &one.path, seed: asked.seed, saboteur: asked.saboteur, events_max }
        ),
        events_max: asked.events_max,
    }
}

/// Writes the page of a saved failure beside it, and returns its path.
pub(crate) fn beside<S: Service>(
    runner: &Runner<S>,
    path: &Path,
    seed: u64,
    saboteur: Option<&str>,
) -> Result<PathBuf, String> {
    let Ok(one) = load_one::<S>(path) else { return Err(format!("failed to read {} again", path.display())) };
    let seed = (seed != one.scenario.seed).then_some(seed);
    let asked = Asked { seed, saboteur, run_events_max: runner.options.events_max, events_max: EVENTS_MAX };
    let run = RunOptions { seed, trace: TraceLevel::Full, ..runner.options };
    let run = runner.start_with(&one.scenario, &run);
    let Ok(run) = run else { return Err(format!("{} cannot be run", path.display())) };
    let (picture, _) = picture_of(run, &one.scenario, &options(&one, asked));
    let to = path.with_extension("html");
    let page = page(&[picture]).map_err(|why| format!("failed to write {}: {why}", to.display()))?;
    write_aside(&to, &page).map_err(|why| why.to_string())?;
    Ok(to)
}
