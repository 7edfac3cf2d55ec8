//! The recipients of a message.

use crate::ids::{ProcessId, SiteId, SiteSet};

/// The recipients of a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Recipients {
    /// One process.
    One(ProcessId),
    /// Several sites: one encoded buffer for all of them.
    Sites(SiteSet),
    /// The first `count` clients except the sender itself: one encoded buffer for all of them.
    Clients {
        /// The number of clients, from client 0 on.
        count: u16,
    },
}

impl Recipients {
    /// Whether `id` is among them.
    pub fn contains(self, id: ProcessId) -> bool {
        match self {
            Recipients::One(one) => one == id,
            Recipients::Sites(sites) => id.as_site().is_some_and(|site| sites.contains(site)),
            Recipients::Clients { count } => matches!(id, ProcessId::Client(number) if number < count),
        }
    }

    /// Whether a message to these recipients also comes back to its sender `me`.
    pub(crate) fn is_own(self, me: ProcessId) -> bool {
        match self {
            Recipients::One(_) | Recipients::Sites(_) => self.contains(me),
            Recipients::Clients { .. } => false,
        }
    }

    /// Each recipient, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = ProcessId> + Clone + use<> {
        self.iter_but(None)
    }

    /// Each recipient but `me`, in ascending order.
    #[inline]
    pub(crate) fn iter_but(self, me: Option<ProcessId>) -> impl Iterator<Item = ProcessId> + Clone + use<> {
        let mut client = 0u16;
        // An empty set of sites marks the end.
        let mut rest = match (self, me) {
            (Recipients::One(_), Some(me)) if self.contains(me) => Recipients::Sites(SiteSet::EMPTY),
            (Recipients::Sites(sites), Some(ProcessId::Site(me))) => Recipients::Sites(sites.without(me)),
            (all, _) => all,
        };
        core::iter::from_fn(move || match &mut rest {
            Recipients::Sites(sites) => sites.pop_first().map(ProcessId::Site),
            Recipients::One(one) => {
                let one = *one;
                rest = Recipients::Sites(SiteSet::EMPTY);
                Some(one)
            }
            Recipients::Clients { count } => {
                client = client.saturating_add((me == Some(ProcessId::Client(client))).into());
                let next = (client < *count).then_some(ProcessId::Client(client));
                client += 1;
                next
            }
        })
    }
}

impl From<ProcessId> for Recipients {
    fn from(one: ProcessId) -> Recipients {
        Recipients::One(one)
    }
}

impl From<SiteId> for Recipients {
    fn from(site: SiteId) -> Recipients {
        Recipients::One(site.into())
    }
}

impl From<SiteSet> for Recipients {
    fn from(sites: SiteSet) -> Recipients {
        Recipients::Sites(sites)
    }
}
