//! What must happen in a sweep that is long enough, so that one in which nothing happened is noticed.

use serde::{Deserialize, Serialize};

use crate::scenario::service::Service;

/// Which facts must happen in the runs that are drawn from a profile, by the names that a sweep prints.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "facts"))]
pub enum MustHappen {
    /// Everything that is counted, but these and the notes that a service calls [rare](Service::RARE_NOTES).
    AllBut(Vec<String>),
    /// These, and nothing else.
    These(Vec<String>),
}

impl MustHappen {
    /// Whether the fact of this name must happen.
    pub fn asks_for<S: Service>(&self, name: &str) -> bool {
        let is_in = |names: &[String]| names.iter().any(|other| other == name);
        match self {
            MustHappen::AllBut(names) => !is_in(names) && !S::RARE_NOTES.contains(&name),
            MustHappen::These(names) => is_in(names),
        }
    }

    pub(super) fn names(&self) -> &[String] {
        match self {
            MustHappen::AllBut(names) | MustHappen::These(names) => names,
        }
    }
}
