//! The command line of scenarios, for any service: a program is one line, [`main`] with the service's name.
//!
//! It decides nothing about runs. What it adds to them is what they may not have: files, flags, wall time, colours
//! and exit codes.

mod args;
mod audit;
mod check;
mod files;
mod new;
mod progress;
mod record;
mod replay;
mod report;
mod side_by_side;

use std::io;
use std::process::ExitCode;

use aviary::scenario::{Service, Verdict};
use clap::{CommandFactory, FromArgMatches};

/// Runs the command line of `S` and says how to exit.
pub fn main<S: Service>() -> ExitCode {
    let parsed = args::Args::command().try_get_matches();
    let args = match parsed.and_then(|matches| args::Args::from_arg_matches(&matches)) {
        Ok(args) => args,
        Err(error) => {
            // Nobody is left to be told when this fails.
            let _ = error.print();
            return Exit::from_clap(&error).into();
        }
    };
    let done = match args.command {
        args::Command::Replay(replay) => replay::replay::<S>(&replay),
        args::Command::Audit(audit) => audit::audit::<S>(&audit),
        args::Command::Record(record) => record::record::<S>(&record),
        args::Command::Check(check) => check::check::<S>(&check),
        args::Command::New(new) => new::new::<S>(&new),
    };
    let exit = done.unwrap_or_else(|error| {
        // A reader that went away, like `| head`, wants no complaint.
        if error.kind() != io::ErrorKind::BrokenPipe {
            report::error(format_args!("failed to write: {error}"));
            return Exit::Usage;
        }
        Exit::Passed
    });
    exit.into()
}

/// How a program of this kind ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Everything held.
    Passed = 0,
    /// A property or an expectation did not hold, or a process panicked.
    Violated = 1,
    /// A flag or a file is wrong, or the program to compare with cannot be run.
    Usage = 2,
    /// No progress after healing.
    Stalled = 3,
    /// Two runs of the same scenario differed.
    Nondeterministic = 4,
    /// A required step never fired, a named rule matched nothing, or the budget was spent.
    Stale = 5,
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

    /// What several mean together: the first of 1, 4, 3, 5 that is there.
    pub fn worst(exits: &[Exit]) -> Exit {
        let order = [Exit::Violated, Exit::Nondeterministic, Exit::Stalled, Exit::Stale];
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
