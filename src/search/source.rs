//! Where the scenarios of a search come from: a source makes one out of each seed.

use alloc::borrow::Cow;

use crate::scenario::draw::NEVER_DRAWN;
use crate::scenario::{CannotDraw, Profile, Scenario, Service, draw};

/// Makes scenarios out of seeds. The same seed gives the same one, on every thread.
pub trait Source<S: Service>: Send + Sync {
    /// What reports call it: a profile's name, or a scenario file's path.
    fn name(&self) -> &str;

    /// The scenario of `seed`. Its own field `seed` is what it is run with.
    fn scenario(&self, seed: u64) -> Cow<'_, Scenario<S>>;

    /// What its runs draw from instead of the scenario's own seed, if it does not stand there.
    fn seed_of_run(&self, _seed: u64) -> Option<u64> {
        None
    }

    /// Kinds of steps that none of its scenarios has, whatever the seed, where it knows.
    fn never_fires(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether the fact of this name must happen in a long sweep of its scenarios.
    fn must_have(&self, _fact: &str) -> bool {
        false
    }

    /// The scenario of `seed` as a value that can be written, its seed in it.
    fn owned(&self, seed: u64) -> Scenario<S> {
        let mut scenario = self.scenario(seed).into_owned();
        scenario.seed = self.seed_of_run(seed).unwrap_or(scenario.seed);
        scenario
    }
}

/// One scenario, run under each seed.
#[derive(Clone, Debug)]
pub struct Pinned<S: Service> {
    name: String,
    scenario: Scenario<S>,
}

impl<S: Service> Pinned<S> {
    /// `scenario`, which reports call `name`.
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
}

/// A profile, which draws a scenario out of each seed.
#[derive(Clone, Debug)]
pub struct Drawn {
    name: String,
    profile: Profile,
}

impl Drawn {
    /// `profile`, which reports call `name`, if scenarios of `S` can be drawn from it.
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
