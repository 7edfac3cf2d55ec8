//! The matrix itself: what came of each scenario under each saboteur, and what follows from it.

use aviary::scenario::Outcome;

/// Scenarios and saboteurs.
pub(super) struct Table {
    /// The rows.
    pub(super) scenarios: Vec<String>,
    pub(super) columns: Vec<Column>,
}

/// One saboteur.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) about: String,
    /// One for each scenario.
    pub(super) cells: Vec<Cell>,
}

/// What came of one scenario under one saboteur.
#[derive(Clone, Default, serde::Deserialize)]
pub(super) struct Cell {
    /// As in the results of `replay`; empty before there is one.
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

    /// What `replay --format json` says of one scenario.
    pub(super) fn from_json(line: &str) -> serde_json::Result<Cell> {
        serde_json::from_str(line)
    }

    /// Adds what came of another seed: the first that is red counts, else the first of all.
    pub(super) fn merge(&mut self, other: Cell) {
        if self.verdict.is_empty() || (other.is_red() && !self.is_red()) {
            *self = other;
        }
    }

    /// Whether the scenario noticed that something is wrong.
    pub(super) fn is_red(&self) -> bool {
        ["violated", "panicked", "stalled"].contains(&self.verdict.as_str())
    }

    /// The property that made it red.
    pub(super) fn property(&self) -> Option<&str> {
        self.is_red()
            .then(|| self.reason.split_once(": ").map_or(self.reason.as_str(), |(property, _)| property))
    }
}

impl Table {
    pub(super) fn new(scenarios: impl Iterator<Item = String>) -> Table {
        Table { scenarios: scenarios.collect(), columns: Vec::new() }
    }

    /// The saboteurs that no scenario caught.
    pub(super) fn uncaught(&self) -> Vec<&str> {
        let uncaught = self.columns.iter().filter(|column| column.caught_by().next().is_none());
        uncaught.map(|column| column.name.as_str()).collect()
    }

    /// The scenarios that no saboteur turned red.
    pub(super) fn never_red(&self) -> Vec<&str> {
        let is_red = |row: usize| self.columns.iter().any(|column| column.cells[row].is_red());
        let rows = self.scenarios.iter().enumerate().filter(|(row, _)| !is_red(*row));
        rows.map(|(_, name)| name.as_str()).collect()
    }
}

impl Column {
    /// The rows that are red.
    pub(super) fn caught_by(&self) -> impl Iterator<Item = usize> {
        self.cells.iter().enumerate().filter(|(_, cell)| cell.is_red()).map(|(row, _)| row)
    }
}
