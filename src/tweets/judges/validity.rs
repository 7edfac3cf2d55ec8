//! Checks that clients ask only for what users commanded:
//!
//! - Each new request of a client carries out its next command (commands that the client refused are skipped), and each
//!   command makes one request.
//! - A repeated request is repeated word for word, and only the last request is repeated.
//! - A second request for the same command comes only after a site reported that the first was not done. Only then may
//!   a client report that something was not done.
//! - A session is opened only while a command waits.
//! - Each new query was commanded.
//!
//! Does not check that what sites queue and choose was asked for (see `acknowledged`) and originates where it says (see
//! `order`), that it takes effect once (see `exactly_once`), nor that a command is ever carried out. A repeated query
//! is not compared with its first copy.

use alloc::collections::{BTreeMap, VecDeque};

use crate::ids::ProcessId;
use crate::sim::Violation;
use crate::tweets::judges::describe::Id;
use crate::tweets::judges::{FactKinds, SeenFact};
use crate::tweets::site::{Command, Message, Note, Operation, Query, Request, Session};

const PROPERTY: &str = "validity";

/// The judge.
#[derive(Clone, Debug, Default)]
pub struct Validity {
    clients: BTreeMap<ProcessId, Commanded>,
}

/// The commands that a client received and has not asked for.
#[derive(Clone, Debug, Default)]
struct Commanded {
    operations: VecDeque<Operation>,
    queries: VecDeque<Query>,
    /// The last request.
    request: Option<Request>,
    /// The last query's id.
    query: u64,
}

impl Validity {
    pub(super) const LOOKS_AT: FactKinds = FactKinds::STARTED.and(FactKinds::REQUEST).and(FactKinds::QUERY);

    /// A user gives a command.
    pub(super) fn on_commanded(&mut self, process: ProcessId, command: &Command) {
        let client = self.clients.entry(process).or_default();
        match command {
            Command::Do(operation) | Command::DoLast(operation) => {
                client.operations.push_back(operation.clone());
            }
            Command::Query(query) => client.queries.push_back(query.clone()),
        }
    }

    /// A client receives a message: an operation that was certainly not done may be asked for in another session.
    pub(super) fn on_client_received(&mut self, client: ProcessId, message: &Message) {
        let Some(client) = self.clients.get_mut(&client) else { return };
        let Message::Expired { id, is_undone: true } = message else { return };
        if let Some(Request::Execute { operation, .. }) =
            client.request.take_if(|request| request.id() == *id)
        {
            client.operations.push_front(operation);
        }
    }

    /// A client reports to its user.
    pub(super) fn on_noted(&mut self, process: ProcessId, note: &Note) -> Result<(), Violation> {
        let Note::GaveUp(operation) = note else { return Ok(()) };
        let client = self.clients.entry(process).or_default();
        let is_undone = client.operations.front() == Some(operation) && client.request.is_none();
        ensure!(
            is_undone,
            PROPERTY,
            "{process} says that \"{operation}\" was not done, which no site had said"
        );
        client.operations.pop_front();
        Ok(())
    }

    #[inline(never)]
    pub(super) fn look(&mut self, fact: &SeenFact<'_>) -> Result<(), Violation> {
        match *fact {
            SeenFact::Started { process, .. } if process.as_site().is_none() => {
                self.clients.remove(&process);
                Ok(())
            }
            SeenFact::Left { from, message: Message::Request { request }, .. } => {
                self.clients.entry(from).or_default().on_asked(from, request)
            }
            SeenFact::Left { from, message: Message::Query { id, query, .. }, .. } => {
                self.clients.entry(from).or_default().on_query(from, *id, query)
            }
            SeenFact::Left { .. }
            | SeenFact::Own { .. }
            | SeenFact::Started { .. }
            | SeenFact::Durable { .. } => Ok(()),
        }
    }
}

impl Commanded {
    fn on_asked(&mut self, me: ProcessId, request: &Request) -> Result<(), Violation> {
        if let Some(last) = self.request.as_ref().filter(|last| place(last) == place(request)) {
            ensure!(
                last == request,
                PROPERTY,
                "{me} asked {} to be \"{last}\", and again to be \"{request}\"",
                Id(request.id())
            );
            return Ok(());
        }
        self.request = Some(request.clone());
        match request {
            Request::Open { .. } => {
                let is_wanted = !self.operations.is_empty();
                ensure!(is_wanted, PROPERTY, "{me} opens a session, but nobody had it do anything");
            }
            Request::Execute { operation, .. } => {
                let is_commanded = take(&mut self.operations, operation);
                ensure!(
                    is_commanded,
                    PROPERTY,
                    "{me} asked for \"{operation}\" as {}, which nobody had it do, or not so often",
                    Id(request.id())
                );
            }
        }
        Ok(())
    }

    fn on_query(&mut self, me: ProcessId, id: u64, query: &Query) -> Result<(), Violation> {
        if id <= self.query {
            return Ok(());
        }
        self.query = id;
        let is_commanded = take(&mut self.queries, query);
        ensure!(
            is_commanded,
            PROPERTY,
            "{me} asked query {id}, \"{}\", which nobody had it ask, or not so often",
            Command::Query(query.clone())
        );
        Ok(())
    }
}

/// The part of a request that no two requests of a client may share.
fn place(request: &Request) -> (Option<Session>, u64) {
    match *request {
        Request::Open { nonce, .. } => (None, nonce),
        Request::Execute { session, number, .. } => (Some(session), number),
    }
}

/// Removes everything up to the first item that equals `wanted`; returns `false` if none does.
fn take<T: PartialEq>(waiting: &mut VecDeque<T>, wanted: &T) -> bool {
    while let Some(next) = waiting.pop_front() {
        if next == *wanted {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Label;
    use crate::replicated::paxos::Slot;
    use crate::tweets::judges::stage::{C1, Stage, objects, open, site, tweet};

    fn operation(text: &str) -> Command {
        match tweet(1, text) {
            Request::Execute { operation, .. } => Command::Do(operation),
            Request::Open { .. } => panic!("a tweet is no opening"),
        }
    }

    fn stage(commands: &[Command]) -> Stage {
        let mut stage = Stage::new(3);
        commands.iter().for_each(|command| stage.commanded(C1, command).unwrap());
        stage
    }

    fn ask(stage: &mut Stage, request: &Request) -> Result<(), Violation> {
        stage.sent(C1, site(0), Message::Request { request: request.clone() })
    }

    fn query(id: u64) -> Message {
        let message = Message::Query { id, seen: Slot(0), query: Query::Status };
        assert_eq!(message.kind(), "Query");
        message
    }

    #[test]
    fn commands_are_asked_in_their_order_and_asked_again() {
        let mut stage = stage(&[operation("a"), operation("refused"), operation("b")]);
        for request in [open(1), open(1), tweet(1, "a"), tweet(1, "a"), open(2), tweet(2, "b")] {
            ask(&mut stage, &request).unwrap();
        }
    }

    #[test]
    fn what_nobody_commanded_is_caught() {
        let check = |commands: &[Command], requests: &[Request], sentence: &str| {
            let mut stage = stage(commands);
            let (last, before) = requests.split_last().unwrap();
            before.iter().for_each(|request| ask(&mut stage, request).unwrap());
            objects(ask(&mut stage, last), "validity", sentence);
        };
        check(&[], &[open(1)], "C1 opens a session, but nobody had it do anything");
        let sentence = "C1 asked for \"ann: b\" as request 1 of session 0.0, which nobody had it do";
        check(&[operation("a")], &[open(1), tweet(1, "b")], sentence);
        let twice = [open(1), tweet(1, "a"), tweet(2, "a")];
        check(&[operation("a")], &twice, "C1 asked for \"ann: a\" as request 2 of session 0.0");
        let turned = [open(1), tweet(1, "b"), tweet(2, "a")];
        check(&[operation("a"), operation("b")], &turned, "C1 asked for \"ann: a\" as request 2");
        let changed = [open(1), tweet(1, "a"), tweet(1, "b")];
        let sentence = "C1 asked request 1 of session 0.0 to be \"ann: a\", and again to be \"ann: b\"";
        check(&[operation("a"), operation("b")], &changed, sentence);
    }

    /// The same operation in the session that was opened at 5.0.
    fn elsewhere(request: &Request) -> Request {
        match request.clone() {
            Request::Execute { client, number, operation, is_last, .. } => {
                let session = Session { slot: 5, index: 0 };
                Request::Execute { client, session, number, operation, is_last }
            }
            Request::Open { .. } => panic!("a tweet is no opening"),
        }
    }

    #[test]
    fn what_was_not_done_is_asked_for_once_more_and_nothing_else_is() {
        let tweet = tweet(1, "a");
        let expired = |is_undone| Message::Expired { id: tweet.id(), is_undone };
        let asked_anew = |received: &[Message]| {
            let mut stage = stage(&[operation("a")]);
            [open(1), tweet.clone()].iter().for_each(|request| ask(&mut stage, request).unwrap());
            received.iter().for_each(|message| stage.delivered(site(0).into(), C1, message).unwrap());
            (ask(&mut stage, &elsewhere(&tweet)), stage)
        };
        let sentence = "C1 asked for \"ann: a\" as request 1 of session 5.0, which nobody had it do";
        objects(asked_anew(&[]).0, "validity", sentence);
        objects(asked_anew(&[expired(false)]).0, "validity", sentence);
        let (result, mut stage) = asked_anew(&[expired(true), expired(true)]);
        result.unwrap();
        let undone = Note::GaveUp(match operation("a") {
            Command::Do(operation) => operation,
            _ => unreachable!(),
        });
        let sentence = "C1 says that \"ann: a\" was not done, which no site had said";
        objects(stage.noted(C1, &undone), "validity", sentence);
        stage
            .delivered(site(0).into(), C1, &Message::Expired { id: elsewhere(&tweet).id(), is_undone: true })
            .unwrap();
        stage.noted(C1, &undone).unwrap();
        objects(stage.noted(C1, &undone), "validity", sentence);
    }

    #[test]
    fn a_query_that_nobody_commanded_is_caught() {
        let mut stage = stage(&[Command::Query(Query::Status)]);
        stage.sent(C1, site(0), query(1)).unwrap();
        stage.sent(C1, site(1), query(1)).unwrap();
        objects(stage.sent(C1, site(0), query(2)), "validity", "C1 asked query 2, \"status\", which nobody");
    }
}
