//! The last number taken of each origin: what makes submissions take effect once and in order.

use alloc::vec::Vec;

use crate::ids::SITES_MAX;
use crate::replicated::machine::Machine;
use crate::replicated::submission::{Number, Submission};
use crate::wire::{Reader, Wire, WireError};

/// The last number taken of each origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Frontier([Number; SITES_MAX as usize]);

/// The relation of a submission to a frontier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is the next of its origin.
    Next,
    /// It was taken before, or a later one of its origin was.
    Before,
    /// One before it was not taken yet. It has no effect here, and its origin proposes it again.
    Ahead,
}

impl Wire for Frontier {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Frontier, WireError> {
        Wire::decode(input).map(Frontier)
    }
}

impl Frontier {
    /// The last number taken of this origin.
    pub fn of(&self, origin: crate::ids::SiteId) -> Number {
        self.0[origin.index()]
    }

    /// The relation of `submission` to this frontier.
    pub fn standing<M: Machine>(&self, submission: &Submission<M>) -> Standing {
        let last = self.of(submission.origin);
        if submission.number <= last {
            Standing::Before
        } else if submission.after <= last {
            Standing::Next
        } else {
            Standing::Ahead
        }
    }

    /// Takes `submission` if it is the next of its origin. Returns its relation before that.
    pub fn take<M: Machine>(&mut self, submission: &Submission<M>) -> Standing {
        let standing = self.standing(submission);
        if standing == Standing::Next {
            self.0[submission.origin.index()] = submission.number;
        }
        standing
    }
}
