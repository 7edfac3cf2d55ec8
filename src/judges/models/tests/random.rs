//! Random histories: of a store that does everything at once, of that store with one lie, and with made up answers.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::kv::History;
use crate::ids::ProcessId;
use crate::judges::linearizable::{Call, Model, Moment, Search, search};
use crate::judges::models::{Kv, KvAnswer, KvOperation, Register};
use crate::judges::orders::has_order;
use crate::sim::Violation;
use crate::time::Instant;

/// One step of a client: it makes this call if it waits for none.
#[derive(Clone, Debug)]
struct Step {
    client: u16,
    key: &'static str,
    operation: KvOperation<&'static str, u8>,
    /// Out of 10: below 1 the call is lost before it takes effect, below 2 after it took effect.
    luck: u8,
    /// The number of steps after which a call that was lost beforehand takes effect; never if the run is shorter.
    delay: usize,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = 0..4u8;
    let operation = move |key| {
        prop_oneof![
            4 => Just(KvOperation::Get { key }),
            3 => value.clone().prop_map(move |value| KvOperation::Put { key, value }),
            2 => (prop::option::of(value.clone()), value.clone())
                .prop_map(move |(from, to)| KvOperation::Swap { key, from, to }),
            1 => Just(KvOperation::Delete { key }),
        ]
    };
    let keyed = prop::sample::select(vec!["x", "x", "y", "z"])
        .prop_flat_map(move |key| operation(key).prop_map(move |operation| (key, operation)));
    let step = (0..6u16, keyed, 0..10u8, 0..60usize)
        .prop_map(|(client, (key, operation), luck, delay)| Step { client, key, operation, luck, delay });
    prop::collection::vec(step, 1..250)
}

/// A store that does everything at once. A client calls, then the call takes effect, then it is answered, each in a
/// step of its own. `answer` may change each answer before the client gets it.
fn run(steps: &[Step], mut answer: impl FnMut(&mut KvAnswer<u8>)) -> (History, Result<(), Violation>) {
    let (mut history, mut store) = (History::default(), BTreeMap::<&str, u8>::new());
    let mut waiting = BTreeMap::<u16, (&str, KvOperation<&'static str, u8>, Option<KvAnswer<u8>>)>::new();
    let mut delayed: Vec<(usize, &str, KvOperation<&'static str, u8>)> = Vec::new();
    let mut take_effect = |key: &'static str, operation: &KvOperation<&'static str, u8>| {
        let there = store.get(key).copied();
        let (answer, stored) = match operation {
            KvOperation::Get { .. } => return KvAnswer::Found(there),
            KvOperation::Swap { from, .. } if *from != there && there == Some(0) => return KvAnswer::Differs,
            KvOperation::Swap { from, .. } if *from != there => return KvAnswer::Found(there),
            KvOperation::Swap { to, .. } => (KvAnswer::Swapped, Some(*to)),
            KvOperation::Put { value, .. } => (KvAnswer::Put, Some(*value)),
            KvOperation::Delete { .. } => (KvAnswer::Deleted, None),
        };
        store.remove(key);
        store.extend(stored.map(|value| (key, value)));
        answer
    };
    for (now, step) in steps.iter().enumerate() {
        let (at, who) = (Instant::from_micros(now as u64), ProcessId::Client(step.client));
        for (_, key, operation) in delayed.extract_if(.., |(when, ..)| *when == now) {
            take_effect(key, &operation);
        }
        match waiting.remove(&step.client) {
            None => {
                history.began(who, 0, step.operation.clone(), at);
                waiting.insert(step.client, (step.key, step.operation.clone(), None));
            }
            Some((key, operation, None)) if step.luck < 1 => {
                history.forgot(who);
                delayed.push((now + 1 + step.delay, key, operation));
            }
            Some((key, operation, None)) => {
                let answer = take_effect(key, &operation);
                waiting.insert(step.client, (key, operation, Some(answer)));
            }
            Some((_, _, Some(_))) if step.luck < 2 => history.forgot(who),
            Some((_, _, Some(mut given))) => {
                answer(&mut given);
                if let Err(violation) = history.answered(who, 0, given, at) {
                    return (history, Err(violation));
                }
            }
        }
    }
    (history, Ok(()))
}

/// The same operation on the key `x`.
fn on_x(operation: &KvOperation<&'static str, u8>) -> KvOperation<&'static str, u8> {
    let mut operation = operation.clone();
    match &mut operation {
        KvOperation::Get { key }
        | KvOperation::Put { key, .. }
        | KvOperation::Swap { key, .. }
        | KvOperation::Delete { key } => *key = "x",
    }
    operation
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_store_does_is_accepted_and_what_it_cannot_do_is_not(
        steps in steps(),
        place in any::<prop::sample::Index>(),
    ) {
        let mut found_count = 0;
        let (history, result) = run(&steps, |answer| {
            found_count += usize::from(matches!(answer, KvAnswer::Found(_)));
        });
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(history.unknown(), None);
        prop_assume!(found_count > 0);
        let (mut left, never) = (place.index(found_count) + 1, Some(9));
        let (_, result) = run(&steps, |answer| {
            if let KvAnswer::Found(value) = answer {
                left -= 1;
                *value = if left == 0 { never } else { *value };
            }
        });
        let violation = result.expect_err("nobody ever wrote that");
        prop_assert!(violation.explanation.contains("found 9"), "{}", violation);
    }

    /// Answers are made up: each is the first of a few that some order explains. All judges agree on which those are.
    #[test]
    fn made_up_histories_are_judged_as_the_search_judges_them(
        steps in steps(),
        found in prop::collection::vec(prop::option::of(0..4u8), 40),
    ) {
        let (mut history, model) = (History::default(), Kv::<&str, u8>::default());
        let mut calls: Vec<Call<Register<Option<u8>>>> = Vec::new();
        let mut waiting = BTreeMap::<u16, (KvOperation<&str, u8>, usize)>::new();
        for (now, step) in steps.iter().enumerate().take(40) {
            let moment = Moment { at: Instant::ZERO, count: now as u64 };
            let who = ProcessId::Client(step.client);
            let Some((operation, number)) = waiting.remove(&step.client) else {
                let operation = on_x(&step.operation);
                history.began(who, 0, operation.clone(), moment.at);
                waiting.insert(step.client, (operation.clone(), calls.len()));
                let (_, operation) = model.split(&operation);
                calls.push(Call { who, operation, begun: moment, answer: None });
                continue;
            };
            if step.luck < 2 {
                history.forgot(who);
                continue;
            }
            let answers = match operation {
                KvOperation::Get { .. } => vec![KvAnswer::Found(found[now]), KvAnswer::Found(None)],
                KvOperation::Put { .. } => vec![KvAnswer::Put],
                KvOperation::Delete { .. } => vec![KvAnswer::Deleted],
                KvOperation::Swap { .. } => vec![KvAnswer::Swapped, KvAnswer::Differs, KvAnswer::Found(found[now])],
            };
            let is_explained = answers.into_iter().any(|answer| {
                calls[number].answer = model.answer(&operation, &answer).map(|answer| (moment, answer));
                let mut tried = history.clone();
                let is_linearizable = tried.answered(who, 0, answer, moment.at).is_ok();
                assert_eq!(has_order(Register::new(None), &calls, &mut 1_000_000), Some(is_linearizable), "{calls:?}");
                match search(&Register::new(None), &calls, &mut 1_000_000) {
                    Search::Found(_) => assert!(is_linearizable, "{calls:?}"),
                    Search::None => assert!(!is_linearizable, "{calls:?}"),
                    Search::Unknown => {}
                }
                if is_linearizable {
                    history = tried;
                }
                is_linearizable
            });
            if !is_explained {
                break;
            }
        }
        prop_assert_eq!(history.unknown(), None);
    }
}
