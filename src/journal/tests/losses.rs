//! Files that vanish, shrink or change places: a loss that is detected stops the journal and changes nothing on the
//! disk.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::memory::{Fate, MemoryDisk};
use super::*;

/// Segments 0 to 2 hold records, 3 is blank; everything is synced and marked. Returns the records too.
fn four_segments() -> (MemoryDisk, Vec<Vec<u8>>) {
    let records: Vec<Vec<u8>> = (1..=5u8).map(|number| alloc::vec![number; 60]).collect();
    let mut disk = formatted(520);
    let (mut journal, _) = open(&mut disk);
    for record in &records {
        journal.append(&mut disk, &batch(&[record])).unwrap();
        sync(&mut journal, &mut disk);
    }
    assert_eq!((journal.tail.segment, disk.contents().len()), (2, 4));
    assert!(disk.contents()[&file_name(3)].iter().all(|byte| *byte == 0));
    (disk, records)
}

/// The disk without the files whose numbers are in this set.
pub(super) fn without(disk: &MemoryDisk, set: u32) -> MemoryDisk {
    let mut disk = disk.clone();
    for (number, name) in disk.contents().into_keys().enumerate() {
        if set >> number & 1 == 1 {
            disk.remove(&name).unwrap();
        }
    }
    disk.sync_dir().unwrap();
    disk
}

/// The error of opening; checks that every file stays as it was.
#[track_caller]
fn refused(disk: &MemoryDisk) -> JournalError {
    let mut opened = disk.clone();
    let error = Journal::open(&mut opened, &ME).map(|_| ()).unwrap_err();
    assert_eq!(opened.contents(), disk.contents(), "{error}");
    assert_eq!(
        Journal::read(disk, &ME).map(|_| ()).unwrap_err(),
        error,
        "a copy is refused like the original"
    );
    error
}

#[test]
fn of_four_segments_every_set_that_holds_more_than_the_blank_one_is_missed() {
    let (disk, records) = four_segments();
    let mut missing = BTreeMap::new();
    for set in 1..16 {
        let mut rest = without(&disk, set);
        if set == 0b1000 {
            assert_eq!(open(&mut rest).1.records, records, "a blank segment is made again");
            assert_eq!(rest.contents().len(), 4);
            continue;
        }
        match refused(&rest) {
            JournalError::Missing { file, .. } => missing.insert(set, file),
            error => {
                assert_eq!((set, error), (0b1111, JournalError::NotFormatted));
                continue;
            }
        };
    }
    let named = |number: u64| -> Vec<u32> {
        missing.iter().filter(|(_, file)| **file == file_name(number)).map(|(set, _)| *set).collect()
    };
    // The lowest remaining file names the one before it; otherwise the first after a closed one or in a gap is named.
    assert_eq!(named(0), [0b0001, 0b0101, 0b1001, 0b1101]);
    assert_eq!(named(1), [0b0010, 0b0011, 0b0110, 0b1010, 0b1011, 0b1110]);
    assert_eq!(named(2), [0b0100, 0b0111, 0b1100]);
}

#[test]
fn a_missing_segment_is_named_with_the_proof_and_the_cure() {
    let (disk, _) = four_segments();
    let cure = "nothing was changed; put that very file back if it was only moved, never an older copy of it, else this \
                process must not run on what is left: count it as failed";
    for (set, message) in [
        (0b1100, "segment-00000002.log is missing: segment-00000001.log was closed when it was there"),
        (0b0100, "segment-00000002.log is missing: there is segment-00000003.log, which was made after it"),
        (0b1110, "segment-00000001.log is missing: segment-00000000.log was closed when it was there"),
        (
            0b0001,
            "segment-00000000.log is missing: segment-00000001.log begins with batch 3, and batch 0 is nowhere",
        ),
        (
            0b0111,
            "segment-00000002.log is missing: segment-00000003.log is the lowest and has no header of its own",
        ),
    ] {
        assert_eq!(
            refused(&without(&disk, set)).to_string(),
            alloc::format!("{message}; {cure}"),
            "{set:04b}"
        );
    }
}

#[test]
fn a_segment_that_was_emptied_or_cut_short_is_damage_unless_it_is_blank() {
    let (disk, records) = four_segments();
    for (name, bytes) in disk.contents() {
        for length in [0, 1, 63, 64, 65, 200, 519] {
            let mut cut = disk.clone();
            cut.put(&name, &bytes[..length]);
            if name == file_name(3) {
                assert_eq!(open(&mut cut).1.records, records, "{length} bytes");
                continue;
            }
            let JournalError::Damaged { file, offset, .. } = refused(&cut) else {
                panic!("{name} of {length}")
            };
            assert!(file == name && offset <= length as u64, "{name} of {length}: {file} at {offset}");
        }
    }
}

#[test]
fn a_segment_in_the_place_of_another_is_damage() {
    let (disk, records) = four_segments();
    let files: Vec<(String, Vec<u8>)> = disk.contents().into_iter().collect();
    for (at, (name, bytes)) in files.iter().enumerate() {
        for (other, copied) in files.iter().filter(|(other, _)| other != name) {
            let mut copy = disk.clone();
            copy.put(name, copied);
            let mut swapped = copy.clone();
            if *name == file_name(2) && *other == file_name(3) {
                // Not detected: a crash before the first sync of the last segment leaves the same.
                assert_eq!(open(&mut copy).1.records, records[..4]);
            } else {
                let error = refused(&copy);
                assert!(matches!(&error, JournalError::Damaged { .. }), "{error}");
            }
            swapped.put(other, bytes);
            let error = refused(&swapped);
            assert!(matches!(&error, JournalError::Damaged { .. }), "{at}: {error}");
        }
    }
}

#[test]
fn a_segment_of_another_process_or_format_after_the_end_is_damage() {
    let (disk, _) = four_segments();
    for (place, found) in [
        (|header: &mut SegmentHeader| header.identity.process = ProcessId::site(2), "S2 of cluster"),
        (|header: &mut SegmentHeader| header.identity.cluster = 9, "S1 of cluster 0000000000000009"),
        (|header: &mut SegmentHeader| header.version = 1, "of format 1"),
        (|header: &mut SegmentHeader| header.number = 7, "of segment 7"),
    ] as [(fn(&mut SegmentHeader), &str); 4]
    {
        for number in 1..4 {
            let mut header = SegmentHeader {
                version: VERSION,
                identity: ME,
                number,
                first: 4,
                incarnation: 1,
                segment_bytes: 520,
                record_max: 64,
                chain: 5,
            };
            place(&mut header);
            let mut bytes = header.to_bytes().0;
            bytes.resize(520, 0);
            let mut foreign = disk.clone();
            foreign.put(&file_name(number), &bytes);
            let JournalError::Damaged { file, reason, .. } = refused(&foreign) else { panic!("{found}") };
            assert!(file == file_name(number) && reason.contains(found), "{found}: {reason}");
        }
    }
}

/// The length of each record: one or two of them fill a segment.
const LENGTH: usize = 60;

fn record(number: usize) -> [u8; LENGTH] {
    [u8::try_from(number).unwrap(); LENGTH]
}

/// Opens and appends up to `count` records one by one. A sync starts after every second record and ends after the next.
/// Returns how many records were durable when the disk refused, and whether it did.
fn fill(disk: &mut MemoryDisk, count: usize) -> (usize, bool) {
    let mut ends = Vec::new();
    let mut durable = 0;
    let mut appending = |disk: &mut MemoryDisk| -> Result<(), JournalError> {
        let (mut journal, recovered) = Journal::open(disk, &ME)?;
        assert!(recovered.records.is_empty());
        for number in 0..count {
            ends.push(journal.append(disk, &batch(&[&record(number)]))?);
            if number % 2 == 0 {
                journal.start_sync(disk)?;
                continue;
            }
            while let Some(id) = disk.complete() {
                let reached = journal.on_synced(disk, id)?;
                durable = ends.iter().filter(|end| **end <= reached).count();
            }
        }
        Ok(())
    };
    let is_refused = appending(disk).is_err();
    (durable, is_refused)
}

/// Disks after a crash, each state once. Each unsynced write has a fate of its own, for up to five writes.
fn crashed(disk: &MemoryDisk, fates: &[Fate]) -> Vec<MemoryDisk> {
    let writes = u32::try_from(disk.unsynced()).unwrap().min(5);
    let changes = u32::try_from(disk.unsynced_changes()).unwrap().min(3);
    let (mut seen, mut states) = (BTreeSet::new(), Vec::new());
    for choice in 0..fates.len().pow(writes) {
        let fate =
            |index: usize| fates[choice / fates.len().pow(u32::try_from(index % 5).unwrap()) % fates.len()];
        for kept in 0..1usize << changes {
            let mut disk = disk.clone();
            disk.crash(fate, |index| kept >> (index % 3) & 1 == 1);
            disk.changes_left = None;
            if seen.insert(disk.contents()) {
                states.push(disk);
            }
        }
    }
    states
}

/// Checks that everything durable is there, and nothing that was not appended.
#[track_caller]
fn check_records(found: &[Vec<u8>], durable: usize) {
    assert!(found.len() >= durable, "{} records of {durable}", found.len());
    assert!(found.iter().enumerate().all(|(number, found)| *found == record(number)), "{found:?}");
}

/// Crashes at every write, sync, creation and removal while segments are filled, and at every one of the recovery after
/// that: no recovery reports damage where there is none. Whichever files are removed then, recovery detects it or
/// nothing durable was lost.
#[test]
fn crashes_at_every_change_of_a_rollover_are_no_damage_and_vanished_files_are() {
    let (mut crashes, mut refusals, mut harmless) = (0, 0, 0);
    for (segment_bytes, count) in [(380, 5), (520, 7)] {
        for changes_left in 0.. {
            let mut disk = formatted(segment_bytes);
            disk.changes_left = Some(changes_left);
            let (durable, is_refused) = fill(&mut disk, count);
            for state in crashed(&disk, &[Fate::Lost, Fate::Kept, Fate::Front(45)]) {
                crashes += 1;
                check_records(&open(&mut state.clone()).1.records, durable);
                check_recovery(&state, durable);
                for set in 1..1 << state.contents().len() {
                    let mut rest = without(&state, set);
                    let before = rest.contents();
                    match Journal::open(&mut rest, &ME) {
                        Ok((_, recovered)) => {
                            check_records(&recovered.records, durable);
                            harmless += 1;
                        }
                        Err(JournalError::Disk { file, error }) => panic!("{file}: {error}"),
                        Err(_) => {
                            assert_eq!(rest.contents(), before);
                            refusals += 1;
                        }
                    }
                }
            }
            if !is_refused {
                break;
            }
        }
    }
    assert!(crashes > 500 && refusals > 5_000 && harmless > 500, "{crashes} {refusals} {harmless}");
}

/// Cuts the recovery short at every change; the next recovery succeeds.
fn check_recovery(state: &MemoryDisk, durable: usize) {
    for changes_left in 0.. {
        let mut disk = state.clone();
        disk.changes_left = Some(changes_left);
        let is_open = Journal::open(&mut disk, &ME).is_ok();
        // All writes have the same fate: they are in one or two segments.
        for fate in [Fate::Lost, Fate::Kept, Fate::Front(45), Fate::Back(45)] {
            for mut again in crashed(&disk, &[fate]) {
                check_records(&open(&mut again).1.records, durable);
            }
        }
        if is_open {
            return;
        }
    }
}
