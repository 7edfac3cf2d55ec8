//! Why the program ends with another code than 0: as text for people, and as JSON for programs.

use std::ffi::OsString;

use aviary::replicated::real::RealError;
use aviary::replicated::sites_ron::ConfigError;
use aviary::tweets::client::ClientError;
use serde_json::{Value, json};

/// Why the program ends with another code than 0.
pub(crate) enum ProgramError {
    /// Storage or the protocol failed.
    Run(String),
    /// A flag or a file is wrong.
    Usage(String),
    /// `sites.ron` cannot be used.
    Config(ConfigError),
    /// No site answered.
    NoAnswer(String),
    /// Too few sites answered to agree on anything.
    NoQuorum(String),
    /// A request of a client failed.
    Request(Box<ClientError>),
}

/// The help on exit codes.
pub(crate) const EXIT_CODES: &str = "Exit codes:
  0  all went well
  1  storage or the protocol failed, commands of the terminal stayed unanswered, or a site did not end within 10 s
  2  a flag or a file is wrong
  3  no site answered in time, sessions expired, or the outcome is unknown: the message says which;
     from `status`: at most half of the sites answered, or the one named with --site did not
  130, 143  a second SIGINT or SIGTERM ended a site at once, or the first one a bench";

impl ProgramError {
    /// The exit code of the program.
    pub(crate) fn code(&self) -> u8 {
        match self {
            ProgramError::Run(_) => 1,
            ProgramError::Usage(_) | ProgramError::Config(_) => 2,
            ProgramError::NoAnswer(_) | ProgramError::NoQuorum(_) => 3,
            ProgramError::Request(error) => match **error {
                ClientError::NoAnswer { .. } | ClientError::Lost(_) | ClientError::Undone(_) => 3,
                ClientError::Invalid(_) => 2,
                ClientError::Host(_) => 1,
            },
        }
    }

    /// Its stable name, in one word.
    fn kind(&self) -> &'static str {
        match self {
            ProgramError::Run(_) => "failed",
            ProgramError::Usage(_) => "usage",
            ProgramError::Config(_) => "config",
            ProgramError::NoAnswer(_) => "no_answer",
            ProgramError::NoQuorum(_) => "no_quorum",
            ProgramError::Request(error) => match **error {
                ClientError::NoAnswer { unknown: None, .. } => "no_answer",
                ClientError::NoAnswer { unknown: Some(_), .. } | ClientError::Lost(_) => "outcome_unknown",
                ClientError::Undone(_) => "not_done",
                ClientError::Invalid(_) => "usage",
                ClientError::Host(_) => "failed",
            },
        }
    }

    /// The problem, and after it the remedy.
    pub(crate) fn message(&self) -> String {
        match self {
            ProgramError::Run(message)
            | ProgramError::Usage(message)
            | ProgramError::NoAnswer(message)
            | ProgramError::NoQuorum(message) => message.clone(),
            ProgramError::Config(error) => error.to_string(),
            ProgramError::Request(error) => error.to_string(),
        }
    }

    /// Lines for people, with colours if the reader has them.
    pub(crate) fn text(&self, is_coloured: bool) -> String {
        match self {
            ProgramError::Config(ConfigError::Wrong(bad)) => format!("{}\n", bad.render(is_coloured)),
            _ => format!("error: {}\n", self.message()),
        }
    }

    /// One line for programs.
    pub(crate) fn json(&self) -> String {
        let mut object = json!({ "error": self.kind(), "code": self.code() });
        let mut set = |name: &str, value: Value| object[name] = value;
        match self {
            ProgramError::Config(ConfigError::Wrong(bad)) => {
                let first = &bad.diagnostics[0];
                set("message", first.message.as_str().into());
                set("file", bad.path().into());
                set("line", first.line.into());
                set("column", first.column.into());
                if let Some(help) = &first.help {
                    set("help", help.as_str().into());
                }
                let more = bad.diagnostics[1..].iter().map(
                    |it| json!({ "message": it.message, "line": it.line, "column": it.column, "help": it.help }),
                );
                set("more", more.collect());
            }
            _ => {
                let message = self.message();
                if let Some(help) = self.help(&message) {
                    set("help", help.into());
                }
                set("message", message.into());
            }
        }
        format!("{object}\n")
    }

    /// The remedy in its message. Messages end with it, after a semicolon.
    fn help<'a>(&self, message: &'a str) -> Option<&'a str> {
        // These messages end with the operation, in its user's words.
        let ends_with_operation = self.kind() == "outcome_unknown";
        message.rsplit_once("; ").map(|(_, help)| help).filter(|_| !ends_with_operation)
    }
}

impl From<RealError> for ProgramError {
    fn from(error: RealError) -> ProgramError {
        match error {
            RealError::Wrong(why) => ProgramError::Usage(why),
            RealError::Failed(why) => ProgramError::Run(why),
        }
    }
}

impl From<ConfigError> for ProgramError {
    fn from(error: ConfigError) -> ProgramError {
        ProgramError::Config(error)
    }
}

impl From<ClientError> for ProgramError {
    fn from(error: ClientError) -> ProgramError {
        ProgramError::Request(Box::new(error))
    }
}

/// Whether these arguments ask for JSON. Then all errors are JSON, even those about the arguments themselves.
pub(crate) fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

/// An error of the argument parser, as one line for programs.
pub(crate) fn usage_json(error: &clap::Error) -> String {
    let text = error.to_string();
    // The first paragraph says what is wrong, and the last one where to find help.
    let mut paragraphs = text.trim_end().split("\n\n").map(str::trim);
    let message = paragraphs.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let help = paragraphs.filter(|paragraph| !paragraph.starts_with("For more information"));
    let help = help.collect::<Vec<_>>().join("\n");
    let object = json!({ "error": "usage", "code": error.exit_code(), "message": message, "help": help });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_given_the_cure_apart_unless_it_is_a_users_text() {
        let check = |error: ProgramError, kind: &str, help: Option<&str>| {
            let object: Value = serde_json::from_str(&error.json()).unwrap();
            assert_eq!((object["error"].as_str(), object["help"].as_str()), (Some(kind), help), "{object}");
            assert_eq!(object["message"], error.message());
        };
        check(ProgramError::Run("no room; free some".into()), "failed", Some("free some"));
        check(ProgramError::Usage("too much".into()), "usage", None);
        let operation = |text: &str| aviary::tweets::site::Operation::Event {
            event: aviary::tweets::timeline::Event::Tweet {
                user: "ann".parse().unwrap(),
                text: text.parse().unwrap(),
            },
        };
        check(ClientError::Lost(operation("a; b")).into(), "outcome_unknown", None);
        let undone = ClientError::Undone(operation("a; b"));
        check(
            undone.into(),
            "not_done",
            Some("more clients are at work than sessions_max in sites.ron, try again later"),
        );
    }

    #[test]
    fn json_is_asked_for_before_the_end_of_flags() {
        let wants = |words: &str| wants_json(words.split(' ').map(OsString::from));
        assert!(wants("site log --json") && !wants("site log") && !wants("site tweet ann -- --json"));
    }
}
