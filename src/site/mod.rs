//! A whole site, and the client: two processes that speak one set of messages.

pub mod message;
pub mod submission;

pub use message::{Answer, Message, Query, Record, RequestId, Status, Telling};
pub use submission::{Number, Operation, Request, Session, Submission};
