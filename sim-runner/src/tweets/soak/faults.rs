//! The faults of real sites in a soak, one episode after the other, drawn from its seed.
//!
//! Every kind of network fault and every kind of harm takes its turn, so a soak of some minutes combines each with
//! each. In one episode at most a minority of the sites is harmed, the same sites by both kinds. Only an outage kills
//! all of them, for less than a second.

use aviary::ids::{ProcessId, SiteId};
use aviary::mix::{self, Seed};
use aviary::sim::{
    Bursts, Chance, Filter, LateCopy, LinkLatency, LinkRule, NetworkSettings, Ruling, Slots, Target,
};
use aviary::time::{Duration, Instant};

use crate::proxy::calm;

/// Faults of the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NetFault {
    Loss,
    Bursts,
    Latency,
    Doubling,
    Damage,
    LateCopies,
    /// Victims and other sites do not hear each other.
    Partition,
    /// The victims do not hear the other sites.
    Deaf,
    /// The other sites do not hear the victims.
    Mute,
    /// Votes for some slots are lost.
    Votes,
    /// Accepts and promises arrive late; heartbeats do not.
    Late,
}

/// Faults of sites.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Harm {
    Nothing,
    Kill,
    /// The victims are killed again soon after they were restarted.
    KillTwice,
    Pause,
    /// All sites are killed and restarted.
    Outage,
}

const NETS: [NetFault; 11] = [
    NetFault::Loss,
    NetFault::Partition,
    NetFault::Damage,
    NetFault::Deaf,
    NetFault::Bursts,
    NetFault::Votes,
    NetFault::Doubling,
    NetFault::Mute,
    NetFault::LateCopies,
    NetFault::Late,
    NetFault::Latency,
];

const HARMS: [Harm; 5] = [Harm::Nothing, Harm::Kill, Harm::Pause, Harm::KillTwice, Harm::Outage];

/// One episode: a network fault and a harm at the same time.
#[derive(Clone, Debug)]
pub(super) struct Episode {
    pub(super) net: NetFault,
    pub(super) harm: Harm,
    /// The sites that the faults affect.
    pub(super) victims: Vec<usize>,
    pub(super) length: Duration,
    /// Time without faults after the episode.
    pub(super) rest: Duration,
}

impl Episode {
    /// A description for people: the faults and their victims.
    pub(super) fn description(&self) -> String {
        let is_cut = matches!(self.net, NetFault::Partition | NetFault::Deaf | NetFault::Mute);
        let is_aimed = is_cut || matches!(self.harm, Harm::Kill | Harm::KillTwice | Harm::Pause);
        let victims = self.victims.iter().filter(|_| is_aimed).map(|site| format!(" S{site}"));
        let victims: String = victims.collect();
        let net = match self.net {
            NetFault::Loss => "loss",
            NetFault::Bursts => "bursts of loss",
            NetFault::Latency => "latency and reordering",
            NetFault::Doubling => "duplication",
            NetFault::Damage => "corruption and truncation",
            NetFault::LateCopies => "late copies and misdelivery",
            NetFault::Partition => "partition",
            NetFault::Deaf => "one-way cut, deaf",
            NetFault::Mute => "one-way cut, mute",
            NetFault::Votes => "lost votes",
            NetFault::Late => "late accepts and promises",
        };
        let harm = match self.harm {
            Harm::Nothing => "",
            Harm::Kill => ", kill -9",
            Harm::KillTwice => ", kill -9 twice",
            Harm::Pause => ", pause",
            Harm::Outage => ", kill -9 of all",
        };
        let to = if is_aimed { " of" } else { "" };
        format!("{net}{harm}{to}{victims}")
    }

    /// The names under which its network faults are counted.
    pub(super) fn counted(&self) -> &'static [&'static str] {
        match self.net {
            NetFault::Loss => &["loss"],
            NetFault::Bursts => &["burst"],
            NetFault::Latency => &["latency", "reordering"],
            NetFault::Doubling => &["duplication"],
            NetFault::Damage => &["corruption", "truncation"],
            NetFault::LateCopies => &["late copy", "misdelivery"],
            NetFault::Partition => &["partition"],
            NetFault::Deaf => &["one-way cut, deaf"],
            NetFault::Mute => &["one-way cut, mute"],
            NetFault::Votes => &["lost votes"],
            NetFault::Late => &["late accepts"],
        }
    }

    /// The network settings of the episode.
    pub(super) fn weather(&self) -> NetworkSettings {
        let percent = |numerator| Chance { numerator, denominator: 100 };
        let (ms, calm) = (Duration::from_millis, calm());
        match self.net {
            NetFault::Loss => NetworkSettings { loss: percent(10), ..calm },
            NetFault::Bursts => {
                let bursts = Bursts { chance: percent(25), length: ms(60), loss: percent(90) };
                NetworkSettings { bursts, ..calm }
            }
            NetFault::Latency => {
                let latency = LinkLatency::Uniform(ms(1), ms(15));
                NetworkSettings { latency, reordering: percent(10), reordering_by: ms(40), ..calm }
            }
            NetFault::Doubling => NetworkSettings { duplication: percent(25), ..calm },
            NetFault::Damage => NetworkSettings { corruption: percent(6), truncation: percent(6), ..calm },
            NetFault::LateCopies => {
                let late_copies = LateCopy { chance: percent(10), after: ms(400) };
                NetworkSettings { late_copies, misdelivery: percent(5), ..calm }
            }
            NetFault::Partition | NetFault::Deaf | NetFault::Mute | NetFault::Votes | NetFault::Late => calm,
        }
    }

    /// The link rules of the episode, between `count` sites.
    pub(super) fn rules(&self, now: Instant, count: usize, draw: u64) -> Vec<LinkRule> {
        let others = || (0..count).filter(|site| !self.victims.contains(site));
        let cut = |name, one: usize, other: usize| rule(name, None, (one, other), now);
        let mut rules = Vec::new();
        for victim in &self.victims {
            for other in others() {
                match self.net {
                    NetFault::Partition => {
                        rules.push(cut("partition", *victim, other));
                        rules.push(cut("partition", other, *victim));
                    }
                    NetFault::Deaf => rules.push(cut("one-way cut, deaf", other, *victim)),
                    NetFault::Mute => rules.push(cut("one-way cut, mute", *victim, other)),
                    NetFault::Loss
                    | NetFault::Bursts
                    | NetFault::Latency
                    | NetFault::Doubling
                    | NetFault::Damage
                    | NetFault::LateCopies
                    | NetFault::Votes
                    | NetFault::Late => {}
                }
            }
        }
        let of_kind = |name: &str, kind: &str, ruling| LinkRule {
            filter: Filter {
                kind: Some(kind.into()),
                from: Target::Any,
                to: Target::Any,
                about: None,
                slots: None,
            },
            ruling,
            ..rule(name, None, (0, 0), now)
        };
        match self.net {
            NetFault::Votes => {
                let mut votes = of_kind("lost votes", "Accepted", Ruling::Drop);
                votes.filter.slots = Some(Slots { of: 7, rest: draw % 7 });
                // Each vote is sent again and again until one gets through.
                votes.count = Some(60);
                rules.push(votes);
            }
            NetFault::Late => {
                let late = Ruling::Delay(Duration::from_millis(70));
                rules.push(of_kind("late accepts", "Accept", late));
                rules.push(of_kind("late promises", "Promise", late));
            }
            _ => {}
        }
        rules
    }
}

fn rule(name: &str, kind: Option<&str>, (from, to): (usize, usize), now: Instant) -> LinkRule {
    let site = |site: usize| {
        let site = u8::try_from(site).ok().and_then(SiteId::new).expect("a site of the cluster");
        Target::of(ProcessId::Site(site))
    };
    let filter =
        Filter { kind: kind.map(Into::into), from: site(from), to: site(to), about: None, slots: None };
    LinkRule {
        name: Some(name.into()),
        filter,
        since: now,
        until: Some(now + Duration::from_secs(3_600)),
        skip: 0,
        count: None,
        ruling: Ruling::Drop,
    }
}

/// Draws one episode after the other.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    seed: Seed,
    drawn: u64,
    round: usize,
    sites: usize,
}

impl Schedule {
    pub(super) fn new(seed: Seed, sites: usize) -> Schedule {
        Schedule { seed, drawn: 0, round: 0, sites }
    }

    pub(super) fn draw(&mut self, below: usize) -> usize {
        self.drawn += 1;
        let drawn = mix::below(mix::mix(self.seed.0, [self.drawn]), below as u64);
        usize::try_from(drawn).expect("below a length")
    }

    fn millis(&mut self, from: usize, to: usize) -> Duration {
        let millis = from + self.draw(to - from);
        Duration::from_millis(millis as u64)
    }

    /// Draws the next episode. The leader is among the victims at least half of the time.
    pub(super) fn next(&mut self, leader: Option<usize>) -> Episode {
        let (net, harm) = (NETS[self.round % NETS.len()], HARMS[self.round % HARMS.len()]);
        self.round += 1;
        let most = (self.sites - 1) / 2;
        let count = 1 + self.draw(most);
        let mut victims: Vec<usize> = Vec::new();
        if self.draw(2) == 0 {
            victims.extend(leader);
        }
        while victims.len() < count {
            let site = self.draw(self.sites);
            if !victims.contains(&site) {
                victims.push(site);
            }
        }
        let (length, rest) = (self.millis(500, 3_000), self.millis(300, 1_500));
        Episode { net, harm, victims, length, rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_meet_all_harms_and_only_a_minority() {
        let mut schedule = Schedule::new(Seed(3), 5);
        let mut seen = std::collections::BTreeSet::new();
        let mut leaders = 0;
        for _ in 0..55 {
            let episode = schedule.next(Some(2));
            assert!((1..=2).contains(&episode.victims.len()), "{episode:?}");
            leaders += usize::from(episode.victims.contains(&2));
            let cuts = episode.rules(Instant::ZERO, 5, 3).len();
            let pairs = episode.victims.len() * (5 - episode.victims.len());
            match episode.net {
                NetFault::Partition => assert_eq!(cuts, 2 * pairs),
                NetFault::Deaf | NetFault::Mute => assert_eq!(cuts, pairs),
                _ => assert!(cuts <= 2),
            }
            let is_calm = episode.weather() == calm();
            assert_eq!(is_calm, cuts > 0, "each does something, {episode:?}");
            seen.insert(format!("{:?} {:?}", episode.net, episode.harm));
        }
        assert_eq!(seen.len(), NETS.len() * HARMS.len());
        assert!((20..50).contains(&leaders), "{leaders}");
    }
}
