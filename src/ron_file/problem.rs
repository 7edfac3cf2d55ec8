//! A mistake in a value that parses.

use crate::ron_file::Place;

/// Something that parses but is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The place, relative to the value that was checked.
    pub place: Place,
    /// The mistake, in one sentence.
    pub message: String,
    /// A hint about what would be right.
    pub help: Option<String>,
}

impl Problem {
    /// A problem at `place`.
    pub fn new(place: Place, message: impl Into<String>) -> Problem {
        Problem { place, message: message.into(), help: None }
    }

    /// The same problem, with what would be right.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Problem {
        Problem { help: Some(help.into()), ..self }
    }
}
