//! Recipes: orders of events that random timing does not reach, written in terms of roles.
//!
//! A recipe is one track. Its sites get random numbers, its times are drawn, and the rest of the scenario runs beside
//! it. It may rely on nothing but its own order.

use core::fmt;

use crate::scenario::draw::cluster::DrawnCluster;
use crate::scenario::draw::draws::Draws;
use crate::scenario::draw::optional;
use crate::scenario::draw::workload::{Wanted, Workload};
use crate::scenario::form::StepOf;
use crate::scenario::namespace::Word;
use crate::scenario::profile::Span;
use crate::scenario::service::Service;
use crate::scenario::step::{Action, Crash, EventPattern, Fault, Seam, Step, Target, When};
use crate::sim::Leaves;
use crate::time::Duration;

/// An order of events, for a service with these commands and expectations.
pub struct Recipe<C, E> {
    /// Its name.
    pub name: &'static str,
    /// One sentence that says what happens.
    pub about: &'static str,
    /// The numbers of sites that it fits.
    pub sites: Span<u8>,
    /// Writes its steps.
    pub cook: fn(&mut Draft<'_, C, E>),
}

impl<C, E> Clone for Recipe<C, E> {
    fn clone(&self) -> Recipe<C, E> {
        *self
    }
}

impl<C, E> Copy for Recipe<C, E> {}

impl<C, E> fmt::Debug for Recipe<C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The recipes of a service.
pub type RecipesOf<S> = Vec<Recipe<<S as Service>::Command, <S as Service>::Expectation>>;

/// The names of a service's recipes.
pub(crate) fn names<S: Service>() -> Vec<&'static str> {
    S::recipes().iter().map(|recipe| recipe.name).collect()
}

impl<C, E> Recipe<C, E> {
    pub(super) fn track<S: Service<Command = C, Expectation = E>>(
        &self,
        mut draws: Draws,
        cluster: &DrawnCluster,
        workload: &mut Workload<'_>,
    ) -> Vec<StepOf<S>> {
        let mut sites: Vec<u8> = (0..cluster.sites).collect();
        draws.shuffle(&mut sites);
        let mut ask = |draws: &mut Draws, who: Option<Target>, wanted| {
            let who = who.unwrap_or_else(|| workload.anybody(draws));
            workload.command::<S>(draws, who, wanted)
        };
        let begins = When::At(draws.millis(600, 3_000));
        let mut draft = Draft { draws, sites, steps: Vec::new(), next: Some(begins), ask: &mut ask };
        (self.cook)(&mut draft);
        draft.steps
    }
}

type RecipeAsk<'a, C> = &'a mut dyn FnMut(&mut Draws, Option<Target>, Wanted) -> Option<C>;

/// The track of a recipe while it is written. Each call adds a step after the ones before it.
pub struct Draft<'a, C, E> {
    /// The source of times and numbers.
    pub draws: Draws,
    sites: Vec<u8>,
    steps: Vec<Step<Action<C, E>>>,
    /// When the first step fires.
    next: Option<When>,
    ask: RecipeAsk<'a, C>,
}

impl<C, E> fmt::Debug for Draft<'_, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("sites", &self.sites).finish_non_exhaustive()
    }
}

impl<C, E> Draft<'_, C, E> {
    /// The number of the site that plays this part. Each scenario assigns the parts in another order.
    pub fn number(&self, part: usize) -> u8 {
        self.sites[part % self.sites.len()]
    }

    /// The site that plays this part.
    pub fn site(&self, part: usize) -> Target {
        Target::Site(self.number(part))
    }

    /// The numbers of the sites that play these parts.
    pub fn numbers(&self, parts: impl IntoIterator<Item = usize>) -> Vec<u8> {
        let mut numbers: Vec<u8> = parts.into_iter().map(|part| self.number(part)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Number of sites.
    pub fn count(&self) -> usize {
        self.sites.len()
    }

    fn push(&mut self, when: When, action: Action<C, E>) {
        // A first step without a time or event of its own begins at a drawn time.
        let when = match (self.next.take(), when) {
            (Some(begins), When::After(_)) => begins,
            (_, when) => when,
        };
        self.steps.push(optional(when, action));
    }

    /// Adds `fault`, to be done when `event` happens.
    pub fn on(&mut self, event: EventPattern, fault: Fault<E>) -> &mut Self {
        self.push(When::On(event), Word::Harness(fault));
        self
    }

    /// Adds `fault`, to be done at once.
    pub fn then(&mut self, fault: Fault<E>) -> &mut Self {
        self.push(When::After(Duration::ZERO), Word::Harness(fault));
        self
    }

    /// Adds `fault`, to be done after `least` to `most` milliseconds.
    pub fn after(&mut self, least: u64, most: u64, fault: Fault<E>) -> &mut Self {
        let time = self.draws.millis(least, most);
        self.push(When::After(time), Word::Harness(fault));
        self
    }

    /// Adds `count` commands of random processes, up to 30 ms apart.
    pub fn ask(&mut self, count: u64, wanted: Wanted) -> &mut Self {
        for _ in 0..count {
            self.ask_of(None, wanted);
        }
        self
    }

    /// Adds a command of `who` within 30 ms; of a random process if `who` is `None`.
    pub fn ask_of(&mut self, who: Option<Target>, wanted: Wanted) -> &mut Self {
        if let Some(command) = (self.ask)(&mut self.draws, who, wanted) {
            let gap = self.draws.millis(0, 30);
            self.push(When::After(gap), Word::Service(command));
        }
        self
    }

    /// Adds a command when `event` happens, of `who` or of a random process.
    pub fn ask_on(&mut self, event: EventPattern, who: Option<Target>, wanted: Wanted) -> &mut Self {
        if let Some(command) = (self.ask)(&mut self.draws, who, wanted) {
            self.push(When::On(event), Word::Service(command));
        }
        self
    }
}

/// A crash at once.
pub fn crash<E>(who: Target) -> Fault<E> {
    Fault::Crash(Crash { who, at: None, leaves: Leaves::Nothing })
}

/// A crash at a seam.
pub fn crash_at<E>(who: Target, seam: Seam) -> Fault<E> {
    Fault::Crash(Crash { who, at: Some(seam), leaves: Leaves::Nothing })
}
