//! What pictures show of replicated machines: the state of sites and clients, the parts of messages, and calls.

use alloc::sync::Arc;

use crate::process::Process;
use crate::replicated::client::query_count;
use crate::replicated::message::Answer;
use crate::replicated::paxos::{Entry, PaxosMessage, Report, Slot};
use crate::replicated::{Command, Machine, Message, Note, Phase, Query, Replicated, Reply, Submission};
use crate::scenario::{MessagePhase, Shown, ShownCall};
use crate::sim::Told;

/// The number of chosen slots that a picture shows of each site, beside all that are open.
const SHOWN_SLOTS: u64 = 32;

/// The number of a client's operations, which are done one after the other.
const OPERATION: u64 = 0;

/// Shows a site or a client.
pub fn show<M: Machine>(process: &Replicated<M>, shown: &mut Shown) {
    if let Some(client) = process.as_client() {
        shown.field("unanswered", client.unanswered());
        if let Some(session) = client.session() {
            shown.field("session", session);
        }
        return;
    }
    let Some(site) = process.as_site() else { return };
    let status = site.status();
    let phase = match status.phase {
        Phase::Following => "following",
        Phase::Campaigning => "campaigning",
        Phase::Leading => "leading",
        Phase::Diverged => "diverged",
    };
    shown.field("phase", phase);
    shown.field("promised ballot", status.ballot);
    if let Some(leader) = status.leader {
        shown.field("follows", leader);
    }
    shown.field("chosen below slot", status.chosen);
    shown.field("applied below slot", status.applied);
    shown.field("log ends below slot", site.log().end());
    shown.field("submissions in its queue", status.queue);
    shown.field("sessions", site.replica().session_count());
    let first = Slot(status.chosen.0.saturating_sub(SHOWN_SLOTS));
    for (slot, entry) in site.log().chosen_from(first) {
        let how = if slot < status.applied { "applied" } else { "chosen" };
        shown.slot(slot.0, format_args!("{how}: {}", text(entry)));
    }
    for (slot, ballot, entry) in site.log().above_prefix() {
        match ballot {
            Some(ballot) => shown.slot(slot.0, format_args!("accepted under {ballot}: {}", text(entry))),
            None => shown.slot(slot.0, format_args!("chosen: {}", text(entry))),
        }
    }
}

fn text<M: Machine>(entry: &Entry<Arc<Submission<M>>>) -> String {
    let values: Vec<String> = entry.values().iter().map(|value| value.request.to_string()).collect();
    if values.is_empty() { "nothing".to_owned() } else { values.join("; ") }
}

/// The part that messages of this kind play.
pub fn phase(kind: &str) -> MessagePhase {
    match kind {
        "Prepare" | "Promise" | "Nack" => MessagePhase::Prepare,
        "Accept" | "Accepted" => MessagePhase::Accept,
        "Chosen" | "Fetch" | "FetchReply" => MessagePhase::Chosen,
        "Request" | "Taken" | "Applied" | "Expired" | "Busy" | "Query" | "QueryReply" | "Behind" => {
            MessagePhase::Client
        }
        _ => MessagePhase::Other,
    }
}

/// The call that a client's command or note begins or ends.
pub fn call<M: Machine, P: Process<Command = Command<M>, Note = Note<M>>>(
    told: Told<'_, P>,
) -> Option<ShownCall> {
    match told {
        Told::Commanded(command @ (Command::Do(_) | Command::DoLast(_))) => {
            Some(ShownCall::Began(OPERATION, command.to_string()))
        }
        Told::Commanded(command @ Command::Query(_)) => Some(ShownCall::BeganCounted(command.to_string())),
        Told::Noted(Note::Done(_, _, Answer::Of(outcome))) => {
            Some(ShownCall::Answered(OPERATION, outcome.to_string()))
        }
        Told::Noted(Note::GaveUp(_) | Note::OutcomeUnknown(_)) => Some(ShownCall::Forgot(OPERATION)),
        Told::Noted(Note::QuorumReply(id, _, _, _, reply)) => {
            Some(ShownCall::AnsweredCounted(query_count(*id), reply.to_string()))
        }
        Told::Noted(Note::LocalReply(id, _, _, reply)) => {
            let text = if let Reply::Of(reply) = reply { reply.to_string() } else { String::new() };
            Some(ShownCall::AnsweredCounted(query_count(*id), text))
        }
        Told::Noted(Note::QueueFull) => Some(ShownCall::Refused),
        Told::Noted(_) => None,
    }
}

/// What a message holds.
pub fn describe<M: Machine>(message: &Message<M>) -> String {
    match message {
        Message::Paxos { message } => describe_paxos(message),
        Message::Forward { submission } | Message::Relay { submission } => {
            format!("{} of {}: {}", submission.number, submission.origin, submission.request)
        }
        Message::Request { request } => request.to_string(),
        Message::Applied { at, answer: Answer::Of(outcome), .. } => {
            format!("at {at} {outcome}").trim_end().to_owned()
        }
        Message::Applied { at, answer: Answer::Opened, .. } => format!("at {at}"),
        Message::Expired { is_undone: true, .. } => "not done".to_owned(),
        Message::Expired { is_undone: false, .. } => "outcome unknown".to_owned(),
        Message::Busy { reason, .. } => reason.to_string(),
        Message::Query { query: Query::Of(query), seen, .. } => format!("{query}, seen up to slot {seen}"),
        Message::QueryReply { reply: Reply::Of(reply), applied, .. } => {
            format!("as of slot {applied}: {reply}")
        }
        Message::QueryReply { applied, .. } | Message::Behind { applied, .. } => {
            format!("as of slot {applied}")
        }
        Message::Compare { claim } | Message::CompareReply { claim } => format!("digest {}", claim.digest),
        Message::Taken { .. } | Message::Query { .. } => String::new(),
    }
}

fn describe_paxos<M: Machine>(message: &PaxosMessage<Arc<Submission<M>>>) -> String {
    match message {
        PaxosMessage::Prepare { ballot, first } => format!("under {ballot}, from slot {first}"),
        PaxosMessage::Promise(promise) => {
            let report = |report: &Report<Arc<Submission<M>>>| {
                let how =
                    report.ballot.map_or("chosen".to_owned(), |ballot| format!("accepted under {ballot}"));
                format!("; slot {} {how}: {}", report.slot, text(&report.entry))
            };
            let reports: String = promise.reports.iter().map(report).collect();
            format!("under {}, chosen below slot {}{reports}", promise.ballot, promise.chosen)
        }
        PaxosMessage::Accept { ballot, entry, .. } => format!("under {ballot}: {}", text(entry)),
        PaxosMessage::Accepted { ballot, .. } => format!("under {ballot}"),
        PaxosMessage::Chosen { ballot, chosen } => format!("under {ballot}, below slot {chosen}"),
        PaxosMessage::Nack { ballot, promised, .. } => format!("of {ballot}, promised {promised}"),
        PaxosMessage::Heartbeat { ballot, chosen, hears, .. } => {
            format!("under {ballot}, hears {hears}, chosen below slot {chosen}")
        }
        PaxosMessage::HeartbeatReply { ballot, chosen, .. } => {
            format!("under {ballot}, chosen below slot {chosen}")
        }
        PaxosMessage::Fetch { first, end } => format!("slots {first} up to {end}"),
        PaxosMessage::FetchReply { entry, .. } => text(entry),
        PaxosMessage::Survey { reach, .. } => format!("chosen below slot {reach}"),
        PaxosMessage::SurveyReply { .. } => String::new(),
    }
}
