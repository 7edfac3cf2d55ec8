//! How the program ends when it cannot end by itself.

use std::process;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::{children, logs, terminal};

/// How long a site takes to end, at most, once it was asked to or has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Ends the program here and now, from any thread.
pub(crate) fn now(code: i32) -> ! {
    terminal::restore();
    children::remove_folders();
    logs::end();
    process::exit(code)
}

/// While it is kept, the program is to end.
pub(crate) struct Deadline {
    _kept: Option<Sender<()>>,
}

/// Ends the program with code 1 and this reason, unless it ends by itself, or the deadline is dropped, within
/// [`PATIENCE`].
pub(crate) fn deadline(reason: String) -> Deadline {
    let (kept, is_dropped) = channel();
    let watch = move || {
        if is_dropped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            logs::say(&format!("error: {reason}\n"));
            now(1);
        }
    };
    // Without it the end takes as long as it takes.
    let watching = thread::Builder::new().name("deadline".into()).spawn(watch);
    Deadline { _kept: watching.is_ok().then_some(kept) }
}
