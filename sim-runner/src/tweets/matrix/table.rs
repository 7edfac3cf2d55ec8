//! The matrix: the result of each scenario under each saboteur, and the conclusions from it.

use aviary::scenario::Outcome;

/// Results by scenario and saboteur.
pub(super) struct MatrixTable {
    /// The rows.
    pub(super) scenarios: Vec<String>,
    pub(super) columns: Vec<Column>,
    /// Whether every saboteur has a column. If not, a scenario may be red under none of them.
    pub(super) is_whole: bool,
    /// Whether some saboteurs were not tried.
    pub(super) is_cut_short: bool,
    /// Whether patches have columns.
    pub(super) has_patches: bool,
}

/// One saboteur.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) about: String,
    /// One cell for each scenario.
    pub(super) cells: Vec<Cell>,
}

/// The result of one scenario under one saboteur.
#[derive(Clone, Default, serde::Deserialize)]
pub(super) struct Cell {
    /// The verdict as `replay` prints it; empty before there is a result.
    pub(super) verdict: String,
    /// The property and a sentence; empty when everything held.
    #[serde(default)]
    pub(super) reason: String,
    pub(super) seed: u64,
}

impl Cell {
    pub(super) fn of(outcome: &Outcome) -> Cell {
        let verdict = &outcome.verdict;
        let reason = if verdict.is_pass() { String::new() } else { verdict.to_string() };
        Cell { verdict: verdict.name().into(), reason, seed: outcome.seed }
    }

    /// Reads the result that `replay --format json` prints for one scenario.
    pub(super) fn from_json(line: &str) -> serde_json::Result<Cell> {
        serde_json::from_str(line)
    }

    /// Adds the result of another seed: the first red one counts, else the first of all.
    pub(super) fn merge(&mut self, other: Cell) {
        if self.verdict.is_empty() || (other.is_red() && !self.is_red()) {
            *self = other;
        }
    }

    /// Whether the scenario detected that something is wrong.
    pub(super) fn is_red(&self) -> bool {
        ["violated", "panicked", "stalled"].contains(&self.verdict.as_str())
    }

    /// The property that made it red.
    pub(super) fn property(&self) -> Option<&str> {
        self.is_red()
            .then(|| self.reason.split_once(": ").map_or(self.reason.as_str(), |(property, _)| property))
    }
}

impl MatrixTable {
    pub(super) fn new(scenarios: impl Iterator<Item = String>, is_whole: bool) -> MatrixTable {
        MatrixTable {
            scenarios: scenarios.collect(),
            columns: Vec::new(),
            is_whole,
            is_cut_short: false,
            has_patches: false,
        }
    }

    /// The saboteurs that no scenario caught.
    pub(super) fn uncaught(&self) -> Vec<&str> {
        let uncaught = self.columns.iter().filter(|column| column.caught_by().next().is_none());
        uncaught.map(|column| column.name.as_str()).collect()
    }

    /// The scenarios that no saboteur turned red; empty unless all saboteurs were tried.
    pub(super) fn never_red(&self) -> Vec<&str> {
        self.lacking(self.columns.iter())
    }

    /// The scenarios that only loud saboteurs turned red, which most scenarios catch; empty unless patches were run
    /// too.
    pub(super) fn red_by_loud_ones_only(&self) -> Vec<&str> {
        if !self.has_patches {
            return Vec::new();
        }
        let is_quiet = |column: &&Column| 2 * column.caught_by().count() <= self.scenarios.len();
        self.lacking(self.columns.iter().filter(is_quiet))
    }

    /// The scenarios that none of `columns` turned red.
    fn lacking<'a>(&self, columns: impl Iterator<Item = &'a Column>) -> Vec<&str> {
        let columns: Vec<&Column> = columns.collect();
        let is_red = |row: usize| columns.iter().any(|column| column.cells[row].is_red());
        let rows = self.scenarios.iter().enumerate();
        rows.filter(|(row, _)| self.is_whole && !is_red(*row)).map(|(_, name)| name.as_str()).collect()
    }
}

impl Column {
    /// The rows that are red.
    pub(super) fn caught_by(&self) -> impl Iterator<Item = usize> {
        self.cells.iter().enumerate().filter(|(_, cell)| cell.is_red()).map(|(row, _)| row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row per scenario, one column per saboteur: `x` is red, `-` is stale.
    fn table(rows: &[&str]) -> MatrixTable {
        let names = (0..rows.len()).map(|number| format!("scenario {number}"));
        let mut table = MatrixTable { has_patches: true, ..MatrixTable::new(names, true) };
        for column in 0..rows[0].len() {
            let cell = |row: &&str| Cell {
                verdict: match row.as_bytes()[column] {
                    b'x' => "violated",
                    b'-' => "stale",
                    _ => "passed",
                }
                .into(),
                reason: "agreement: two entries".into(),
                seed: 0,
            };
            let cells = rows.iter().map(cell).collect();
            table.columns.push(Column { name: format!("saboteur {column}"), about: String::new(), cells });
        }
        table
    }

    #[test]
    fn culprits_are_those_with_nothing_red() {
        let full = table(&["x.", ".x"]);
        assert!(full.uncaught().is_empty() && full.never_red().is_empty());
        assert!(full.red_by_loud_ones_only().is_empty());
        let blind = table(&["x.-", "x..", "..."]);
        assert_eq!(blind.uncaught(), ["saboteur 1", "saboteur 2"]);
        assert_eq!(blind.never_red(), ["scenario 2"]);
        assert_eq!(blind.red_by_loud_ones_only(), blind.scenarios);
        let part = MatrixTable { is_whole: false, ..blind };
        assert_eq!((part.uncaught().len(), part.never_red().len()), (2, 0));
    }

    #[test]
    fn the_first_red_seed_counts() {
        let cell = |verdict: &str, seed| Cell { verdict: verdict.into(), reason: String::new(), seed };
        let mut merged = Cell::default();
        for (verdict, seed) in [("stale", 1), ("passed", 2), ("panicked", 3), ("violated", 4)] {
            merged.merge(cell(verdict, seed));
        }
        assert_eq!((merged.verdict.as_str(), merged.seed), ("panicked", 3));
    }
}
