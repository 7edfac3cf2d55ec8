//! The memory of a run, as the operating system sees it.
//!
//! A separate process runs the tweets and reads its own peak of resident memory from `/proc/self/status`. That includes
//! the program and memory that the allocator does not return, and it does not slow down other rows, as a counting
//! allocator would. Linux only; on other systems there is no row.

use std::process::Command;

use aviary::tweets::site::Config;

use crate::Bench;
use crate::load::{Load, many_events_a_slot, one_event_a_slot};
use crate::table::{Row, Target};

pub const BENCHES: &[Bench] = &[
    Bench { name: "memory", rows, fixed: Some(|count| report(one_event_a_slot(), count)) },
    Bench {
        name: "memory-batched",
        rows: Vec::new,
        fixed: Some(|count| report(many_events_a_slot(), count)),
    },
];

const FEW: u64 = 1_000;
const MANY: u64 = 10_000;

/// Runs `count` tweets and prints the peak in KiB.
fn report(config: Config, count: u64) {
    let mut load = Load::new(config, 64);
    load.run(count);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{}", peak.map_or("unknown", |peak| peak.trim().trim_end_matches(" kB")));
}

/// The peak memory of a process that runs this bench, in KiB.
fn peak(bench: &str, count: u64) -> Option<f64> {
    let program = std::env::current_exe().ok()?;
    let output = Command::new(program).args(["--fixed", bench, &count.to_string()]).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

fn rows() -> Vec<Row> {
    let row = |name: String, ours, unit, target| Row { name, ours, unit, bare: None, target };
    let mut rows = Vec::new();
    for (bench, slots) in [("memory", "one event a slot"), ("memory-batched", "many events a slot")] {
        let (Some(few), Some(many)) = (peak(bench, FEW), peak(bench, MANY)) else { return Vec::new() };
        let growth = (many - few) * 1_024.0 / (MANY - FEW) as f64;
        let target = Some(Target::AtMost(16.0));
        rows.push(row(format!("memory: {slots}, peak"), many / 1_024.0, "MiB", target));
        let target = Some(Target::AtMost(1_200.0));
        rows.push(row(format!("memory: {slots}, growth"), growth, "bytes/tweet", target));
    }
    rows
}
