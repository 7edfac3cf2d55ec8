//! The prompt: commands that were typed, until they are answered.
//!
//! Commands are processed in order. Events are sent one after another without a wait between them. A query waits for
//! the events before it, so that people see what they did, but no longer than [`PATIENCE`]: a site that cannot reach
//! the others still shows what it knows. A query also waits so for linearizable views before it. Lists are fetched one
//! at a time, and events wait until every query before them is answered. `status`, `sites` and `help` never wait.

use std::collections::VecDeque;

use aviary::time::{Duration, Instant};
use aviary::tweets::site::{Block, Command, Note, Query, Reply};
use aviary::tweets::timeline::{Position, TimelineQuery, TimelineReply, User, View};

use crate::answers;
use crate::commands::{self, TypedCommand};

/// The longest time for which a query waits for the events before it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The longest time for which the end waits for answers.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// The most commands that wait, and the most events that are under way. A client's queue holds more.
const WAITING_MAX: usize = 64;

/// The commands that are under way, and those that wait.
pub(crate) struct Prompt {
    waiting: VecDeque<TypedCommand>,
    /// The time at which the first of them became the first.
    first_since: Instant,
    /// Events that were sent and not answered.
    events: usize,
    query: Option<ListFetch>,
    /// Linearizable views that were sent and not answered.
    fresh: usize,
    /// Requests for the status that were sent and not answered.
    statuses: usize,
    /// The time at which the input ended.
    ended: Option<Instant>,
    /// Commands to hand to the terminal next.
    commands: Vec<Command>,
}

/// A list that is being fetched, page by page.
struct ListFetch {
    list: List,
    shown: u64,
}

enum List {
    View { viewer: User, limit: u64 },
    Log,
    Blocks,
}

/// The answer that a line gets at once.
pub(crate) enum AtOnce {
    Nothing,
    Error(String),
    Help,
    Sites,
}

/// Whether the program may end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The input goes on, or answers are still awaited.
    NotYet,
    /// Everything was answered.
    Answered,
    /// This many commands were not answered in time.
    Unanswered(usize),
}

impl Prompt {
    pub(crate) fn new() -> Prompt {
        Prompt {
            waiting: VecDeque::new(),
            first_since: Instant::ZERO,
            events: 0,
            query: None,
            fresh: 0,
            statuses: 0,
            ended: None,
            commands: Vec::new(),
        }
    }

    /// Whether it takes another line.
    pub(crate) fn has_room(&self) -> bool {
        self.ended.is_none() && self.waiting.len() < WAITING_MAX && self.statuses < WAITING_MAX
    }

    pub(crate) fn on_line(&mut self, now: Instant, line: &str) -> AtOnce {
        match commands::parse(line) {
            Err(error) => return AtOnce::Error(error),
            Ok(None) => {}
            Ok(Some(TypedCommand::Help)) => return AtOnce::Help,
            Ok(Some(TypedCommand::Sites)) => return AtOnce::Sites,
            Ok(Some(TypedCommand::Quit)) => self.on_end(now),
            Ok(Some(TypedCommand::Status)) => {
                self.statuses += 1;
                self.commands.push(Command::Query(Query::Status));
            }
            Ok(Some(word)) => {
                if self.waiting.is_empty() {
                    self.first_since = now;
                }
                self.waiting.push_back(word);
            }
        }
        AtOnce::Nothing
    }

    /// No more lines follow.
    pub(crate) fn on_end(&mut self, now: Instant) {
        self.ended = self.ended.or(Some(now));
    }

    /// The commands to hand to the terminal at this time.
    pub(crate) fn take_commands(&mut self, now: Instant) -> Vec<Command> {
        while let Some(command) = self.next_command(now) {
            self.commands.push(command);
        }
        core::mem::take(&mut self.commands)
    }

    fn next_command(&mut self, now: Instant) -> Option<Command> {
        let first = self.waiting.front()?;
        let is_due = self.events + self.fresh == 0 || now.since(self.first_since) >= PATIENCE;
        let can_ask = match first {
            TypedCommand::Do(_) => self.query.is_none() && self.fresh == 0 && self.events < WAITING_MAX,
            _ => self.query.is_none() && is_due,
        };
        if !can_ask {
            return None;
        }
        let list = match self.waiting.pop_front()? {
            TypedCommand::Do(operation) => {
                self.first_since = now;
                self.events += 1;
                return Some(Command::Do(operation));
            }
            TypedCommand::QuorumView(view) => {
                self.first_since = now;
                self.fresh += 1;
                return Some(Command::Query(Query::Of(TimelineQuery::QuorumView { view })));
            }
            TypedCommand::View { viewer, limit } => List::View { viewer, limit },
            TypedCommand::Log => List::Log,
            TypedCommand::Blocks => List::Blocks,
            // These are answered at once.
            TypedCommand::Sites | TypedCommand::Status | TypedCommand::Help | TypedCommand::Quit => {
                return None;
            }
        };
        self.first_since = now;
        let command = list.ask(0, None, None);
        self.query = Some(ListFetch { list, shown: 0 });
        Some(command)
    }

    /// The time at which [`Prompt::take_commands`] or [`Prompt::end`] is due again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let is_query = self.waiting.front().is_some_and(|word| !matches!(word, TypedCommand::Do(_)));
        let query = (is_query && self.query.is_none()).then_some(self.first_since + PATIENCE);
        query.into_iter().chain(self.ended.map(|at| at + END_PATIENCE)).min()
    }

    /// The number of commands without an answer.
    pub(crate) fn unanswered(&self) -> usize {
        self.waiting.len() + self.events + self.fresh + self.statuses + usize::from(self.query.is_some())
    }

    /// Whether the program may end.
    pub(crate) fn end(&self, now: Instant) -> End {
        let Some(at) = self.ended else { return End::NotYet };
        let unanswered = self.unanswered();
        if unanswered == 0 {
            End::Answered
        } else if now.since(at) >= END_PATIENCE {
            End::Unanswered(unanswered)
        } else {
            End::NotYet
        }
    }

    /// Takes a note of the client, and returns the text to print.
    pub(crate) fn on_note(&mut self, note: &Note, counters: &aviary::udp::Counters) -> String {
        match note {
            Note::Done(at, operation, answer) => {
                self.events = self.events.saturating_sub(1);
                answers::done(*at, operation, answer)
            }
            Note::OutcomeUnknown(operation) => {
                self.events = self.events.saturating_sub(1);
                answers::lost(operation)
            }
            Note::GaveUp(operation) => {
                self.events = self.events.saturating_sub(1);
                answers::undone(operation)
            }
            Note::QuorumReply(_, _, applied, _, TimelineReply::View { page }) => {
                self.fresh = self.fresh.saturating_sub(1);
                answers::shown(*applied, page)
            }
            Note::LocalReply(_, _, _, Reply::Status { status }) => {
                self.statuses = self.statuses.saturating_sub(1);
                answers::status(status, counters)
            }
            Note::LocalReply(_, _, _, reply) => self.on_page(reply),
            _ => String::new(),
        }
    }

    /// Shows a page, and asks for the next.
    fn on_page(&mut self, reply: &Reply) -> String {
        let Some(mut asked) = self.query.take() else { return String::new() };
        let (text, count, noun, next) = match (&asked.list, reply) {
            (List::View { limit, .. }, Reply::Of(TimelineReply::View { page })) => {
                let count = page.tweets.len() as u64;
                // A page may show nothing and still name where to go on.
                let next = page.next.filter(|_| asked.shown + count < *limit);
                let next = next.map(|next| asked.list.ask(asked.shown + count, Some(next), None));
                (answers::tweets(page), count, "tweet", next)
            }
            (List::Log, Reply::Log { lines, has_more }) => {
                let last = lines.last().filter(|_| *has_more).map(|line| line.position);
                let next = last.map(|last| asked.list.ask(0, Some(last), None));
                (answers::log(lines), lines.len() as u64, "entry", next)
            }
            (List::Blocks, Reply::Of(TimelineReply::Blocks { blocks, has_more })) => {
                let text =
                    blocks.iter().map(|Block { user, target }| format!("{user} blocks {target}\n")).collect();
                let next =
                    blocks.last().filter(|_| *has_more).map(|last| asked.list.ask(0, None, Some(last)));
                (text, blocks.len() as u64, "block", next)
            }
            // A reply to another query.
            _ => {
                self.query = Some(asked);
                return String::new();
            }
        };
        asked.shown += count;
        match next {
            Some(command) => {
                self.commands.push(command);
                self.query = Some(asked);
                text
            }
            None => text + &answers::total(asked.shown, noun),
        }
    }
}

impl List {
    /// The next page: after `shown` tweets, which reach down to the position `last`; after the log up to `last`; or
    /// after the pair `last_block`.
    fn ask(&self, shown: u64, last: Option<Position>, last_block: Option<&Block>) -> Command {
        Command::Query(match self {
            List::View { viewer, limit } => {
                let limit = limit.saturating_sub(shown);
                Query::Of(TimelineQuery::View {
                    view: View { viewer: viewer.clone(), limit, older_than: last },
                })
            }
            List::Log => {
                let behind = |last: Position| Position { slot: last.slot, index: last.index + 1 };
                Query::Log { from: last.map_or_else(Position::default, behind) }
            }
            List::Blocks => Query::Of(TimelineQuery::Blocks { after: last_block.cloned() }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aviary::tweets::site::{Answer, LogLine, Operation, Request, TimelineOutcome};
    use aviary::udp::Counters;

    const S: fn(u64) -> Instant = |seconds| Instant::from_micros(seconds * 1_000_000);

    fn asked(prompt: &mut Prompt, now: Instant) -> Vec<String> {
        prompt.take_commands(now).iter().map(Command::to_string).collect()
    }

    fn done(operation: &str) -> Note {
        let at = Position { slot: 7, index: 0 };
        let Ok(Some(TypedCommand::Do(operation))) = commands::parse(operation) else { panic!("{operation}") };
        Note::Done(at, operation, Answer::Of(TimelineOutcome::Done))
    }

    fn log(slots: core::ops::Range<u64>, has_more: bool) -> Note {
        let nonce = 1;
        let client = aviary::ids::ProcessId::Client(3);
        let line = |slot| LogLine {
            position: Position { slot, index: 0 },
            request: Request::Open { client, nonce },
        };
        let reply = Reply::Log { lines: slots.map(line).collect(), has_more };
        Note::LocalReply(1, aviary::ids::SiteId::default(), aviary::replicated::paxos::Slot(9), reply)
    }

    #[test]
    fn a_query_waits_for_the_events_before_it_but_not_for_ever() {
        let mut prompt = Prompt::new();
        for line in ["tweet ann a", "tweet ann b", "log", "tweet ann c", "status"] {
            assert!(matches!(prompt.on_line(S(1), line), AtOnce::Nothing));
        }
        assert_eq!(asked(&mut prompt, S(1)), ["status", "ann: a", "ann: b"]);
        assert_eq!(prompt.deadline(), Some(S(3)));
        let counters = Counters::default();
        assert_eq!(prompt.on_note(&done("tweet ann a"), &counters), "tweeted at 7.0\n");
        assert_eq!(asked(&mut prompt, S(2)), [""; 0]);
        assert_eq!(asked(&mut prompt, S(3)), ["log"], "its patience is at an end");
        assert_eq!(prompt.on_note(&log(0..1, true), &counters), "0.0 C3 opens a session\n");
        let next = prompt.take_commands(S(3));
        let behind = Position { slot: 0, index: 1 };
        assert_eq!(next, [Command::Query(Query::Log { from: behind })]);
        assert_eq!(prompt.on_note(&log(1..2, false), &counters), "1.0 C3 opens a session\n(2 entries)\n");
        assert_eq!(asked(&mut prompt, S(3)), ["ann: c"]);
    }

    #[test]
    fn the_end_waits_for_answers_but_not_for_ever() {
        let mut prompt = Prompt::new();
        prompt.on_line(S(1), "tweet ann a");
        assert_eq!(asked(&mut prompt, S(1)).len(), 1);
        assert_eq!(prompt.end(S(1)), End::NotYet);
        prompt.on_line(S(1), "quit");
        assert!(!prompt.has_room());
        assert_eq!((prompt.end(S(5)), prompt.end(S(6))), (End::NotYet, End::Unanswered(1)));
        prompt.on_note(&done("tweet ann a"), &Counters::default());
        assert_eq!(prompt.end(S(5)), End::Answered);
    }

    #[test]
    fn wrong_lines_ask_nothing() {
        let mut prompt = Prompt::new();
        assert!(matches!(prompt.on_line(S(1), "nonsense"), AtOnce::Error(_)));
        assert!(matches!(prompt.on_line(S(1), "help"), AtOnce::Help));
        assert!(matches!(prompt.on_line(S(1), "sites"), AtOnce::Sites));
        assert!(matches!(prompt.on_line(S(1), ""), AtOnce::Nothing));
        assert_eq!(asked(&mut prompt, S(1)), [""; 0]);
        let lost = Note::OutcomeUnknown(Operation::Event {
            event: aviary::tweets::timeline::Event::Tweet {
                user: "ann".parse().unwrap(),
                text: "hello".parse().unwrap(),
            },
        });
        let answer = prompt.on_note(&lost, &Counters::default());
        assert_eq!(answer, "error: outcome unknown, the session expired: ann: hello\n");
    }
}
