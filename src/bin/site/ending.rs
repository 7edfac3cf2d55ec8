//! How the program ends when it cannot end by itself.

use std::process;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::{children, logs, terminal};

/// The longest time that a site takes to end after it was asked to or has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Ends the program at once, from any thread.
pub(crate) fn now(code: i32) -> ! {
    terminal::restore();
    children::kill_all();
    children::remove_folders();
    logs::end();
    process::exit(code)
}

/// The limit on the time that the program takes to end. Dropping it lifts the limit.
pub(crate) struct Deadline {
    _kept: Option<Sender<()>>,
}

/// Ends the program with code 1 and this reason, unless it ends by itself, or the deadline is dropped, within
/// [`PATIENCE`].
pub(crate) fn deadline(reason: String) -> Deadline {
    let (kept, is_dropped) = channel();
    let watch = move || {
        if is_dropped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            logs::print(&format!("error: {reason}\n"));
            now(1);
        }
    };
    // Without this thread there is no limit.
    let watching = thread::Builder::new().name("deadline".into()).spawn(watch);
    Deadline { _kept: watching.is_ok().then_some(kept) }
}
