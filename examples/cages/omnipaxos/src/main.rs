//! The commands of `sim-runner` for OmniPaxos: `cargo run --release -- replay scenarios --trace`.

use omnipaxos_cage::{HONEST, Service};

fn main() -> std::process::ExitCode {
    sim_runner::main::<Service<HONEST>>()
}
