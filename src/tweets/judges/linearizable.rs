//! Checks that what users learn of tweets, blocks and linearizable views has a linearization: an order in which each
//! operation takes effect at one moment between its request and its answer, and each view shows what the order gives.
//! Both views by an entry of the log and views by a read round count.
//!
//! The history is that of users: what a client was commanded to do, when its request left it first, and when and what
//! it reported to its user. A request may have taken effect at any time or never if its client learned that its session
//! expired, never got an answer, or was restarted. A command that never left its client never happened. The request's
//! place in the log is a hint to the search, and nothing more.
//!
//! Does not check local views (see `sessions`), where in the log anything stands, where a page is cut for its size (see
//! `timelines`), nor where exactly `older_than` cuts: such a view may show any past whose tweets all stand before it.
//! When the search spends its steps, nothing more of the run is judged here, and the judge reports that as unknown.
//!
//! The whole history is judged at once. Parts of it are searched only to show that the whole has no linearization. That
//! is sound where a linearization of the whole makes one of the part ([`TimelineModel::without`] proves it for each
//! part). A linearization of each part would prove nothing: a page shows tweets of all users in one order, and depends
//! on the blocks of all users, so neither users nor viewers nor clients are independent.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display};

use crate::cow_log::CowLog;
use crate::ids::ProcessId;
use crate::judges::linearizable::{Call, Moment, Sequential};
use crate::judges::{Contradiction, History};
use crate::replicated::paxos::Slot;
use crate::sim::Violation;
use crate::time::Instant;
use crate::tweets::judges::shelf::CowMap;
use crate::tweets::judges::{FactKinds, JudgeContext, SeenFact};
use crate::tweets::site::{Answer, Command, Message, Note, Operation, Query, Request, RequestId};
use crate::tweets::timeline::{
    Event, Page, Position, Text, TimelineOutcome, TimelineQuery, TimelineReply, User, View,
};

const PROPERTY: &str = "linearizable";

/// The judge.
#[derive(Clone)]
pub struct Linearizable {
    history: History<TimelineModel>,
    clients: BTreeMap<ProcessId, CallingClient>,
    /// By client and query id, the slot as of which a read round's view was answered: a hint, as the log is.
    answered_as_of: CowMap<(ProcessId, u64), Slot>,
    /// For each call that was asked for again in a new session, its last request by its first one: a hint too.
    anew: BTreeMap<RequestId, RequestId>,
}

/// The commands and calls of one client.
#[derive(Clone, Default)]
struct CallingClient {
    /// The commands that it has not asked for yet, with their moments.
    commanded: VecDeque<(Operation, Moment)>,
    /// The request that it waits for, and the number of the call.
    asked: Option<(RequestId, usize)>,
    /// Whether its next request is for the same call, because it learned that the last one was not done.
    is_anew: bool,
    /// By query id, the numbers of the calls for views by a read round.
    reads: BTreeMap<u64, usize>,
}

/// Something that was asked for, and the name of its request or query.
#[derive(Clone)]
pub struct UserCall {
    operation: Operation,
    name: Option<CallName>,
}

/// The name under which something was asked for.
#[derive(Clone, Copy)]
enum CallName {
    Request(RequestId),
    /// This query of this client.
    Query(ProcessId, u64),
}

/// The answer to a call.
#[derive(Clone, PartialEq, Debug)]
pub enum Response {
    /// The event is done.
    Done,
    /// A page.
    Shown {
        /// The tweets, newest first.
        tweets: Vec<Statement>,
        /// Whether older ones may follow; `None` if unknown, in a history from which tweets were left out.
        has_more: Option<bool>,
    },
}

/// The author and the text of a tweet.
pub type Statement = (User, Text);

/// The service as its manual describes it: tweets in one order, and blocks.
#[derive(Clone, Copy)]
pub struct TimelineModel;

/// The effects of users' calls so far.
#[derive(Clone, PartialEq, Default)]
pub struct UserCalls {
    tweets: CowLog<Statement>,
    blocks: BTreeSet<(User, User)>,
}

impl Default for Linearizable {
    fn default() -> Linearizable {
        Linearizable {
            history: History::new(TimelineModel),
            clients: BTreeMap::new(),
            answered_as_of: CowMap::default(),
            anew: BTreeMap::new(),
        }
    }
}

impl Linearizable {
    pub(super) const LOOKS_AT: FactKinds = FactKinds::STARTED.and(FactKinds::REQUEST).and(FactKinds::QUERY);

    /// A sentence about what could not be judged.
    pub fn unknown(&self) -> Option<String> {
        let calls = self.history.unknown()?;
        Some(format!("{PROPERTY}: nothing is judged behind call {calls}, where the search spent its steps"))
    }

    /// A user gives a command.
    pub(super) fn on_commanded(&mut self, now: Instant, process: ProcessId, command: &Command) {
        if let Command::Do(operation) | Command::DoLast(operation) = command {
            let moment = self.history.moment(now);
            self.clients.entry(process).or_default().commanded.push_back((operation.clone(), moment));
        }
    }

    pub(super) fn look(&mut self, now: Instant, fact: &SeenFact<'_>) {
        match *fact {
            // Requests of an earlier life may still take effect, but no user will learn of it.
            SeenFact::Started { process, .. } => {
                self.clients.remove(&process);
            }
            SeenFact::Left { from, message: Message::Request { request }, .. } => {
                self.on_asked(now, from, request)
            }
            SeenFact::Left {
                from,
                message: Message::Query { id, query: Query::Of(TimelineQuery::QuorumView { view }), .. },
                ..
            } => {
                self.on_read(now, from, *id, view);
            }
            SeenFact::Left { .. } | SeenFact::Own { .. } | SeenFact::Durable { .. } => {}
        }
    }

    fn on_asked(&mut self, now: Instant, from: ProcessId, request: &Request) {
        let (Request::Execute { operation, .. }, id) = (request, request.id()) else { return };
        let Some(client) = self.clients.get_mut(&from) else { return };
        if client.asked.is_some_and(|(asked, _)| asked == id) {
            return;
        }
        let is_meant =
            |number: usize| self.history.operation(number).is_some_and(|call| call.operation == *operation);
        if let Some((_, number)) = client.asked.filter(|(_, number)| client.is_anew && is_meant(*number)) {
            (client.asked, client.is_anew) = (Some((id, number)), false);
            if let Some(CallName::Request(first)) = self.history.operation(number).and_then(|call| call.name)
            {
                self.anew.insert(first, id);
            }
            return;
        }
        // The client refused the commands before it. Another judge checks that an operation was commanded at all.
        if !client.commanded.iter().any(|(commanded, _)| commanded == operation) {
            return;
        }
        while client.commanded.pop_front().is_some_and(|(commanded, _)| commanded != *operation) {}
        let begun = self.history.moment(now);
        let call = UserCall { operation: operation.clone(), name: Some(CallName::Request(id)) };
        client.asked = Some((id, self.history.begin(from, call, begun)));
    }

    /// A query that is asked again is still the same call: it began when it left first.
    fn on_read(&mut self, now: Instant, from: ProcessId, id: u64, view: &View) {
        let client = self.clients.entry(from).or_default();
        if client.reads.contains_key(&id) {
            return;
        }
        let begun = self.history.moment(now);
        let call = UserCall {
            operation: Operation::View { view: view.clone() },
            name: Some(CallName::Query(from, id)),
        };
        client.reads.insert(id, self.history.begin(from, call, begun));
    }

    /// A client reports to its user.
    pub(super) fn on_noted(
        &mut self,
        known: JudgeContext<'_>,
        now: Instant,
        process: ProcessId,
        note: &Note,
    ) -> Result<(), Violation> {
        match note {
            Note::Done(_, operation, answer) => self.on_done(known, now, process, operation, answer),
            Note::QuorumReply(
                id,
                _,
                applied,
                TimelineQuery::QuorumView { view },
                TimelineReply::View { page },
            ) => self.on_shown(known, now, process, (*id, *applied), view, page),
            // It may have taken effect. One that was not done counts as such too: other judges check that it was not.
            Note::OutcomeUnknown(_) | Note::GaveUp(_) => {
                if let Some(client) = self.clients.get_mut(&process) {
                    client.asked = None;
                }
                Ok(())
            }
            Note::AsksInNewSession(_) => {
                if let Some(client) = self.clients.get_mut(&process) {
                    client.is_anew = true;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn on_done(
        &mut self,
        known: JudgeContext<'_>,
        now: Instant,
        process: ProcessId,
        operation: &Operation,
        answer: &Answer,
    ) -> Result<(), Violation> {
        let client = self.clients.entry(process).or_default();
        let is_meant =
            |number: &usize| self.history.operation(*number).is_some_and(|call| call.operation == *operation);
        let asked = client.asked.take().map(|(_, number)| number).filter(is_meant);
        let number = match asked {
            Some(number) => number,
            // It was answered without being asked for.
            None => {
                let place = client.commanded.iter().position(|(commanded, _)| commanded == operation);
                let commanded = place.and_then(|place| client.commanded.remove(place));
                let Some((operation, begun)) = commanded else {
                    let explanation = format!(
                        "{process} says that \"{operation}\" is done, which nobody had it do, or not so often"
                    );
                    return Err(Violation::new(PROPERTY, explanation));
                };
                self.history.begin(process, UserCall { operation, name: None }, begun)
            }
        };
        if let (Operation::View { view }, Answer::Of(TimelineOutcome::Viewed { page })) = (operation, answer)
        {
            check_places(process, view, page)?;
        }
        self.judge(known, now, number, response_of(answer))
    }

    fn on_shown(
        &mut self,
        known: JudgeContext<'_>,
        now: Instant,
        process: ProcessId,
        (id, applied): (u64, Slot),
        view: &View,
        page: &Page,
    ) -> Result<(), Violation> {
        let operation = Operation::View { view: view.clone() };
        let asked = self.clients.get_mut(&process).and_then(|client| client.reads.remove(&id));
        let is_meant =
            |number: &usize| self.history.operation(*number).is_some_and(|call| call.operation == operation);
        let Some(number) = asked.filter(is_meant) else {
            let explanation =
                format!("{process} says that it was shown a {operation}, which it did not ask for");
            return Err(Violation::new(PROPERTY, explanation));
        };
        check_places(process, view, page)?;
        self.answered_as_of.insert((process, id), applied);
        self.judge(known, now, number, shown(page))
    }

    /// The call of this number is answered.
    fn judge(
        &mut self,
        known: JudgeContext<'_>,
        now: Instant,
        number: usize,
        answer: Response,
    ) -> Result<(), Violation> {
        let (answered_as_of, anew) = (&self.answered_as_of, &self.anew);
        let guess = |call: &UserCall| match call.name? {
            CallName::Request(first) => match *anew.get(&first).unwrap_or(&first) {
                RequestId::Execute { session, number, .. } => known.model.effect(session, number),
                RequestId::Open { .. } => None,
            },
            // After everything in the slots below.
            CallName::Query(client, id) => {
                answered_as_of.get(&(client, id)).map(|applied| match applied.0.checked_sub(1) {
                    Some(slot) => Position { slot, index: u64::MAX },
                    None => Position::default(),
                })
            }
        };
        let result = self.history.answer(number, now, answer, guess);
        result.map_err(|contradiction| explained(&contradiction))
    }
}

/// The tweets of a page stand in descending order, all before the position where the page was asked to begin.
fn check_places(process: ProcessId, view: &View, page: &Page) -> Result<(), Violation> {
    let mut before = view.older_than;
    for tweet in &page.tweets {
        let position = tweet.position;
        if let Some(before) = before.filter(|before| position >= *before) {
            let explanation =
                format!("{process} was shown \"{tweet}\" of {position} on a page of tweets before {before}");
            return Err(Violation::new(PROPERTY, explanation));
        }
        before = Some(position);
    }
    Ok(())
}

fn response_of(answer: &Answer) -> Response {
    match answer {
        Answer::Opened | Answer::Of(TimelineOutcome::Done) => Response::Done,
        Answer::Of(TimelineOutcome::Viewed { page }) => shown(page),
    }
}

fn shown(page: &Page) -> Response {
    Response::Shown {
        tweets: page.tweets.iter().map(|tweet| (tweet.user.clone(), tweet.text.clone())).collect(),
        has_more: Some(page.has_more()),
    }
}

impl Sequential for TimelineModel {
    type State = UserCalls;
    type Operation = UserCall;
    type Answer = Response;

    fn initial(&self) -> UserCalls {
        UserCalls::default()
    }

    fn apply(&self, mut state: UserCalls, call: &UserCall, answer: Option<&Response>) -> Option<UserCalls> {
        match (&call.operation, answer) {
            (Operation::Event { event }, None | Some(Response::Done)) => match event.clone() {
                Event::Tweet { user, text } => state.tweets.push((user, text)),
                Event::Block { user, target } => {
                    state.blocks.insert((user, target));
                }
                Event::Unblock { user, target } => {
                    state.blocks.remove(&(user, target));
                }
            },
            (Operation::View { .. }, None) => {}
            (Operation::View { view }, Some(Response::Shown { tweets, has_more })) => {
                let count = state.tweets.len();
                let ends = if view.older_than.is_some() { 0..=count } else { count..=count };
                let is_shown = |end: usize| {
                    let start = end.saturating_sub(Page::LOOKED_MAX);
                    let mut seen = (start..end)
                        .rev()
                        .filter_map(|index| state.tweets.get(index))
                        .filter(|tweet| !state.blocks.contains(&(tweet.0.clone(), view.viewer.clone())));
                    let is_newest = tweets.iter().all(|tweet| seen.next() == Some(tweet));
                    let is_left = seen.next().is_some();
                    let is_more = is_left || start > 0;
                    let stops_short =
                        tweets.is_empty() && view.limit > 0 && is_left && *has_more == Some(true);
                    is_newest && has_more.is_none_or(|more| more == is_more) && !stops_short
                };
                let is_within = tweets.len() as u64 <= view.limit;
                return (is_within && ends.into_iter().any(is_shown)).then_some(state);
            }
            (Operation::Event { .. }, Some(Response::Shown { .. }))
            | (Operation::View { .. }, Some(Response::Done)) => {
                return None;
            }
        }
        Some(state)
    }

    fn reveals_state(&self, call: &UserCall) -> bool {
        matches!(call.operation, Operation::View { .. })
    }

    /// Each case is sound, given a linearization of `calls`:
    ///
    /// 1. Without a view: a view changes nothing, so the others are explained without it.
    /// 2. Without all tweets of this text by this user, in events and in pages: take them out of the order and of every
    ///    page. What a viewer may see lacks just these tweets, in the same order, so a page still shows the newest of
    ///    it, cut no deeper than before. Where more tweets followed, it is unknown whether more still do. A page looks
    ///    at a bounded number of the newest tweets: of fewer tweets, it looks at all those left that it looked at
    ///    before.
    /// 3. Without a block or its end by a user of whom no tweet is left in events or pages: the block hides nothing.
    /// 4. Without a block, or its end, that hides tweets from a user who has no view left: no view depends on it.
    fn without(&self, calls: &[Call<TimelineModel>], index: usize) -> Option<Vec<Call<TimelineModel>>> {
        let mut fewer = calls.to_vec();
        match &calls[index].operation.operation {
            Operation::View { .. } => {
                fewer.remove(index);
            }
            Operation::Event { event: Event::Tweet { user, text } } => {
                let gone = (user.clone(), text.clone());
                fewer.retain(|call| !matches!(&call.operation.operation,
                    Operation::Event { event: Event::Tweet { user, text } } if *user == gone.0 && *text == gone.1));
                for call in &mut fewer {
                    if let Some((_, Response::Shown { tweets, has_more })) = &mut call.answer {
                        tweets.retain(|tweet| *tweet != gone);
                        *has_more = has_more.filter(|more| !more);
                    }
                }
            }
            Operation::Event { event: Event::Block { user, target } | Event::Unblock { user, target } } => {
                let matters = |call: &Call<TimelineModel>| match (&call.operation.operation, &call.answer) {
                    (Operation::Event { event: Event::Tweet { user: by, .. } }, _) => by == user,
                    (_, Some((_, Response::Shown { tweets, .. }))) => tweets.iter().any(|(by, _)| by == user),
                    _ => false,
                };
                let looks = |call: &Call<TimelineModel>| matches!(&call.operation.operation, Operation::View { view } if view.viewer == *target);
                if calls.iter().any(matters) && calls.iter().any(looks) {
                    return None;
                }
                fewer.remove(index);
            }
        }
        Some(fewer)
    }
}

/// The contradiction, as calls and as a sentence about them.
fn explained(contradiction: &Contradiction<TimelineModel>) -> Violation {
    let line = |call: &Call<TimelineModel>| {
        let Call { who, operation: UserCall { operation, .. }, begun, answer } = call;
        match answer {
            None => format!("{who} asked for \"{operation}\" at {} and was never answered", begun.at),
            Some((at, Response::Done)) => {
                format!("\"{operation}\" was done for {who} between {} and {}", begun.at, at.at)
            }
            Some((at, answer @ Response::Shown { .. })) => {
                format!("the {operation} by {who} between {} and {} showed of that {answer}", begun.at, at.at)
            }
        }
    };
    let unexplained = contradiction.unexplained();
    let calls: Vec<String> = contradiction.calls.iter().map(line).collect();
    let order = unexplained.order_in_words();
    Violation::new(PROPERTY, format!("no order explains that {}{order}", calls.join("; "))).about(unexplained)
}

impl Display for UserCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.operation)
    }
}

impl Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Response::Done => f.write_str("done"),
            Response::Shown { tweets, .. } => f.write_str(&statements(tweets.iter())),
        }
    }
}

/// The tweets, oldest first, and the blocks.
impl Display for UserCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&statements(self.tweets.iter()))?;
        self.blocks.iter().try_for_each(|(user, target)| write!(f, "; {user} blocks {target}"))
    }
}

fn statements<'a>(tweets: impl Iterator<Item = &'a Statement>) -> String {
    let tweets: Vec<String> = tweets.map(|(user, text)| format!("\"{user}: {text}\"")).collect();
    if tweets.is_empty() { "nothing".to_string() } else { tweets.join(", ") }
}

#[cfg(test)]
mod tests;
