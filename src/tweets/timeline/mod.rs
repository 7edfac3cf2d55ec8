//! The state that sites replicate: users' tweets and blocks. It is a fold over the log, and nothing else.

pub mod blocks;
pub mod event;
pub mod machine;
pub mod names;
pub mod page;
pub mod state;

pub use blocks::Blocks;
pub use event::{Event, SelfBlock};
pub use machine::{Block, Operation, TimelineOutcome, TimelineQuery, TimelineReply};
pub use names::{NameError, Text, TextError, User};
pub use page::{Page, Tweet, View};
pub use state::Timeline;

pub use crate::replicated::Position;
