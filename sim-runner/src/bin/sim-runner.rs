//! The command line of the tweet service's scenarios.

use std::process::ExitCode;

fn main() -> ExitCode {
    sim_runner::tweets::main()
}
