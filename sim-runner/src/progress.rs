//! What is going on, for somebody at a terminal.

use std::io::{self, IsTerminal, Write};

/// A line on a terminal that goes when the run is over.
pub(crate) struct Progress {
    is_shown: bool,
}

impl Progress {
    pub(crate) fn show(number: usize, of: usize, name: &str) -> Progress {
        let is_shown = io::stderr().is_terminal() && io::stdout().is_terminal();
        if is_shown {
            // Progress that cannot be shown is no failure.
            let _ = write!(io::stderr(), "\r\x1b[K[{number}/{of}] {name}");
        }
        Progress { is_shown }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
