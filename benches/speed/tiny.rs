//! The processes of the kernel's rows: each sends 64 bytes to all others every 10 ms and answers what it receives.

use aviary::ids::ProcessId;
use aviary::mix::Seed;
use aviary::process::{Damage, Effects, Input, Label, NoNote, Process, Recipients, Recovered, Role, Subject};
use aviary::time::{Duration, Instant};
use aviary::wire::{Reader, Wire, WireError};

pub const EVERY: Duration = Duration::from_millis(10);

/// The payload of each message.
pub type Payload = [u8; 64];

/// A message: a question or its answer, about one round of the process that asks.
#[derive(Clone, Debug)]
pub enum Word {
    Ping { round: u64, payload: Payload },
    Pong { round: u64, payload: Payload },
}

impl Wire for Word {
    fn encode(&self, out: &mut Vec<u8>) {
        let (Word::Ping { round, payload } | Word::Pong { round, payload }) = self;
        out.push(u8::from(matches!(self, Word::Pong { .. })));
        round.encode(out);
        out.extend_from_slice(payload);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Word, WireError> {
        let tag = input.u8()?;
        let (round, payload) = (input.u64()?, input.array()?);
        match tag {
            0 => Ok(Word::Ping { round, payload }),
            1 => Ok(Word::Pong { round, payload }),
            _ => Err(WireError::Invalid("tag of Word")),
        }
    }
}

impl Label for Word {
    fn kind(&self) -> &'static str {
        match self {
            Word::Ping { .. } => "Ping",
            Word::Pong { .. } => "Pong",
        }
    }

    fn subject(&self) -> Subject {
        let (Word::Ping { round, .. } | Word::Pong { round, .. }) = self;
        Subject { noun: "round", number: *round }
    }
}

/// One process. It keeps nothing durable.
#[derive(Clone, Debug)]
pub struct Tiny {
    others: Recipients,
    next: Option<Instant>,
    round: u64,
    payload: Payload,
    pub pongs: u64,
}

/// The number of processes.
#[derive(Clone, Debug)]
pub struct Crowd {
    pub count: u16,
}

/// The time at which process `number` of `count` first sends: the rounds are spread evenly.
pub fn first_round(number: u64, count: u64) -> u64 {
    EVERY.as_micros() * number / count
}

impl Process for Tiny {
    type Message = Word;
    type Record = u64;
    type Note = NoNote;
    type Command = u64;
    type Config = Crowd;

    fn start(crowd: &Crowd, id: ProcessId, _: Seed, _: Recovered<u64>) -> Result<Tiny, Damage> {
        let next = match id {
            ProcessId::Client(number) => {
                Some(Instant::from_micros(first_round(number.into(), crowd.count.into())))
            }
            ProcessId::Site(_) | ProcessId::Terminal(_) => None,
        };
        let others = Recipients::Clients { count: crowd.count };
        Ok(Tiny { others, next, round: 0, payload: [7; 64], pongs: 0 })
    }

    fn handle(&mut self, now: Instant, input: Input<Tiny>, effects: &mut Effects<Tiny>) {
        match input {
            Input::Message { from, message: Word::Ping { round, payload } } => {
                effects.send(from, &Word::Pong { round, payload });
            }
            Input::Message { message: Word::Pong { .. }, .. } => self.pongs += 1,
            Input::Wake => {
                self.next = Some(now + EVERY);
                self.round += 1;
                effects.send(self.others, &Word::Ping { round: self.round, payload: self.payload });
            }
            Input::Started | Input::Command(_) | Input::DiskSpace { .. } | Input::Link { .. } => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.next.map(|next| (next, "round"))
    }

    fn role(&self) -> Role {
        Role::Follower
    }
}
