//! Checks, where a scenario claims `Prompt`, that nothing takes too long while nothing is wrong: a site's first answer
//! to a request, its final answer, a new leader after the old one crashed, and the catch-up of a restarted site with
//! what was chosen before. The bounds come from the configuration, see [`Bounds`].
//!
//! Times of requests start when a site receives the request, so the client's way is no part of them. When a leader
//! crashes, a candidate campaigns, a leader leads or a quorum is lost, the judge drops every wait that depends on a
//! leader; later requests are judged again. Does not check how soon the first leader leads, nor final answers of a site
//! that has not heard the leader yet.

use alloc::vec::Vec;

use crate::ids::{ProcessId, SITES_MAX, SiteId, SiteSet};
use crate::process::Process;
use crate::replicated::paxos::{self, Ballot, Slot};
use crate::sim::{Observation, Violation};
use crate::time::{Duration, Instant};
use crate::tweets::judges::JudgeContext;
use crate::tweets::site::{Command, Message, Note, Record, RequestId};

const PROPERTY: &str = "promptness";

/// The longest times while nothing is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// From a request at a site to the first answer.
    pub taken: Duration,
    /// From a request at a site to the final answer.
    pub applied: Duration,
    /// From a leader's crash to the next leader.
    pub fail_over: Duration,
    /// From a site's start to its report that it has applied everything chosen by then, without the fetches.
    pub catch_up: Duration,
    /// In addition to `catch_up`, for each batch of slots fetched.
    pub fetch: Duration,
    /// Slots in a batch.
    pub batch: u64,
}

/// The judge.
#[derive(Clone, Debug)]
pub struct Times {
    bounds: Bounds,
    sites: u8,
    up: SiteSet,
    leader: Option<Ballot>,
    /// By site, the leader that the site reported to hear, in this incarnation.
    sends_heartbeat_reply: [Option<Ballot>; SITES_MAX as usize],
    due: Vec<Due>,
}

/// An event that must happen by a deadline.
#[derive(Clone, Copy, Debug)]
struct Due {
    by: Instant,
    since: Instant,
    what: Awaited,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Awaited {
    /// Any answer.
    Taken { site: SiteId, client: ProcessId, id: RequestId },
    /// The final answer.
    Applied { site: SiteId, client: ProcessId, id: RequestId },
    /// A leader.
    Leader { crashed: SiteId },
    /// This site has applied everything below `end`.
    CaughtUp { site: SiteId, end: Slot },
}

impl Times {
    /// The judge of a cluster of `sites` sites.
    pub(super) fn new(sites: u8, bounds: Bounds) -> Times {
        let sends_heartbeat_reply = [None; SITES_MAX as usize];
        Times { bounds, sites, up: SiteSet::EMPTY, leader: None, sends_heartbeat_reply, due: Vec::new() }
    }

    pub(super) fn observe<P>(
        &mut self,
        now: Instant,
        known: JudgeContext<'_>,
        seen: &Observation<'_, P>,
    ) -> Result<(), Violation>
    where
        P: Process<Message = Message, Record = Record, Note = Note, Command = Command>,
    {
        if let Some(late) = self.due.iter().find(|due| due.by < now) {
            return Err(late.violation());
        }
        match *seen {
            Observation::Started { process, incarnation, .. } => {
                if let Some(site) = process.as_site() {
                    self.on_started(now, known, site, incarnation);
                }
            }
            Observation::Crashed { process, .. } => {
                if let Some(site) = process.as_site() {
                    self.on_crashed(now, site);
                }
            }
            Observation::Noted { process, note: Note::Paxos(note) } => {
                if let Some(site) = process.as_site() {
                    self.on_noted(site, note);
                }
            }
            Observation::Delivered { to, from, message: Message::Request { request } } => {
                if let Some(site) = to.as_site() {
                    self.on_request(now, site, from, request.id());
                }
            }
            Observation::Sent { datagram, messages } => {
                if let Some(site) = datagram.from.as_site() {
                    messages.iter().for_each(|message| self.on_left(site, message));
                }
            }
            Observation::Restored { .. }
            | Observation::Commanded { .. }
            | Observation::Durable { .. }
            | Observation::Delivered { .. }
            | Observation::Link { .. }
            | Observation::Noted { .. }
            | Observation::Handled { .. } => {}
        }
        Ok(())
    }

    fn demand(&mut self, now: Instant, within: Duration, what: Awaited) {
        self.due.push(Due { by: now + within, since: now, what });
    }

    /// Drops everything awaited that depends on a leader that stays.
    fn disturb(&mut self) {
        self.leader = None;
        self.due.retain(|due| matches!(due.what, Awaited::Taken { .. } | Awaited::Leader { .. }));
    }

    fn on_started(&mut self, now: Instant, known: JudgeContext<'_>, site: SiteId, incarnation: u64) {
        self.up.insert(site);
        let end = known.log.end();
        if incarnation > 1 && self.leader.is_some() {
            let batches = end.0 / self.bounds.batch.max(1) + 1;
            let within = self.bounds.catch_up + self.bounds.fetch.times(batches);
            self.demand(now, within, Awaited::CaughtUp { site, end });
        }
    }

    fn on_crashed(&mut self, now: Instant, site: SiteId) {
        self.up = self.up.minus(SiteSet::EMPTY.with(site));
        self.sends_heartbeat_reply[site.index()] = None;
        let is_elsewhere = |due: &Due| match due.what {
            Awaited::Taken { site: at, .. }
            | Awaited::Applied { site: at, .. }
            | Awaited::CaughtUp { site: at, .. } => at != site,
            Awaited::Leader { .. } => true,
        };
        self.due.retain(is_elsewhere);
        let is_leader = self.leader.is_some_and(|leader| leader.site == site);
        let has_quorum = 2 * self.up.len() > usize::from(self.sites);
        if is_leader || !has_quorum {
            self.disturb();
        }
        if !has_quorum {
            self.due.retain(|due| !matches!(due.what, Awaited::Leader { .. }));
        } else if is_leader {
            self.demand(now, self.bounds.fail_over, Awaited::Leader { crashed: site });
        }
    }

    fn on_noted(&mut self, site: SiteId, note: &paxos::PaxosNote) {
        match note {
            paxos::PaxosNote::Leads(ballot, _) => {
                self.disturb();
                self.due.retain(|due| !matches!(due.what, Awaited::Leader { .. }));
                self.leader = Some(*ballot);
                self.sends_heartbeat_reply[site.index()] = Some(*ballot);
            }
            paxos::PaxosNote::Campaigns(_) => self.disturb(),
            _ => {}
        }
    }

    fn on_request(&mut self, now: Instant, site: SiteId, client: ProcessId, id: RequestId) {
        let (taken, applied) = (Awaited::Taken { site, client, id }, Awaited::Applied { site, client, id });
        if !self.due.iter().any(|due| due.what == taken) {
            self.demand(now, self.bounds.taken, taken);
        }
        let is_served = self.leader.is_some() && self.sends_heartbeat_reply[site.index()] == self.leader;
        if is_served && !self.due.iter().any(|due| due.what == applied) {
            self.demand(now, self.bounds.applied, applied);
        }
    }

    fn on_left(&mut self, from: SiteId, message: &Message) {
        match message {
            Message::Taken { id } => {
                let id = *id;
                self.due.retain(|due| !matches!(due.what, Awaited::Taken { site, id: of, .. } if (site, of) == (from, id)));
            }
            Message::Applied { id, .. } | Message::Expired { id, .. } | Message::Busy { id, .. } => {
                let id = *id;
                self.due.retain(|due| match due.what {
                    Awaited::Taken { site, id: of, .. } | Awaited::Applied { site, id: of, .. } => {
                        (site, of) != (from, id)
                    }
                    Awaited::Leader { .. } | Awaited::CaughtUp { .. } => true,
                });
            }
            Message::Paxos { message: paxos::PaxosMessage::HeartbeatReply { ballot, applied, .. } } => {
                self.sends_heartbeat_reply[from.index()] = Some(*ballot);
                self.due.retain(|due| {
                    !matches!(due.what, Awaited::CaughtUp { site, end } if site == from && end <= applied.end)
                });
            }
            _ => {}
        }
    }
}

impl Due {
    fn violation(&self) -> Violation {
        let (since, within) = (self.since, self.by.since(self.since));
        let explanation = match self.what {
            Awaited::Taken { site, client, .. } => {
                alloc::format!(
                    "{site} was asked by {client} at {since}, and answered nothing within {within}"
                )
            }
            Awaited::Applied { site, client, .. } => {
                alloc::format!(
                    "{site} was asked by {client} at {since}, and it was not applied within {within}"
                )
            }
            Awaited::Leader { crashed } => {
                alloc::format!("{crashed} led until it crashed at {since}, and nobody led within {within}")
            }
            Awaited::CaughtUp { site, end } => {
                alloc::format!(
                    "{site} started at {since}, and had not applied everything below {end} within {within}"
                )
            }
        };
        Violation::new(PROPERTY, explanation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicated::paxos::{Claim, Digest};
    use crate::tweets::judges::costs::{Cost, CostBudget};
    use crate::tweets::judges::stage::{C1, Stage, applied, ballot, objects, site, tweet};
    use crate::tweets::site::{Answer, Request};
    use crate::tweets::timeline::TimelineOutcome;

    const LOTS: Cost = Cost { messages: 1_000, wakes: 1_000 };
    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Three sites of which 0 leads and 1 follows it.
    fn led() -> Stage {
        let mut stage = Stage::three_chosen();
        let (taken, applied, fail_over) = (MS(10), MS(20), MS(300));
        let bounds = Bounds { taken, applied, fail_over, catch_up: MS(40), fetch: MS(5), batch: 2 };
        let budget = CostBudget { beat: MS(50), idle: LOTS, asked: LOTS, spare: LOTS };
        stage.judges.hold_to_bounds(3, bounds, budget);
        for number in 0..3 {
            stage.started_as_it_was(site(number), 2);
        }
        stage.noted(site(0).into(), &Note::Paxos(paxos::PaxosNote::Leads(ballot(2, 0), Slot(3)))).unwrap();
        sends_heartbeat_reply(&mut stage, 1, 0);
        stage
    }

    /// Passes the message to this judge alone, because other judges would check it too.
    fn sends(stage: &mut Stage, number: u8, message: &Message) {
        stage.judges.times.as_mut().unwrap().on_left(site(number), message);
    }

    fn sends_heartbeat_reply(stage: &mut Stage, number: u8, end: u64) {
        let applied = Claim { end: Slot(end), digest: Digest::default() };
        let message =
            paxos::PaxosMessage::HeartbeatReply { ballot: ballot(2, 0), chosen: Slot(end), beat: 1, applied };
        sends(stage, number, &Message::Paxos { message });
    }

    fn asked(stage: &mut Stage) -> Request {
        let request = tweet(2, "b");
        stage.asked(&request);
        stage.delivered(C1, site(1).into(), &Message::Request { request: request.clone() }).unwrap();
        request
    }

    /// Any event at this time, so that the judge looks at its deadlines.
    fn look(stage: &mut Stage, millis: u64) -> Result<(), Violation> {
        stage.now = Instant::ZERO + MS(millis);
        stage.durable(site(2), &[])
    }

    #[test]
    fn a_request_is_answered_in_time_at_all_and_for_good() {
        let mut stage = led();
        asked(&mut stage);
        look(&mut stage, 10).unwrap();
        objects(look(&mut stage, 11), "promptness", "answered nothing within 10ms");
        let mut stage = led();
        let request = asked(&mut stage);
        sends(&mut stage, 1, &Message::Taken { id: request.id() });
        look(&mut stage, 20).unwrap();
        objects(look(&mut stage, 21), "promptness", "it was not applied within 20ms");
        let mut stage = led();
        let request = asked(&mut stage);
        stage.sent(site(1), C1, applied(&request, (2, 0), Answer::Of(TimelineOutcome::Done))).unwrap();
        look(&mut stage, 1_000).unwrap();
    }

    #[test]
    fn nothing_is_demanded_of_a_leader_that_is_gone_but_another_one() {
        let mut stage = led();
        let request = asked(&mut stage);
        sends(&mut stage, 1, &Message::Taken { id: request.id() });
        stage.crashed(site(0)).unwrap();
        look(&mut stage, 300).unwrap();
        objects(look(&mut stage, 301), "promptness", "S0 led until it crashed");
        let mut stage = led();
        stage.crashed(site(0)).unwrap();
        stage.noted(site(1).into(), &Note::Paxos(paxos::PaxosNote::Leads(ballot(3, 1), Slot(3)))).unwrap();
        look(&mut stage, 1_000).unwrap();
        let mut stage = led();
        stage.crashed(site(0)).unwrap();
        stage.crashed(site(1)).unwrap();
        look(&mut stage, 1_000).unwrap();
    }

    #[test]
    fn who_comes_back_catches_up_in_time() {
        let back = || {
            let mut stage = led();
            stage.crashed(site(1)).unwrap();
            stage.started_as_it_was(site(1), 3);
            stage
        };
        // Three slots are two batches.
        let mut stage = back();
        sends_heartbeat_reply(&mut stage, 1, 2);
        look(&mut stage, 50).unwrap();
        objects(look(&mut stage, 51), "promptness", "had not applied everything below 3 within 50ms");
        let mut stage = back();
        sends_heartbeat_reply(&mut stage, 1, 3);
        look(&mut stage, 1_000).unwrap();
    }
}
