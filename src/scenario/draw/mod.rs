//! Draws a scenario from a profile and a seed: nothing random runs that is not a file first.
//!
//! 1. A drawn scenario is well-formed: [`plan`](crate::scenario::plan()) accepts it, whatever the profile.
//! 2. Each concern has its own random stream: a different number of commands moves no fault.
//! 3. Every drawn step is `Optional`. The step that mends a fault comes after it in the same track.
//! 4. Nothing is drawn that cannot happen on the links that the service assumes.
//! 5. Under a survivable budget, no more sites lose stored data than may be lost for good, whatever happens.
//!
//! The [`Service`] knows what users say, which limits are tiny and what is hard to reach by chance.

use core::fmt;

use crate::frame::DATAGRAM_DEFAULT;
use crate::ids::{ProcessId, SiteSet};
use crate::process::Process;
use crate::ron_file::nearest::nearest;
use crate::scenario::form::{DiskForm, DiskMode, ExpectationOf, FaultBudget, Scenario, StepOf};
use crate::scenario::namespace::Word;
use crate::scenario::profile::{Profile, Span};
use crate::scenario::service::{Pace, Service};
use crate::scenario::step::{DiskFault, Fault, RunClaim, When};
use crate::time::Duration;

mod calm;
mod clocks;
mod cluster;
mod crashes;
mod cuts;
mod disks;
mod draws;
mod episodes;
mod links;
mod lives;
mod losses;
mod messages;
mod network;
mod recipe;
mod recipes;
mod rollovers;
mod shapes;
mod shorthand;
mod sites;
mod workload;

#[cfg(test)]
#[cfg(feature = "tweets")]
mod tests;

pub use draws::Draws;
pub use recipe::{Draft, Recipe, RecipesOf, crash, crash_at};
pub use recipes::common as common_recipes;
pub use shorthand::{noted, rule, traffic};
pub use workload::{Asking, Wanted};

pub(crate) use recipe::names;

use calm::Calm;
use cluster::DrawnCluster;
use draws::Concern;
use episodes::Episodes;
use losses::Losses;
use rollovers::Rollovers;
use shorthand::optional;
use workload::Workload;

/// Kinds of steps that are never drawn. An expectation in the middle of a run states what its author knows of that
/// run. Nobody knows more of a drawn run than the judges, who watch all the time.
pub const NEVER_DRAWN: &[&str] = &["expect"];

/// The reason why nothing can be drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CannotDraw {
    /// The service draws no commands.
    NoCommands,
    /// There is no such recipe. The text names the nearest one.
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

/// The scenario of `seed`.
pub fn draw<S: Service>(profile: &Profile, seed: u64) -> Result<Scenario<S>, CannotDraw> {
    let mut draws = Draws::new(seed, Concern::Recipe);
    if let Some(calm) = calm::draw(profile, seed) {
        return compose(profile, seed, None, draws, Some(calm));
    }
    let is_wanted = |recipe: &Recipe<_, _>| {
        let is_named = profile.recipes.is_empty() || profile.recipes.iter().any(|name| name == recipe.name);
        let Span(least, most) = recipe.sites;
        is_named && S::SITES.iter().any(|sites| (least..=most).contains(sites))
    };
    let wanted: RecipesOf<S> = S::recipes().into_iter().filter(is_wanted).collect();
    let recipe = if draws.happens(profile.follows_recipe) { draws.one_of(&wanted).copied() } else { None };
    compose(profile, seed, recipe, draws, None)
}

/// How much longer the commands and faults of a run go on that follows a recipe.
const RECIPE_TIMES: u64 = 3;

/// The scenario of `seed` that follows the recipe of this name.
pub fn draw_recipe<S: Service>(profile: &Profile, seed: u64, name: &str) -> Result<Scenario<S>, CannotDraw> {
    let Some(recipe) = S::recipes().into_iter().find(|recipe| recipe.name == name) else {
        return Err(CannotDraw::UnknownRecipe(nearest(name, &names::<S>()).unknown("recipe")));
    };
    compose(profile, seed, Some(recipe), Draws::new(seed, Concern::Recipe), None)
}

fn compose<S: Service>(
    profile: &Profile,
    seed: u64,
    recipe: Option<Recipe<S::Command, S::Expectation>>,
    draws: Draws,
    mut calm: Option<Calm>,
) -> Result<Scenario<S>, CannotDraw> {
    let mut cluster = cluster::draw(profile, seed, S::SITES, recipe.map(|recipe| recipe.sites));
    if recipe.is_some() {
        // One event after another: each takes its time, and some want commands beside them.
        cluster.lasts = cluster.lasts.times(RECIPE_TIMES);
    }
    let is_quiet = calm.is_some() || (cluster.is_quiet && recipe.is_none());
    if let Some(calm) = &mut calm {
        calm.is_prompt &= has_bounds::<S>(&cluster);
    }
    let is_prompt = calm.as_ref().is_some_and(|calm| calm.is_prompt);
    let mut settings = Draws::new(seed, Concern::Settings);
    let mut disk = disk(profile, &mut settings);
    if is_prompt {
        disk.mode = DiskMode::Overlapped;
    }
    let is_tiny = settings.happens(profile.tiny) && !is_prompt;
    let mut drawn = S::draw_settings(&mut settings, is_tiny);
    let shape = cluster.shape();
    let config = S::config(&drawn, &shape).ok();
    let has_short_files = is_tiny && settings.happens(profile.disk.short_files);
    let datagram_max = config.as_ref().map_or(DATAGRAM_DEFAULT, S::datagram_max);
    let is_calm = calm.is_some();
    let history = |config: Option<&<S::Process as Process>::Config>| {
        let mut draws = Draws::new(seed, Concern::History);
        let is_old = draws.happens(profile.histories);
        config
            .filter(|_| is_old && !is_calm)
            .map(|config| S::draw_history(&mut draws, config))
            .unwrap_or_default()
    };
    let slots_before = history(config.as_ref()).slots;
    let mut workload = Workload::new(profile, seed, &cluster, datagram_max, slots_before);
    let commands = workload.track::<S>()?;
    let mut tracks: Vec<Vec<StepOf<S>>> = Vec::new();
    tracks.extend(recipe.map(|recipe| recipe.track::<S>(draws, &cluster, &mut workload)));
    let core_size = config.as_ref().map_or(cluster.sites, |config| S::core_size(config, &shape));
    let mut losses = Losses::new(profile.budget, &cluster, core_size);
    tracks.iter().flatten().for_each(|step| losses.count(&step.action));
    let links = links::of::<S>(profile);
    let mut episodes = Episodes::new(profile, seed, &cluster, losses, disk.sync, is_quiet);
    episodes.links = links;
    match &mut calm {
        Some(calm) => tracks.extend(Some(calm.track::<S>(&cluster)).filter(|track| !track.is_empty())),
        None => tracks.extend(episodes.tracks::<S>(&mut workload, recipe.is_some())),
    }
    let is_full = |step: &StepOf<S>| matches!(step.action, Word::Harness(Fault::Disk(_, DiskFault::Full)));
    if !is_quiet {
        tracks.extend(lives::draw::<S>(profile, seed, &cluster, &mut workload));
    }
    tracks.push(commands);
    let is_full = tracks.iter().flatten().any(is_full);
    let mut rollovers = Rollovers::draw(profile, seed).filter(|_| calm.is_none());
    if has_short_files || is_full || rollovers.is_some() {
        let shortest = |settings: &S::Settings| {
            let config = S::config(settings, &shape).ok()?;
            let bytes = S::journal(&config).bytes_min(S::burst_bytes_max(&config));
            (S::core_size(&config, &shape) == core_size).then_some(bytes)
        };
        if let Some(rollovers) = &mut rollovers {
            let others = (0..24).map(|_| rollovers.settings::<S>());
            let found = others.filter_map(|other| Some((shortest(&other)?, other)));
            drawn = found.min_by_key(|(bytes, _)| *bytes).map_or(drawn, |(_, settings)| settings);
        } else if is_full {
            // No disk is full while one file holds everything: of some tiny settings, take those with the shortest
            // files.
            let others = (0..8).map(|_| S::draw_settings(&mut settings, true));
            let found = others.filter_map(|other| Some((shortest(&other)?, other)));
            drawn = found.min_by_key(|(bytes, _)| *bytes).map_or(drawn, |(_, settings)| settings);
        }
        disk.file_bytes = shortest(&drawn);
    }
    let rollovers = rollovers.filter(|_| recipe.is_none());
    tracks.extend(rollovers.and_then(|rollovers| rollovers.track::<S>(profile, &cluster, &mut workload)));
    let heals_all = settings.happens(profile.heals_all);
    tracks.iter_mut().for_each(|track| track.retain(|step| links::allow::<S>(links, step)));
    let steps = tracks.remove(0);
    let network = network::draw(profile, seed, &cluster, is_quiet, recipe.is_some());
    let mut network = links::keep_to(network, links, S::LINKS);
    let expect = match &calm {
        Some(calm) => {
            network.latency = calm.latency(network.latency);
            expect_calm::<S>(profile, &cluster, calm)
        }
        None => expect::<S>(profile, &cluster, heals_all),
    };
    let recipe_text = recipe.map(|recipe| format!(", {}", recipe.name)).unwrap_or_default();
    Ok(Scenario {
        about: format!("Seed {seed}{recipe_text}. {}", profile.about),
        seed,
        sites: cluster.sites,
        clients: cluster.clients,
        clients_alike: cluster.clients_alike,
        machines: cluster.machines.clone(),
        history: history(S::config(&drawn, &shape).ok().as_ref()),
        leader: calm.as_mut().filter(|_| S::LEADS).map(|calm| calm.leader(&cluster)),
        network,
        disk,
        budget: profile.budget,
        settings: drawn,
        limit: latest::<S>(&steps, &tracks) + Duration::from_secs(3),
        rules: Vec::new(),
        steps,
        also: tracks,
        expect,
    })
}

/// Whether the service has time bounds for `Prompt`.
fn has_bounds<S: Service>(cluster: &DrawnCluster) -> bool {
    let (shape, pace) =
        (cluster.shape(), Pace { latency: Duration::ZERO, sync: Duration::ZERO, commands: 0 });
    let config = S::config(&S::Settings::default(), &shape).ok();
    config.is_some_and(|config| {
        S::hold_to_bounds(&mut S::judges(&config, &shape), &config, &shape, &pace).is_ok()
    })
}

fn disk(profile: &Profile, draws: &mut Draws) -> DiskForm {
    let mode = if draws.happens(profile.disk.blocking) { DiskMode::Blocking } else { DiskMode::Overlapped };
    DiskForm { sync: draws.time(profile.disk.sync), mode, file_bytes: None }
}

/// The claims for the end of a run, beyond what judges always check; none under an unlimited budget.
fn expect<S: Service>(profile: &Profile, cluster: &DrawnCluster, heals_all: bool) -> Vec<ExpectationOf<S>> {
    let mut claims = match profile.budget {
        FaultBudget::Unlimited => return Vec::new(),
        FaultBudget::Survivable => {
            vec![RunClaim::Converges { within: profile.converges_within, all: heals_all }]
        }
    };
    claims.extend(progresses::<S>(cluster));
    claims.push(RunClaim::Restarts);
    claims.into_iter().map(Word::Harness).collect()
}

/// The claims of a calm run. It ends without restarts: a restart would begin another leadership.
fn expect_calm<S: Service>(profile: &Profile, cluster: &DrawnCluster, calm: &Calm) -> Vec<ExpectationOf<S>> {
    let mut claims = calm.claims(cluster);
    if profile.budget == FaultBudget::Survivable {
        claims.push(RunClaim::Converges { within: profile.converges_within, all: true });
        claims.extend(progresses::<S>(cluster));
    }
    claims.into_iter().map(Word::Harness).collect()
}

fn progresses<S: Service>(cluster: &DrawnCluster) -> Option<RunClaim> {
    let terminals = SiteSet::first(cluster.sites).iter().map(ProcessId::Terminal);
    let mut probed = terminals.chain((0..cluster.clients).map(ProcessId::Client));
    probed.any(|id| S::probe(id).is_some()).then_some(RunClaim::Progresses)
}

/// The latest moment that any track names, if steps that wait for an event take no time.
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
