//! Whom to crash and where, and how files write it.

use core::fmt;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::ser::{SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};

use super::{Leaves, Seam, Target};
use crate::scenario::namespace::Word;

/// Whom to crash and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Crash {
    /// Whom.
    pub who: Target,
    /// At which seam; at once when absent.
    pub at: Option<Seam>,
    /// What stays of the unsynced writes.
    pub leaves: Leaves,
}

impl<'de> Deserialize<'de> for Crash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Crash, D::Error> {
        deserializer.deserialize_tuple(3, CrashVisitor)
    }
}

impl Serialize for Crash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let left = (self.leaves != Leaves::Nothing).then_some(self.leaves);
        let count = 1 + usize::from(self.at.is_some()) + usize::from(left.is_some());
        let mut parts = serializer.serialize_tuple(count)?;
        parts.serialize_element(&self.who)?;
        self.at.iter().try_for_each(|seam| parts.serialize_element(seam))?;
        left.iter().try_for_each(|left| parts.serialize_element(left))?;
        parts.end()
    }
}

/// One word of how somebody crashes.
struct Manner(Word<Seam, Leaves>);

impl<'de> Deserialize<'de> for Manner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Manner, D::Error> {
        Word::read(deserializer, "manner of a crash").map(Manner)
    }
}

struct CrashVisitor;

impl<'de> Visitor<'de> for CrashVisitor {
    type Value = Crash;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "whom to crash, then at most one seam, then at most `Torn` or `Scattered`: Crash(Leader, BeforeSync, Torn)",
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Crash, A::Error> {
        let Some(who) = parts.next_element()? else {
            return Err(A::Error::invalid_length(0, &self));
        };
        let mut crash = Crash { who, at: None, leaves: Leaves::Nothing };
        while let Some(Manner(manner)) = parts.next_element()? {
            let is_seam = matches!(manner, Word::Harness(_));
            if crash.leaves != Leaves::Nothing || (is_seam && crash.at.is_some()) {
                return Err(A::Error::custom(
                    "two manners of one crash contradict each other\nexpected at most one seam and then at most `Torn` or `Scattered`",
                ));
            }
            match manner {
                Word::Harness(seam) => crash.at = Some(seam),
                Word::Service(leaves) => crash.leaves = leaves,
            }
        }
        Ok(crash)
    }
}
