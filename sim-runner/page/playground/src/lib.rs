//! The simulator for a browser: reads scenarios of the tweet service and runs them, with planted bugs or without.
//!
//! 1. [`Playground::answer`] takes one request and gives one reply, both JSON. It knows no browser.
//! 2. [`c_face`] is what WebAssembly exports: a worker hands in texts and takes texts out.
//!
//! There are no threads, no clock and no files here: plain runs only. A long run goes on in slices, so that its host
//! hears a wish to stop between two of them.

pub mod c_face;
pub mod playground;
mod reply;
/// The planted bugs of `sim-runner`, as they are. The rest of it is a command line.
#[path = "../../../src/tweets/saboteurs/mod.rs"]
#[expect(dead_code, reason = "hunts and tables ask for more")]
mod saboteurs;

pub use playground::Playground;
