//! Answers as JSON, with a field for everything that a program may look for.

use aviary::ids::ProcessId;
use aviary::tweets::site::{Block, LogLine, Operation, Request, Status};
use aviary::tweets::timeline::{Event, Page, Position, View};
use aviary::udp::{Counters, Drop};
use serde_json::{Map, Value, json};

use crate::answers;

/// A position in the log: as text, which flags such as `--older-than` take, and as two numbers.
pub(crate) fn place(at: Position) -> Value {
    json!({ "at": at.to_string(), "slot": at.slot, "index": at.index })
}

/// Adds these fields to `object`.
pub(crate) fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

/// One request of the log.
pub(crate) fn log_line(line: &LogLine) -> Value {
    let mut object = place(line.position);
    extend(
        &mut object,
        json!({ "client": line.request.client().to_string(), "by": kind(line.request.client()) }),
    );
    match &line.request {
        // Not every reader of JSON keeps a number as large as this exactly.
        Request::Open { nonce, .. } => {
            extend(&mut object, json!({ "kind": "open", "nonce": nonce.to_string() }))
        }
        Request::Execute { session, number, operation, is_last, .. } => {
            extend(&mut object, self::operation(operation));
            extend(
                &mut object,
                json!({ "session": session.to_string(), "number": number, "is_last": is_last }),
            );
        }
    }
    object
}

fn kind(client: ProcessId) -> &'static str {
    match client {
        ProcessId::Site(_) => "site",
        ProcessId::Terminal(_) => "terminal",
        ProcessId::Client(_) => "client",
    }
}

fn operation(operation: &Operation) -> Value {
    match operation {
        Operation::Event { event: Event::Tweet { user, text } } => {
            json!({ "kind": "tweet", "user": user.to_string(), "text": text.to_string() })
        }
        Operation::Event { event: Event::Block { user, target } } => {
            json!({ "kind": "block", "user": user.to_string(), "whom": target.to_string() })
        }
        Operation::Event { event: Event::Unblock { user, target } } => {
            json!({ "kind": "unblock", "user": user.to_string(), "whom": target.to_string() })
        }
        Operation::View { view: View { viewer, limit, older_than } } => json!({
            "kind": "view", "user": viewer.to_string(), "limit": limit,
            "older_than": older_than.map(|at| at.to_string()),
        }),
    }
}

/// Who blocks whom.
pub(crate) fn block(Block { user, target }: &Block) -> Value {
    json!({ "user": user.to_string(), "whom": target.to_string() })
}

/// The tweets that a user sees.
pub(crate) fn page(page: &Page) -> Value {
    let tweet = |tweet: &aviary::tweets::timeline::Tweet| {
        let mut object = place(tweet.position);
        extend(&mut object, json!({ "user": tweet.user.to_string(), "text": tweet.text.to_string() }));
        object
    };
    let tweets: Vec<Value> = page.tweets.iter().map(tweet).collect();
    let next = page.next.map(|next| next.to_string());
    json!({ "tweets": tweets, "has_more": page.has_more(), "next": next })
}

/// The status of a site.
pub(crate) fn status(status: &Status) -> Value {
    json!({
        "phase": answers::phase(status.phase), "ballot": status.ballot.to_string(),
        "leader": status.leader.map(|leader| leader.number()), "chosen": status.chosen.0,
        "applied": status.applied.0, "queue": status.queue, "digest": status.digest.to_string(),
    })
}

/// The datagram counters. Of the reasons for drops, only those that occurred.
pub(crate) fn counters(counters: &Counters) -> Value {
    let reasons = Drop::ALL.into_iter().filter(|reason| counters.dropped(*reason) > 0);
    let dropped: Map<String, Value> =
        reasons.map(|reason| (reason.name().to_owned(), counters.dropped(reason).into())).collect();
    json!({ "received": counters.received, "sent": counters.sent, "dropped": dropped })
}

/// A site of the cluster, and more about it.
pub(crate) fn site(number: usize, address: &str, region: &str, more: Value) -> Value {
    let mut object = json!({ "site": number, "address": address, "region": region });
    extend(&mut object, more);
    object
}
