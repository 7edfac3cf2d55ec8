//! Arguments of `matrix`.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::args::{EXIT_CODES, Format};

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct MatrixArgs {
    /// Scenario files, or folders: all *.ron below them
    #[arg(value_name = "PATH", default_value = "scenarios")]
    pub(crate) paths: Vec<PathBuf>,
    /// Plant the patches in tests/saboteurs too, each in a copy of the source; takes minutes
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "run")]
    pub(crate) patches: Option<Patches>,
    /// Plant only this saboteur; may be given several times
    #[arg(long = "saboteur", value_name = "NAME")]
    pub(crate) saboteurs: Vec<String>,
    /// Try these seeds, the last one excluded, instead of each scenario's own; one red seed is enough
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub(crate) seeds: Option<Range<u64>>,
    /// For people, or for machines: one JSON object per line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

impl MatrixArgs {
    /// The seeds for a scenario whose own seed is `own`.
    pub(crate) fn seeds(&self, own: u64) -> Range<u64> {
        self.seeds.clone().unwrap_or(own..own.saturating_add(1))
    }
}

/// What to do with patches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Patches {
    /// Build each and run the scenarios with it
    Run,
    /// Only check whether each applies and builds
    Check,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let parsed = text.split_once("..").and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
    parsed
        .filter(|seeds| !seeds.is_empty())
        .ok_or_else(|| "expected two numbers, the smaller first: 1..30".into())
}
