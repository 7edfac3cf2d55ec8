//! The command line for scenarios of any service: a program consists of one line, [`main`] with the service's name. A
//! program with arguments of its own passes the other arguments to [`run`].
//!
//! This crate decides nothing about runs. It adds what runs may not use: files, flags, wall time, colours and exit
//! codes.
//!
//! Only `tweets` knows a service, ours, and nothing else here uses that module.

mod args;
mod ask;
mod audit;
mod blame;
mod check;
mod colours;
mod columns;
mod completions;
mod contrast;
mod draw;
mod files;
mod interrupt;
#[cfg(any(feature = "log", feature = "slog", feature = "tracing"))]
mod log;
mod new;
mod new_protocol;
mod progress;
#[cfg(feature = "udp")]
pub mod proxy;
mod record;
mod replay;
mod replay_recording;
mod report;
mod show;
mod shrink;
mod side_by_side;
#[cfg(feature = "http")]
mod step;
mod sweep;
#[cfg(feature = "tweets")]
pub mod tweets;
mod vocabulary;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use args::HarnessCommand;
use aviary::foreign::rebuilt;
use aviary::process::{Process, Savable};
use aviary::scenario::{RunOptions, Service, Verdict};
use aviary::search::Runner;
use clap::{CommandFactory, FromArgMatches, Subcommand};

pub use contrast::contrast;

/// Runs the command line of `S` and returns the exit code.
pub fn main<S: Service>() -> ExitCode {
    run::<S, _>(std::env::args_os()).into()
}

/// The exit code of a program that did something of its own: an error is printed and gives exit code 2.
pub fn ended<E: std::fmt::Display>(done: Result<(), E>) -> ExitCode {
    match done {
        Ok(()) => Exit::Passed.into(),
        Err(error) => {
            report::error(format_args!("{error}"));
            Exit::Usage.into()
        }
    }
}

/// Like [`main`], with the command `replay-recording` for recordings of real sites.
pub fn main_with_recordings<S: Service<Process: Savable>>() -> ExitCode {
    with(std::env::args_os(), commands::<HarnessCommand>(), of_savable::<S>).into()
}

/// Executes a command line of `S`. The first argument is the program's name.
pub fn run<S: Service, A: Into<OsString> + Clone>(args: impl IntoIterator<Item = A>) -> Exit {
    with(args, without_recordings(), of::<S>)
}

fn of_savable<S: Service<Process: Savable>>(command: &HarnessCommand) -> io::Result<Exit> {
    match command {
        HarnessCommand::ReplayRecording(args) => replay_recording::replay_recording::<S::Process>(args),
        HarnessCommand::Show(args) if args.path.is_dir() => show::show_recording::<S>(args),
        _ => honest::<S>(command, commands::<HarnessCommand>, |_| {}),
    }
}

/// The commands of a program, for shell completion.
fn commands<C: Subcommand>() -> clap::Command {
    args::CommandLine::<C>::command()
}

/// The commands of a program that replays no recordings: it does not show the command for that.
fn without_recordings() -> clap::Command {
    commands::<HarnessCommand>().mut_subcommand("replay-recording", |command| command.hide(true))
}

fn of<S: Service>(command: &HarnessCommand) -> io::Result<Exit> {
    honest::<S>(command, without_recordings, |_| {})
}

fn honest<S: Service>(
    command: &HarnessCommand,
    commands: fn() -> clap::Command,
    configure: impl Fn(&mut <S::Process as Process>::Config) + Copy + Send + Sync + 'static,
) -> io::Result<Exit> {
    match command.saboteur() {
        Some(_) => Ok(report::usage("no saboteurs are planted for this service")),
        None => configured::<S>(command, commands, configure),
    }
}

/// Executes `command`. `configure` changes the configuration of every process last, and can plant a saboteur there.
fn configured<S: Service>(
    command: &HarnessCommand,
    commands: impl Fn() -> clap::Command,
    configure: impl Fn(&mut <S::Process as Process>::Config) + Copy + Send + Sync + 'static,
) -> io::Result<Exit> {
    let runner = || Runner::configured(RunOptions::default(), configure);
    match command {
        HarnessCommand::Replay(args) => replay::replay::<S>(args, configure),
        HarnessCommand::Show(args) => show::show::<S>(args, &runner(), configure),
        #[cfg(feature = "http")]
        HarnessCommand::Step(args) => step::step::<S>(args, configure),
        #[cfg(not(feature = "http"))]
        HarnessCommand::Step { .. } => Ok(report::usage(
            "this program was built without a server: build it with the feature `http` of sim-runner, as in `cargo run \
             --release -p sim-runner --features http -- step FILE`",
        )),
        HarnessCommand::ReplayRecording(_) => {
            Ok(report::usage("this program replays no recordings of real sites"))
        }
        HarnessCommand::Audit(args) => audit::audit::<S>(args, configure),
        HarnessCommand::Record(args) => record::record::<S>(args, configure),
        HarnessCommand::Check(args) => check::check::<S>(args),
        HarnessCommand::New(args) => new::new::<S>(args),
        HarnessCommand::NewProtocol(args) => new_protocol::new_protocol(args),
        HarnessCommand::Words(args) => vocabulary::words::<S>(args),
        HarnessCommand::Completions(args) => completions::completions(args, commands()),
        HarnessCommand::Sweep(args) => sweep::sweep::<S>(args, configure),
        HarnessCommand::Ask(args) => ask::ask::<S>(args, configure),
        HarnessCommand::Draw(args) => draw::draw::<S>(args),
        HarnessCommand::Shrink(args) => shrink::shrink::<S>(args, &runner()),
        HarnessCommand::Blame(args) => blame::blame::<S>(args, &runner()),
    }
}

fn with<C: Subcommand, A: Into<OsString> + Clone>(
    args: impl IntoIterator<Item = A>,
    commands: clap::Command,
    command: impl FnOnce(&C) -> io::Result<Exit>,
) -> Exit {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    colours::choose(colours::asked_for(&args));
    let parsed = without_empty_variables(commands).try_get_matches_from(args);
    let args = match parsed.and_then(|matches| args::CommandLine::from_arg_matches(&matches)) {
        Ok(args) => args,
        Err(error) => {
            // If printing fails, nobody is left to read about it.
            let _ = error.print();
            return Exit::from_clap(&error);
        }
    };
    #[cfg(any(feature = "log", feature = "slog", feature = "tracing"))]
    log::install(args.log);
    let before = rebuilt::replayed();
    let exit = command(&args.command).unwrap_or_else(|error| {
        report::error(format_args!("failed to write: {error}"));
        Exit::Usage
    });
    report::replayed(before, rebuilt::replayed());
    exit
}

/// Treats an empty environment variable like an absent one.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let without = |arg: clap::Arg| match arg.get_env() {
        Some(name) if std::env::var_os(name).is_some_and(|value| value.is_empty()) => {
            arg.env(clap::builder::Resettable::Reset)
        }
        _ => arg,
    };
    command.mut_args(without).mut_subcommands(|command| command.mut_args(without))
}

/// How a program of this kind ends: its exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Everything held.
    Passed = 0,
    /// A property or an expectation did not hold, or a process panicked.
    Violated = 1,
    /// A flag or a file is wrong, other code wrote a recording, or the program to compare with cannot be run.
    Usage = 2,
    /// No progress after healing.
    Stalled = 3,
    /// Two runs of the same scenario differed, or a recording and its replay.
    Nondeterministic = 4,
    /// A required step never fired, a named rule matched nothing, or the budget was spent.
    Stale = 5,
    /// A saboteur was not caught, no saboteur turned a scenario red, a required fact never occurred in a sweep, or a
    /// matrix or a hunt was interrupted.
    Blind = 6,
}

impl Exit {
    /// The exit for one verdict.
    pub const fn of(verdict: &Verdict) -> Exit {
        match verdict {
            Verdict::Passed => Exit::Passed,
            Verdict::Violated(_) | Verdict::Panicked { .. } => Exit::Violated,
            Verdict::Stalled { .. } => Exit::Stalled,
            Verdict::Stale { .. } | Verdict::Undecided { .. } => Exit::Stale,
        }
    }

    /// The exit for several verdicts: the first of 1, 4, 3, 5, 6, 2 that occurs.
    pub fn worst(exits: &[Exit]) -> Exit {
        let order =
            [Exit::Violated, Exit::Nondeterministic, Exit::Stalled, Exit::Stale, Exit::Blind, Exit::Usage];
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
    fn only_programs_that_replay_recordings_show_the_command() {
        let shows =
            |mut commands: clap::Command| commands.render_help().to_string().contains("replay-recording");
        assert!(shows(commands::<HarnessCommand>()));
        assert!(!shows(without_recordings()));
    }

    #[test]
    fn the_worst_of_several_is_by_its_meaning_not_its_number() {
        use Exit::{Nondeterministic, Passed, Stale, Stalled, Usage, Violated};
        assert_eq!(Exit::worst(&[]), Passed);
        assert_eq!(Exit::worst(&[Passed, Usage]), Usage, "a report that was not written");
        assert_eq!(Exit::worst(&[Usage, Stale, Stalled]), Stalled);
        assert_eq!(Exit::worst(&[Stalled, Nondeterministic, Passed]), Nondeterministic);
        assert_eq!(Exit::worst(&[Stale, Nondeterministic, Violated]), Violated);
    }
}
