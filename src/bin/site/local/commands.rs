//! The commands for a whole cluster, which come before those of a single site.

/// The output of `help` and `site local --help`.
pub(crate) const HELP: &str = "\
COMMAND…             asks site 0, or the one that `at` named last: tweet, view, block, status, … (`0 help` lists all)
2 COMMAND…           asks site 2
at 2                 asks site 2 from here on
crash 2              ends site 2 as `kill -9` does
restart 2            starts it again, from its journal
partition 0,1 | 2,3  cuts every link between these groups; sites of no group are alone
heal                 restores every link; starts no site
help                 this list
quit                 ends every site; the end of the input does the same";

/// The first words of lines, for completion.
pub(super) const NAMES: [&str; 16] = [
    "tweet",
    "view",
    "view!",
    "block",
    "unblock",
    "log",
    "blocks",
    "sites",
    "status",
    "at",
    "crash",
    "restart",
    "partition",
    "heal",
    "help",
    "quit",
];

/// A line that was parsed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum LocalCommand {
    Nothing,
    /// A command for this site, or for the current one.
    Ask(Option<usize>, String),
    At(usize),
    Crash(usize),
    Restart(usize),
    Partition(Vec<Vec<usize>>),
    Heal,
    Help,
    Quit,
}

/// Parses a line about `count` sites. The error says what is allowed.
pub(super) fn parse(line: &str, count: usize) -> Result<LocalCommand, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let alone =
        |line: LocalCommand| if rest.is_empty() { Ok(line) } else { Err(format!("too much: {word}")) };
    match word {
        "" => Ok(LocalCommand::Nothing),
        "at" => Ok(LocalCommand::At(site(rest, count)?)),
        "crash" => Ok(LocalCommand::Crash(site(rest, count)?)),
        "restart" => Ok(LocalCommand::Restart(site(rest, count)?)),
        "partition" => partition(rest, count),
        "heal" => alone(LocalCommand::Heal),
        "help" => alone(LocalCommand::Help),
        "quit" => alone(LocalCommand::Quit),
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            let site = site(number, count)?;
            match rest {
                "" => Err(format!("a word is missing: {site} status")),
                "quit" => Err(format!("to end S{site} alone: crash {site}")),
                _ => Ok(LocalCommand::Ask(Some(site), rest.to_owned())),
            }
        }
        _ => Ok(LocalCommand::Ask(None, line.to_owned())),
    }
}

fn site(text: &str, count: usize) -> Result<usize, String> {
    let number = text.trim().parse().ok().filter(|number| *number < count);
    number.ok_or_else(|| format!("{:?} is no site: a number from 0 to {}", text.trim(), count - 1))
}

fn partition(text: &str, count: usize) -> Result<LocalCommand, String> {
    let group =
        |group: &str| group.split(',').map(|number| site(number, count)).collect::<Result<Vec<_>, _>>();
    let groups = text.split('|').map(group).collect::<Result<Vec<_>, _>>()?;
    let mut all: Vec<usize> = groups.concat();
    all.sort_unstable();
    match all.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("site {} is in two groups: partition 0,1 | 2,3", pair[0])),
        None => Ok(LocalCommand::Partition(groups)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood_or_say_what_is_allowed() {
        let check = |line: &str, expected: Result<LocalCommand, &str>| match (parse(line, 5), expected) {
            (Ok(line), Ok(expected)) => assert_eq!(line, expected),
            (Err(error), Err(expected)) => assert_eq!(error, expected),
            (found, expected) => panic!("{line:?}: {found:?}, expected {expected:?}"),
        };
        check(" ", Ok(LocalCommand::Nothing));
        check("tweet ann 3 birds", Ok(LocalCommand::Ask(None, "tweet ann 3 birds".into())));
        check("3 view ann", Ok(LocalCommand::Ask(Some(3), "view ann".into())));
        check("at 4", Ok(LocalCommand::At(4)));
        check("crash 5", Err("\"5\" is no site: a number from 0 to 4"));
        check("restart", Err("\"\" is no site: a number from 0 to 4"));
        check("partition 0,1 | 2, 3,4", Ok(LocalCommand::Partition(vec![vec![0, 1], vec![2, 3, 4]])));
        check("partition 0,1 | 1", Err("site 1 is in two groups: partition 0,1 | 2,3"));
        check("heal all", Err("too much: heal"));
        check("2", Err("a word is missing: 2 status"));
        check("2 quit", Err("to end S2 alone: crash 2"));
        check("9 status", Err("\"9\" is no site: a number from 0 to 4"));
    }
}
