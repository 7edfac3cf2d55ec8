//! One run and its story, and what can be asked of it.

use std::collections::BTreeMap;

use aviary::frame::Datagram;
use aviary::ids::ProcessId;
use aviary::journal::Disk;
use aviary::sim::{Judge, LineClass, Observation, StoryEntry, Violation, World};
use aviary::time::Instant;
use aviary::tweets::judges::Judges;
use aviary::tweets::site::Participant;

/// The judges of the service, and what traces do not tell.
#[derive(Clone)]
pub struct Watcher {
    pub judges: Judges,
    pub sent: Vec<Datagram>,
}

impl Judge<Participant> for Watcher {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, Participant>) -> Result<(), Violation> {
        if let Observation::Sent { datagram, .. } = seen {
            self.sent.push((*datagram).clone());
        }
        self.judges.observe(now, seen)
    }
}

/// One run.
pub struct Story {
    pub world: World<Participant, Watcher>,
    pub told: Vec<StoryEntry>,
}

/// How long one datagram took from one process to another, in microseconds.
pub type Micros = u64;

pub const fn millis(count: u64) -> Micros {
    count * 1_000
}

pub const fn seconds(count: u64) -> Micros {
    count * 1_000_000
}

impl Story {
    /// How far this counter came.
    pub fn counted(&self, counter: &str) -> u64 {
        let mut counts = self.world.statistics().counts();
        counts.find(|(name, _)| *name == counter).expect("a counter of this name").1
    }

    /// Everything but the lines of the script, which say what is done and not what comes of it.
    pub fn rest(&self) -> Vec<String> {
        let rest = self.told.iter().filter(|told| told.class != LineClass::Step);
        rest.map(StoryEntry::to_string).collect()
    }

    /// When, and what: the lines about `who`, like `S1`.
    pub fn lines<'a>(&'a self, who: &'a str) -> impl Iterator<Item = (Micros, &'a str)> {
        let is_about = move |told: &&StoryEntry| told.who.iter().any(|id| id.to_string() == who);
        self.told.iter().filter(is_about).map(|told| (told.at.as_micros(), told.what.as_str()))
    }

    /// When `who` did what begins like this.
    pub fn times(&self, who: &str, what: &str) -> Vec<Micros> {
        self.lines(who).filter(|(_, said)| said.starts_with(what)).map(|(at, _)| at).collect()
    }

    /// When `who` first did what begins like this.
    pub fn first(&self, who: &str, what: &str) -> Option<Micros> {
        self.times(who, what).first().copied()
    }

    /// Who did what begins like this, each once, in order.
    pub fn who(&self, what: &str) -> Vec<String> {
        let told = self.told.iter().filter(|told| told.what.starts_with(what));
        let mut who: Vec<ProcessId> = told.flat_map(|told| told.who.iter().copied()).collect();
        who.sort_unstable();
        who.dedup();
        who.iter().map(ProcessId::to_string).collect()
    }

    /// What arrives at `to` from `from` and is handled, and when: `Accept slot 1`.
    pub fn arrivals(&self, from: &str, to: &str) -> Vec<(Micros, &str)> {
        let arrow = format!("<- {from} ");
        let arrived = self.told.iter().filter(|told| told.who.iter().any(|id| id.to_string() == to));
        let said = arrived.filter_map(|told| Some((told.at.as_micros(), told.what.strip_prefix(&arrow)?)));
        said.filter(|(_, said)| !said.contains(": ")).collect()
    }

    /// When such a message arrives, alone or with others.
    pub fn arrivals_of(&self, kind: &str, from: &str, to: &str) -> Vec<Micros> {
        let is_it = |said: &str| said.split(" + ").any(|message| message.starts_with(kind));
        self.arrivals(from, to).into_iter().filter(|(_, said)| is_it(said)).map(|(at, _)| at).collect()
    }

    /// What `from` hands to the network for `to`, and when, whatever becomes of it.
    pub fn sendings(&self, from: &str, to: &str) -> Vec<(Micros, &str)> {
        let arrow = format!("-> {to} ");
        let sent = self.told.iter().filter(|told| told.who.iter().any(|id| id.to_string() == from));
        let said = sent.filter_map(|told| Some((told.at.as_micros(), told.what.strip_prefix(&arrow)?)));
        let named = said.map(|(at, said)| (at, said.split_once(": ").map_or(said, |(message, _)| message)));
        let mut sendings: Vec<(Micros, &str)> = named.collect();
        // What is held back or doubled is told of once more.
        sendings.dedup();
        sendings
    }

    /// How long each heartbeat and each answer to one took from one site to the other, copy by copy.
    pub fn flights(&self, from: &str, to: &str) -> Vec<Vec<Micros>> {
        let is_beat = |said: &str| said.starts_with("Heartbeat") || said.starts_with("Heard");
        let mut sent: BTreeMap<&str, Vec<Micros>> = BTreeMap::new();
        for (at, said) in self.sendings(from, to).into_iter().filter(|(_, said)| is_beat(said)) {
            sent.entry(said).or_default().push(at);
        }
        let arrivals = self.arrivals(from, to);
        let alone = sent.into_iter().filter(|(_, times)| times.len() == 1);
        let flight = |(said, times): (&str, Vec<Micros>)| {
            let copies = arrivals.iter().filter(|(_, arrived)| *arrived == said);
            copies.map(|(at, _)| at - times[0]).collect()
        };
        alone.map(flight).collect()
    }

    /// The flights of all pairs of three sites in one list.
    pub fn all_flights(&self) -> Vec<Micros> {
        let sites = ["S0", "S1", "S2"];
        let pairs = sites.iter().flat_map(|from| sites.iter().map(move |to| (*from, *to)));
        let apart = pairs.filter(|(from, to)| from != to);
        apart.flat_map(|(from, to)| self.flights(from, to)).flatten().collect()
    }

    /// Each start of a site: its incarnation, and how many records it recovered.
    pub fn starts(&self, site: &str) -> Vec<(u64, u64)> {
        let number = |text: Option<&str>| text.and_then(|text| text.trim_end_matches(',').parse().ok());
        let starts = self.lines(site).filter(|(_, said)| said.starts_with("starts"));
        starts
            .map(|(_, said)| {
                let words: Vec<&str> = said.split(' ').collect();
                (number(words.get(2).copied()).unwrap_or(1), number(words.get(3).copied()).unwrap_or(0))
            })
            .collect()
    }

    /// How many records a site has appended, or synced, in its first life up to and including this moment.
    pub fn records(&self, site: &str, verb: &str, until: Micros) -> u64 {
        let said = self.lines(site).filter(|(at, _)| *at <= until);
        let counts =
            said.filter_map(|(_, said)| said.strip_prefix(verb)?.trim().split(' ').next()?.parse().ok());
        counts.map(|count: u64| count).sum()
    }

    /// How long each sync of a site took, counted from the first append that waited for it.
    pub fn syncs(&self, site: &str) -> Vec<(Micros, Micros)> {
        let mut syncs = Vec::new();
        let mut since = None;
        for (at, said) in self.lines(site) {
            if said.starts_with("appends ") {
                since = since.or(Some(at));
            } else if said.starts_with("has synced ") {
                syncs.extend(since.take().map(|since| (since, at)));
            }
        }
        syncs
    }

    /// How often a site hears something between the beginning and the end of one of its syncs.
    pub fn heard_in_syncs(&self, site: &str) -> usize {
        let during = |(since, until): (Micros, Micros)| {
            let lines = self
                .lines(site)
                .filter(|(at, said)| (since + 1..until).contains(at) && said.starts_with("<- "));
            lines.count()
        };
        self.syncs(site).into_iter().map(during).sum()
    }

    /// The largest datagram that anybody sent, in bytes.
    pub fn largest(&self) -> usize {
        self.world.judge().sent.iter().map(|datagram| datagram.bytes.len()).max().unwrap_or(0)
    }

    /// What the files of a site's disk hold.
    pub fn files(&self, site: u8) -> Vec<(String, Vec<u8>)> {
        let disk = self.world.disk(ProcessId::site(site)).expect("a site has a disk");
        let read = |(name, length): (String, u64)| {
            let mut bytes = vec![0; usize::try_from(length).expect("a file of the simulator")];
            disk.read(&name, 0, &mut bytes).expect("a file that is listed");
            (name, bytes)
        };
        disk.list().expect("a folder").into_iter().map(read).collect()
    }
}
