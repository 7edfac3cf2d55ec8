//! The head start of the site that is to lead first: the others sleep until it campaigns.
//!
//! It is set up before the script and no part of it: no step stands for it, and nothing of it is traced while all goes as
//! meant. A site that the script pauses meanwhile belongs to the script and sleeps on.

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::process::{Process, Role};
use crate::sim::watch::judge::Judge;
use crate::sim::watch::trace::{LineClass, TraceEvent};
use crate::sim::world::World;

/// Who is to lead first, and who sleeps until then.
#[derive(Clone, Debug)]
pub(crate) struct HeadStart {
    /// Who has it, until it campaigns or leads.
    pub(super) first: Option<SiteId>,
    /// Who sleeps for it.
    asleep: SiteSet,
    /// Who had it and had not campaigned when the others had to go on.
    missed: Option<SiteId>,
}

impl HeadStart {
    pub(crate) const fn of(first: Option<SiteId>) -> HeadStart {
        HeadStart { first, asleep: SiteSet::EMPTY, missed: None }
    }

    /// Who was to lead first and has neither campaigned nor led while the others slept.
    pub(crate) fn unled(&self) -> Option<SiteId> {
        self.first.or(self.missed)
    }

    /// Takes a site out that sleeps for it; whether it was one.
    pub(crate) fn take(&mut self, id: ProcessId) -> bool {
        let site = id.as_site().filter(|site| self.asleep.contains(*site));
        site.map(|site| self.asleep.remove(site)).is_some()
    }
}

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Puts every site to sleep but the first one, once all have started.
    pub(crate) fn begin_head_start(&mut self) {
        let Some(first) = self.script.head_start.first else { return };
        for site in self.sites().without(first).iter() {
            if let Some(host) = self.hosts.list.place(site.into())
                && self.put_to_sleep(host)
            {
                self.script.head_start.asleep.insert(site);
            }
        }
    }

    /// Lets the others go on once the first one campaigns or leads.
    #[cold]
    pub(crate) fn follow_head_start(&mut self, first: SiteId) {
        let running = self.hosts.list.place(first.into()).and_then(|host| self.hosts.list[host].running());
        match running.map(|running| running.process.role()) {
            Some(Role::Candidate | Role::Leader { .. }) => {
                self.script.head_start.first = None;
                self.wake_sleepers();
            }
            Some(Role::Follower | Role::Client) | None => {}
        }
    }

    /// All is to be mended: who still sleeps goes on, though the first one has not campaigned.
    pub(crate) fn give_up_head_start(&mut self) {
        let Some(first) = self.script.head_start.first.take() else { return };
        self.script.head_start.missed = Some(first);
        let asleep = self.script.head_start.asleep;
        self.watch.line(None, LineClass::Step, || TraceEvent::NeverCampaigned { first, asleep });
        self.wake_sleepers();
    }

    fn wake_sleepers(&mut self) {
        while let Some(site) = self.script.head_start.asleep.pop_first() {
            if let Some(host) = self.hosts.list.place(site.into()) {
                self.wake_up(host);
            }
        }
    }
}
