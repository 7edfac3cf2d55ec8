//! The commands of users in drawn scenarios, and the limits of their pages.

use crate::replicated::message::entry_bytes_max;
use crate::scenario::draw::{Asking, Draws, Wanted};
use crate::scenario::step::Target;
use crate::tweets::service::{ReadMode, TimelineCommand};
use crate::tweets::timeline::{Text, User};

const NAMES: [&str; 6] = ["ann", "bob", "cat", "dan", "eve", "fay"];

fn name(number: u64) -> String {
    let known = usize::try_from(number).ok().and_then(|at| NAMES.get(at));
    known.map_or_else(|| format!("user{number}"), |name| (*name).to_owned())
}

/// A name of the greatest length, so that few pairs fill a datagram.
fn long_name(number: u64) -> String {
    format!("{:_<1$}", name(number), User::BYTES_MAX)
}

/// The kind of a drawn command.
#[derive(Clone, Copy)]
enum CommandKind {
    Tweet,
    LargeTweet,
    FillingTweet(u8),
    Block,
    Unblock,
    View,
    LogView,
    QuorumView,
    Log,
    Blocks,
    Status,
}

/// Bytes of a submission without the text of its tweet, where most numbers are small. It is a little too low, so that
/// several submissions together are also slightly too large.
const TWEET_BESIDE_LEAST: u64 = 15;

/// The same where some numbers are larger. It is a little too high.
const TWEET_BESIDE_MOST: u64 = 27;

const MIXTURE: [(CommandKind, u32); 10] = [
    (CommandKind::Tweet, 43),
    (CommandKind::LargeTweet, 2),
    (CommandKind::Block, 8),
    (CommandKind::Unblock, 7),
    (CommandKind::View, 18),
    (CommandKind::LogView, 7),
    (CommandKind::QuorumView, 7),
    (CommandKind::Log, 3),
    (CommandKind::Blocks, 3),
    (CommandKind::Status, 2),
];
/// The mixture of a crowd, which blocks often and then looks at the effect.
const CROWD: [(CommandKind, u32); 9] = [
    (CommandKind::Tweet, 25),
    (CommandKind::Block, 38),
    (CommandKind::Unblock, 4),
    (CommandKind::View, 12),
    (CommandKind::LogView, 3),
    (CommandKind::QuorumView, 5),
    (CommandKind::Log, 2),
    (CommandKind::Blocks, 10),
    (CommandKind::Status, 1),
];
const WRITES: [(CommandKind, u32); 3] =
    [(CommandKind::Tweet, 8), (CommandKind::Block, 1), (CommandKind::Unblock, 1)];

/// A command for `asking`. Only terminals and clients have commands.
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
        Wanted::AgreedRead if draws.one_in(2) => CommandKind::QuorumView,
        Wanted::AgreedRead => CommandKind::LogView,
    };
    let users = u64::from(asking.users);
    // In a crowd, half of the views are by users whom many block.
    let is_blocked =
        asking.is_crowd && matches!(kind, CommandKind::View | CommandKind::LogView | CommandKind::QuorumView);
    let user = if is_blocked && draws.one_in(2) { draws.below(2) } else { draws.below(users) };
    let name = |number| if asking.is_crowd { long_name(number) } else { name(number) };
    // Sometimes a client sends one command and leaves, as commands of a shell do.
    let last = asking.number % 4 == 3;
    Some(match kind {
        CommandKind::Block | CommandKind::Unblock if users > 1 => {
            let (from, target) = if asking.is_crowd {
                let target = if draws.one_in(2) { draws.below(2) } else { draws.below(users) };
                ((target + draws.between(1, users - 1)) % users, target)
            } else {
                // At most two pairs, so that some unblocks undo an earlier block.
                let from = draws.below(2);
                (from, (from + 1) % users)
            };
            let (user, target) = (name(from), name(target));
            match kind {
                CommandKind::Block => TimelineCommand::Block { site, client, user, target, last },
                _ => TimelineCommand::Unblock { site, client, user, target, last },
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
            // The texts together fill about one entry: each is a few bytes shorter or longer than its part.
            let entry = entry_bytes_max(asking.datagram_max);
            let part = entry / usize::from(parts.max(1));
            let beside = draws.between(TWEET_BESIDE_LEAST, TWEET_BESIDE_MOST);
            let bytes = part.saturating_sub(usize::try_from(beside).unwrap_or(part)).min(Text::BYTES_MAX);
            let number = asking.number.to_string();
            // The limit on characters is lower than that on bytes, so most characters here have several bytes.
            let rest = bytes.saturating_sub(number.len());
            let (birds, dots) = (rest / '🐦'.len_utf8(), rest % '🐦'.len_utf8());
            let text = number + &"🐦".repeat(birds) + &".".repeat(dots);
            TimelineCommand::Tweet { site, client, user: name(user), text, last }
        }
        CommandKind::View => {
            let (user, limit, older_than) = (name(user), limit(draws), page(draws, asking));
            TimelineCommand::View { site, client, user, limit, older_than, read: ReadMode::Local }
        }
        CommandKind::LogView | CommandKind::QuorumView => {
            let (user, limit, older_than) = (name(user), limit(draws), page(draws, asking));
            let is_quorum = matches!(kind, CommandKind::QuorumView);
            let read = if is_quorum { ReadMode::Quorum } else { ReadMode::Log };
            TimelineCommand::View { site, client, user, limit, older_than, read }
        }
        CommandKind::Log => TimelineCommand::Log { site, client, from: page(draws, asking) },
        CommandKind::Blocks => {
            let after = draws.one_in(2).then(|| (name(user), name(draws.below(users))));
            TimelineCommand::Blocks { site, client, after }
        }
        CommandKind::Status => TimelineCommand::Status { site, client },
    })
}

/// The most tweets of a page: the usual number, none, a few, or more than fit.
fn limit(draws: &mut Draws) -> u64 {
    match draws.below(16) {
        0 => 0,
        1..=4 => draws.between(1, 3),
        5 => draws.between(21, 400),
        6 => u64::MAX,
        _ => 20,
    }
}

/// The position where a page begins, if not at the end of the log. There are about as many slots as commands before;
/// some pages begin at a tweet, or between two tweets of one slot.
fn page(draws: &mut Draws, asking: &Asking) -> Option<(u64, u64)> {
    draws.one_in(4).then(|| {
        let slot = asking.slots_before + draws.between(0, asking.number + 4);
        (slot, if draws.one_in(2) { draws.between(1, 3) } else { 0 })
    })
}
