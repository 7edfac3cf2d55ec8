//! `show`: one run, or two beside each other, as a page for a browser.

mod page;
pub(crate) mod perfetto;
pub(crate) mod pictures;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aviary::process::Process;
use aviary::scenario::{Picture, Service};
use aviary::search::{can_write_aside, write_aside};

use crate::Exit;
use crate::args::ShowArgs;
use crate::files::{Loaded, load_one};
use crate::progress::Progress;
use crate::report::{load_errors, problems, quoted, stdout, usage, warning};
use pictures::Asked;

/// What stands beside the run.
enum Beside<S: Service> {
    /// The same scenario with another seed.
    Seed(u64),
    /// The same scenario without the planted bug.
    Honest,
    /// Another scenario.
    File(Box<Loaded<S>>),
}

/// Writes the page of the runs that `args` name. `configure` changes the configuration of every process last.
pub(crate) fn show<S: Service>(
    args: &ShowArgs,
    configure: impl Fn(&mut <S::Process as Process>::Config),
) -> io::Result<Exit> {
    let one = match load_one::<S>(&args.path) {
        Ok(one) => one,
        Err(error) => return Ok(load_errors(&[error])),
    };
    let saboteur = args.saboteur.as_deref();
    if let Some(why) = one.planted_otherwise(saboteur) {
        return Ok(usage(&why));
    }
    let beside = match args.against.as_deref().map(|against| beside(against, saboteur)).transpose() {
        Ok(beside) => beside,
        Err(exit) => return Ok(exit),
    };
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.html", one.name)));
    if let Err(why) = can_write_aside(&output) {
        return Ok(usage(&format!("failed to write {}: {why}", output.display())));
    }
    let asked =
        Asked { seed: args.seed, saboteur, run_events_max: args.events_max, events_max: args.shown_max };
    let progress = Progress::new(1 + usize::from(beside.is_some()));
    let mut made = Vec::new();
    progress.begin(&one.name);
    made.push((&one.path, pictures::of(&one, asked, &configure)));
    if let Some(beside) = &beside {
        let (other, picture) = match beside {
            Beside::Seed(seed) => {
                (&one, pictures::of(&one, Asked { seed: Some(*seed), ..asked }, &configure))
            }
            Beside::Honest => (&one, pictures::of(&one, Asked { saboteur: None, ..asked }, |_| {})),
            Beside::File(other) => (&**other, pictures::of(other, asked, &configure)),
        };
        made.push((&other.path, picture));
    }
    progress.done();
    let mut runs: Vec<Picture> = Vec::new();
    for (path, picture) in made {
        match picture {
            Ok((picture, _)) => runs.push(picture),
            Err(found) => {
                problems(path, &found);
                return Ok(Exit::Usage);
            }
        }
    }
    let page = page::page(&runs)?;
    if let Err(why) = write_aside(&output, &page) {
        return Ok(usage(&why.to_string()));
    }
    let mut out = stdout();
    for run in &runs {
        writeln!(out, "{}: {}", run.name, run.verdict.text)?;
        if run.left_out > 0 {
            writeln!(out, "  the page leaves out its last {} events; --shown-max shows more", run.left_out)?;
        }
    }
    writeln!(out, "wrote {}, {} KB", quoted(&output), page.len().div_ceil(1_000))?;
    out.flush()?;
    if args.open {
        open(&output);
    }
    Ok(Exit::Passed)
}

fn beside<S: Service>(against: &str, saboteur: Option<&str>) -> Result<Beside<S>, Exit> {
    if against == "honest" {
        return match saboteur {
            Some(_) => Ok(Beside::Honest),
            None => {
                Err(usage("--against honest needs --saboteur: without a planted bug both runs are the same"))
            }
        };
    }
    if let Some(seed) = against.strip_prefix("seed=") {
        let parsed = seed.parse().map(Beside::Seed);
        return parsed.map_err(|_| usage(&format!("--against seed={seed}: a seed is a whole number from 0")));
    }
    match load_one::<S>(Path::new(against)) {
        Ok(other) => match other.planted_otherwise(saboteur) {
            Some(why) => Err(usage(&why)),
            None => Ok(Beside::File(Box::new(other))),
        },
        Err(error) => Err(load_errors(&[error])),
    }
}

/// Opens the page in the browser of the desktop. The page is written anyhow.
fn open(path: &Path) {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let mut command = Command::new(program);
    command.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let opened = command.status();
    match opened {
        Ok(status) if status.success() => {}
        Ok(status) => {
            warning(format_args!("`{program}` did not open the page ({status}): open the file in a browser"))
        }
        Err(why) => warning(format_args!("failed to run `{program}`: {why}; open the file in a browser")),
    }
}
