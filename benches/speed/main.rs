//! Speed measurements: `cargo bench` prints one table, `cargo bench -- sites` the rows of one bench.
//!
//! Each module has a list `BENCHES`. A [`Bench`] has a name, which arguments are matched with, and `rows`, which
//! measures and returns [`table::Row`]s. If its cost is counted in instructions too, it has `fixed`, which does a given
//! amount of work and measures nothing: `speed --fixed NAME COUNT` runs it, and `benches/instructions` counts.
//!
//! Preparation is not timed. A figure is the median of runs that alternate with the runs of the compared program, in
//! this process.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints figures, and a panic ends it")]

mod bare;
mod clone;
mod kernel;
mod load;
mod memory;
mod sites;
mod table;
mod tiny;

use std::process::ExitCode;

use table::Row;

/// One measurement.
pub struct Bench {
    /// The name that arguments are matched with.
    pub name: &'static str,
    /// Measures.
    pub rows: fn() -> Vec<Row>,
    /// Does this amount of work, for tools that count instructions.
    pub fixed: Option<fn(u64)>,
}

/// Every list, in the order of the table.
const LISTS: &[&[Bench]] = &[kernel::BENCHES, sites::BENCHES, clone::BENCHES, memory::BENCHES];

fn main() -> ExitCode {
    // Cargo adds `--bench` itself.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["--fixed", name, count] => fixed(name, count),
        ["--fixed", ..] => refuse("--fixed takes the name of a bench and a count"),
        _ => measure(&args),
    }
}

fn benches() -> impl Iterator<Item = &'static Bench> {
    LISTS.iter().copied().flatten()
}

fn fixed(name: &str, count: &str) -> ExitCode {
    let Ok(count) = count.parse() else { return refuse(&format!("{count:?} is no count")) };
    match benches().find_map(|bench| bench.fixed.filter(|_| bench.name == name)) {
        Some(work) => {
            work(count);
            ExitCode::SUCCESS
        }
        None => refuse(&format!("no bench named {name:?} does a fixed amount of work")),
    }
}

fn measure(wanted: &[&str]) -> ExitCode {
    let is_wanted = |bench: &&Bench| wanted.is_empty() || wanted.iter().any(|part| bench.name.contains(part));
    let chosen: Vec<&Bench> = benches().filter(is_wanted).collect();
    if chosen.is_empty() {
        return refuse(&format!("no bench is named like {wanted:?}"));
    }
    println!("{}", table::HEAD);
    for bench in chosen {
        (bench.rows)().iter().for_each(|row| println!("{row}"));
    }
    ExitCode::SUCCESS
}

fn refuse(why: &str) -> ExitCode {
    let names: Vec<&str> = benches().map(|bench| bench.name).collect();
    eprintln!("error: {why}; benches: {}", names.join(", "));
    ExitCode::from(2)
}
