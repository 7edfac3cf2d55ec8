//! Judges of sites that keep a log: they look at the state of a site after each of its inputs.

use alloc::collections::BTreeMap;
use core::fmt::Debug;

use crate::judges::{AtMostOnce, DecidedPrefix};
use crate::protocol::{CallId, Judges, Protocol, Sites, SitesNote};
use crate::sim::{Judge, Observation, ObservationKinds, Violation};
use crate::time::Instant;

impl<P: Protocol> Judges<P> {
    /// These and [`DecidedPrefix`] for the log that each site decides. `log` is all that a site has decided since it
    /// started, oldest first; it may only grow. `value` is what a call puts into the log; `None` for one that puts nothing there. What no
    /// call asked for must not be decided, and a call is answered only after some site decided its value.
    #[must_use]
    pub fn decides<T: Ord + Clone + Debug + 'static>(
        self,
        log: impl Fn(&P) -> &[T] + Clone + 'static,
        value: impl Fn(CallId, &P::Command) -> Option<T> + Clone + 'static,
    ) -> Judges<P> {
        self.and(Decides { decided: DecidedPrefix::default(), log, value, asked: BTreeMap::new() })
    }

    /// These and [`AtMostOnce`] for the effects of the log: `log` is all that took effect at a site since it started,
    /// oldest first; it may only grow.
    #[must_use]
    pub fn once<T: Ord + Clone + Debug + 'static>(
        self,
        log: impl Fn(&P) -> &[T] + Clone + 'static,
    ) -> Judges<P> {
        self.and(Once { happened: AtMostOnce::default(), log })
    }
}

#[derive(Clone)]
struct Decides<T, L, V> {
    decided: DecidedPrefix<T>,
    log: L,
    value: V,
    /// The values of calls without an answer.
    asked: BTreeMap<CallId, T>,
}

impl<P, T, L, V> Judge<Sites<P>> for Decides<T, L, V>
where
    P: Protocol,
    T: Ord + Clone + Debug,
    L: Fn(&P) -> &[T] + Clone,
    V: Fn(CallId, &P::Command) -> Option<T> + Clone,
{
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Sites<P>>) -> Result<(), Violation> {
        match seen {
            Observation::Started { process, .. } => self.decided.started(*process),
            Observation::Handled { process, state: Sites::Site(site) } => {
                return self.decided.decided_log(*process, (self.log)(&site.state));
            }
            Observation::Noted { note: SitesNote::Asked { call, command }, .. } => {
                if let Some(value) = (self.value)(*call, command) {
                    self.decided.asked(value.clone());
                    self.asked.insert(*call, value);
                }
            }
            Observation::Noted { process, note: SitesNote::Answered { call, .. } } => {
                if let Some(value) = self.asked.remove(call) {
                    let has = self.decided.has(&value);
                    ensure!(has, "answers", "{process} is answered {call}: no site decided {value:?}");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn looks_at(&self) -> ObservationKinds {
        ObservationKinds::STARTED.and(ObservationKinds::HANDLED).and(ObservationKinds::NOTED)
    }
}

#[derive(Clone)]
struct Once<T, L> {
    happened: AtMostOnce<T>,
    log: L,
}

impl<P, T, L> Judge<Sites<P>> for Once<T, L>
where
    P: Protocol,
    T: Ord + Clone + Debug,
    L: Fn(&P) -> &[T] + Clone,
{
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Sites<P>>) -> Result<(), Violation> {
        match seen {
            Observation::Started { process, .. } => self.happened.started(*process),
            Observation::Handled { process, state: Sites::Site(site) } => {
                return self.happened.happened_log(*process, (self.log)(&site.state));
            }
            _ => {}
        }
        Ok(())
    }

    fn looks_at(&self) -> ObservationKinds {
        ObservationKinds::STARTED.and(ObservationKinds::HANDLED)
    }
}
