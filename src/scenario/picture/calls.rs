//! The calls of clients, from their beginnings to their answers.

use crate::ids::ProcessId;
use crate::scenario::picture::ShownCall;

/// One call of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PictureCall {
    /// Who asks.
    pub process: String,
    /// What it asks.
    pub text: String,
    /// The event in which it asks.
    pub asked: usize,
    /// The event in which it is answered. Without one, the outcome is not known.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub answered: Option<usize>,
    /// The answer.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub answer: Option<String>,
}

/// The calls so far.
#[derive(Clone, Default, Debug)]
pub(super) struct Calls {
    made: Vec<PictureCall>,
    /// The calls that wait for an answer, in the order of their beginning: who asks, its number, its place.
    open: Vec<(ProcessId, u64, usize)>,
}

impl Calls {
    /// Takes what the event at `place` says of a call of `who`.
    pub(super) fn follow(&mut self, place: usize, who: ProcessId, call: Option<ShownCall>) {
        match call {
            None => {}
            Some(ShownCall::Began(number, text)) => {
                self.open.push((who, number, self.made.len()));
                let process = who.to_string();
                self.made.push(PictureCall { process, text, asked: place, answered: None, answer: None });
            }
            Some(ShownCall::Answered(number, answer)) => {
                if let Some(call) = self.close(who, number) {
                    (self.made[call].answered, self.made[call].answer) = (Some(place), Some(answer));
                }
            }
            Some(ShownCall::Forgot(number)) => {
                self.close(who, number);
            }
            Some(ShownCall::Refused) => {
                if let Some(place) = self.open.iter().rposition(|(asker, ..)| *asker == who) {
                    self.open.remove(place);
                }
            }
        }
    }

    /// A process has ended, and with it what it waited for.
    pub(super) fn forget(&mut self, who: ProcessId) {
        self.open.retain(|(asker, ..)| *asker != who);
    }

    fn close(&mut self, who: ProcessId, number: u64) -> Option<usize> {
        let place = self.open.iter().position(|(asker, open, _)| (*asker, *open) == (who, number))?;
        Some(self.open.remove(place).2)
    }

    pub(super) fn finish(self) -> Vec<PictureCall> {
        self.made
    }
}
