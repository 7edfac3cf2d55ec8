//! What was before a run: sites that have been there for long.
//!
//! A run begins with journals that sites of such a life could have written. What stands in them is a [`Service`]'s to
//! say; what is asked of them is written in a scenario as `history: (starts: 300, slots: 70000)`.
//!
//! [`Service`]: crate::scenario::Service

use serde::{Deserialize, Serialize};

use crate::ron_file::{Place, Problem};
use crate::scenario::value::is_usual;

/// How long the life of a cluster before a run was. Nothing is written for a fresh one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename(deserialize = "History"), deny_unknown_fields)]
pub struct PastLife {
    /// How often every site was started: its first incarnation in the run is the next.
    #[serde(skip_serializing_if = "is_usual")]
    pub starts: u64,
    /// The round of the last ballot that every site promised.
    #[serde(skip_serializing_if = "is_usual")]
    pub rounds: u64,
    /// How many slots are chosen: everything below that slot.
    #[serde(skip_serializing_if = "is_usual")]
    pub slots: u64,
    /// How many of these, the last ones, the logs still hold; the others lie before the beginning of the log.
    #[serde(skip_serializing_if = "is_usual")]
    pub kept: u64,
    /// How many slots above them every site accepted, each with as much as fits, and does not know to be chosen.
    #[serde(skip_serializing_if = "is_usual")]
    pub open: u64,
}

impl PastLife {
    /// No number of a history is greater.
    pub const COUNT_MAX: u64 = 1 << 40;

    /// No more slots are kept: a site reads all of them at each of its starts.
    pub const KEPT_MAX: u64 = 4_096;

    /// Whether the cluster is fresh.
    pub fn is_none(&self) -> bool {
        *self == PastLife::default()
    }

    /// Shorter ones, the shortest first.
    pub fn shorter(&self) -> Vec<PastLife> {
        let all = [
            PastLife::default(),
            PastLife { open: 0, ..*self },
            PastLife { slots: self.slots - self.kept.min(self.slots), kept: 0, ..*self },
            PastLife { slots: 0, kept: 0, open: 0, ..*self },
            PastLife { rounds: 0, ..*self },
            PastLife { starts: 0, ..*self },
        ];
        all.into_iter().filter(|shorter| shorter != self).collect()
    }

    /// Everything that is wrong with it, whatever the service.
    pub(crate) fn check(&self) -> Vec<Problem> {
        let place = Place::whole();
        let most = PastLife::COUNT_MAX;
        let mut problems = Vec::new();
        for (name, count) in [("starts", self.starts), ("rounds", self.rounds), ("slots", self.slots)] {
            if count > most {
                let message = format!("a history of {count} {name}");
                problems.push(Problem::new(place.field(name), message).help(format!("{most} at most")));
            }
        }
        let kept_max = self.slots.min(PastLife::KEPT_MAX);
        if self.kept > kept_max {
            let message = format!("the logs still hold {} of {} slots", self.kept, self.slots);
            let help = format!("{kept_max} at most: `slots`, and no more than {}", PastLife::KEPT_MAX);
            problems.push(Problem::new(place.field("kept"), message).help(help));
        }
        problems
    }

    /// Why a service that knows no slots refuses it.
    pub(crate) fn of_starts_alone(&self) -> Vec<Problem> {
        let PastLife { starts: _, rounds, slots, kept, open } = *self;
        let all = [("rounds", rounds), ("slots", slots), ("kept", kept), ("open", open)];
        let named = all.into_iter().filter(|(_, count)| *count > 0);
        named
            .map(|(name, _)| {
                let message = format!("this service has no {name} in its history");
                Problem::new(Place::whole().field(name), message).help("`starts` alone")
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whichever of the shorter ones is taken each time, nothing is left in the end.
    #[test]
    fn shorter_histories_come_to_an_end() {
        let whole = PastLife { starts: 300, rounds: 9, slots: 70_000, kept: 300, open: 32 };
        let mut rest = vec![(whole, 0)];
        while let Some((history, steps)) = rest.pop() {
            let shorter = history.shorter();
            assert!(steps < 6 && shorter.is_empty() == history.is_none(), "{history:?} after {steps}");
            assert!(shorter.iter().all(|shorter| shorter.check().is_empty()), "{history:?}");
            rest.extend(shorter.into_iter().map(|shorter| (shorter, steps + 1)));
        }
    }
}
