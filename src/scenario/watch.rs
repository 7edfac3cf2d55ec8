//! Counts the notes of a run, next to the service's judges.

use crate::ids::ProcessId;
use crate::process::{Label, Process};
use crate::sim::{Judge, Observation, ObservationKinds, Violation};
use crate::time::Instant;

/// The service's judges, and the notes that processes made.
#[derive(Clone, Debug)]
pub struct Watched<J> {
    judges: J,
    /// Processes that have not yet done what they were asked, each with the note that will report it.
    awaited: Vec<(ProcessId, &'static str)>,
    noted: Vec<(&'static str, u64)>,
}

impl<J> Watched<J> {
    pub(super) fn new(judges: J) -> Watched<J> {
        Watched { judges, awaited: Vec::new(), noted: Vec::new() }
    }

    /// How often each kind of note was made, in the order in which the kinds first occurred.
    pub fn noted(&self) -> &[(&'static str, u64)] {
        &self.noted
    }

    fn count(&mut self, kind: &'static str) {
        match self.noted.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.noted.push((kind, 1)),
        }
    }

    /// Waits for these notes from here on.
    pub(super) fn await_notes(&mut self, notes: impl IntoIterator<Item = (ProcessId, &'static str)>) {
        self.awaited = notes.into_iter().collect();
    }

    /// The processes whose note is still awaited.
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

    fn looks_at(&self) -> ObservationKinds {
        self.judges.looks_at().and(ObservationKinds::NOTED)
    }
}
