//! The client that comes with every protocol of sites.
//!
//! 1. It has one call under way. Later commands wait in order.
//! 2. A call keeps its id through all retries. No two lives of a client share an id.
//! 3. It never gives up a call that it has asked: it asks the next site whenever a time-out has passed, until its life ends.

use alloc::collections::VecDeque;
use core::fmt;

use crate::foreign::Serde;
use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix::Seed;
use crate::process::{Effects, Size};
use crate::protocol::{CallId, Protocol, Sites, SitesConfig, SitesMessage, SitesNote};
use crate::time::{Duration, Instant};

/// The most commands that wait at a client.
const WAITING_MAX: usize = 4_096;

/// A constant for the number that tells lives apart.
const LIFE: u64 = 0x6c69_6665;

/// A client or terminal.
pub struct SitesClient<P: Protocol> {
    id: ProcessId,
    sites: SiteSet,
    retry: Duration,
    life: u64,
    /// The number of calls that it began.
    begun: u64,
    /// The site that it asks next.
    site: SiteId,
    call: Option<Calling<P::Command>>,
    waiting: VecDeque<P::Command>,
    last_answer: Option<P::Answer>,
}

#[derive(Clone, Debug)]
struct Calling<C> {
    id: CallId,
    command: C,
    retry_at: Instant,
    /// Redirections since the last time-out. Two sites that send a client to each other must not keep it busy.
    redirections: usize,
}

impl<P: Protocol> Clone for SitesClient<P> {
    fn clone(&self) -> SitesClient<P> {
        SitesClient {
            call: self.call.clone(),
            waiting: self.waiting.clone(),
            last_answer: self.last_answer.clone(),
            ..*self
        }
    }
}

impl<P: Protocol> fmt::Debug for SitesClient<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SitesClient { id, site, call, waiting, last_answer, .. } = self;
        let mut shown = f.debug_struct("SitesClient");
        shown.field("id", id).field("site", site).field("call", call);
        shown.field("waiting", waiting).field("last_answer", last_answer).finish_non_exhaustive()
    }
}

impl<P: Protocol> SitesClient<P> {
    pub(super) fn new(config: &SitesConfig, id: ProcessId, seed: Seed) -> SitesClient<P> {
        let sites: alloc::vec::Vec<SiteId> = config.sites.iter().collect();
        let site = match id {
            ProcessId::Site(site) | ProcessId::Terminal(site) => site,
            ProcessId::Client(number) => sites[usize::from(number) % sites.len()],
        };
        SitesClient {
            id,
            sites: config.sites,
            retry: config.retry,
            life: seed.key(LIFE),
            begun: 0,
            site,
            call: None,
            waiting: VecDeque::new(),
            last_answer: None,
        }
    }

    /// The last answer that it took in this life.
    pub fn last_answer(&self) -> Option<&P::Answer> {
        self.last_answer.as_ref()
    }

    /// The call under way, and its command.
    pub fn call(&self) -> Option<(CallId, &P::Command)> {
        self.call.as_ref().map(|calling| (calling.id, &calling.command))
    }

    /// The number of commands that are not answered.
    pub fn unanswered(&self) -> usize {
        self.waiting.len() + usize::from(self.call.is_some())
    }

    pub(super) fn sizes(&self, mut see: impl FnMut(Size)) {
        see(Size::new("commands that wait at a client", self.waiting.len(), WAITING_MAX));
    }

    pub(super) fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.call.as_ref().map(|calling| (calling.retry_at, "ask the next site"))
    }

    pub(super) fn command(&mut self, now: Instant, command: P::Command, effects: &mut Effects<Sites<P>>) {
        if self.waiting.len() == WAITING_MAX {
            return effects.note(SitesNote::GaveUp { command });
        }
        self.waiting.push_back(command);
        self.begin(now, effects);
    }

    /// Begins the next call, unless one is under way.
    fn begin(&mut self, now: Instant, effects: &mut Effects<Sites<P>>) {
        if self.call.is_some() {
            return;
        }
        let Some(command) = self.waiting.pop_front() else { return };
        self.begun += 1;
        let id = CallId { client: self.id, life: self.life, number: self.begun };
        effects.note(SitesNote::Asked { call: id, command: command.clone() });
        self.call = Some(Calling { id, command, retry_at: now, redirections: 0 });
        self.ask(now, effects);
    }

    fn ask(&mut self, now: Instant, effects: &mut Effects<Sites<P>>) {
        let Some(calling) = &mut self.call else { return };
        calling.retry_at = now + self.retry;
        let command = Serde::new(calling.command.clone());
        effects.send(self.site, &SitesMessage::Ask { call: calling.id, command });
    }

    pub(super) fn wake(&mut self, now: Instant, effects: &mut Effects<Sites<P>>) {
        let Some(calling) = &mut self.call else { return };
        calling.redirections = 0;
        let next = self.sites.iter().find(|site| *site > self.site).or_else(|| self.sites.iter().next());
        self.site = next.unwrap_or(self.site);
        effects.note(SitesNote::Retried { call: calling.id, to: self.site });
        self.ask(now, effects);
    }

    pub(super) fn message(
        &mut self,
        now: Instant,
        from: ProcessId,
        message: SitesMessage<P>,
        effects: &mut Effects<Sites<P>>,
    ) {
        let Some(calling) = &mut self.call else { return };
        match message {
            SitesMessage::Answer { call, answer } if call == calling.id => {
                self.call = None;
                // It goes on with the site that answers.
                self.site = from.as_site().filter(|site| self.sites.contains(*site)).unwrap_or(self.site);
                self.last_answer = Some(answer.inner.clone());
                effects.note(SitesNote::Answered { call, answer: answer.inner });
                self.begin(now, effects);
            }
            SitesMessage::Redirect { call, to } if call == calling.id && self.sites.contains(to) => {
                self.site = to;
                calling.redirections += 1;
                if calling.redirections <= self.sites.len() {
                    effects.note(SitesNote::Redirected { call, to });
                    self.ask(now, effects);
                }
            }
            // A late answer, or nonsense.
            _ => {}
        }
    }
}
