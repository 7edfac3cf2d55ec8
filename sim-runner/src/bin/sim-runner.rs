//! The command line for scenarios of the tweet service.

use std::process::ExitCode;

fn main() -> ExitCode {
    sim_runner::tweets::main()
}
