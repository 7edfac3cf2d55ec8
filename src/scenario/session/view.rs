//! What was so at a moment: the processes as they really are, and what is under way.

use alloc::collections::BTreeMap;

use serde::Serialize;

use crate::ids::ProcessId;
use crate::process::{Process, Subject};
use crate::scenario::picture::Shown;
use crate::scenario::run::Run;
use crate::scenario::service::Service;
use crate::sim::{FlyingCopy, ProcessStatus};

/// A moment of a run.
#[derive(Clone, Debug, Serialize)]
pub struct View {
    /// The line of the picture that was looked at.
    pub event: usize,
    /// The time, in microseconds.
    pub at: u64,
    /// The number of events so far.
    pub events: u64,
    /// Why nothing can be done at this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// If so: the last line before it at which something can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<usize>,
    /// Every process.
    pub processes: Vec<ViewedProcess>,
    /// What is under way, in the order of sending.
    pub under_way: Vec<ViewedCopy>,
}

/// A process at that moment.
#[derive(Clone, Debug, Serialize)]
pub struct ViewedProcess {
    /// `S0` a site, `T0` the terminal of site 0, `C0` a client.
    pub id: String,
    /// `up`, `paused`, `down` or `failed`.
    pub status: &'static str,
    /// Why it stopped by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What its clock shows, in microseconds.
    pub clock: u64,
    /// When it is to be woken, on its own clock, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
    /// What it is to be woken for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The inputs that wait for it.
    pub waiting: usize,
    /// The writes of its disk that are not synced; absent if it has no disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsynced: Option<usize>,
    /// The fields of its state, as its service shows them.
    pub fields: BTreeMap<String, String>,
    /// What it holds by slot.
    pub slots: BTreeMap<u64, String>,
}

/// A copy of a datagram under way.
#[derive(Clone, Debug, Serialize)]
pub struct ViewedCopy {
    /// Its number.
    pub copy: u32,
    /// If it is a further copy: the number of the one that left its sender, which may have arrived long ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// Its sender.
    pub from: String,
    /// Where it arrives.
    pub to: String,
    /// Kind and subject of each message.
    pub messages: Vec<(&'static str, String)>,
    /// When it arrives, in microseconds; absent in a held network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrives: Option<u64>,
    /// Whether another one follows it anyhow.
    pub background: bool,
    /// What can be done to it.
    pub can: Vec<&'static str>,
}

pub(super) fn view<S: Service>(
    event: usize,
    run: &Run<S>,
    why_not: Option<String>,
    last: Option<usize>,
) -> View {
    let world = run.world();
    View {
        event,
        at: world.now().as_micros(),
        events: world.events(),
        why_not,
        last,
        processes: world.processes().map(|id| process::<S>(id, run)).collect(),
        under_way: world.under_way().into_iter().map(copy).collect(),
    }
}

fn process<S: Service>(id: ProcessId, run: &Run<S>) -> ViewedProcess {
    let world = run.world();
    let (status, why) = match world.status(id) {
        Some(ProcessStatus::Up) => ("up", None),
        Some(ProcessStatus::Paused) => ("paused", None),
        Some(ProcessStatus::Failed { reason, .. }) => ("failed", Some(reason.to_string())),
        Some(ProcessStatus::Down) | None => ("down", None),
    };
    let mut shown = Shown::default();
    // A process that panicked is left in the middle of an input.
    let has_panicked = run.is_over() && world.handling() == Some(id);
    let state = world.process(id).filter(|_| !has_panicked);
    let deadline = state.and_then(|state| {
        S::show(state, &mut shown);
        state.deadline()
    });
    ViewedProcess {
        id: id.to_string(),
        status,
        why,
        clock: world.clock(id).as_micros(),
        deadline: deadline.map(|(due, _)| due.as_micros()),
        reason: deadline.map(|(_, reason)| reason),
        waiting: world.waiting(id),
        unsynced: world.disk(id).map(|disk| disk.unsynced()),
        fields: shown.fields,
        slots: shown.slots,
    }
}

fn copy(copy: FlyingCopy) -> ViewedCopy {
    let subject = |subject: Subject| match subject {
        Subject::NONE => String::new(),
        subject => subject.to_string(),
    };
    let can: &[&str] = match (copy.is_loose, copy.arrives) {
        (false, _) => &[],
        (true, None) => &["deliver", "lose", "double"],
        (true, Some(_)) => &["deliver", "lose", "double", "delay"],
    };
    ViewedCopy {
        copy: copy.number,
        of: (copy.of != copy.number).then_some(copy.of),
        from: copy.from.to_string(),
        to: copy.to.to_string(),
        messages: copy.messages.into_iter().map(|(kind, about)| (kind, subject(about))).collect(),
        arrives: copy.arrives.map(|at| at.as_micros()),
        background: copy.is_background,
        can: can.to_vec(),
    }
}
