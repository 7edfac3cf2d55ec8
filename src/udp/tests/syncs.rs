//! Nothing leaves before the sync that it depends on, and a failed sync is the end.

use super::*;

/// The facts that were reported as durable, and those among them that were not.
fn judge(events: &[Happened]) -> (Vec<u64>, Vec<u64>) {
    // Each write: its file, its bytes, and whether a sync that began after it has ended.
    let mut writes: Vec<(&str, &[u8], bool)> = Vec::new();
    let mut syncs: Vec<(u64, &str, usize)> = Vec::new();
    let (mut reported, mut untrue) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            Happened::Wrote { file, bytes } => writes.push((file, bytes, false)),
            Happened::SyncStarted { id, file } => syncs.push((*id, file, writes.len())),
            Happened::Synced { id } => {
                let (_, file, end) = syncs.iter().find(|(started, ..)| started == id).unwrap();
                writes[..*end].iter_mut().filter(|write| write.0 == *file).for_each(|write| write.2 = true);
            }
            Happened::Sent { bytes } => {
                for word in words(bytes).1 {
                    let Word::Kept { number } = word else { continue };
                    let pattern = Fact(number).pattern();
                    let holds = |bytes: &[u8]| bytes.windows(pattern.len()).any(|part| part == pattern);
                    let at = writes.iter().position(|(_, bytes, _)| holds(bytes)).unwrap();
                    reported.push(number);
                    // Everything that was appended earlier counts too.
                    if writes[..=at].iter().any(|(_, _, is_durable)| !is_durable) {
                        untrue.push(number);
                    }
                }
            }
        }
    }
    (reported, untrue)
}

/// Has facts kept, from the network and from the terminal. Returns the facts that were reported, and the untrue ones.
fn keep_facts(name: &str, sync_mode: SyncMode, lie: Lie) -> (Vec<u64>, Vec<u64>) {
    let mut bench = bench(name, sync_mode, lie, 1 << 20);
    for number in 0..200 {
        match number % 3 {
            0 => bench.host.command(number),
            _ => bench.send(&bench.peer, ProcessId::site(1), ProcessId::site(0), number),
        }
        if number % 10 == 0 {
            bench.host.turn(Some(Instant::ZERO)).unwrap();
        }
    }
    // Each odd one brings another, when its own message comes back.
    bench.turn_until(|bench| judge(&bench.recording.all()).0.len() == 300).unwrap();
    let (mut reported, untrue) = judge(&bench.recording.all());
    reported.sort_unstable();
    (reported, untrue)
}

#[test]
fn what_waits_leaves_only_after_the_sync_of_all_that_it_depends_on() {
    for (name, sync_mode) in [("overlapped", SyncMode::Overlapped), ("blocking", SyncMode::Blocking)] {
        let (reported, untrue) = keep_facts(name, sync_mode, Lie::None);
        let expected: Vec<u64> =
            (0..200).chain((0..200).filter(|n| n % 2 == 1).map(|n| SECOND + n)).collect();
        assert_eq!(reported, expected, "{name}");
        assert_eq!(untrue, [0_u64; 0], "{name}");
    }
}

#[test]
fn a_disk_that_reports_syncs_before_they_happen_is_caught() {
    for (name, sync_mode) in [("early-o", SyncMode::Overlapped), ("early-b", SyncMode::Blocking)] {
        let (_, untrue) = keep_facts(name, sync_mode, Lie::EarlySync);
        assert!(!untrue.is_empty(), "{name}");
    }
}

#[test]
fn a_failed_sync_or_write_stops_the_host_before_anything_else_leaves() {
    for (name, sync_mode) in [("failed-o", SyncMode::Overlapped), ("failed-b", SyncMode::Blocking)] {
        for lie in [Lie::FailedSync, Lie::FailedWrite] {
            let mut bench = bench(name, sync_mode, lie, 1 << 20);
            bench.host.command(4);
            let error = bench.turn_until(|_| false).unwrap_err().to_string();
            assert!(error.contains("the disk failed: it is only a test; check the device"), "{error}");
            assert_eq!(judge(&bench.recording.all()).0, [0_u64; 0]);
            check_is_done_for(bench);
        }
    }
}

/// A host that failed takes nothing, writes nothing and sends nothing, whatever is asked of it.
fn check_is_done_for(mut bench: Bench) {
    assert!(bench.host.has_failed());
    bench.recording.take();
    let kept = bench.kept();
    bench.host.command(6);
    bench.send(&bench.peer, ProcessId::site(1), ProcessId::site(0), 8);
    for _ in 0..3 {
        let soon = bench.host.now() + Duration::from_millis(5);
        assert!(matches!(bench.host.turn(Some(soon)), Err(HostError::Failed)));
    }
    assert_eq!(bench.kept(), kept);
    assert!(matches!(bench.host.stop(), Err(HostError::Failed)));
    assert_eq!(bench.recording.take(), []);
}

#[test]
fn a_thread_that_syncs_and_dies_stops_a_host_that_waits_for_nothing_else() {
    let mut bench = bench("dies", SyncMode::Overlapped, Lie::PanickingSync, 1 << 20);
    // The host itself does the first sync, which takes so long that it leaves the next one to the thread.
    bench.host.command(2);
    bench.turn_until(|bench| !judge(&bench.recording.all()).0.is_empty()).unwrap();
    bench.host.command(4);
    let failed = loop {
        if let Err(error) = bench.host.turn(None) {
            break error.to_string();
        }
    };
    assert!(failed.contains("the thread that syncs has ended"), "{failed}");
    check_is_done_for(bench);
}
