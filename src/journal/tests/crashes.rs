//! Crashes: what they may destroy and what must survive.

use alloc::vec::Vec;

use super::memory::{Fate, MemoryDisk};
use super::*;

#[test]
fn a_torn_tail_is_cut() {
    let (disk, _) = written(4096, &[b"one", b"two", b"three"], 1);
    for count in 0..BATCH_HEADER_BYTES + 6 {
        let mut disk = disk.clone();
        disk.crash(|_| Fate::Front(count), |_| true);
        assert_eq!(open(&mut disk).1.records, [b"one".to_vec(), b"two".to_vec()], "{count} bytes");
    }
}

#[test]
fn any_loss_of_unsynced_writes_leaves_a_prefix_with_all_that_is_durable() {
    // Rolls over after the synced batches, and again before the last one.
    let words: [&[u8]; 5] = [&[1; 60], &[2; 30], &[3; 50], &[4; 60], &[5; 40]];
    let (disk, _) = written(440, &words, 3);
    let writes = disk.unsynced();
    assert_eq!(writes, 8, "a mark, a close, a header, two batches, a close, a header, a batch");
    let fates = [Fate::Lost, Fate::Kept, Fate::Front(45), Fate::Back(45)];
    let mut lengths = [0; 6];
    for choice in 0..1usize << (2 * writes) {
        let mut disk = disk.clone();
        disk.crash(|index| fates[choice >> (2 * index) & 3], |_| true);
        let (mut journal, recovered) = open(&mut disk);
        let length = recovered.records.len();
        assert!(length >= 2 && recovered.records == words[..length], "choice {choice:x}");
        lengths[length] += 1;
        journal.append(&mut disk, &batch(&[b"new"])).unwrap();
        sync(&mut journal, &mut disk);
        disk.crash(|_| Fate::Lost, |_| false);
        let (_, again) = open(&mut disk);
        assert_eq!((again.incarnation, again.records.len()), (3, length + 1), "choice {choice:x}");
        assert_eq!(again.records[length], b"new");
    }
    assert!(lengths[2..].iter().all(|count| *count > 0), "every prefix was seen: {lengths:?}");
}

#[test]
fn stale_records_behind_a_cut_do_not_come_back() {
    let words: [&[u8]; 4] = [b"kept", b"lost", b"stale", b"stale too"];
    let (mut disk, _) = written(4096, &words, 3);
    let lost = disk.unsynced() - 3;
    disk.crash(|index| if index == lost { Fate::Lost } else { Fate::Kept }, |_| true);
    let (mut journal, recovered) = open(&mut disk);
    assert_eq!(recovered.records, [b"kept"]);
    // The opening replaces "lost". Try every length, so that one ends where a stale batch begins.
    for length in 0..64 {
        let (mut disk, mut journal) = (disk.clone(), journal.clone());
        journal.append(&mut disk, &batch(&[&alloc::vec![9; length]])).unwrap();
        disk.crash(|_| Fate::Kept, |_| true);
        let records = open(&mut disk).1.records;
        assert_eq!(records, [b"kept".to_vec(), alloc::vec![9; length]]);
    }
    journal.append(&mut disk, &batch(&[b"x"])).unwrap();
    sync(&mut journal, &mut disk);
    assert_eq!(open(&mut disk).1.records, [b"kept".to_vec(), b"x".to_vec()]);
}

#[test]
fn unsynced_segments_behind_a_cut_are_removed() {
    let (mut disk, journal) = written(296, &[b"a", &[2; 60], &[3; 60], &[4; 60]], 3);
    assert!(journal.tail.segment >= 2);
    let first_of_three = disk.unsynced() - 7;
    disk.crash(|index| if index == first_of_three { Fate::Lost } else { Fate::Kept }, |_| true);
    let (journal, recovered) = open(&mut disk);
    assert_eq!(recovered.records.len(), 1);
    assert_eq!(disk.contents().len() as u64, journal.tail.segment + 2, "those in use and one ahead");
}

/// Disks after a crash: a few informative effects on the writes and on the changes of the folder.
fn crashes(disk: &MemoryDisk) -> Vec<MemoryDisk> {
    let fates = [Fate::Lost, Fate::Kept, Fate::Front(45), Fate::Back(45)];
    let writes = u32::try_from(disk.unsynced()).unwrap().min(5);
    let changes = u32::try_from(disk.unsynced_changes()).unwrap().min(3);
    let mut crashed = Vec::new();
    for choice in 0..4usize.pow(writes) {
        for kept in 0..1usize << changes {
            let mut disk = disk.clone();
            disk.crash(|index| fates[choice >> (2 * (index % 5)) & 3], |index| kept >> (index % 3) & 1 == 1);
            disk.changes_left = None;
            crashed.push(disk);
        }
    }
    crashed
}

#[test]
fn a_crash_while_formatting_leaves_no_journal_or_a_whole_one() {
    let config = JournalConfig { segment_bytes: 440, record_max: 64 };
    let mut leftovers = alloc::vec![MemoryDisk::default()];
    for round in 0..2 {
        for before in core::mem::take(&mut leftovers) {
            for changes_left in 0.. {
                let mut disk = before.clone();
                disk.changes_left = Some(changes_left);
                let is_done = Journal::format(&mut disk, &ME, &config).is_ok();
                for mut crashed in crashes(&disk) {
                    match Journal::open(&mut crashed, &ME).map(|(_, recovered)| recovered.incarnation) {
                        Err(JournalError::NotFormatted) if !is_done => leftovers.push(crashed),
                        opened => assert_eq!(opened, Ok(1), "after {changes_left} changes in round {round}"),
                    }
                }
                if is_done {
                    break;
                }
            }
        }
    }
    assert!(!leftovers.is_empty());
}

#[test]
fn a_crash_while_opening_changes_nothing_that_counts() {
    let words: [&[u8]; 5] = [&[1; 60], &[2; 30], &[3; 50], &[4; 60], &[5; 40]];
    let (cached, _) = written(440, &words, 3);
    let mut cut = cached.clone();
    cut.crash(|index| if index == 2 { Fate::Lost } else { Fate::Kept }, |_| true);
    for (before, least) in [(cached, 2), (cut, 2)] {
        for changes_left in 0.. {
            let mut disk = before.clone();
            disk.changes_left = Some(changes_left);
            let opened = Journal::open(&mut disk, &ME).map(|(_, recovered)| recovered);
            let (incarnation, least) = match &opened {
                Ok(recovered) => (3, recovered.records.len()),
                Err(_) => (2, least),
            };
            for mut crashed in crashes(&disk) {
                let (_, recovered) = open(&mut crashed);
                assert!(recovered.incarnation >= incarnation, "after {changes_left} changes");
                assert!(recovered.records.len() >= least, "after {changes_left} changes");
                assert_eq!(recovered.records, words[..recovered.records.len()]);
            }
            if opened.is_ok() {
                assert!(changes_left > 4);
                break;
            }
        }
    }
}

#[test]
fn every_opening_that_returned_raises_the_incarnation() {
    let mut disk = formatted(296);
    for incarnation in 1..30 {
        assert_eq!(open(&mut disk).1.incarnation, incarnation);
        disk.crash(|_| Fate::Lost, |_| false);
    }
}

#[test]
fn a_file_whose_creation_was_undone_is_created_again() {
    let mut disk = formatted(296);
    let (mut journal, _) = open(&mut disk);
    assert!(!journal.is_low() && disk.unsynced_changes() == 0, "the segment ahead is durable");
    journal.append(&mut disk, &batch(&[&[1; 64]])).unwrap();
    sync(&mut journal, &mut disk);
    assert_eq!(disk.unsynced_changes(), 0);
    let next = file_name(journal.tail.segment + 2);
    disk.create(&next, 296).unwrap();
    disk.crash(|_| Fate::Kept, |_| false);
    assert!(!disk.contents().contains_key(&next));
    assert_eq!(open(&mut disk).1.records, [[1; 64]]);
}

#[test]
fn a_segment_found_in_the_cache_is_used_only_once_its_creation_is_durable() {
    let mut disk = formatted(440);
    disk.create(&file_name(1), 440).unwrap();
    // So that the creation of a later file does not make the creation of this one durable.
    disk.files_max = Some(2);
    let (mut journal, _) = open(&mut disk);
    for _ in 0..2 {
        journal.append(&mut disk, &batch(&[&[1; 64]])).unwrap();
    }
    sync(&mut journal, &mut disk);
    assert_eq!(journal.tail.segment, 1);
    disk.crash(|_| Fate::Kept, |_| false);
    assert_eq!(open(&mut disk).1.records.len(), 2);
}
