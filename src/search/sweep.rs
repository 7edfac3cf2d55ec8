//! Many runs on many threads, reported in the order of their seeds.
//!
//! 1. A run stays on the thread that took its seed. Nothing in a run reads what other threads do.
//! 2. Runs are reported one after another in the order of seeds and, within a seed, of sources. The report of a range
//!    of seeds is the same for any number of threads.
//! 3. Memory is bounded: a thread waits before it takes a seed too far ahead of the next one to report.
//! 4. A sweep that is stopped finishes what it has begun, so that its report has no gaps.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::scenario::{FactKind, Service};
use crate::search::clock::SearchClock;
use crate::search::facts::Facts;
use crate::search::ran::{Ran, execute};
use crate::search::runner::Runner;
use crate::search::seeds::{Seeds, Shard};
use crate::search::source::Source;

/// How many runs a thread may be ahead of the next run to report.
const AHEAD: usize = 4_096;

/// The longest wait between two calls of [`Listener::look`].
const LOOK_EVERY: core::time::Duration = core::time::Duration::from_millis(50);

/// One in this many runs is run twice and compared.
pub const TWICE_EVERY: u64 = 50;

/// The runs of a sweep.
#[derive(Clone)]
pub struct Sweep<S: Service> {
    /// The runner of each scenario.
    pub runner: Runner<S>,
    /// The sources of scenarios, at least one. Each seed is given to every source.
    pub sources: Vec<Arc<dyn Source<S>>>,
    /// The seeds.
    pub seeds: Seeds,
    /// The part of the seeds that this sweep runs.
    pub shard: Shard,
    /// The time after the start at which the last seed may begin; no limit when absent.
    pub time: Option<core::time::Duration>,
    /// Number of threads.
    pub threads: NonZeroUsize,
}

impl<S: Service> core::fmt::Debug for Sweep<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let sources: Vec<&str> = self.sources.iter().map(|source| source.name()).collect();
        let Sweep { seeds, shard, time, threads, .. } = self;
        f.debug_struct("Sweep")
            .field("sources", &sources)
            .field("seeds", seeds)
            .field("shard", shard)
            .field("time", time)
            .field("threads", threads)
            .finish_non_exhaustive()
    }
}

/// Receives the runs of a sweep.
pub trait Listener {
    /// One run is over. Runs come in order.
    fn ran(&mut self, ran: &Ran);

    /// Whether the sweep may end. Then no further run is begun.
    fn has_enough(&self) -> bool {
        false
    }

    /// Some time has passed. `facts` are those of roughly all runs that were reported.
    fn look(&mut self, facts: &Facts);
}

/// The state that threads share.
struct Board {
    /// Results of the runs after those that were reported; `None` for a run in progress.
    done: VecDeque<Option<Ran>>,
    /// The number of the first run in `done`.
    reported: u64,
    /// The number of the next run to take.
    next: u64,
    is_over: bool,
    workers: usize,
    facts: Facts,
}

struct SharedByThreads {
    board: Mutex<Board>,
    /// Signals threads that take runs: there is room.
    room: Condvar,
    /// Signals the thread that reports: there are results.
    news: Condvar,
}

impl SharedByThreads {
    fn board(&self) -> MutexGuard<'_, Board> {
        // A thread that panicked ends the whole sweep once the others are done.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a thread out, even when it panics.
struct Worker<'a>(&'a SharedByThreads);

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        let mut board = self.0.board();
        board.workers -= 1;
        // The run that it had taken is never reported, so nobody may wait for room after that run.
        board.is_over = true;
        drop(board);
        self.0.room.notify_all();
        self.0.news.notify_all();
    }
}

impl<S: Service> Sweep<S> {
    /// Runs everything and reports to `listener`, until the seeds or the time end or `stop` is set. Returns the facts
    /// of all runs.
    ///
    /// # Panics
    /// When a source or a judge panics. A panic of a process is a verdict.
    pub fn run(&self, stop: &AtomicBool, listener: &mut impl Listener) -> Facts {
        let shared = SharedByThreads {
            board: Mutex::new(Board {
                done: VecDeque::new(),
                reported: 0,
                next: 0,
                is_over: false,
                workers: self.threads.get(),
                facts: self.possible(),
            }),
            room: Condvar::new(),
            news: Condvar::new(),
        };
        let clock = SearchClock::start();
        let is_stopped =
            || stop.load(Ordering::Relaxed) || self.time.is_some_and(|time| clock.elapsed() >= time);
        thread::scope(|scope| {
            for _ in 0..self.threads.get() {
                scope.spawn(|| {
                    let worker = Worker(&shared);
                    self.work(&shared, &is_stopped);
                    drop(worker);
                });
            }
            listen(&shared, listener);
        });
        shared.board.into_inner().unwrap_or_else(PoisonError::into_inner).facts
    }

    /// Every fact, except for steps that no source ever has.
    fn possible(&self) -> Facts {
        let Some((first, others)) = self.sources.split_first() else { return Facts::of::<S>() };
        let is_never = |kind: &&str| others.iter().all(|source| source.never_fires().contains(kind));
        Facts::of::<S>().without_steps(first.never_fires().iter().copied().filter(is_never))
    }

    /// The facts that must happen according to some source and did not happen in any run of `facts`.
    pub fn missing(&self, facts: &Facts) -> Vec<(FactKind, &'static str)> {
        let is_wanted = |name: &str| self.sources.iter().any(|source| source.must_have(name));
        let never = facts.iter().filter(|(_, name, fact)| fact.runs == 0 && is_wanted(name));
        never.map(|(kind, name, _)| (kind, name)).collect()
    }

    /// Takes runs until there is none left.
    fn work(&self, shared: &SharedByThreads, is_stopped: &impl Fn() -> bool) {
        let sources = self.sources.len() as u64;
        let mut facts = Facts::default();
        let mut board = shared.board();
        loop {
            while board.done.len() >= AHEAD && !board.is_over {
                board = shared.room.wait(board).unwrap_or_else(PoisonError::into_inner);
            }
            let number = board.next;
            let seed = self.seeds.nth(number / sources, self.shard);
            // A sweep stops between seeds only: the runs of one seed stay together.
            let is_between = !number.is_multiple_of(sources);
            let Some(seed) = seed.filter(|_| !board.is_over && (is_between || !is_stopped())) else {
                break;
            };
            board.next += 1;
            board.done.push_back(None);
            drop(board);
            let place = usize::try_from(number % sources).expect("less than the number of sources");
            let source = self.sources[place].as_ref();
            let twice = number.is_multiple_of(TWICE_EVERY);
            let ran = execute(&self.runner, (place, source), seed, twice, &mut facts);
            board = shared.board();
            let place = usize::try_from(number - board.reported).expect("less than how far it may be ahead");
            board.done[place] = Some(ran);
            board.facts.merge(&core::mem::take(&mut facts));
            if board.done.len() >= AHEAD / 2 {
                shared.news.notify_all();
            }
        }
    }
}

/// Reports results in order, until all threads have left.
fn listen(shared: &SharedByThreads, listener: &mut impl Listener) {
    let mut board = shared.board();
    loop {
        let is_last = board.workers == 0;
        let mut ready = Vec::new();
        while let Some(Some(_)) = board.done.front() {
            ready.extend(board.done.pop_front().flatten());
            board.reported += 1;
        }
        let facts = board.facts.clone();
        drop(board);
        shared.room.notify_all();
        ready.iter().for_each(|ran| listener.ran(ran));
        if listener.has_enough() {
            shared.board().is_over = true;
            shared.room.notify_all();
        }
        listener.look(&facts);
        if is_last {
            return;
        }
        board = shared.board();
        let is_waited_for = |board: &mut Board| board.workers > 0 && board.done.len() < AHEAD / 2;
        let waited = shared.news.wait_timeout_while(board, LOOK_EVERY, is_waited_for);
        board = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
}
