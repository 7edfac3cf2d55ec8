//! `completions`: the script with which a shell completes commands and flags.

use std::io::{self, Write};

use clap::Command;

use crate::Exit;
use crate::args::CompletionsArgs;
use crate::report::{program_name, stdout};

/// Prints the script for a shell.
pub(crate) fn completions(args: &CompletionsArgs, mut commands: Command) -> io::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut commands, program_name(), &mut script);
    let mut out = stdout();
    out.write_all(&script)?;
    out.flush()?;
    Ok(Exit::Passed)
}
