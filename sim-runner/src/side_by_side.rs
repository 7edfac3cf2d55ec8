//! Shows two runs side by side where they part.

use std::io::{self, Write};

use aviary::scenario::{Parting, RunDifference, RunSide};

use crate::report::{BAD, DIM};

/// The maximum number of lines shown of one event.
const LINES_MAX: usize = 12;

/// Prints a few lines of agreement, and then the event of each of the two runs.
pub(crate) fn show(out: &mut impl Write, difference: &RunDifference) -> io::Result<()> {
    for line in &difference.before {
        writeln!(out, "    {DIM}{line}{DIM:#}")?;
    }
    let [left, right] = [&difference.left, &difference.right].map(|side| column(side, difference.parting));
    let left: Vec<String> = ["first run".to_owned()].into_iter().chain(left).collect();
    let right: Vec<String> = ["this run".to_owned()].into_iter().chain(right).collect();
    let width = left.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    for row in 0..left.len().max(right.len()) {
        let [left, right] = [&left, &right].map(|side| side.get(row).map_or("", String::as_str));
        let mark = if row > 0 && left != right { '|' } else { ' ' };
        writeln!(out, "    {left:<width$} {BAD}{mark}{BAD:#} {right}")?;
    }
    Ok(())
}

/// The event of one run: its lines, and its fingerprint if nothing else differs.
fn column(side: &RunSide, parting: Parting) -> Vec<String> {
    let mut lines: Vec<String> = side.lines.iter().take(LINES_MAX).cloned().collect();
    if side.lines.len() > LINES_MAX {
        lines.push(format!("... {} more", side.lines.len() - LINES_MAX));
    }
    if lines.is_empty() {
        let nothing = if parting == Parting::Event { "(not traced)" } else { "(nothing more in this event)" };
        lines.push(nothing.to_owned());
    }
    if matches!(parting, Parting::Event | Parting::Fingerprint) {
        lines.push(format!("fingerprint {:016x}", side.fingerprint));
    }
    lines
}
