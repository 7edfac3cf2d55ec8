//! Scenarios: a cluster, what is done to it and what must hold, as a RON file that a person can read.
//!
//! The schema is generic over a [`Service`], which brings the words for what users do and for what is expected.
//! Nothing here knows a protocol. The steps:
//!
//! 1. [`read`] turns a text into a [`Scenario`] or says everything that is wrong with it, in place; [`write()`]
//!    turns it back into a text.
//! 2. [`plan()`] turns a scenario into what the simulator runs; only it decides what is wrong.
//! 3. [`run()`] runs it and hands back an [`Outcome`]; a [`Run`] goes from event to event and clones at any moment.
//! 4. [`audit()`] runs it in several ways that must not matter and says where they part.
//! 5. [`draw()`] makes a scenario of a [`Profile`] and a seed.
//!
//! Every field that parses does something.

pub mod audit;
pub mod draw;
pub(crate) mod facts;
pub mod form;
pub mod history;
pub mod namespace;
pub mod outcome;
pub mod plan;
pub mod profile;
pub mod record;
pub mod renaming;
pub mod run;
pub mod service;
pub mod step;
pub mod watch;
pub mod write;

mod panics;
mod value;

#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod toy;
#[cfg(test)]
mod trigger_tests;

pub use crate::ron_file::{BadFile, Diagnostic, Place, Problem};
pub(crate) use crate::ron_file::{is_a, without_mark};
pub use audit::{Audit, Parting, RunComparison, RunDifference, RunSide, Way, audit, audit_configured};
pub use draw::{CannotDraw, Draws, draw, draw_recipe};
pub use facts::FactKind;
pub use form::Scenario;
pub use history::PastLife;
pub use outcome::{Outcome, Verdict};
pub use panics::caught;
pub use plan::{Plan, plan};
pub use profile::Profile;
pub use record::{RunEnd, RunEntry, RunRecorder};
pub use renaming::Renaming;
pub use run::{Run, RunOptions, run, run_configured};
pub use service::{Cluster, Compiled, Member, Order, Pace, Probe, Service, Shape, same};
pub use write::write;

/// What helps somebody who wrote `name` for one of the names that are known.
pub fn nearest_name(name: &str, known: &[&str]) -> String {
    crate::ron_file::nearest::nearest(name, known).help()
}

use ron::extensions::Extensions;

/// Reads a scenario and checks it; `path` is what messages call it.
pub fn read<S: Service>(path: &str, text: &str) -> Result<Scenario<S>, BadFile> {
    let text = without_mark(text);
    let extensions = Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES;
    let options = ron::Options::default().with_default_extension(extensions);
    let scenario: Scenario<S> =
        options.from_str(text).map_err(|error| BadFile::from_ron(path, text, &error))?;
    match plan(&scenario) {
        Ok(_) => Ok(scenario),
        Err(problems) => Err(BadFile::from_problems(path, text, &problems)),
    }
}
