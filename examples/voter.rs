//! The glue around a crate that was not written for Aviary: its storage is synchronous, its voter is not `Clone`, and
//! it sends letters while it is built.
//!
//! # The protocol
//!
//! Each site votes once, for the first candidate that a client asks it to vote for, and never changes its vote.
//!
//! # The trap
//!
//! The crate takes a vote for durable when `Storage::append` returns, and hands out the letter with the vote. Glue
//! that sends the letter at once sends it before the vote is on disk. A site that crashes then has voted and does not
//! know it, and votes for another candidate.
//!
//! # The way out
//!
//! The storage of the glue writes to memory only. The glue appends what the crate wrote in one call, and sends the
//! letters of that call with `Effects::send`, which holds them back until all of it is on disk.
//!
//! [`VoterService`] is caught in the trap unless its [`Config`] says otherwise. `docs/adopting.md` explains this file.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use aviary::prelude::*;

/// Stands for a crate that somebody else wrote.
mod voting {
    pub trait Storage {
        /// Writes a vote. It is durable when this returns.
        fn append(&mut self, vote: u64);
        fn last(&self) -> Option<u64>;
    }

    pub enum Letter {
        /// To another voter: a voter is there.
        Hello { to: u8 },
        /// To a client: the vote of this voter.
        Vote { to: u16, vote: u64 },
    }

    pub struct Voter {
        storage: Box<dyn Storage>,
        letters: Vec<Letter>,
    }

    impl Voter {
        /// Says hello to its peers while it is built.
        pub fn new(peers: impl Iterator<Item = u8>, storage: Box<dyn Storage>) -> Voter {
            Voter { storage, letters: peers.map(|to| Letter::Hello { to }).collect() }
        }

        /// A client asks for a vote for `candidate`.
        pub fn ask(&mut self, client: u16, candidate: u64) {
            let vote = self.storage.last().unwrap_or(candidate);
            if self.storage.last().is_none() {
                self.storage.append(vote);
            }
            self.letters.push(Letter::Vote { to: client, vote });
        }

        pub fn take_letters(&mut self) -> Vec<Letter> {
            std::mem::take(&mut self.letters)
        }
    }
}

// ---- The storage: memory that remembers what is not appended yet --------------------------------------------------

#[derive(Clone, Default)]
struct Memory(Rc<RefCell<Votes>>);

#[derive(Default)]
struct Votes {
    all: Vec<u64>,
    /// Those that `handle` has yet to append.
    fresh: Vec<u64>,
}

impl voting::Storage for Memory {
    fn append(&mut self, vote: u64) {
        let mut votes = self.0.borrow_mut();
        votes.all.push(vote);
        votes.fresh.push(vote);
    }

    fn last(&self) -> Option<u64> {
        self.0.borrow().all.last().copied()
    }
}

// ---- The glue ------------------------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
pub(crate) enum Message {
    Hello,
    Ask { candidate: u64 },
    Vote { vote: u64 },
}
wire_enum!(Message { 1 => Hello, 2 => Ask { candidate }, 3 => Vote { vote } });
label_enum!(Message { Hello, Ask about candidate, Vote about vote });

#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Command {
    Ask { client: u16, site: u8, candidate: u64 },
}
display_enum!(Command { Ask { site, candidate } => "ask S{site} to vote for {candidate}" });

#[derive(Clone, Debug)]
pub(crate) enum Note {
    Voted { site: ProcessId, vote: u64 },
}
display_enum!(Note { Voted { site, vote } => "hears that {site} votes for {vote}" });
label_enum!(Note { Voted as "voted" });

#[derive(Clone, Debug)]
pub(crate) struct Config {
    sites: SiteSet,
    /// The way out.
    pub(crate) waits_for_disk: bool,
}

pub(crate) struct Site {
    voter: voting::Voter,
    memory: Memory,
    waits_for_disk: bool,
}

impl Site {
    fn start(config: &Config, me: SiteId, votes: Vec<u64>) -> Site {
        let memory = Memory::default();
        memory.0.borrow_mut().all = votes;
        let peers = config.sites.without(me).iter().map(SiteId::number);
        let voter = voting::Voter::new(peers, Box::new(memory.clone()));
        Site { voter, memory, waits_for_disk: config.waits_for_disk }
    }

    /// Appends what the crate wrote in this call, and sends what it handed out.
    fn pass_on(&mut self, effects: &mut Effects<Rebuilt<Member>>) {
        for vote in self.memory.0.borrow_mut().fresh.drain(..) {
            effects.append(&vote);
        }
        for letter in self.voter.take_letters() {
            let (to, message) = match letter {
                voting::Letter::Hello { to } => (ProcessId::site(to), Message::Hello),
                voting::Letter::Vote { to, vote } => (ProcessId::Client(to), Message::Vote { vote }),
            };
            if self.waits_for_disk {
                effects.send(to, &message);
            } else {
                // The trap: the vote leaves before it is on disk.
                effects.send_independent(to, &message);
            }
        }
    }
}

pub(crate) enum Member {
    Site(Site),
    Client,
}

impl Uncloned for Member {
    type Message = Message;
    type Record = u64;
    type Note = Note;
    type Command = Command;
    type Config = Config;

    const TAKES_STARTED: bool = true;

    fn start(config: &Config, id: ProcessId, _: Seed, kept: Recovered<u64>) -> Result<Self, Damage> {
        Ok(match id {
            ProcessId::Site(me) => Member::Site(Site::start(config, me, kept.records)),
            ProcessId::Client(_) | ProcessId::Terminal(_) => Member::Client,
        })
    }

    fn handle(&mut self, _: Instant, input: Input<Rebuilt<Self>>, effects: &mut Effects<Rebuilt<Self>>) {
        match (self, input) {
            (Member::Site(site), input) => {
                if let Input::Message {
                    from: ProcessId::Client(client),
                    message: Message::Ask { candidate },
                } = input
                {
                    site.voter.ask(client, candidate);
                }
                // At `Input::Started` too: the voter said hello while it was built.
                site.pass_on(effects);
            }
            (Member::Client, Input::Message { from: site, message: Message::Vote { vote } }) => {
                effects.note(Note::Voted { site, vote });
            }
            (Member::Client, Input::Command(Command::Ask { site, candidate, .. })) => {
                effects.send(ProcessId::site(site), &Message::Ask { candidate });
            }
            (Member::Client, _) => {}
        }
    }
}

// ---- What must hold, and the words for scenarios -------------------------------------------------------------------

/// No site votes for two candidates.
#[derive(Clone, Debug, Default)]
pub(crate) struct OneVote(BTreeMap<ProcessId, u64>);

impl Judge<Rebuilt<Member>> for OneVote {
    fn observe(&mut self, _: Instant, seen: &Observation<'_, Rebuilt<Member>>) -> Result<(), Violation> {
        if let Observation::Noted { note: Note::Voted { site, vote }, .. } = seen {
            let first = *self.0.entry(*site).or_insert(*vote);
            ensure!(first == *vote, "one vote", "{site} voted for {first}, and then for {vote}");
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct VoterService;

impl Service for VoterService {
    type Process = Rebuilt<Member>;
    type Judges = OneVote;
    type Command = Command;
    type Expectation = ();
    type Settings = ();

    fn compile(command: &Command) -> Compiled<Self> {
        let Command::Ask { client, .. } = command;
        Order::at_client(*client, command.clone())
    }

    fn config((): &(), shape: &Shape) -> Result<Config, Vec<Problem>> {
        Ok(Config { sites: shape.all_sites(), waits_for_disk: false })
    }

    fn judges(_: &Config, _: &Shape) -> OneVote {
        OneVote::default()
    }

    fn expect((): &(), _: &Cluster<'_, Rebuilt<Member>>) -> Result<(), String> {
        Ok(())
    }

    fn converged(cluster: &Cluster<'_, Rebuilt<Member>>) -> Result<(), String> {
        cluster.all(
            |member| !matches!(&**member, Member::Site(site) if !site.memory.0.borrow().fresh.is_empty()),
            "has fresh votes",
        )
    }
}

pub(crate) fn main() -> std::process::ExitCode {
    sim_runner::contrast::<VoterService>("examples/voter.ron", |config| config.waits_for_disk = true)
}
