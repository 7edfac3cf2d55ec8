//! A protocol with a bug beside the same protocol without it: a program that shows that a scenario tells them apart.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use aviary::scenario::Service;

use crate::report::error;
use crate::{Exit, run};

/// Without arguments, replays `scenario` with both: succeeds if `Bug` violates something and `Fix` passes. With
/// arguments it is the command line of `Bug`, or after a leading `--fixed` that of `Fix`.
pub fn contrast<Bug: Service, Fix: Service>(scenario: &str) -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    if args.len() > 1 {
        let is_fixed = args[1] == "--fixed";
        args.drain(1..1 + usize::from(is_fixed));
        return if is_fixed { run::<Fix, _>(args) } else { run::<Bug, _>(args) }.into();
    }
    let replay = ["", "replay", scenario];
    print("With the bug:");
    let bug = run::<Bug, _>(replay);
    print("Fixed:");
    let fix = run::<Fix, _>(replay);
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

/// Prints a line. A closed standard output is ignored.
fn print(what: &str) {
    let _ = writeln!(io::stdout(), "{what}");
}
