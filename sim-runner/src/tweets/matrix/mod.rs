//! `matrix`: which scenario goes red under which saboteur, and whether scenarios and judges can be trusted.
//!
//! 1. Every scenario must first pass with honest processes; otherwise nothing is judged.
//! 2. Red means a property or expectation that does not hold, a panic, or no progress. A stale run is not red: the
//!    scenario's story did not take place, which does not show that anything was wrong.

mod args;
pub(crate) mod chosen;
pub(crate) mod patches;
mod render;
mod table;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use aviary::scenario::{Outcome, RunOptions};
use aviary::sim::TraceLevel;

pub(crate) use self::args::MatrixArgs;
use self::args::Patches;
use crate::Exit;
use crate::args::Format;
use crate::files::{Loaded, load};
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{error, load_errors, stdout, usage, warning};
use crate::tweets::saboteurs::{self, Lying, Saboteur};
use chosen::Chosen;
use patches::{Copied, Patch};
use table::{Cell, Column, MatrixTable};

pub(crate) fn matrix(args: &MatrixArgs) -> io::Result<Exit> {
    let loaded = match load::<Lying>(&args.paths) {
        Ok(loaded) => loaded,
        Err(errors) => return Ok(load_errors(&errors)),
    };
    let Chosen { wrappers, patches } = match Chosen::of(&args.saboteurs, args.patches.is_some()) {
        Ok(chosen) => chosen,
        Err(exit) => return Ok(exit),
    };
    // Problems of a patch are reported before anything runs.
    let copied = match Copied::of(&patches) {
        Ok(copied) => copied,
        Err(why) => return Ok(usage(&why)),
    };
    if let Some(exit) = honest(&loaded, args) {
        return Ok(exit);
    }
    let stop = interrupt::flag()?;
    let is_stopped = || stop.load(Ordering::Relaxed);
    let mut table = MatrixTable::new(loaded.iter().map(|one| one.name.clone()), args.saboteurs.is_empty());
    let progress = Progress::new(wrappers.len() + patches.len());
    for saboteur in wrappers.iter().take_while(|_| !is_stopped()) {
        progress.begin(saboteur.name);
        let cells = loaded.iter().map(|one| cell(one, saboteur, args)).collect();
        table.columns.push(Column { name: saboteur.name.into(), about: saboteur.about.into(), cells });
        progress.done();
    }
    if let Some(copied) = copied
        && let Err(why) = patched(&loaded, (&patches, &progress), &copied, args, &mut table, is_stopped)
        && !is_stopped()
    {
        return Ok(usage(&why));
    }
    if is_stopped() {
        let (count, of) = (table.columns.len(), wrappers.len() + patches.len());
        warning(format_args!("interrupted: {count} of {of} saboteurs were tried"));
        // The untried saboteurs may turn red a scenario that the tried ones did not.
        (table.is_whole, table.is_cut_short) = (false, true);
    }
    let is_full = !table.is_cut_short && table.uncaught().is_empty() && table.never_red().is_empty();
    print(&table, args.format)?;
    Ok(if is_full { Exit::Passed } else { Exit::Blind })
}

fn print(table: &MatrixTable, format: Format) -> io::Result<()> {
    let mut out = stdout();
    match format {
        Format::Text => render::text(&mut out, table)?,
        Format::Json => render::json(&mut out, table)?,
    }
    out.flush()
}

/// Builds the copy with each patch in turn, and adds a column with the results of its runs.
fn patched(
    loaded: &[Loaded<Lying>],
    (patches, progress): (&[Patch], &Progress),
    copied: &Copied,
    args: &MatrixArgs,
    table: &mut MatrixTable,
    is_stopped: impl Fn() -> bool,
) -> Result<(), String> {
    let absolute = |one: &Loaded<Lying>| std::path::absolute(&one.path);
    let files: Vec<PathBuf> =
        loaded.iter().map(absolute).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if args.patches == Some(Patches::Check) {
        return copied.check_builds(patches, is_stopped, |patch| {
            progress.begin(&patch.name);
            progress.done();
        });
    }
    for patch in patches.iter().take_while(|_| !is_stopped()) {
        progress.begin(&patch.name);
        let cells = copied.with(patch, |copied| {
            let program = copied.build()?;
            let seeds = args.seeds.clone().map_or(vec![None], |seeds| seeds.map(Some).collect());
            let mut cells: Vec<Cell> = Vec::new();
            for seed in seeds {
                let printed = patches::replay(&program, &files, seed, EVENTS_MAX)?;
                let read = printed.lines().map(Cell::from_json).collect::<Result<Vec<_>, _>>();
                let read = read.map_err(|error| format!("its replay tells no results: {error}"))?;
                if read.len() != files.len() {
                    return Err(format!(
                        "its replay tells of {} scenarios out of {}",
                        read.len(),
                        files.len()
                    ));
                }
                match cells.is_empty() {
                    true => cells = read,
                    false => cells.iter_mut().zip(read).for_each(|(cell, other)| cell.merge(other)),
                }
            }
            Ok(cells)
        })?;
        table.columns.push(Column { name: patch.name.clone(), about: patch.about.clone(), cells });
        table.has_patches = true;
        progress.done();
    }
    Ok(())
}

/// Runs the scenarios without any saboteur. If one fails, prints which, and returns how to exit.
fn honest(loaded: &[Loaded<Lying>], args: &MatrixArgs) -> Option<Exit> {
    let mut exits = Vec::new();
    let progress = Progress::new(loaded.len());
    for one in loaded {
        progress.begin(&one.name);
        for seed in args.seeds(one.scenario.seed) {
            let outcome = outcome(one, None, seed);
            if !outcome.verdict.is_pass() {
                let (path, verdict) = (one.path.display(), &outcome.verdict);
                progress.aside(|| {
                    error(format_args!("{path} fails without any saboteur, seed {seed}: {verdict}"));
                });
                exits.push(Exit::of(verdict));
            }
        }
        progress.done();
    }
    (!exits.is_empty()).then(|| Exit::worst(&exits))
}

/// The result of the first red seed; if none is red, the result of the first seed.
fn cell(one: &Loaded<Lying>, saboteur: &'static Saboteur, args: &MatrixArgs) -> Cell {
    let mut cell = Cell::default();
    for seed in args.seeds(one.scenario.seed) {
        cell.merge(Cell::of(&outcome(one, Some(saboteur), seed)));
        if cell.is_red() {
            break;
        }
    }
    cell
}

fn outcome(one: &Loaded<Lying>, saboteur: Option<&'static Saboteur>, seed: u64) -> Outcome {
    let options = RunOptions {
        seed: Some(seed),
        trace: TraceLevel::Off,
        events_max: EVENTS_MAX,
        ..RunOptions::default()
    };
    let run = saboteurs::run(&one.scenario, saboteur, &options);
    run.unwrap_or_else(|problems| panic!("{} was read and planned: {problems:?}", one.name))
}

/// Some lies make sites send messages without end; an honest scenario has a hundredth of this.
const EVENTS_MAX: u64 = 2_000_000;
