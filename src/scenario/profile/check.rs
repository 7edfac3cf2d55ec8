//! What parses as a profile and yet nothing can be drawn from.

use crate::ids::SITES_MAX;
use crate::scenario::locate::Place;
use crate::scenario::nearest::nearest;
use crate::scenario::profile::{Profile, Share, Span, Weights};
use crate::scenario::service::Problem;
use crate::sim::Chance;
use crate::time::Duration;

impl Profile {
    /// Everything that is wrong with it, for a service with these recipes.
    pub fn check(&self, recipes: &[&str]) -> Vec<Problem> {
        let mut checker = Checker(Vec::new());
        let whole = Place::whole();
        let (network, disk, cuts) = (whole.field("network"), whole.field("disk"), whole.field("cuts"));
        let (crashes, messages) = (whole.field("crashes"), whole.field("messages"));
        checker.weights(whole.field("sites"), &self.sites);
        checker.weights(whole.field("episodes"), &self.episodes);
        checker.weights(whole.field("faults"), &self.faults);
        checker.weights(whole.field("targets"), &self.targets);
        checker.weights(network.field("latency"), &self.network.latency);
        checker.weights(cuts.field("shapes"), &self.cuts.shapes);
        checker.weights(crashes.field("moments"), &self.crashes.moments);
        checker.weights(messages.field("then"), &self.messages.then);
        if let Some(sites) = self.sites.0.keys().find(|sites| !(1..=SITES_MAX).contains(*sites)) {
            let message = format!("a cluster of {sites} sites");
            checker.wrong(whole.field("sites"), message, format!("1 to {SITES_MAX} sites"));
        }
        checker.span(whole.field("clients"), self.clients, 0, 100);
        checker.span(whole.field("users"), self.users, 1, 26);
        checker.span(whole.field("commands"), self.commands, 1, 10_000);
        checker.span(whole.field("burst"), self.burst, 1, 100);
        checker.span(messages.field("copies"), self.messages.copies, 1, 100);
        for (place, span) in [
            (whole.field("lasts"), self.lasts),
            (whole.field("pauses"), self.pauses),
            (cuts.field("lasts"), self.cuts.lasts),
            (crashes.field("down"), self.crashes.down),
            (messages.field("lasts"), self.messages.lasts),
            (messages.field("delay"), self.messages.delay),
            (network.field("held_back"), self.network.held_back),
        ] {
            checker.times(place, span, Duration::from_micros(1));
        }
        for (place, span) in [
            (network.field("least"), self.network.least),
            (network.field("on_top"), self.network.on_top),
            (disk.field("sync"), self.disk.sync),
            (disk.field("slow"), self.disk.slow),
        ] {
            checker.times(place, span, Duration::ZERO);
        }
        checker.shares(network.field("loss"), self.network.loss);
        checker.shares(network.field("duplication"), self.network.duplication);
        checker.shares(network.field("reordering"), self.network.reordering);
        if self.converges_within == Duration::ZERO {
            let message = "nothing converges within no time";
            checker.wrong(whole.field("converges_within"), message, "a bound above 0s");
        }
        for (number, name) in self.recipes.iter().enumerate() {
            if !recipes.contains(&name.as_str()) {
                let place = whole.field("recipes").index(number);
                checker.wrong(place, format!("unknown recipe `{name}`"), nearest(name, recipes).help());
            }
        }
        if recipes.is_empty() && self.follows_recipe.numerator > 0 {
            let message = "no recipe can be followed: this service has none";
            checker.wrong(whole.field("follows_recipe"), message, "\"0%\"");
        }
        checker.0
    }
}

struct Checker(Vec<Problem>);

impl Checker {
    fn wrong(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Problem::new(place, message).help(help));
    }

    fn weights<K: Ord>(&mut self, place: Place, weights: &Weights<K>) {
        if weights.0.values().all(|weight| *weight == 0) {
            self.wrong(place, "nothing can be drawn: no weight is above 0", "at least one weight above 0");
        }
    }

    fn span<N: Copy + Into<u64>>(&mut self, place: Place, Span(least, most): Span<N>, min: u64, max: u64) {
        let (least, most) = (least.into(), most.into());
        if least > most {
            self.wrong(place, format!("from {least} to {most} is no range"), "the smaller number first");
        } else if least < min || most > max {
            self.wrong(place, format!("from {least} to {most}"), format!("{min} to {max} at most"));
        }
    }

    fn times(&mut self, place: Place, Span(least, most): Span<Duration>, min: Duration) {
        let max = Duration::from_secs(3_600);
        if least > most {
            self.wrong(place, format!("from {least} to {most} is no range"), "the shorter time first");
        } else if least < min || most > max {
            self.wrong(place, format!("from {least} to {most}"), format!("{min} to {max} at most"));
        }
    }

    fn shares(&mut self, place: Place, Span(Share(least), Share(most)): Span<Share>) {
        let times = |one: Chance, other: Chance| u64::from(one.numerator) * u64::from(other.denominator);
        if times(least, most) > times(most, least) {
            self.wrong(place, "this is no range", "the smaller share first");
        }
    }
}
