//! The last row of the terminal: the leader, and how far each site has chosen and applied.

use std::io::{self, Write};

use aviary::tweets::site::Status;

use crate::colour;

/// The content of that row. Nothing is shown without a terminal.
pub(super) struct Live {
    sites: Vec<Option<Status>>,
    is_terminal: bool,
    /// Rows and columns of the terminal, if it has more than 4 rows.
    size: Option<(u16, u16)>,
    shown: String,
}

impl Live {
    pub(super) fn new(count: usize, is_terminal: bool) -> Live {
        let mut live = Live { sites: vec![None; count], is_terminal, size: None, shown: String::new() };
        live.fit();
        live
    }

    /// Whether somebody types at a terminal.
    pub(super) fn is_on(&self) -> bool {
        self.is_terminal
    }

    /// Follows the size of the terminal, so that everything else scrolls above the last row.
    pub(super) fn fit(&mut self) {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|_| self.is_terminal);
        let size = size.map(|size| (size.ws_row, size.ws_col)).filter(|(rows, _)| *rows > 4);
        if size == self.size {
            return;
        }
        // Setting the region moves the cursor. This keeps the cursor in its line, and that line above the last row.
        let region = size.map(|(rows, _)| format!("\x1bD\x1b[A\x1b7\x1b[1;{}r\x1b8", rows - 1));
        let mut out = io::stdout().lock();
        let _ = write!(out, "\x1b7\x1b[r\x1b8{}", region.unwrap_or_default()).and_then(|()| out.flush());
        drop(out);
        self.size = size;
        self.shown.clear();
        self.show();
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
        let Some((rows, columns)) = self.size else { return };
        // A longer text would go on in the next row, which does not exist.
        let text: String = text(&self.sites).chars().take(columns.into()).collect();
        if text == self.shown {
            return;
        }
        let mut out = io::stdout().lock();
        let (on, off) = if colour::is_on(&io::stdout()) { ("\x1b[7m", "\x1b[0m") } else { ("", "") };
        // If the terminal is gone, printing answers fails too, and that ends the program.
        let _ = write!(out, "\x1b7\x1b[{rows};1H\x1b[2K{on}{text}{off}\x1b8").and_then(|()| out.flush());
        self.shown = text;
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some((rows, _)) = self.size {
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
