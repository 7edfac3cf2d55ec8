//! Checks that what users are told of tweets, blocks and linearizable views has a linearization: an order in which
//! each takes effect at one moment between its asking and its answer, and each view shows what the order gives: be it
//! an entry of the log or told by a read round.
//!
//! The history is that of users: what a client was commanded to do, when its request left it first, and when and what
//! it told its user. A request whose client was told that its session expired, or never got an answer, or was started
//! anew, may have taken effect at any time or never. A command that never left its client never happened. Where the
//! log says that a request stands is a hint to the search, and nothing more.
//!
//! Does not check local views (see `sessions`), where in the log anything stands, where a page is cut for its size
//! (see `timelines`), nor where exactly `older_than` cuts: such a view may show any past whose tweets all stand before it. When the search spends its steps,
//! nothing more of the run is judged here, which is told as unknown.
//!
//! The whole history is judged at once. Parts of it are looked at only to show that it has no linearization, which is
//! sound where a linearization of the whole makes one of the part ([`TimelineModel::without`] proves it for each). That
//! parts have one would prove nothing: a page shows tweets of all users in one order, and blocks of all of them, so
//! neither users nor viewers nor clients are independent.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::cow_log::CowLog;
use crate::ids::ProcessId;
use crate::judges::linearizable::{Call, Moment, Sequential};
use crate::judges::{Contradiction, History};
use crate::replicated::paxos::Slot;
use crate::sim::Violation;
use crate::time::Instant;
use crate::tweets::judges::shelf::CowMap;
use crate::tweets::judges::{JudgeContext, SeenFact};
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
    /// As of which slot a read round's view was told: a hint, as the log is.
    told: CowMap<(ProcessId, u64), Slot>,
    /// As what a call was asked for last that was asked anew, by what it was asked for as first: a hint too.
    anew: BTreeMap<RequestId, RequestId>,
}

/// What a client has to do.
#[derive(Clone, Default)]
struct CallingClient {
    /// What it was commanded and has not asked for, and when.
    commanded: VecDeque<(Operation, Moment)>,
    /// What it asks for, and the number of the call.
    asked: Option<(RequestId, usize)>,
    /// Whether its next request is for the same call: it was told that the last one was not done.
    is_anew: bool,
    /// The views that it asks sites to read, by the query's id, and the numbers of the calls.
    reads: BTreeMap<u64, usize>,
}

/// Something that was asked for, and as what.
#[derive(Clone)]
pub struct UserCall {
    operation: Operation,
    name: Option<CallName>,
}

/// As what something was asked for.
#[derive(Clone, Copy)]
enum CallName {
    Request(RequestId),
    /// This query of this client.
    Query(ProcessId, u64),
}

/// What was answered.
#[derive(Clone, PartialEq, Debug)]
pub enum Response {
    /// That it is done.
    Done,
    /// A page.
    Shown {
        /// Newest first.
        tweets: Vec<Statement>,
        /// Whether older ones may follow; `None` when that is not known of a history with fewer tweets.
        has_more: Option<bool>,
    },
}

/// Who said what.
pub type Statement = (User, Text);

/// The service as one reads it in the manual: tweets in one order, and who blocks whom.
#[derive(Clone, Copy)]
pub struct TimelineModel;

/// What users did so far.
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
            told: CowMap::default(),
            anew: BTreeMap::new(),
        }
    }
}

impl Linearizable {
    /// What could not be judged, in a sentence.
    pub fn unknown(&self) -> Option<String> {
        let calls = self.history.unknown()?;
        Some(format!("{PROPERTY}: nothing is judged behind call {calls}, where the search spent its steps"))
    }

    /// A user's command is handed in.
    pub(super) fn on_commanded(&mut self, now: Instant, process: ProcessId, command: &Command) {
        if let Command::Do(operation) | Command::DoLast(operation) = command {
            let moment = self.history.moment(now);
            self.clients.entry(process).or_default().commanded.push_back((operation.clone(), moment));
        }
    }

    pub(super) fn look(&mut self, now: Instant, fact: &SeenFact<'_>) {
        match *fact {
            // Whatever an earlier life asked for may still take effect, and nobody will be told.
            SeenFact::Started { process, .. } => {
                self.clients.remove(&process);
            }
            SeenFact::Left { from, message: Message::Ask { request }, .. } => {
                self.on_asked(now, from, request)
            }
            SeenFact::Left {
                from,
                message: Message::Query { id, query: Query::Of(TimelineQuery::Fresh { view }), .. },
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
            |number: usize| self.history.operation(number).is_some_and(|deed| deed.operation == *operation);
        if let Some((_, number)) = client.asked.filter(|(_, number)| client.is_anew && is_meant(*number)) {
            (client.asked, client.is_anew) = (Some((id, number)), false);
            if let Some(CallName::Request(first)) = self.history.operation(number).and_then(|deed| deed.name)
            {
                self.anew.insert(first, id);
            }
            return;
        }
        // Those in front were refused. What nobody commanded is another judge's business.
        if !client.commanded.iter().any(|(commanded, _)| commanded == operation) {
            return;
        }
        while client.commanded.pop_front().is_some_and(|(commanded, _)| commanded != *operation) {}
        let begun = self.history.moment(now);
        let deed = UserCall { operation: operation.clone(), name: Some(CallName::Request(id)) };
        client.asked = Some((id, self.history.begin(from, deed, begun)));
    }

    /// Asked again, a query is still the same call: it began when it left first.
    fn on_read(&mut self, now: Instant, from: ProcessId, id: u64, view: &View) {
        let client = self.clients.entry(from).or_default();
        if client.reads.contains_key(&id) {
            return;
        }
        let begun = self.history.moment(now);
        let deed = UserCall {
            operation: Operation::View { view: view.clone() },
            name: Some(CallName::Query(from, id)),
        };
        client.reads.insert(id, self.history.begin(from, deed, begun));
    }

    /// A client tells its user something.
    pub(super) fn on_noted(
        &mut self,
        known: JudgeContext<'_>,
        now: Instant,
        process: ProcessId,
        note: &Note,
    ) -> Result<(), Violation> {
        match note {
            Note::Done(_, operation, answer) => self.on_done(known, now, process, operation, answer),
            Note::Shown(id, _, applied, TimelineQuery::Fresh { view }, TimelineReply::View { page }) => {
                self.on_shown(known, now, process, (*id, *applied), view, page)
            }
            // It may have taken effect. What was not done is taken for such a call too: others judge that it was not.
            Note::Lost(_) | Note::Undone(_) => {
                if let Some(client) = self.clients.get_mut(&process) {
                    client.asked = None;
                }
                Ok(())
            }
            Note::AsksAnew(_) => {
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
            |number: &usize| self.history.operation(*number).is_some_and(|deed| deed.operation == *operation);
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
                    return Err(Violation { property: PROPERTY, explanation });
                };
                self.history.begin(process, UserCall { operation, name: None }, begun)
            }
        };
        if let (Operation::View { view }, Answer::Of(TimelineOutcome::Viewed { page })) = (operation, answer)
        {
            check_places(process, view, page)?;
        }
        self.judge(known, now, number, heard(answer))
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
            |number: &usize| self.history.operation(*number).is_some_and(|deed| deed.operation == operation);
        let Some(number) = asked.filter(is_meant) else {
            let explanation =
                format!("{process} says that it was shown a {operation}, which it did not ask for");
            return Err(Violation { property: PROPERTY, explanation });
        };
        check_places(process, view, page)?;
        self.told.insert((process, id), applied);
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
        let (told, anew) = (&self.told, &self.anew);
        let guess = |deed: &UserCall| match deed.name? {
            CallName::Request(first) => match *anew.get(&first).unwrap_or(&first) {
                RequestId::Execute { session, number, .. } => known.model.effect(session, number),
                RequestId::Open { .. } => None,
            },
            // Behind everything of the slots below.
            CallName::Query(client, id) => {
                told.get(&(client, id)).map(|applied| match applied.0.checked_sub(1) {
                    Some(slot) => Position { slot, index: u64::MAX },
                    None => Position::default(),
                })
            }
        };
        let told = self.history.answer(number, now, answer, guess);
        told.map_err(|contradiction| Violation { property: PROPERTY, explanation: explained(&contradiction) })
    }
}

/// Tweets of a page stand in descending order, all before where it was asked to begin.
fn check_places(process: ProcessId, view: &View, page: &Page) -> Result<(), Violation> {
    let mut before = view.older_than;
    for tweet in &page.tweets {
        let position = tweet.position;
        if let Some(before) = before.filter(|before| position >= *before) {
            let explanation =
                format!("{process} was shown \"{tweet}\" of {position} on a page of tweets before {before}");
            return Err(Violation { property: PROPERTY, explanation });
        }
        before = Some(position);
    }
    Ok(())
}

fn heard(answer: &Answer) -> Response {
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

    fn apply(&self, mut state: UserCalls, deed: &UserCall, answer: Option<&Response>) -> Option<UserCalls> {
        match (&deed.operation, answer) {
            (Operation::Event { event }, None | Some(Response::Done)) => match event.clone() {
                Event::Tweet { user, text } => state.tweets.push((user, text)),
                Event::Block { user, whom } => {
                    state.blocks.insert((user, whom));
                }
                Event::Unblock { user, whom } => {
                    state.blocks.remove(&(user, whom));
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

    fn tells(&self, deed: &UserCall) -> bool {
        matches!(deed.operation, Operation::View { .. })
    }

    /// Sound, given a linearization of `calls`:
    ///
    /// 1. Without a view: a view changes nothing, so the others are explained without it.
    /// 2. Without every tweet of these words by this user, neither tweeted nor shown: take them out of the order, and
    ///    out of every page. What a viewer may see lacks just these, in the same order, so the newest of it are still
    ///    what a page shows, cut at a place that lies no deeper; whether more follow is not known where more did. A page
    ///    looks at so many of the newest tweets: of fewer, it looks at all that it looked at before.
    /// 3. Without a block or its end by a user of whom no tweet is left, neither tweeted nor shown: it hides nothing.
    /// 4. The same of a block of somebody by whom no view is left: nobody notices.
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
            Operation::Event { event: Event::Block { user, whom } | Event::Unblock { user, whom } } => {
                let matters = |call: &Call<TimelineModel>| match (&call.operation.operation, &call.answer) {
                    (Operation::Event { event: Event::Tweet { user: by, .. } }, _) => by == user,
                    (_, Some((_, Response::Shown { tweets, .. }))) => tweets.iter().any(|(by, _)| by == user),
                    _ => false,
                };
                let looks = |call: &Call<TimelineModel>| matches!(&call.operation.operation, Operation::View { view } if view.viewer == *whom);
                if calls.iter().any(matters) && calls.iter().any(looks) {
                    return None;
                }
                fewer.remove(index);
            }
        }
        Some(fewer)
    }
}

/// The calls in a sentence.
fn explained(contradiction: &Contradiction<TimelineModel>) -> String {
    let told = |call: &Call<TimelineModel>| {
        let Call { who, operation: UserCall { operation, .. }, begun, answer } = call;
        match answer {
            None => format!("{who} asked for \"{operation}\" at {} and was never answered", begun.at),
            Some((at, Response::Done)) => {
                format!("\"{operation}\" was done for {who} between {} and {}", begun.at, at.at)
            }
            Some((at, Response::Shown { tweets, .. })) => {
                let tweets: Vec<String> =
                    tweets.iter().map(|(user, text)| format!("\"{user}: {text}\"")).collect();
                let shown = if tweets.is_empty() { "nothing".to_string() } else { tweets.join(", ") };
                format!("the {operation} by {who} between {} and {} showed of that {shown}", begun.at, at.at)
            }
        }
    };
    let calls: Vec<String> = contradiction.calls.iter().map(told).collect();
    format!("no order explains that {}", calls.join("; "))
}

#[cfg(test)]
mod tests;
