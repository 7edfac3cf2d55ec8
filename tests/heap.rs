//! Compares the heap of a process with the sizes that it declares: while its log does not grow, it holds no more memory
//! than its declared containers explain. Anything else that grows by a few bytes per message shows after a while.
//!
//! An allocator counts the heap in a copy of the process: a copy has no spare capacity, and shares what is shared. It also
//! counts what a start needs.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use allocation_counter::measure;
use aviary::ids::ProcessId;
use aviary::process::{Process, Recovered};
use aviary::scenario::{Run, RunOptions, read};
use aviary::time::{Duration, Instant};
use aviary::tweets::service::Timelines;
use aviary::tweets::site::Participant;
use aviary::wire::Wire as _;
// Linked for its code: the harness for the tweet service, which this test need not compile again.
use sim_runner as _;

/// The period, in seconds, in which nothing is written any more and clients only read.
const READS: std::ops::Range<u64> = 20..140;

/// The maximum number of bytes that one item of a declared container takes: a request with a long text, and its place.
const ITEM: u64 = 1_500;

/// Bytes that may vary outside of containers: buffers, and nodes of maps that are filled differently.
const SPARE: u64 = 2_000;

/// The heap and the items of a process at some moment.
#[derive(Clone, Copy, Debug)]
struct Held {
    bytes: u64,
    items: u64,
}

fn bytes_of<T: Clone>(value: &T) -> u64 {
    let mut copy = None;
    let counted = measure(|| copy = Some(value.clone()));
    u64::try_from(counted.bytes_current).unwrap()
}

fn held<T: Clone>(process: &Participant, beside: &T) -> Held {
    let mut items = 0;
    process.sizes(|size| items += size.holds);
    Held { bytes: bytes_of(process) + bytes_of(beside), items }
}

/// Bytes in `now` that neither `before` nor items put into declared containers since then explain.
fn unexplained(before: Held, now: Held) -> Option<u64> {
    let explained = before.bytes + now.items.saturating_sub(before.items) * ITEM + SPARE;
    now.bytes.checked_sub(explained).filter(|bytes| *bytes > 0)
}

/// Three sites and two clients on a network that loses and duplicates: some writes, and then every kind of read.
fn reads() -> Run<Timelines> {
    let asked = [
        "View(site: 1, user: \"ann\")",
        "View(client: 0, user: \"bob\", read: Quorum, limit: 3)",
        "Status(site: 2)",
        "Blocks(client: 1)",
        "View(site: 0, user: \"cat\", read: Quorum)",
        "Log(site: 1)",
    ];
    let mut steps = String::new();
    for number in 0..30 {
        let _ = write!(
            steps,
            "At(\"{number}00ms\", Tweet(site: {}, user: \"ann\", text: \"{number}\")),",
            number % 3
        );
    }
    for (number, asked) in (0..(READS.end - 5) * 10).zip(asked.iter().cycle()) {
        let _ = write!(steps, "At(\"{}ms\", {asked}),", 5_000 + number * 100);
    }
    let text = format!(
        "Scenario(about: \"Much is read.\", sites: 3, clients: 2, leader: 0, limit: \"300s\",
            network: (latency: Uniform(\"2ms\", \"8ms\"), loss: \"1%\", duplication: \"5%\"), steps: [{steps}])"
    );
    Run::new(&read::<Timelines>("reads.ron", &text).unwrap(), &RunOptions::default()).unwrap()
}

#[test]
fn records_are_not_in_memory_twice_while_they_are_decoded() {
    let record = "x".repeat(1_000);
    let read = Recovered { incarnation: 1, records: vec![record.to_bytes(); 1_000] };
    let mut decoded = None;
    let counted = measure(|| decoded = Some(read.decode::<String>().unwrap()));
    assert_eq!(decoded.unwrap().records, vec![record; 1_000]);
    assert!(counted.bytes_max < 100_000, "{counted:?}: more than the list and a few records");
}

#[test]
fn a_process_holds_no_more_than_its_sizes_explain() {
    let mut run = reads();
    let at = |run: &mut Run<Timelines>, second: u64| {
        run.finish_by(Instant::ZERO + Duration::from_secs(second));
        assert!(!run.is_over(), "{:?}", run.outcome().verdict);
    };
    at(&mut run, READS.start);
    let ids: Vec<ProcessId> = run.world().processes().collect();
    let of = |run: &Run<Timelines>, id| held(run.world().process(id).unwrap(), &());
    let before: Vec<Held> = ids.iter().map(|id| of(&run, *id)).collect();
    let delivered = run.world().statistics().delivered;
    for second in READS.skip(1).step_by(7) {
        at(&mut run, second);
        for (id, before) in ids.iter().zip(&before) {
            let now = of(&run, *id);
            assert_eq!(unexplained(*before, now), None, "{id} at {second} s: {before:?}, and now {now:?}");
        }
    }
    // The same processes, if each kept eight bytes for every datagram delivered to it.
    let each = usize::try_from(run.world().statistics().delivered - delivered).unwrap() / ids.len();
    for (id, before) in ids.iter().zip(before) {
        let leaking = held(run.world().process(*id).unwrap(), &vec![0_u64; each]);
        assert!(unexplained(before, leaking).is_some(), "{id}: {each} messages, {before:?}, {leaking:?}");
    }
}
