//! `site completions`: what has a shell complete commands and flags.

use clap_complete::Shell;

use crate::error::ProgramError;
use crate::terminal;

/// How to use it.
pub(crate) const HELP: &str = "For bash, in ~/.bashrc: source <(site completions bash)
For zsh, into a folder of fpath: site completions zsh > _site
For fish: site completions fish > ~/.config/fish/completions/site.fish";

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    shell: Shell,
}

pub(crate) fn print(arguments: &Completions, program: &mut clap::Command) -> Result<(), ProgramError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, program, "site", &mut script);
    terminal::answer(&String::from_utf8_lossy(&script))
}
