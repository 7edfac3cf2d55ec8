//! The properties of one kind of step.

use crate::ids::ProcessId;
use crate::sim::net::rules::Resolved;
use crate::sim::net::settings::Delivery;

/// The processes that a step may apply to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aim {
    /// No process: links, datagrams or everything.
    Nobody,
    /// Processes of any kind.
    Processes,
    /// Sites only, since only they have disks.
    Sites,
    /// Sites and clients, which can crash by themselves. A terminal is a part of its site.
    Lives,
    /// Sites and clients by number: they need not run, and then have no role.
    LivesByNumber,
}

impl Aim {
    /// Whether a step may apply to these processes.
    pub(crate) fn takes(self, targets: Resolved) -> bool {
        match self {
            Aim::Nobody | Aim::Processes => true,
            Aim::Sites => matches!(targets, Resolved::Sites(_)),
            Aim::Lives | Aim::LivesByNumber => {
                matches!(targets, Resolved::Sites(_) | Resolved::Other(ProcessId::Client(_)))
            }
        }
    }
}

/// When a step takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EffectTime {
    /// At the moment it fires, even while a process is sending.
    AtOnce,
    /// Once the running process has finished its input.
    Later,
}

/// The properties of one kind of step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// An example of it in a scenario; empty for a service's commands.
    pub word: &'static str,
    /// Its name in reports and facts.
    pub kind: &'static str,
    /// Its effect, in a sentence or two.
    pub means: &'static str,
    /// The processes that it may apply to.
    pub aim: Aim,
    /// When it takes effect.
    pub effect: EffectTime,
    /// Whether it may stop a process.
    pub stops: bool,
    /// Whether it damages storage. Recovery must then refuse that storage, and the site counts as failed for good.
    pub damages: bool,
    /// The name of the counter of [`Statistics`](crate::sim::Statistics) that it increments.
    pub counter: Option<&'static str>,
    /// The weight with which it is drawn among the errors of disks.
    pub weight: u32,
    /// Its text in traces, with `{}` for its targets; empty if the text depends on more.
    pub trace_text: &'static str,
    /// Whether it acts in an event of its own on what is under way, on a deadline or on a sync. A required step that
    /// does not find what it names ends the run.
    pub is_by_hand: bool,
    /// The only delivery of the network under which it means something; `None` if it does under any.
    pub delivery: Option<Delivery>,
    /// The name of its test under `tests/twins`, where runs with and without it differ. Empty if it is no fault.
    pub twin: &'static str,
}

/// A row without the properties that most kinds lack.
pub(super) const fn row(
    word: &'static str,
    kind: &'static str,
    aim: Aim,
    effect: EffectTime,
    means: &'static str,
) -> Row {
    Row {
        word,
        kind,
        means,
        aim,
        effect,
        stops: false,
        damages: false,
        counter: None,
        weight: 0,
        trace_text: "",
        is_by_hand: false,
        delivery: None,
        twin: "",
    }
}

/// The row of a disk fault, without its word and meaning.
pub(super) const fn disk(kind: &'static str, trace_text: &'static str, twin: &'static str) -> Row {
    Row { trace_text, ..row("", kind, Aim::Sites, EffectTime::AtOnce, "") }.twin(twin)
}

impl Row {
    /// Its first word in a file.
    pub fn name(&self) -> &'static str {
        self.word.split('(').next().unwrap_or(self.word)
    }

    pub(super) const fn twin(self, twin: &'static str) -> Row {
        Row { twin, ..self }
    }

    pub(super) const fn trace_text(self, trace_text: &'static str) -> Row {
        Row { trace_text, ..self }
    }

    pub(super) const fn counts(self, counter: &'static str) -> Row {
        Row { counter: Some(counter), ..self }
    }

    pub(super) const fn weighs(self, weight: u32) -> Row {
        Row { weight, ..self }
    }

    /// Only where the network delivers by itself.
    pub(super) const fn by_itself(self) -> Row {
        Row { delivery: Some(Delivery::ByItself), ..self }
    }

    /// In an event of its own.
    pub(super) const fn by_hand(self) -> Row {
        Row { is_by_hand: true, ..self }
    }

    /// Only in a held network.
    pub(super) const fn held(self) -> Row {
        Row { delivery: Some(Delivery::Held), ..self }
    }

    pub(super) const fn stops(self) -> Row {
        Row { stops: true, ..self }
    }

    pub(super) const fn damages(self) -> Row {
        Row { damages: true, ..self }
    }
}
