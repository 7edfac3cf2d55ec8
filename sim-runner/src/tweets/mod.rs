//! The parts for the tweet service only: planted bugs, real sites under test, and their commands.

mod hunt;
mod matrix;
#[cfg(feature = "udp")]
pub mod real;
pub mod saboteurs;
#[cfg(feature = "udp")]
mod soak;

use std::io;
use std::process::ExitCode;

use aviary::tweets::service::Timelines;
use clap::Subcommand;

use crate::{Exit, args, commands, completions, configured, of_savable, with};
use saboteurs::Lying;

#[derive(Subcommand, Debug)]
enum RunnerCommand {
    #[command(flatten)]
    Any(args::HarnessCommand),
    /// Plant bugs and show which scenario catches which
    Matrix(matrix::MatrixArgs),
    /// Hunt planted bugs by sweeps; show how soon each is found and how small its failure becomes
    Saboteurs(hunt::SaboteursArgs),
    /// Run real sites under load with kills, pauses and network faults, and judge the result
    #[cfg(feature = "udp")]
    Soak(soak::SoakArgs),
}

/// The command line of the tweet service: the commands of any service, with [`saboteurs`], and more commands.
pub fn main() -> ExitCode {
    let exit = with(std::env::args_os(), |command| match command {
        RunnerCommand::Any(command) => any(command),
        RunnerCommand::Matrix(args) => matrix::matrix(args),
        RunnerCommand::Saboteurs(args) => hunt::saboteurs(args),
        #[cfg(feature = "udp")]
        RunnerCommand::Soak(args) => soak::soak(args),
    });
    exit.into()
}

/// Executes a command of any service, with the named planted bug, if there is one.
fn any(command: &args::HarnessCommand) -> io::Result<Exit> {
    if let args::HarnessCommand::Completions(args) = command {
        return completions::completions(args, commands::<RunnerCommand>());
    }
    let Some(name) = command.saboteur() else { return of_savable::<Timelines>(command) };
    match saboteurs::find(name) {
        None => Ok(matrix::chosen::unknown(name, &[])),
        found => {
            configured::<Lying>(command, commands::<RunnerCommand>, move |config| config.saboteur = found)
        }
    }
}
