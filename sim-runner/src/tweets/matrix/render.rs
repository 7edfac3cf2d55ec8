//! The matrix as text for people and as lines of JSON for machines.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::columns::{TableColumn, columns};
use crate::report::{BAD, DIM, GOOD, WARN};
use crate::tweets::matrix::table::{Cell, MatrixTable};

/// Rows are scenarios, columns are saboteurs by number. Then follow the meanings of letters and numbers, and the
/// verdict.
pub(super) fn text(out: &mut impl Write, table: &MatrixTable) -> io::Result<()> {
    let letters = letters(table);
    let width = table.scenarios.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for place in [10, 1] {
        write!(out, "{:width$} ", "")?;
        for number in 1..=table.columns.len() {
            write!(out, "{DIM}{}{DIM:#}", number / place % 10)?;
        }
        writeln!(out)?;
    }
    for (row, name) in table.scenarios.iter().enumerate() {
        write!(out, "{name:width$} ")?;
        for column in &table.columns {
            let cell = &column.cells[row];
            let (style, letter) = match cell.property() {
                Some(property) => (BAD, letters.get(property).copied().unwrap_or('?')),
                None if cell.verdict == "passed" => (DIM, '.'),
                None if cell.verdict == "stale" => (WARN, '-'),
                None => (WARN, '?'),
            };
            write!(out, "{style}{letter}{style:#}")?;
        }
        writeln!(out)?;
    }
    writeln!(out)?;
    for (property, letter) in &letters {
        write!(out, "{BAD}{letter}{BAD:#} {property}  ")?;
    }
    writeln!(
        out,
        "{DIM}.{DIM:#} passed  {WARN}-{WARN:#} stale, not red  {WARN}?{WARN:#} undecided, not red\n"
    )?;
    let row = |(number, column): (usize, &crate::tweets::matrix::table::Column)| {
        let by = match column.caught_by().count() {
            0 => "none".to_owned(),
            count => count.to_string(),
        };
        [(number + 1).to_string(), column.name.clone(), by, column.about.clone()]
    };
    let heads = [
        TableColumn::Number("number"),
        TableColumn::Text("saboteur"),
        TableColumn::Number("caught by"),
        TableColumn::Text("what it does"),
    ];
    write!(out, "{}", columns(0, heads, table.columns.iter().enumerate().map(row)))?;
    writeln!(out)?;
    for name in table.red_by_loud_ones_only() {
        writeln!(out, "{WARN}note{WARN:#}: {name} goes red only under saboteurs that most scenarios catch")?;
    }
    let (uncaught, never_red) = (table.uncaught(), table.never_red());
    let all = format_args!("{} saboteurs, {} scenarios", table.columns.len(), table.scenarios.len());
    if table.is_cut_short {
        writeln!(out, "{WARN}interrupted{WARN:#}: {all}")?;
    } else if uncaught.is_empty() && never_red.is_empty() {
        let and_rows = if table.is_whole { ", every scenario goes red" } else { "" };
        return writeln!(out, "{GOOD}full{GOOD:#}: {all}; every saboteur is caught{and_rows}");
    }
    if !table.is_cut_short {
        writeln!(out, "{BAD}blind{BAD:#}: {all}")?;
    }
    for name in uncaught {
        writeln!(out, "  no scenario catches the saboteur {BAD}{name}{BAD:#}")?;
    }
    for name in never_red {
        writeln!(out, "  no saboteur turns the scenario {BAD}{name}{BAD:#} red")?;
    }
    Ok(())
}

/// A letter for each property that made a cell red: the first letter of its name that is not taken.
fn letters(table: &MatrixTable) -> BTreeMap<&str, char> {
    let cells = table.columns.iter().flat_map(|column| &column.cells);
    let mut letters: BTreeMap<&str, char> =
        cells.filter_map(Cell::property).map(|name| (name, '?')).collect();
    let mut taken = Vec::new();
    for (name, letter) in &mut letters {
        let of_name =
            name.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_uppercase());
        if let Some(free) = of_name.chain('A'..='Z').find(|letter| !taken.contains(letter)) {
            taken.push(free);
            *letter = free;
        }
    }
    letters
}

#[derive(serde::Serialize)]
struct MatrixJson<'a> {
    scenario: &'a str,
    saboteur: &'a str,
    verdict: &'a str,
    is_red: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    seed: u64,
}

#[derive(serde::Serialize)]
struct VerdictJson<'a> {
    uncaught: Vec<&'a str>,
    never_red: Vec<&'a str>,
    red_by_loud_ones_only: Vec<&'a str>,
}

/// Prints one object per cell, then one with the names of the culprits.
pub(super) fn json(out: &mut impl Write, table: &MatrixTable) -> io::Result<()> {
    let mut put = |text: serde_json::Result<String>| writeln!(out, "{}", text.map_err(io::Error::other)?);
    for column in &table.columns {
        for (scenario, cell) in table.scenarios.iter().zip(&column.cells) {
            let Cell { verdict, reason, seed } = cell;
            let (saboteur, is_red, seed) = (&column.name, cell.is_red(), *seed);
            put(serde_json::to_string(&MatrixJson { scenario, saboteur, verdict, is_red, reason, seed }))?;
        }
    }
    let (uncaught, never_red) = (table.uncaught(), table.never_red());
    let red_by_loud_ones_only = table.red_by_loud_ones_only();
    put(serde_json::to_string(&VerdictJson { uncaught, never_red, red_by_loud_ones_only }))
}
