//! The promises of a journal, one property per test.

mod copies;
mod crashes;
mod failed_syncs;
mod losses;
mod memory;
mod random;

use alloc::string::ToString;
use alloc::vec::Vec;

use self::memory::{Fate, MemoryDisk};
use super::segment::{BATCH_HEADER_BYTES, SEGMENT_HEADER_BYTES, file_name};
use super::*;
use crate::ids::ProcessId;
use crate::process::Recovered;

const ME: Identity = Identity { cluster: 7, process: ProcessId::site(1) };

fn formatted(segment_bytes: u64) -> MemoryDisk {
    let mut disk = MemoryDisk::default();
    Journal::format(&mut disk, &ME, &JournalConfig { segment_bytes, record_max: 64 }).unwrap();
    disk
}

fn open(disk: &mut MemoryDisk) -> (Journal, Recovered<Vec<u8>>) {
    Journal::open(disk, &ME).unwrap()
}

fn batch(records: &[&[u8]]) -> Records {
    let mut batch = Records::default();
    for record in records {
        batch.push(record);
    }
    batch
}

fn sync(journal: &mut Journal, disk: &mut MemoryDisk) {
    let Some(last) = journal.start_sync(disk).unwrap() else { return };
    while let Some(id) = disk.complete() {
        journal.on_synced(disk, id).unwrap();
        if id == last {
            return;
        }
    }
}

/// Appends one batch per record, and syncs once, before the last `unsynced` batches.
fn written(segment_bytes: u64, records: &[&[u8]], unsynced: usize) -> (MemoryDisk, Journal) {
    let mut disk = formatted(segment_bytes);
    let (mut journal, _) = open(&mut disk);
    for (index, record) in records.iter().enumerate() {
        journal.append(&mut disk, &batch(&[record])).unwrap();
        if index + unsynced + 1 == records.len() {
            sync(&mut journal, &mut disk);
        }
    }
    (disk, journal)
}

#[test]
fn records_come_back_in_order_over_many_segments() {
    let mut disk = formatted(296);
    let mut expected: Vec<Vec<u8>> = Vec::new();
    for incarnation in 1..5u8 {
        let (mut journal, recovered) = open(&mut disk);
        assert_eq!((recovered.incarnation, recovered.records), (incarnation.into(), expected.clone()));
        assert_eq!(journal.appended(), journal.durable());
        for length in 0..20u8 {
            let records = [alloc::vec![incarnation; length.into()], alloc::vec![length]];
            let before = journal.appended();
            let after = journal.append(&mut disk, &batch(&[&records[0], &records[1]])).unwrap();
            assert!(after > before && journal.durable() < after);
            expected.extend(records);
            if length % 3 == 0 {
                sync(&mut journal, &mut disk);
                assert_eq!(journal.durable(), after);
            }
        }
    }
    assert!(disk.contents().len() > 10);
}

#[test]
fn an_idle_journal_comes_to_rest() {
    let (mut disk, mut journal) = written(4096, &[b"a"], 0);
    assert_eq!(journal.start_sync(&mut disk), Ok(None));
    assert_eq!(journal.append(&mut disk, &Records::default()), Ok(journal.durable()));
    assert_eq!(journal.start_sync(&mut disk), Ok(None), "a mark alone is not unsynced");
    journal.append(&mut disk, &batch(&[b"b"])).unwrap();
    assert!(journal.start_sync(&mut disk).unwrap().is_some());
    journal.append(&mut disk, &batch(&[b"c"])).unwrap();
    assert_eq!(journal.start_sync(&mut disk), Ok(None), "a sync is under way");
    let id = disk.complete().unwrap();
    let durable = journal.on_synced(&mut disk, id).unwrap();
    assert_eq!(durable.0 + 1, journal.appended().0, "what came after the start of the sync is not covered");
    assert!(journal.start_sync(&mut disk).unwrap().is_some());
}

#[test]
fn a_batch_that_rolled_is_durable_when_both_files_are() {
    let (mut disk, mut journal) = written(440, &[], 0);
    let before = journal.append(&mut disk, &batch(&[&[1; 64]])).unwrap();
    let after = journal.append(&mut disk, &batch(&[&[2; 64]])).unwrap();
    assert_eq!(disk.contents().len(), 3, "one for each batch and one ahead");
    let last = journal.start_sync(&mut disk).unwrap().unwrap();
    let first = disk.complete().unwrap();
    assert!(first < last && journal.on_synced(&mut disk, first).unwrap() < before);
    let second = disk.complete().unwrap();
    assert_eq!((second, journal.on_synced(&mut disk, last)), (last, Ok(after)));
}

#[test]
fn damage_below_the_synced_end_names_the_place_and_changes_nothing() {
    let (mut disk, _) = written(4096, &[b"one", b"two", b"three"], 0);
    // After the header: opening, mark, then batches of 40 + 1 + 3 bytes.
    let two = SEGMENT_HEADER_BYTES + 2 * BATCH_HEADER_BYTES + 44;
    disk.flip(&file_name(0), (two + 42) * 8);
    let before = disk.contents();
    let error = Journal::open(&mut disk, &ME).unwrap_err();
    let JournalError::Damaged { file, offset, .. } = &error else { panic!("{error}") };
    assert_eq!((file.as_str(), *offset), ("segment-00000000.log", two as u64));
    assert_eq!(disk.contents(), before);
    assert_eq!(
        error.to_string(),
        "segment-00000000.log is damaged at byte 188: batch 2 is not here, yet segment-00000000.log says at byte \
         278 that all below batch 4 were synced; nothing was changed, and this process must not run on what is \
         left: count it as failed"
    );
}

#[test]
fn every_flipped_bit_below_the_marked_synced_end_is_damage() {
    let words: [&[u8]; 4] = [&[1; 60], b"two", &[3; 60], b"four"];
    let (disk, _) = written(296, &words, 0);
    let contents = disk.contents();
    let used = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let last = contents.values().filter(|bytes| used(bytes) > 0).count() - 1;
    assert!(last > 0, "the journal has rolled");
    for (index, (name, bytes)) in contents.iter().enumerate() {
        let marked = if index == last { used(bytes) - BATCH_HEADER_BYTES } else { used(bytes) };
        let end = if index > last { 0 } else { marked };
        for bit in 0..end * 8 {
            let mut disk = disk.clone();
            disk.flip(name, bit);
            let error = Journal::open(&mut disk, &ME).map(|_| ()).unwrap_err();
            let JournalError::Damaged { file, offset, .. } = error else { panic!("bit {bit}: {error}") };
            assert!(file == *name && offset <= bit as u64 / 8, "bit {bit} of {name}: {file} at {offset}");
        }
    }
}

#[test]
fn a_missing_segment_below_the_synced_end_is_damage() {
    let (disk, journal) = written(296, &[&[1; 60], &[2; 60], &[3; 60]], 0);
    assert!(journal.tail.segment >= 2);
    for number in 0..journal.tail.segment {
        let mut disk = disk.clone();
        disk.remove(&file_name(number)).unwrap();
        let error = Journal::open(&mut disk, &ME).map(|_| ()).unwrap_err();
        let JournalError::Missing { file, .. } = &error else { panic!("{error}") };
        assert_eq!(*file, file_name(number));
    }
}

#[test]
fn storage_of_none_or_of_another_is_refused() {
    let config = JournalConfig { segment_bytes: 4096, record_max: 64 };
    let mut disk = MemoryDisk::default();
    assert_eq!(Journal::open(&mut disk, &ME).map(|_| ()), Err(JournalError::NotFormatted));
    disk.put("notes.txt", b"not ours");
    Journal::format(&mut disk, &ME, &config).unwrap();
    let file = file_name(0);
    assert_eq!(
        Journal::format(&mut disk, &ME, &config),
        Err(JournalError::AlreadyFormatted { file: file.clone() })
    );
    let other = Identity { process: ProcessId::Client(3), ..ME };
    let error = Journal::open(&mut disk, &other).map(|_| ()).unwrap_err();
    assert_eq!(error, JournalError::WrongIdentity { file, expected: other, found: ME });
    assert_eq!(
        error.to_string(),
        "segment-00000000.log belongs to S1 of cluster 0000000000000007, not to C3 of cluster 0000000000000007; \
         check the path"
    );
}

#[test]
fn a_segment_that_is_too_short_is_damage() {
    let (mut disk, _) = written(440, &[b"a", b"b"], 0);
    let bytes = disk.contents()[&file_name(0)].clone();
    disk.put(&file_name(0), &bytes[..200]);
    let error = Journal::open(&mut disk, &ME).map(|_| ()).unwrap_err();
    assert!(matches!(&error, JournalError::Damaged { offset: 200, .. }), "{error}");
}

#[test]
fn another_format_is_refused_and_senseless_limits_are_damage() {
    let header = SegmentHeader {
        version: VERSION + 1,
        identity: ME,
        number: 0,
        first: 0,
        incarnation: 0,
        segment_bytes: 100,
        record_max: 64,
        chain: 0,
    };
    let mut disk = MemoryDisk::default();
    let open_with = |disk: &mut MemoryDisk, header: SegmentHeader| {
        let mut bytes = header.to_bytes().0;
        bytes.resize(100, 0);
        disk.put(&file_name(header.number), &bytes);
        Journal::open(disk, &ME).map(|_| ()).unwrap_err()
    };
    let file = file_name(0);
    let error = open_with(&mut disk, header);
    assert_eq!(error, JournalError::Version { file, found: VERSION + 1 });
    let error = open_with(&mut disk, SegmentHeader { version: VERSION, ..header });
    assert!(matches!(error, JournalError::Damaged { offset: 0, .. }), "{error}");
}

/// The first 144 bytes of a journal of format 1: a segment's header, an opening and a mark.
#[rustfmt::skip]
const FORMAT_1: [u8; 144] = [
    0xff, 0x61, 0x76, 0x69, 0x61, 0x72, 0x79, 0x6a, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x10, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x12, 0x28, 0x0d, 0xf3,
    0xff, 0x61, 0x62, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x12, 0x28, 0x0d, 0xf3, 0xfd, 0x49, 0x6d, 0xa0, 0xff, 0x61, 0x62, 0x02, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xfd, 0x49, 0x6d, 0xa0, 0x51, 0x14, 0x2e, 0x55,
];

#[test]
fn a_journal_of_the_first_format_is_refused_with_what_to_do() {
    let mut disk = MemoryDisk::default();
    let mut bytes = FORMAT_1.to_vec();
    bytes.resize(4_096, 0);
    disk.put(&file_name(0), &bytes);
    disk.put(&file_name(1), &[0; 4_096]);
    let before = disk.contents();
    for error in [Journal::open(&mut disk, &ME).map(|_| ()), Journal::read(&disk, &ME).map(|_| ())] {
        assert_eq!(
            error.unwrap_err().to_string(),
            "segment-00000000.log has format 1 and this program reads format 2; nothing is carried over from one to \
             the other: go on with the program that wrote it, or make a new cluster with `site init`"
        );
    }
    assert_eq!(disk.contents(), before);
}

#[test]
fn a_full_disk_is_announced_before_it_is_an_error() {
    let mut disk = formatted(512);
    disk.files_max = Some(2);
    let (mut journal, _) = open(&mut disk);
    assert!(!journal.is_low());
    let mut count = 0u8;
    let mut low_at = None;
    let error = loop {
        match journal.append(&mut disk, &batch(&[&[count; 60]])) {
            Ok(_) => sync(&mut journal, &mut disk),
            Err(error) => break error,
        }
        count += 1;
        low_at = low_at.or(journal.is_low().then_some(count));
    };
    assert!(low_at.is_some_and(|at| at < count), "low at {low_at:?}, full at {count}");
    assert_eq!(error, JournalError::Disk { file: file_name(2), error: DiskError::Full });
    let mut after_crash = disk.clone();
    after_crash.crash(|_| Fate::Lost, |_| false);
    assert_eq!(open(&mut after_crash).1.records.len(), usize::from(count), "nothing durable is lost");
    disk.files_max = None;
    journal.append(&mut disk, &batch(&[&[count; 60]])).unwrap();
    sync(&mut journal, &mut disk);
    assert!(!journal.is_low());
    assert_eq!(open(&mut disk).1.records.len(), usize::from(count) + 1);
}

#[test]
fn what_exceeds_a_limit_is_refused_and_the_journal_goes_on() {
    let (mut disk, mut journal) = written(296, &[], 0);
    let before = journal.clone().tail;
    let error = journal.append(&mut disk, &batch(&[&[0; 65]])).unwrap_err();
    assert_eq!(error, JournalError::TooLarge { what: "a record", bytes: 65, max: 64 });
    let error = journal.append(&mut disk, &batch(&[&[0; 64], &[0; 7]])).unwrap_err();
    assert_eq!(error, JournalError::TooLarge { what: "a batch of records", bytes: 73, max: 72 });
    assert_eq!(journal.tail, before);
    journal.append(&mut disk, &batch(&[&[0; 64], &[1; 6]])).unwrap();
    assert_eq!(open(&mut disk).1.records.len(), 2);
    for (segment_bytes, record_max) in
        [(0, 0), (224, 0), (296, 72), (296, usize::MAX / 2), (SEGMENT_BYTES_MAX + 1, 1)]
    {
        let config = JournalConfig { segment_bytes, record_max };
        assert!(config.check().is_err(), "{config:?}");
    }
    JournalConfig::default().check().unwrap();
}
