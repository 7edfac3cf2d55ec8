//! Reading a journal and writing it as that of another owner.

use super::*;

const OTHER: Identity = Identity { cluster: 8, process: ProcessId::site(1) };

/// A journal with several incarnations and many segments; the last record is not synced.
fn source(segment_bytes: u64) -> (MemoryDisk, Vec<Vec<u8>>) {
    let mut disk = formatted(segment_bytes);
    let mut records = Vec::new();
    for incarnation in 1..4u8 {
        let (mut journal, _) = open(&mut disk);
        for length in 0..30u8 {
            let record = alloc::vec![incarnation; length.into()];
            journal.append(&mut disk, &batch(&[&record])).unwrap();
            records.push(record);
            if length % 4 == 0 {
                sync(&mut journal, &mut disk);
            }
        }
    }
    (disk, records)
}

#[test]
fn a_written_journal_goes_on_where_the_one_that_was_read_ended() {
    for segment_bytes in [296, 440, 4_096] {
        let (from, records) = source(segment_bytes);
        let before = from.contents();
        let contents = Journal::read(&from, &ME).unwrap();
        assert_eq!(from.contents(), before, "reading changes nothing");
        assert_eq!((contents.recovered.incarnation, &contents.recovered.records), (3, &records));
        let mut to = MemoryDisk::default();
        Journal::write(&mut to, &OTHER, &contents).unwrap();
        assert!(matches!(Journal::open(&mut to, &ME), Err(JournalError::WrongIdentity { .. })));
        for incarnation in 4..6 {
            let (mut journal, recovered) = Journal::open(&mut to, &OTHER).unwrap();
            let more = usize::from(incarnation == 5);
            assert_eq!((recovered.incarnation, recovered.records.len()), (incarnation, records.len() + more));
            assert_eq!(recovered.records[..records.len()], records);
            assert_eq!(journal.record_max(), 64);
            journal.append(&mut to, &batch(&[b"more"])).unwrap();
            sync(&mut journal, &mut to);
        }
    }
}

#[test]
fn every_byte_of_a_written_journal_is_vital() {
    let (from, records) = source(440);
    let mut to = MemoryDisk::default();
    Journal::write(&mut to, &OTHER, &Journal::read(&from, &ME).unwrap()).unwrap();
    let vital = super::super::vital::vital(&to).unwrap();
    assert!(vital.len() > 2);
    for part in vital.iter().skip(1) {
        let mut broken = to.clone();
        let mut byte = [0];
        broken.read(&part.file, part.end - 1, &mut byte).unwrap();
        broken.write(&part.file, part.end - 1, &[byte[0] ^ 1]).unwrap();
        assert!(matches!(Journal::read(&broken, &OTHER), Err(JournalError::Damaged { .. })), "{}", part.file);
    }
    assert_eq!(Journal::read(&to, &OTHER).unwrap().recovered.records, records);
}

#[test]
fn what_is_not_to_be_read_or_written_is_refused() {
    let (mut from, _) = source(440);
    let contents = Journal::read(&from, &ME).unwrap();
    assert!(matches!(Journal::read(&from, &OTHER), Err(JournalError::WrongIdentity { .. })));
    let refused = Journal::write(&mut from, &OTHER, &contents);
    assert!(matches!(refused, Err(JournalError::AlreadyFormatted { .. })));
    assert!(matches!(Journal::read(&MemoryDisk::default(), &ME), Err(JournalError::NotFormatted)));
    let empty = Journal::read(&formatted(296), &ME).unwrap();
    assert_eq!((empty.recovered.incarnation, empty.recovered.records.len()), (0, 0));
    let mut to = MemoryDisk::default();
    Journal::write(&mut to, &OTHER, &empty).unwrap();
    assert_eq!(Journal::open(&mut to, &OTHER).unwrap().1.incarnation, 1);
}
