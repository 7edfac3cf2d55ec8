//! A protocol with a bug beside the same protocol without it: a program that shows that a scenario tells them apart.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use aviary::process::Process;
use aviary::scenario::Service;

use crate::args::HarnessCommand;
use crate::report::error;
use crate::{Exit, honest, with, without_recordings};

/// Without arguments, replays `scenario` twice, as `S` is and with the configuration that `fix` changes: succeeds if the
/// first run violates something and the second passes. With arguments it is the command line of `S` as it is, or after a
/// leading `--fixed` with the changed configuration.
pub fn contrast<S: Service>(scenario: &str, fix: fn(&mut <S::Process as Process>::Config)) -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    if args.len() > 1 {
        let is_fixed = args[1] == "--fixed";
        args.drain(1..1 + usize::from(is_fixed));
        return run::<S>(args, is_fixed, fix).into();
    }
    let replay = || ["", "replay", scenario].map(OsString::from).to_vec();
    print("With the bug:");
    let bug = run::<S>(replay(), false, fix);
    print("Fixed:");
    let fix = run::<S>(replay(), true, fix);
    let exit = match (bug, fix) {
        (Exit::Violated, Exit::Passed) => Exit::Passed,
        (Exit::Usage, _) | (_, Exit::Usage) => Exit::Usage,
        (bug, fix) => {
            error(format_args!("{scenario} does not tell them apart: {bug:?} with the bug, {fix:?} without"));
            Exit::Violated
        }
    };
    exit.into()
}

fn run<S: Service>(
    args: Vec<OsString>,
    is_fixed: bool,
    fix: fn(&mut <S::Process as Process>::Config),
) -> Exit {
    let configure = move |config: &mut _| {
        if is_fixed {
            fix(config);
        }
    };
    with(args, without_recordings(), |command: &HarnessCommand| {
        honest::<S>(command, without_recordings, configure)
    })
}

/// Prints a line. A closed standard output is ignored.
fn print(what: &str) {
    let _ = writeln!(io::stdout(), "{what}");
}
