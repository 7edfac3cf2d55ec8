//! How much memory a run takes, as the operating system sees it.
//!
//! A process of its own runs the tweets and reads its own peak of resident memory from `/proc/self/status`: that
//! counts everything, the program and what the allocator does not give back included, and slows no other row down
//! as an allocator that counts would. Linux only; elsewhere there is no row.

use std::process::Command;

use crate::Bench;
use crate::load::{Load, one_event_a_slot};
use crate::table::{Row, Target};

pub const BENCHES: &[Bench] = &[Bench { name: "memory", rows, fixed: Some(report) }];

const FEW: u64 = 1_000;
const MANY: u64 = 10_000;

/// Runs `count` tweets and prints the peak in KiB.
fn report(count: u64) {
    let mut load = Load::new(one_event_a_slot(), 64);
    load.run(count);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    println!("{}", peak.map_or("unknown", |peak| peak.trim().trim_end_matches(" kB")));
}

/// The peak of such a process in KiB.
fn peak(count: u64) -> Option<f64> {
    let program = std::env::current_exe().ok()?;
    let output = Command::new(program).args(["--fixed", "memory", &count.to_string()]).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

fn rows() -> Vec<Row> {
    let (Some(few), Some(many)) = (peak(FEW), peak(MANY)) else { return Vec::new() };
    let row = |name: &str, ours, unit, target| Row { name: name.to_owned(), ours, unit, bare: None, target };
    vec![
        row("memory: peak at 10 000 tweets", many / 1_024.0, "MiB", Some(Target::AtMost(16.0))),
        row("memory: growth", (many - few) * 1_024.0 / (MANY - FEW) as f64, "bytes/tweet", None),
    ]
}
