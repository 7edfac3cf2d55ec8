//! The commands of `sim-runner` for raft-rs: `cargo run --release -- replay scenarios --trace`.

use raft_cage::{HONEST, Service};

fn main() -> std::process::ExitCode {
    sim_runner::main::<Service<HONEST>>()
}
