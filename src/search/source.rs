//! Sources of scenarios for a search: a source makes one from each seed.

use alloc::borrow::Cow;

use crate::scenario::draw::NEVER_DRAWN;
use crate::scenario::{CannotDraw, Profile, Scenario, Service, draw};

/// Makes scenarios from seeds. The same seed gives the same scenario, on every thread.
pub trait Source<S: Service>: Send + Sync {
    /// Its name in reports: a profile's name, or a scenario file's path.
    fn name(&self) -> &str;

    /// The scenario of `seed`. Its own field `seed` is the seed that it runs with.
    fn scenario(&self, seed: u64) -> Cow<'_, Scenario<S>>;

    /// The seed that the run draws from, if it is not the scenario's own.
    fn seed_of_run(&self, _seed: u64) -> Option<u64> {
        None
    }

    /// The scenario of every seed, if all seeds have the same one.
    fn only(&self) -> Option<&Scenario<S>> {
        None
    }

    /// Kinds of steps that none of its scenarios has for any seed, as far as it knows.
    fn never_fires(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether the fact of this name must happen in a long sweep of its scenarios.
    fn must_have(&self, _fact: &str) -> bool {
        false
    }

    /// The scenario of `seed` as a value that can be written, with the seed of its run in it.
    fn owned(&self, seed: u64) -> Scenario<S> {
        let mut scenario = self.scenario(seed).into_owned();
        scenario.seed = self.seed_of_run(seed).unwrap_or(scenario.seed);
        scenario
    }
}

/// One scenario that runs with each seed.
#[derive(Clone, Debug)]
pub struct Pinned<S: Service> {
    name: String,
    scenario: Scenario<S>,
}

impl<S: Service> Pinned<S> {
    /// `scenario`, called `name` in reports.
    pub fn new(name: impl Into<String>, scenario: Scenario<S>) -> Pinned<S> {
        Pinned { name: name.into(), scenario }
    }
}

impl<S: Service> Source<S> for Pinned<S> {
    fn name(&self) -> &str {
        &self.name
    }

    fn scenario(&self, _seed: u64) -> Cow<'_, Scenario<S>> {
        Cow::Borrowed(&self.scenario)
    }

    fn seed_of_run(&self, seed: u64) -> Option<u64> {
        Some(seed)
    }

    fn only(&self) -> Option<&Scenario<S>> {
        Some(&self.scenario)
    }
}

/// A profile that draws a scenario from each seed.
#[derive(Clone, Debug)]
pub struct Drawn {
    name: String,
    profile: Profile,
}

impl Drawn {
    /// `profile`, called `name` in reports; an error if scenarios of `S` cannot be drawn from it.
    pub fn new<S: Service>(name: impl Into<String>, profile: Profile) -> Result<Drawn, CannotDraw> {
        draw::<S>(&profile, 0)?;
        Ok(Drawn { name: name.into(), profile })
    }
}

impl<S: Service> Source<S> for Drawn {
    fn name(&self) -> &str {
        &self.name
    }

    fn scenario(&self, seed: u64) -> Cow<'_, Scenario<S>> {
        Cow::Owned(draw(&self.profile, seed).expect("a profile that draws from one seed draws from all"))
    }

    fn never_fires(&self) -> &'static [&'static str] {
        NEVER_DRAWN
    }

    fn must_have(&self, fact: &str) -> bool {
        self.profile.must_happen.asks_for::<S>(fact)
    }
}
