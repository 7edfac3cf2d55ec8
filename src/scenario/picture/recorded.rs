//! What a real site recorded, as a picture. It is made while a [`Player`](crate::recording::Player) plays the recording.
//!
//! A recording holds what the processes of one program were handed and what they did with it. So a picture of it shows no
//! syncs, and copies to other programs leave and are not heard of again.
//!
//! 1. What a process does is caused by the input that it was handling. What it sends to itself, or to another process of
//!    its program, is handed in by what sent it. A wake-up is caused by the input after which the process first wanted it.
//! 2. The clock of a host begins anew with each start, and nobody knows how long the program was down: each start follows
//!    what was recorded before it at once.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::ids::ProcessId;
use crate::process::{BACKGROUND, Input, Label, Process, Recipients, Role};
use crate::recording::{OpenedFrom, RecordedMessage, RecordedOutput, Seen};
use crate::scenario::picture::calls::Calls;
use crate::scenario::picture::states::States;
use crate::scenario::picture::{Picture, PictureMessage, PictureProcess, PictureVerdict, SCHEMA};
use crate::scenario::service::Service;
use crate::sim::{RunEvent, Told};
use crate::time::Instant;
use crate::wire::Wire;

/// What a picture of a recording is called, and what came of the replay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordedFacts {
    /// The name of the recording.
    pub name: String,
    /// Whose recording it is, and how much it holds.
    pub about: String,
    /// The command that replays it.
    pub reproduce: String,
    /// The seed of the process that the recording is named after.
    pub seed: u64,
    /// A hash of the recording.
    pub fingerprint: u64,
    /// The first place where the replay differs from the recording.
    pub difference: Option<String>,
}

/// A picture that is being made of a recording.
pub struct RecordedPicture<S: Service> {
    events_max: usize,
    /// The number of events that are left out at the beginning.
    skipped: u64,
    made: u64,
    left_out: u64,
    events: Vec<RunEvent>,
    states: States<S>,
    calls: Calls,
    /// The processes whose inputs are recorded.
    recorded: BTreeMap<ProcessId, Recorded>,
    /// All processes, those of other programs too.
    known: BTreeSet<ProcessId>,
    /// What was sent inside the program and is not handed in yet.
    inside: BTreeMap<Parcel, VecDeque<Sent>>,
    copies: u32,
    inputs: u64,
    incarnation: u64,
    /// The time at which the present start of the host counts from, and the time of the last event, in microseconds.
    base: u64,
    last: u64,
    /// Whoever was handed the last input, or panicked at it.
    busy: Option<ProcessId>,
    panicked: Option<String>,
}

/// Sender, recipient, and the encoded message.
type Parcel = (ProcessId, ProcessId, Vec<u8>);

#[derive(Clone, Copy)]
struct Sent {
    copy: Option<u32>,
    place: u64,
}

/// What is known of one process.
#[derive(Default)]
struct Recorded {
    is_up: bool,
    /// The event of the input that it was handed last.
    handed: Option<u64>,
    rank: Option<u64>,
    deadline: Option<Instant>,
    /// Why it wants to be woken then, and the event after which it first wanted that.
    wake: Option<(&'static str, Option<u64>)>,
}

impl<S: Service> RecordedPicture<S> {
    /// A picture of at most so many events. The first `skipped` ones are left out: those that the picture of a recording
    /// that ends badly has no room for.
    pub fn new(events_max: usize, skipped: u64) -> RecordedPicture<S> {
        RecordedPicture {
            events_max,
            skipped,
            made: 0,
            left_out: 0,
            events: Vec::new(),
            states: States::new(),
            calls: Calls::default(),
            recorded: BTreeMap::new(),
            known: BTreeSet::new(),
            inside: BTreeMap::new(),
            copies: 0,
            inputs: 0,
            incarnation: 0,
            base: 0,
            last: 0,
            busy: None,
            panicked: None,
        }
    }

    /// The number of events that are left out so far.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Takes what the player saw.
    pub fn take(&mut self, seen: &Seen<'_, S::Process>) {
        match seen {
            Seen::Opened { process, incarnation, from, state } => {
                self.open(*process, *incarnation, *from, *state);
            }
            Seen::Input { now, process, input, .. } => self.hand(*now, *process, input),
            Seen::Output { process, output, notes, state } => self.put_out(*process, output, notes, state),
            Seen::Panicked { process, message } => {
                let handed = self.recorded.entry(*process).or_default().handed;
                let event = of("fault", "failed", format!("panics: {message}"), handed);
                self.put(*process, RunEvent { why: Some((*message).to_owned()), ..event }, None);
                self.end(*process);
                self.panicked = Some((*message).to_owned());
            }
        }
    }

    fn open(&mut self, who: ProcessId, incarnation: u64, from: OpenedFrom, state: Result<&S::Process, &str>) {
        self.known.insert(who);
        if self.incarnation != incarnation {
            (self.incarnation, self.base, self.panicked) = (incarnation, self.last, None);
            self.inside.clear();
        }
        let was_up = self.recorded.get(&who).is_some_and(|recorded| recorded.is_up);
        if was_up && matches!(from, OpenedFrom::Records(_)) {
            self.put(who, of("life", "ended", "ends with its program".into(), None), None);
        }
        self.end(who);
        let event = match (state, from) {
            (Err(why), _) => {
                let event = of("fault", "failed", format!("is not started: {why}"), None);
                RunEvent { why: Some(why.to_owned()), ..event }
            }
            (Ok(_), OpenedFrom::State) => {
                of("life", "resumed", "goes on from its recorded state".into(), None)
            }
            (Ok(_), OpenedFrom::Records(records)) => {
                let text = match (incarnation, records) {
                    (1, 0) => "starts".into(),
                    _ => format!("starts, incarnation {incarnation}, {}", counted(records, "record")),
                };
                let event = of("life", "started", text, None);
                let records = Some(records as u64);
                RunEvent { incarnation: Some(incarnation), records, ..event }
            }
        };
        let place = self.put(who, event, None);
        let deadline = state.ok().and_then(Process::deadline);
        let recorded = Recorded {
            is_up: state.is_ok(),
            handed: Some(place),
            rank: None,
            deadline: deadline.map(|(at, _)| at),
            wake: deadline.map(|(_, why)| (why, Some(place))),
        };
        self.recorded.insert(who, recorded);
        self.look(who, state.ok());
    }

    fn hand(&mut self, now: Instant, who: ProcessId, input: &Input<S::Process>) {
        self.last = self.last.max(self.base.saturating_add(now.as_micros()));
        (self.inputs, self.busy) = (self.inputs + 1, Some(who));
        let event = match input {
            // It has the cause of its start.
            Input::Started => return,
            Input::Message { from, message } => return self.deliver(who, *from, message),
            Input::Wake => {
                let recorded = self.recorded.entry(who).or_default();
                let wake = recorded.wake.take();
                recorded.deadline = None;
                match wake {
                    Some((why, cause)) => of("routine", "woke", format!("wakes: {why}"), cause),
                    None => of("routine", "woke", "wakes".into(), None),
                }
            }
            Input::Command(command) => of("note", "commanded", format!("is asked: {command}"), None),
            Input::DiskSpace { is_low } => {
                let what = if *is_low { "is almost full" } else { "has room again" };
                of("fault", "disk_space", format!("learns that its disk {what}"), None)
            }
            Input::Link { peer, up } => {
                let text = format!("learns that its link to {peer} is {}", if *up { "up" } else { "down" });
                RunEvent { from: Some(*peer), ..of("routine", "told_of_link", text, None) }
            }
        };
        let told = match input {
            Input::Command(command) => Some(Told::Commanded(command)),
            _ => None,
        };
        let place = self.put(who, event, told);
        self.recorded.entry(who).or_default().handed = Some(place);
    }

    /// A message is handed in. One that a process of the same program sent comes from there.
    fn deliver(&mut self, who: ProcessId, from: ProcessId, message: &<S::Process as Process>::Message) {
        self.known.insert(from);
        let parcel = (from, who, message.to_bytes());
        let sent = self.inside.get_mut(&parcel).and_then(VecDeque::pop_front);
        if self.inside.get(&parcel).is_some_and(VecDeque::is_empty) {
            self.inside.remove(&parcel);
        }
        let cause = sent.map(|sent| sent.place);
        let event = if from == who {
            let event = of("routine", "own", format!("<- itself {}", name(message)), cause);
            RunEvent { messages: Some([(message.kind(), message.subject())].into()), ..event }
        } else {
            let copy = sent.and_then(|sent| sent.copy).unwrap_or_else(|| self.copy());
            let event = of("routine", "delivered", format!("<- {from} {}", name(message)), cause);
            RunEvent { from: Some(from), ..carrying::<S>(event, message, copy) }
        };
        let place = self.put(who, event, None);
        self.recorded.entry(who).or_default().handed = Some(place);
    }

    fn put_out(
        &mut self,
        who: ProcessId,
        output: &RecordedOutput<'_>,
        notes: &[<S::Process as Process>::Note],
        state: &S::Process,
    ) {
        let handed = self.recorded.entry(who).or_default().handed;
        for note in notes {
            let event = of("note", "noted", note.to_string(), handed);
            let messages = Some([(note.kind(), note.subject())].into());
            self.put(who, RunEvent { messages, ..event }, Some(Told::Noted(note)));
        }
        let rank = match state.role() {
            Role::Leader { rank } => Some(rank),
            _ => None,
        };
        let recorded = self.recorded.entry(who).or_default();
        if core::mem::replace(&mut recorded.rank, rank) != rank
            && let Some(rank) = rank
        {
            let event = of("routine", "leads", format!("leads, rank {rank}"), handed);
            self.put(who, RunEvent { rank: Some(rank), ..event }, None);
        }
        if !output.records.is_empty() {
            let text = format!("appends {}", counted(output.records.len(), "record"));
            let event = of("routine", "appended", text, handed);
            self.put(who, RunEvent { records: Some(output.records.len() as u64), ..event }, None);
        }
        for message in &output.messages {
            self.send(who, message, handed);
        }
        if let Some(reason) = &output.stop {
            let event = of("life", "failed", format!("stops: {reason}"), handed);
            self.put(who, RunEvent { why: Some(reason.clone()), ..event }, None);
            self.recorded.entry(who).or_default().is_up = false;
        }
        let recorded = self.recorded.entry(who).or_default();
        if recorded.deadline != output.deadline {
            recorded.deadline = output.deadline;
            recorded.wake = state.deadline().map(|(_, why)| (why, handed));
        }
        self.look(who, Some(state));
    }

    /// Each recipient gets a copy. What the process sends to itself is seen where it is handed in.
    fn send(&mut self, who: ProcessId, sent: &RecordedMessage<'_>, handed: Option<u64>) {
        let RecordedMessage { to, bytes, .. } = sent;
        let message = <S::Process as Process>::Message::from_bytes(bytes);
        let recipients: Vec<ProcessId> = match to {
            Recipients::One(one) => vec![*one],
            Recipients::Sites(sites) => sites.iter().map(ProcessId::Site).collect(),
            Recipients::Clients { count } => {
                (0..*count).map(ProcessId::Client).filter(|client| *client != who).collect()
            }
        };
        for to in recipients {
            self.known.insert(to);
            let sent = if to == who {
                handed.map(|place| Sent { copy: None, place })
            } else {
                let copy = self.copy();
                let event = match &message {
                    Ok(message) => {
                        let event = of("routine", "sent", format!("-> {to} {}", name(message)), handed);
                        carrying::<S>(event, message, copy)
                    }
                    Err(error) => {
                        let text = format!("-> {to} what does not decode: {error}");
                        RunEvent { copy: Some(copy), ..of("routine", "sent", text, handed) }
                    }
                };
                let place = self.put(who, RunEvent { to: Some(to), ..event }, None);
                Some(Sent { copy: Some(copy), place })
            };
            if let Some(sent) = sent.filter(|_| self.recorded.get(&to).is_some_and(|to| to.is_up)) {
                self.inside.entry((who, to, bytes.to_vec())).or_default().push_back(sent);
            }
        }
    }

    /// A process ended, or goes on after something that is not recorded: what it waited for is not known.
    fn end(&mut self, who: ProcessId) {
        self.calls.forget(who);
        self.inside.retain(|(_, to, _), _| *to != who);
        if let Some(recorded) = self.recorded.get_mut(&who) {
            recorded.is_up = false;
        }
    }

    fn copy(&mut self) -> u32 {
        self.copies += 1;
        self.copies
    }

    /// Adds an event of `who`, and returns its place among all events. `told` is its command or note.
    fn put(&mut self, who: ProcessId, event: RunEvent, told: Option<Told<'_, S::Process>>) -> u64 {
        let place = self.made;
        self.made += 1;
        if place < self.skipped || self.events.len() >= self.events_max {
            self.left_out += 1;
            return place;
        }
        if let Some(told) = told {
            self.calls.follow(self.events.len(), who, S::call(told));
        }
        let cause = event.cause.and_then(|cause| cause.checked_sub(self.skipped));
        let (event_number, at) = (self.inputs, self.last);
        self.events.push(RunEvent { event: event_number, at, who: Some(who), cause, ..event });
        place
    }

    fn look(&mut self, who: ProcessId, state: Option<&S::Process>) {
        if self.left_out == self.skipped
            && let Some(after) = self.events.len().checked_sub(1)
        {
            self.states.see(who, after, state);
        }
    }

    /// The picture.
    pub fn finish(mut self, facts: RecordedFacts) -> Picture {
        let RecordedFacts { name, about, reproduce, seed, fingerprint, difference } = facts;
        let busy = self.busy;
        let (verdict, text, at_fault) = match (difference, self.panicked.take()) {
            (Some(difference), _) => {
                if let Some(busy) = busy {
                    let handed = self.recorded.entry(busy).or_default().handed;
                    let text = "does something else in the replay than in the recording".into();
                    self.put(busy, of("fault", "differs", text, handed), None);
                }
                ("differs", difference, busy)
            }
            (None, Some(message)) => ("panicked", format!("panicked: {message}"), busy),
            (None, None) => ("passed", "the replay is the same as the recording".into(), None),
        };
        let process = |id: ProcessId| {
            let site = match id {
                ProcessId::Site(site) | ProcessId::Terminal(site) => Some(site),
                ProcessId::Client(_) => None,
            };
            PictureProcess {
                id: id.to_string(),
                machine: site.map(|site| site.index()),
                site: site.filter(|_| id.as_site().is_none()).map(|site| ProcessId::Site(site).to_string()),
            }
        };
        let kinds = S::messages();
        Picture {
            schema: SCHEMA,
            name,
            about,
            source: "recording",
            reproduce,
            scenario: String::new(),
            seed,
            fingerprint: format!("{fingerprint:016x}"),
            left_out: self.left_out,
            verdict: PictureVerdict {
                name: verdict,
                text,
                property: None,
                process: at_fault.map(|id| id.to_string()),
            },
            processes: self.known.iter().copied().map(process).collect(),
            notation: S::TRACE_NOTATION,
            messages: kinds.into_iter().map(|kind| PictureMessage { kind, phase: S::phase(kind) }).collect(),
            events: self.events,
            states: self.states.finish(),
            bands: Vec::new(),
            calls: self.calls.finish(),
            unexplained: None,
            under_way: Vec::new(),
            blame: None,
            final_state: String::new(),
        }
    }
}

/// An event without its process and time.
fn of(class: &'static str, kind: &'static str, text: String, cause: Option<u64>) -> RunEvent {
    RunEvent { class, kind, text, cause, ..RunEvent::default() }
}

/// The same event, of a copy of this message.
fn carrying<S: Service>(event: RunEvent, message: &<S::Process as Process>::Message, copy: u32) -> RunEvent {
    RunEvent {
        messages: Some([(message.kind(), message.subject())].into()),
        contents: Some([S::describe(message)].into()),
        background: message.rank() >= BACKGROUND,
        copy: Some(copy),
        ..event
    }
}

fn name(message: &impl Label) -> String {
    let (kind, subject) = (message.kind(), message.subject().to_string());
    if subject.is_empty() { kind.into() } else { format!("{kind} {subject}") }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
