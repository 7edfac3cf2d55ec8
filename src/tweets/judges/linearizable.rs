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
//! is sound where a linearization of the whole makes one of the part (`TimelineModel::without` proves it for each
//! part). A linearization of each part would prove nothing: a page shows tweets of all users in one order, and depends
//! on the blocks of all users, so neither users nor viewers nor clients are independent.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::judges::linearizable::{Call, Moment};
use crate::judges::{Contradiction, History};
use crate::replicated::paxos::Slot;
use crate::sim::Violation;
use crate::time::Instant;
use crate::tweets::judges::shelf::CowMap;
use crate::tweets::judges::{FactKinds, JudgeContext, SeenFact};
use crate::tweets::site::{Answer, Command, Message, Note, Operation, Query, Request, RequestId};
use crate::tweets::timeline::{Page, Position, TimelineOutcome, TimelineQuery, TimelineReply, User, View};

use model::{Asked, CallName};
pub use model::{Response, Statement, TimelineModel, UserCall, UserCalls};

mod model;

const PROPERTY: &str = "linearizable";

/// The judge.
#[derive(Clone)]
pub struct Linearizable {
    history: History<TimelineModel>,
    clients: BTreeMap<ProcessId, CallingClient>,
    /// Everybody who tweeted: each call shares the name.
    users: BTreeSet<Arc<User>>,
    /// By client and query id, the slot as of which a read round's view was answered: a hint, as the log is.
    answered_as_of: CowMap<(ProcessId, u64), Slot>,
    /// For each call that was asked for again in a new session, its last request by its first one: a hint too.
    anew: BTreeMap<CallName, CallName>,
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

impl Default for Linearizable {
    fn default() -> Linearizable {
        Linearizable {
            history: History::new(TimelineModel),
            clients: BTreeMap::new(),
            users: BTreeSet::new(),
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

    #[inline(never)]
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
            |number: usize| self.history.operation(number).is_some_and(|call| call.asked.is(operation));
        if let Some((_, number)) = client.asked.filter(|(_, number)| client.is_anew && is_meant(*number)) {
            (client.asked, client.is_anew) = (Some((id, number)), false);
            let first = self.history.operation(number).and_then(|call| call.name);
            self.anew.extend(first.zip(CallName::of_request(id)));
            return;
        }
        // The client refused the commands before it. Another judge checks that an operation was commanded at all.
        if !client.commanded.iter().any(|(commanded, _)| commanded == operation) {
            return;
        }
        while client.commanded.pop_front().is_some_and(|(commanded, _)| commanded != *operation) {}
        let begun = self.history.moment(now);
        let asked = Asked::of(operation, |user| shared(&mut self.users, user));
        let call = UserCall { asked, name: CallName::of_request(id) };
        client.asked = Some((id, self.history.begin(from, call, begun)));
    }

    /// A query that is asked again is still the same call: it began when it left first.
    fn on_read(&mut self, now: Instant, from: ProcessId, id: u64, view: &View) {
        let client = self.clients.entry(from).or_default();
        if client.reads.contains_key(&id) {
            return;
        }
        let begun = self.history.moment(now);
        let asked = Asked::View { view: Box::new(view.clone()) };
        let call = UserCall { asked, name: Some(CallName::Query(from, id)) };
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
            |number: &usize| self.history.operation(*number).is_some_and(|call| call.asked.is(operation));
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
                let asked = Asked::of(&operation, |user| shared(&mut self.users, user));
                self.history.begin(process, UserCall { asked, name: None }, begun)
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
            |number: &usize| self.history.operation(*number).is_some_and(|call| call.asked.is(&operation));
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
        let guess = |call: &UserCall| match *anew.get(&call.name?).unwrap_or(&call.name?) {
            CallName::Request { slot, index, number } => {
                known.model.effect(Position { slot, index: index.into() }, number.into())
            }
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

/// The one copy of this name.
fn shared(users: &mut BTreeSet<Arc<User>>, user: &User) -> Arc<User> {
    if let Some(known) = users.get(user) {
        return Arc::clone(known);
    }
    let new = Arc::new(user.clone());
    users.insert(Arc::clone(&new));
    new
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

/// The contradiction, as calls and as a sentence about them.
fn explained(contradiction: &Contradiction<TimelineModel>) -> Violation {
    let line = |call: &Call<TimelineModel>| {
        let Call { who, operation, begun, answer } = call;
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

#[cfg(test)]
mod tests;
