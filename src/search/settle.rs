//! Settles failures. The first of each group is saved at once, as it is. When a sweep is over, a few of each group
//! are shrunk, and each shape is saved once. A file that was saved at once is removed if a smaller one takes its
//! place.
//!
//! Thousands of failures have few shapes. Shrinking takes the first of every group, then the second of every group,
//! and so on, up to a bound. The rest is counted.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::scenario::{RunOptions, Scenario, Service, Verdict};
use crate::search::aside::write_aside;
use crate::search::failure::{Failure, Found};
use crate::search::groups::{Groups, Sample};
use crate::search::runner::Runner;
use crate::search::source::Source;
use crate::sim::TraceLevel;

/// The greatest number of failures to shrink.
const SHRUNK_MAX: usize = 32;

/// Makes a smaller scenario that fails with this verdict; `None` if nothing can be left out.
pub type Shrink<'a, S> = dyn Fn(&Scenario<S>, &Verdict) -> Option<Scenario<S>> + Sync + 'a;

/// Options for settling failures.
pub struct Settle<'a, S: Service> {
    /// The runner of each scenario.
    pub runner: &'a Runner<S>,
    /// The sources that the samples came from.
    pub sources: &'a [Arc<dyn Source<S>>],
    /// The function that shrinks each failure; nothing is shrunk when absent.
    pub shrink: Option<&'a Shrink<'a, S>>,
    /// Number of threads.
    pub threads: NonZeroUsize,
    /// The folder to save to; nothing is saved when absent.
    pub folder: Option<&'a Path>,
    /// The planted bug, if any.
    pub saboteur: Option<&'a str>,
    /// The command that replays the file at this path, under this seed, which breaks this property.
    pub replay: &'a (dyn Fn(&Path, u64, &str) -> String + Sync),
}

impl<S: Service> core::fmt::Debug for Settle<'_, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Settle { threads, folder, saboteur, .. } = self;
        let mut debug = f.debug_struct("Settle");
        debug.field("threads", threads).field("folder", folder).field("saboteur", saboteur);
        debug.finish_non_exhaustive()
    }
}

/// Failures of one shape.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The broken property.
    pub property: String,
    /// One sentence about the failure that is saved.
    pub explanation: String,
    /// Number of runs that broke the property in this way, as far as they were told apart.
    pub count: u64,
    /// The source and seed of the first failure.
    pub found: Found,
    /// The index of its source.
    pub source: usize,
    /// Number of steps and rules in the saved scenario.
    pub steps: usize,
    /// Whether anything was left out of the saved scenario.
    pub is_shrunk: bool,
    /// The path of the saved file, if there is one.
    pub path: Option<PathBuf>,
    /// The seed that the saved scenario fails under.
    pub seed: u64,
    /// Why it is not saved, or only in its unshrunk form.
    pub unsaved: Option<String>,
}

/// The files that were saved at once, by source and seed.
#[derive(Clone, Debug, Default)]
pub struct AtOnce {
    saved: BTreeMap<(usize, u64), PathBuf>,
}

/// A sample to settle.
struct Task<'a> {
    sample: &'a Sample,
    count: u64,
    is_to_be_shrunk: bool,
}

impl<S: Service> Settle<'_, S> {
    /// Saves a failure as it is. The error says why that failed. An existing file stays as it is.
    pub fn save_at_once(&self, sample: &Sample, at_once: &mut AtOnce) -> Result<(), String> {
        let Some(folder) = self.folder else { return Ok(()) };
        let failure = self.unshrunk(sample);
        let path = folder.join(failure.file_name());
        if !path.exists() {
            let path = self.save(&path, &failure)?;
            at_once.saved.insert((sample.source, sample.seed), path);
        }
        Ok(())
    }

    /// Shrinks and saves. Once `stop` is set, the rest is saved unshrunk. A failure that cannot be saved is in the
    /// result too, with the reason.
    pub fn settle(&self, groups: &Groups, at_once: &AtOnce, stop: &AtomicBool) -> Vec<Settled> {
        let tasks = self.tasks(groups);
        let next = AtomicUsize::new(0);
        let failures = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for _ in 0..self.threads.get().min(tasks.len()) {
                scope.spawn(|| {
                    while let number = next.fetch_add(1, Ordering::Relaxed)
                        && let Some(task) = tasks.get(number)
                    {
                        let failure = self.failure(task, stop);
                        let mut all = failures.lock().unwrap_or_else(PoisonError::into_inner);
                        all.insert(number, failure);
                    }
                });
            }
        });
        let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
        let mut settled: Vec<Settled> = Vec::new();
        for (number, failure) in failures {
            let (task, name) = (&tasks[number], failure.file_name());
            let early = at_once.saved.get(&(task.sample.source, task.sample.seed));
            if let Some(known) = by_name.get(&name) {
                settled[*known].count += task.count;
                // Another group of the same shape is saved already.
                if let (Some(early), Some(saved)) = (early, &settled[*known].path)
                    && early != saved
                {
                    let _ = fs::remove_file(early);
                }
                continue;
            }
            // A further sample of a group adds something only if it was shrunk to another shape.
            if task.count == 0 && failure.origin.is_none() {
                continue;
            }
            let (path, unsaved) = match self.folder.map(|folder| self.save(&folder.join(&name), &failure)) {
                None => (None, None),
                Some(Ok(path)) => {
                    if let Some(early) = early.filter(|early| **early != path) {
                        // A leftover file is one more failure to look at, and no harm.
                        let _ = fs::remove_file(early);
                    }
                    (Some(path), None)
                }
                Some(Err(why)) => (early.cloned(), Some(why)),
            };
            by_name.insert(name, settled.len());
            let Scenario { steps, also, rules, .. } = &failure.scenario;
            settled.push(Settled {
                steps: steps.len() + also.iter().map(Vec::len).sum::<usize>() + rules.len(),
                property: failure.property,
                explanation: failure.explanation,
                count: task.count.max(1),
                found: failure.found,
                source: task.sample.source,
                seed: failure.scenario.seed,
                is_shrunk: failure.origin.is_some(),
                path,
                unsaved,
            });
        }
        settled
    }

    /// The first of every group, then the second, and so on. The first carries the count of its group.
    fn tasks<'a>(&self, groups: &'a Groups) -> Vec<Task<'a>> {
        let rounds = groups.iter().map(|group| group.samples.len()).max().unwrap_or(0);
        let mut tasks = Vec::new();
        for round in 0..rounds {
            for group in groups.iter() {
                let Some(sample) = group.samples.get(round) else { continue };
                let can_shrink = !matches!(sample.verdict, Verdict::Stale { .. } | Verdict::Undecided { .. });
                let is_to_be_shrunk = self.shrink.is_some() && can_shrink && tasks.len() < SHRUNK_MAX;
                if round == 0 || is_to_be_shrunk {
                    let count = if round == 0 { group.count } else { 0 };
                    tasks.push(Task { sample, count, is_to_be_shrunk });
                }
            }
        }
        tasks
    }

    fn failure(&self, task: &Task<'_>, stop: &AtomicBool) -> Failure<S> {
        let whole = self.unshrunk(task.sample);
        let shrink = self.shrink.filter(|_| task.is_to_be_shrunk && !stop.load(Ordering::Relaxed));
        let shrunk = shrink.and_then(|shrink| shrink(&whole.scenario, &task.sample.verdict));
        // Property and explanation are those of the scenario that is saved.
        let verdict = shrunk.as_ref().and_then(|shrunk| {
            let outcome = self.runner.with(self.quiet()).run(shrunk).ok()?;
            (!outcome.verdict.is_pass()).then_some(outcome.verdict)
        });
        match (shrunk, verdict) {
            (Some(scenario), Some(verdict)) => Failure {
                property: verdict.property().to_owned(),
                explanation: verdict.explanation(),
                scenario,
                origin: Some(whole.scenario),
                ..whole
            },
            _ => whole,
        }
    }

    fn unshrunk(&self, sample: &Sample) -> Failure<S> {
        let source = &self.sources[sample.source];
        Failure {
            property: sample.verdict.property().to_owned(),
            explanation: sample.verdict.explanation(),
            saboteur: self.saboteur.map(str::to_owned),
            found: Found { profile: source.name().to_owned(), seed: sample.seed },
            scenario: source.owned(sample.seed),
            origin: None,
        }
    }

    fn quiet(&self) -> RunOptions {
        RunOptions { seed: None, trace: TraceLevel::Off, ..self.runner.options }
    }

    fn save(&self, path: &Path, failure: &Failure<S>) -> Result<PathBuf, String> {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder).map_err(|why| format!("failed to make {}: {why}", folder.display()))?;
        let outcome = self.runner.with(self.quiet()).run(&failure.scenario);
        let outcome = outcome.map_err(|problems| {
            let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            format!("failed to run it for {}: {}", path.display(), messages.join("; "))
        })?;
        write_aside(
            path,
            &failure.write(&outcome, &(self.replay)(path, failure.scenario.seed, &failure.property)),
        )
        .map_err(|why| why.to_string())?;
        Ok(path.to_owned())
    }
}

/// The result of running a saved failure again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recheck {
    /// It breaks the same property.
    StillFails,
    /// It fails in another way.
    FailsOtherwise(Verdict),
    /// It passes.
    Passes,
    /// It decides nothing: a step never fires, a budget is spent, or the scenario is wrong.
    Stale(Verdict),
}

/// Runs a saved failure again.
pub fn recheck<S: Service>(runner: &Runner<S>, failure: &Failure<S>) -> Recheck {
    let options = RunOptions { seed: None, trace: TraceLevel::Off, ..runner.options };
    match runner.with(options).run(&failure.scenario) {
        Ok(outcome) => match outcome.verdict {
            Verdict::Passed => Recheck::Passes,
            verdict if verdict.property() == failure.property => Recheck::StillFails,
            verdict @ (Verdict::Stale { .. } | Verdict::Undecided { .. }) => Recheck::Stale(verdict),
            verdict => Recheck::FailsOtherwise(verdict),
        },
        Err(problems) => {
            let why = problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; ");
            Recheck::Stale(Verdict::Stale { why })
        }
    }
}
