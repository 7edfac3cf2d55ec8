//! Clones of a run along its way, so that any moment of it is near.

use crate::scenario::outcome::Verdict;
use crate::scenario::run::Run;
use crate::scenario::service::Service;
use crate::time::Instant;

/// The most clones, and the bytes that they may take together.
const CLONES_MAX: usize = 128;
const BYTES_MAX: u64 = 1 << 30;

/// The fewest events between two clones.
const EVENTS_MIN: u64 = 128;

/// A run of which clones are kept.
pub(super) struct KeptRuns<S: Service> {
    /// The clones, in the order of time: the first before everything.
    clones: Vec<Run<S>>,
    /// The run at its end.
    end: Run<S>,
    /// When its faults stopped, or it ended before that.
    pub(super) stops_at: Instant,
}

impl<S: Service> KeptRuns<S> {
    /// Runs to the end.
    pub(super) fn of(mut run: Run<S>) -> KeptRuns<S> {
        let mut clones = vec![run.clone()];
        let mut distance = EVENTS_MIN;
        let mut bytes = 0;
        let mut stops_at = None;
        while !run.is_over() {
            run.step();
            if stops_at.is_none() && run.is_healed() {
                stops_at = Some(run.world().now());
            }
            if run.world().events() - clones.last().map_or(0, |last| last.world().events()) < distance {
                continue;
            }
            bytes += run.world().bytes();
            clones.push(run.clone());
            if clones.len() > CLONES_MAX || bytes > BYTES_MAX {
                // Every second one is enough, and the first stays.
                let mut number = 0;
                clones.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                (distance, bytes) = (distance * 2, bytes / 2);
            }
        }
        KeptRuns { clones, stops_at: stops_at.unwrap_or(run.world().now()), end: run }
    }

    /// The run after everything that happens up to `at`; unless `is_healed`, before faults stop.
    pub(super) fn as_of(&self, at: Instant, is_healed: bool) -> Run<S> {
        let near = self.clones.partition_point(|clone| clone.world().now() < at);
        let mut run = self.clones[near.saturating_sub(1)].clone();
        while !run.is_over() {
            if run.world().next_event().is_some_and(|next| next.at < at) {
                run.step();
                continue;
            }
            // That faults stop is no event of its own, and neither is that time passes after that.
            let mut next = run.clone();
            next.step();
            if next.world().now() > at || (!is_healed && next.is_healed()) {
                break;
            }
            run = next;
        }
        run
    }

    pub(super) fn fingerprint(&self) -> u64 {
        self.end.world().fingerprint()
    }

    /// The verdict, and when there was one.
    pub(super) fn end(&self) -> (&Verdict, Instant) {
        (self.end.verdict().expect("it ran to its end"), self.end.world().now())
    }

    /// How many steps of this track fired.
    pub(super) fn fired(&self, track: usize) -> usize {
        self.end.world().fired(track)
    }
}
