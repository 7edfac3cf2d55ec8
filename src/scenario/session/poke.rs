//! From what is asked to the action of a step, which finds the same thing when the scenario is run again.

use crate::process::Subject;
use crate::scenario::form::ActionOf;
use crate::scenario::namespace::Word;
use crate::scenario::reader;
use crate::scenario::run::Run;
use crate::scenario::service::Service;
use crate::scenario::session::messages::{How, Refusal, Request};
use crate::scenario::step::{Fault, FlyingTraffic};
use crate::scenario::write;
use crate::sim::{About, FlyingCopy, RunEvent, Target};
use crate::time::Duration;

/// What is done: something to a copy of a datagram under way, by its number, or an action in RON.
pub(super) enum Poke<'a> {
    Deliver(u32),
    Lose(u32),
    Double(u32),
    Delay(u32, Duration),
    Action(&'a str),
}

/// What must happen for a poke to have been done to the copy that was chosen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aim {
    /// Something to this copy.
    Itself(u32),
    /// A further copy of this sending arrives.
    Another(u32),
}

impl Aim {
    /// Whether this line shows it.
    pub(super) fn is_met(self, line: &RunEvent) -> bool {
        match self {
            Aim::Itself(copy) => line.copy == Some(copy),
            Aim::Another(of) => line.of == Some(of) && matches!(line.kind, "delivered" | "dropped"),
        }
    }
}

impl Poke<'_> {
    /// What `request` asks to be done.
    pub(super) fn of(request: &Request) -> Result<Poke<'_>, Refusal> {
        let Request::Poke { copy, how, by, action, .. } = request else {
            unreachable!("{request:?} does nothing");
        };
        Ok(match (copy, how, by, action) {
            (Some(copy), Some(How::Deliver), None, None) => Poke::Deliver(*copy),
            (Some(copy), Some(How::Lose), None, None) => Poke::Lose(*copy),
            (Some(copy), Some(How::Double), None, None) => Poke::Double(*copy),
            (Some(copy), Some(How::Delay), Some(by), None) => Poke::Delay(*copy, Duration::from_micros(*by)),
            (None, None, None, Some(action)) => Poke::Action(action),
            _ => {
                let message = "it is open what is to be done";
                let help = "`copy` and `how` (with `by` for a delay), or `action`";
                return Err(Refusal::new(message, help));
            }
        })
    }

    /// The number of the copy that it is done to.
    pub(super) const fn copy(&self) -> Option<u32> {
        match self {
            Poke::Deliver(copy) | Poke::Lose(copy) | Poke::Double(copy) | Poke::Delay(copy, _) => Some(*copy),
            Poke::Action(_) => None,
        }
    }

    /// What it is done to as of the moment of `run`, where it is done to a copy.
    pub(super) fn aim<S: Service>(&self, run: &Run<S>) -> Option<Aim> {
        let number = self.copy()?;
        Some(match self {
            Poke::Double(_) => {
                let copies = run.world().under_way();
                Aim::Another(copies.iter().find(|copy| copy.number == number)?.of)
            }
            _ => Aim::Itself(number),
        })
    }

    /// The action of a step that does this as of the moment of `run`.
    pub(super) fn action<S: Service>(&self, run: &Run<S>) -> Result<ActionOf<S>, Refusal> {
        let meant = |number| meant(number, &run.world().under_way());
        Ok(Word::Harness(match *self {
            Poke::Deliver(copy) => Fault::Deliver(meant(copy)?),
            Poke::Lose(copy) => Fault::Lose(meant(copy)?),
            Poke::Double(copy) => Fault::Double(meant(copy)?),
            Poke::Delay(copy, by) => Fault::Delay(meant(copy)?, by),
            Poke::Action(text) => return read::<S>(text),
        }))
    }
}

/// What names the copy with this number.
fn meant(number: u32, copies: &[FlyingCopy]) -> Result<FlyingTraffic, Refusal> {
    let Some(copy) = copies.iter().find(|copy| copy.number == number) else {
        let message = format!("the copy {number} is not under way at this moment");
        return Err(Refusal::new(message, "one of those that are"));
    };
    if !copy.is_loose {
        let message = "no step takes this datagram from where it is";
        return Err(Refusal::new(message, "a datagram between two programs that is no part of a stream"));
    }
    Ok(traffic(copy, copies))
}

fn read<S: Service>(text: &str) -> Result<ActionOf<S>, Refusal> {
    reader().from_str(text).map_err(|error| {
        Refusal::new(
            format!("this is no action: {}", error.code),
            "an action as steps have it, like `Crash(Site(1))` or `Cut(from: [0], to: [1])`",
        )
    })
}

/// What names this copy: the first of its messages, both ends, and which of those it is.
fn traffic(copy: &FlyingCopy, all: &[FlyingCopy]) -> FlyingTraffic {
    let first = copy.messages.first().copied();
    let is_alike = |other: &&FlyingCopy| {
        let has = |message: (&str, Subject)| {
            other.messages.iter().any(|(kind, subject)| {
                *kind == message.0 && (message.1 == Subject::NONE || *subject == message.1)
            })
        };
        other.is_loose && (other.from, other.to) == (copy.from, copy.to) && first.is_none_or(has)
    };
    let before = all.iter().filter(is_alike).take_while(|other| other.number != copy.number).count();
    let subject = first.map(|(_, subject)| subject).filter(|subject| *subject != Subject::NONE);
    FlyingTraffic {
        kind: first.map(|(kind, _)| kind.to_owned()),
        from: Target::of(copy.from),
        to: Target::of(copy.to),
        subject: subject.map(About::of),
        slot: None,
        nth: before as u64 + 1,
    }
}

/// An action as a file has it.
pub(super) fn text<S: Service>(action: &ActionOf<S>) -> String {
    write::flat(action).expect("words of a service that RON can write")
}
