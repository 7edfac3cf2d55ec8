//! What a journal says recovery cannot do without, it cannot do without.

use crate::journal::vital::{Vital, vital};
use crate::journal::{Disk, Identity, Journal, JournalConfig, JournalError};
use crate::process::Records;
use crate::sim::{Leaves, SimDisk};

#[test]
fn any_change_of_a_vital_byte_is_damage_and_a_change_behind_is_cut() {
    let identity = Identity { cluster: 1, process: super::S0 };
    let mut disk = SimDisk::new(100_000);
    Journal::format(&mut disk, &identity, &JournalConfig { segment_bytes: 600, record_max: 100 }).unwrap();
    let (mut journal, _) = Journal::open(&mut disk, &identity).unwrap();
    for number in 0..9u8 {
        let mut records = Records::default();
        records.push(&[number; 60]);
        journal.append(&mut disk, &records).unwrap();
        let last = journal.start_sync(&mut disk).unwrap();
        for sync in disk.take_started() {
            disk.finish(sync).unwrap();
            journal.on_synced(&mut disk, sync).unwrap();
        }
        assert!(last.is_some());
    }
    disk.crash(Leaves::Nothing, 0);
    let vital = vital(&disk).unwrap();
    assert!(vital.len() > 2 && vital[0].is_lowest && !vital[1].is_lowest, "{vital:?}");
    let outcome = |file: &str, at: u64| {
        let (mut rotten, mut byte) = (disk.clone(), [0]);
        rotten.read(file, at, &mut byte).unwrap();
        rotten.write(file, at, &[byte[0] ^ 0x10]).unwrap();
        rotten.sync(file).unwrap();
        Journal::open(&mut rotten, &identity).map(|(_, recovered)| recovered.records.len())
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
