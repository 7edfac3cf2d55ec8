//! Tests when a leader proposes what it is asked to propose.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::process::{Input, Process};
use crate::tweets::site::{Message, Participant, Record, Request};

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
