//! The identity of a call.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::ProcessId;

/// One command of one client. Every retry has the same id, so a site recognizes a command that it has already done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct CallId {
    /// Who asks. A command that a scenario gives to a site has the site itself here.
    pub client: ProcessId,
    /// Differs for every life of a client: between a crash and the next, its numbers begin anew.
    pub life: u64,
    /// The number of the call in that life, from 1.
    pub number: u64,
}

wire_struct!(CallId { client, life, number });

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call {} of {}", self.number, self.client)
    }
}
