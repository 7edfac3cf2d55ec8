//! The life of a cluster before a run.
//!
//! A run can begin with journals that long-running sites could have written. A scenario asks for them with
//! `history: (starts: 300, slots: 70000)`. A [`Service`] decides what the journals hold.
//!
//! [`Service`]: crate::scenario::Service

use serde::{Deserialize, Serialize};

use crate::ron_file::{Place, Problem};
use crate::scenario::value::is_usual;

/// The life of a cluster before the run, the same for every site. A run begins with journals that such sites could
/// have written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename(deserialize = "History"), deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "History"))]
pub struct PastLife {
    /// The number of earlier starts of every site, up to 2^40. The first incarnation in the run is the next one.
    #[serde(skip_serializing_if = "is_usual")]
    pub starts: u64,
    /// The round of the last ballot that every site promised, up to 2^40.
    #[serde(skip_serializing_if = "is_usual")]
    pub rounds: u64,
    /// The number of chosen slots, up to 2^40: all slots below this number.
    #[serde(skip_serializing_if = "is_usual")]
    pub slots: u64,
    /// The number of chosen slots that the logs still hold, counted from the last: at most `slots`, and at most
    /// 4096. Earlier slots are no longer in the logs.
    #[serde(skip_serializing_if = "is_usual")]
    pub kept: u64,
    /// The number of slots above the chosen ones that every site accepted without knowing them to be chosen. Each
    /// is as large as it can be.
    #[serde(skip_serializing_if = "is_usual")]
    pub open: u64,
}

impl PastLife {
    /// The upper bound on `starts`, `rounds` and `slots`.
    pub const COUNT_MAX: u64 = 1 << 40;

    /// The upper bound on `kept`: a site reads all kept slots at each of its starts.
    pub const KEPT_MAX: u64 = 4_096;

    /// Whether the cluster is fresh.
    pub fn is_none(&self) -> bool {
        *self == PastLife::default()
    }

    /// Shorter histories, the shortest first.
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

    /// Everything that is wrong with this history for any service.
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

    /// Problems for a service without slots: everything but `starts`.
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

    /// Shortening comes to an end, whichever of the shorter histories is taken each time.
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
