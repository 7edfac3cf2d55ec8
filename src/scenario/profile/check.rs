//! Finds profiles that parse but from which nothing can be drawn.

use crate::ron_file::Place;
use crate::ron_file::Problem;
use crate::ron_file::nearest::nearest;
use crate::scenario::askers::numbers_of_sites;
use crate::scenario::profile::{Profile, Share, Span, Weights};
use crate::sim::{Chance, DRIFT_MAX};
use crate::time::Duration;

/// The shortest queue, in bytes. A shorter one holds no datagram of the usual size, so hardly any would arrive.
const QUEUE_MIN: u64 = 150;

impl Profile {
    /// Everything that is wrong with the profile, for a service with these numbers of sites, recipes and facts.
    pub fn check(&self, sites: &[u8], recipes: &[&str], facts: &[&str]) -> Vec<Problem> {
        let mut checker = Checker(Vec::new());
        let whole = Place::whole();
        let (network, disk, cuts) = (whole.field("network"), whole.field("disk"), whole.field("cuts"));
        let (crashes, messages) = (whole.field("crashes"), whole.field("messages"));
        let (clogs, clocks) = (whole.field("clogs"), whole.field("clocks"));
        checker.weights(whole.field("sites"), &self.sites);
        checker.weights(whole.field("episodes"), &self.episodes);
        checker.weights(whole.field("faults"), &self.faults);
        checker.weights(whole.field("targets"), &self.targets);
        checker.weights(network.field("latency"), &self.network.latency);
        checker.weights(cuts.field("shapes"), &self.cuts.shapes);
        checker.weights(crashes.field("moments"), &self.crashes.moments);
        checker.weights(messages.field("then"), &self.messages.then);
        checker.weights(disk.field("errors"), &self.disk.errors);
        // A profile that says nothing about sites is drawn with those of its numbers that the service has.
        let is_usual = self.sites == Profile::default().sites;
        if let Some(number) = self.sites.0.keys().find(|number| !is_usual && !sites.contains(*number)) {
            let message = format!("a cluster of {number} sites");
            checker.wrong(whole.field("sites"), message, numbers_of_sites(sites));
        }
        checker.span(whole.field("clients"), self.clients, 0, 100);
        checker.span(whole.field("users"), self.users, 1, 26);
        checker.span(whole.field("crowd"), self.crowd, 2, 26);
        checker.span(whole.field("commands"), self.commands, 1, 10_000);
        checker.span(whole.field("burst"), self.burst, 1, 100);
        checker.span(disk.field("full_writes"), self.disk.full_writes, 0, 100);
        checker.span(messages.field("copies"), self.messages.copies, 1, 100);
        checker.span(clogs.field("count"), self.clogs.count, 1, 50);
        checker.span(clocks.field("drift"), self.clocks.drift, 1, DRIFT_MAX.0.into());
        checker.span(network.field("rate"), self.network.rate, 1, 1_000_000_000);
        checker.span(network.field("queue"), self.network.queue, QUEUE_MIN, 1_000_000_000);
        for (place, span) in [
            (whole.field("lasts"), self.lasts),
            (whole.field("pauses"), self.pauses),
            (cuts.field("lasts"), self.cuts.lasts),
            (crashes.field("down"), self.crashes.down),
            (messages.field("lasts"), self.messages.lasts),
            (messages.field("delay"), self.messages.delay),
            (network.field("held_back"), self.network.held_back),
            (network.field("burst_length"), self.network.burst_length),
            (clogs.field("lasts"), self.clogs.lasts),
            (clocks.field("set"), self.clocks.set),
        ] {
            checker.times(place, span, Duration::from_micros(1));
        }
        for (place, span) in [
            (network.field("least"), self.network.least),
            (network.field("on_top"), self.network.on_top),
            (disk.field("sync"), self.disk.sync),
            (disk.field("slow"), self.disk.slow),
            (disk.field("crawling"), self.disk.crawling),
            (disk.field("full"), self.disk.full),
            (clogs.field("apart"), self.clogs.apart),
        ] {
            checker.times(place, span, Duration::ZERO);
        }
        for (place, span) in [
            (network.field("late_copies_after"), self.network.late_copies_after),
            (whole.field("slow_site"), self.slow_site),
        ] {
            checker.times_up_to(place, span, (Duration::from_micros(1), Duration::from_secs(60)));
        }
        checker.shares(network.field("loss"), self.network.loss);
        checker.shares(network.field("duplication"), self.network.duplication);
        checker.shares(network.field("reordering"), self.network.reordering);
        checker.shares(network.field("bursts"), self.network.bursts);
        checker.shares(network.field("burst_loss"), self.network.burst_loss);
        checker.shares(network.field("late_copies"), self.network.late_copies);
        checker.shares(network.field("corruption"), self.network.corruption);
        checker.shares(network.field("truncation"), self.network.truncation);
        checker.shares(network.field("misdelivery"), self.network.misdelivery);
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
        for (number, name) in self.must_happen.names().iter().enumerate() {
            if !facts.contains(&name.as_str()) {
                let place = whole.field("must_happen").index(number);
                checker.wrong(place, format!("unknown fact `{name}`"), nearest(name, facts).help());
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

    fn times(&mut self, place: Place, span: Span<Duration>, min: Duration) {
        self.times_up_to(place, span, (min, Duration::from_secs(3_600)));
    }

    fn times_up_to(
        &mut self,
        place: Place,
        Span(least, most): Span<Duration>,
        (min, max): (Duration, Duration),
    ) {
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
