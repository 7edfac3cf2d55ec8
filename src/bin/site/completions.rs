//! `site completions`: a script that lets a shell complete commands and flags.

use clap::Command;
use clap_complete::Shell;

use crate::error::ProgramError;
use crate::terminal;

/// The use of the script in each shell.
pub(crate) const HELP: &str = "For bash, in ~/.bashrc: source <(site completions bash)
For zsh, into a folder of fpath: site completions zsh > _site
For fish: site completions fish > ~/.config/fish/completions/site.fish";

/// The shell that gets a script.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    shell: Shell,
}

pub(crate) fn print(arguments: &Completions, program: &Command) -> Result<(), ProgramError> {
    // Everything but the commands that are hidden from people.
    let commands = program.get_subcommands().filter(|command| !command.is_hide_set());
    let mut shown = Command::new("site")
        .version(env!("CARGO_PKG_VERSION"))
        .args(program.get_arguments())
        .subcommands(commands.cloned());
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut shown, "site", &mut script);
    terminal::answer(&String::from_utf8_lossy(&script))
}
