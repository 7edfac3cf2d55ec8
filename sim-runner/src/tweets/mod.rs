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
use aviary::tweets::site::Participant;
use clap::Subcommand;

#[cfg(not(feature = "udp"))]
use crate::report;
use crate::{Exit, args, commands, completions, configured, replay_recording, show, with};
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
    /// Only to say how to build the program that can do it
    #[cfg(not(feature = "udp"))]
    #[command(hide = true, disable_help_flag = true)]
    Soak {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        _args: Vec<std::ffi::OsString>,
    },
}

/// The command line of the tweet service: the commands of any service, with [`saboteurs`], and more commands.
pub fn main() -> ExitCode {
    let exit = with(std::env::args_os(), commands::<RunnerCommand>(), |command| match command {
        RunnerCommand::Any(command) => any(command),
        RunnerCommand::Matrix(args) => matrix::matrix(args),
        RunnerCommand::Saboteurs(args) => hunt::saboteurs(args),
        #[cfg(feature = "udp")]
        RunnerCommand::Soak(args) => soak::soak(args),
        #[cfg(not(feature = "udp"))]
        RunnerCommand::Soak { .. } => Ok(report::usage(
            "this program was built without real sites: build it with `--features udp`, as in `cargo run --release -p \
             sim-runner --features udp -- soak`",
        )),
    });
    exit.into()
}

/// Executes a command of any service, with the named planted bug, if there is one.
fn any(command: &args::HarnessCommand) -> io::Result<Exit> {
    if let args::HarnessCommand::Completions(args) = command {
        return completions::completions(args, commands::<RunnerCommand>());
    }
    if let args::HarnessCommand::ReplayRecording(args) = command {
        return replay_recording::replay_recording::<Participant>(args);
    }
    if let args::HarnessCommand::Show(args) = command
        && args.path.is_dir()
    {
        return show::show_recording::<Timelines>(args);
    }
    // An honest process is a liar without a lie, so that everything is compiled for one type of process.
    let saboteur = match command.saboteur() {
        None => None,
        Some(name) => match saboteurs::find(name) {
            None => return Ok(matrix::chosen::unknown(name, &[])),
            found => found,
        },
    };
    configured::<Lying>(command, commands::<RunnerCommand>, move |config| config.saboteur = saboteur)
}
