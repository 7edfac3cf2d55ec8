//! What must happen in a long sweep, so that a sweep in which nothing happens is noticed.

use serde::{Deserialize, Serialize};

use crate::scenario::service::Service;

/// The facts that must happen in the runs of a long sweep, by the names that a sweep prints.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename(deserialize = "facts"))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "MustHappen"))]
pub enum MustHappen {
    /// Every fact but these, and but the notes that the service calls rare.
    AllBut(Vec<String>),
    /// These facts only.
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
