//! Tests when a leader proposes what it is asked to propose.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::process::{Input, Process};
use crate::replicated::submission::Number;
use crate::time::Duration;
use crate::tweets::site::{Message, Participant, Record, Request};
use crate::wire::Wire;

fn ms(milliseconds: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(milliseconds)
}

fn ask(nonce: u16) -> Input<Participant> {
    let client = ProcessId::Client(nonce);
    let request = Request::Open { client, nonce: nonce.into() };
    Input::Message { from: client, message: Message::Request { request } }
}

/// The only site of a cluster, with a quick disk. It proposes a millisecond after it is asked.
struct Alone(Participant);

impl Alone {
    fn leader(config: Config) -> Alone {
        let fresh = Recovered { incarnation: 1, records: Vec::new() };
        let mut alone = Alone(Participant::start(&config, ProcessId::site(0), Seed(1), fresh).unwrap());
        alone.hand_in(ms(0), Input::Wake);
        alone.hand_in(ms(900), Input::Wake);
        // It sends its heartbeat, so that it has nothing else to do for a while.
        alone.hand_in(ms(1_000), Input::Wake);
        assert!(matches!(alone.0.role(), Role::Leader { .. }));
        alone
    }

    /// The number of submissions in each slot that is proposed then.
    fn hand_in(&mut self, at: Instant, input: Input<Participant>) -> Vec<usize> {
        let (mut inputs, mut proposed) = (vec![input], Vec::new());
        while let Some(input) = inputs.pop() {
            let mut effects = Effects::<Participant>::default();
            self.0.handle(at, input, &mut effects);
            let given = effects.take().unwrap();
            for record in given.records {
                if let Record::Paxos { record: paxos::PaxosRecord::Accepted { entry, .. } } = record {
                    proposed.push(entry.values().len());
                }
            }
            let own = given.messages.into_iter().filter(|letter| letter.to.contains(ProcessId::site(0)));
            inputs.extend(
                own.map(|letter| Input::Message { from: ProcessId::site(0), message: letter.message }),
            );
        }
        proposed
    }
}

#[test]
fn a_leader_proposes_in_one_slot_all_that_it_is_asked_until_it_is_woken_for_it() {
    let config = Config { propose_after: Duration::from_millis(1), ..Config::new(1) };
    let mut alone = Alone::leader(config);
    // A busy host hands in what is there before it wakes a site, however long that takes.
    for client in 0..5 {
        assert_eq!(
            alone.hand_in(ms(1_000 + u64::from(client)), ask(client)),
            [0_usize; 0],
            "client {client}"
        );
    }
    assert_eq!(alone.0.deadline(), Some((ms(1_001), "propose")));
    assert_eq!(alone.hand_in(ms(1_005), Input::Wake), [5]);
    assert_ne!(alone.0.deadline().unwrap().1, "propose");
    assert_eq!(alone.hand_in(ms(1_006), ask(5)), [0_usize; 0]);
    assert_eq!(alone.hand_in(ms(1_006), Input::Wake), [0_usize; 0], "not yet");
    assert_eq!(alone.hand_in(ms(1_007), Input::Wake), [1]);
}

#[test]
fn a_leader_proposes_a_whole_slot_at_once_and_what_it_need_not_wait_with() {
    let config = Config { propose_after: Duration::from_millis(1), batch: 3, ..Config::new(1) };
    let mut alone = Alone::leader(config.clone());
    let proposed: Vec<_> = (0..7).map(|client| alone.hand_in(ms(1_000), ask(client))).collect();
    assert_eq!(proposed, [vec![], vec![], vec![3], vec![], vec![], vec![3], vec![]]);
    let mut alone = Alone::leader(Config { propose_after: Duration::ZERO, ..config });
    assert_eq!(alone.hand_in(ms(1_000), ask(0)), [1]);
}

fn records(participant: &mut Participant, at: Instant, input: Input<Participant>) -> Vec<Record> {
    let mut effects = Effects::<Participant>::default();
    participant.handle(at, input, &mut effects);
    effects.take().unwrap().records
}

#[test]
fn a_leader_writes_what_it_takes_once_with_the_slot_and_alone_only_if_it_must_report_it_before() {
    let config = Config {
        propose_after: Duration::from_millis(1),
        taken_after: Duration::from_millis(20),
        ..Config::new(1)
    };
    let Alone(mut leader) = Alone::leader(config.clone());
    assert_eq!(records(&mut leader, ms(1_000), ask(0)), []);
    assert_eq!(records(&mut leader, ms(1_000), ask(1)), []);
    // The client asks again, and is told that its request waits.
    let early = records(&mut leader, ms(1_000), ask(1));
    let numbers = |records: &[Record]| {
        let taken = records.iter().flat_map(|record| record.taken_by(SiteId::default()));
        taken.map(|submission| submission.number.count).collect::<Vec<_>>()
    };
    assert_eq!((early.len(), numbers(&early)), (2, vec![1, 2]), "{early:?}");
    assert_eq!(records(&mut leader, ms(1_000), ask(2)), []);
    let proposed = records(&mut leader, ms(1_001), Input::Wake);
    assert_eq!((proposed.len(), numbers(&proposed)), (1, vec![1, 2, 3]), "{proposed:?}");

    let recovered = Recovered { incarnation: 2, records: [early, proposed].concat() };
    let again = Participant::start(&config, ProcessId::site(0), Seed(1), recovered).unwrap();
    let queue = again.as_site().unwrap().queue();
    assert_eq!(queue.iter().map(|submission| submission.number.count).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_leader_without_room_forgets_what_it_was_about_to_propose_and_told_nobody_of() {
    let config = Config {
        propose_after: Duration::from_millis(1),
        taken_after: Duration::from_millis(20),
        ..Config::new(1)
    };
    let Alone(mut leader) = Alone::leader(config);
    assert_eq!(records(&mut leader, ms(1_000), ask(0)), []);
    assert_eq!(records(&mut leader, ms(1_000), Input::DiskSpace { is_low: true }), []);
    assert_eq!(leader.as_site().unwrap().queue().len(), 0);
    assert_eq!(records(&mut leader, ms(1_030), Input::Wake), [], "no record, and no report that it waits");
    assert_eq!(records(&mut leader, ms(1_040), Input::DiskSpace { is_low: false }), []);
    let [Record::Taken { submission }] = &records(&mut leader, ms(1_050), ask(1))[..] else {
        panic!("it follows nobody, so it only queues")
    };
    assert_eq!(
        (submission.number.count, submission.after),
        (1, Number::default()),
        "the number is free again"
    );
}

#[test]
fn what_one_input_makes_a_leader_write_is_bounded_though_it_offers_little_at_once() {
    let config = Config {
        propose_after: Duration::from_millis(1),
        taken_after: Duration::from_secs(20),
        forward_max: 1,
        window: 1,
        fetch_max: 1,
        queue_max: 2_000,
        ..Config::new(1)
    };
    let most = usize::try_from(config.burst_bytes_max()).unwrap();
    let Alone(mut leader) = Alone::leader(config);
    let inputs = (0..1_500).map(|client| (ms(1_000), ask(client))).chain([(ms(1_001), Input::Wake)]);
    let (mut written, mut largest) = (0, 0);
    for (at, input) in inputs {
        let records = records(&mut leader, at, input);
        let bytes = records.iter().map(|record| record.to_bytes().len()).sum::<usize>();
        (written, largest) = (written + bytes, largest.max(bytes));
    }
    assert!(written > 3 * most && largest <= most, "{written} bytes, at most {largest} of {most} at once");
}
