//! Recovery cannot do without the parts of a journal that count as vital.

use alloc::string::String;
use alloc::vec::Vec;

use crate::journal::vital::{Vital, needed, vital};
use crate::journal::{Disk, Identity, Journal, JournalConfig, JournalError};
use crate::process::Records;
use crate::sim::{Leaves, SimDisk};

const IDENTITY: Identity = Identity { cluster: 1, process: super::S0 };

/// Nine records in several files, each synced.
fn written() -> SimDisk {
    let mut disk = SimDisk::new(100_000);
    Journal::format(&mut disk, &IDENTITY, &JournalConfig { segment_bytes: 600, record_max: 100 }).unwrap();
    let (mut journal, _) = Journal::open(&mut disk, &IDENTITY).unwrap();
    for number in 0..9u8 {
        let mut records = Records::default();
        records.push(&[number; 60]);
        journal.append(&mut disk, &records).unwrap();
        let last = journal.start_sync(&mut disk).unwrap();
        while let Some(sync) = disk.next_started() {
            disk.finish(sync).unwrap();
            journal.on_synced(&mut disk, sync).unwrap();
        }
        assert!(last.is_some());
    }
    disk.crash(Leaves::Nothing, 0);
    disk
}

#[test]
fn any_change_of_a_vital_byte_is_damage_and_a_change_behind_is_cut() {
    let disk = written();
    let vital = vital(&disk).unwrap();
    assert!(vital.len() > 2 && vital[0].is_lowest && !vital[1].is_lowest, "{vital:?}");
    let outcome = |file: &str, at: u64| {
        let (mut rotten, mut byte) = (disk.clone(), [0]);
        rotten.read(file, at, &mut byte).unwrap();
        rotten.write(file, at, &[byte[0] ^ 0x10]).unwrap();
        rotten.sync(file).unwrap();
        Journal::open(&mut rotten, &IDENTITY).map(|(_, recovered)| recovered.records.len())
    };
    for Vital { file, end, .. } in &vital {
        for at in 0..*end {
            let found = outcome(file, at);
            assert!(matches!(found, Err(JournalError::Damaged { .. })), "{file} at {at}: {found:?}");
        }
    }
    let last = vital.last().unwrap();
    assert!(matches!(outcome(&last.file, last.end + 1), Ok(8 | 9)), "the last batch is lost without a word");
}

#[test]
fn a_needed_file_that_vanishes_is_missed_and_no_other_is() {
    let disk = written();
    let needed = needed(&disk).unwrap();
    let all: Vec<String> = disk.list().unwrap().into_iter().map(|(name, _)| name).collect();
    assert!(
        needed.len() > 2 && needed[..] == all[..all.len() - 1],
        "all but the blank one: {needed:?} of {all:?}"
    );
    for name in all {
        let mut rest = disk.clone();
        rest.remove(&name).unwrap();
        rest.sync_dir().unwrap();
        match Journal::open(&mut rest, &IDENTITY) {
            Ok((_, recovered)) => {
                assert!(!needed.contains(&name) && recovered.records.len() == 9, "without {name}");
            }
            Err(JournalError::Missing { file, .. }) => assert!(needed.contains(&name) && file == name),
            Err(error) => panic!("without {name}: {error}"),
        }
    }
}

#[test]
fn a_lost_file_is_used_by_who_has_it_open_until_a_crash() {
    for draw in 0..20 {
        let mut disk = written();
        let lost = disk.lose_file(draw << 60).unwrap();
        let names =
            |disk: &SimDisk| disk.list().unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert!(!names(&disk).contains(&lost));
        disk.write(&lost, 100, b"still open").unwrap();
        disk.sync(&lost).unwrap();
        disk.crash(Leaves::Nothing, 0);
        assert!(disk.read(&lost, 0, &mut [0]).is_err() && !names(&disk).contains(&lost));
        let found = Journal::open(&mut disk, &IDENTITY).map(|_| ());
        assert!(matches!(&found, Err(JournalError::Missing { file, .. }) if *file == lost), "{found:?}");
    }
}
