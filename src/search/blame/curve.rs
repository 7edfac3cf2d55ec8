//! Forks at moments of a run, and how many of them fail.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::scenario::{Run, Service};
use crate::search::blame::{Inquiry, Point};
use crate::search::clock::SearchClock;
use crate::search::property::Property;
use crate::time;

/// A fork that has not ended by so many times the events of the run that it was forked from is no failure.
const EVENTS_FACTOR: u64 = 8;

/// A run that fails, and what is known of its forks.
pub(super) struct Forks<'a, S: Service> {
    /// The run after so many turns, for some of them. The first one is there.
    moments: BTreeMap<u64, Run<S>>,
    /// How many turns it has.
    turns: u64,
    pub(super) property: &'a Property,
    points: BTreeMap<u64, Point>,
    shaken: Option<time::Duration>,
    inquiry: Inquiry,
    clock: SearchClock,
    runs: u64,
}

impl<'a, S: Service> Forks<'a, S> {
    pub(super) fn new(
        base: Run<S>,
        turns: u64,
        property: &'a Property,
        inquiry: &Inquiry,
        clock: SearchClock,
    ) -> Forks<'a, S> {
        let mut base = base;
        base.give_up_after(turns.saturating_mul(EVENTS_FACTOR).saturating_add(100_000));
        let moments = BTreeMap::from([(0, base)]);
        let (points, inquiry) = (BTreeMap::new(), *inquiry);
        Forks { moments, turns, property, points, shaken: None, inquiry, clock, runs: 0 }
    }

    pub(super) fn is_spent(&self) -> bool {
        self.clock.elapsed() >= self.inquiry.time
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    pub(super) fn runs(&self) -> u64 {
        self.runs
    }

    pub(super) fn into_curve(self) -> Vec<Point> {
        self.points.into_values().collect()
    }

    /// Holds datagrams of all forks from here on back by up to so much, and forgets what is known.
    pub(super) fn shake(&mut self, by: Option<time::Duration>) {
        self.shaken = by;
        self.points.clear();
    }

    /// Asks at the start; whether any fork ends otherwise.
    pub(super) fn ask_first(&mut self) -> bool {
        self.ask(0, true);
        self.is_open()
    }

    /// Whether it is open at the start how the run ends.
    pub(super) fn is_open(&self) -> bool {
        self.points.get(&0).is_some_and(|first| first.failed < first.forks)
    }

    /// The run after so many turns.
    pub(super) fn moment(&mut self, turns: u64) -> Run<S> {
        let nearest = self.moments.range(..=turns).next_back();
        let (at, mut run) = nearest.map(|(at, run)| (*at, run.clone())).expect("the first moment is there");
        for _ in at..turns {
            run.step();
        }
        run
    }

    /// Asks at moments that are evenly spread over the time of the run.
    pub(super) fn grid(&mut self, count: u64) {
        let mut run = self.moment(0);
        let mut times = Vec::new();
        for _ in 0..self.turns {
            times.push(run.world().now());
            run.step();
        }
        let end = run.world().now().as_micros();
        for number in 1..count {
            let at = time::Instant::from_micros(end / count * number);
            let turns = times.partition_point(|time| *time < at) as u64;
            let run = self.moment(turns);
            self.moments.insert(turns, run);
        }
        let moments: Vec<u64> = self.moments.keys().copied().collect();
        for turns in moments {
            self.ask(turns, true);
        }
        let (turns, at) = (self.turns, run.world().now());
        let forks = self.inquiry.forks;
        self.points.insert(turns, Point { turns, at, failed: forks, forks, is_of_grid: true });
    }

    /// Halves the stretch where the curve rises most, again and again, down to one turn or as far as time allows.
    pub(super) fn halve(&mut self) -> Option<(Point, Point)> {
        let points: Vec<Point> = self.points.values().copied().collect();
        let rise = |pair: &&[Point]| i64::from(pair[1].per_mille()) - i64::from(pair[0].per_mille());
        // Of equal ones the last: what came before did not matter.
        let steepest = points.windows(2).max_by_key(rise)?;
        let (mut before, mut after) = (steepest[0], steepest[1]);
        while after.turns - before.turns > 1 && !self.is_spent() {
            let middle = self.ask(before.turns.midpoint(after.turns), false)?;
            if rise(&&[before, middle][..]) > rise(&&[middle, after][..]) {
                after = middle;
            } else {
                before = middle;
            }
        }
        Some((before, after))
    }

    /// Forks the run after so many turns, unless that was done.
    pub(super) fn ask(&mut self, turns: u64, is_of_grid: bool) -> Option<Point> {
        if let Some(point) = self.points.get(&turns) {
            return Some(*point);
        }
        let base = self.moment(turns);
        let mut point = Point { turns, at: base.world().now(), failed: 0, forks: 0, is_of_grid };
        while point.forks < self.inquiry.forks && !self.is_spent() {
            let mut fork = self.fork(&base, point.forks);
            fork.finish();
            point.failed += u32::from(self.is_failure(&fork));
            point.forks += 1;
        }
        if point.forks == 0 {
            return None;
        }
        self.points.insert(turns, point);
        Some(point)
    }

    pub(super) fn is_failure(&self, run: &Run<S>) -> bool {
        run.verdict().is_some_and(|verdict| self.property.is_like(verdict))
    }

    /// The fork of this number of `base`. Forks of one number at different moments draw alike what both still draw:
    /// they differ by what was settled between the two, and by nothing else.
    pub(super) fn fork(&mut self, base: &Run<S>, number: u32) -> Run<S> {
        self.runs += 1;
        let mut fork = base.clone();
        fork.rekey(number.into());
        if let Some(by) = self.shaken {
            fork.shake(by);
        }
        fork
    }

    /// The moment at which both ends are likeliest: the one to compare them at.
    pub(super) fn most_open(&self) -> Option<Point> {
        let openness = |point: &Point| point.failed.min(point.forks - point.failed);
        // Of equal ones the last: the nearer to the jump.
        let most = self.points.values().max_by_key(|point| openness(point)).copied();
        most.filter(|point| openness(point) > 0)
    }

    pub(super) fn forks_wanted(&self) -> u32 {
        self.inquiry.forks
    }
}
