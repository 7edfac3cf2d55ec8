//! The table of saboteurs, as text for people.

use std::io::{self, Write};

use crate::columns::{TableColumn, columns};
use crate::report::{BAD, GOOD, WARN};
use crate::tweets::hunt::row::{SaboteurRow, Small, middle};

pub(super) struct HuntTable {
    rows: Vec<SaboteurRow>,
    seeds_max: u64,
    /// Whether some saboteurs were not hunted.
    is_cut_short: bool,
}

/// The median; of two in the middle the lower.
fn median<T: Ord + Copy>(all: impl Iterator<Item = T>) -> Option<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all.get(middle(all.len())).copied()
}

fn seconds(micros: u64) -> String {
    format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000)
}

impl HuntTable {
    pub(super) fn new(rows: Vec<SaboteurRow>, seeds_max: u64, is_cut_short: bool) -> HuntTable {
        HuntTable { rows, seeds_max, is_cut_short }
    }

    /// Whether every saboteur was hunted and caught.
    pub(super) fn is_full(&self) -> bool {
        !self.is_cut_short && self.rows.iter().all(|row| row.median().is_some())
    }

    /// Writes the table, with the saboteurs that were written late in a part of their own.
    pub(super) fn text(&self, out: &mut impl Write) -> io::Result<()> {
        let (late, early): (Vec<&SaboteurRow>, Vec<&SaboteurRow>) =
            self.rows.iter().partition(|row| row.is_held_out);
        if !early.is_empty() {
            self.part(out, &early)?;
        }
        if !early.is_empty() && !late.is_empty() {
            writeln!(out)?;
        }
        if !late.is_empty() {
            writeln!(out, "Written after the profile and its recipes were fixed:")?;
            self.part(out, &late)?;
        }
        out.flush()
    }

    fn part(&self, out: &mut impl Write, rows: &[&SaboteurRow]) -> io::Result<()> {
        let number = |number: Option<u64>| number.map_or_else(|| "none".to_owned(), |n| n.to_string());
        let row = |row: &&SaboteurRow| {
            let steps = row.small.map(|small| small.steps.to_string());
            let shrunk = row
                .small
                .map(|Small { millis, .. }| format!("{}.{} s", millis / 1_000, millis % 1_000 / 100));
            [
                row.name.clone(),
                row.property.clone().unwrap_or_else(|| "nobody".to_owned()),
                number(row.median()),
                number(row.worst()),
                seconds(row.mean_micros()),
                steps.unwrap_or_default(),
                shrunk.unwrap_or_default(),
            ]
        };
        let heads = [
            TableColumn::Text("saboteur"),
            TableColumn::Text("caught by"),
            TableColumn::Number("median"),
            TableColumn::Number("worst"),
            TableColumn::Number("CPU"),
            TableColumn::Number("steps"),
            TableColumn::Number("shrunk"),
        ];
        write!(out, "{}", columns(0, heads, rows.iter().map(row)))?;
        self.sum_up(out, rows)
    }

    fn sum_up(&self, out: &mut impl Write, rows: &[&SaboteurRow]) -> io::Result<()> {
        let missed: Vec<&str> =
            rows.iter().filter(|row| row.median().is_none()).map(|row| row.name.as_str()).collect();
        let seeds = || rows.iter().filter_map(|row| row.median());
        let small = || rows.iter().filter_map(|row| row.small);
        let count = rows.len();
        match missed[..] {
            [] if self.is_cut_short => write!(out, "{WARN}interrupted{WARN:#}: {count} caught")?,
            [] => write!(out, "{GOOD}caught{GOOD:#}: all {count}")?,
            _ => write!(out, "{BAD}blind{BAD:#}: {} of {count} caught", count - missed.len())?,
        }
        if let (Some(middle), Some(most)) = (median(seeds()), seeds().max()) {
            write!(out, "; seeds: median {middle}, hardest {most}")?;
        }
        let spent = || rows.iter().map(|row| row.mean_micros());
        if let Some(middle) = median(spent()) {
            write!(out, "; CPU: median {}, sum {}", seconds(middle), seconds(spent().sum()))?;
        }
        if let (Some(middle), Some(most)) =
            (median(small().map(|small| small.steps)), small().map(|small| small.steps).max())
        {
            let time = small().map(|small| small.millis).max().unwrap_or(0).div_ceil(1_000);
            write!(out, "; steps after shrinking: median {middle}, most {most}, within {time} s each")?;
        }
        writeln!(out)?;
        for name in missed {
            writeln!(out, "  {BAD}{name}{BAD:#} is not found in {} seeds", self.seeds_max)?;
        }
        Ok(())
    }
}
