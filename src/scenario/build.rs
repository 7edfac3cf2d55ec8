//! Scenarios built in Rust instead of written in RON: the same values, for tests that compute what they do.
//!
//! A text that is no time or no chance is a panic where it stands in the test. Whatever else is wrong is found by
//! [`plan()`](crate::scenario::plan()), as for a file.

use core::fmt::Display;

use crate::scenario::form::{DiskForm, ExpectationOf, FaultBudget, Latency, Network, Scenario, StepOf};
use crate::scenario::history::PastLife;
use crate::scenario::namespace::Word;
use crate::scenario::service::Service;
use crate::scenario::step::{Action, EventPattern, Fault, Rule, RunClaim, Step, When};
use crate::sim::Chance;
use crate::time::Duration;

impl<S: Service> Scenario<S> {
    /// A scenario of three sites, or of the nearest number that the service can have, in which nothing happens. `about`
    /// is the property that it shows, in one sentence.
    ///
    /// ```
    /// # #[cfg(feature = "tweets")]
    /// # {
    /// use aviary::scenario::step::{EventPattern, Fault, RunClaim, Target, When};
    /// use aviary::scenario::{Scenario, read};
    /// use aviary::tweets::service::Timelines;
    ///
    /// let built = Scenario::<Timelines>::new("A leader that is cut off is replaced.")
    ///     .sites(5)
    ///     .loss("1%")
    ///     .uniform_latency("5ms", "20ms")
    ///     .step(When::on(EventPattern::Leads(Target::Any)).fault(Fault::Isolate(Target::Leader)))
    ///     .step(When::after("5s").fault(Fault::Heal))
    ///     .claim(RunClaim::Sometimes(EventPattern::Leads(Target::Site(1))));
    ///
    /// let text = r#"Scenario(about: "A leader that is cut off is replaced.", sites: 5,
    ///     network: (loss: "1%", latency: Uniform("5ms", "20ms")),
    ///     steps: [On(Leads(Any), Isolate(Leader)), After("5s", Heal)], expect: [Sometimes(Leads(Site(1)))])"#;
    /// assert_eq!(built, read("text", text).unwrap());
    /// # }
    /// ```
    pub fn new(about: impl Into<String>) -> Scenario<S> {
        let nearest = S::SITES.iter().min_by_key(|sites| sites.abs_diff(3));
        Scenario {
            about: about.into(),
            seed: 0,
            sites: nearest.copied().unwrap_or(3),
            clients: 0,
            clients_alike: false,
            machines: None,
            history: PastLife::default(),
            leader: None,
            network: Network::default(),
            disk: DiskForm::default(),
            budget: FaultBudget::default(),
            settings: S::Settings::default(),
            limit: Duration::from_secs(60),
            rules: Vec::new(),
            steps: Vec::new(),
            also: Vec::new(),
            expect: Vec::new(),
        }
    }

    /// With this many sites.
    #[must_use]
    pub fn sites(self, sites: u8) -> Scenario<S> {
        Scenario { sites, ..self }
    }

    /// With this many clients.
    #[must_use]
    pub fn clients(self, clients: u16) -> Scenario<S> {
        Scenario { clients, ..self }
    }

    /// With this seed. A sweep runs it with its own seeds.
    #[must_use]
    pub fn seed(self, seed: u64) -> Scenario<S> {
        Scenario { seed, ..self }
    }

    /// Site `leader` leads first.
    #[must_use]
    pub fn leader(self, leader: u8) -> Scenario<S> {
        Scenario { leader: Some(leader), ..self }
    }

    /// With these settings of the service.
    #[must_use]
    pub fn settings(self, settings: S::Settings) -> Scenario<S> {
        Scenario { settings, ..self }
    }

    /// With this network.
    #[must_use]
    pub fn network(self, network: Network) -> Scenario<S> {
        Scenario { network, ..self }
    }

    /// Each datagram is lost with this chance: `"20%"` or `"1/64"`.
    ///
    /// # Panics
    /// When the text is no chance.
    #[must_use]
    #[track_caller]
    pub fn loss(mut self, chance: &str) -> Scenario<S> {
        self.network.loss = right(chance.parse::<Chance>(), chance);
        self
    }

    /// Each datagram takes a time between the two: `"1ms"` and `"30ms"`.
    ///
    /// # Panics
    /// When a text is no time.
    #[must_use]
    #[track_caller]
    pub fn uniform_latency(mut self, least: &str, most: &str) -> Scenario<S> {
        self.network.latency = Latency::Uniform(time(least), time(most));
        self
    }

    /// With this disk of every site.
    #[must_use]
    pub fn disk(self, disk: DiskForm) -> Scenario<S> {
        Scenario { disk, ..self }
    }

    /// With this rule too, from the start.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Scenario<S> {
        self.rules.push(rule);
        self
    }

    /// With this step after those of the first track.
    #[must_use]
    pub fn step(mut self, step: StepOf<S>) -> Scenario<S> {
        self.steps.push(step);
        self
    }

    /// With this track too, beside those that it has.
    #[must_use]
    pub fn also(mut self, steps: impl IntoIterator<Item = StepOf<S>>) -> Scenario<S> {
        self.also.push(steps.into_iter().collect());
        self
    }

    /// With a claim in the harness's words.
    #[must_use]
    pub fn claim(self, claim: RunClaim) -> Scenario<S> {
        self.expecting(Word::Harness(claim))
    }

    /// With an expectation in the service's words.
    #[must_use]
    pub fn expect(self, expectation: S::Expectation) -> Scenario<S> {
        self.expecting(Word::Service(expectation))
    }

    fn expecting(mut self, expectation: ExpectationOf<S>) -> Scenario<S> {
        self.expect.push(expectation);
        self
    }
}

impl When {
    /// At this time after the start: `"1.5s"`.
    ///
    /// # Panics
    /// When the text is no time.
    #[track_caller]
    pub fn at(since_start: &str) -> When {
        When::At(time(since_start))
    }

    /// This long after the step before.
    ///
    /// # Panics
    /// When the text is no time.
    #[track_caller]
    pub fn after(length: &str) -> When {
        When::After(time(length))
    }

    /// When this happens.
    pub fn on(event: EventPattern) -> When {
        When::On(event)
    }

    /// The step that then gives a command.
    pub fn command<C, E>(self, command: C) -> Step<Action<C, E>> {
        Step { when: self, action: Word::Service(command), is_optional: false }
    }

    /// The step that then does something in the harness's words.
    pub fn fault<C, E>(self, fault: Fault<E>) -> Step<Action<C, E>> {
        Step { when: self, action: Word::Harness(fault), is_optional: false }
    }
}

impl<A> Step<A> {
    /// The same step, which may never fire.
    #[must_use]
    pub fn optional(self) -> Step<A> {
        Step { is_optional: true, ..self }
    }
}

#[track_caller]
fn time(text: &str) -> Duration {
    right(text.parse(), text)
}

#[track_caller]
fn right<T, E: Display>(parsed: Result<T, E>, text: &str) -> T {
    parsed.unwrap_or_else(|expected| panic!("{text:?}: expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::step::{Crash, Leaves, Ruling, Seam, Target};
    use crate::scenario::toy::{Command, Expected, Toys};
    use crate::scenario::{read, write};

    #[test]
    fn what_is_built_is_what_is_written() {
        let crash = Crash { who: Target::Leader, at: Some(Seam::BeforeSync), leaves: Leaves::Nothing };
        let built = Scenario::<Toys>::new("Both.")
            .sites(4)
            .clients(2)
            .seed(7)
            .leader(0)
            .loss("0.5%")
            .uniform_latency("500us", "1.5s")
            .disk(DiskForm { sync: Duration::from_millis(9), ..DiskForm::default() })
            .rule(Rule { to: Target::Site(1), ..Rule::new(Ruling::Drop) })
            .step(When::at("1s").command(Command::Put { site: 0, number: 5 }))
            .step(When::after("2s").fault(Fault::Crash(crash)).optional())
            .also([When::on(EventPattern::Leads(Target::Any)).fault(Fault::Heal)])
            .claim(RunClaim::Restarts)
            .expect(Expected::Holds { site: 0, number: 5 });
        let text = r#"Scenario(about: "Both.", sites: 4, clients: 2, seed: 7, leader: 0,
            network: (loss: "0.5%", latency: Uniform("500us", "1500ms")), disk: (sync: "9ms"),
            rules: [(to: Site(1), then: Drop)],
            steps: [At("1s", Put(site: 0, number: 5)), Optional(After("2s", Crash(Leader, BeforeSync)))],
            also: [[On(Leads(Any), Heal)]], expect: [Restarts, Holds(site: 0, number: 5)], limit: "60s")"#;
        let written = read::<Toys>("test.ron", text).unwrap_or_else(|bad| panic!("{bad}"));
        assert_eq!(built, written);
        assert_eq!(write(&built), write(&written));
    }

    #[test]
    fn a_text_that_is_no_time_or_chance_is_refused_where_it_stands() {
        let message =
            |build: fn()| *std::panic::catch_unwind(build).unwrap_err().downcast::<String>().unwrap();
        let time = message(|| drop(When::at("5 s")));
        assert_eq!(
            time,
            "\"5 s\": expected a number and a unit (us, ms, s, min or h), like \"20ms\" or \"1.5s\""
        );
        let chance = message(|| drop(Scenario::<Toys>::new("x").loss("20")));
        assert_eq!(chance, "\"20\": expected a chance, like \"1%\" or \"1/64\"");
    }
}
