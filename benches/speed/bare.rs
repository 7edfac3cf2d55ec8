//! The usual hand-written simulation: an event loop over a heap ordered by time, one random stream, typed messages.
//!
//! It does the kernel rows' work and nothing else: no bytes, no rules, no trace, no judges, no identity of draws.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::tiny::{EVERY, Payload, Word, first_round};

struct Event {
    at: u64,
    sequence: u64,
    what: What,
}

enum What {
    Round { who: u32 },
    Arrives { from: u32, to: u32, word: Word },
}

impl PartialEq for Event {
    fn eq(&self, other: &Event) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Event) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Event) -> Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

struct Node {
    round: u64,
    payload: Payload,
    pongs: u64,
}

struct Loop {
    nodes: Vec<Node>,
    heap: BinaryHeap<Reverse<Event>>,
    sequence: u64,
    rng: ChaCha8Rng,
}

impl Loop {
    fn push(&mut self, at: u64, what: What) {
        self.heap.push(Reverse(Event { at, sequence: self.sequence, what }));
        self.sequence += 1;
    }

    fn send(&mut self, now: u64, from: u32, to: u32, word: Word) {
        if self.rng.next_u64() % 100 < 5 {
            return;
        }
        let latency = 1_000 + self.rng.next_u64() % 9_001;
        self.push(now + latency, What::Arrives { from, to, word });
    }
}

/// Runs `count` nodes for `micros` simulated microseconds and returns the number of messages that arrived.
pub fn run(count: u32, micros: u64, seed: u64) -> u64 {
    let node = |_| Node { round: 0, payload: [7; 64], pongs: 0 };
    let nodes = (0..count).map(node).collect();
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let mut all = Loop { nodes, heap: BinaryHeap::new(), sequence: 0, rng };
    for who in 0..count {
        all.push(first_round(who.into(), count.into()), What::Round { who });
    }
    let mut delivered = 0;
    while let Some(Reverse(event)) = all.heap.pop() {
        if event.at > micros {
            break;
        }
        match event.what {
            What::Round { who } => {
                let node = &mut all.nodes[who as usize];
                node.round += 1;
                let (round, payload) = (node.round, node.payload);
                all.push(event.at + EVERY.as_micros(), What::Round { who });
                for to in (0..count).filter(|to| *to != who) {
                    all.send(event.at, who, to, Word::Ping { round, payload });
                }
            }
            What::Arrives { from, to, word } => {
                delivered += 1;
                match word {
                    Word::Ping { round, payload } => {
                        all.send(event.at, to, from, Word::Pong { round, payload })
                    }
                    Word::Pong { .. } => all.nodes[to as usize].pongs += 1,
                }
            }
        }
    }
    assert!(all.nodes.iter().map(|node| node.pongs).sum::<u64>() > 0, "nobody was answered");
    delivered
}
