//! `shrink`: makes a failing scenario as small as possible.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use aviary::scenario::{Scenario, Service, write};
use aviary::search::{self, Budget, NotShrunk, Runner, Shrunk, can_write_aside, write_aside};

use crate::Exit;
use crate::args::{ShrinkArgs, time_or};
use crate::files::{Loaded, load_one};
use crate::interrupt;
use crate::progress::Progress;
use crate::report::{BAD, error, load_errors, problems, program, quoted, stdout};

/// Shrinks the scenario that `args` name.
pub(crate) fn shrink<S: Service>(args: &ShrinkArgs, runner: &Runner<S>) -> io::Result<Exit> {
    let loaded = match load_one::<S>(&args.path) {
        Ok(loaded) => loaded,
        Err(error) => return Ok(load_errors(&[error])),
    };
    if let Some(why) = loaded.planted_otherwise(args.saboteur.as_deref()) {
        error(format_args!("{why}"));
        return Ok(Exit::Usage);
    }
    // An unwritable file is found before shrinking takes any time.
    if let Some(out) = &args.out
        && let Err(why) = can_write_aside(out)
    {
        error(format_args!("failed to write {}: {why}", out.display()));
        return Ok(Exit::Usage);
    }
    let mut runner = runner.clone();
    runner.options.seed = args.seed;
    let stop = interrupt::flag()?;
    let runs_max = args.runs.unwrap_or(Budget::DEFAULT.runs_max);
    let time = time_or(args.time, args.runs.is_some(), Budget::DEFAULT.time);
    let budget = Budget { time, runs_max, stop: Some(&stop) };
    let progress = Progress::endless(&format!("shrinking {}", loaded.name));
    let shrunk = search::shrink(&runner, &loaded.scenario, None, &budget);
    drop(progress);
    match shrunk {
        Ok(shrunk) => match &loaded.failure {
            Some(failure) if failure.property != shrunk.property.name() => {
                let (path, found) = (args.path.display(), &failure.property);
                error(format_args!("{path} was saved for {found}, but breaks {}", shrunk.property));
                Ok(Exit::Usage)
            }
            _ => print_result(args, &loaded, &shrunk, stop.load(Ordering::Relaxed)),
        },
        Err(why) => Ok(refused(&args.path, &why)),
    }
}

/// Prints why there is nothing to shrink or to blame, and returns the exit.
pub(crate) fn refused(path: &Path, why: &NotShrunk) -> Exit {
    match why {
        NotShrunk::Wrong(found) => problems(path, found),
        NotShrunk::Otherwise(_) | NotShrunk::Unsteady => {
            error(format_args!("{}: {why}", path.display()));
        }
    }
    if matches!(why, NotShrunk::Unsteady) { Exit::Nondeterministic } else { Exit::Usage }
}

fn print_result<S: Service>(
    args: &ShrinkArgs,
    loaded: &Loaded<S>,
    shrunk: &Shrunk<S>,
    is_interrupted: bool,
) -> io::Result<Exit> {
    let saboteur = args.saboteur.as_deref().map(|name| format!(" --saboteur {name}")).unwrap_or_default();
    let seed = shrunk.scenario.seed;
    let reproduce =
        |path: &Path| format!("{} replay {} --seed {seed}{saboteur} --trace", program(), quoted(path));
    let text = format!("// {}\n{}", shrunk.outcome.verdict, write(&shrunk.scenario));
    let Some(out) = &args.out else {
        let mut to = stdout();
        to.write_all(text.as_bytes())?;
        to.flush()?;
        return Ok(Exit::Passed);
    };
    if let Err(why) = write_aside(out, &text) {
        error(format_args!("{why}"));
        return Ok(Exit::Usage);
    }
    let mut to = stdout();
    let (before, after) = (ScenarioSize::of(&loaded.scenario), ScenarioSize::of(&shrunk.scenario));
    writeln!(to, "{BAD}{}{BAD:#}", shrunk.outcome.verdict)?;
    writeln!(to, "  from: {before}")?;
    writeln!(to, "  to:   {after}, in {}", out.display())?;
    let rest = match (shrunk.is_least, is_interrupted) {
        (true, _) => "nothing more goes",
        (false, true) => "interrupted: more may go",
        (false, false) if args.runs.is_some() && args.time.is_none_or(|time| shrunk.took < time) => {
            "no more were allowed: more may go"
        }
        (false, false) => "the time is over: more may go",
    };
    writeln!(to, "  {} runs in {:.1} s; {rest}", shrunk.runs, shrunk.took.as_secs_f64())?;
    writeln!(to, "  reproduce: {}", reproduce(out))?;
    to.flush()?;
    Ok(Exit::Passed)
}

/// The size of a scenario.
struct ScenarioSize {
    sites: u8,
    clients: u16,
    steps: usize,
    rules: usize,
}

impl ScenarioSize {
    fn of<S: Service>(scenario: &Scenario<S>) -> ScenarioSize {
        let Scenario { sites, clients, rules, .. } = scenario;
        let steps = scenario.tracks().map(<[_]>::len).sum();
        ScenarioSize { sites: *sites, clients: *clients, steps, rules: rules.len() }
    }
}

impl std::fmt::Display for ScenarioSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = |count: usize, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let members = [count(self.sites.into(), "site"), count(self.clients.into(), "client")];
        write!(f, "{}, {}, {}", members.join(", "), count(self.steps, "step"), count(self.rules, "rule"))
    }
}
