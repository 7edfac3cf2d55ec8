//! The commands of `sim-runner` for raft-rs: `cargo run --release -- replay scenarios`.

fn main() -> std::process::ExitCode {
    sim_runner::main::<aviary::protocol::Sites<raft_cage::Site>>()
}
