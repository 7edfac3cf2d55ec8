//! Runs scenarios, each with the same change to the configuration of every process.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::process::Process;
use crate::scenario::{Outcome, Problem, Run, RunOptions, Scenario, Service};
use crate::sim::Question;

type Configure<S> = dyn Fn(&mut <<S as Service>::Process as Process>::Config) + Send + Sync;

/// How the scenarios of a search are run. A runner is shared between threads; its runs are not.
#[derive(Clone)]
pub struct Runner<S: Service> {
    configure: Arc<Configure<S>>,
    /// The options of each run.
    pub options: RunOptions,
    questions: Arc<[Question]>,
}

impl<S: Service> fmt::Debug for Runner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("options", &self.options)
            .field("questions", &self.questions)
            .finish_non_exhaustive()
    }
}

impl<S: Service> Runner<S> {
    /// Runs scenarios as they are.
    pub fn new(options: RunOptions) -> Runner<S> {
        Runner::configured(options, |_| {})
    }

    /// Runs scenarios after `configure` has changed the configuration of every process: for what no file can ask for.
    pub fn configured(
        options: RunOptions,
        configure: impl Fn(&mut <S::Process as Process>::Config) + Send + Sync + 'static,
    ) -> Runner<S> {
        Runner { configure: Arc::new(configure), options, questions: Arc::default() }
    }

    /// The same runner with other options.
    #[must_use]
    pub fn with(&self, options: RunOptions) -> Runner<S> {
        Runner { options, ..self.clone() }
    }

    /// The same runner, which also asks these questions of each run. Asking changes no run.
    #[must_use]
    pub fn asking(self, questions: impl Into<Arc<[Question]>>) -> Runner<S> {
        Runner { questions: questions.into(), ..self }
    }

    /// A run of `scenario` before its first event, or everything that is wrong with it.
    pub fn start(&self, scenario: &Scenario<S>) -> Result<Run<S>, Vec<Problem>> {
        self.start_with(scenario, &self.options)
    }

    /// As [`start`](Runner::start), with other options.
    pub fn start_with(&self, scenario: &Scenario<S>, options: &RunOptions) -> Result<Run<S>, Vec<Problem>> {
        Run::asked(scenario, options, &self.questions, |config| (self.configure)(config))
    }

    /// Runs `scenario` to its end.
    pub fn run(&self, scenario: &Scenario<S>) -> Result<Outcome, Vec<Problem>> {
        let mut run = self.start(scenario)?;
        run.finish();
        Ok(run.outcome())
    }
}
