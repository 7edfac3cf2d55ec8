//! A client of real sites that records everything it does: the real client inside, with an observer around it.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "real clients live in real time")]

use std::sync::{Arc, Mutex, PoisonError};

use aviary::ids::ProcessId;
use aviary::mix::Seed;
use aviary::process::{Damage, Effects, Input, Process, Recipients, Recovered, Role};
use aviary::time::Instant;
use aviary::tweets::judges::outside::ClientEvent;
use aviary::tweets::site::{Command, Config, Message, Note, Participant, Record};

/// The calls and answers of clients of several threads, in the order in which they happened.
#[derive(Clone, Debug)]
pub struct CallLog {
    epoch: std::time::Instant,
    lines: Arc<Mutex<Vec<CallLogLine>>>,
}

/// The time, the client and the event.
pub type CallLogLine = (Instant, ProcessId, ClientEvent);

impl Default for CallLog {
    fn default() -> CallLog {
        CallLog { epoch: std::time::Instant::now(), lines: Arc::default() }
    }
}

impl CallLog {
    /// The time since the log began.
    pub fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Records an event of this moment.
    fn write(&self, client: ProcessId, seen: ClientEvent) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        // Read after taking the lock, so that times are in the order of the lines.
        lines.push((self.now(), client, seen));
    }

    /// Takes all lines so far. Later lines go into an empty log.
    pub fn take(&self) -> Vec<CallLogLine> {
        core::mem::take(&mut self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The configuration of a witness.
#[derive(Clone, Debug)]
pub struct WitnessConfig {
    /// The configuration of the real client.
    pub real: Config,
    /// The log that it writes to.
    pub history: CallLog,
}

/// A real client together with the log of what it does.
#[derive(Clone, Debug)]
pub struct Witness {
    real: Participant,
    id: ProcessId,
    history: CallLog,
}

impl Process for Witness {
    type Message = Message;
    type Record = Record;
    type Note = Note;
    type Command = Command;
    type Config = WitnessConfig;

    fn start(
        config: &WitnessConfig,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Record>,
    ) -> Result<Witness, Damage> {
        let real = Participant::start(&config.real, id, seed, recovered)?;
        Ok(Witness { real, id, history: config.history.clone() })
    }

    fn handle(&mut self, now: Instant, input: Input<Witness>, effects: &mut Effects<Witness>) {
        let input = match input {
            Input::Message { from, message } => {
                if let Some(site) = from.as_site() {
                    self.history.write(self.id, ClientEvent::Received(site, message.clone()));
                }
                Input::<Participant>::Message { from, message }
            }
            Input::Command(command) => {
                self.history.write(self.id, ClientEvent::Commanded(command.clone()));
                Input::Command(command)
            }
            Input::Started => Input::Started,
            Input::Wake => Input::Wake,
            Input::DiskSpace { is_low } => Input::DiskSpace { is_low },
            Input::Link { peer, up } => Input::Link { peer, up },
        };
        let mut inner = Effects::default();
        self.real.handle(now, input, &mut inner);
        let given = inner.take().expect("what the real client encoded decodes: round trips are tested");
        given.records.iter().for_each(|record| effects.append(record));
        for note in given.notes {
            self.history.write(self.id, ClientEvent::Noted(note.clone()));
            effects.note(note);
        }
        for letter in &given.messages {
            if let Recipients::One(ProcessId::Site(site)) = letter.to {
                self.history.write(self.id, ClientEvent::Sent(site, letter.message.clone()));
            }
            effects.send(letter.to, &letter.message);
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.real.deadline()
    }

    fn role(&self) -> Role {
        self.real.role()
    }
}
