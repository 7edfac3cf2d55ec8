//! Ready models for a judge of [linearizability](crate::judges::Linearizable): a register, a key-value store, a log and
//! a queue. Each says what it checks and what it does not.
//!
//! Of every model: a call without an answer takes effect at any moment after it began, or never. Whether a call is ever
//! answered is not checked.

pub(crate) mod fewest;
mod kv;
mod log;
mod queue;
mod register;

pub use fewest::Few;
pub use kv::{Kv, KvAnswer, KvOperation};
pub use log::{Log, LogAnswer, LogOperation};
pub use queue::{Queue, QueueAnswer, QueueOperation};
pub use register::{Register, RegisterAnswer, RegisterOperation};

#[cfg(test)]
mod tests;
