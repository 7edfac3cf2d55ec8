//! What a run hears beside the service's judges: its notes.

use crate::ids::ProcessId;
use crate::process::{Label, Process};
use crate::sim::{Judge, Observation, Violation};
use crate::time::Instant;

/// The service's judges, and beside them what processes noted.
#[derive(Clone, Debug)]
pub struct Watched<J> {
    judges: J,
    /// Who has not done yet what it was asked, and the note with which it will say so.
    awaited: Vec<(ProcessId, &'static str)>,
    noted: Vec<(&'static str, u64)>,
}

impl<J> Watched<J> {
    pub(super) fn new(judges: J) -> Watched<J> {
        Watched { judges, awaited: Vec::new(), noted: Vec::new() }
    }

    /// How often each kind of note was made, in the order of the first ones.
    pub fn noted(&self) -> &[(&'static str, u64)] {
        &self.noted
    }

    fn count(&mut self, kind: &'static str) {
        match self.noted.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.noted.push((kind, 1)),
        }
    }

    /// From here on waits for these notes.
    pub(super) fn await_notes(&mut self, notes: impl IntoIterator<Item = (ProcessId, &'static str)>) {
        self.awaited = notes.into_iter().collect();
    }

    /// Who has not said yet what is waited for.
    pub(super) fn awaited(&self) -> impl Iterator<Item = ProcessId> {
        self.awaited.iter().map(|(process, _)| *process)
    }

    /// The service's judges.
    pub fn judges(&self) -> &J {
        &self.judges
    }
}

impl<P: Process, J: Judge<P>> Judge<P> for Watched<J> {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, P>) -> Result<(), Violation> {
        let Observation::Noted { process, note } = seen else { return self.judges.observe(now, seen) };
        self.count(note.kind());
        self.judges.observe(now, seen)?;
        self.awaited.retain(|awaited| *awaited != (*process, note.kind()));
        Ok(())
    }
}
