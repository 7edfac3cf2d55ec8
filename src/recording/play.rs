//! Plays recordings: gives the same inputs to the same code, and compares every output with the recorded one.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::entry::{Ending, RecordedEntry, RecordedInput};
use super::file::{CutShort, File, Opening, Refusal};
use super::output::{OutputMark, RecordedOutput, put_output};
use super::seen::{OpenedFrom, Seen};
use super::tally::Tally;
use super::{describe, digest, frames};
use crate::ids::ProcessId;
use crate::process::{Effects, Input, Recovered, Savable};
use crate::time::Instant;
use crate::wire::Wire;

/// Calls a function, and returns the message of its panic if it panics. A recording may be about a panic of a process.
pub type Catch<'a> = &'a dyn Fn(&mut dyn FnMut()) -> Result<(), String>;

/// Takes what is seen while a file is played.
pub type Report<'a, P> = &'a mut dyn FnMut(Seen<'_, P>);

/// Plays one file after another.
pub struct Player<P: Savable> {
    seats: Vec<PlayedProcess<P>>,
    /// The incarnation and the number of the file that was played last.
    at: Option<(u64, u64)>,
    /// Whether that file was cut short, or ended in a panic or without its last output: the processes may differ then.
    is_broken: bool,
    effects: Effects<P>,
    tally: Tally,
    /// The message of the last panic that has no recorded output.
    last_panic: Option<String>,
}

struct PlayedProcess<P> {
    id: ProcessId,
    /// The process, or the reason why there is none.
    process: Result<P, String>,
    /// Whether it was started from records, and the recorded result was not compared yet.
    is_starting: bool,
}

/// An input that was played.
struct Played<'a> {
    entry: u64,
    seat: usize,
    now: Instant,
    what: RecordedInput<'a>,
    /// Its output as a body, or the message of its panic.
    found: Result<Vec<u8>, String>,
}

/// The first place where a replay differs from its recording.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The number of the entry in its file, from 1; 0 for the openings of a file.
    pub entry: u64,
    /// The time of the input on the host's clock.
    pub now: Option<Instant>,
    /// A description of the input.
    pub input: String,
    /// The recorded output, one line per effect.
    pub recorded: Vec<String>,
    /// The replayed output, one line per effect.
    pub replayed: Vec<String>,
}

/// Why a file was not played to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PlayFailure {
    /// It is refused.
    Refused(Refusal),
    /// It is whole, but does not fit the file before it, or this program.
    Unfit(String),
    /// The replay differs from the recording.
    Differs(Box<Difference>),
}

impl From<Refusal> for PlayFailure {
    fn from(refusal: Refusal) -> PlayFailure {
        PlayFailure::Refused(refusal)
    }
}

impl<P: Savable> Default for Player<P> {
    fn default() -> Player<P> {
        Player {
            seats: Vec::new(),
            at: None,
            is_broken: false,
            effects: Effects::default(),
            tally: Tally::default(),
            last_panic: None,
        }
    }
}

impl<P: Savable> Player<P> {
    /// Counts of everything played so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The panic message of the last input of the last file, if it panicked and no output of it was recorded.
    pub fn last_panic(&self) -> Option<&str> {
        self.last_panic.as_deref()
    }

    /// Plays the file that `bytes` hold, after the files before it. Returns where it is cut short, if it is.
    pub fn play(
        &mut self,
        bytes: &[u8],
        catch: Catch<'_>,
        mut report: Option<Report<'_, P>>,
    ) -> Result<Option<CutShort>, PlayFailure> {
        self.last_panic = None;
        let mut file = match File::read(bytes, P::CODE) {
            Err(Refusal::CutShort(at)) => {
                self.is_broken = true;
                return Ok(Some(CutShort(at)));
            }
            file => file?,
        };
        self.tally.files += 1;
        let continues = self.open(&file, catch)?;
        if let Some(report) = report.as_mut().filter(|_| !continues) {
            self.report_openings(&file, report);
        }
        let (mut entry, mut played): (u64, Option<Played<'_>>) = (0, None);
        let cut = loop {
            let next = match file.next_entry() {
                Ok(Some(next)) => next,
                Ok(None) => break None,
                Err(Ok(cut)) => break Some(cut),
                Err(Err(refusal)) => return Err(refusal.into()),
            };
            entry += 1;
            match next {
                RecordedEntry::Input { seat, now, what } if played.is_none() => {
                    let id = self.seats[seat].id;
                    self.tally.input(id, now, &what);
                    let input = what.decode::<P>().map_err(|error| {
                        PlayFailure::Unfit(format!("an input of {id} cannot be read: {error}"))
                    })?;
                    if let Some(report) = &mut report {
                        report(Seen::Input { entry, now, process: id, input: &input });
                    }
                    let found = self.hand_in(seat, now, input, catch)?;
                    if let Some(report) = &mut report {
                        self.report_output(seat, &found, report);
                    }
                    played = Some(Played { entry, seat, now, what, found });
                }
                RecordedEntry::Input { .. } => {
                    return Err(unfit(entry, "an input follows one that has no output"));
                }
                RecordedEntry::Output { seat, body } => match played.take() {
                    Some(played) if played.seat == seat => self.compare(&played, Some(body))?,
                    _ => return Err(unfit(entry, "an output follows no input of its process")),
                },
                RecordedEntry::Started { seat, digest } => self.check_started(entry, seat, Some(digest))?,
                RecordedEntry::End(ending) => {
                    for seat in 0..self.seats.len() {
                        self.check_started(entry, seat, None)?;
                    }
                    match (ending, played.take()) {
                        (Ending::Panicked, Some(played)) => self.compare(&played, None)?,
                        (Ending::Stopped, Some(played)) => self.leave_open(&played),
                        (_, None) => {}
                    }
                }
            }
        };
        if let Some(played) = played.take() {
            self.leave_open(&played);
        }
        self.is_broken |= cut.is_some();
        Ok(cut)
    }

    /// Takes the openings of the file. If it continues the file before it, compares their states with the replayed
    /// ones. Returns whether it does.
    fn open(&mut self, file: &File<'_>, catch: Catch<'_>) -> Result<bool, PlayFailure> {
        let header = &file.header;
        let config = P::Config::from_bytes(&header.config)
            .map_err(|error| PlayFailure::Unfit(format!("its configuration cannot be read: {error}")))?;
        let before = self.at.replace((header.incarnation, header.number));
        let is_next = before == header.number.checked_sub(1).map(|number| (header.incarnation, number));
        if before.is_none_or(|(incarnation, _)| incarnation != header.incarnation) {
            self.tally.incarnations += 1;
        }
        let continues = header.follows && is_next;
        if continues {
            if self.is_broken {
                let why = "it goes on where the file before it ends, and that one is cut short: one of them is damaged";
                return Err(PlayFailure::Unfit(why.into()));
            }
            self.compare_states(&file.openings)?;
        } else {
            let is_gap = before.is_some_and(|(incarnation, _)| incarnation == header.incarnation);
            self.tally.gaps += u64::from(is_gap);
            self.tally.break_off();
        }
        self.is_broken = false;
        self.seats.clear();
        for Opening { id, seed, from } in &file.openings {
            let (process, is_starting) = match from {
                Ok(state) => {
                    let process = P::load(&config, *id, state);
                    let unfit =
                        |error| PlayFailure::Unfit(format!("the state of {id} cannot be read: {error}"));
                    (Ok(process.map_err(unfit)?), false)
                }
                Err(records) => {
                    self.tally.starts += 1;
                    let mut started = Err(String::new());
                    let caught = catch(&mut || {
                        let records = records.iter().map(|record| record.to_vec()).collect();
                        let recovered = Recovered { incarnation: header.incarnation, records };
                        let process =
                            recovered.decode().and_then(|records| P::start(&config, *id, *seed, records));
                        started = process.map_err(|damage| damage.to_string());
                    });
                    (caught.map_err(|message| format!("panics: {message}")).and(started), true)
                }
            };
            self.seats.push(PlayedProcess { id: *id, process, is_starting });
        }
        Ok(continues)
    }

    fn report_openings(&self, file: &File<'_>, report: Report<'_, P>) {
        for (Opening { id, from, .. }, seat) in file.openings.iter().zip(&self.seats) {
            report(Seen::Opened {
                process: *id,
                incarnation: file.header.incarnation,
                from: from
                    .as_ref()
                    .map_or_else(|records| OpenedFrom::Records(records.len()), |_| OpenedFrom::State),
                state: seat.process.as_ref().map_err(String::as_str),
            });
        }
    }

    fn compare_states(&mut self, openings: &[Opening<'_>]) -> Result<(), PlayFailure> {
        for opening in openings {
            let Ok(recorded) = opening.from else { continue };
            let seat = self.seats.iter().find(|seat| seat.id == opening.id);
            let Some(process) = seat.and_then(|seat| seat.process.as_ref().ok()) else {
                let why =
                    format!("it goes on with {}, which the file before it does not end with", opening.id);
                return Err(PlayFailure::Unfit(why));
            };
            let mut replayed = Vec::new();
            process.save(&mut replayed);
            if recorded != replayed {
                let first = recorded.iter().zip(&replayed).take_while(|(one, other)| one == other).count();
                let line = |state: &[u8]| {
                    let rest = state.get(first..).unwrap_or_default();
                    let some = rest.get(..rest.len().min(16)).unwrap_or_default();
                    Vec::from([format!("a state of {} bytes, from byte {first} on {some:02x?}", state.len())])
                };
                return Err(PlayFailure::Differs(Box::new(Difference {
                    entry: 0,
                    now: None,
                    input: format!("the state of {} behind everything of the file before", opening.id),
                    recorded: line(recorded),
                    replayed: line(&replayed),
                })));
            }
            self.tally.states += 1;
        }
        Ok(())
    }

    /// Checks that the start of this process has the recorded result: a state with this digest, or a failure.
    fn check_started(&mut self, entry: u64, seat: usize, recorded: Option<u64>) -> Result<(), PlayFailure> {
        let PlayedProcess { id, process, is_starting } = &mut self.seats[seat];
        if !core::mem::take(is_starting) {
            return Ok(());
        }
        let found = process.as_ref().map(|process| {
            let mut state = Vec::new();
            process.save(&mut state);
            digest(&state)
        });
        if found.ok() == recorded {
            self.tally.outputs += u64::from(recorded.is_some());
            return Ok(());
        }
        let line = |digest: u64| format!("is started, into a state with the digest {digest:016x}");
        let replayed = match &found {
            Ok(digest) => line(*digest),
            Err(why) => format!("is not started: {why}"),
        };
        Err(PlayFailure::Differs(Box::new(Difference {
            entry,
            now: None,
            input: format!("{id} is started from its records"),
            recorded: Vec::from([recorded.map_or("is not started".into(), line)]),
            replayed: Vec::from([replayed]),
        })))
    }

    fn hand_in(
        &mut self,
        seat: usize,
        now: Instant,
        input: Input<P>,
        catch: Catch<'_>,
    ) -> Result<Result<Vec<u8>, String>, PlayFailure> {
        let mut input = Some(input);
        let PlayedProcess { id, process: Ok(process), .. } = &mut self.seats[seat] else {
            let (id, why) = (self.seats[seat].id, self.seats[seat].process.as_ref().err());
            let why = why.map_or("", String::as_str);
            return Err(PlayFailure::Unfit(format!("{id} goes on, and is not started: {why}")));
        };
        let (effects, number) = (&mut self.effects, u8::try_from(seat).unwrap_or(u8::MAX));
        effects.clear();
        let mut found = Vec::new();
        let caught = catch(&mut || {
            if let Some(input) = input.take() {
                process.handle(now, input, effects);
                let deadline = process.deadline().map(|(at, _)| at);
                put_output(&mut found, number, effects, OutputMark::default(), deadline);
            }
        });
        Ok(match caught {
            // A recorded body has neither the tag nor the seat.
            Ok(()) => Ok(found.split_off(frames::PREFIX + 2)),
            Err(message) => {
                self.is_broken = true;
                let why = format!("{id} panicked");
                self.seats[seat].process = Err(why);
                Err(message)
            }
        })
    }

    fn report_output(&self, seat: usize, found: &Result<Vec<u8>, String>, report: Report<'_, P>) {
        let PlayedProcess { id, process, .. } = &self.seats[seat];
        match (found, process) {
            (Ok(body), Ok(state)) => {
                let output = RecordedOutput::read(body).expect("put_output wrote it");
                report(Seen::Output { process: *id, output, notes: &self.effects.notes, state });
            }
            (Err(message), _) => report(Seen::Panicked { process: *id, message }),
            (Ok(_), Err(_)) => unreachable!("{id} has an output and does not run"),
        }
    }

    /// Compares the result of an input with its recorded output, or with a recorded panic.
    fn compare(&mut self, played: &Played<'_>, recorded: Option<&[u8]>) -> Result<(), PlayFailure> {
        match (&played.found, recorded) {
            (Ok(found), Some(recorded)) if found == recorded => self.tally.outputs += 1,
            (Err(message), None) => {
                self.tally.panics += 1;
                self.last_panic = Some(message.clone());
            }
            (found, recorded) => {
                let replayed = match found {
                    Ok(body) => describe::recorded_output::<P>(body),
                    Err(message) => Vec::from([format!("panics: {message}")]),
                };
                return Err(PlayFailure::Differs(Box::new(Difference {
                    entry: played.entry,
                    now: Some(played.now),
                    input: describe::recorded_input::<P>(self.seats[played.seat].id, &played.what),
                    recorded: recorded
                        .map_or_else(|| Vec::from(["panics".into()]), describe::recorded_output::<P>),
                    replayed,
                })));
            }
        }
        Ok(())
    }

    fn leave_open(&mut self, played: &Played<'_>) {
        self.tally.open += 1;
        self.is_broken = true;
        self.last_panic = played.found.as_ref().err().cloned();
    }
}

fn unfit(entry: u64, why: &str) -> PlayFailure {
    PlayFailure::Unfit(format!("entry {entry}: {why}; it was written by a broken program"))
}

impl fmt::Display for PlayFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlayFailure::Refused(refusal) => write!(f, "{refusal}"),
            PlayFailure::Unfit(why) => f.write_str(why),
            PlayFailure::Differs(difference) => write!(f, "{difference}"),
        }
    }
}

impl core::error::Error for PlayFailure {}

/// The input, then both outputs, with a mark where they differ.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { entry, now, input, recorded, replayed } = self;
        write!(f, "entry {entry}")?;
        now.iter().try_for_each(|now| write!(f, " at {now}"))?;
        write!(f, ": {input}")?;
        let first = recorded.iter().zip(replayed).take_while(|(one, other)| one == other).count();
        for (side, lines) in [("recorded", recorded), ("replayed", replayed)] {
            write!(f, "\n  {side}:")?;
            for (index, line) in lines.iter().enumerate() {
                let mark = if index == first { '>' } else { ' ' };
                write!(f, "\n  {mark} {line}")?;
            }
            if lines.len() == first {
                write!(f, "\n  > nothing more")?;
            }
        }
        Ok(())
    }
}
