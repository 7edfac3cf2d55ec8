//! The state of a disk after a failed sync.

use super::*;
use crate::journal::Disk;
use crate::sim::SimDisk;
use crate::sim::host::disk::calls::Armed;
use crate::sim::script::DiskFault;
use crate::sim::script::director::StepId;

fn disk() -> SimDisk {
    let mut disk = SimDisk::new(100_000);
    disk.create("a", 100).unwrap();
    disk.sync_dir().unwrap();
    disk.write("a", 0, b"----------").unwrap();
    disk.sync("a").unwrap();
    disk
}

fn fail_next_sync(disk: &mut SimDisk) {
    disk.arm(Armed { fault: DiskFault::FailSync, step: StepId { track: 0, index: 0 }, draw: 0 });
}

fn content(disk: &SimDisk) -> Vec<u8> {
    let mut bytes = alloc::vec![0; 12];
    disk.read("a", 0, &mut bytes).unwrap();
    bytes
}

/// The file's bytes after a crash that loses whatever it can.
fn durable(disk: &SimDisk) -> Vec<u8> {
    let mut disk = disk.clone();
    disk.crash(Leaves::Nothing, 0);
    content(&disk)
}

#[test]
fn what_a_failed_sync_covered_stays_readable_and_is_durable_only_where_it_is_written_again() {
    for inline in [false, true] {
        let mut disk = disk();
        disk.write("a", 2, b"abcdefghij").unwrap();
        fail_next_sync(&mut disk);
        if inline {
            disk.sync("a").unwrap_err();
        } else {
            let id = disk.start_sync("a").unwrap();
            disk.finish(id).unwrap_err();
        }
        disk.release();
        disk.sync("a").unwrap();
        assert_eq!((content(&disk), durable(&disk)), (b"--abcdefghij".to_vec(), b"----------\0\0".to_vec()));
        // A part is written again and synced; another part is not.
        disk.write("a", 4, b"cde").unwrap();
        disk.sync("a").unwrap();
        disk.write("a", 8, b"gh").unwrap();
        assert_eq!((content(&disk), durable(&disk)), (b"--abcdefghij".to_vec(), b"----cde---\0\0".to_vec()));
        disk.sync("a").unwrap();
        assert_eq!(durable(&disk), b"----cde-gh\0\0");
        disk.write("a", 2, b"ABCDEFGHIJ").unwrap();
        disk.sync("a").unwrap();
        assert_eq!((durable(&disk), disk.unsynced()), (b"--ABCDEFGHIJ".to_vec(), 0));
    }
}

#[test]
fn a_crash_that_scatters_writes_leaves_any_part_of_what_was_forsaken_and_all_that_was_written_again() {
    let mut left = alloc::collections::BTreeSet::new();
    for draw in 0..200u64 {
        let mut disk = disk();
        disk.write("a", 0, b"abcdefgh").unwrap();
        fail_next_sync(&mut disk);
        disk.sync("a").unwrap_err();
        disk.write("a", 3, b"XY").unwrap();
        disk.sync("a").unwrap();
        disk.crash(Leaves::Scattered, draw.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let content = content(&disk);
        assert_eq!(&content[3..5], b"XY");
        left.insert((content[..3].to_vec(), content[5..8].to_vec()));
    }
    assert!(
        left.contains(&(b"---".to_vec(), b"---".to_vec()))
            && left.contains(&(b"abc".to_vec(), b"fgh".to_vec()))
    );
    assert!(left.len() > 3, "{left:?}");
}

#[test]
fn a_file_that_is_cut_forgets_what_was_forsaken_beyond_its_end() {
    let mut disk = disk();
    disk.write("a", 8, b"abcd").unwrap();
    fail_next_sync(&mut disk);
    disk.sync("a").unwrap_err();
    disk.truncate("a", 10).unwrap();
    disk.sync("a").unwrap();
    disk.crash(Leaves::Nothing, 0);
    let mut bytes = [0; 10];
    disk.read("a", 0, &mut bytes).unwrap();
    assert_eq!((&bytes, disk.list().unwrap()[0].1), (b"----------", 10));
}

#[test]
fn a_site_reads_what_its_failed_sync_covered_unless_its_machine_lost_power_and_keeps_what_it_read() {
    let crash = || ScriptAction::Crash { who: Target::of(S0), at: None, leaves: Leaves::Nothing };
    let restart = || ScriptAction::Restart(Target::of(S0));
    for loses_power in [false, true] {
        let fault = ScriptAction::Disk(Target::of(S0), DiskFault::FailSync);
        let mut steps = Vec::from([at(1, fault), put(2, S0, 5)]);
        if loses_power {
            steps.push(at(100, crash()));
        }
        steps.extend([at(200, restart()), at(300, crash()), at(400, restart())]);
        let world = run(settings(steps));
        let expected: &[u64] = if loses_power { &[] } else { &[5] };
        assert_eq!(
            (kept(&world, S0).as_slice(), world.statistics().of_disk(DiskFault::FailSync)),
            (expected, 1)
        );
    }
}
