//! Signals. The first watched signal asks the program to end, which it does within [`ending::PATIENCE`]. The second one
//! ends it at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use mio::Waker;
use signal_hook::consts::{SIGHUP, SIGINT};

use crate::ending;

/// The first signal that came.
#[derive(Clone)]
pub(crate) struct Signals(Arc<AtomicI32>);

impl Signals {
    /// Watches for these signals from here on, and ends a wait at the first. `late` is the error if the end takes too
    /// long.
    pub(crate) fn watch(watched: &[i32], waker: Arc<Waker>, late: String) -> io::Result<Signals> {
        let first = Arc::new(AtomicI32::new(0));
        let seen = first.clone();
        let mut signals = signal_hook::iterator::Signals::new(watched)?;
        thread::Builder::new().name("signals".into()).spawn(move || {
            let mut deadline = None;
            for signal in signals.forever() {
                let is_first = seen.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
                // A terminal that is closed hangs up more than once.
                if !is_first && signal != SIGHUP {
                    ending::now(128 + signal);
                }
                // The host may be in the middle of a sync that never ends.
                deadline.get_or_insert_with(|| ending::deadline(late.clone()));
                // If the host is gone, nobody waits.
                let _ = waker.wake();
            }
        })?;
        Ok(Signals(first))
    }

    /// Ends the program at the first of these signals, with its programs and temporary folders.
    pub(crate) fn end_at(watched: &[i32]) -> io::Result<()> {
        let mut signals = signal_hook::iterator::Signals::new(watched)?;
        let end = move || {
            if let Some(signal) = signals.forever().next() {
                ending::now(128 + signal);
            }
        };
        thread::Builder::new().name("signals".into()).spawn(end).map(drop)
    }

    /// The name of the first signal, if one came.
    pub(crate) fn received(&self) -> Option<&'static str> {
        match self.0.load(Ordering::SeqCst) {
            0 => None,
            SIGINT => Some("SIGINT"),
            SIGHUP => Some("SIGHUP"),
            _ => Some("SIGTERM"),
        }
    }
}
