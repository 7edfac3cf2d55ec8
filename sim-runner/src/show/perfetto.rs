//! A run in the "Trace Event Format", which `ui.perfetto.dev` and `chrome://tracing` open.
//!
//! A process of that format is a machine, and a thread of it is a site, a terminal or a client. Times are those of the
//! simulation, in microseconds, which is the unit of the format.
//!
//! 1. Slices (`X`) are leaderships, downtimes and pauses, and one of 1 µs for each input that a process handles: viewers
//!    attach an arrow to the slice around its end. Slices of a thread nest.
//! 2. A copy of a datagram that reaches its recipient, or is lost there, is a flow (`s`, `f`) whose id is the number of
//!    the copy. One that is lost on its way, or is under way at the end, has no flow; its loss is an instant.
//! 3. Times of a thread ascend.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use aviary::scenario::Picture;
use aviary::scenario::picture::PictureRole;
use aviary::sim::RunEvent;
use serde::Serialize;
use serde_json::{Value, json};

/// The process and thread of the simulator itself. Threads are numbered apart from processes: a thread with the number
/// of a process would be taken for its main thread.
const SIMULATOR: Thread = Thread { pid: 1, tid: FIRST_TID };

const FIRST_TID: usize = 1_000;

/// The kinds of events in which a process handles an input.
const HANDLED: [&str; 8] =
    ["started", "delivered", "commanded", "own", "synced", "woke", "disk_space", "told_of_link"];

/// A file in the format: the form that is a JSON object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TraceFile {
    display_time_unit: &'static str,
    other_data: Value,
    trace_events: Vec<TraceItem>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Thread {
    pid: usize,
    tid: usize,
}

/// One object of the format, with the fields that its phase asks for.
#[derive(Serialize)]
struct TraceItem {
    ph: &'static str,
    name: String,
    cat: &'static str,
    pid: usize,
    tid: usize,
    ts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    /// Where the end of a flow is attached: `e`, to the slice around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    bp: Option<&'static str>,
    /// How far an instant is drawn: over its thread (`t`) or over everything (`g`).
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Value>,
}

impl TraceItem {
    fn new(
        ph: &'static str,
        cat: &'static str,
        name: impl Into<String>,
        thread: Thread,
        ts: u64,
    ) -> TraceItem {
        let Thread { pid, tid } = thread;
        TraceItem {
            ph,
            name: name.into(),
            cat,
            pid,
            tid,
            ts,
            dur: None,
            id: None,
            bp: None,
            s: None,
            args: None,
        }
    }

    fn slice(
        cat: &'static str,
        name: impl Into<String>,
        thread: Thread,
        (from, to): (u64, u64),
    ) -> TraceItem {
        TraceItem { dur: Some(to - from), ..TraceItem::new("X", cat, name, thread, from) }
    }

    /// At one time a slice stands before what it contains.
    fn order(&self) -> (u64, bool, Reverse<Option<u64>>) {
        (self.ts, self.ph != "X", Reverse(self.dur))
    }
}

/// A copy of a datagram from its sender to where it ends.
struct Flow {
    name: String,
    /// The event in which it leaves.
    left: usize,
    from: Option<Thread>,
    /// The event in which it ends, and whose.
    ended: Option<(usize, Thread)>,
}

/// Makes the file of one run.
pub(crate) fn trace_file(picture: &Picture) -> TraceFile {
    let (threads, mut items) = threads(picture);
    let maker = Maker { picture, threads };
    let mut happened = maker.states();
    happened.extend(maker.events());
    // The order of the run stays where times are equal.
    happened.sort_by_key(TraceItem::order);
    items.extend(happened);
    let Picture { name, about, seed, fingerprint, reproduce, left_out, .. } = picture;
    TraceFile {
        display_time_unit: "ms",
        other_data: json!({
            "name": name, "about": about, "seed": seed, "fingerprint": fingerprint, "verdict": picture.verdict.text,
            "reproduce": reproduce, "left_out": left_out,
        }),
        trace_events: items,
    }
}

/// The thread of each process, and what names and orders them.
fn threads(picture: &Picture) -> (BTreeMap<String, Thread>, Vec<TraceItem>) {
    let clients =
        SIMULATOR.pid + 1 + picture.processes.iter().filter_map(|one| one.machine).max().map_or(0, |m| m + 1);
    let mut named = vec![(SIMULATOR, "simulator".to_owned(), "steps and faults".to_owned())];
    let mut threads = BTreeMap::new();
    for (place, process) in picture.processes.iter().enumerate() {
        let (pid, machine) = match process.machine {
            Some(machine) => (SIMULATOR.pid + 1 + machine, format!("machine {machine}")),
            None => (clients, "clients".to_owned()),
        };
        let thread = Thread { pid, tid: FIRST_TID + 1 + place };
        threads.insert(process.id.clone(), thread);
        named.push((thread, machine, process.id.clone()));
    }
    let mut items = Vec::new();
    for (thread, machine, name) in named {
        let describe = |what: &'static str, args: Value| TraceItem {
            args: Some(args),
            ..TraceItem::new("M", "__metadata", what, thread, 0)
        };
        items.push(describe("process_name", json!({ "name": machine })));
        items.push(describe("process_sort_index", json!({ "sort_index": thread.pid })));
        items.push(describe("thread_name", json!({ "name": name })));
        items.push(describe("thread_sort_index", json!({ "sort_index": thread.tid })));
    }
    (threads, items)
}

struct Maker<'a> {
    picture: &'a Picture,
    threads: BTreeMap<String, Thread>,
}

/// A state that lasts: its category, its name, and when it begins and ends.
type Lasting = (&'static str, String, u64, u64);

impl Maker<'_> {
    /// The thread of what happens to a process, or to the world.
    fn thread(&self, who: Option<impl ToString>) -> Thread {
        who.and_then(|who| self.threads.get(&who.to_string()).copied()).unwrap_or(SIMULATOR)
    }

    /// The end of the last slice.
    fn end(&self) -> u64 {
        self.picture.events.last().map_or(0, |event| event.at + 1)
    }

    /// Leaderships, downtimes and pauses.
    fn states(&self) -> Vec<TraceItem> {
        let mut items = Vec::new();
        for (id, thread) in &self.threads {
            let mut lasting = self.roles(id);
            lasting.extend(self.pauses(*thread));
            for (cat, name, from, to) in nested(lasting) {
                items.push(TraceItem::slice(cat, name, *thread, (from, to)));
            }
        }
        items
    }

    fn roles(&self, id: &str) -> Vec<Lasting> {
        let mut lasting: Vec<Lasting> = Vec::new();
        let mut open: Option<Lasting> = None;
        let mut role = None;
        for change in self.picture.states.iter().filter(|change| change.process == id) {
            let is_again = role == Some(PictureRole::Leader) && change.rank.is_some();
            role = change.role.or(role);
            if change.role.is_none() && !is_again {
                continue;
            }
            let at = self.picture.events[change.after].at;
            lasting.extend(open.take().map(|(cat, name, from, _)| (cat, name, from, at)));
            open = match role {
                Some(PictureRole::Leader) => {
                    let rank = change.rank.map(|rank| format!(", rank {rank}")).unwrap_or_default();
                    Some(("leadership", format!("leads{rank}"), at, 0))
                }
                Some(PictureRole::Down) => Some(("downtime", "down".to_owned(), at, 0)),
                _ => None,
            };
        }
        lasting.extend(open.map(|(cat, name, from, _)| (cat, name, from, self.end())));
        lasting
    }

    fn pauses(&self, thread: Thread) -> Vec<Lasting> {
        let mut lasting = Vec::new();
        let mut since = None;
        let is_one = |event: &&RunEvent| {
            matches!(event.kind, "paused" | "resumed" | "crashed" | "failed" | "ended")
                && self.thread(event.who) == thread
        };
        for event in self.picture.events.iter().filter(is_one) {
            match event.kind {
                "paused" => since = since.or(Some(event.at)),
                "resumed" | "crashed" | "failed" | "ended" => {
                    lasting.extend(since.take().map(|from| ("pause", "paused".to_owned(), from, event.at)));
                }
                _ => {}
            }
        }
        lasting.extend(since.map(|from| ("pause", "paused".to_owned(), from, self.end())));
        lasting
    }

    /// What happens at one moment, and the flows between such moments.
    fn events(&self) -> Vec<TraceItem> {
        let flows = self.flows();
        let mut leaving: BTreeMap<usize, Vec<(u32, &Flow)>> = BTreeMap::new();
        let mut ending: BTreeMap<usize, Vec<(u32, &Flow, Thread)>> = BTreeMap::new();
        for (copy, flow) in &flows {
            if let Some((end, to)) = flow.ended {
                leaving.entry(flow.left).or_default().push((*copy, flow));
                ending.entry(end).or_default().push((*copy, flow, to));
            }
        }
        let mut items = Vec::new();
        // The threads that have a slice in this event of the simulator, so that flows have something around their ends.
        let mut busy: (u64, Vec<usize>) = (0, Vec::new());
        for (place, event) in self.picture.events.iter().enumerate() {
            if busy.0 != event.event {
                busy = (event.event, Vec::new());
            }
            let (thread, at) = (self.thread(event.who), event.at);
            let mut act = |items: &mut Vec<TraceItem>, thread: Thread, cat, name: &str| {
                items.push(TraceItem::slice(cat, name, thread, (at, at + 1)));
                busy.1.push(thread.tid);
            };
            if HANDLED.contains(&event.kind) {
                act(&mut items, thread, "input", &event.text);
            } else if event.class != "routine" || matches!(event.kind, "lost" | "dropped") {
                let reach = if event.class == "step" { "g" } else { "t" };
                let args = Some(json!({ "event": event.event, "kind": event.kind }));
                items.push(TraceItem {
                    s: Some(reach),
                    args,
                    ..TraceItem::new("i", event.class, event.text.as_str(), thread, at)
                });
            }
            for (copy, flow) in leaving.get(&place).into_iter().flatten() {
                let from = flow.from.unwrap_or(thread);
                if !busy.1.contains(&from.tid) {
                    items.push(TraceItem::slice("output", "sends", from, (at, at + 1)));
                    busy.1.push(from.tid);
                }
                items.push(TraceItem {
                    id: Some(*copy),
                    ..TraceItem::new("s", "datagram", flow.name.as_str(), from, at)
                });
            }
            for (copy, flow, to) in ending.get(&place).into_iter().flatten() {
                if !busy.1.contains(&to.tid) {
                    items.push(TraceItem::slice("input", "lost on arrival", *to, (at, at + 1)));
                    busy.1.push(to.tid);
                }
                items.push(TraceItem {
                    id: Some(*copy),
                    bp: Some("e"),
                    ..TraceItem::new("f", "datagram", flow.name.as_str(), *to, at)
                });
            }
        }
        items
    }

    /// Every copy, by its number.
    fn flows(&self) -> BTreeMap<u32, Flow> {
        let mut flows: BTreeMap<u32, Flow> = BTreeMap::new();
        let blank = |left, from| Flow { name: String::new(), left, from, ended: None };
        for (place, event) in self.picture.events.iter().enumerate() {
            for copy in &event.copies {
                if event.kind == "redelivered" {
                    flows.entry(*copy).or_insert_with(|| blank(place, None));
                } else if let Some(flow) = flows.get_mut(copy) {
                    flow.ended = flow.ended.or(Some((place, self.thread(event.who))));
                }
            }
            let Some(copy) = event.copy else { continue };
            let is_arriving = event.from.is_some();
            // A copy of a copy is first heard of where it arrives: it left with the one that it is a copy of.
            let cause = event.cause.and_then(|cause| usize::try_from(cause).ok()).filter(|_| is_arriving);
            let flow = flows.entry(copy).or_insert_with(|| blank(cause.unwrap_or(place), None));
            let sender = if is_arriving { event.from } else { event.who };
            flow.from = flow.from.or_else(|| sender.map(|sender| self.thread(Some(sender))));
            if flow.name.is_empty() {
                flow.name = messages(event);
            }
            if matches!(event.kind, "delivered" | "dropped") {
                flow.ended = flow.ended.or(Some((place, self.thread(event.who))));
            }
        }
        flows
    }
}

/// The kinds of the messages in a datagram.
fn messages(event: &RunEvent) -> String {
    let kinds: Vec<&str> = event.messages.iter().flat_map(|all| all.iter()).map(|(kind, _)| *kind).collect();
    if kinds.is_empty() { "raw bytes".to_owned() } else { kinds.join(" + ") }
}

/// The same states without those that last no time, cut where one would end inside another one but begin before it.
fn nested(mut lasting: Vec<Lasting>) -> Vec<Lasting> {
    lasting.retain(|(_, _, from, to)| from < to);
    lasting.sort_by_key(|(_, _, from, to)| (*from, Reverse(*to)));
    let mut pending: Vec<Lasting> = lasting.into_iter().rev().collect();
    let (mut done, mut around): (Vec<Lasting>, Vec<u64>) = (Vec::new(), Vec::new());
    while let Some((cat, name, from, to)) = pending.pop() {
        around.retain(|end| *end > from);
        let end = around.last().map_or(to, |outer| to.min(*outer));
        around.push(end);
        if end < to {
            let rest = (cat, name.clone(), end, to);
            let key = |one: &Lasting| (one.2, Reverse(one.3));
            let at = pending.partition_point(|other| key(other) > key(&rest));
            pending.insert(at, rest);
        }
        done.push((cat, name, from, end));
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_cross_is_cut() {
        let state = |from, to| ("pause", "paused".to_owned(), from, to);
        let times = |lasting: Vec<Lasting>| -> Vec<(u64, u64)> {
            nested(lasting).into_iter().map(|(_, _, from, to)| (from, to)).collect()
        };
        assert_eq!(times(vec![state(5, 5), state(1, 4)]), [(1, 4)]);
        assert_eq!(times(vec![state(2, 4), state(1, 9)]), [(1, 9), (2, 4)]);
        assert_eq!(times(vec![state(1, 5), state(3, 8)]), [(1, 5), (3, 5), (5, 8)]);
        assert_eq!(
            times(vec![state(1, 5), state(3, 8), state(6, 9)]),
            [(1, 5), (3, 5), (5, 8), (6, 8), (8, 9)]
        );
    }
}
