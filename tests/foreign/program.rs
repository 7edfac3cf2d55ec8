//! What a program of `sim-runner` reports of rebuilt clones, and its log lines. The program is this test itself.

use std::env;
use std::process::{Command, Output};

use aviary::prelude::*;

use super::beacon::{Beacons, Lonely};

const ARGUMENTS: &str = "AVIARY_AS_PROGRAM";

/// No test of its own: it is the program if it is called as one.
#[test]
fn as_program() {
    let Some(args) = env::var_os(ARGUMENTS) else { return };
    let args = args.into_string().unwrap();
    let exit = sim_runner::run::<Beacons<Rebuilt<Lonely>>, _>(["program"].into_iter().chain(args.split(' ')));
    std::process::exit(exit as i32);
}

fn program(args: &str) -> (Output, String) {
    let args = format!("{args} {}/tests/foreign/beacon.ron", env!("CARGO_MANIFEST_DIR"));
    let mut program = Command::new(env::current_exe().expect("this program"));
    program.args(["--exact", "program::as_program", "--nocapture"]);
    program.env(ARGUMENTS, args).env_remove("SIM_RUNNER_SEED").env_remove("CLICOLOR_FORCE");
    program.env_remove("SIM_RUNNER_LOG");
    let output = program.output().expect("the program runs");
    let text = String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).expect("output in UTF-8");
    (output, text)
}

#[test]
fn blame_says_what_its_forks_cost_and_replay_clones_nothing() {
    let (output, text) = program("blame --runs 12 --forks 2");
    assert!(output.status.success(), "{text}");
    let line = text.lines().find(|line| line.contains(" clones of processes were rebuilt, and replayed "));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    let replayed: u64 = line.split(' ').rev().nth(1).unwrap().parse().unwrap();
    assert!(replayed > 100, "{line}");
    let (_, text) = program("replay");
    assert!(text.contains("not converged") && !text.contains("rebuilt"), "{text}");
}

#[cfg(feature = "log")]
#[test]
fn the_flag_log_chooses_the_lines_of_a_trace() {
    let shows = |args: &str| program(args).1.contains("logs info foreign::beacon: S0 learns 7");
    assert!(shows("replay --trace") && shows("replay --trace=full") && shows("replay --trace --log debug"));
    assert!(!shows("replay --trace --log warn") && !shows("replay --trace --log off"));
    let (output, text) = program("replay --log loud");
    assert!(output.status.code() == Some(2) && text.contains("invalid value 'loud'"), "{text}");
}
