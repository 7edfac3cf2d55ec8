//! What is known of one kind of step.

use crate::ids::ProcessId;
use crate::sim::net::rules::Resolved;

/// Whom a step may be done to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Aim {
    /// Nobody in particular: links, datagrams or everything.
    Nobody,
    /// Processes of any sort.
    Processes,
    /// Sites: they alone have disks.
    Sites,
    /// Sites and clients: they crash. A terminal is a part of its site.
    Lives,
    /// The same, that need not run, and so have no role.
    LivesByNumber,
}

impl Aim {
    /// Whether it may be done to these processes.
    pub(crate) fn takes(self, whom: Resolved) -> bool {
        match self {
            Aim::Nobody | Aim::Processes => true,
            Aim::Sites => matches!(whom, Resolved::Sites(_)),
            Aim::Lives | Aim::LivesByNumber => {
                matches!(whom, Resolved::Sites(_) | Resolved::Other(ProcessId::Client(_)))
            }
        }
    }
}

/// When a step takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EffectTime {
    /// The moment that it fires, in the middle of a process's sending.
    AtOnce,
    /// Once the process at work is done.
    Later,
}

/// What is known of one kind of step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// How a scenario says it, by example; empty for what is in the words of a service.
    pub word: &'static str,
    /// What reports and facts call it.
    pub kind: &'static str,
    /// What it does, in a sentence or two.
    pub means: &'static str,
    /// Whom it may be done to.
    pub aim: Aim,
    /// When it takes effect.
    pub effect: EffectTime,
    /// Whether it may stop a process.
    pub stops: bool,
    /// Whether it damages storage: who recovers from that must refuse, and counts as failed for good.
    pub damages: bool,
    /// The counter of [`Statistics`](crate::sim::Statistics) that it moves, by its name.
    pub counter: Option<&'static str>,
    /// How often it is drawn among the errors of disks, relative to the others.
    pub weight: u32,
    /// What traces say, with `{}` for whom it is done to; empty where that depends on more.
    pub says: &'static str,
    /// Its test under `tests/twins`: a run with it and one without differ. Empty for what is no fault.
    pub twin: &'static str,
}

/// A row without what most kinds lack.
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
        says: "",
        twin: "",
    }
}

/// A row about a disk, which its word and meaning are missing from.
pub(super) const fn disk(kind: &'static str, says: &'static str, twin: &'static str) -> Row {
    Row { says, ..row("", kind, Aim::Sites, EffectTime::AtOnce, "") }.twin(twin)
}

impl Row {
    pub(super) const fn twin(self, twin: &'static str) -> Row {
        Row { twin, ..self }
    }

    pub(super) const fn says(self, says: &'static str) -> Row {
        Row { says, ..self }
    }

    pub(super) const fn counts(self, counter: &'static str) -> Row {
        Row { counter: Some(counter), ..self }
    }

    pub(super) const fn weighs(self, weight: u32) -> Row {
        Row { weight, ..self }
    }

    pub(super) const fn stops(self) -> Row {
        Row { stops: true, ..self }
    }

    pub(super) const fn damages(self) -> Row {
        Row { damages: true, ..self }
    }
}
