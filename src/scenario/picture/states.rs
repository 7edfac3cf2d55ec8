//! What each process is, at any moment: only what changes is kept.

use alloc::collections::BTreeMap;
use core::marker::PhantomData;

use crate::ids::ProcessId;
use crate::process::{Process, Role};
use crate::scenario::outcome::Verdict;
use crate::scenario::picture::Shown;
use crate::scenario::run::Run;
use crate::scenario::service::Service;

/// What changed in one process. What is absent is as it was before.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StateChange {
    /// The last event of those that changed it.
    pub after: usize,
    /// The process.
    pub process: String,
    /// Its role. Whoever is down has no fields and no slots.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub role: Option<PictureRole>,
    /// Its rank; meant only while it leads.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub rank: Option<u64>,
    /// How much it knows, in the unit of its protocol.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub progress: Option<u64>,
    /// The fields of its state; `null` for one that is gone.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "BTreeMap::is_empty"))]
    pub fields: BTreeMap<String, Option<String>>,
    /// What it holds by slot; `null` for a slot that is shown no more.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "BTreeMap::is_empty"))]
    pub slots: BTreeMap<u64, Option<String>>,
}

/// The role of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PictureRole {
    /// It leads.
    Leader,
    /// It wants to lead.
    Candidate,
    /// It is a site that does neither.
    Follower,
    /// It is no site.
    Client,
    /// It does not run.
    Down,
}

/// What one process was when it was last looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Seen {
    role: PictureRole,
    rank: Option<u64>,
    progress: u64,
    shown: Shown,
}

const DOWN: Seen = Seen {
    role: PictureRole::Down,
    rank: None,
    progress: 0,
    shown: Shown { fields: BTreeMap::new(), slots: BTreeMap::new() },
};

/// The states so far.
pub(super) struct States<S> {
    seen: BTreeMap<ProcessId, Seen>,
    changes: Vec<StateChange>,
    service: PhantomData<S>,
}

impl<S: Service> States<S> {
    pub(super) fn new() -> States<S> {
        States { seen: BTreeMap::new(), changes: Vec::new(), service: PhantomData }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Looks at these processes after the event at the place `after`.
    pub(super) fn look(&mut self, run: &Run<S>, after: usize, who: &[ProcessId]) {
        for id in who {
            // A process that panicked is left in the middle of an input.
            if matches!(run.verdict(), Some(Verdict::Panicked { process, .. }) if process.is_none_or(|bad| bad == *id))
            {
                continue;
            }
            self.see(*id, after, run.world().process(*id));
        }
    }

    /// Sees this process, or that it does not run, after the event at the place `after`.
    pub(super) fn see(&mut self, id: ProcessId, after: usize, process: Option<&S::Process>) {
        let now = process.map_or(DOWN, see::<S>);
        let down = DOWN;
        let before = self.seen.get(&id).unwrap_or(&down);
        if before != &now {
            self.changes.push(difference(before, &now, after, id));
            self.seen.insert(id, now);
        }
    }

    pub(super) fn finish(self) -> Vec<StateChange> {
        self.changes
    }
}

fn see<S: Service>(process: &S::Process) -> Seen {
    let (role, rank) = match process.role() {
        Role::Leader { rank } => (PictureRole::Leader, Some(rank)),
        Role::Candidate => (PictureRole::Candidate, None),
        Role::Follower => (PictureRole::Follower, None),
        Role::Client => (PictureRole::Client, None),
    };
    let mut shown = Shown::default();
    S::show(process, &mut shown);
    Seen { role, rank, progress: process.progress(), shown }
}

fn difference(before: &Seen, now: &Seen, after: usize, id: ProcessId) -> StateChange {
    StateChange {
        after,
        process: id.to_string(),
        role: (before.role != now.role).then_some(now.role),
        rank: now.rank.filter(|_| before.rank != now.rank),
        progress: (before.progress != now.progress).then_some(now.progress),
        fields: changed(&before.shown.fields, &now.shown.fields),
        slots: changed(&before.shown.slots, &now.shown.slots),
    }
}

fn changed<K: Ord + Clone>(
    before: &BTreeMap<K, String>,
    now: &BTreeMap<K, String>,
) -> BTreeMap<K, Option<String>> {
    let gone = before.keys().filter(|key| !now.contains_key(key)).map(|key| (key.clone(), None));
    let new = now.iter().filter(|(key, value)| before.get(key) != Some(value));
    gone.chain(new.map(|(key, value)| (key.clone(), Some(value.clone())))).collect()
}
