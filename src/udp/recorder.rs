//! The flight recorder: writes every input that a host's processes receive, and every output, into a ring of files.
//!
//! The host's thread only appends to memory; another thread writes. Where a file opens with the states of the
//! processes, the host's thread clones them, which is cheap because a clone shares older data. The other thread encodes
//! the clone.
//!
//! 1. An input is in memory before its process gets it, and about 20 ms later in the file: a killed program loses no
//!    more. A panic of the host's thread loses nothing. Nothing is synced: a power loss loses what the operating system
//!    had not written.
//! 2. A recorder that cannot write warns, stops, and counts the inputs that it leaves out. Its site goes on. A recorder
//!    that cannot keep up leaves inputs out, counts them, and goes on with a file that begins with states.
//! 3. All files of the ring together are no larger than the bound that was asked for.

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

/// The smallest bound on a ring, in bytes.
pub const RECORD_MIN: u64 = 16 << 20;

/// The largest bound on a ring, in bytes: the length of any state in it fits 4 bytes.
pub const RECORD_MAX: u64 = 8 << 30;

/// The longest time for which entries wait in memory.
const FLUSH_EVERY: Duration = Duration::from_millis(20);

/// The longest time for which the end of a recorder waits until everything is written.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Once this many bytes wait, they are written.
const WRITE_BYTES: usize = 256 << 10;

/// The most bytes that wait to be written. Beyond that, inputs are left out.
const PENDING_MAX: usize = 64 << 20;

/// The most buffers that are kept for later use.
const SPARE_MAX: usize = 8;

/// The settings of a recorder.
#[derive(Clone, Debug)]
pub struct RecorderSettings {
    /// The folder; made if it is missing.
    pub folder: PathBuf,
    /// The most bytes of all its files together.
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

/// Counts of the inputs of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Recorded {
    /// Inputs that were recorded.
    pub inputs: u64,
    /// Inputs that were left out.
    pub left_out: u64,
}

/// Records the processes of one host.
pub struct Recorder<P: Process> {
    shared: Arc<BothThreads<P>>,
    /// Disconnected once the writing thread has ended, which holds the other end.
    ended: Receiver<()>,
    put_command: fn(&P::Command, &mut Vec<u8>),
    put_config: fn(&P::Config, &mut Vec<u8>),
    bytes_max: u64,
    /// The processes and the seeds that they were started with, in the order of their seats.
    seats: Vec<(ProcessId, Seed)>,
    /// The end of the effects before the last input, while its output is yet to come.
    mark: Option<OutputMark>,
    /// Bytes of the entries in this file; `u64::MAX` if the next input begins another file.
    bytes: u64,
    /// Whether inputs are left out until everything that waits is written.
    is_behind: bool,
    recorded: Recorded,
}

/// What both threads share.
struct BothThreads<P> {
    state: Mutex<RecorderState<P>>,
    /// Wakes the writing thread.
    work: Condvar,
}

struct RecorderState<P> {
    pieces: Vec<Piece<P>>,
    /// Bytes of all entries among the pieces.
    pending: usize,
    /// The event that the writing thread waits for.
    waits_for: WaitsFor,
    spare: Vec<Vec<u8>>,
    /// The bytes of entries after which the next file begins.
    entries_max: u64,
    /// Whether the writing thread has given up.
    is_stopped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum WaitsFor {
    Nothing,
    Anything,
    /// Enough bytes to write, or a piece other than entries.
    Much,
}

/// A process before its start: its id, its seed, and the records that it gets.
type OpeningParts = (ProcessId, Seed, Vec<Vec<u8>>);

/// A part of the recording that is to be written.
enum Piece<P> {
    /// An incarnation, and its first file unless that is to begin with states.
    Begin { incarnation: u64, config: Vec<u8>, openings: Option<Vec<OpeningParts>> },
    /// The processes after their start from records.
    Started(Vec<P>),
    /// Another file, which begins with states.
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
    /// Records that these processes are about to be started, each from these records.
    pub fn begin(&mut self, incarnation: u64, config: &P::Config, seats: &[(ProcessId, Seed, &[Vec<u8>])]) {
        self.seats = seats.iter().map(|(id, seed, _)| (*id, *seed)).collect();
        let bytes: u64 =
            seats.iter().flat_map(|(.., records)| *records).map(|record| record.len() as u64).sum();
        let mut out = Vec::new();
        (self.put_config)(config, &mut out);
        // A large journal would fill the ring at every start. Then the first file begins with states instead.
        let openings = seats.iter().map(|(id, seed, records)| (*id, *seed, records.to_vec()));
        let is_small = bytes <= self.bytes_max / 8;
        let openings = is_small.then(|| openings.collect());
        self.bytes = if is_small { 0 } else { u64::MAX };
        self.push(Piece::Begin { incarnation, config: out, openings });
    }

    /// Records that the processes were started. These are all of them, in the order of their seats.
    pub fn started(&mut self, processes: [&P; 2]) {
        if self.bytes < u64::MAX {
            self.push(Piece::Started(processes.into_iter().cloned().collect()));
        }
    }

    /// Records that `who` is about to receive `input`. `effects` may hold effects of earlier inputs. `processes` are
    /// all of them, in the order of their seats, before the input.
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
            // The file after the gap begins with states.
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

    /// Records what `process`, whose id is `who`, added to `effects` for that input.
    pub fn on_output(&mut self, who: ProcessId, process: &P, effects: &Effects<P>) {
        let Some(mark) = self.mark.take() else { return };
        let (seat, deadline) = (self.seat(who), process.deadline().map(|(at, _)| at));
        let mut state = self.shared.lock();
        self.bytes +=
            self.shared.append(&mut state, |out| recording::put_output(out, seat, effects, mark, deadline));
    }

    /// Counts of all inputs so far.
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

    /// Appends what `put` writes to the entries that wait. Returns the number of bytes.
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

/// Writes what is left. If the host's thread is panicking, the recording ends with that.
impl<P: Process> Drop for Recorder<P> {
    fn drop(&mut self) {
        let ending = if thread::panicking() { Ending::Panicked } else { Ending::Stopped };
        {
            let mut state = self.shared.lock();
            if self.bytes < u64::MAX {
                self.shared.append(&mut state, |out| recording::put_ending(out, ending));
            }
            // A writing thread that has given up must end too.
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
