//! What a playground is asked, and what it answers.

use aviary::scenario::{BadFile, Picture, Problem};
use serde::{Deserialize, Serialize};

/// What a playground is asked.
#[derive(Deserialize, Debug)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// Which bugs can be planted.
    Bugs,
    /// Say what is wrong with this text.
    Check {
        /// A scenario, in RON.
        text: String,
    },
    /// Read this scenario and begin its run.
    Load(Load),
    /// Continue the run.
    Go {
        /// The most steps; an event of the simulator is at most one.
        steps: u64,
    },
    /// End the run where it is.
    Stop,
    /// The run ends here, since its next step panicked in another instance.
    Panicked(Panicked),
}

/// A scenario to run.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// The scenario, in RON.
    pub text: String,
    /// Its name.
    pub name: String,
    /// The command that runs it again.
    pub reproduce: String,
    /// The bug that is planted in every process.
    pub bug: Option<String>,
}

/// The step that panicked.
#[derive(Serialize, Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Panicked {
    /// The message and its place in the code.
    pub message: String,
    /// The process whose code panicked; without one it is the code of the simulator, or of a judge.
    pub process: Option<String>,
    /// The number of steps of the run before it.
    pub steps: u64,
}

/// What a playground answers.
#[derive(Serialize, Debug)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum Reply {
    /// The bugs that can be planted.
    Bugs {
        /// Name and sentence of each.
        bugs: Vec<Bug>,
    },
    /// The run is not over.
    Running {
        /// The number of events so far.
        events: u64,
        /// Its time, in microseconds.
        at: u64,
        /// The time at which its scenario gives up, in microseconds.
        limit: u64,
    },
    /// The run is over.
    Run {
        /// All of it.
        run: Box<Picture>,
    },
    /// Nothing is wrong with the text.
    Good,
    /// The text is no scenario.
    Bad {
        /// What is wrong, in the order of the checks.
        problems: Vec<Wrong>,
        /// The number of mistakes beyond these.
        more: usize,
    },
    /// The request makes no sense here.
    Refused {
        /// Why.
        problems: Vec<Wrong>,
    },
}

/// A bug that can be planted.
#[derive(Serialize, Debug)]
pub struct Bug {
    /// Its name.
    pub name: &'static str,
    /// What it does wrong.
    pub about: &'static str,
}

/// One mistake.
#[derive(Serialize, Debug)]
pub struct Wrong {
    /// The mistake.
    pub message: String,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where it is in the text.
    #[serde(flatten)]
    pub place: Option<TextPlace>,
}

/// A place in a text, on one line.
#[derive(Serialize, Debug)]
pub struct TextPlace {
    /// The line, from 1.
    pub line: usize,
    /// The first column in characters, from 1.
    pub column: usize,
    /// The column after the last character.
    pub end: usize,
}

impl Reply {
    /// Everything that is wrong with a text.
    pub fn bad(bad: BadFile) -> Reply {
        let wrong = |diagnostic: aviary::scenario::Diagnostic| Wrong {
            place: Some(TextPlace {
                line: diagnostic.line,
                column: diagnostic.column,
                end: diagnostic.end_column,
            }),
            message: diagnostic.message,
            help: diagnostic.help,
        };
        Reply::Bad { problems: bad.diagnostics.into_iter().map(wrong).collect(), more: bad.more }
    }

    /// Problems without a place in the text.
    pub fn refused(problems: Vec<Problem>) -> Reply {
        let wrong = |problem: Problem| Wrong { message: problem.message, help: problem.help, place: None };
        Reply::Refused { problems: problems.into_iter().map(wrong).collect() }
    }

    /// One sentence.
    pub fn no(message: impl Into<String>) -> Reply {
        Reply::Refused { problems: vec![Wrong { message: message.into(), help: None, place: None }] }
    }
}
