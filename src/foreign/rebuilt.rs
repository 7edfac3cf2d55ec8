//! Clones of a process that is not `Clone`: a clone is built anew from what the original was started with, by handing
//! it the original's inputs again.
//!
//! A world is a value, and searches fork it. A replica that comes from another crate is often not `Clone`: it owns a
//! boxed storage, a channel or a logger. Implement [`Uncloned`] for the process around it, in place of
//! [`Process`], and run [`Rebuilt`] of it.
//!
//! # Price
//!
//! - Every input is kept for the life of the process, and so are the records that it was started from. Its size is
//!   reported as `inputs kept for clones`.
//! - A clone replays all inputs of the life at its first use. A clone that is never used replays nothing, and copies
//!   share what they keep. [`replayed`] counts; the programs of `sim-runner` report the counts at their end, and warn
//!   beyond [`REPLAYED_MAX`].
//! - Nothing is kept on a real host, which clones no process, and of a process with a [`COPY`](Uncloned::COPY).
//!
//! `replay`, `sweep` and `shrink` clone nothing. `audit` clones a run twice, and `blame` once per fork. A scenario with
//! `Restarts` clones the sites once.
//!
//! # Invariants
//!
//! 1. The effects of a replay go nowhere, and neither do its log lines.
//! 2. A replay must do what the original did, input by input: the same records, messages and notes, the same deadline
//!    and role. Otherwise it panics with what differs. So a source of nondeterminism in another crate is found where
//!    it acts.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::{boxed::Box, format};
use core::cell::OnceCell;
use core::fmt::{self, Debug, Display};
use core::ops::Deref;
use core::sync::atomic::{AtomicU64, Ordering};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::logs;
use crate::cow_log::CowLog;
use crate::ids::ProcessId;
use crate::mix::{Seed, absorb, stir};
use crate::process::{Damage, Effects, Input, Label, Links, Process, Recovered, Role, Size};
use crate::time::Instant;
use crate::wire::Wire;

/// Where to look when a run does not repeat itself, in one sentence.
pub const SUSPECTS: &str = "the usual suspects are the random generator of the thread or of the operating system, the \
    iteration order of a `HashMap` or `HashSet`, an address that is printed, compared or hashed, a real clock \
    (`Instant::now`, `SystemTime::now`), a counter in a `static`, and what other threads do";

/// The programs of `sim-runner` warn once more inputs than this were replayed.
pub const REPLAYED_MAX: u64 = 1_000_000;

static REBUILDS: AtomicU64 = AtomicU64::new(0);
static INPUTS: AtomicU64 = AtomicU64::new(0);

/// How much was replayed in this program so far, on all threads. No run depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Replayed {
    /// Clones that were built.
    pub rebuilds: u64,
    /// Inputs that were handed in again for them.
    pub inputs: u64,
}

/// How much was replayed in this program so far, on all threads.
pub fn replayed() -> Replayed {
    Replayed { rebuilds: REBUILDS.load(Ordering::Relaxed), inputs: INPUTS.load(Ordering::Relaxed) }
}

/// A [`Process`] that need not be `Clone`. The items are those of [`Process`], where each is described, without
/// [`looks`](Process::looks), which counts for the containers of this library.
#[expect(missing_docs, reason = "`Process` documents them")]
pub trait Uncloned: Sized {
    type Message: Wire + Label;
    type Record: Wire;
    type Note: Clone + Debug + Display + Label;
    type Command: Clone + Debug + Display;
    type Config: Clone + Debug;

    const TAKES_STARTED: bool = false;
    const LINKS: Links = Links::Datagrams;

    /// Makes a copy, for a process that holds a type of somebody else which may be `Clone`. Such a process is not
    /// rebuilt, and nothing is kept for its clones.
    const COPY: Option<fn(&Self) -> Self> = None;

    fn start(
        config: &Self::Config,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Self::Record>,
    ) -> Result<Self, Damage>;

    fn handle(&mut self, now: Instant, input: Input<Rebuilt<Self>>, effects: &mut Effects<Rebuilt<Self>>);

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }

    fn role(&self) -> Role {
        Role::Follower
    }

    fn progress(&self) -> u64 {
        0
    }

    fn rekey(&mut self, _salt: u64) {}

    fn unanswered(&self) -> usize {
        0
    }

    fn sizes(&self, _see: impl FnMut(Size)) {}
}

/// Whether a type has a copy of itself: for traits of protocols whose state may be a type that is not `Clone`.
///
/// Every type that is `Clone` has one. A type that is not says so in one line, `impl Forked for Site {}`. Then forks of a
/// run rebuild it from its inputs, as [`Rebuilt`] does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `Clone`, and searches fork runs",
    note = "derive `Clone`; or write `impl Forked for {Self} {{}}`, and forks rebuild it from its inputs"
)]
pub trait Forked: Sized {
    /// Makes a copy. `None` for a type that cannot be copied.
    const COPY: Option<fn(&Self) -> Self> = None;
}

impl<T: Clone> Forked for T {
    const COPY: Option<fn(&T) -> T> = Some(T::clone);
}

/// A process whose clones are rebuilt from its inputs. It derefs to the process itself.
pub struct Rebuilt<U: Uncloned> {
    id: ProcessId,
    /// Empty in a clone that was not used yet.
    built: OnceCell<U>,
    /// `None` once nobody will clone it, and if it has a copy.
    kept: Option<Kept<U>>,
    /// The answers of the original when it was cloned.
    answers: Answers,
}

/// What a clone is built from.
struct Kept<U: Uncloned> {
    origin: Arc<Origin<U>>,
    /// What was done to it since its start.
    log: Arc<CowLog<Arc<Logged<U>>>>,
}

impl<U: Uncloned> Clone for Kept<U> {
    fn clone(&self) -> Kept<U> {
        Kept { origin: Arc::clone(&self.origin), log: Arc::clone(&self.log) }
    }
}

/// The arguments of a start.
struct Origin<U: Uncloned> {
    config: U::Config,
    seed: Seed,
    recovered: Recovered<U::Record>,
}

enum Logged<U: Uncloned> {
    Input { now: Instant, input: Input<Rebuilt<U>>, reaction: Reaction },
    Rekeyed(u64),
}

/// What a world asks of every process again and again, also of those that do nothing: a clone answers without being
/// built.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Answers {
    deadline: Option<(Instant, &'static str)>,
    role: Role,
    progress: u64,
    unanswered: usize,
}

impl Answers {
    fn of<U: Uncloned>(process: &U) -> Answers {
        Answers {
            deadline: process.deadline(),
            role: process.role(),
            progress: process.progress(),
            unanswered: process.unanswered(),
        }
    }
}

/// Where the effects of an input begin: a host may collect those of several inputs.
#[derive(Clone, Copy, Default)]
struct EffectsMark {
    records: usize,
    messages: usize,
    notes: usize,
}

impl EffectsMark {
    fn of<P: Process>(effects: &Effects<P>) -> EffectsMark {
        EffectsMark {
            records: effects.records.len(),
            messages: effects.sent.len(),
            notes: effects.notes.len(),
        }
    }
}

/// What one input led to, as hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Reaction {
    records: u64,
    messages: u64,
    notes: u64,
    stop: u64,
    answers: Answers,
}

impl Reaction {
    /// What `process` added to `effects` after `since`.
    fn of<U: Uncloned>(process: &U, effects: &Effects<Rebuilt<U>>, since: EffectsMark) -> Reaction {
        let text = |hash, text: &dyn Display| absorb(hash, text.to_string().as_bytes());
        let records = effects.records.iter().skip(since.records).fold(0, absorb);
        let messages = effects.sent[since.messages..].iter().fold(0, |hash, sent| {
            let hash = stir(hash, [sent.is_independent.into(), sent.rank.into()]);
            let hash = absorb(absorb(hash, format!("{:?}", sent.to).as_bytes()), sent.kind.as_bytes());
            absorb(text(hash, &sent.subject), &effects.buffer[sent.bytes.clone()])
        });
        let notes = effects.notes[since.notes..].iter().fold(0, |hash, note| text(hash, note));
        let stop = effects.stop.iter().fold(0, |hash, stop| absorb(hash, stop.reason.as_bytes()));
        Reaction { records, messages, notes, stop, answers: Answers::of(process) }
    }

    /// How the other reaction differs, if it does.
    fn difference(&self, other: &Reaction) -> Option<&'static str> {
        let Reaction { records, messages, notes, stop, answers } = self;
        if *records != other.records {
            Some("appends other records")
        } else if *messages != other.messages {
            Some("sends other messages")
        } else if *notes != other.notes {
            Some("makes other notes")
        } else if *stop != other.stop {
            Some("stops for another reason, or goes on")
        } else if answers.deadline != other.answers.deadline {
            Some("has another deadline")
        } else if answers.role != other.answers.role {
            Some("has another role")
        } else {
            (*answers != other.answers)
                .then_some("has another progress, or another number of unanswered commands")
        }
    }
}

impl<U: Uncloned> Rebuilt<U> {
    fn built(&self) -> &U {
        self.built.get_or_init(|| logs::muted(|| self.rebuild()))
    }

    fn built_mut(&mut self) -> &mut U {
        self.built();
        self.built.get_mut().expect("it was built just before")
    }

    /// The answers of the process, without building it.
    fn answers(&self) -> Answers {
        self.built.get().map_or(self.answers, Answers::of)
    }

    fn remember(&mut self, entry: Logged<U>) {
        if let Some(kept) = &mut self.kept {
            Arc::make_mut(&mut kept.log).push(Arc::new(entry));
        }
    }

    /// The process after a start and all inputs, handed in again.
    fn rebuild(&self) -> U {
        let Rebuilt { id, kept, .. } = self;
        let Kept { origin, log } = kept.as_ref().expect("a clone has the log of its original");
        let Origin { config, seed, recovered } = &**origin;
        let differs = |at: &dyn Display, what: &str| -> ! {
            panic!(
                "{id} does not repeat itself: rebuilt for a clone from its start and {} inputs, it {what} {at}; \
                 {SUSPECTS}",
                log.len()
            )
        };
        let at_start = "when it is started";
        let started = tried(|| U::start(config, *id, *seed, recovered.clone()));
        let mut process = match started {
            Ok(Ok(process)) => process,
            Ok(Err(damage)) => differs(&at_start, &format!("refuses its state ({damage})")),
            Err(message) => differs(&at_start, &format!("panics ({message})")),
        };
        let mut effects = Effects::default();
        for (number, entry) in log.iter().enumerate() {
            match &**entry {
                Logged::Rekeyed(salt) => process.rekey(*salt),
                Logged::Input { now, input, reaction } => {
                    effects.clear();
                    let again = tried(|| {
                        process.handle(*now, input.clone(), &mut effects);
                        Reaction::of(&process, &effects, EffectsMark::default())
                    });
                    let at = || format!("at input {}, {} at {now}", number + 1, named(input));
                    match again {
                        Ok(again) => {
                            if let Some(what) = reaction.difference(&again) {
                                differs(&at(), what);
                            }
                        }
                        Err(message) => differs(&at(), &format!("panics ({message})")),
                    }
                }
            }
        }
        REBUILDS.fetch_add(1, Ordering::Relaxed);
        INPUTS.fetch_add(log.len() as u64, Ordering::Relaxed);
        process
    }
}

/// The result of `act`, or the message of its panic.
fn tried<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|payload: Box<dyn Any + Send>| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_string());
        text.or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "without a message".into())
    })
}

fn named<U: Uncloned>(input: &Input<Rebuilt<U>>) -> String {
    match input {
        Input::Started => "its first one,".into(),
        Input::Message { from, message } => format!("{} from {from}", message.kind()),
        Input::Wake => "a wake-up".into(),
        Input::Command(command) => format!("the command `{command}`"),
        Input::DiskSpace { .. } => "a report about its disk".into(),
        Input::Link { peer, up } => format!("the link to {peer}, {}", if *up { "up" } else { "down" }),
    }
}

impl<U: Uncloned> Clone for Rebuilt<U> {
    fn clone(&self) -> Rebuilt<U> {
        let built = match U::COPY {
            Some(copy) => OnceCell::from(copy(self.built())),
            None => {
                assert!(self.kept.is_some(), "{} was not to be cloned, and kept no inputs", self.id);
                OnceCell::new()
            }
        };
        Rebuilt { id: self.id, built, kept: self.kept.clone(), answers: self.answers() }
    }
}

impl<U: Uncloned> Debug for Rebuilt<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = self.kept.as_ref().map(|kept| kept.log.len());
        f.debug_struct("Rebuilt").field("id", &self.id).field("inputs", &inputs).finish()
    }
}

impl<U: Uncloned> Deref for Rebuilt<U> {
    type Target = U;

    fn deref(&self) -> &U {
        self.built()
    }
}

impl<U: Uncloned> Process for Rebuilt<U> {
    type Message = U::Message;
    type Record = U::Record;
    type Note = U::Note;
    type Command = U::Command;
    type Config = U::Config;

    const TAKES_STARTED: bool = U::TAKES_STARTED;
    const LINKS: Links = U::LINKS;

    fn start(
        config: &U::Config,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<U::Record>,
    ) -> Result<Rebuilt<U>, Damage> {
        let kept = U::COPY.is_none().then(|| Kept {
            origin: Arc::new(Origin { config: config.clone(), seed, recovered: recovered.clone() }),
            log: Arc::default(),
        });
        let process = U::start(config, id, seed, recovered)?;
        let answers = Answers::of(&process);
        Ok(Rebuilt { id, built: OnceCell::from(process), kept, answers })
    }

    fn handle(&mut self, now: Instant, input: Input<Rebuilt<U>>, effects: &mut Effects<Rebuilt<U>>) {
        let kept = self.kept.is_some().then(|| input.clone());
        let since = EffectsMark::of(effects);
        let process = self.built_mut();
        process.handle(now, input, effects);
        if let Some(input) = kept {
            let reaction = Reaction::of(process, effects, since);
            self.remember(Logged::Input { now, input, reaction });
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.built.get().map_or(self.answers.deadline, U::deadline)
    }

    fn role(&self) -> Role {
        self.built.get().map_or(self.answers.role, U::role)
    }

    fn progress(&self) -> u64 {
        self.built.get().map_or(self.answers.progress, U::progress)
    }

    fn rekey(&mut self, salt: u64) {
        self.built_mut().rekey(salt);
        self.remember(Logged::Rekeyed(salt));
    }

    fn unanswered(&self) -> usize {
        self.built.get().map_or(self.answers.unanswered, U::unanswered)
    }

    fn sizes(&self, mut see: impl FnMut(Size)) {
        self.built().sizes(&mut see);
        if let Some(kept) = &self.kept {
            see(Size::new("inputs kept for clones", kept.log.len(), usize::MAX));
        }
    }

    fn will_not_be_cloned(&mut self) {
        self.built();
        self.kept = None;
    }
}

#[cfg(test)]
mod tests;
