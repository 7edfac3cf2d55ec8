//! Judges of a protocol of sites, put together without a type of their own.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::ids::ProcessId;
use crate::protocol::{CallId, Protocol, Sites, SitesNote};
use crate::sim::{Judge, Observation, ObservationKinds, Violation};
use crate::time::Instant;

/// Any number of judges. Each observes the events that it looks at; the first that objects decides.
///
/// ```
/// # use aviary::prelude::*;
/// # fn judges<P: Protocol>(even: impl Fn(&P) -> bool + Clone + 'static) -> Judges<P> {
/// Judges::none().state("parity", move |site| if even(site) { Ok(()) } else { Err("is odd".to_owned()) })
/// # }
/// ```
pub struct Judges<P: Protocol> {
    all: Vec<Box<dyn Cloned<P>>>,
    /// What any of them looks at.
    looks_at: ObservationKinds,
}

/// A judge of unknown type that can be cloned.
trait Cloned<P: Protocol> {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, Sites<P>>) -> Result<(), Violation>;
    fn looks_at(&self) -> ObservationKinds;
    fn boxed(&self) -> Box<dyn Cloned<P>>;
    fn unknown(&self) -> Vec<String>;
}

impl<P: Protocol, J: Judge<Sites<P>> + 'static> Cloned<P> for J {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, Sites<P>>) -> Result<(), Violation> {
        Judge::observe(self, now, seen)
    }

    fn looks_at(&self) -> ObservationKinds {
        Judge::looks_at(self)
    }

    fn boxed(&self) -> Box<dyn Cloned<P>> {
        Box::new(self.clone())
    }

    fn unknown(&self) -> Vec<String> {
        Vec::new()
    }
}

impl<P: Protocol> Judges<P> {
    /// No judges.
    pub fn none() -> Judges<P> {
        Judges { all: Vec::new(), looks_at: ObservationKinds::NONE }
    }

    /// These and a judge of your own, which sees what any judge of a [`Process`](crate::process::Process) sees.
    #[must_use]
    pub fn and(self, judge: impl Judge<Sites<P>> + 'static) -> Judges<P> {
        self.with(Box::new(judge))
    }

    /// These and one that looks at a site after each of its inputs. `holds` says in its error what is wrong with the
    /// site, like "has two leaders".
    #[must_use]
    pub fn state(
        self,
        property: &'static str,
        holds: impl Fn(&P) -> Result<(), String> + Clone + 'static,
    ) -> Judges<P> {
        self.and(StateJudge { property, holds })
    }

    /// These and one that follows the calls of clients.
    #[must_use]
    pub fn calls(self, judge: impl CallJudge<P> + 'static) -> Judges<P> {
        self.with(Box::new(Calls { judge, open: BTreeSet::new() }))
    }

    fn with(mut self, judge: Box<dyn Cloned<P>>) -> Judges<P> {
        self.looks_at = self.looks_at.and(judge.looks_at());
        self.all.push(judge);
        self
    }

    /// The checks that judges gave up at their limits, one sentence each.
    pub(super) fn unknown(&self) -> Vec<String> {
        self.all.iter().flat_map(|judge| judge.unknown()).collect()
    }
}

impl<P: Protocol> Clone for Judges<P> {
    fn clone(&self) -> Judges<P> {
        Judges { all: self.all.iter().map(|judge| judge.boxed()).collect(), looks_at: self.looks_at }
    }
}

impl<P: Protocol> fmt::Debug for Judges<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} judges", self.all.len())
    }
}

impl<P: Protocol> Judge<Sites<P>> for Judges<P> {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, Sites<P>>) -> Result<(), Violation> {
        let mut asked = self.all.iter_mut().filter(|judge| judge.looks_at().have(seen));
        asked.try_for_each(|judge| judge.observe(now, seen))
    }

    fn looks_at(&self) -> ObservationKinds {
        self.looks_at
    }
}

#[derive(Clone)]
struct StateJudge<F> {
    property: &'static str,
    holds: F,
}

impl<P: Protocol, F: Fn(&P) -> Result<(), String> + Clone> Judge<Sites<P>> for StateJudge<F> {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Sites<P>>) -> Result<(), Violation> {
        if let Observation::Handled { process, state } = seen
            && let Some(state) = state.site()
            && let Err(why) = (self.holds)(state)
        {
            return Err(Violation::new(self.property, alloc::format!("{process} {why}")));
        }
        Ok(())
    }

    fn looks_at(&self) -> ObservationKinds {
        ObservationKinds::HANDLED
    }
}

/// A judge of what users see: each call once, however often it is retried. Give it to [`Judges::calls`].
///
/// A command that a scenario gives to a site is a call of that site.
pub trait CallJudge<P: Protocol>: Clone {
    /// A client begins to ask.
    fn asked(&mut self, now: Instant, call: CallId, command: &P::Command);

    /// The client takes the first answer.
    fn answered(&mut self, now: Instant, call: CallId, answer: &P::Answer) -> Result<(), Violation>;

    /// The life of the client ended before an answer. The command may take effect later, or never.
    fn forgot(&mut self, _now: Instant, _call: CallId) {}

    /// The checks that it gave up at its limits, one sentence each.
    fn unknown(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Makes calls of what a world shows.
#[derive(Clone)]
struct Calls<J> {
    judge: J,
    /// The calls without an answer, by client.
    open: BTreeSet<CallId>,
}

impl<J> Calls<J> {
    fn of(&self, client: ProcessId) -> Vec<CallId> {
        let first = CallId { client, life: 0, number: 0 };
        self.open.range(first..).take_while(|call| call.client == client).copied().collect()
    }
}

impl<P: Protocol, J: CallJudge<P> + 'static> Cloned<P> for Calls<J> {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, Sites<P>>) -> Result<(), Violation> {
        match seen {
            Observation::Noted { note: SitesNote::Asked { call, command }, .. } => {
                self.open.insert(*call);
                self.judge.asked(now, *call, command);
            }
            // A site that was given a command may get a second answer, from another site.
            Observation::Noted { note: SitesNote::Answered { call, answer }, .. }
                if self.open.remove(call) =>
            {
                return self.judge.answered(now, *call, answer);
            }
            // A command that a scenario gave to a site is not asked again: whether it took effect is not known.
            Observation::Noted { note: SitesNote::Redirected { call, .. }, .. }
                if call.client.as_site().is_some() && self.open.remove(call) =>
            {
                self.judge.forgot(now, *call);
            }
            Observation::Crashed { process, .. } => {
                for call in self.of(*process) {
                    self.open.remove(&call);
                    self.judge.forgot(now, call);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn looks_at(&self) -> ObservationKinds {
        ObservationKinds::NOTED.and(ObservationKinds::CRASHED)
    }

    fn boxed(&self) -> Box<dyn Cloned<P>> {
        Box::new(self.clone())
    }

    fn unknown(&self) -> Vec<String> {
        self.judge.unknown()
    }
}
