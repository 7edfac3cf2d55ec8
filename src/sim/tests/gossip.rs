//! The smallest process that uses everything a host offers: it keeps numbers, spreads them and acknowledges them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::cow_log::CowLog;
use crate::ids::{ProcessId, SiteSet};
use crate::mix::Seed;
use crate::process::{Damage, Effects, Input, Label, Process, Recovered, Role, Size, Subject};
use crate::time::{Duration, Instant};

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word {
    /// A number to keep.
    Tell { number: u64 },
    /// The number is kept.
    Ack { number: u64 },
    /// The sender is alive.
    Beat {},
}

wire_enum!(Word { 0 => Tell { number }, 1 => Ack { number }, 2 => Beat {} });

impl Label for Word {
    fn kind(&self) -> &'static str {
        match self {
            Word::Tell { .. } => "Tell",
            Word::Ack { .. } => "Ack",
            Word::Beat {} => "Beat",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Word::Tell { number } | Word::Ack { number } => Subject::slot(*number),
            Word::Beat {} => Subject::NONE,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    pub number: u64,
}

wire_struct!(Kept { number });

#[derive(Clone, Debug)]
pub enum GossipNote {
    Kept(u64),
    Acked(u64),
    DiskLow,
    Link { peer: ProcessId, up: bool },
}

impl Label for GossipNote {
    fn kind(&self) -> &'static str {
        match self {
            GossipNote::Kept(_) => "Kept",
            GossipNote::Acked(_) => "Acked",
            GossipNote::DiskLow => "DiskLow",
            GossipNote::Link { .. } => "Link",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            GossipNote::Kept(number) | GossipNote::Acked(number) => Subject::slot(*number),
            GossipNote::DiskLow | GossipNote::Link { .. } => Subject::NONE,
        }
    }
}

impl fmt::Display for GossipNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GossipNote::Kept(number) => write!(f, "keeps {number}"),
            GossipNote::Acked(number) => write!(f, "{number} is kept"),
            GossipNote::DiskLow => f.write_str("takes no more"),
            GossipNote::Link { peer, up } => write!(f, "{peer} is up: {up}"),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// Keep this number, and send it to every site in one broadcast.
    Put(u64),
    /// Send this number to each of the other sites alone, and keep nothing.
    Each(u64),
    /// Lead with this rank; 0 ends the leadership.
    Lead(u64),
    /// Ask a list for this many items, with no other effect.
    Look(u64),
    /// Keep and send this number, and stop because of it.
    Stop(u64),
    /// Panic.
    Break,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    pub sites: u8,
    pub beat: Option<Duration>,
    /// A limit that judges check and that the process itself ignores.
    pub kept_max: usize,
}

/// A record with this number counts as damage.
pub const CURSED: u64 = 666;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gossip {
    pub id: ProcessId,
    pub seed: Seed,
    pub config: Config,
    pub kept: Vec<u64>,
    pub acks: u64,
    pub beats: u64,
    pub rank: u64,
    pub next_beat: Option<Instant>,
    pub list: CowLog<u64>,
}

impl Gossip {
    fn keep(&mut self, number: u64, effects: &mut Effects<Gossip>) {
        if self.id.as_site().is_some() && !self.kept.contains(&number) {
            self.kept.push(number);
            effects.append(&Kept { number });
            effects.note(GossipNote::Kept(number));
        }
    }

    fn others(&self) -> SiteSet {
        let all = SiteSet::first(self.config.sites);
        self.id.as_site().map_or(all, |me| all.without(me))
    }
}

impl Process for Gossip {
    type Message = Word;
    type Record = Kept;
    type Note = GossipNote;
    type Command = Ask;
    type Config = Config;

    const LOOKS_MAX: u64 = 8;

    fn start(
        config: &Config,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Kept>,
    ) -> Result<Gossip, Damage> {
        let kept: Vec<u64> = recovered.records.iter().map(|record| record.number).collect();
        if kept.contains(&CURSED) {
            return Err(Damage(String::from("a cursed number was kept")));
        }
        let next_beat = config.beat.filter(|_| id.as_site().is_some()).map(|beat| Instant::ZERO + beat);
        Ok(Gossip {
            id,
            seed,
            config: *config,
            kept,
            acks: 0,
            beats: 0,
            rank: 0,
            next_beat,
            list: CowLog::default(),
        })
    }

    fn handle(&mut self, now: Instant, input: Input<Gossip>, effects: &mut Effects<Gossip>) {
        match input {
            Input::Message { message: Word::Tell { number }, from } => {
                self.keep(number, effects);
                effects.send(from, &Word::Ack { number });
            }
            Input::Message { message: Word::Ack { number }, .. } => {
                self.acks += 1;
                effects.note(GossipNote::Acked(number));
            }
            Input::Message { message: Word::Beat {}, .. } => self.beats += 1,
            Input::Wake => {
                effects.send_independent(self.others(), &Word::Beat {});
                self.next_beat = self.config.beat.map(|beat| now + beat);
            }
            Input::Command(Ask::Put(number)) => {
                self.keep(number, effects);
                effects.send(SiteSet::first(self.config.sites), &Word::Tell { number });
            }
            Input::Command(Ask::Each(number)) => {
                for site in self.others().iter() {
                    effects.send(site, &Word::Tell { number });
                }
            }
            Input::Command(Ask::Lead(rank)) => self.rank = rank,
            Input::Command(Ask::Look(count)) => (0..count).for_each(|_| assert_eq!(self.list.get(0), None)),
            Input::Command(Ask::Stop(number)) => {
                effects.stop("gossip", alloc::format!("{number} is enough"));
                self.keep(number, effects);
                effects.send_independent(self.others(), &Word::Tell { number });
            }
            Input::Command(Ask::Break) => panic!("asked to"),
            Input::DiskSpace { is_low: true } => effects.note(GossipNote::DiskLow),
            Input::Started | Input::DiskSpace { is_low: false } => {}
            Input::Link { peer, up } => effects.note(GossipNote::Link { peer, up }),
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.next_beat.map(|at| (at, "beat"))
    }

    fn role(&self) -> Role {
        match self.rank {
            0 => Role::Follower,
            rank => Role::Leader { rank },
        }
    }

    fn looks(&self) -> u64 {
        self.list.looks()
    }

    fn sizes(&self, mut see: impl FnMut(Size)) {
        see(Size::new("numbers", self.kept.len(), self.config.kept_max));
    }
}
