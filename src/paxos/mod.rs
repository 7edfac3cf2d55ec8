//! Multi-Paxos: acceptor, proposer and learner over one log of slots.

pub mod ballot;
pub mod message;

pub use ballot::{Ballot, Entry, Quorum, Slot};
pub use message::{Message, Promise, Record, Report};
