//! Random histories of appends, syncs, crashes and restarts against a model, and hostile bytes.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::memory::{Fate, MemoryDisk};
use super::*;

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<usize>),
    StartSync,
    CompleteSync,
    /// The process dies; the disk's cache survives.
    Restart,
    /// The disk crashes with these fates, cyclically.
    Crash(Vec<Fate>, Vec<bool>),
    Full(bool),
    /// Removes these files from a copy of the disk after a crash.
    Vanish(Vec<bool>, Vec<Fate>),
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => Just(Fate::Lost),
        4 => Just(Fate::Kept),
        1 => any::<usize>().prop_map(Fate::Front),
        1 => any::<usize>().prop_map(Fate::Back),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let crash = (prop::collection::vec(fate(), 1..12), prop::collection::vec(any::<bool>(), 1..5));
    let vanish = (prop::collection::vec(any::<bool>(), 1..5), prop::collection::vec(fate(), 1..12));
    prop_oneof![
        12 => prop::collection::vec(0..40usize, 1..4).prop_map(Step::Append),
        5 => Just(Step::StartSync),
        6 => Just(Step::CompleteSync),
        1 => Just(Step::Restart),
        2 => crash.prop_map(|(fates, kept)| Step::Crash(fates, kept)),
        1 => any::<bool>().prop_map(Step::Full),
        2 => vanish.prop_map(|(gone, fates)| Step::Vanish(gone, fates)),
    ]
}

/// The expected content of a journal: batches with the offset at which each ends.
#[derive(Default)]
struct Model {
    batches: Vec<(Offset, Vec<Vec<u8>>)>,
    durable: Offset,
    incarnation: u64,
    written: u8,
}

impl Model {
    fn reopen(&mut self, disk: &mut MemoryDisk) -> Journal {
        let (journal, recovered) = open(disk);
        assert!(recovered.incarnation > self.incarnation, "incarnations rise");
        self.incarnation = recovered.incarnation;
        let mut rest = &recovered.records[..];
        let mut kept = 0;
        for (end, batch) in &self.batches {
            match rest.strip_prefix(&batch[..]) {
                Some(behind) if !rest.is_empty() => rest = behind,
                _ => {
                    assert!(*end > self.durable, "a durable batch is lost");
                    break;
                }
            }
            kept += 1;
        }
        assert!(rest.is_empty(), "records that were never appended, or half a batch: {rest:?}");
        self.batches.truncate(kept);
        self.durable = journal.durable();
        assert_eq!(journal.appended(), self.durable);
        journal
    }

    /// After files vanished: a refusal that changes nothing, or everything that was durable.
    fn check_rest(&self, disk: &mut MemoryDisk) {
        let before = disk.contents();
        match Journal::open(disk, &ME) {
            Ok((_, recovered)) => {
                let durable = self.batches.iter().filter(|(end, _)| *end <= self.durable);
                let durable: Vec<Vec<u8>> = durable.flat_map(|(_, batch)| batch.clone()).collect();
                assert!(recovered.records.starts_with(&durable), "a durable batch is lost with a file");
                assert!(self.records().starts_with(&recovered.records), "records that were never appended");
            }
            Err(JournalError::Missing { .. } | JournalError::Damaged { .. } | JournalError::NotFormatted) => {
                assert_eq!(disk.contents(), before);
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn records(&self) -> Vec<Vec<u8>> {
        self.batches.iter().flat_map(|(_, batch)| batch.clone()).collect()
    }

    fn append(&mut self, journal: &mut Journal, disk: &mut MemoryDisk, lengths: &[usize]) {
        self.written = self.written.wrapping_add(1);
        let records: Vec<Vec<u8>> = lengths.iter().map(|length| alloc::vec![self.written; *length]).collect();
        let slices: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        let before = journal.appended();
        match journal.append(disk, &batch(&slices)) {
            Ok(end) => self.batches.push((end, records)),
            Err(JournalError::Disk { error: DiskError::Full, .. }) => {
                assert!(journal.is_low(), "full without a warning");
                assert_eq!(journal.appended(), before);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_history_recovers_to_a_prefix_with_all_that_is_durable_and_rot_is_found(
        segment_bytes in 347..700u64,
        steps in prop::collection::vec(step(), 1..60),
        rot in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 30),
    ) {
        let mut disk = formatted(segment_bytes);
        let mut model = Model::default();
        let mut journal = model.reopen(&mut disk);
        for step in steps {
            match step {
                Step::Append(lengths) => model.append(&mut journal, &mut disk, &lengths),
                Step::StartSync => {
                    let has_unsynced = journal.durable() < journal.appended();
                    let started = journal.start_sync(&mut disk).unwrap();
                    prop_assert!(started.is_none() || has_unsynced);
                }
                Step::CompleteSync => {
                    if let Some(id) = disk.complete() {
                        let durable = journal.on_synced(&mut disk, id).unwrap();
                        prop_assert!(model.durable <= durable && durable <= journal.appended());
                        model.durable = durable;
                    }
                }
                Step::Restart => {
                    // A new process knows nothing of the old one's syncs.
                    while disk.complete().is_some() {}
                    disk.files_max = None;
                    journal = model.reopen(&mut disk);
                }
                Step::Crash(fates, kept) => {
                    disk.crash(|index| fates[index % fates.len()], |index| kept[index % kept.len()]);
                    disk.files_max = None;
                    journal = model.reopen(&mut disk);
                }
                Step::Vanish(gone, fates) => {
                    let mut rest = disk.clone();
                    rest.files_max = None;
                    rest.crash(|index| fates[index % fates.len()], |_| true);
                    for (index, name) in rest.contents().into_keys().enumerate() {
                        if gone[index % gone.len()] {
                            rest.remove(&name).unwrap();
                        }
                    }
                    model.check_rest(&mut rest);
                }
                Step::Full(is_full) => disk.files_max = is_full.then(|| disk.contents().len()),
            }
        }
        disk.files_max = None;
        model.reopen(&mut disk);
        // Everything is synced and marked: one flipped bit is detected or does not matter.
        for (file, bit) in rot {
            let mut disk = disk.clone();
            let contents = disk.contents();
            let (name, bytes) = file.get(&contents.iter().collect::<Vec<_>>()).to_owned();
            disk.flip(name, bit.index(bytes.len() * 8));
            match Journal::open(&mut disk, &ME) {
                Ok((_, recovered)) => {
                    prop_assert_eq!(recovered.records, model.records());
                    prop_assert!(recovered.incarnation > model.incarnation);
                }
                Err(error) => prop_assert!(matches!(error, JournalError::Damaged { .. }), "{}", error),
            }
        }
    }

    #[test]
    fn hostile_files_never_panic(
        files in prop::collection::vec((0..4u64, prop::collection::vec(any::<u8>(), 0..300)), 0..4),
        edits in prop::collection::vec((0..3u64, 0..300usize, prop::collection::vec(any::<u8>(), 1..50)), 0..6),
    ) {
        let mut disk = formatted(340);
        let (mut journal, _) = open(&mut disk);
        for length in 0..8 {
            journal.append(&mut disk, &batch(&[&alloc::vec![7; length * 8]])).unwrap();
            if length == 5 {
                journal.start_sync(&mut disk).unwrap();
                while let Some(id) = disk.complete() {
                    journal.on_synced(&mut disk, id).unwrap();
                }
            }
        }
        for (number, bytes) in files {
            disk.put(&file_name(number), &bytes);
        }
        for (number, at, bytes) in edits {
            let name = file_name(number);
            let mut old = disk.contents()[&name].clone();
            let length = old.len();
            for (offset, byte) in bytes.iter().enumerate() {
                if let Some(old) = old.get_mut((at + offset) % length.max(1)) {
                    *old = *byte;
                }
            }
            disk.put(&name, &old);
        }
        let before = disk.contents();
        if let Err(JournalError::Damaged { .. }) = Journal::open(&mut disk, &ME) {
            prop_assert_eq!(disk.contents(), before);
        }
    }
}
