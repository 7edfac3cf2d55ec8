//! RON files that people write: shows what is wrong with a file, in place.
//!
//! This module knows no schema. The reader of a file brings its own.

mod diagnose;
mod locate;
pub(crate) mod nearest;
mod problem;
#[cfg(feature = "scenario")]
mod rewrite;
mod scan;
mod value;

pub use diagnose::{BadFile, Diagnostic};
pub use locate::{Part, Place};
pub use problem::Problem;
#[cfg(feature = "scenario")]
pub(crate) use rewrite::OldWords;
#[cfg(feature = "scenario")]
pub use rewrite::{OldWord, WhereWritten};
#[cfg(feature = "scenario")]
pub(crate) use scan::TextScan;
#[cfg(feature = "scenario")]
pub(crate) use value::ValueText;

/// `text` without the byte order mark that some editors put before it.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Whether the value of a text begins with this name. Files are told apart by their content.
#[cfg(feature = "scenario")]
pub(crate) fn is_a(name: &str, text: &str) -> bool {
    let text = without_mark(text);
    let value = text.get(Place::whole().locate(text)).unwrap_or_default();
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    value.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_letter))
}

#[cfg(all(test, feature = "scenario"))]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_what_they_say() {
        let check = |text: &str, is_one: bool| assert_eq!(is_a("Profile", text), is_one, "{text:?}");
        check("Profile(about: \"x\")", true);
        check("\u{feff}// Scenario(\n#![enable(implicit_some)]\n/* Failure */ Profile (", true);
        check("Profiles(about: \"x\")", false);
        check("(about: \"Profile\")", false);
        check("", false);
    }
}
