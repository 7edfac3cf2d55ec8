//! The words of the tweet service in a scenario.

use serde::{Deserialize, Serialize};

use crate::ids::{ProcessId, SiteId};
use crate::scenario::{Order, Place, Problem, Shape};
use crate::tweets::service::{SiteCommand, Timelines};
use crate::tweets::site::{Block, Operation, Query};
use crate::tweets::timeline::{Event, Position, Text, TimelineQuery, User, View};

/// What a user does, at the terminal of a site (`site: 0`) or with a client (`client: 0`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "Command"), deny_unknown_fields)]
pub enum TimelineCommand {
    /// Says something.
    Tweet {
        /// At this site's terminal.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// Or with this client.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// Who.
        user: String,
        /// What: 1 to 280 characters.
        text: String,
        /// Whether the client closes its session with it.
        #[serde(default, skip_serializing_if = "is_usual")]
        last: bool,
    },
    /// No longer shows tweets to somebody.
    Block {
        /// At this site's terminal.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// Or with this client.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// Who.
        user: String,
        /// To whom.
        whom: String,
        /// Whether the client closes its session with it.
        #[serde(default, skip_serializing_if = "is_usual")]
        last: bool,
    },
    /// Shows tweets to somebody again.
    Unblock {
        /// At this site's terminal.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// Or with this client.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// Who.
        user: String,
        /// To whom.
        whom: String,
        /// Whether the client closes its session with it.
        #[serde(default, skip_serializing_if = "is_usual")]
        last: bool,
    },
    /// Looks at a timeline.
    View {
        /// At this site's terminal.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// Or with this client.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// Who looks.
        user: String,
        /// At most so many tweets.
        #[serde(default = "twenty", skip_serializing_if = "is_twenty")]
        limit: u64,
        /// Only what stands in the log before this slot and index.
        #[serde(default, skip_serializing_if = "is_usual")]
        older_than: Option<(u64, u64)>,
        /// Whether the view is an entry in the log; else the site answers at once, from what it knows.
        #[serde(default, skip_serializing_if = "is_usual")]
        linearizable: bool,
        /// Whether it is linearizable without an entry: the site asks a quorum how far the logs reach, and answers
        /// when it has applied as much.
        #[serde(default, skip_serializing_if = "is_usual")]
        fresh: bool,
    },
    /// Looks at the log, as far as the site knows it.
    Log {
        /// At this site's terminal.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// Or with this client.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// From this slot and index on; from its beginning when absent.
        #[serde(default, skip_serializing_if = "is_usual")]
        from: Option<(u64, u64)>,
    },
    /// Looks at who blocks whom, as far as the site knows it.
    Blocks {
        /// At this site's terminal.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// Or with this client.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
        /// Only what comes after this pair: who blocks, and whom.
        #[serde(default, skip_serializing_if = "is_usual")]
        after: Option<(String, String)>,
    },
    /// Asks how the site is.
    Status {
        /// At this site's terminal.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// Or with this client.
        #[serde(default, skip_serializing_if = "is_usual")]
        client: Option<u16>,
    },
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

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Asker {
    /// The terminal of this site.
    Site(u8),
    /// This client.
    Client(u16),
}

/// What is expected of the service.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "Expectation"), deny_unknown_fields)]
pub enum TimelineExpectation {
    /// What a site shows to a user, newest first: `["bob: no", "ann: hello"]`.
    View {
        /// The site.
        site: u8,
        /// Who looks.
        user: String,
        /// Every tweet.
        sees: Vec<String>,
    },
    /// The events of a site's log that took effect, oldest first: `["ann: hello", "ann blocks bob"]`.
    Log {
        /// The site.
        site: u8,
        /// Every event.
        #[serde(default, skip_serializing_if = "is_usual")]
        is: Option<Vec<String>>,
        /// How many.
        #[serde(default, skip_serializing_if = "is_usual")]
        count: Option<usize>,
    },
    /// A slot is known to be chosen.
    Chosen {
        /// By this site, or by any.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// The slot.
        slot: u64,
        /// Whether it holds a no-op; either when absent.
        #[serde(default, skip_serializing_if = "is_usual")]
        noop: Option<bool>,
    },
    /// A slot is not known to be chosen.
    Unchosen {
        /// By this site, or by none.
        #[serde(default, skip_serializing_if = "is_usual")]
        site: Option<u8>,
        /// The slot.
        slot: u64,
    },
    /// How many slots a site has applied.
    Applied {
        /// The site.
        site: u8,
        /// How many at least.
        #[serde(default, skip_serializing_if = "is_usual")]
        at_least: Option<u64>,
        /// How many at most.
        #[serde(default, skip_serializing_if = "is_usual")]
        at_most: Option<u64>,
    },
    /// Who blocks whom at a site, in the order of the names: `["ann blocks bob"]`.
    Blocks {
        /// The site.
        site: u8,
        /// Every pair.
        are: Vec<String>,
    },
    /// So many submissions wait in a site's queue.
    Queue {
        /// The site.
        site: u8,
        /// How many.
        holds: usize,
    },
    /// Every command of this one was answered.
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
            TimelineCommand::Block { site, client, user, whom, last } => {
                let asker = reading.asker(*site, *client);
                (asker, reading.pair((user, whom), *last, Event::block))
            }
            TimelineCommand::Unblock { site, client, user, whom, last } => {
                let asker = reading.asker(*site, *client);
                (asker, reading.pair((user, whom), *last, Event::unblock))
            }
            TimelineCommand::View { site, client, user, limit, older_than, linearizable, fresh } => {
                let asker = reading.asker(*site, *client);
                if *linearizable && *fresh {
                    let problem =
                        Problem::new(Place::whole().field("fresh"), "it is linearizable either way");
                    let help =
                        "`linearizable: true` for an entry in the log, or `fresh: true` for a read round";
                    reading.0.push(problem.help(help));
                }
                let older_than = older_than.map(|(slot, index)| Position { slot, index });
                let view = |viewer| View { viewer, limit: *limit, older_than };
                let command = |view| match (linearizable, fresh) {
                    (true, _) => SiteCommand::Do(Operation::View { view }),
                    (false, true) => SiteCommand::Tell(Query::Of(TimelineQuery::Fresh { view })),
                    (false, false) => SiteCommand::Tell(Query::Of(TimelineQuery::View { view })),
                };
                (asker, reading.user("user", user).map(view).map(command))
            }
            TimelineCommand::Log { site, client, from } => {
                let from = from.map_or(Position::default(), |(slot, index)| Position { slot, index });
                (reading.asker(*site, *client), Some(SiteCommand::Tell(Query::Log { from })))
            }
            TimelineCommand::Blocks { site, client, after: None } => (
                reading.asker(*site, *client),
                Some(SiteCommand::Tell(Query::Of(TimelineQuery::Blocks { after: None }))),
            ),
            TimelineCommand::Blocks { site, client, after: Some((user, whom)) } => {
                let asker = reading.asker(*site, *client);
                let (user, whom) = (reading.user("after", user), reading.user("after", whom));
                let after = user.zip(whom).map(|(user, whom)| Block { user, whom });
                (
                    asker,
                    after.map(|after| {
                        SiteCommand::Tell(Query::Of(TimelineQuery::Blocks { after: Some(after) }))
                    }),
                )
            }
            TimelineCommand::Status { site, client } => {
                (reading.asker(*site, *client), Some(SiteCommand::Tell(Query::Status)))
            }
        };
        match (asker, command) {
            (Some((to, place)), Some(command)) if reading.0.is_empty() => Ok(Order { to, command, place }),
            _ => Err(reading.0),
        }
    }
}

impl Reading {
    fn pair<E: core::fmt::Display>(
        &mut self,
        (user, whom): (&str, &str),
        is_last: bool,
        make: fn(User, User) -> Result<Event, E>,
    ) -> Option<SiteCommand> {
        let (user, whom) = (self.user("user", user), self.user("whom", whom));
        let (user, whom) = user.zip(whom)?;
        let problem = |why: E| Problem::new(Place::whole().field("whom"), why.to_string());
        make(user, whom).map_err(|why| self.0.push(problem(why))).ok().map(|made| event(made, is_last))
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
