//! The head start of the site that is to lead first: the other sites are paused until it campaigns.
//!
//! It is set up before the script and is not part of the script. No step stands for it, and it is not traced unless
//! it fails. A site that a step pauses meanwhile belongs to the script, and stays paused.

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::process::{Process, Role};
use crate::sim::watch::judge::Judge;
use crate::sim::watch::line::{LineClass, TraceEvent};
use crate::sim::world::World;

/// The site that is to lead first, and the sites that are paused until then.
#[derive(Clone, Debug)]
pub(crate) struct HeadStart {
    /// The site with the head start, until it campaigns or leads.
    pub(super) first: Option<SiteId>,
    /// The sites paused for it.
    asleep: SiteSet,
    /// The site that had it, if it had not campaigned when the others had to resume.
    missed: Option<SiteId>,
}

impl HeadStart {
    pub(crate) const fn of(first: Option<SiteId>) -> HeadStart {
        HeadStart { first, asleep: SiteSet::EMPTY, missed: None }
    }

    /// The site that was to lead first, if it neither campaigned nor led while the others were paused.
    pub(crate) fn unled(&self) -> Option<SiteId> {
        self.first.or(self.missed)
    }

    /// Removes a site from the paused ones. Returns whether it was one of them.
    pub(crate) fn take(&mut self, id: ProcessId) -> bool {
        let site = id.as_site().filter(|site| self.asleep.contains(*site));
        site.map(|site| self.asleep.remove(site)).is_some()
    }
}

impl<P: Process, J: Judge<P>> World<P, J> {
    /// Pauses every site but the first, once all have started.
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

    /// Resumes the other sites once the first campaigns or leads.
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

    /// Resumes the paused sites before a heal, although the first has not campaigned.
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
