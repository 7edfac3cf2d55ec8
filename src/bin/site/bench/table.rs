//! Prints the rows of a bench.

use std::io::Write;
use std::path::Path;

use serde_json::json;

use crate::bench::Figures;
use crate::bench::flood::{Garbage, GarbageCost};
use crate::bench::ours::RecoveryTime;
use crate::error::ProgramError;

fn print(line: &str) -> Result<(), ProgramError> {
    let mut out = std::io::stdout().lock();
    let printed = writeln!(out, "{line}").and_then(|()| out.flush());
    match printed {
        // Nobody reads on, so nothing more needs to be measured.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => crate::ending::now(0),
        printed => printed.map_err(|error| ProgramError::Run(format!("failed to print: {error}"))),
    }
}

/// Prints what the figures depend on, and the head of the table.
pub(crate) fn head(
    is_json: bool,
    dir: &Path,
    own_sockets: bool,
    syncs_per_second: f64,
) -> Result<(), ProgramError> {
    let file_system = file_system(dir);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    if is_json {
        return print(
            &json!({
                "file_system": file_system, "syncs_per_second": syncs_per_second.round(), "cores": cores,
                "own_sockets": own_sockets,
            })
            .to_string(),
        );
    }
    let clients = if own_sockets { "clients with a socket each" } else { "clients that share a socket" };
    print(&format!(
        "{cores} cores, {file_system} at {}, {syncs_per_second:.0} bare fdatasync/s; events of 150 bytes, sealed datagrams, {clients}\n",
        dir.display()
    ))?;
    print(
        "| datagrams | sites | outstanding | commits/s | p50 ms | p99 ms | floor/s | p50 ms | of it | floor in runs/s | p50 ms | of it |",
    )?;
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
}

/// Prints the cost of a start with a long journal.
pub(crate) fn recovery(is_json: bool, dir: &Path, recovered: RecoveryTime) -> Result<(), ProgramError> {
    let RecoveryTime { events, seconds, memory_mib } = recovered;
    if is_json {
        return print(&json!({ "events": events, "seconds": seconds, "memory_mib": memory_mib }).to_string());
    }
    print(&format!(
        "a site whose journal on {} holds {events} events of 150 bytes answers {seconds:.2} s after its start, with {memory_mib} MiB",
        file_system(dir)
    ))
}

/// Prints the cost of one kind of garbage.
pub(crate) fn flood(is_json: bool, outstanding: u16, cost: &GarbageCost) -> Result<(), ProgramError> {
    let of = |value: fn(&(Figures, Figures)) -> f64| median(cost.pairs.iter().map(value).collect());
    let (calm, flooded) = (of(|pair| pair.0.commits_per_second), of(|pair| pair.1.commits_per_second));
    let ratio = of(|(calm, flooded)| flooded.commits_per_second / calm.commits_per_second);
    let (bytes, rate, (idle, busy)) = (cost.bytes, cost.per_second, cost.idle);
    let garbage = match cost.garbage {
        Garbage::Elsewhere => "elsewhere",
        Garbage::Strange => "strange",
        Garbage::Opened => "opened",
    };
    if is_json {
        return print(
            &json!({
                "outstanding": outstanding, "garbage": garbage, "garbage_bytes": bytes,
                "garbage_per_second": rate.round(), "commits_per_second": calm.round(),
                "flooded_per_second": flooded.round(), "ratio": ratio,
                "processor_idle": idle, "processor_flooded": busy,
            })
            .to_string(),
        );
    }
    print(&format!(
        "{outstanding} outstanding, {rate:.0} datagrams/s of {bytes} bytes, {garbage}: {calm:.0} commits/s, {flooded:.0} \
         flooded ({ratio:.2}); of a processor {idle:.3} without either, {busy:.3} flooded alone"
    ))
}

/// Prints the memory of the flooded site before and after.
pub(crate) fn flood_memory(
    is_json: bool,
    outstanding: u16,
    (before_mib, after_mib): (u64, u64),
) -> Result<(), ProgramError> {
    if is_json {
        let memory = json!({
            "outstanding": outstanding, "memory_before_mib": before_mib, "memory_after_mib": after_mib,
        });
        return print(&memory.to_string());
    }
    print(&format!("{outstanding} outstanding: memory {before_mib} MiB before, {after_mib} MiB after"))
}

/// Prints the cost of recording: loads of a cluster that does not record and of one that does, in turns.
pub(crate) fn recorded(
    is_json: bool,
    datagram_max: usize,
    sites: u8,
    outstanding: u16,
    pairs: &[(Figures, Figures)],
) -> Result<(), ProgramError> {
    let of = |value: fn(&(Figures, Figures)) -> f64| median(pairs.iter().map(value).collect());
    let (plain, recorded) = (of(|pair| pair.0.commits_per_second), of(|pair| pair.1.commits_per_second));
    let ratio = of(|(plain, recorded)| recorded.commits_per_second / plain.commits_per_second);
    if is_json {
        return print(
            &json!({
                "datagram_max": datagram_max, "sites": sites, "outstanding": outstanding,
                "commits_per_second": plain.round(), "recorded_per_second": recorded.round(), "ratio": ratio,
            })
            .to_string(),
        );
    }
    print(&format!(
        "{sites} sites, datagrams of {datagram_max} bytes, {outstanding} outstanding: {plain:.0} commits/s, {recorded:.0} recorded ({ratio:.2})"
    ))
}

/// Prints the cost of forwarding. Each turn has the tweets at the leader, those at a follower, and the questions.
pub(crate) fn forwarding(
    is_json: bool,
    datagram_max: usize,
    sites: u8,
    turns: &[[Figures; 3]],
) -> Result<(), ProgramError> {
    let p50 = |which: usize| median(turns.iter().map(|turn| turn[which].p50_ms).collect());
    let (leader, follower, round_trip) = (p50(0), p50(1), p50(2));
    if is_json {
        return print(
            &json!({
                "datagram_max": datagram_max, "sites": sites, "leader_p50_ms": leader,
                "follower_p50_ms": follower, "round_trip_p50_ms": round_trip,
            })
            .to_string(),
        );
    }
    print(&format!(
        "{sites} sites, datagrams of {datagram_max} bytes: p50 {leader:.2} ms at the leader, {follower:.2} ms at a follower; a round trip takes {round_trip:.2} ms"
    ))
}

/// Prints medians. Each turn has the sites, the bare program with single calls, and the same with runs.
pub(crate) fn row(
    is_json: bool,
    datagram_max: usize,
    sites: u8,
    outstanding: u16,
    turns: &[[Figures; 3]],
) -> Result<(), ProgramError> {
    let of = |which: usize, value: fn(&Figures) -> f64| {
        median(turns.iter().map(|turn| value(&turn[which])).collect())
    };
    let columns =
        |which| [of(which, |it| it.commits_per_second), of(which, |it| it.p50_ms), of(which, |it| it.p99_ms)];
    let ratio = |which: usize| {
        median(turns.iter().map(|turn| turn[0].commits_per_second / turn[which].commits_per_second).collect())
    };
    let [[ours, p50, p99], [single, single_p50, single_p99], [runs, runs_p50, runs_p99]] =
        [0, 1, 2].map(columns);
    let (of_single, of_runs) = (ratio(1), ratio(2));
    if is_json {
        return print(
            &json!({
                "datagram_max": datagram_max, "sites": sites, "outstanding": outstanding,
                "commits_per_second": ours.round(), "p50_ms": p50, "p99_ms": p99,
                "floor_per_second": single.round(), "floor_p50_ms": single_p50, "floor_p99_ms": single_p99,
                "ratio": of_single,
                "runs_floor_per_second": runs.round(), "runs_floor_p50_ms": runs_p50, "runs_floor_p99_ms": runs_p99,
                "runs_ratio": of_runs,
            })
            .to_string(),
        );
    }
    print(&format!(
        "| {datagram_max} | {sites} | {outstanding} | {ours:.0} | {p50:.2} | {p99:.2} | {single:.0} | {single_p50:.2} | {of_single:.2} | {runs:.0} | {runs_p50:.2} | {of_runs:.2} |"
    ))
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The type of the file system there, by its number in `statfs(2)`.
fn file_system(dir: &Path) -> String {
    let Ok(found) = rustix::fs::statfs(dir) else { return "unknown file system".into() };
    match found.f_type {
        0xEF53 => "ext4".into(),
        0x5846_5342 => "xfs".into(),
        0x9123_683E => "btrfs".into(),
        0x0102_1994 => "tmpfs".into(),
        0x794C_7630 => "overlayfs".into(),
        0x2FC1_2FC1 => "zfs".into(),
        other => format!("file system {other:#x}"),
    }
}
