//! One run and its story, with queries about it.

use std::collections::BTreeMap;

use aviary::frame::Datagram;
use aviary::ids::ProcessId;
use aviary::journal::Disk;
use aviary::sim::{Judge, LineClass, Observation, StoryEntry, Violation, World};
use aviary::time::Instant;
use aviary::tweets::judges::Judges;
use aviary::tweets::site::Participant;

/// The judges of the service, and observations that traces do not contain.
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
    pub entries: Vec<StoryEntry>,
}

/// A time in microseconds.
pub type Micros = u64;

pub const fn millis(count: u64) -> Micros {
    count * 1_000
}

pub const fn seconds(count: u64) -> Micros {
    count * 1_000_000
}

impl Story {
    /// The final value of this counter.
    pub fn counted(&self, counter: &str) -> u64 {
        let mut counts = self.world.statistics().counts();
        counts.find(|(name, _)| *name == counter).expect("a counter of this name").1
    }

    /// All lines except those of the script, which state the steps and not their effects.
    pub fn rest(&self) -> Vec<String> {
        let rest = self.entries.iter().filter(|entry| entry.class != LineClass::Step);
        rest.map(StoryEntry::to_string).collect()
    }

    /// The lines about `who`, such as `S1`: the time and the text.
    pub fn lines<'a>(&'a self, who: &'a str) -> impl Iterator<Item = (Micros, &'a str)> {
        let is_about = move |entry: &&StoryEntry| entry.who.iter().any(|id| id.to_string() == who);
        self.entries.iter().filter(is_about).map(|entry| (entry.at.as_micros(), entry.what.as_str()))
    }

    /// The times at which a line about `who` begins with `what`.
    pub fn times(&self, who: &str, what: &str) -> Vec<Micros> {
        self.lines(who).filter(|(_, line)| line.starts_with(what)).map(|(at, _)| at).collect()
    }

    /// The first time at which a line about `who` begins with `what`.
    pub fn first(&self, who: &str, what: &str) -> Option<Micros> {
        self.times(who, what).first().copied()
    }

    /// The processes with a line that begins with `what`, each once, in order.
    pub fn who(&self, what: &str) -> Vec<String> {
        let entries = self.entries.iter().filter(|entry| entry.what.starts_with(what));
        let mut who: Vec<ProcessId> = entries.flat_map(|entry| entry.who.iter().copied()).collect();
        who.sort_unstable();
        who.dedup();
        who.iter().map(ProcessId::to_string).collect()
    }

    /// The datagrams from `from` that arrive at `to` and are handled, such as `Accept slot 1`, with their times.
    pub fn arrivals(&self, from: &str, to: &str) -> Vec<(Micros, &str)> {
        let arrow = format!("<- {from} ");
        let arrived = self.entries.iter().filter(|entry| entry.who.iter().any(|id| id.to_string() == to));
        let lines =
            arrived.filter_map(|entry| Some((entry.at.as_micros(), entry.what.strip_prefix(&arrow)?)));
        lines.filter(|(_, line)| !line.contains(": ")).collect()
    }

    /// The times at which a message of this kind arrives, alone or with others.
    pub fn arrivals_of(&self, kind: &str, from: &str, to: &str) -> Vec<Micros> {
        let is_it = |line: &str| line.split(" + ").any(|message| message.starts_with(kind));
        self.arrivals(from, to).into_iter().filter(|(_, line)| is_it(line)).map(|(at, _)| at).collect()
    }

    /// The datagrams that `from` hands to the network for `to`, with their times, whatever happens to them.
    pub fn sendings(&self, from: &str, to: &str) -> Vec<(Micros, &str)> {
        let arrow = format!("-> {to} ");
        let sent = self.entries.iter().filter(|entry| entry.who.iter().any(|id| id.to_string() == from));
        let lines = sent.filter_map(|entry| Some((entry.at.as_micros(), entry.what.strip_prefix(&arrow)?)));
        let named = lines.map(|(at, line)| (at, line.split_once(": ").map_or(line, |(message, _)| message)));
        let mut sendings: Vec<(Micros, &str)> = named.collect();
        // A datagram that is held back or duplicated has a second line.
        sendings.dedup();
        sendings
    }

    /// The flight times of each heartbeat and each answer to one from one site to the other, copy by copy.
    pub fn flights(&self, from: &str, to: &str) -> Vec<Vec<Micros>> {
        let is_beat = |line: &str| line.starts_with("Heartbeat") || line.starts_with("HeartbeatReply");
        let mut sent: BTreeMap<&str, Vec<Micros>> = BTreeMap::new();
        for (at, line) in self.sendings(from, to).into_iter().filter(|(_, line)| is_beat(line)) {
            sent.entry(line).or_default().push(at);
        }
        let arrivals = self.arrivals(from, to);
        let alone = sent.into_iter().filter(|(_, times)| times.len() == 1);
        let flight = |(line, times): (&str, Vec<Micros>)| {
            let copies = arrivals.iter().filter(|(_, arrived)| *arrived == line);
            copies.map(|(at, _)| at - times[0]).collect()
        };
        alone.map(flight).collect()
    }

    /// The flight times between all pairs of three sites in one list.
    pub fn all_flights(&self) -> Vec<Micros> {
        let sites = ["S0", "S1", "S2"];
        let pairs = sites.iter().flat_map(|from| sites.iter().map(move |to| (*from, *to)));
        let apart = pairs.filter(|(from, to)| from != to);
        apart.flat_map(|(from, to)| self.flights(from, to)).flatten().collect()
    }

    /// Each start of a site: its incarnation, and the number of records it recovered.
    pub fn starts(&self, site: &str) -> Vec<(u64, u64)> {
        let number = |text: Option<&str>| text.and_then(|text| text.trim_end_matches(',').parse().ok());
        let starts = self.lines(site).filter(|(_, line)| line.starts_with("starts"));
        starts
            .map(|(_, line)| {
                let words: Vec<&str> = line.split(' ').collect();
                (number(words.get(2).copied()).unwrap_or(1), number(words.get(3).copied()).unwrap_or(0))
            })
            .collect()
    }

    /// The number of records that a site has appended, or synced, in its first incarnation up to and including this
    /// moment.
    pub fn records(&self, site: &str, verb: &str, until: Micros) -> u64 {
        let lines = self.lines(site).filter(|(at, _)| *at <= until);
        let counts =
            lines.filter_map(|(_, line)| line.strip_prefix(verb)?.trim().split(' ').next()?.parse().ok());
        counts.map(|count: u64| count).sum()
    }

    /// The start and the end of each sync of a site; it starts with the first append that waits for it.
    pub fn syncs(&self, site: &str) -> Vec<(Micros, Micros)> {
        let mut syncs = Vec::new();
        let mut since = None;
        for (at, line) in self.lines(site) {
            if line.starts_with("appends ") {
                since = since.or(Some(at));
            } else if line.starts_with("has synced ") {
                syncs.extend(since.take().map(|since| (since, at)));
            }
        }
        syncs
    }

    /// How often a site hears something during one of its syncs.
    pub fn arrivals_in_syncs(&self, site: &str) -> usize {
        let during = |(since, until): (Micros, Micros)| {
            let lines = self
                .lines(site)
                .filter(|(at, line)| (since + 1..until).contains(at) && line.starts_with("<- "));
            lines.count()
        };
        self.syncs(site).into_iter().map(during).sum()
    }

    /// The size of the largest datagram that was sent, in bytes.
    pub fn largest(&self) -> usize {
        self.world.judge().sent.iter().map(|datagram| datagram.bytes.len()).max().unwrap_or(0)
    }

    /// The names and contents of the files on a site's disk.
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
