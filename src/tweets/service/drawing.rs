//! What people do in drawn scenarios, and the limits that they meet.

use crate::replicated::message::entry_bytes_max;
use crate::scenario::draw::{Asking, Draws, Wanted};
use crate::scenario::step::Target;
use crate::tweets::service::TimelineCommand;
use crate::tweets::timeline::{Text, User};

const NAMES: [&str; 6] = ["ann", "bob", "cat", "dan", "eve", "fay"];

fn name(number: u64) -> String {
    let known = usize::try_from(number).ok().and_then(|at| NAMES.get(at));
    known.map_or_else(|| format!("user{number}"), |name| (*name).to_owned())
}

/// As long as a name may be, so that few pairs fill a datagram.
fn long_name(number: u64) -> String {
    format!("{:_<1$}", name(number), User::BYTES_MAX)
}

/// What is asked for.
#[derive(Clone, Copy)]
enum CommandKind {
    Tweet,
    LargeTweet,
    FillingTweet(u8),
    Block,
    Unblock,
    View,
    AgreedView,
    FreshView,
    Log,
    Blocks,
    Status,
}

/// What a submission takes beside the text of a tweet, in bytes, where most numbers are small; and a little less, so that
/// several together are also a little too much.
const TWEET_BESIDE_LEAST: u64 = 15;

/// The same, where some numbers are larger, and a little more.
const TWEET_BESIDE_MOST: u64 = 27;

const MIXTURE: [(CommandKind, u32); 10] = [
    (CommandKind::Tweet, 43),
    (CommandKind::LargeTweet, 2),
    (CommandKind::Block, 8),
    (CommandKind::Unblock, 7),
    (CommandKind::View, 18),
    (CommandKind::AgreedView, 7),
    (CommandKind::FreshView, 7),
    (CommandKind::Log, 3),
    (CommandKind::Blocks, 3),
    (CommandKind::Status, 2),
];
/// What a crowd asks for: it blocks, and looks at what it blocked.
const CROWD: [(CommandKind, u32); 9] = [
    (CommandKind::Tweet, 25),
    (CommandKind::Block, 38),
    (CommandKind::Unblock, 4),
    (CommandKind::View, 12),
    (CommandKind::AgreedView, 3),
    (CommandKind::FreshView, 5),
    (CommandKind::Log, 2),
    (CommandKind::Blocks, 10),
    (CommandKind::Status, 1),
];
const WRITES: [(CommandKind, u32); 3] =
    [(CommandKind::Tweet, 8), (CommandKind::Block, 1), (CommandKind::Unblock, 1)];

/// A command for `asking`; nobody but terminals and clients asks.
pub(super) fn command(draws: &mut Draws, asking: &Asking) -> Option<TimelineCommand> {
    let (site, client) = match asking.who {
        Target::Terminal(site) => (Some(site), None),
        Target::Client(client) => (None, Some(client)),
        _ => return None,
    };
    let kind = match asking.wanted {
        Wanted::Anything if asking.is_crowd => draws.weighted(&CROWD)?,
        Wanted::Anything => draws.weighted(&MIXTURE)?,
        Wanted::Write => draws.weighted(&WRITES)?,
        Wanted::LargeWrite => CommandKind::LargeTweet,
        Wanted::FillingWrite(parts) => CommandKind::FillingTweet(parts),
        Wanted::Read => CommandKind::View,
        Wanted::AgreedRead if draws.one_in(2) => CommandKind::FreshView,
        Wanted::AgreedRead => CommandKind::AgreedView,
    };
    let users = u64::from(asking.users);
    // Of a crowd half look who are blocked by most.
    let is_blocked = asking.is_crowd
        && matches!(kind, CommandKind::View | CommandKind::AgreedView | CommandKind::FreshView);
    let user = if is_blocked && draws.one_in(2) { draws.below(2) } else { draws.below(users) };
    let name = |number| if asking.is_crowd { long_name(number) } else { name(number) };
    // Now and then one asks for a thing and goes, as commands of a shell do.
    let last = asking.number % 4 == 3;
    Some(match kind {
        CommandKind::Block | CommandKind::Unblock if users > 1 => {
            let (from, whom) = if asking.is_crowd {
                let whom = if draws.one_in(2) { draws.below(2) } else { draws.below(users) };
                ((whom + draws.between(1, users - 1)) % users, whom)
            } else {
                // Two pairs at most, so that what one blocks another one unblocks.
                let from = draws.below(2);
                (from, (from + 1) % users)
            };
            let (user, whom) = (name(from), name(whom));
            match kind {
                CommandKind::Block => TimelineCommand::Block { site, client, user, whom, last },
                _ => TimelineCommand::Unblock { site, client, user, whom, last },
            }
        }
        CommandKind::Tweet | CommandKind::Block | CommandKind::Unblock => {
            let text = match draws.below(12) {
                0 => format!("{} {}", asking.number, "and so on ".repeat(26).trim_end()),
                _ => asking.number.to_string(),
            };
            TimelineCommand::Tweet { site, client, user: name(user), text, last }
        }
        CommandKind::LargeTweet => {
            let number = asking.number.to_string();
            let birds = (Text::BYTES_MAX - number.len()) / '🐦'.len_utf8();
            TimelineCommand::Tweet {
                site,
                client,
                user: name(user),
                text: number + &"🐦".repeat(birds),
                last,
            }
        }
        CommandKind::FillingTweet(parts) => {
            // The sum is drawn about that of an entry that fits: a few bytes less or more of each.
            let entry = entry_bytes_max(asking.datagram_max);
            let part = entry / usize::from(parts.max(1));
            let beside = draws.between(TWEET_BESIDE_LEAST, TWEET_BESIDE_MOST);
            let bytes = part.saturating_sub(usize::try_from(beside).unwrap_or(part)).min(Text::BYTES_MAX);
            let number = asking.number.to_string();
            // A text may have fewer characters than bytes.
            let rest = bytes.saturating_sub(number.len());
            let (birds, dots) = (rest / '🐦'.len_utf8(), rest % '🐦'.len_utf8());
            let text = number + &"🐦".repeat(birds) + &".".repeat(dots);
            TimelineCommand::Tweet { site, client, user: name(user), text, last }
        }
        CommandKind::View => {
            let (user, limit, older_than) = (name(user), limit(draws), page(draws, asking));
            TimelineCommand::View { site, client, user, limit, older_than, linearizable: false, fresh: false }
        }
        CommandKind::AgreedView | CommandKind::FreshView => {
            let (user, limit, older_than) = (name(user), limit(draws), page(draws, asking));
            let fresh = matches!(kind, CommandKind::FreshView);
            TimelineCommand::View { site, client, user, limit, older_than, linearizable: !fresh, fresh }
        }
        CommandKind::Log => TimelineCommand::Log { site, client, from: page(draws, asking) },
        CommandKind::Blocks => {
            let after = draws.one_in(2).then(|| (name(user), name(draws.below(users))));
            TimelineCommand::Blocks { site, client, after }
        }
        CommandKind::Status => TimelineCommand::Status { site, client },
    })
}

/// How many tweets a page may hold: as many as usual, none, a few, or more than fit.
fn limit(draws: &mut Draws) -> u64 {
    match draws.below(16) {
        0 => 0,
        1..=4 => draws.between(1, 3),
        5 => draws.between(21, 400),
        6 => u64::MAX,
        _ => 20,
    }
}

/// Where a page begins, if not at the end. About as many slots are there as there were commands; some page begins where
/// a tweet stands, or between two of one slot.
fn page(draws: &mut Draws, asking: &Asking) -> Option<(u64, u64)> {
    draws.one_in(4).then(|| {
        let slot = asking.slots_before + draws.between(0, asking.number + 4);
        (slot, if draws.one_in(2) { draws.between(1, 3) } else { 0 })
    })
}
