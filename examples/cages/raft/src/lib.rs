//! raft-rs as published, in Aviary.
//!
//! A site is one `RawNode` with a `MemStorage`. [`Site::flush`] hands over what the crate did in one input: records to
//! the disk, messages to the network, committed calls to the application. The application is the list of the calls,
//! each once. The clients of [`Sites`] retry: they have the answer when their call is committed.

mod proto;

use std::collections::BTreeSet;

use aviary::mix::{below, mix};
use aviary::prelude::*;
use protobuf::ProtobufEnum;
use raft::eraftpb::{self, MessageType};
use raft::storage::MemStorage;
use raft::{Config, RawNode, StateRole};

/// The time between two calls of `RawNode::tick`.
const TICK: Duration = Duration::from_millis(10);
/// The least number of ticks without a leader after which a site campaigns.
const ELECTION: usize = 10;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message(#[serde(with = "proto")] eraftpb::Message);

/// What raft-rs wants to have on disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Record {
    Entry(#[serde(with = "proto")] eraftpb::Entry),
    HardState(#[serde(with = "proto")] eraftpb::HardState),
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Command {
    Put { at: Target, number: u64 },
}

/// What is committed: a number, for one call. A call that is proposed twice is committed twice.
type Number = (CallId, u64);

pub struct Site {
    raft: RawNode<MemStorage>,
    seed: Seed,
    variant: &'static str,
    /// Without the empty entries with which terms begin.
    committed: Vec<Number>,
    applied: Vec<Number>,
    /// Calls that came here and are not committed yet.
    asked: BTreeSet<CallId>,
    tick_at: Instant,
}

/// `RawNode` is not `Clone`.
impl Forked for Site {}

impl Protocol for Site {
    type Message = Message;
    type Command = Command;
    type Answer = u64;
    type Record = Record;

    const LEADS: bool = true;
    /// One site alone would decide before its disk has what it decides: see README.md.
    const SITES: &'static [u8] = &[2, 3, 4, 5, 6, 7, 8, 9];
    const ASKERS: Askers = Askers::TerminalsAndClients;
    const NOTES: &'static [&'static str] = &["committed"];
    /// What the glue does wrong, so that tests show that it is noticed.
    const VARIANTS: &'static [&'static str] =
        &["forgets vote", "forgets entries", "forgets hard state", "applies twice", "draws from the thread"];

    fn start(start: Start<Record>) -> Site {
        let voters: Vec<u64> = start.sites.iter().map(id).collect();
        let storage = MemStorage::new_with_conf_state((voters, vec![]));
        for record in start.records {
            match record {
                Record::Entry(entry) => storage.wl().append(&[entry]).expect("memory has room"),
                Record::HardState(state) => storage.wl().set_hardstate(state),
            }
        }
        let config = Config {
            id: id(start.id),
            election_tick: ELECTION,
            heartbeat_tick: 3,
            max_size_per_msg: 1 << 9,
            check_quorum: true,
            pre_vote: true,
            ..Config::default()
        };
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        let raft = RawNode::new(&config, storage, &logger).expect("the configuration is valid");
        let (committed, applied, asked) = (Vec::new(), Vec::new(), BTreeSet::new());
        let Start { seed, variant, .. } = start;
        let mut site = Site { raft, seed, variant, committed, applied, asked, tick_at: Instant::ZERO };
        site.draw_election_timeout();
        site
    }

    fn handle(&mut self, now: Instant, input: SiteInput<Site>, effects: &mut SiteEffects<Site>) {
        match input {
            // An error means that it was ignored: it comes from nobody that raft-rs knows.
            SiteInput::Message { message, .. } => drop(self.raft.step(message.0)),
            SiteInput::Command { call, command: Command::Put { number, .. } } => {
                self.asked.insert(call);
                // Without a leader it is dropped, and the client asks again.
                drop(self.raft.propose(vec![], (call, number).to_bytes()));
            }
            SiteInput::Wake => {
                self.tick_at = now + TICK;
                self.raft.tick();
            }
            SiteInput::Link { .. } | SiteInput::DiskSpace { .. } => {}
        }
        self.draw_election_timeout();
        while self.raft.has_ready() {
            self.flush(effects);
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        Some((self.tick_at, "tick"))
    }

    fn role(&self) -> Role {
        match self.raft.raft.state {
            StateRole::Leader => Role::Leader { rank: self.raft.raft.term },
            StateRole::Candidate | StateRole::PreCandidate => Role::Candidate,
            StateRole::Follower => Role::Follower,
        }
    }

    fn kinds() -> Vec<&'static str> {
        MessageType::values().iter().map(|kind| kind.descriptor().name()).collect()
    }

    fn kind(message: &Message) -> &'static str {
        message.0.get_msg_type().descriptor().name()
    }

    fn converged(cluster: &SitesOf<Site>) -> Result<(), String> {
        cluster.agree("applied", |site| site.applied.clone())
    }

    fn judges() -> Judges<Site> {
        let value = |call, Command::Put { number, .. }: &Command| Some((call, *number));
        let judges = Judges::none().decides(|site: &Site| &site.committed, value);
        judges.once(|site| &site.applied).and(OneLeader::default())
    }

    fn draw(_: &mut Draws, asking: &Asking) -> Option<Command> {
        Some(Command::Put { at: asking.who, number: asking.number })
    }

    fn probe() -> Option<Command> {
        Some(Command::Put { at: Target::Any, number: 0 })
    }
}

impl Site {
    /// raft-rs draws election time-outs from `rand::thread_rng()`: no run would repeat itself. It draws one whenever
    /// its role or term changes, and reads it in `tick` alone. So each input ends with one of ours in its place, drawn
    /// from the seed of this incarnation and from the term.
    fn draw_election_timeout(&mut self) {
        if self.variant != "draws from the thread" {
            let drawn = below(mix(self.seed.key(0), [self.raft.raft.term]), ELECTION as u64);
            self.raft.raft.set_randomized_election_timeout(ELECTION + drawn as usize);
        }
    }

    /// Each message waits until the records of this input are on disk. With that, a storage in memory is as good as one
    /// that waits for its disk, and `advance` may follow at once.
    fn flush(&mut self, effects: &mut SiteEffects<Site>) {
        let mut ready = self.raft.ready();
        let mut messages = ready.take_messages();
        let mut committed = ready.take_committed_entries();
        if self.variant != "forgets entries" {
            ready.entries().iter().for_each(|entry| effects.append(Record::Entry(entry.clone())));
        }
        self.raft.mut_store().wl().append(ready.entries()).expect("raft-rs leaves no gap");
        if let Some(state) = ready.hs() {
            self.raft.mut_store().wl().set_hardstate(state.clone());
        }
        let has_state = ready.hs().is_some();
        messages.extend(ready.take_persisted_messages());
        let mut light = self.raft.advance(ready);
        if let Some(commit) = light.commit_index() {
            self.raft.mut_store().wl().mut_hard_state().commit = commit;
        }
        let mut state = self.raft.store().rl().hard_state().clone();
        match self.variant {
            "forgets vote" => state.vote = 0,
            "forgets entries" => state.commit = 0,
            _ => {}
        }
        if (has_state || light.commit_index().is_some()) && self.variant != "forgets hard state" {
            effects.append(Record::HardState(state));
        }
        messages.extend(light.take_messages());
        committed.extend(light.take_committed_entries());
        self.raft.advance_apply();
        for message in messages {
            effects.send(ProcessId::site((message.to - 1) as u8), Message(message));
        }
        for entry in committed.into_iter().filter(|entry| !entry.data.is_empty()) {
            let (call, number) = Number::from_bytes(&entry.data).expect("a site proposed it");
            effects.note("committed", format!("{number} for {call}"));
            self.committed.push((call, number));
            if self.variant == "applies twice" || !self.applied.contains(&(call, number)) {
                self.applied.push((call, number));
            }
            if self.asked.remove(&call) {
                effects.answer(call, number);
            }
        }
    }
}

fn id(site: SiteId) -> u64 {
    u64::from(site.number()) + 1
}
