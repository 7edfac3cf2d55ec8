//! The last row of the terminal: who leads, and how far each site is.

use std::io::{self, Write};

use aviary::tweets::site::Status;

/// What is shown there; nothing where no terminal is.
pub(super) struct Live {
    sites: Vec<Option<Status>>,
    /// Rows of the terminal, if it is one.
    rows: Option<u16>,
    shown: String,
}

impl Live {
    pub(super) fn new(count: usize, is_terminal: bool) -> Live {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|_| is_terminal);
        let rows = size.map(|size| size.ws_row).filter(|rows| *rows > 4);
        if let Some(rows) = rows {
            // Everything else scrolls above it.
            let mut out = io::stdout().lock();
            let _ = write!(out, "\n\x1b[1;{}r\x1b[{};1H", rows - 1, rows - 1).and_then(|()| out.flush());
        }
        Live { sites: vec![None; count], rows, shown: String::new() }
    }

    /// Whether it is shown.
    pub(super) fn is_on(&self) -> bool {
        self.rows.is_some()
    }

    pub(super) fn on_status(&mut self, site: usize, status: Status) {
        self.sites[site] = Some(status);
        self.show();
    }

    pub(super) fn on_crash(&mut self, site: usize) {
        self.sites[site] = None;
        self.show();
    }

    fn show(&mut self) {
        let Some(rows) = self.rows else { return };
        let text = text(&self.sites);
        if text == self.shown {
            return;
        }
        let mut out = io::stdout().lock();
        // A terminal that is gone fails to print answers, too, and that ends the program.
        let _ = write!(out, "\x1b7\x1b[{rows};1H\x1b[2K\x1b[7m{text}\x1b[0m\x1b8").and_then(|()| out.flush());
        self.shown = text;
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(rows) = self.rows {
            let mut out = io::stdout().lock();
            let _ = write!(out, "\x1b[r\x1b[{rows};1H\x1b[2K").and_then(|()| out.flush());
        }
    }
}

/// `leader S1 | chosen/applied S0 7/7 S1 7/7 S2 down`
fn text(sites: &[Option<Status>]) -> String {
    let highest = sites.iter().flatten().max_by_key(|status| status.ballot);
    let leader = highest.and_then(|status| status.leader);
    let leader = leader.map_or_else(|| "none".to_owned(), |leader| leader.to_string());
    let each = sites.iter().enumerate().map(|(site, status)| match status {
        None => format!("S{site} down"),
        Some(status) => format!("S{site} {}/{}", status.chosen.0, status.applied.0),
    });
    format!(" leader {leader} | chosen/applied {} ", each.collect::<Vec<_>>().join(" "))
}
