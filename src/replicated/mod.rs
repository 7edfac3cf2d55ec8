//! State that sites replicate: consensus on a log.

pub mod paxos;
