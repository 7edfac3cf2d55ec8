//! The replicated state: who tweeted what, who blocks whom. A fold over a log and nothing else.

pub mod blocks;
pub mod event;
pub mod names;
pub mod page;
pub mod state;

pub use blocks::Blocks;
pub use event::{Event, Position, SelfBlock};
pub use names::{NameError, Text, TextError, User};
pub use page::{Page, Tweet, View};
pub use state::Timeline;
