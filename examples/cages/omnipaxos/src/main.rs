//! The commands of `sim-runner` for OmniPaxos: `cargo run --release -- replay scenarios`.

fn main() -> std::process::ExitCode {
    sim_runner::main::<aviary::protocol::Sites<omnipaxos_cage::Site>>()
}
