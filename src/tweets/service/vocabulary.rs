//! The words of the tweet service in a scenario.

use serde::{Deserialize, Serialize};

use crate::ids::{ProcessId, SiteId};
use crate::replicated::service::OLD_KINDS;
#[cfg(feature = "schema")]
use crate::scenario::schema::shown;
use crate::scenario::step::Target;
use crate::scenario::{OldWord, Order, Place, Problem, Shape};
use crate::tweets::service::{SiteCommand, Timelines};
use crate::tweets::site::{Block, Operation, Query};
use crate::tweets::timeline::{Event, Position, Text, TimelineQuery, User, View};

/// What a user does, at the terminal of a site (`site: 0`) or with a client (`client: 0`). A command names one of
/// the two. The name of a user has 1 to 32 letters, digits, `_` and `-`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "Command"), deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Command"))]
pub enum TimelineCommand {
    /// The user posts a tweet.
    Tweet {
        /// The site at whose terminal the command is given.
        #[serde(default, skip_serializing_if = "is_usual")]
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: Option<u8>,
        /// The client that gives the command.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// The user who gives the command.
        #[cfg_attr(feature = "schema", schemars(example = &"ann"))]
        user: String,
        /// The text: 1 to 280 characters, at most 800 bytes, and no control characters.
        #[cfg_attr(feature = "schema", schemars(example = &"hello"))]
        text: String,
        /// Whether the client closes its session with this command.
        #[serde(default, skip_serializing_if = "is_usual")]
        last: bool,
    },
    /// The user hides all own tweets from another user.
    Block {
        /// The site at whose terminal the command is given.
        #[serde(default, skip_serializing_if = "is_usual")]
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: Option<u8>,
        /// The client that gives the command.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// The user who gives the command.
        #[cfg_attr(feature = "schema", schemars(example = &"ann"))]
        user: String,
        /// The other user.
        #[cfg_attr(feature = "schema", schemars(example = &"bob"))]
        #[serde(rename = "whom")]
        target: String,
        /// Whether the client closes its session with this command.
        #[serde(default, skip_serializing_if = "is_usual")]
        last: bool,
    },
    /// The user shows tweets to another user again.
    Unblock {
        /// The site at whose terminal the command is given.
        #[serde(default, skip_serializing_if = "is_usual")]
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: Option<u8>,
        /// The client that gives the command.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// The user who gives the command.
        #[cfg_attr(feature = "schema", schemars(example = &"ann"))]
        user: String,
        /// The other user.
        #[cfg_attr(feature = "schema", schemars(example = &"bob"))]
        #[serde(rename = "whom")]
        target: String,
        /// Whether the client closes its session with this command.
        #[serde(default, skip_serializing_if = "is_usual")]
        last: bool,
    },
    /// The user reads a timeline.
    View {
        /// The site at whose terminal the command is given.
        #[serde(default, skip_serializing_if = "is_usual")]
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: Option<u8>,
        /// The client that gives the command.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// The user who reads.
        #[cfg_attr(feature = "schema", schemars(example = &"ann"))]
        user: String,
        /// The largest number of tweets.
        #[serde(default = "twenty", skip_serializing_if = "is_twenty")]
        #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "shown"))]
        limit: u64,
        /// Only tweets before this slot and index of the log. Absent: the newest tweets.
        #[serde(default, skip_serializing_if = "is_usual")]
        older_than: Option<(u64, u64)>,
        /// How the site reads: `Local`, `Quorum` or `Log`.
        #[serde(default, skip_serializing_if = "is_usual")]
        read: ReadMode,
    },
    /// The user reads the log as far as the site knows it.
    Log {
        /// The site at whose terminal the command is given.
        #[serde(default, skip_serializing_if = "is_usual")]
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: Option<u8>,
        /// The client that gives the command.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// The first slot and index. Absent: the beginning of the log.
        #[serde(default, skip_serializing_if = "is_usual")]
        from: Option<(u64, u64)>,
    },
    /// The user reads who blocks whom, as far as the site knows it.
    Blocks {
        /// The site at whose terminal the command is given.
        #[serde(default, skip_serializing_if = "is_usual")]
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: Option<u8>,
        /// The client that gives the command.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// Only pairs after this one: the user who blocks, and the blocked user. Absent: all pairs.
        #[serde(default, skip_serializing_if = "is_usual")]
        after: Option<(String, String)>,
    },
    /// The user asks for the status of the site.
    Status {
        /// The site at whose terminal the command is given.
        #[serde(default, skip_serializing_if = "is_usual")]
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: Option<u8>,
        /// The client that gives the command.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
    },
}

/// How a site reads what a view shows. `Quorum` and `Log` are linearizable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename(deserialize = "read mode"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ReadMode", extend("default" = "Local")))]
pub enum ReadMode {
    /// The site answers at once, from what it has applied.
    #[default]
    Local,
    /// The site asks a quorum how far the logs reach, and answers when it has applied that much.
    Quorum,
    /// The view is an entry in the log, and shows what stands before that entry.
    Log,
}

fn twenty() -> u64 {
    20
}

fn is_twenty(number: &u64) -> bool {
    *number == twenty()
}

fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Words that were renamed, kinds of messages and notes included.
pub(super) const OLD_WORDS: &[OldWord] = &{
    const VIEW: &[&str] = &["View"];
    let mut words = [OldWord::note("", ""); OLD_KINDS.len() + 4];
    let (kinds, views) = words.split_at_mut(OLD_KINDS.len());
    kinds.copy_from_slice(OLD_KINDS);
    views[0] = OldWord::field_with_value(VIEW, "linearizable: true", "read: Log");
    views[1] = OldWord::field_with_value(VIEW, "linearizable: false", "");
    views[2] = OldWord::field_with_value(VIEW, "fresh: true", "read: Quorum");
    views[3] = OldWord::field_with_value(VIEW, "fresh: false", "");
    words
};

/// A terminal or a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Asker {
    /// The terminal of the site with this number.
    Site(u8),
    /// The client with this number.
    Client(u16),
}

/// An expectation of the state of a site, or of the answers to a client.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "Expectation"), deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Expectation"))]
pub enum TimelineExpectation {
    /// The timeline that a site shows to a user.
    View {
        /// The site that is judged.
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: u8,
        /// The user who reads.
        #[cfg_attr(feature = "schema", schemars(example = &"ann"))]
        user: String,
        /// All tweets, newest first, as in `["bob: no", "ann: hello"]`.
        sees: Vec<String>,
    },
    /// The events in a site's log that took effect. Names either the events or their number.
    Log {
        /// The site that is judged.
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: u8,
        /// All events, oldest first, as in `["ann: hello", "ann blocks bob"]`.
        #[serde(default, skip_serializing_if = "is_usual")]
        is: Option<Vec<String>>,
        /// The number of events.
        #[serde(default, skip_serializing_if = "is_usual")]
        #[cfg_attr(feature = "schema", schemars(example = 1))]
        count: Option<usize>,
    },
    /// A slot is known to be chosen.
    Chosen {
        /// The site that knows it. Absent: any site.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// The number of the slot.
        slot: u64,
        /// Whether the slot holds a no-op. Absent: either.
        #[serde(default, skip_serializing_if = "is_usual")]
        noop: Option<bool>,
    },
    /// A slot is not known to be chosen.
    Unchosen {
        /// The site that does not know it. Absent: no site does.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// The number of the slot.
        slot: u64,
    },
    /// The number of slots that a site has applied. Names a least number, a greatest number or both.
    Applied {
        /// The site that is judged.
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: u8,
        /// The least number.
        #[serde(default, skip_serializing_if = "is_usual")]
        #[cfg_attr(feature = "schema", schemars(example = 1))]
        at_least: Option<u64>,
        /// The greatest number.
        #[serde(default, skip_serializing_if = "is_usual")]
        at_most: Option<u64>,
    },
    /// The users who block others, as a site knows it.
    Blocks {
        /// The site that is judged.
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: u8,
        /// All pairs in the order of the names, as in `["ann blocks bob"]`.
        are: Vec<String>,
    },
    /// The number of submissions that wait in the queue of a site.
    Queue {
        /// The site that is judged.
        #[cfg_attr(feature = "schema", schemars(example = 0))]
        site: u8,
        /// The number of submissions.
        holds: usize,
    },
    /// Every command of a terminal or a client was answered.
    Answered(Asker),
}

/// Reads names and texts, and keeps what is wrong with them.
#[derive(Default)]
struct Reading(Vec<Problem>);

impl Reading {
    fn user(&mut self, field: &'static str, name: &str) -> Option<User> {
        let problem = |why: crate::tweets::timeline::NameError| {
            Problem::new(Place::whole().field(field), why.to_string())
        };
        name.parse().map_err(|why| self.0.push(problem(why))).ok()
    }

    fn text(&mut self, field: &'static str, text: &str) -> Option<Text> {
        let problem = |why: crate::tweets::timeline::TextError| {
            let why = why.to_string();
            let (message, help) = why.split_once(": ").unwrap_or((&why, ""));
            Problem::new(Place::whole().field(field), message).help(help)
        };
        text.parse().map_err(|why| self.0.push(problem(why))).ok()
    }

    fn asker(&mut self, site: Option<u8>, client: Option<u16>) -> Option<(ProcessId, Place)> {
        let (place, help) = (Place::whole(), "`site: 0` for its terminal, or `client: 0`");
        match (site, client) {
            (Some(number), None) => {
                let place = place.field("site");
                let Some(site) = SiteId::new(number) else {
                    self.0.push(Problem::new(place, format!("there is no site {number}")));
                    return None;
                };
                Some((ProcessId::Terminal(site), place))
            }
            (None, Some(number)) => Some((ProcessId::Client(number), place.field("client"))),
            (None, None) => {
                self.0.push(Problem::new(place, "nobody says where").help(help));
                None
            }
            (Some(_), Some(_)) => {
                self.0.push(Problem::new(place.field("client"), "both a site and a client").help(help));
                None
            }
        }
    }
}

impl TimelineCommand {
    /// What it hands to whom.
    pub(super) fn compile(&self) -> Result<Order<Timelines>, Vec<Problem>> {
        let mut reading = Reading::default();
        let (asker, command) = match self {
            TimelineCommand::Tweet { site, client, user, text, last } => {
                let asker = reading.asker(*site, *client);
                let (user, text) = (reading.user("user", user), reading.text("text", text));
                (asker, user.zip(text).map(|(user, text)| event(Event::Tweet { user, text }, *last)))
            }
            TimelineCommand::Block { site, client, user, target, last } => {
                let asker = reading.asker(*site, *client);
                (asker, reading.pair((user, target), *last, Event::block))
            }
            TimelineCommand::Unblock { site, client, user, target, last } => {
                let asker = reading.asker(*site, *client);
                (asker, reading.pair((user, target), *last, Event::unblock))
            }
            TimelineCommand::View { site, client, user, limit, older_than, read } => {
                let asker = reading.asker(*site, *client);
                let older_than = older_than.map(|(slot, index)| Position { slot, index });
                let view = |viewer| View { viewer, limit: *limit, older_than };
                let command = |view| match read {
                    ReadMode::Local => SiteCommand::Query(Query::Of(TimelineQuery::View { view })),
                    ReadMode::Quorum => SiteCommand::Query(Query::Of(TimelineQuery::QuorumView { view })),
                    ReadMode::Log => SiteCommand::Do(Operation::View { view }),
                };
                (asker, reading.user("user", user).map(view).map(command))
            }
            TimelineCommand::Log { site, client, from } => {
                let from = from.map_or(Position::default(), |(slot, index)| Position { slot, index });
                (reading.asker(*site, *client), Some(SiteCommand::Query(Query::Log { from })))
            }
            TimelineCommand::Blocks { site, client, after: None } => (
                reading.asker(*site, *client),
                Some(SiteCommand::Query(Query::Of(TimelineQuery::Blocks { after: None }))),
            ),
            TimelineCommand::Blocks { site, client, after: Some((user, target)) } => {
                let asker = reading.asker(*site, *client);
                let (user, target) = (reading.user("after", user), reading.user("after", target));
                let after = user.zip(target).map(|(user, target)| Block { user, target });
                (
                    asker,
                    after.map(|after| {
                        SiteCommand::Query(Query::Of(TimelineQuery::Blocks { after: Some(after) }))
                    }),
                )
            }
            TimelineCommand::Status { site, client } => {
                (reading.asker(*site, *client), Some(SiteCommand::Query(Query::Status)))
            }
        };
        match (asker, command) {
            (Some((to, place)), Some(command)) if reading.0.is_empty() => {
                Ok(Order { to: Target::of(to), command, place })
            }
            _ => Err(reading.0),
        }
    }
}

impl Reading {
    fn pair<E: core::fmt::Display>(
        &mut self,
        (user, target): (&str, &str),
        is_last: bool,
        make: fn(User, User) -> Result<Event, E>,
    ) -> Option<SiteCommand> {
        let (user, target) = (self.user("user", user), self.user("whom", target));
        let (user, target) = user.zip(target)?;
        let problem = |why: E| Problem::new(Place::whole().field("whom"), why.to_string());
        make(user, target).map_err(|why| self.0.push(problem(why))).ok().map(|made| event(made, is_last))
    }
}

fn event(event: Event, is_last: bool) -> SiteCommand {
    let operation = Operation::Event { event };
    if is_last { SiteCommand::DoLast(operation) } else { SiteCommand::Do(operation) }
}

impl TimelineExpectation {
    /// Everything that is wrong with it.
    pub(super) fn check(&self, shape: &Shape) -> Vec<Problem> {
        let mut reading = Reading::default();
        let place = Place::whole();
        let site = match self {
            TimelineExpectation::View { site, user, .. } => {
                reading.user("user", user);
                Some(*site)
            }
            TimelineExpectation::Log { site, is, count } => {
                if is.is_some() == count.is_some() {
                    let help = "`is: [..]` for every event, or `count: 3`";
                    reading
                        .0
                        .push(Problem::new(place.clone(), "either its events or their number").help(help));
                }
                Some(*site)
            }
            TimelineExpectation::Chosen { site, .. } | TimelineExpectation::Unchosen { site, .. } => *site,
            TimelineExpectation::Applied { site, at_least, at_most } => {
                if at_least.is_none() && at_most.is_none() {
                    let help = "`at_least: 3`, `at_most: 3` or both";
                    reading.0.push(Problem::new(place.clone(), "nothing is said of how many").help(help));
                }
                if let (Some(least), Some(most)) = (at_least, at_most)
                    && least > most
                {
                    let message = format!("at least {least} and at most {most} cannot both hold");
                    reading.0.push(Problem::new(place.field("at_most"), message));
                }
                Some(*site)
            }
            TimelineExpectation::Blocks { site, .. } | TimelineExpectation::Queue { site, .. } => Some(*site),
            TimelineExpectation::Answered(Asker::Site(site)) => {
                let place = place.index(0).index(0);
                reading.0.extend(shape.check_site(*site, place));
                None
            }
            TimelineExpectation::Answered(Asker::Client(client)) => {
                if *client >= shape.clients {
                    let place = place.index(0).index(0);
                    reading.0.push(Problem::new(place, format!("there is no client {client}")));
                }
                None
            }
        };
        reading.0.extend(site.and_then(|site| shape.check_site(site, place.field("site"))));
        reading.0
    }
}
