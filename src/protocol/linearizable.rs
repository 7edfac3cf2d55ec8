//! Linearizability of what clients are answered, by a ready model.

use alloc::collections::BTreeMap;

use crate::judges::Linearizable;
use crate::judges::linearizable::Model;
use crate::protocol::{CallId, CallJudge, Judges, Protocol};
use crate::sim::Violation;
use crate::time::Instant;

impl<P: Protocol> Judges<P> {
    /// These and one of linearizability: there is an order in which each call takes effect once, between its beginning
    /// and its answer, such that `model` gives every answer. [`judges::models`](crate::judges::models) has ready models.
    ///
    /// `operation` says what a command is to the model; `None` if nothing. `answer` says what an answer is; `None` if the
    /// client does not know from it whether its command took effect.
    #[must_use]
    pub fn linearizable<M: Model + 'static>(
        self,
        model: M,
        operation: impl Fn(&P::Command) -> Option<M::Operation> + Clone + 'static,
        answer: impl Fn(&P::Answer) -> Option<M::Answer> + Clone + 'static,
    ) -> Judges<P> {
        let judge = Linearizable::new(model);
        self.calls(LinearizableCalls { judge, operation, answer, open: BTreeMap::new() })
    }
}

#[derive(Clone)]
struct LinearizableCalls<M: Model, O, A> {
    judge: Linearizable<M>,
    operation: O,
    answer: A,
    /// The numbers that the judge has for open calls.
    open: BTreeMap<CallId, usize>,
}

impl<P, M, O, A> CallJudge<P> for LinearizableCalls<M, O, A>
where
    P: Protocol,
    M: Model,
    O: Fn(&P::Command) -> Option<M::Operation> + Clone,
    A: Fn(&P::Answer) -> Option<M::Answer> + Clone,
{
    fn asked(&mut self, now: Instant, call: CallId, command: &P::Command) {
        if let Some(operation) = (self.operation)(command) {
            self.open.insert(call, self.judge.begin(call.client, operation, now));
        }
    }

    fn answered(&mut self, now: Instant, call: CallId, answer: &P::Answer) -> Result<(), Violation> {
        match (self.open.remove(&call), (self.answer)(answer)) {
            (Some(number), Some(answer)) => self.judge.end(number, answer, now).map(|_| ()),
            (Some(number), None) => {
                self.judge.forget(number);
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    fn forgot(&mut self, _now: Instant, call: CallId) {
        if let Some(number) = self.open.remove(&call) {
            self.judge.forget(number);
        }
    }

    fn unknown(&self) -> Vec<String> {
        self.judge.unknown().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::judges::models::{Register, RegisterAnswer, RegisterOperation};
    use crate::protocol::{SiteEffects, SiteInput, Sites, SitesOf, Start};
    use crate::scenario::step::Target;
    use crate::scenario::{Picture, PictureOptions, RunOptions, picture, read};

    /// A register at site 0. As the variant [`STALE`] the other site answers reads too, from a copy that comes later.
    #[derive(Clone, Debug)]
    struct Copied {
        is_first: bool,
        start: Start<u64>,
        value: u64,
    }

    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    enum Command {
        Write { at: Target, value: u64 },
        Read { at: Target },
        Noop { at: Target },
    }

    const STALE: &str = "stale";

    impl Protocol for Copied {
        type Message = u64;
        type Command = Command;
        type Answer = Option<u64>;
        type Record = u64;

        const VARIANTS: &'static [&'static str] = &[STALE];

        fn start(start: Start<u64>) -> Self {
            let value = start.records.last().copied().unwrap_or(0);
            Copied { is_first: start.id.number() == 0, start, value }
        }

        fn handle(&mut self, _now: Instant, input: SiteInput<Self>, effects: &mut SiteEffects<'_, Self>) {
            match input {
                SiteInput::Command { call, command: Command::Read { .. } }
                    if self.is_first || self.start.variant == STALE =>
                {
                    effects.answer(call, Some(self.value));
                }
                SiteInput::Command { call, command: Command::Write { value, .. } } if self.is_first => {
                    self.value = value;
                    effects.append(value);
                    effects.send(self.start.sites.without(self.start.id), value);
                    effects.answer(call, None);
                }
                SiteInput::Command { call, command: Command::Noop { .. } } => effects.answer(call, None),
                SiteInput::Command { call, .. } => {
                    effects.redirect(call, self.start.sites.iter().next().unwrap());
                }
                SiteInput::Message { message, .. } => self.value = message,
                _ => {}
            }
        }

        fn converged(cluster: &SitesOf<'_, Self>) -> Result<(), String> {
            cluster.all(|_| true, "is never asked")
        }

        fn judges() -> Judges<Self> {
            let operation = |command: &Command| match command {
                Command::Write { value, .. } => Some(RegisterOperation::Write(*value)),
                Command::Read { .. } => Some(RegisterOperation::Read),
                Command::Noop { .. } => None,
            };
            let answer =
                |answer: &Option<u64>| Some(answer.map_or(RegisterAnswer::Written, RegisterAnswer::Found));
            Judges::none().linearizable(Register::new(0), operation, answer)
        }
    }

    fn shown(variant: &str, steps: &str) -> Picture {
        let text = format!(
            r#"Scenario(about: "x", sites: 2, clients: 2, settings: (variant: {variant:?}),
                rules: [(kind: "u64", then: Delay("1s"))], steps: [{steps}])"#
        );
        let scenario = read::<Sites<Copied>>("test.ron", &text).unwrap_or_else(|bad| panic!("{bad}"));
        let (name, reproduce) = ("test".to_owned(), String::new());
        let options = PictureOptions { name, is_failure: false, reproduce, events_max: 1_000 };
        picture(&scenario, &RunOptions::default(), &options, |_| {}).unwrap().0
    }

    #[test]
    fn a_read_from_a_late_copy_is_no_answer_of_a_register() {
        let steps = r#"At("1s", Write(at: Client(0), value: 7)), After("0s", Noop(at: Client(1))),
            On(Noted(kind: "answered", who: Client(0)), Read(at: Client(1))), After("2s", Read(at: Client(1))),
            After("1s", Write(at: Site(0), value: 8)), After("0s", Crash(Client(0))), After("1s", Restart(Client(0))),
            After("0s", Read(at: Client(0)))"#;
        let honest = shown("", steps);
        assert_eq!((&*honest.verdict.text, honest.unexplained), ("passed", None));
        let stale = shown(STALE, steps);
        let text = &stale.verdict.text;
        assert!(text.starts_with("linearizable: ") && text.contains("\"read\" of C1"), "{text}");
        let unexplained = stale.unexplained.unwrap();
        let calls: Vec<(&str, &str, bool, Option<&str>)> = unexplained
            .calls
            .iter()
            .map(|call| (&*call.process, &*call.text, call.fits, call.state.as_deref()))
            .collect();
        assert_eq!(calls, [("C0", "write 7", true, Some("7")), ("C1", "read", false, None)]);
        assert_eq!(unexplained.order, [0]);
        let shown = unexplained.calls.iter().map(|call| &stale.calls[call.call.unwrap()]);
        assert_eq!(shown.map(|call| &*call.process).collect::<Vec<_>>(), ["C0", "C1"]);
    }
}
