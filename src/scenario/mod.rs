//! Scenarios: RON files that describe a cluster, what is done to it and what must hold.
//!
//! The schema is generic over a [`Service`], which provides the words for what users do and for what is expected.
//! Nothing here knows a protocol. The steps:
//!
//! 1. [`read`] turns a text into a [`Scenario`], or reports everything that is wrong with it, in place; [`write()`]
//!    turns it back into text.
//! 2. [`plan()`] turns a scenario into what the simulator runs. It alone decides whether a scenario is wrong.
//! 3. [`run()`] runs it and returns an [`Outcome`]. A [`Run`] advances event by event and can be cloned at any
//!    moment.
//! 4. [`audit()`] runs it in several ways that must make no difference, and reports where the runs differ.
//! 5. [`picture()`] runs it and returns everything that happened, for pictures.
//! 6. [`draw()`] makes a scenario from a [`Profile`] and a seed.
//!
//! Every field that parses has an effect.

pub(crate) mod askers;
pub mod audit;
mod build;
pub mod draw;
pub(crate) mod facts;
pub mod form;
pub mod history;
pub mod namespace;
pub mod outcome;
pub mod picture;
pub mod plan;
pub mod profile;
mod question;
pub mod record;
pub mod renaming;
pub mod run;
#[cfg(feature = "schema")]
pub mod schema;
pub mod service;
pub mod session;
pub mod step;
pub mod watch;
pub mod write;

mod panics;
mod retired_names;
pub(crate) mod short_forms;
mod value;

#[cfg(test)]
mod audit_tests;
#[cfg(test)]
mod held_tests;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod toy;
#[cfg(test)]
mod trigger_tests;

pub use crate::ron_file::{BadFile, Diagnostic, OldWord, Place, Problem, WhereWritten};
pub(crate) use crate::ron_file::{is_a, without_mark};
pub use askers::Askers;
pub use audit::{Audit, Parting, RunComparison, RunDifference, RunSide, Way, audit, audit_configured};
pub use draw::{CannotDraw, Draws, draw, draw_recipe};
pub use facts::FactKind;
pub use form::Scenario;
pub use history::PastLife;
pub use outcome::{Outcome, Verdict};
pub use panics::{caught, panic_message};
pub use picture::{
    MessagePhase, Picture, PictureOptions, Shown, ShownCall, UnfinishedPicture, picture, picture_of,
};
pub use plan::{Plan, plan};
pub use profile::Profile;
pub use question::{any_question, question};
pub use record::{RunEnd, RunEntry, RunRecorder};
pub use renaming::Renaming;
pub(crate) use retired_names::bad_file;
pub use retired_names::with_current_words;
pub use run::{Run, RunOptions, run, run_configured};
pub use service::{Cluster, Compiled, Member, Order, Pace, Probe, Service, Shape, same};
pub use write::write;

/// Help for a wrong `name`: the nearest of the known names.
pub fn nearest_name(name: &str, known: &[&str]) -> String {
    crate::ron_file::nearest::nearest(name, known).help()
}

/// The text of [`Service::STARTER`], with a number of sites that the service can have.
pub fn starter<S: Service>() -> String {
    let mut text = S::STARTER.to_owned();
    let place = Place::whole().field("sites").locate(&text);
    let number = text[place.clone()].parse::<u8>().ok().filter(|number| !S::SITES.contains(number));
    let nearest = number.and_then(|number| S::SITES.iter().min_by_key(|other| other.abs_diff(number)));
    if let Some(nearest) = nearest {
        text.replace_range(place, &nearest.to_string());
    }
    text
}

use ron::extensions::Extensions;

/// How scenarios, and parts of them, are read.
fn reader() -> ron::Options {
    let extensions = Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES;
    ron::Options::default().with_default_extension(extensions)
}

/// Reads a scenario and checks it. Messages call the file `path`.
pub fn read<S: Service>(path: &str, text: &str) -> Result<Scenario<S>, BadFile> {
    let text = without_mark(text);
    let spelled = short_forms::spelled_out(text, &[Place::whole()]);
    let options = reader();
    let bad = |otherwise: &dyn Fn() -> BadFile| bad_file::<S>(path, text, otherwise);
    let scenario: Scenario<S> =
        options.from_str(&spelled.text).map_err(|error| bad(&|| spelled.bad_file(path, &error)))?;
    match plan(&scenario) {
        Ok(_) => Ok(scenario),
        Err(problems) => Err(bad(&|| BadFile::from_problems(path, text, &problems))),
    }
}
