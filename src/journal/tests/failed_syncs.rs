//! Starts after a failed sync: what it covered is read from the cache, and no later sync writes it.

use alloc::vec::Vec;

use super::memory::{Fate, MemoryDisk};
use super::*;

/// Rolls over after the synced batches, and again before the last one.
const WORDS: [&[u8]; 5] = [&[1; 60], &[2; 30], &[3; 50], &[4; 60], &[5; 40]];

/// The journal of [`WORDS`], of which two are durable, at the end of its process. The sync of the others failed in the
/// files of this set.
fn failed(set: u32) -> MemoryDisk {
    let (mut disk, mut journal) = written(440, &WORDS, 3);
    assert_eq!(journal.unsynced.len(), 3, "files to sync");
    journal.start_sync(&mut disk).unwrap();
    for file in 0..3 {
        if set >> file & 1 == 1 {
            disk.fail();
        } else {
            disk.complete().unwrap();
        }
    }
    disk
}

/// Disks after a crash, each write with a fate of its own: all combinations for up to five writes.
fn crashed(disk: &MemoryDisk) -> Vec<MemoryDisk> {
    let fates = [Fate::Lost, Fate::Kept, Fate::Front(45), Fate::Back(45)];
    let writes = disk.unsynced().min(5);
    let state = |choice: usize| {
        let mut disk = disk.clone();
        disk.crash(|index| fates[choice >> (2 * (index % 5)) & 3], |_| true);
        disk
    };
    (0..1 << (2 * writes)).map(state).collect()
}

#[test]
fn what_a_failed_sync_covered_is_durable_once_a_start_has_returned_it() {
    for set in 1..8 {
        let mut disk = failed(set);
        let (mut journal, recovered) = open(&mut disk);
        assert_eq!(recovered.records, WORDS, "the cache shows all of it");
        for mut disk in crashed(&disk) {
            assert_eq!(open(&mut disk).1.records, WORDS, "files {set:03b}");
        }
        journal.append(&mut disk, &batch(&[b"new"])).unwrap();
        sync(&mut journal, &mut disk);
        for mut disk in crashed(&disk) {
            let recovered = open(&mut disk).1;
            assert_eq!(
                (recovered.records[..5].to_vec(), recovered.records.len()),
                (WORDS.map(Vec::from).to_vec(), 6)
            );
        }
    }
}

#[test]
fn a_crash_before_the_next_start_leaves_a_prefix() {
    let mut lengths = [0; 6];
    for set in 1..8 {
        for mut disk in crashed(&failed(set)) {
            let (_, recovered) = open(&mut disk);
            let length = recovered.records.len();
            assert!(length >= 2 && recovered.records == WORDS[..length], "files {set:03b}");
            lengths[length] += 1;
        }
    }
    assert!(lengths[2..].iter().filter(|count| **count > 0).count() > 1, "{lengths:?}");
}

#[test]
fn any_sync_of_a_start_may_fail_and_the_next_start_loses_nothing() {
    let mut failures = 0;
    for set in 0..8 {
        for syncs_left in 0.. {
            let mut disk = failed(set);
            disk.syncs_left = Some(syncs_left);
            let is_open = Journal::open(&mut disk, &ME).is_ok();
            disk.syncs_left = None;
            if is_open {
                break;
            }
            failures += 1;
            for mut disk in crashed(&disk) {
                let length = open(&mut disk).1.records.len();
                assert!(length >= 2, "files {set:03b}, after {syncs_left} syncs: {length}");
            }
            assert_eq!(open(&mut disk).1.records, WORDS);
            for mut disk in crashed(&disk) {
                assert_eq!(open(&mut disk).1.records, WORDS, "files {set:03b}, after {syncs_left} syncs");
            }
        }
    }
    assert!(failures >= 8, "{failures}");
}

#[test]
fn formatting_goes_on_after_any_sync_that_failed() {
    let config = JournalConfig { segment_bytes: 440, record_max: 64 };
    let mut disk = MemoryDisk::default();
    disk.syncs_left = Some(0);
    assert!(matches!(Journal::format(&mut disk, &ME, &config), Err(JournalError::Disk { .. })));
    assert!(
        disk.syncs_left.is_none() && matches!(Journal::open(&mut disk, &ME), Err(JournalError::NotFormatted))
    );
    Journal::format(&mut disk, &ME, &config).unwrap();
    for mut disk in crashed(&disk) {
        assert_eq!(open(&mut disk).1.incarnation, 1);
    }
}

#[test]
fn a_blank_segment_whose_making_was_cut_short_is_synced_before_it_is_used() {
    let mut disk = formatted(440);
    disk.put_unfinished(&file_name(1), 440);
    let (mut journal, _) = open(&mut disk);
    for word in &WORDS[..3] {
        journal.append(&mut disk, &batch(&[word])).unwrap();
    }
    assert_eq!((journal.tail.segment, journal.unsynced.len()), (1, 2));
    // The close of the first segment becomes durable, and nothing of the second.
    journal.start_sync(&mut disk).unwrap();
    disk.complete().unwrap();
    disk.crash(|_| Fate::Lost, |_| true);
    let (_, recovered) = open(&mut disk);
    assert!(!recovered.records.is_empty() && recovered.records == WORDS[..recovered.records.len()]);
}
