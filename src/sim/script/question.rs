//! Questions about a run: which events happen in it, in which order, and which do not.
//!
//! 1. A question is asked from the first event of a run to its last. It counts and compares events as steps do, and
//!    leaves each comparison to `matcher`.
//! 2. Asking changes nothing in a run.
//! 3. The answer of a question that [happens at a moment](Question::has_moment) turns from no to yes at most once, and
//!    never back. Any other question is answered at the end of the run.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::sim::script::Trigger;

/// A question about one run, answered with yes or no.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question(Form);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Form {
    Happens(Arc<Trigger>),
    Then(Box<Form>, Box<Form>),
    Before(Box<Form>, Box<Form>),
    Not(Box<Form>),
}

impl From<Trigger> for Question {
    /// Whether this happens, as often as its `nth` says. Times never happen: a question is about events.
    fn from(trigger: Trigger) -> Question {
        Question(Form::Happens(Arc::new(trigger)))
    }
}

impl Question {
    /// Whether `next` is true of the events after the first moment at which `self` is true. `next` counts from there.
    /// `None` if `self` has no such moment.
    pub fn then(self, next: Question) -> Option<Question> {
        self.has_moment().then(|| Question(Form::Then(Box::new(self.0), Box::new(next.0))))
    }

    /// Whether `self` becomes true in an event in which `other` is not true yet and does not become true. `None` if one
    /// of the two has no moment at which it becomes true.
    pub fn before(self, other: Question) -> Option<Question> {
        let has_order = self.has_moment() && other.has_moment();
        has_order.then(|| Question(Form::Before(Box::new(self.0), Box::new(other.0))))
    }

    /// Whether `self` is not true at the end of the run.
    #[must_use]
    pub fn negated(self) -> Question {
        Question(Form::Not(Box::new(self.0)))
    }

    /// Whether it becomes true in some event. What contains a negation is known only at the end of a run.
    pub fn has_moment(&self) -> bool {
        self.0.has_moment()
    }

    /// Whether `is` holds for any of its events.
    pub(crate) fn any(&self, is: &dyn Fn(&Trigger) -> bool) -> bool {
        self.0.any(is)
    }
}

impl Form {
    fn has_moment(&self) -> bool {
        match self {
            Form::Happens(_) | Form::Before(..) => true,
            Form::Then(_, next) => next.has_moment(),
            Form::Not(_) => false,
        }
    }

    fn any(&self, is: &dyn Fn(&Trigger) -> bool) -> bool {
        match self {
            Form::Happens(trigger) => is(trigger),
            Form::Then(one, other) | Form::Before(one, other) => one.any(is) || other.any(is),
            Form::Not(inner) => inner.any(is),
        }
    }
}

/// A question with what has been seen of it.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// The occurrences that are left until it is true.
    Happens(Arc<Trigger>, u64),
    Then(Box<Asked>, Box<Asked>),
    /// Whether it became true.
    Before(Box<Asked>, Box<Asked>, bool),
    Not(Box<Asked>),
}

impl Asked {
    pub(crate) fn new(question: &Question) -> Asked {
        Asked::of(&question.0)
    }

    fn of(form: &Form) -> Asked {
        let inner = |form: &Form| Box::new(Asked::of(form));
        match form {
            Form::Happens(trigger) => Asked::Happens(Arc::clone(trigger), trigger.nth()),
            Form::Then(one, next) => Asked::Then(inner(one), inner(next)),
            Form::Before(one, other) => Asked::Before(inner(one), inner(other), false),
            Form::Not(negated) => Asked::Not(inner(negated)),
        }
    }

    /// Takes one event. `is` says whether it is the one that a trigger waits for.
    pub(crate) fn happened(&mut self, is: &dyn Fn(&Trigger) -> bool) {
        match self {
            Asked::Happens(_, 0) => {}
            Asked::Happens(trigger, left) => *left -= u64::from(is(trigger)),
            Asked::Then(one, next) => {
                // The event that made the first part true is not after it.
                match one.is_true() {
                    true => next.happened(is),
                    false => one.happened(is),
                }
            }
            Asked::Before(one, other, came) => {
                if !*came && !other.is_true() {
                    one.happened(is);
                    other.happened(is);
                    *came = one.is_true() && !other.is_true();
                }
            }
            Asked::Not(negated) => negated.happened(is),
        }
    }

    /// The answer if the run ends here.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Asked::Happens(_, left) => *left == 0,
            Asked::Then(one, next) => one.is_true() && next.is_true(),
            Asked::Before(_, _, came) => *came,
            Asked::Not(negated) => !negated.is_true(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::net::rule::Filter;
    use crate::sim::script::Target;

    /// Site `number` stops.
    fn stops(number: u8) -> Question {
        Trigger::Crashed(Target::Site(number)).into()
    }

    /// The answer after each of these sites has stopped, one after the other.
    fn answers(question: &Question, sites: &[u8]) -> bool {
        let mut asked = Asked::new(question);
        for site in sites {
            let before = asked.is_true();
            asked.happened(&|trigger| *trigger == Trigger::Crashed(Target::Site(*site)));
            assert!(!before || asked.is_true() || !question.has_moment(), "{question:?} was true at {site}");
        }
        asked.is_true()
    }

    #[track_caller]
    fn check(question: &Question, yes: &[&[u8]], no: &[&[u8]]) {
        for sites in yes {
            assert!(answers(question, sites), "{question:?} is true of {sites:?}");
        }
        for sites in no {
            assert!(!answers(question, sites), "{question:?} is false of {sites:?}");
        }
    }

    #[test]
    fn what_comes_after_counts_from_the_moment_before() {
        let both = stops(1).then(stops(2)).unwrap();
        check(&both, &[&[1, 2], &[2, 1, 2], &[1, 1, 3, 2]], &[&[], &[1], &[2], &[2, 1]]);
        check(&stops(1).then(stops(1)).unwrap(), &[&[1, 1]], &[&[1], &[2, 1]]);
        let three = both.clone().then(stops(3)).unwrap();
        check(&three, &[&[1, 2, 3], &[3, 1, 3, 2, 3]], &[&[1, 3, 2], &[1, 2]]);
        let other_brackets = stops(1).then(stops(2).then(stops(3)).unwrap()).unwrap();
        check(&other_brackets, &[&[1, 2, 3], &[3, 1, 3, 2, 3]], &[&[1, 3, 2], &[1, 2]]);
    }

    #[test]
    fn what_comes_before_comes_alone() {
        let first = stops(1).before(stops(2)).unwrap();
        check(&first, &[&[1], &[1, 2], &[3, 1]], &[&[], &[2], &[2, 1], &[2, 1, 1]]);
        check(&stops(1).before(stops(1)).unwrap(), &[], &[&[1], &[1, 1]]);
        let later = stops(0).then(first).unwrap();
        check(&later, &[&[2, 0, 1], &[0, 1, 2]], &[&[1, 0], &[1, 0, 2, 1]]);
        let of_order = stops(1).then(stops(2)).unwrap().before(stops(3)).unwrap();
        check(&of_order, &[&[1, 2, 3], &[2, 1, 2]], &[&[1, 3, 2], &[3, 1, 2], &[1]]);
    }

    #[test]
    fn what_does_not_happen_is_known_at_the_end() {
        check(&stops(1).negated(), &[&[], &[2]], &[&[1], &[2, 1]]);
        check(&stops(1).negated().negated(), &[&[1]], &[&[]]);
        let never_after = stops(1).then(stops(2).negated()).unwrap();
        check(&never_after, &[&[1], &[2, 1], &[2, 1, 3]], &[&[], &[2], &[1, 2]]);
        assert!(!never_after.has_moment());
        assert_eq!(never_after.clone().then(stops(3)), None);
        assert_eq!(stops(3).before(never_after), None);
        assert_eq!(stops(3).negated().before(stops(1)), None);
    }

    #[test]
    fn a_datagram_is_counted_up_to_its_number() {
        let any = Target::Any;
        let sent =
            |nth| Trigger::Sent(Filter { kind: None, from: any, to: any, about: None, slots: None }, nth);
        let mut asked = Asked::new(&stops(1).then(sent(2).into()).unwrap());
        let send = |asked: &mut Asked| asked.happened(&|trigger| matches!(trigger, Trigger::Sent(..)));
        send(&mut asked);
        asked.happened(&|trigger| matches!(trigger, Trigger::Crashed(_)));
        send(&mut asked);
        assert!(!asked.is_true(), "the one before the crash does not count");
        send(&mut asked);
        send(&mut asked);
        assert!(asked.is_true());
    }
}
