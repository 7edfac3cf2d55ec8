//! The command line of scenarios, for any service: a program is one line, [`main`] with the service's name.
//! A program with arguments of its own hands the rest of them to [`run`].
//!
//! It decides nothing about runs. What it adds to them is what they may not have: files, flags, wall time, colours
//! and exit codes.

mod args;
mod audit;
mod blame;
mod check;
mod contrast;
mod draw;
mod files;
mod hunt;
mod matrix;
mod new;
mod progress;
#[cfg(feature = "udp")]
pub mod proxy;
#[cfg(feature = "udp")]
pub mod real;
mod record;
mod replay;
mod replay_recording;
mod report;
pub mod saboteurs;
mod shrink;
mod side_by_side;
#[cfg(feature = "udp")]
mod soak;
mod sweep;
mod words;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use args::{Blame, Command, Shrink};
use aviary::scenario::{RunOptions, Service, Verdict};
use aviary::search::Runner;
use aviary::tweets::service::Timelines;
use aviary::tweets::site::Participant;
use clap::{CommandFactory, FromArgMatches};
use saboteurs::Lying;

pub use contrast::contrast;

/// Runs the command line of `S` and says how to exit.
pub fn main<S: Service>() -> ExitCode {
    run::<S, _>(std::env::args_os()).into()
}

/// How a program exits that did something of its own: an error is reported, and is exit code 2.
pub fn ended<E: std::fmt::Display>(done: Result<(), E>) -> ExitCode {
    match done {
        Ok(()) => Exit::Passed.into(),
        Err(error) => {
            report::error(format_args!("{error}"));
            Exit::Usage.into()
        }
    }
}

/// Does what a command line of `S` asks, which starts with the program's name.
pub fn run<S: Service, A: Into<OsString> + Clone>(args: impl IntoIterator<Item = A>) -> Exit {
    with(args, of::<S>)
}

/// The command line of the tweet service, for which there are [`saboteurs`].
pub fn main_with_saboteurs() -> ExitCode {
    let exit = with(std::env::args_os(), |command| match command {
        Command::Replay(args) => match &args.saboteur {
            None => of::<Timelines>(command),
            Some(name) => match saboteurs::find(name) {
                None => Ok(matrix::chosen::unknown(name, &[])),
                found => replay::replay::<Lying>(args, |config| config.saboteur = found),
            },
        },
        Command::Sweep(args) => match &args.saboteur {
            None => of::<Timelines>(command),
            Some(name) => match saboteurs::find(name) {
                None => Ok(matrix::chosen::unknown(name, &[])),
                found => sweep::sweep::<Lying>(args, move |config| config.saboteur = found),
            },
        },
        Command::ReplayRecording(args) => replay_recording::replay_recording::<Participant>(args),
        Command::Matrix(args) => matrix::matrix(args),
        #[cfg(feature = "udp")]
        Command::Soak(args) => soak::soak(args),
        Command::Saboteurs(args) => hunt::saboteurs(args),
        Command::Shrink(args) => sabotaged(args.saboteur.as_deref(), |runner| shrink::shrink(args, runner))
            .unwrap_or_else(|| of::<Timelines>(command)),
        Command::Blame(args) => sabotaged(args.saboteur.as_deref(), |runner| blame::blame(args, runner))
            .unwrap_or_else(|| of::<Timelines>(command)),
        _ => of::<Timelines>(command),
    });
    exit.into()
}

fn of<S: Service>(command: &Command) -> io::Result<Exit> {
    match command {
        Command::Replay(args) if args.saboteur.is_some() => Ok(no_saboteurs()),
        Command::Sweep(args) if args.saboteur.is_some() => Ok(no_saboteurs()),
        Command::Matrix(_) | Command::Saboteurs(_) => Ok(no_saboteurs()),
        Command::ReplayRecording(_) => {
            Ok(report::usage("recordings are of the tweet service: this program has none"))
        }
        #[cfg(feature = "udp")]
        Command::Soak(_) => Ok(report::usage("this service has no real sites; `soak` is of the timeline's")),
        Command::Shrink(Shrink { saboteur: Some(_), .. })
        | Command::Blame(Blame { saboteur: Some(_), .. }) => Ok(no_saboteurs()),
        Command::Shrink(args) => shrink::shrink::<S>(args, &Runner::new(RunOptions::default())),
        Command::Blame(args) => blame::blame::<S>(args, &Runner::new(RunOptions::default())),
        Command::Replay(args) => replay::replay::<S>(args, |_| {}),
        Command::Sweep(args) => sweep::sweep::<S>(args, |_| {}),
        Command::Audit(args) => audit::audit::<S>(args),
        Command::Record(args) => record::record::<S>(args),
        Command::Check(args) => check::check::<S>(args),
        Command::New(args) => new::new::<S>(args),
        Command::Words => words::words(),
        Command::Draw(args) => draw::draw::<S>(args),
    }
}

/// Searches with the planted bug of this name, if one is named.
fn sabotaged(
    name: Option<&str>,
    search: impl FnOnce(&Runner<Lying>) -> io::Result<Exit>,
) -> Option<io::Result<Exit>> {
    let name = name?;
    let Some(saboteur) = saboteurs::find(name) else { return Some(Ok(matrix::chosen::unknown(name, &[]))) };
    let configure = move |config: &mut saboteurs::Config| config.saboteur = Some(saboteur);
    Some(search(&Runner::configured(RunOptions::default(), configure)))
}

fn no_saboteurs() -> Exit {
    report::error(format_args!("no saboteurs are planted for this service"));
    Exit::Usage
}

fn with<A: Into<OsString> + Clone>(
    args: impl IntoIterator<Item = A>,
    command: impl FnOnce(&Command) -> io::Result<Exit>,
) -> Exit {
    let parsed = args::Args::command().try_get_matches_from(args);
    let args = match parsed.and_then(|matches| args::Args::from_arg_matches(&matches)) {
        Ok(args) => args,
        Err(error) => {
            // Nobody is left to be told when this fails.
            let _ = error.print();
            return Exit::from_clap(&error);
        }
    };
    command(&args.command).unwrap_or_else(|error| {
        // A reader that went away, like `| head`, wants no complaint.
        if error.kind() != io::ErrorKind::BrokenPipe {
            report::error(format_args!("failed to write: {error}"));
            return Exit::Usage;
        }
        Exit::Passed
    })
}

/// How a program of this kind ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Everything held.
    Passed = 0,
    /// A property or an expectation did not hold, or a process panicked.
    Violated = 1,
    /// A flag or a file is wrong, a recording is by other code, or the program to compare with cannot be run.
    Usage = 2,
    /// No progress after healing.
    Stalled = 3,
    /// Two runs of the same scenario differed, or a recording and its replay.
    Nondeterministic = 4,
    /// A required step never fired, a named rule matched nothing, or the budget was spent.
    Stale = 5,
    /// A saboteur is not caught, a scenario is turned red by no saboteur, or what must happen in a sweep never did.
    Blind = 6,
}

impl Exit {
    /// What one verdict means.
    pub const fn of(verdict: &Verdict) -> Exit {
        match verdict {
            Verdict::Passed => Exit::Passed,
            Verdict::Violated(_) | Verdict::Panicked { .. } => Exit::Violated,
            Verdict::Stalled { .. } => Exit::Stalled,
            Verdict::Stale { .. } | Verdict::Undecided { .. } => Exit::Stale,
        }
    }

    /// What several mean together: the first of 1, 4, 3, 5, 6 that is there.
    pub fn worst(exits: &[Exit]) -> Exit {
        let order = [Exit::Violated, Exit::Nondeterministic, Exit::Stalled, Exit::Stale, Exit::Blind];
        order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Passed)
    }

    fn from_clap(error: &clap::Error) -> Exit {
        if error.use_stderr() { Exit::Usage } else { Exit::Passed }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_is_by_its_meaning_not_its_number() {
        use Exit::{Nondeterministic, Passed, Stale, Stalled, Violated};
        assert_eq!(Exit::worst(&[]), Passed);
        assert_eq!(Exit::worst(&[Passed, Stale, Stalled]), Stalled);
        assert_eq!(Exit::worst(&[Stalled, Nondeterministic, Passed]), Nondeterministic);
        assert_eq!(Exit::worst(&[Stale, Nondeterministic, Violated]), Violated);
    }
}
