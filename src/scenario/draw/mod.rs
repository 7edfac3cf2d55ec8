//! From a profile and a seed to a scenario: nothing random runs that is not first a file.
//!
//! 1. A drawn scenario is well-formed: [`plan`](crate::scenario::plan()) accepts it, whatever the profile.
//! 2. Each concern has a stream of its own: another number of commands moves no fault.
//! 3. Every drawn step is `Optional`; what mends a fault comes after it in the same track.
//! 4. It stays within what a protocol survives that loses nothing it synced: no site is lost for good.
//!
//! What users say, which limits are tiny and what is hard to reach by chance is a [`Service`]'s to know.

use core::fmt;

use crate::scenario::form::{Disk, DiskMode, ExpectationOf, Scenario, StepOf};
use crate::scenario::namespace::Word;
use crate::scenario::nearest::nearest;
use crate::scenario::profile::Profile;
use crate::scenario::service::Service;
use crate::scenario::step::{Claim, When};
use crate::time::Duration;

mod cluster;
mod draws;
mod episodes;
mod network;
mod recipe;
mod recipes;
mod shapes;
mod words;
mod workload;

#[cfg(test)]
mod tests;

pub use draws::Draws;
pub use recipe::{Draft, Recipe, RecipesOf, crash, crash_at};
pub use recipes::common as common_recipes;
pub use words::{noted, rule, traffic};
pub use workload::{Asking, Wanted};

pub(crate) use recipe::names;

use draws::Concern;
use episodes::Episodes;
use words::optional;
use workload::Workload;

/// Why nothing can be drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CannotDraw {
    /// The service does not say what users do.
    NoCommands,
    /// There is no such recipe; what helps.
    UnknownRecipe(String),
}

impl fmt::Display for CannotDraw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CannotDraw::NoCommands => f.write_str(
                "this service draws no commands: implement `Service::draw_command` to draw scenarios for it",
            ),
            CannotDraw::UnknownRecipe(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for CannotDraw {}

/// The scenario that `seed` stands for.
pub fn draw<S: Service>(profile: &Profile, seed: u64) -> Result<Scenario<S>, CannotDraw> {
    let mut draws = Draws::new(seed, Concern::Recipe);
    let is_wanted = |recipe: &Recipe<_, _>| {
        profile.recipes.is_empty() || profile.recipes.iter().any(|name| name == recipe.name)
    };
    let wanted: RecipesOf<S> = S::recipes().into_iter().filter(is_wanted).collect();
    let recipe = if draws.happens(profile.follows_recipe) { draws.one_of(&wanted).copied() } else { None };
    compose(profile, seed, recipe, draws)
}

/// The scenario that `seed` stands for where the recipe of this name is followed.
pub fn draw_recipe<S: Service>(profile: &Profile, seed: u64, name: &str) -> Result<Scenario<S>, CannotDraw> {
    let Some(recipe) = S::recipes().into_iter().find(|recipe| recipe.name == name) else {
        return Err(CannotDraw::UnknownRecipe(nearest(name, &names::<S>()).unknown("recipe")));
    };
    compose(profile, seed, Some(recipe), Draws::new(seed, Concern::Recipe))
}

fn compose<S: Service>(
    profile: &Profile,
    seed: u64,
    recipe: Option<Recipe<S::Command, S::Expectation>>,
    draws: Draws,
) -> Result<Scenario<S>, CannotDraw> {
    let cluster = cluster::draw(profile, seed, recipe.map(|recipe| recipe.sites));
    let is_quiet = cluster.is_quiet && recipe.is_none();
    let mut settings = Draws::new(seed, Concern::Settings);
    let disk = disk(profile, &mut settings);
    let is_tiny = settings.happens(profile.tiny);
    let mut workload = Workload::new(profile, seed, &cluster);
    let commands = workload.track::<S>()?;
    let mut tracks: Vec<Vec<StepOf<S>>> = Vec::new();
    tracks.extend(recipe.map(|recipe| recipe.track::<S>(draws, &cluster, &mut workload)));
    let mut episodes = Episodes::new(profile, seed, &cluster, disk.sync, is_quiet);
    tracks.extend(episodes.tracks::<S>(&mut workload, recipe.is_some()));
    tracks.push(commands);
    let steps = tracks.remove(0);
    let expect: Vec<ExpectationOf<S>> =
        vec![Word::Harness(Claim::Converges { within: profile.converges_within })];
    let recipe_text = recipe.map(|recipe| format!(", {}", recipe.name)).unwrap_or_default();
    Ok(Scenario {
        about: format!("Seed {seed}{recipe_text}. {}", profile.about),
        seed,
        sites: cluster.sites,
        clients: cluster.clients,
        machines: cluster.machines.clone(),
        network: network::draw(profile, seed, is_quiet, recipe.is_some()),
        disk,
        settings: S::draw_settings(&mut settings, is_tiny),
        limit: latest::<S>(&steps, &tracks) + Duration::from_secs(3),
        rules: Vec::new(),
        steps,
        also: tracks,
        expect,
    })
}

fn disk(profile: &Profile, draws: &mut Draws) -> Disk {
    let mode = if draws.happens(profile.disk.blocking) { DiskMode::Blocking } else { DiskMode::Overlapped };
    Disk { sync: draws.time(profile.disk.sync), mode }
}

/// The latest moment that any track names, if nothing in it waits for an event.
fn latest<S: Service>(steps: &[StepOf<S>], also: &[Vec<StepOf<S>>]) -> Duration {
    let of = |track: &[StepOf<S>]| {
        track.iter().fold(Duration::ZERO, |sum, step| match step.when {
            When::At(time) => time.max(sum),
            When::After(time) => sum + time,
            When::On(_) => sum,
        })
    };
    also.iter().map(|track| of(track)).fold(of(steps), Duration::max)
}
