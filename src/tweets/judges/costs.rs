//! Checks, where a scenario claims `Prompt`, that sites send no more and wake up no more often than needed while a
//! leader leads and nothing is wrong. The budget is per heartbeat and per message of a client, see [`CostBudget`].
//!
//! Counting starts when a leader leads. A crash or start of a site, or a campaign, stops it until the next leader.
//! Earlier messages of clients stay in the budget, so it is strict in the first leadership only. Does not check what is
//! in a message, nor which one costs too much.

use crate::ids::ProcessId;
use crate::process::{Process, Recipients};
use crate::replicated::paxos;
use crate::sim::{Observation, Violation};
use crate::time::{Duration, Instant};
use crate::tweets::site::{Command, Message, Note, Record};

const PROPERTY: &str = "costs";

/// The budget of all sites together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CostBudget {
    /// Time between two heartbeats.
    pub beat: Duration,
    /// For each heartbeat, apart from what clients ask.
    pub idle: Cost,
    /// For each message of a client or terminal.
    pub asked: Cost,
    /// In addition, once.
    pub spare: Cost,
}

/// Messages sent and wake-ups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// Messages to others, counted once per recipient.
    pub messages: u64,
    /// Inputs that only say that the process's deadline has come.
    pub wakes: u64,
}

/// The judge.
#[derive(Clone, Debug)]
pub struct Costs {
    budget: CostBudget,
    /// Since when it counts; `None` while no leader leads.
    since: Option<Instant>,
    asked: u64,
    spent: Cost,
    /// The process that received an input other than a wake-up and has not handled it yet.
    handed: Option<ProcessId>,
}

impl Costs {
    pub(super) fn new(budget: CostBudget) -> Costs {
        Costs { budget, since: None, asked: 0, spent: Cost::default(), handed: None }
    }

    pub(super) fn observe<P>(&mut self, now: Instant, seen: &Observation<'_, P>) -> Result<(), Violation>
    where
        P: Process<Message = Message, Record = Record, Note = Note, Command = Command>,
    {
        match *seen {
            Observation::Noted { note: Note::Paxos(paxos::PaxosNote::Leads(..)), .. } => {
                self.count_from(Some(now));
            }
            Observation::Noted { note: Note::Paxos(paxos::PaxosNote::Campaigns(_)), .. } => {
                self.count_from(None)
            }
            Observation::Started { process, .. } | Observation::Crashed { process, .. }
                if process.as_site().is_some() =>
            {
                self.count_from(None);
            }
            Observation::Delivered { to, from, .. } => {
                self.handed = Some(to);
                self.asked += u64::from(to.as_site().is_some() && from.as_site().is_none());
            }
            Observation::Commanded { process, .. } => self.handed = Some(process),
            Observation::Sent { datagram, messages } if datagram.from.as_site().is_some() => {
                let others = match datagram.to {
                    Recipients::One(_) => 1,
                    Recipients::Sites(sites) => sites.len() as u64,
                    Recipients::Clients { count } => count.into(),
                };
                self.spent.messages += others * messages.len() as u64;
            }
            Observation::Handled { process, .. } => {
                let is_wake = self.handed.take() != Some(process);
                self.spent.wakes += u64::from(is_wake && process.as_site().is_some());
                return self.judge(now);
            }
            _ => {}
        }
        Ok(())
    }

    /// Requests from before stay in the budget: a new leader does the work that waits.
    fn count_from(&mut self, since: Option<Instant>) {
        (self.since, self.spent) = (since, Cost::default());
    }

    fn judge(&self, now: Instant) -> Result<(), Violation> {
        let Some(since) = self.since else { return Ok(()) };
        let CostBudget { beat, idle, asked, spare } = self.budget;
        let beats = now.since(since).as_micros() / beat.as_micros().max(1);
        let may = |of: fn(&Cost) -> u64| of(&spare) + of(&idle) * beats + of(&asked) * self.asked;
        for (what, of) in [
            ("messages were sent", (|cost| cost.messages) as fn(&Cost) -> u64),
            ("wake-ups were", |cost| cost.wakes),
        ] {
            let (spent, may) = (of(&self.spent), may(of));
            ensure!(
                spent <= may,
                PROPERTY,
                "{spent} {what} among the sites since {since}, in {beats} heartbeats in which clients said {} things: \
                 {may} are enough",
                self.asked
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicated::paxos::{Claim, Digest, Slot};
    use crate::tweets::judges::stage::{C1, Stage, ballot, objects, site, tweet};
    use crate::tweets::judges::times::Bounds;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Three sites of which 0 leads. They may send two messages per heartbeat, three per client message, and one more.
    fn led() -> Stage {
        let mut stage = Stage::three_chosen();
        let long = MS(60_000);
        let bounds =
            Bounds { taken: long, applied: long, fail_over: long, catch_up: long, fetch: long, batch: 2 };
        let cost = |messages| Cost { messages, wakes: 100 };
        let budget = CostBudget { beat: MS(50), idle: cost(2), asked: cost(3), spare: cost(1) };
        stage.judges.hold_to_bounds(3, bounds, budget);
        leads(&mut stage);
        stage
    }

    fn leads(stage: &mut Stage) {
        stage.noted(site(0).into(), &Note::Paxos(paxos::PaxosNote::Leads(ballot(2, 0), Slot(3)))).unwrap();
    }

    fn send_reply(stage: &mut Stage, millis: u64) -> Result<(), Violation> {
        stage.now = Instant::ZERO + MS(millis);
        let applied = Claim { end: Slot(0), digest: Digest::default() };
        let reply =
            paxos::PaxosMessage::HeartbeatReply { ballot: ballot(2, 0), chosen: Slot(0), beat: 1, applied };
        stage.sent(site(1), ProcessId::from(site(0)), Message::Paxos { message: reply })?;
        stage.handled(site(1))
    }

    #[test]
    fn sites_say_as_much_as_their_budget_allows_for_the_time_and_for_what_is_asked() {
        let mut stage = led();
        send_reply(&mut stage, 1).unwrap();
        objects(send_reply(&mut stage, 49), "costs", "2 messages were sent");
        let mut stage = led();
        [1, 50, 51].into_iter().for_each(|millis| send_reply(&mut stage, millis).unwrap());
        objects(send_reply(&mut stage, 52), "costs", "in 1 heartbeats");
        let mut stage = led();
        let request = tweet(2, "b");
        stage.asked(&request);
        stage.delivered(C1, site(1).into(), &Message::Request { request }).unwrap();
        (1..=4).for_each(|millis| send_reply(&mut stage, millis).unwrap());
        objects(send_reply(&mut stage, 5), "costs", "clients said 1 things");
    }

    #[test]
    fn sites_wake_up_no_oftener_than_their_budget_allows() {
        let mut stage = led();
        let wakes = |stage: &mut Stage, millis, times: u64| {
            stage.now = Instant::ZERO + MS(millis);
            (0..times).try_for_each(|_| stage.handled(site(1)))
        };
        wakes(&mut stage, 1, 100).unwrap();
        objects(wakes(&mut stage, 2, 1), "costs", "101 wake-ups were among the sites");
        let mut stage = led();
        wakes(&mut stage, 50, 200).unwrap();
        let request = tweet(2, "b");
        stage.asked(&request);
        stage.delivered(C1, site(1).into(), &Message::Request { request }).unwrap();
        // A handled message is no wake-up.
        wakes(&mut stage, 51, 101).unwrap();
        objects(wakes(&mut stage, 52, 1), "costs", "301 wake-ups were among the sites");
    }

    #[test]
    fn a_crash_and_a_new_leader_begin_anew() {
        let mut stage = led();
        send_reply(&mut stage, 1).unwrap();
        stage.crashed(site(2)).unwrap();
        (2..=9).for_each(|millis| send_reply(&mut stage, millis).unwrap());
        leads(&mut stage);
        send_reply(&mut stage, 10).unwrap();
        objects(send_reply(&mut stage, 11), "costs", "2 messages were sent");
    }
}
