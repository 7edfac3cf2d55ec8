//! A process that keeps facts, and says so once they are durable.

use super::*;

/// One fact. Its bytes are found nowhere else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fact(pub(super) u64);

impl Fact {
    pub(super) fn pattern(self) -> [u8; 16] {
        let mut bytes = *b"fact :  ........";
        bytes[8..].copy_from_slice(&self.0.to_le_bytes());
        bytes
    }
}

impl Wire for Fact {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.pattern());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Fact, WireError> {
        let bytes: [u8; 16] = input.array()?;
        let number = bytes[8..].try_into().map_err(|_| WireError::Short)?;
        Ok(Fact(u64::from_le_bytes(number)))
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Word {
    /// Make this fact durable, then say so.
    Keep { number: u64 },
    /// This fact is durable.
    Kept { number: u64 },
    /// This fact is on its way.
    HeartbeatReply { number: u64 },
}

wire_enum!(Word { 1 => Keep { number }, 2 => Kept { number }, 3 => HeartbeatReply { number } });

impl Label for Word {
    fn kind(&self) -> &'static str {
        match self {
            Word::Keep { .. } => "Keep",
            Word::Kept { .. } => "Kept",
            Word::HeartbeatReply { .. } => "HeartbeatReply",
        }
    }

    fn subject(&self) -> Subject {
        Subject::NONE
    }
}

/// A site keeps each fact that it receives, and reports it to site 1. A kept odd fact makes it keep another one, by a
/// message to itself. A terminal passes commands on to its site.
#[derive(Clone, Debug)]
pub(super) struct Clerk {
    id: ProcessId,
    pub(super) kept: Vec<u64>,
}

/// From here on a fact brings no other.
pub(super) const SECOND: u64 = 1_000_000;

/// A fact from here on takes this long to keep.
pub(super) const COSTLY: (u64, Duration) = (4 * SECOND, Duration::from_millis(2));

/// A site stops at this one.
pub(super) const LAST: u64 = 2_000_000;

impl Process for Clerk {
    type Message = Word;
    type Record = Fact;
    type Note = NoNote;
    type Command = u64;
    type Config = ();

    fn start(_: &(), id: ProcessId, _: Seed, recovered: Recovered<Fact>) -> Result<Clerk, Damage> {
        Ok(Clerk { id, kept: recovered.records.iter().map(|fact| fact.0).collect() })
    }

    fn handle(&mut self, _: Instant, input: Input<Clerk>, effects: &mut Effects<Clerk>) {
        match (self.id, input) {
            (ProcessId::Terminal(site), Input::Command(number)) => effects.send(site, &Word::Keep { number }),
            (ProcessId::Site(_), Input::Message { from, message: Word::Keep { number } }) => {
                if number == LAST {
                    effects.stop("clerk", "it was told the last fact".into());
                }
                // The waiting message comes first: what it waits for does not depend on the order of calls.
                effects.send(ProcessId::site(1), &Word::Kept { number });
                if let ProcessId::Client(_) = from {
                    effects.send(from, &Word::Kept { number });
                }
                effects.send_independent(ProcessId::site(1), &Word::HeartbeatReply { number });
                effects.append(&Fact(number));
                if number % 2 == 1 && number < SECOND {
                    effects.send(self.id, &Word::Keep { number: SECOND + number });
                }
                let clock = Clock::start();
                while number >= COSTLY.0 && clock.now().since(Instant::ZERO) < COSTLY.1 {}
                self.kept.push(number);
            }
            (_, _) => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }

    fn role(&self) -> Role {
        Role::Follower
    }
}
