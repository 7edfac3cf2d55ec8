//! `show`: one run, or two beside each other, as a page for a browser.

pub(crate) mod page;
pub(crate) mod perfetto;
pub(crate) mod pictures;
mod recording;

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use aviary::process::Process;
use aviary::scenario::picture::{BlamePoint, PictureBlame};
use aviary::scenario::{Picture, Service};
use aviary::search::{self, Inquiry, NotShrunk, Runner, can_write_aside, write_aside};

use crate::Exit;
use crate::args::ShowArgs;
use crate::blame::render;
use crate::files::{Loaded, load_one};
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{load_errors, problems, quoted, stdout, usage, warning};
use crate::shrink::refused;
use pictures::Asked;

pub(crate) use recording::show_recording;

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
    runner: &Runner<S>,
    configure: impl Fn(&mut <S::Process as Process>::Config),
) -> io::Result<Exit> {
    if args.path.is_dir() {
        let path = args.path.display();
        return Ok(usage(&format!(
            "{path} is a folder, and this program shows no recordings of real sites: name a scenario"
        )));
    }
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
    let others: Vec<&Path> = match &beside {
        Some(Beside::File(other)) => vec![&args.path, &other.path],
        _ => vec![&args.path],
    };
    if let Some(why) = unwritable(&output, &others) {
        return Ok(usage(&why));
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
    if let Some(time) = args.blame {
        match blamed(runner, &one, args.seed, time)? {
            Ok(blame) => runs[0].blame = Some(blame),
            Err(why) => return Ok(refused(&one.path, &why)),
        }
    }
    written(args, &output, &runs)
}

/// Writes the page of these runs, and says so.
fn written(args: &ShowArgs, output: &Path, runs: &[Picture]) -> io::Result<Exit> {
    let page = page::page(runs)?;
    if let Err(why) = write_aside(output, &page) {
        return Ok(usage(&why.to_string()));
    }
    let mut out = stdout();
    for run in runs {
        writeln!(out, "{}: {}", run.name, run.verdict.text)?;
        if run.left_out > 0 {
            writeln!(
                out,
                "  the page leaves out its {} {} events; --shown-max shows more",
                if run.verdict.name == "passed" { "last" } else { "first" },
                run.left_out
            )?;
        }
    }
    writeln!(out, "wrote {}, {} KB", quoted(output), page.len().div_ceil(1_000))?;
    out.flush()?;
    if args.open {
        // An absolute path is no flag, and whoever opens it may be elsewhere.
        let page = fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
        open(page.as_os_str(), "open the file in a browser");
    }
    Ok(Exit::Passed)
}

/// Why no page can be written to `output`, if that is so.
fn unwritable(output: &Path, inputs: &[&Path]) -> Option<String> {
    would_lose(output, inputs).or_else(|| {
        let why = can_write_aside(output).err()?;
        Some(format!("failed to write {}: {why}", output.display()))
    })
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

/// When the failure of this scenario became inevitable. A shrunken failure contains too little that could have happened
/// otherwise, but the page shows it, and not the scenario that it came from.
fn blamed<S: Service>(
    runner: &Runner<S>,
    one: &Loaded<S>,
    seed: Option<u64>,
    time: Duration,
) -> io::Result<Result<PictureBlame, NotShrunk>> {
    let mut runner = runner.clone();
    runner.options.seed = seed;
    let stop = interrupt::flag()?;
    let inquiry = Inquiry { time, stop: Some(&stop), ..Inquiry::default() };
    let progress = Progress::endless(&format!("forking {}", one.name));
    let blamed = search::blame(&runner, &one.scenario, &inquiry);
    drop(progress);
    let blamed = match blamed {
        Ok(blamed) => blamed,
        Err(why) => return Ok(Err(why)),
    };
    let mut text = Vec::new();
    render::text(&mut text, &blamed)?;
    let text = anstream::adapter::strip_str(&String::from_utf8_lossy(&text)).to_string();
    let point = |point: &search::Point| BlamePoint {
        at: point.at.as_micros(),
        failed: point.failed,
        of: point.forks,
    };
    Ok(Ok(PictureBlame { text, points: blamed.curve.iter().map(point).collect() }))
}

/// Why the page must not be written there: something else would be lost.
fn would_lose(output: &Path, inputs: &[&Path]) -> Option<String> {
    let real = fs::canonicalize(output).ok()?;
    let shown = output.display();
    if inputs.iter().any(|input| fs::canonicalize(input).is_ok_and(|input| input == real)) {
        return Some(format!("{shown} is what is to be shown: write the page to another file"));
    }
    let mut begin = [0; PAGE_BEGIN.len()];
    let mut file = fs::File::open(&real).ok().filter(|_| real.is_file())?;
    let is_empty = file.metadata().is_ok_and(|meta| meta.len() == 0);
    let is_page = file.read_exact(&mut begin).is_ok() && begin == *PAGE_BEGIN.as_bytes();
    (!is_page && !is_empty)
        .then(|| format!("{shown} exists and is no page: write to another file, or remove it"))
}

/// How every page begins.
const PAGE_BEGIN: &str = "<!doctype html>";

/// Opens a page in the browser of the desktop. If that fails, `otherwise` says what to do.
pub(crate) fn open(page: &OsStr, otherwise: &str) {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let mut command = Command::new(program);
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It is not waited for: some openers run until the browser is closed.
    if let Err(why) = command.spawn() {
        warning(format_args!("failed to run `{program}`: {why}; {otherwise}"));
    }
}
