//! The thread that writes a recording.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::ring::{self, Ring};
use super::{
    BothThreads, FLUSH_EVERY, Piece, RecorderSettings, RecorderState, SPARE_MAX, WRITE_BYTES, WaitsFor,
};
use crate::process::Savable;
use crate::recording::{self, RecordingHeader, frames};

pub(super) struct RecordingWriter<P> {
    shared: Arc<BothThreads<P>>,
    ring: Ring,
    settings: RecorderSettings,
    incarnation: u64,
    config: Vec<u8>,
    is_stopped: bool,
}

impl<P: Savable> RecordingWriter<P> {
    pub(super) fn new(
        shared: Arc<BothThreads<P>>,
        ring: Ring,
        settings: RecorderSettings,
    ) -> RecordingWriter<P> {
        RecordingWriter { shared, ring, settings, incarnation: 0, config: Vec::new(), is_stopped: false }
    }

    pub(super) fn run(mut self) {
        loop {
            for piece in self.take() {
                if matches!(piece, Piece::End) {
                    return;
                }
                if self.is_stopped {
                    continue;
                }
                if let Err(error) = self.write(piece) {
                    self.is_stopped = true;
                    let folder = self.settings.folder.display();
                    tracing::warn!(%folder, %error, "recording has stopped; the site goes on without");
                    let mut state = self.shared.lock();
                    state.is_stopped = true;
                    state.pending = 0;
                    state.pieces.retain(|piece| matches!(piece, Piece::End));
                }
            }
        }
    }

    /// Takes everything that waits, once that is enough or has waited long enough.
    fn take(&self) -> Vec<Piece<P>> {
        let mut state = self.shared.lock();
        while state.pieces.is_empty() {
            state = self.wait(state, WaitsFor::Anything, None);
        }
        let only_entries = state.pieces.iter().all(|piece| matches!(piece, Piece::Entries(_)));
        if only_entries && state.pending < WRITE_BYTES {
            state = self.wait(state, WaitsFor::Much, Some(FLUSH_EVERY));
        }
        state.waits_for = WaitsFor::Nothing;
        core::mem::take(&mut state.pieces)
    }

    fn wait<'a>(
        &self,
        mut state: std::sync::MutexGuard<'a, RecorderState<P>>,
        waits_for: WaitsFor,
        timeout: Option<Duration>,
    ) -> std::sync::MutexGuard<'a, RecorderState<P>> {
        state.waits_for = waits_for;
        match timeout {
            None => self.shared.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                self.shared.work.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    fn write(&mut self, piece: Piece<P>) -> io::Result<()> {
        match piece {
            Piece::Begin { incarnation, config, openings } => {
                (self.incarnation, self.config) = (incarnation, config);
                let Some(openings) = openings else { return Ok(()) };
                let seats = openings.len() as u64;
                self.turn(seats, false, |out| {
                    for (id, seed, records) in &openings {
                        recording::put_start(out, *id, *seed, records);
                    }
                    0
                })
            }
            Piece::Started(processes) => {
                let mut out = Vec::new();
                for (seat, process) in (0..).zip(&processes) {
                    let mut state = Vec::new();
                    process.save(&mut state);
                    recording::put_started(&mut out, seat, recording::digest(&state));
                }
                frames::seal(&mut out);
                self.ring.write(&out)
            }
            Piece::Turn { openings, follows } => {
                let mut states = Vec::new();
                for (id, seed, process) in openings {
                    let mut state = Vec::new();
                    process.save(&mut state);
                    self.ring.check(state.len())?;
                    states.push((id, seed, state));
                }
                let largest = states.iter().map(|(.., state)| state.len()).max().unwrap_or(0);
                self.turn(states.len() as u64, follows, |out| {
                    for (id, seed, state) in &states {
                        recording::put_state(out, *id, *seed, |out| out.extend_from_slice(state));
                    }
                    largest as u64
                })
            }
            Piece::Entries(mut entries) => {
                frames::seal(&mut entries);
                let written = self.ring.write(&entries);
                let mut state = self.shared.lock();
                state.pending = state.pending.saturating_sub(entries.len());
                entries.clear();
                if state.spare.len() < SPARE_MAX {
                    state.spare.push(entries);
                }
                written
            }
            Piece::End => Ok(()),
        }
    }

    /// Begins a file. `put` appends its openings, and returns the bytes of the largest state in them.
    fn turn(&mut self, seats: u64, follows: bool, put: impl FnOnce(&mut Vec<u8>) -> u64) -> io::Result<()> {
        let header = RecordingHeader {
            code: P::CODE.into(),
            cluster: self.settings.cluster,
            process: self.settings.site,
            incarnation: self.incarnation,
            number: self.ring.next_number(),
            follows,
            seats,
            config: self.config.clone(),
        };
        let mut out = Vec::new();
        recording::put_preface(&mut out, &header);
        let state = put(&mut out);
        self.ring.turn(&out, state)?;
        self.shared.lock().entries_max = ring::entries_max(self.settings.bytes_max, state);
        Ok(())
    }
}
