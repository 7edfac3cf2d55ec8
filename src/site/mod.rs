//! A whole site, and the client: two processes that speak one set of messages.

pub mod bird;
pub mod client;
pub mod config;
pub mod message;
pub mod note;
pub mod queue;
pub mod replica;
#[expect(clippy::module_inception, reason = "the file holds the type that the folder is named after")]
pub mod site;
pub mod submission;
mod telling;
#[cfg(test)]
mod tests;

pub use bird::Bird;
pub use client::{Client, Command};
pub use config::{Config, ConfigError};
pub use message::{Answer, Message, Query, Record, RequestId, Status, Telling};
pub use note::Note;
pub use site::Site;
pub use submission::{Number, Operation, Request, Session, Submission};
