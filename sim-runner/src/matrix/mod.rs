//! `matrix`: which scenario goes red under which saboteur, and whether scenarios and judges can be believed.
//!
//! 1. Every scenario passes with honest processes first; else nothing is judged.
//! 2. Red is a property or expectation that does not hold, a panic, or no progress. A stale run is not red: it says
//!    that the scenario's story did not take place, not that anything was wrong with it.

mod table;
mod told;

use std::io::{self, Write};

use aviary::scenario::{Outcome, RunOptions};
use aviary::service::Timelines;
use aviary::sim::TraceLevel;

use crate::Exit;
use crate::args::{Format, Matrix};
use crate::files::{Loaded, load};
use crate::progress::Progress;
use crate::report::{error, load_errors, stdout};
use crate::saboteurs::{self, Saboteur};
use table::{Cell, Column, Table};

pub(crate) fn matrix(args: &Matrix) -> io::Result<Exit> {
    let loaded = match load::<Timelines>(&args.paths) {
        Ok(loaded) => loaded,
        Err(errors) => return Ok(load_errors(&errors)),
    };
    let chosen = match chosen(&args.saboteurs) {
        Ok(chosen) => chosen,
        Err(exit) => return Ok(exit),
    };
    if let Some(exit) = honest(&loaded, args) {
        return Ok(exit);
    }
    let mut table = Table::new(loaded.iter().map(|one| one.name.clone()));
    for (number, saboteur) in chosen.iter().enumerate() {
        let _progress = Progress::show(number + 1, chosen.len(), saboteur.name);
        let cell = |one: &Loaded<Timelines>| cell(one, Some(*saboteur), args);
        let cells = loaded.iter().map(cell).collect();
        table.columns.push(Column { name: saboteur.name.into(), about: saboteur.about.into(), cells });
    }
    let mut out = stdout();
    match args.format {
        Format::Text => told::text(&mut out, &table)?,
        Format::Json => told::json(&mut out, &table)?,
    }
    out.flush()?;
    Ok(if table.uncaught().is_empty() && table.never_red().is_empty() { Exit::Passed } else { Exit::Blind })
}

/// The saboteurs of these names, all of them when none is named.
fn chosen(names: &[String]) -> Result<Vec<&'static Saboteur>, Exit> {
    if names.is_empty() {
        return Ok(saboteurs::all().collect());
    }
    names.iter().map(|name| saboteurs::find(name).ok_or_else(|| unknown(name))).collect()
}

/// Tells that there is no saboteur of this name, and which there are.
pub(crate) fn unknown(name: &str) -> Exit {
    let names: Vec<&str> = saboteurs::all().map(|saboteur| saboteur.name).collect();
    error(format_args!("there is no saboteur {name:?}; there are {}", names.join(", ")));
    Exit::Usage
}

/// How to exit if a scenario fails without any saboteur; it is told which.
fn honest(loaded: &[Loaded<Timelines>], args: &Matrix) -> Option<Exit> {
    let mut exits = Vec::new();
    for (number, one) in loaded.iter().enumerate() {
        let _progress = Progress::show(number + 1, loaded.len(), &one.name);
        for seed in args.seeds(one.scenario.seed) {
            let outcome = outcome(one, None, seed);
            if !outcome.verdict.is_pass() {
                let (path, verdict) = (one.path.display(), &outcome.verdict);
                error(format_args!("{path} fails without any saboteur, seed {seed}: {verdict}"));
                exits.push(Exit::of(verdict));
            }
        }
    }
    (!exits.is_empty()).then(|| Exit::worst(&exits))
}

/// The first seed that makes it red; else what came of the first seed.
fn cell(one: &Loaded<Timelines>, saboteur: Option<&'static Saboteur>, args: &Matrix) -> Cell {
    let mut first = None;
    for seed in args.seeds(one.scenario.seed) {
        let cell = Cell::of(&outcome(one, saboteur, seed));
        if cell.is_red() {
            return cell;
        }
        first = first.or(Some(cell));
    }
    first.unwrap_or_default()
}

fn outcome(one: &Loaded<Timelines>, saboteur: Option<&'static Saboteur>, seed: u64) -> Outcome {
    let options = RunOptions {
        seed: Some(seed),
        trace: TraceLevel::Off,
        events_max: EVENTS_MAX,
        ..RunOptions::default()
    };
    let run = saboteurs::run(&one.scenario, saboteur, &options);
    run.unwrap_or_else(|problems| panic!("{} was read and planned: {problems:?}", one.name))
}

/// Some lies make sites talk without end; an honest scenario has a hundredth of this.
const EVENTS_MAX: u64 = 2_000_000;
