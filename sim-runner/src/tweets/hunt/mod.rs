//! `saboteurs`: how soon a search finds each planted bug, which judge finds it, and how small the failure becomes.
//!
//! 1. Several sweeps hunt each saboteur, each over its own seeds; the report shows the median.
//! 2. The failure of the median sweep is shrunk.
//! 3. A failure that honest processes share does not count.
//! 4. A saboteur that is a patch hunts itself: a copy of the source with the patch is built, and that program computes
//!    its row.

mod args;
mod hunter;
mod row;
mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use aviary::search::Drawn;

pub(crate) use self::args::SaboteursArgs;
use self::hunter::Hunter;
use self::row::SaboteurRow;
use self::table::HuntTable;
use crate::Exit;
use crate::args::Format;
use crate::draw::find;
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{stdout, usage, warning};
use crate::tweets::matrix::chosen::Chosen;
use crate::tweets::matrix::patches::{Copied, Patch};
use crate::tweets::saboteurs::{Lying, Saboteur};

pub(crate) fn saboteurs(args: &SaboteursArgs) -> io::Result<Exit> {
    let profile = find::<Lying>(&args.profile)
        .and_then(|profile| Drawn::new::<Lying>(&args.profile, profile).map_err(|why| why.to_string()));
    let stop = interrupt::flag()?;
    let hunter = match profile {
        Ok(profile) => Hunter::new(args, profile, &stop),
        Err(why) => return Ok(usage(&why)),
    };
    if let Some(name) = &args.planted {
        let row = hunter.planted(name);
        // An incomplete row is not printed.
        if hunter.is_stopped() {
            return Ok(usage("interrupted"));
        }
        let mut out = stdout();
        row.json(&mut out)?;
        out.flush()?;
        return Ok(Exit::Passed);
    }
    let Chosen { wrappers, patches } = match Chosen::of(&args.names, args.patches) {
        Ok(chosen) => chosen,
        Err(exit) => return Ok(exit),
    };
    // Problems of a patch are reported before anything runs.
    let copied = match Copied::of(&patches) {
        Ok(copied) => copied,
        Err(why) => return Ok(usage(&why)),
    };
    let progress = Progress::new(wrappers.len() + patches.len());
    let report = |row: &SaboteurRow| match args.format {
        Format::Json => progress.aside(|| {
            let mut out = stdout();
            // A row that cannot be written counts all the same.
            let _ = row.json(&mut out).and_then(|()| out.flush());
        }),
        Format::Text => {}
    };
    let mut rows = hunted(args, (&hunter, &progress), &wrappers, report);
    if let Some(copied) = copied {
        for patch in &patches {
            if hunter.is_stopped() {
                break;
            }
            progress.begin(&patch.name);
            match planted(args, &hunter, &copied, patch) {
                Ok(row) => {
                    report(&row);
                    rows.push(row);
                    progress.done();
                }
                Err(_) if hunter.is_stopped() => break,
                Err(why) => return Ok(usage(&why)),
            }
        }
    }
    drop(progress);
    if hunter.is_stopped() {
        let of = wrappers.len() + patches.len();
        warning(format_args!("interrupted: {} of {of} saboteurs were hunted", rows.len()));
    }
    let table = HuntTable::new(rows, args.seeds_max, hunter.is_stopped());
    if args.format == Format::Text {
        let mut out = stdout();
        table.text(&mut out)?;
        out.flush()?;
    }
    Ok(if table.is_full() { Exit::Passed } else { Exit::Blind })
}

/// The rows of wrappers, in their order, hunted on `--threads` threads at once. Each row is reported as soon as the
/// rows before it have been.
fn hunted(
    args: &SaboteursArgs,
    (hunter, progress): (&Hunter<'_>, &Progress),
    wrappers: &[&'static Saboteur],
    report: impl Fn(&SaboteurRow) + Sync,
) -> Vec<SaboteurRow> {
    let threads = args.threads.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let next = AtomicUsize::new(0);
    // The reported rows in their order, and the rows that wait for an earlier one.
    let found = Mutex::new((Vec::new(), BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..threads.min(wrappers.len()) {
            scope.spawn(|| {
                while let number = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(saboteur) = wrappers.get(number).filter(|_| !hunter.is_stopped())
                {
                    progress.begin(saboteur.name);
                    let row = hunter.row(saboteur);
                    progress.done();
                    if hunter.is_stopped() {
                        break;
                    }
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    let (rows, early) = &mut *found;
                    early.insert(number, row);
                    while let Some(row) = early.remove(&rows.len()) {
                        report(&row);
                        rows.push(row);
                    }
                }
            });
        }
    });
    let (mut rows, early) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    // After an interrupt, these are the rows after one that was not finished.
    early.values().for_each(&report);
    rows.extend(early.into_values());
    rows
}

/// The row of a patch: a program with the patch hunts its own bug, again and again until it finds only that bug.
fn planted(
    args: &SaboteursArgs,
    hunter: &Hunter<'_>,
    copied: &Copied,
    patch: &Patch,
) -> Result<SaboteurRow, String> {
    copied.with(patch, |copied| {
        let program = copied.build_fast()?;
        let mut except = Vec::new();
        loop {
            let row = ask(&program, args, patch, &except)?;
            let honest = row.seeds.iter().flatten().filter(|seed| hunter.fails_honestly(**seed));
            let before = except.len();
            except.extend(honest);
            if except.len() == before {
                return Ok(SaboteurRow { about: patch.about.clone(), ..row });
            }
        }
    })
}

fn ask(program: &Path, args: &SaboteursArgs, patch: &Patch, except: &[u64]) -> Result<SaboteurRow, String> {
    let mut command = Command::new(program);
    command.args(["saboteurs", "--planted", &patch.name]);
    command.args(["--sweeps", &args.sweeps.to_string(), "--seeds-max", &args.seeds_max.to_string()]);
    match args.no_shrink {
        true => command.arg("--no-shrink"),
        false => command.args(["--shrink-time", &format!("{}ms", args.shrink_time.as_millis())]),
    };
    except.iter().for_each(|seed| {
        command.args(["--except", &seed.to_string()]);
    });
    command.arg("--").arg(&args.profile);
    let output = command.output().map_err(|error| format!("failed to run {}: {error}", program.display()))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(printed.trim()).map_err(|error| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("{}: its own hunt tells no row: {error}\n{}", patch.name, complaint.trim_end())
    })
}
