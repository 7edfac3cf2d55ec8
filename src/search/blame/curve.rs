//! Forks a run at chosen moments, and counts the forks that fail.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::scenario::{Run, Service};
use crate::search::blame::chance::{by_chance, confidence};
use crate::search::blame::{Inquiry, NoMoment, Point};
use crate::search::clock::SearchClock;
use crate::search::property::Property;
use crate::time;

/// A fork that has not ended after this many times the events of the original run (and 100,000 more) is no failure.
const EVENTS_FACTOR: u64 = 8;

/// The least confidence, in thousandths, to name a moment.
const SURE: u32 = 990;

/// The least rise of a moment, in thousandths, or half of what is open at the start if that is less.
const LARGE: u32 = 250;

/// If a jump may be chance, both of its sides get this many times as many forks.
const MORE_FORKS: u32 = 4;

/// A run that fails, and what is known of its forks.
pub(super) struct Forks<'a, S: Service> {
    /// The run after some numbers of turns. The first moment, 0, is always there.
    moments: BTreeMap<u64, Run<S>>,
    /// Number of turns of the run.
    turns: u64,
    pub(super) property: &'a Property,
    points: BTreeMap<u64, Point>,
    shaken: Option<time::Duration>,
    inquiry: Inquiry<'a>,
    clock: SearchClock,
    runs: u64,
}

impl<'a, S: Service> Forks<'a, S> {
    pub(super) fn new(
        base: Run<S>,
        turns: u64,
        property: &'a Property,
        inquiry: &Inquiry<'a>,
        clock: SearchClock,
    ) -> Forks<'a, S> {
        let mut base = base;
        base.give_up_after(turns.saturating_mul(EVENTS_FACTOR).saturating_add(100_000));
        let moments = BTreeMap::from([(0, base)]);
        let (points, inquiry) = (BTreeMap::new(), *inquiry);
        Forks { moments, turns, property, points, shaken: None, inquiry, clock, runs: 0 }
    }

    pub(super) fn is_spent(&self) -> bool {
        let Inquiry { time, runs_max, stop, .. } = self.inquiry;
        self.runs >= runs_max
            || stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
            || self.clock.elapsed() >= time
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

    /// Delays datagrams of all forks from here on by up to `by`. `points` is what is known of such forks.
    pub(super) fn shake(&mut self, by: Option<time::Duration>, points: BTreeMap<u64, Point>) {
        self.shaken = by;
        self.points = points;
    }

    pub(super) fn points(&self) -> BTreeMap<u64, Point> {
        self.points.clone()
    }

    /// Asks at the start. Returns whether any fork ends otherwise.
    pub(super) fn ask_first(&mut self) -> bool {
        self.ask(0, true);
        self.is_open()
    }

    /// Whether the start was asked.
    pub(super) fn is_asked(&self) -> bool {
        self.points.contains_key(&0)
    }

    /// Whether the end of the run is open at the start.
    pub(super) fn is_open(&self) -> bool {
        self.points.get(&0).is_some_and(|first| first.failed < first.forks)
    }

    /// The run after this many turns.
    pub(super) fn moment(&mut self, turns: u64) -> Run<S> {
        let nearest = self.moments.range(..=turns).next_back();
        let (at, mut run) = nearest.map(|(at, run)| (*at, run.clone())).expect("the first moment is there");
        for _ in at..turns {
            run.step();
        }
        run
    }

    /// Asks at moments that are spread evenly over the time of the run.
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

    /// Halves the stretch with the steepest rise, again and again, down to one turn or until the limits are reached.
    pub(super) fn halve(&mut self) -> Option<(Point, Point)> {
        let points: Vec<Point> = self.points.values().copied().collect();
        let rise = |pair: &&[Point]| i64::from(pair[1].per_mille()) - i64::from(pair[0].per_mille());
        // Of equal stretches, take the last: what came before it did not matter.
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

    /// Both sides of a jump and the confidence in it, in thousandths; or why no moment is named.
    pub(super) fn confirm(
        &mut self,
        (before, after): (Point, Point),
    ) -> Result<(Point, Point, u32), NoMoment> {
        if self.is_spent() && after.turns - before.turns > 1 {
            return Err(NoMoment::Unfinished);
        }
        let chosen_from = self.points.len();
        let sure = |before: Point, after: Point| {
            confidence(by_chance((before.failed, before.forks), (after.failed, after.forks)), chosen_from)
        };
        let is_large = |before: Point, after: Point, first: Point| {
            let rise = after.per_mille().saturating_sub(before.per_mille());
            rise >= LARGE.min((1_000 - first.per_mille().min(1_000)) / 2)
        };
        let first = self.points.values().next().copied().ok_or(NoMoment::Unfinished)?;
        if !is_large(before, after, first) {
            let is_rise = sure(before, after) >= SURE || sure(first, self.last()) >= SURE;
            return Err(if is_rise { NoMoment::Gradual } else { NoMoment::Chance });
        }
        if sure(before, after) >= SURE {
            return Ok((before, after, sure(before, after)));
        }
        let before = self.ask_more(before);
        let after = if after.turns < self.turns {
            self.ask_more(after)
        } else {
            // The end always fails: compare as many forks as there are on the other side.
            Point { failed: before.forks, forks: before.forks, ..after }
        };
        match sure(before, after) {
            sure if sure >= SURE && is_large(before, after, first) => Ok((before, after, sure)),
            _ => Err(NoMoment::Chance),
        }
    }

    /// The last moment that was asked before the end. The end is known to fail.
    fn last(&self) -> Point {
        let asked = self.points.values().rev().find(|point| point.turns < self.turns);
        *asked.expect("the first moment was asked for")
    }

    /// Asks again at the moment of `point`, up to [`MORE_FORKS`] times as many forks.
    fn ask_more(&mut self, point: Point) -> Point {
        let mut more = point;
        let base = self.moment(point.turns);
        while more.forks < self.inquiry.forks * MORE_FORKS && !self.is_spent() {
            let mut fork = self.fork(&base, more.forks);
            fork.finish();
            more.failed += u32::from(self.is_failure(&fork));
            more.forks += 1;
        }
        self.points.insert(point.turns, more);
        more
    }

    /// Forks the run after this many turns, unless that was done before.
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

    /// Fork `number` of `base`. Forks of the same number at different moments draw alike wherever both still draw.
    /// They differ only in what was settled between the two moments.
    pub(super) fn fork(&mut self, base: &Run<S>, number: u32) -> Run<S> {
        self.runs += 1;
        let mut fork = base.clone();
        fork.rekey(number.into());
        if let Some(by) = self.shaken {
            fork.shake(by);
        }
        fork
    }

    /// The moment at which both ends are likeliest: the best one for comparing them.
    pub(super) fn most_open(&self) -> Option<Point> {
        let openness = |point: &Point| point.failed.min(point.forks - point.failed);
        // Of equal moments, take the last: it is nearer to the jump.
        let most = self.points.values().max_by_key(|point| openness(point)).copied();
        most.filter(|point| openness(point) > 0)
    }

    pub(super) fn forks_wanted(&self) -> u32 {
        self.inquiry.forks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::RunOptions;
    use crate::scenario::toy::Toys;
    use crate::search::Runner;
    use crate::search::tests::scenario;

    /// Names a moment, or not, given how many of 40 forks fail at the start and on both sides of a jump.
    fn named([first, before, after]: [u32; 3]) -> Result<u32, NoMoment> {
        let runner = Runner::<Toys>::new(RunOptions::default());
        let base = runner.start_with(&scenario("seed: 1"), &RunOptions::default()).unwrap();
        let property = Property::Violated { name: "order".into(), found: None };
        // No further fork may be run.
        let inquiry = Inquiry { runs_max: 0, ..Inquiry::default() };
        let mut forks = Forks::new(base, 100, &property, &inquiry, SearchClock::start());
        let at = time::Instant::ZERO;
        let point = |turns, failed| Point { turns, at, failed, forks: 40, is_of_grid: true };
        for (turns, failed) in [(0, first), (9, before), (10, after)] {
            forks.points.insert(turns, point(turns, failed));
        }
        forks.confirm((point(9, before), point(10, after))).map(|(_, _, sure)| sure)
    }

    #[test]
    fn a_moment_is_a_large_jump_that_is_no_chance() {
        assert!(named([4, 4, 40]).is_ok_and(|sure| sure > 990));
        assert!(named([30, 28, 40]).is_ok_and(|sure| sure > 990));
        assert_eq!(named([36, 36, 38]).unwrap_err(), NoMoment::Chance);
        assert_eq!(named([16, 16, 26]).unwrap_err(), NoMoment::Chance);
        assert_eq!(named([4, 12, 20]).unwrap_err(), NoMoment::Gradual);
        assert_eq!(named([4, 5, 6]).unwrap_err(), NoMoment::Chance);
    }
}
