//! The flight recorder: writes everything that a host's processes are handed, and what comes of it, into a ring of
//! files.
//!
//! The host's thread only appends to memory; another thread writes. A file of the ring opens with a clone of the
//! processes, which shares what is old and is cheap, and is made into bytes by that thread too.
//!
//! 1. An input is in memory before its process gets it, and in the file within 20 ms as good as: a killed
//!    program loses no more. A panic of the host's thread loses nothing. Nothing is synced: a power loss loses what
//!    the operating system had not written.
//! 2. A recorder that cannot write warns, stops and counts what it leaves out; its site goes on. One that cannot
//!    keep up leaves inputs out, counts them, and goes on with a file that begins with a state.
//! 3. All files of the ring together are no larger than was asked for.

mod ring;
mod writer;

use std::fmt::{self, Display};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use self::ring::Ring;
use self::writer::RecordingWriter;
use crate::ids::ProcessId;
use crate::mix::Seed;
use crate::process::{Effects, Input, Process, Savable};
use crate::recording::{self, Ending, OutputMark};
use crate::time::Instant;
use crate::wire::Wire;

/// The least that a ring may be bounded to, in bytes.
pub const RECORD_MIN: u64 = 16 << 20;

/// The most that a ring may be bounded to, in bytes: no state in it has a length of more than 4 bytes.
pub const RECORD_MAX: u64 = 8 << 30;

/// How long what was recorded waits in memory.
const FLUSH_EVERY: Duration = Duration::from_millis(20);

/// How long the end of a recorder waits for what was recorded last.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// As soon as so many bytes wait, they are written.
const WRITE_BYTES: usize = 256 << 10;

/// The most bytes that wait to be written; beyond, inputs are left out.
const PENDING_MAX: usize = 64 << 20;

/// Buffers that are used again.
const SPARE_MAX: usize = 8;

/// Where to, how much, and whose.
#[derive(Clone, Debug)]
pub struct RecorderSettings {
    /// The folder; made if it is missing.
    pub folder: PathBuf,
    /// How large all its files may be together, in bytes.
    pub bytes_max: u64,
    /// The site's cluster.
    pub cluster: u64,
    /// The site.
    pub site: ProcessId,
}

/// Why a recorder does not start.
#[derive(Debug)]
pub enum RecorderError {
    /// The bound is not from [`RECORD_MIN`] to [`RECORD_MAX`].
    Bound(u64),
    /// The folder holds recordings of another site, or of another cluster.
    Others(PathBuf, ProcessId, u64),
    /// The operating system refuses.
    Io(&'static str, PathBuf, std::io::Error),
}

impl Display for RecorderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecorderError::Bound(bytes) => {
                write!(f, "a recording is bounded to {RECORD_MIN} to {RECORD_MAX} bytes, not to {bytes}")
            }
            RecorderError::Others(path, site, cluster) => write!(
                f,
                "{} records {site} of cluster 0x{cluster:016x}; give every site a folder of its own",
                path.display()
            ),
            RecorderError::Io(what, path, error) => {
                write!(f, "failed to {what} {}: {error}; mend this or name another folder", path.display())
            }
        }
    }
}

impl std::error::Error for RecorderError {}

/// What became of the inputs of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recorded {
    /// How many were recorded.
    pub inputs: u64,
    /// How many were left out.
    pub left_out: u64,
}

/// Records the processes of one host.
pub struct Recorder<P: Process> {
    shared: Arc<BothThreads<P>>,
    /// Of which the thread that writes holds the other end.
    ended: Receiver<()>,
    put_command: fn(&P::Command, &mut Vec<u8>),
    put_config: fn(&P::Config, &mut Vec<u8>),
    bytes_max: u64,
    /// The processes, in the order of their seats, and what they were started with.
    seats: Vec<(ProcessId, Seed)>,
    /// What the effects held when the input came whose output is to come.
    mark: Option<OutputMark>,
    /// Bytes of the entries of this file; the greatest number when there is none that goes on.
    bytes: u64,
    /// Whether inputs are left out until what waits is written.
    is_behind: bool,
    recorded: Recorded,
}

/// What both threads share.
struct BothThreads<P> {
    state: Mutex<RecorderState<P>>,
    /// For the thread that writes.
    work: Condvar,
}

struct RecorderState<P> {
    pieces: Vec<Piece<P>>,
    /// Bytes of all entries among them.
    pending: usize,
    /// What the thread that writes waits for.
    waits_for: WaitsFor,
    spare: Vec<Vec<u8>>,
    /// How many bytes of entries a file takes.
    entries_max: u64,
    /// The thread has given up.
    is_stopped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum WaitsFor {
    Nothing,
    Anything,
    /// Enough to write, or the end.
    Much,
}

/// A process as it starts: which, its seed, and the records that it is given.
type OpeningParts = (ProcessId, Seed, Vec<Vec<u8>>);

/// What is to be written.
enum Piece<P> {
    /// An incarnation, and the first file of it unless that is to begin with states.
    Begin { incarnation: u64, config: Vec<u8>, openings: Option<Vec<OpeningParts>> },
    /// What the processes came to that were started from records.
    Started(Vec<P>),
    /// Another file.
    Turn { openings: Vec<(ProcessId, Seed, P)>, follows: bool },
    /// Whole frames without their checksums.
    Entries(Vec<u8>),
    /// The last one.
    End,
}

impl<P: Savable + Send + 'static> Recorder<P> {
    /// Opens the ring, and starts a thread that writes.
    pub fn open(settings: RecorderSettings) -> Result<Recorder<P>, RecorderError> {
        if !(RECORD_MIN..=RECORD_MAX).contains(&settings.bytes_max) {
            return Err(RecorderError::Bound(settings.bytes_max));
        }
        let (bytes_max, folder) = (settings.bytes_max, settings.folder.clone());
        let ring = Ring::open(&settings)?;
        let state = RecorderState {
            pieces: Vec::new(),
            pending: 0,
            waits_for: WaitsFor::Nothing,
            spare: Vec::new(),
            entries_max: ring::entries_max(bytes_max, 0),
            is_stopped: false,
        };
        let shared = Arc::new(BothThreads { state: Mutex::new(state), work: Condvar::new() });
        let writer = RecordingWriter::<P>::new(shared.clone(), ring, settings);
        let (ends, ended) = channel::<()>();
        thread::Builder::new()
            .name("record".into())
            .spawn(move || {
                let _ends = ends;
                writer.run();
            })
            .map_err(|error| RecorderError::Io("start a thread that records to", folder, error))?;
        Ok(Recorder {
            shared,
            ended,
            put_command: |command, out| command.encode(out),
            put_config: |config, out| config.encode(out),
            bytes_max,
            seats: Vec::new(),
            mark: None,
            bytes: u64::MAX,
            is_behind: false,
            recorded: Recorded::default(),
        })
    }
}

impl<P: Process> Recorder<P> {
    /// The processes with these records are about to be started.
    pub fn begin(&mut self, incarnation: u64, config: &P::Config, seats: &[(ProcessId, Seed, &[Vec<u8>])]) {
        self.seats = seats.iter().map(|(id, seed, _)| (*id, *seed)).collect();
        let bytes: u64 =
            seats.iter().flat_map(|(.., records)| *records).map(|record| record.len() as u64).sum();
        let mut out = Vec::new();
        (self.put_config)(config, &mut out);
        // Large journals would fill the ring with every start: then the first file begins with what they led to.
        let openings = seats.iter().map(|(id, seed, records)| (*id, *seed, records.to_vec()));
        let is_small = bytes <= self.bytes_max / 8;
        let openings = is_small.then(|| openings.collect());
        self.bytes = if is_small { 0 } else { u64::MAX };
        self.push(Piece::Begin { incarnation, config: out, openings });
    }

    /// They were started; these are all, in the order of their seats.
    pub fn started(&mut self, processes: [&P; 2]) {
        if self.bytes < u64::MAX {
            self.push(Piece::Started(processes.into_iter().cloned().collect()));
        }
    }

    /// `who` is about to be handed `input`. `effects` may hold what earlier inputs came to; `processes` are all, in
    /// the order of their seats, as they are.
    pub fn on_input(
        &mut self,
        who: ProcessId,
        now: Instant,
        input: &Input<P>,
        effects: &Effects<P>,
        processes: [&P; 2],
    ) {
        let seat = self.seat(who);
        let mut state = self.shared.lock();
        self.is_behind = state.pending > if self.is_behind { 0 } else { PENDING_MAX };
        if state.is_stopped || self.is_behind {
            self.recorded.left_out += 1;
            self.mark = None;
            // What follows the gap begins with a state.
            self.bytes = u64::MAX;
            return;
        }
        if self.bytes >= state.entries_max {
            let follows = self.bytes < u64::MAX;
            let seats = self.seats.iter().zip(processes);
            let openings = seats.map(|((id, seed), process)| (*id, *seed, process.clone())).collect();
            self.shared.push(&mut state, Piece::Turn { openings, follows });
            self.bytes = 0;
        }
        self.recorded.inputs += 1;
        self.mark = Some(OutputMark::of(effects));
        let put_command = self.put_command;
        self.bytes +=
            self.shared.append(&mut state, |out| recording::put_input(out, seat, now, input, put_command));
    }

    /// `process`, which is `who`, took the input, and gave this to `effects`.
    pub fn on_output(&mut self, who: ProcessId, process: &P, effects: &Effects<P>) {
        let Some(mark) = self.mark.take() else { return };
        let (seat, deadline) = (self.seat(who), process.deadline().map(|(at, _)| at));
        let mut state = self.shared.lock();
        self.bytes +=
            self.shared.append(&mut state, |out| recording::put_output(out, seat, effects, mark, deadline));
    }

    /// What became of all inputs so far.
    pub fn recorded(&self) -> Recorded {
        self.recorded
    }

    fn seat(&self, who: ProcessId) -> u8 {
        let seat = self.seats.iter().position(|(id, _)| *id == who);
        seat.and_then(|seat| u8::try_from(seat).ok())
            .expect("every process was named when the recording began")
    }

    fn push(&self, piece: Piece<P>) {
        self.shared.push(&mut self.shared.lock(), piece);
    }
}

impl<P> BothThreads<P> {
    fn lock(&self) -> MutexGuard<'_, RecorderState<P>> {
        // A thread that panicked left whole pieces: each is added in one go.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, state: &mut RecorderState<P>, piece: Piece<P>) {
        if !state.is_stopped {
            state.pieces.push(piece);
            self.wake(state);
        }
    }

    /// Appends what `put` puts to the entries that wait; says how much that was.
    fn append(&self, state: &mut RecorderState<P>, put: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let has_room = matches!(state.pieces.last(), Some(Piece::Entries(last)) if last.len() < WRITE_BYTES);
        if !has_room {
            let buffer =
                state.spare.pop().unwrap_or_else(|| Vec::with_capacity(WRITE_BYTES + WRITE_BYTES / 4));
            state.pieces.push(Piece::Entries(buffer));
        }
        let Some(Piece::Entries(last)) = state.pieces.last_mut() else { return 0 };
        let before = last.len();
        put(last);
        let count = last.len() - before;
        state.pending += count;
        self.wake(state);
        count as u64
    }

    fn wake(&self, state: &mut RecorderState<P>) {
        let is_due = match state.waits_for {
            WaitsFor::Nothing => false,
            WaitsFor::Anything => true,
            WaitsFor::Much => {
                state.pending >= WRITE_BYTES || !matches!(state.pieces.last(), Some(Piece::Entries(_)))
            }
        };
        if is_due {
            state.waits_for = WaitsFor::Nothing;
            self.work.notify_one();
        }
    }
}

/// Writes what is left. A panic on its way through is what the recording ends with.
impl<P: Process> Drop for Recorder<P> {
    fn drop(&mut self) {
        let ending = if thread::panicking() { Ending::Panicked } else { Ending::Stopped };
        {
            let mut state = self.shared.lock();
            if self.bytes < u64::MAX {
                self.shared.append(&mut state, |out| recording::put_ending(out, ending));
            }
            // Also one that has stopped is to end.
            state.pieces.push(Piece::End);
            self.shared.wake(&mut state);
        }
        if self.ended.recv_timeout(END_PATIENCE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("what was recorded last is not written yet, and is given up");
        }
        let Recorded { inputs, left_out } = self.recorded;
        if left_out > 0 {
            tracing::warn!(inputs, left_out, "the recording is not whole");
        }
    }
}
