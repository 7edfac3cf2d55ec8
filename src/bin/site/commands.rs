//! The commands of the terminal, checked before anything is sent to a site.

use aviary::tweets::site::Operation;
use aviary::tweets::timeline::{Event, Text, User, View};

/// The output of `help`.
pub(crate) const HELP: &str = "\
tweet USER TEXT…     posts a tweet
view USER [LIMIT]    what USER may see, newest first, as this site knows it (LIMIT 1 to 1000, else 20)
view! USER [LIMIT]   the same, at most one page, and linearizable: it lacks nothing that any site acknowledged
                     before; also: view --linearizable USER
block USER WHOM      hides USER's tweets, past and future, from WHOM
unblock USER WHOM    shows them again
log                  the whole log, as this site knows it
blocks               who blocks whom
sites                the sites and their addresses
status               the state of this site
help                 this list
quit                 waits for answers, at most 5 s, and ends; the end of the input does the same";

/// Every command, in the order of the help.
pub(crate) const NAMES: [&str; 11] =
    ["tweet", "view", "view!", "block", "unblock", "log", "blocks", "sites", "status", "help", "quit"];

/// A line that was parsed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum TypedCommand {
    /// An operation for the log.
    Do(Operation),
    View {
        viewer: User,
        limit: u64,
    },
    /// One linearizable page.
    QuorumView(View),
    Log,
    Blocks,
    Sites,
    Status,
    Help,
    Quit,
}

const LIMIT_DEFAULT: u64 = 20;
const LIMIT_MAX: u64 = 1_000;

/// Parses one line; `None` if it is blank. The error says what is allowed.
pub(crate) fn parse(line: &str) -> Result<Option<TypedCommand>, String> {
    let (word, rest) = split(line);
    let word = match word {
        "" => return Ok(None),
        "tweet" => {
            let (user, text) = split(rest);
            let user = user_named(user, "tweet USER TEXT…")?;
            let text: Text = text.parse().map_err(|error| format!("{error}"))?;
            TypedCommand::Do(Operation::Event { event: Event::Tweet { user, text } })
        }
        "view" => match split(rest) {
            ("--linearizable", rest) => fresh_view(rest)?,
            _ => {
                let (viewer, limit) = view(rest, "view USER [LIMIT]")?;
                TypedCommand::View { viewer, limit }
            }
        },
        "view!" => fresh_view(rest)?,
        "block" => {
            let (user, blocked) = two_users(rest, "block USER WHOM")?;
            let event = Event::block(user, blocked).map_err(|error| error.to_string())?;
            TypedCommand::Do(Operation::Event { event })
        }
        "unblock" => {
            let (user, blocked) = two_users(rest, "unblock USER WHOM")?;
            let event = Event::unblock(user, blocked).map_err(|error| error.to_string())?;
            TypedCommand::Do(Operation::Event { event })
        }
        "log" => alone(TypedCommand::Log, "log", rest)?,
        "blocks" => alone(TypedCommand::Blocks, "blocks", rest)?,
        "sites" => alone(TypedCommand::Sites, "sites", rest)?,
        "status" => alone(TypedCommand::Status, "status", rest)?,
        "help" => alone(TypedCommand::Help, "help", rest)?,
        "quit" => alone(TypedCommand::Quit, "quit", rest)?,
        unknown => {
            let unknown: String = unknown.chars().take(40).collect();
            return Err(format!("{unknown:?} is no word; there are {}", NAMES.join(", ")));
        }
    };
    Ok(Some(word))
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim_start())
}

fn user_named(name: &str, usage: &str) -> Result<User, String> {
    if name.is_empty() {
        return Err(format!("a name is missing: {usage}"));
    }
    name.parse().map_err(|error| format!("{error}"))
}

fn nothing_more(rest: &str, usage: &str) -> Result<(), String> {
    if rest.is_empty() { Ok(()) } else { Err(format!("too much: {usage}")) }
}

fn alone(word: TypedCommand, usage: &str, rest: &str) -> Result<TypedCommand, String> {
    nothing_more(rest, usage).map(|()| word)
}

fn two_users(rest: &str, usage: &str) -> Result<(User, User), String> {
    let (user, rest) = split(rest);
    let (blocked, rest) = split(rest);
    nothing_more(rest, usage)?;
    Ok((user_named(user, usage)?, user_named(blocked, usage)?))
}

fn view(rest: &str, usage: &str) -> Result<(User, u64), String> {
    let (viewer, rest) = split(rest);
    let (limit, rest) = split(rest);
    nothing_more(rest, usage)?;
    let viewer = user_named(viewer, usage)?;
    if limit.is_empty() {
        return Ok((viewer, LIMIT_DEFAULT));
    }
    let number = limit.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    let number = number.ok_or_else(|| format!("{limit:?} is no limit: a number from 1 to {LIMIT_MAX}"))?;
    Ok((viewer, number))
}

fn fresh_view(rest: &str) -> Result<TypedCommand, String> {
    let (viewer, limit) = view(rest, "view! USER [LIMIT]")?;
    Ok(TypedCommand::QuorumView(View { viewer, limit, older_than: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood() {
        let check = |line: &str, shown: &str| match parse(line).unwrap().unwrap() {
            TypedCommand::Do(operation) => assert_eq!(operation.to_string(), shown),
            TypedCommand::QuorumView(view) => {
                assert_eq!(format!("quorum {} {}", view.viewer, view.limit), shown)
            }
            TypedCommand::View { viewer, limit } => assert_eq!(format!("{viewer} {limit}"), shown),
            word => assert_eq!(format!("{word:?}"), shown),
        };
        check("tweet ann  hello,  world ", "ann: hello,  world");
        check("view ann", "ann 20");
        check(" view\tann 3", "ann 3");
        check("view! ann", "quorum ann 20");
        check("view --linearizable ann 5", "quorum ann 5");
        check("block ann bob", "ann blocks bob");
        check("unblock ann bob", "ann unblocks bob");
        check("log", "Log");
        check("quit", "Quit");
        assert_eq!(parse("  "), Ok(None));
        assert!(NAMES.iter().all(|name| HELP.contains(&format!("\n{name} ")) || HELP.starts_with(*name)));
    }

    #[test]
    fn wrong_lines_get_an_error_that_says_what_is_allowed() {
        let check = |line: &str, expected: &str| {
            let error = parse(line).unwrap_err();
            assert!(error.contains(expected), "{line:?}: {error}");
        };
        check(&format!("tweet ann {}", "x".repeat(281)), "281 characters: a tweet is 1 to 280 characters");
        check("tweet ann", "the text is empty: a tweet is 1 to 280");
        check("tweet", "a name is missing: tweet USER TEXT…");
        check("tweet a.b hello", "1 to 32 of letters, digits, _ and -");
        check("tweet ann a\u{7}b", "control character");
        check("block ann", "a name is missing: block USER WHOM");
        check("block ann ann", "ann cannot block or unblock themselves");
        check("block ann bob cat", "too much: block USER WHOM");
        check("view ann 0", "a number from 1 to 1000");
        check("view ann x", "a number from 1 to 1000");
        check("log all", "too much: log");
        check("twet ann hello", "\"twet\" is no word; there are tweet, view, view!");
    }
}
