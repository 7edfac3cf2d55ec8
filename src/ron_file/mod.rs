//! Files in RON that people write: what is wrong with one, said at its place.
//!
//! Knows no schema: whoever reads a file brings it.

mod diagnose;
mod locate;
pub(crate) mod nearest;
mod problem;
mod value;

pub use diagnose::{BadFile, Diagnostic};
pub use locate::{Part, Place};
pub use problem::Problem;
#[cfg(feature = "scenario")]
pub(crate) use value::ValueText;
