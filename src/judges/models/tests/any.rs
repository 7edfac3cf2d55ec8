//! Histories of each model: every small one, and random ones.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::{Debug, Display};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::ids::ProcessId;
use crate::judges::Linearizable;
use crate::judges::linearizable::tests::{any_order, numbers, spans};
use crate::judges::linearizable::{Call, Model, Moment, Search, Sequential, search};
use crate::judges::models::{
    Log, LogAnswer, LogOperation, Queue, QueueAnswer, QueueOperation, Register, RegisterAnswer,
    RegisterOperation,
};
use crate::judges::orders::has_order;
use crate::time::Instant;

/// A model that is its own part.
pub(super) trait Whole:
    Model<
        Operation = <Self as Sequential>::Operation,
        Answer = <Self as Sequential>::Answer,
        Key = (),
        Part = Self,
    > + Sequential<Operation: PartialEq + Debug + Display, Answer: PartialEq + Debug + Display, State: Debug>
{
}

impl Whole for Queue<u64> {}
impl Whole for Log<u64> {}
impl Whole for Register<u64> {}
impl Whole for Queue<u8> {}
impl Whole for Log<u8> {}
impl Whole for Register<u8> {}

pub(super) type Kind<M> = (<M as Sequential>::Operation, Option<<M as Sequential>::Answer>);

/// Compares both searches with the definition, for every history of up to `most` calls of these kinds. Returns the number
/// of histories and of those without a linearization.
fn try_all<M: Whole>(model: &M, kinds: &[Kind<M>], most: usize) -> (usize, usize) {
    let (mut all, mut broken) = (0, 0);
    for count in 0..=most {
        let spans = spans(count);
        for chosen in numbers(kinds.len(), count).filter(|chosen| chosen.is_sorted()) {
            for spans in &spans {
                let call = |(place, (kind, (begin, end))): (usize, (&usize, &(u64, u64)))| {
                    let (operation, answer) = kinds[*kind].clone();
                    // All beginnings of a tick come before its ends.
                    let moment = |tick: u64| Moment { at: Instant::ZERO, count: tick * 8 + place as u64 };
                    let answer = answer.map(|answer| (moment(end * 2 + 1), answer));
                    Call { who: ProcessId::Client(0), operation, begun: moment(begin * 2), answer }
                };
                let calls: Vec<Call<M>> = chosen.iter().zip(spans).enumerate().map(call).collect();
                let expected = any_order(model, &calls, &mut Vec::new());
                assert_eq!(has_order(model.clone(), &calls, &mut 1_000_000), Some(expected), "{calls:?}");
                let searched = search(model, &calls, &mut 1_000_000);
                assert_eq!(matches!(searched, Search::Found(_)), expected, "{calls:?}");
                all += 1;
                if !expected {
                    broken += 1;
                    let few = M::fewest(model.clone(), calls.clone(), &mut 1_000_000);
                    assert_eq!(search(&few.model, &few.calls, &mut 1_000_000), Search::None, "{calls:?}");
                }
            }
        }
    }
    (all, broken)
}

fn dequeued(value: Option<u8>) -> Kind<Queue<u8>> {
    (QueueOperation::Dequeue, Some(QueueAnswer::Dequeued(value)))
}

#[test]
fn every_small_history_of_a_queue_is_judged_as_by_trying_every_order() {
    let enqueue = |value| (QueueOperation::Enqueue(value), Some(QueueAnswer::Enqueued));
    let kinds = [
        enqueue(1),
        enqueue(2),
        (QueueOperation::Enqueue(1), None),
        dequeued(Some(1)),
        dequeued(Some(2)),
        dequeued(None),
        (QueueOperation::Dequeue, None),
    ];
    let (all, broken) = try_all(&Queue::default(), &kinds, 4);
    assert!(all > 40_000 && broken > 20_000, "{broken} of {all} have no linearization");
}

#[test]
fn every_small_history_of_a_log_is_judged_as_by_trying_every_order() {
    let append = |value, at| (LogOperation::Append(value), Some(LogAnswer::Appended(at)));
    let read = |from, limit, values: &[u8]| {
        (LogOperation::Read { from, limit }, Some(LogAnswer::Values(values.to_vec())))
    };
    let kinds = [
        append(1, 0),
        append(2, 0),
        append(2, 1),
        (LogOperation::Append(1), None),
        (LogOperation::Append(3), None),
        read(0, u64::MAX, &[1]),
        read(0, u64::MAX, &[3, 2]),
        read(1, 1, &[2]),
        read(1, 9, &[]),
    ];
    let (all, broken) = try_all(&Log::default(), &kinds, 4);
    assert!(all > 100_000 && broken > 50_000, "{broken} of {all} have no linearization");
}

#[test]
fn every_small_history_of_a_register_is_judged_as_by_trying_every_order() {
    let (write, found) = (RegisterOperation::Write, |value| Some(RegisterAnswer::Found(value)));
    let swap = RegisterOperation::Swap { from: 0, to: 2 };
    let kinds = [
        (write(1), Some(RegisterAnswer::Written)),
        (write(0), None),
        (RegisterOperation::Read, found(0)),
        (RegisterOperation::Read, found(2)),
        (swap.clone(), Some(RegisterAnswer::Swapped)),
        (swap.clone(), Some(RegisterAnswer::Differs)),
        (swap.clone(), found(1)),
        (swap, None),
    ];
    let (all, broken) = try_all(&Register::new(0u8), &kinds, 4);
    assert!(all > 60_000 && broken > 20_000, "{broken} of {all} have no linearization");
}

/// What a client does in its turn.
#[derive(Clone, Debug)]
struct Turn<O> {
    client: u16,
    operation: O,
    /// Out of 10: below 2 the client forgets its call.
    luck: u8,
    /// The first of the made up answers that is tried.
    pick: usize,
}

fn turns<O: Clone + Debug + 'static>(
    operation: impl Strategy<Value = O> + 'static,
) -> impl Strategy<Value = Vec<Turn<O>>> {
    let turn = (0..5u16, operation, 0..10u8, 0..64usize).prop_map(|(client, operation, luck, pick)| Turn {
        client,
        operation,
        luck,
        pick,
    });
    prop::collection::vec(turn, 1..34)
}

/// Answers are made up: each is the first of a few that some order explains. The judge agrees with the search on which
/// those are.
fn made_up<M: Whole>(
    model: &M,
    turns: &[Turn<<M as Sequential>::Operation>],
    answers: impl Fn(&<M as Sequential>::Operation) -> Vec<<M as Sequential>::Answer>,
) {
    let mut judge = Linearizable::new(model.clone());
    let mut calls: Vec<Call<M>> = Vec::new();
    let mut waiting = BTreeMap::<u16, usize>::new();
    for (now, turn) in turns.iter().enumerate() {
        let moment = Moment { at: Instant::from_micros(now as u64), count: now as u64 };
        let who = ProcessId::Client(turn.client);
        let Some(number) = waiting.remove(&turn.client) else {
            let operation = turn.operation.clone();
            judge.began(who, 0, operation.clone(), moment.at);
            waiting.insert(turn.client, calls.len());
            calls.push(Call { who, operation, begun: moment, answer: None });
            continue;
        };
        if turn.luck < 2 {
            judge.forgot(who);
            continue;
        }
        let mut answers = answers(&calls[number].operation);
        let count = answers.len();
        answers.rotate_left(turn.pick % count);
        let is_explained = answers.into_iter().any(|answer| {
            calls[number].answer = Some((moment, answer.clone()));
            let mut tried = judge.clone();
            let result = tried.answered(who, 0, answer, moment.at);
            match search(model, &calls, &mut 300_000) {
                Search::Found(_) => assert_eq!(result, Ok(()), "{calls:?}"),
                Search::None => assert!(result.is_err(), "{calls:?}"),
                Search::Unknown => {}
            }
            if result.is_ok() {
                judge = tried;
            }
            result.is_ok()
        });
        if !is_explained {
            break;
        }
    }
    assert_eq!(judge.unknown(), None);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn made_up_histories_of_a_queue_are_judged_as_the_search_judges_them(
        turns in turns(prop_oneof![
            (1..5u8).prop_map(QueueOperation::Enqueue),
            Just(QueueOperation::Dequeue),
        ]),
    ) {
        made_up(&Queue::default(), &turns, |operation| match operation {
            QueueOperation::Enqueue(_) => vec![QueueAnswer::Enqueued],
            QueueOperation::Dequeue => {
                [None, Some(1), Some(2), Some(3), Some(4)].map(QueueAnswer::Dequeued).to_vec()
            }
        });
    }

    #[test]
    fn made_up_histories_of_a_log_are_judged_as_the_search_judges_them(
        turns in turns(prop_oneof![
            3 => (1..4u8).prop_map(LogOperation::Append),
            2 => (0..3u64, 1..4u64).prop_map(|(from, limit)| LogOperation::Read { from, limit }),
            1 => (0..3u64).prop_map(LogOperation::read_from),
        ]),
    ) {
        made_up(&Log::default(), &turns, |operation| match operation {
            LogOperation::Append(_) => (0..6).map(LogAnswer::Appended).collect(),
            LogOperation::Read { .. } => (0..4)
                .flat_map(|count| numbers(3, count))
                .map(|digits| LogAnswer::Values(digits.into_iter().map(|digit| [1, 2, 3][digit]).collect()))
                .collect(),
        });
    }
}
