//! Ready judges for any protocol: each is a property that a service's own judge feeds with what it sees.
//!
//! They know no service; those of the tweet service are in [`oracle`](crate::oracle). What both object with is
//! [`ensure!`](crate::ensure).

mod history;
pub mod linearizable;
mod never_back;

pub use history::{Contradiction, History};
pub use never_back::NeverBack;
