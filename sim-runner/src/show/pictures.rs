//! From scenarios to pictures of their runs.

use std::path::Path;

use aviary::process::Process;
use aviary::scenario::{Outcome, Picture, PictureOptions, Problem, RunOptions, Service, picture};

use crate::files::Loaded;
use crate::report::{program, quoted};

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
    let options = PictureOptions {
        name: one.name.clone(),
        is_failure: one.failure.is_some(),
        reproduce: reproduce(&one.path, asked),
        events_max: asked.events_max,
    };
    picture(&one.scenario, &run, &options, configure)
}

/// The command that runs it again.
fn reproduce(path: &Path, asked: Asked<'_>) -> String {
    let mut command = format!("{} replay {}", program(), quoted(path));
    if let Some(seed) = asked.seed {
        command += &format!(" --seed {seed}");
    }
    if let Some(saboteur) = asked.saboteur {
        command += &format!(" --saboteur {saboteur}");
    }
    command + " --trace"
}
