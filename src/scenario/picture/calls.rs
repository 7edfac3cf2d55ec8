//! The calls of clients, from their beginnings to their answers.

use alloc::collections::BTreeMap;

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
    open: Vec<(ProcessId, CallNumber, usize)>,
    /// The counted calls of the present life of each process.
    counted: BTreeMap<ProcessId, u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CallNumber {
    Given(u64),
    Counted(u64),
}

impl Calls {
    /// Takes what the event at `place` says of a call of `who`.
    pub(super) fn follow(&mut self, place: usize, who: ProcessId, call: Option<ShownCall>) {
        match call {
            None => {}
            Some(ShownCall::Began(number, text)) => self.begin(place, who, CallNumber::Given(number), text),
            Some(ShownCall::BeganCounted(text)) => {
                let count = self.counted.entry(who).or_default();
                *count += 1;
                let number = CallNumber::Counted(*count);
                self.begin(place, who, number, text);
            }
            Some(ShownCall::Answered(number, answer)) => {
                self.answer(place, who, CallNumber::Given(number), answer)
            }
            Some(ShownCall::AnsweredCounted(count, answer)) => {
                self.answer(place, who, CallNumber::Counted(count), answer);
            }
            Some(ShownCall::Forgot(number)) => {
                self.close(who, CallNumber::Given(number));
            }
            Some(ShownCall::Refused) => {
                if let Some(place) = self.open.iter().rposition(|(asker, ..)| *asker == who)
                    && let (_, CallNumber::Counted(_), _) = self.open.remove(place)
                    && let Some(count) = self.counted.get_mut(&who)
                {
                    // The process did not count it.
                    *count -= 1;
                }
            }
        }
    }

    /// A process has ended, and with it what it waited for.
    pub(super) fn forget(&mut self, who: ProcessId) {
        self.open.retain(|(asker, ..)| *asker != who);
        self.counted.remove(&who);
    }

    fn begin(&mut self, place: usize, who: ProcessId, number: CallNumber, text: String) {
        self.open.push((who, number, self.made.len()));
        let process = who.to_string();
        self.made.push(PictureCall { process, text, asked: place, answered: None, answer: None });
    }

    fn answer(&mut self, place: usize, who: ProcessId, number: CallNumber, answer: String) {
        if let Some(call) = self.close(who, number) {
            (self.made[call].answered, self.made[call].answer) = (Some(place), Some(answer));
        }
    }

    fn close(&mut self, who: ProcessId, number: CallNumber) -> Option<usize> {
        let place = self.open.iter().position(|(asker, open, _)| (*asker, *open) == (who, number))?;
        Some(self.open.remove(place).2)
    }

    pub(super) fn finish(self) -> Vec<PictureCall> {
        self.made
    }
}
