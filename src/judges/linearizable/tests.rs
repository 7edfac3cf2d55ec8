//! Compares the search with one that tries every order.

use alloc::collections::BTreeSet;

use super::*;

/// A register that clients write and read.
struct Register;

#[derive(Clone, Copy, PartialEq, Debug)]
enum Access {
    Write(u8),
    Read,
}

impl Sequential for Register {
    type State = u8;
    type Operation = Access;
    type Answer = u8;

    fn initial(&self) -> u8 {
        0
    }

    fn apply(&self, state: u8, operation: &Access, answer: Option<&u8>) -> Option<u8> {
        match *operation {
            Access::Write(value) => Some(value),
            Access::Read if answer.is_none_or(|answer| *answer == state) => Some(state),
            Access::Read => None,
        }
    }

    fn without(&self, calls: &[Call<Register>], index: usize) -> Option<Vec<Call<Register>>> {
        // A read changes nothing.
        (calls[index].operation == Access::Read).then(|| {
            let mut fewer = calls.to_vec();
            fewer.remove(index);
            fewer
        })
    }
}

fn moment(count: u64) -> Moment {
    Moment { at: Instant::ZERO, count }
}

fn call(operation: Access, begun: u64, answer: Option<(u64, u8)>) -> Call<Register> {
    let answer = answer.map(|(at, value)| (moment(at), value));
    Call { who: ProcessId::Client(0), operation, begun: moment(begun), answer }
}

fn searched(calls: &[Call<Register>]) -> Search {
    search(&Register, calls, &mut 1_000_000)
}

/// Whether some order of some of the calls, of which `chosen` come first, explains them: straight from the definition.
pub(crate) fn any_order<M: Sequential>(model: &M, calls: &[Call<M>], chosen: &mut Vec<usize>) -> bool {
    is_in_time(calls, chosen)
        && (is_explained(model, calls, chosen)
            || (0..calls.len()).any(|index| {
                if chosen.contains(&index) {
                    return false;
                }
                chosen.push(index);
                let is_found = any_order(model, calls, chosen);
                chosen.pop();
                is_found
            }))
}

/// Whether no call was answered before a call that precedes it in the order began.
fn is_in_time<M: Sequential>(calls: &[Call<M>], order: &[usize]) -> bool {
    order.iter().enumerate().all(|(place, first)| match &calls[*first].answer {
        Some((at, _)) => order[..place].iter().all(|before| *at >= calls[*before].begun),
        None => true,
    })
}

/// Whether all answered calls are in the order, and the model gives the answer of each.
fn is_explained<M: Sequential>(model: &M, calls: &[Call<M>], order: &[usize]) -> bool {
    let is_there = |index: usize| calls[index].answer.is_none() || order.contains(&index);
    let apply = |state, index: &usize| {
        let answer = calls[*index].answer.as_ref().map(|(_, answer)| answer);
        model.apply(state, &calls[*index].operation, answer)
    };
    (0..calls.len()).all(is_there) && order.iter().try_fold(model.initial(), apply).is_some()
}

/// Every number with this many digits, as its digits.
pub(crate) fn numbers(base: usize, digits: usize) -> impl Iterator<Item = Vec<usize>> {
    let all = (0..digits).fold(1, |all, _| all * base);
    (0..all).map(move |number| {
        let mut rest = number;
        let digit = |_| {
            let digit = rest % base;
            rest /= base;
            digit
        };
        (0..digits).map(digit).collect()
    })
}

/// Every way in which `count` calls can overlap in time: for each call, its beginning and its end.
pub(crate) fn spans(count: usize) -> Vec<Vec<(u64, u64)>> {
    let ends = count as u64;
    let all: Vec<(u64, u64)> =
        (0..ends).flat_map(|begin| (begin..ends).map(move |end| (begin, end))).collect();
    let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
    for digits in numbers(all.len(), count) {
        let spans: Vec<(u64, u64)> = digits.into_iter().map(|digit| all[digit]).collect();
        let pairs = spans.iter().flat_map(|a| spans.iter().map(|b| u32::from(a.1 < b.0)));
        if seen.insert(pairs.fold(0u32, |order, is_before| order << 1 | is_before)) {
            found.push(spans);
        }
    }
    found
}

#[test]
fn every_history_of_up_to_five_calls_is_judged_as_by_trying_every_order() {
    let kinds = [
        (Access::Write(1), Some(0)),
        (Access::Write(2), Some(0)),
        (Access::Read, Some(1)),
        (Access::Read, Some(2)),
        (Access::Write(1), None),
    ];
    let (mut histories, mut without) = (0, 0);
    for count in 0..=5 {
        let spans = spans(count);
        assert_eq!(spans.len(), [1, 1, 3, 19, 207, 3451][count], "interval orders of {count} calls");
        for chosen in numbers(kinds.len(), count) {
            // The order of the list makes no other history.
            if !chosen.is_sorted() {
                continue;
            }
            for spans in &spans {
                let calls: Vec<Call<Register>> = chosen
                    .iter()
                    .zip(spans)
                    .map(|(kind, (begin, end))| {
                        let (operation, answer) = kinds[*kind];
                        // All beginnings of a tick come before its ends.
                        call(operation, begin * 2, answer.map(|value| (end * 2 + 1, value)))
                    })
                    .collect();
                let by_trying = any_order(&Register, &calls, &mut Vec::new());
                match searched(&calls) {
                    Search::Found(order) => assert!(
                        by_trying && is_in_time(&calls, &order) && is_explained(&Register, &calls, &order),
                        "{calls:?}"
                    ),
                    Search::None => assert!(!by_trying, "{calls:?}"),
                    Search::Unknown => panic!("unknown: {calls:?}"),
                }
                histories += 1;
                without += u64::from(!by_trying);
            }
        }
    }
    assert!(histories > 300_000 && without > 100_000, "{without} of {histories} have no linearization");
}

#[test]
fn a_smallest_history_keeps_what_contradicts_itself_only() {
    let read = |value: u8, from: u64, to: u64| call(Access::Read, from, Some((to, value)));
    let calls = [
        call(Access::Write(1), 0, Some((1, 0))),
        read(1, 2, 3),
        read(1, 4, 7),
        call(Access::Write(2), 5, None),
        read(2, 8, 9),
        read(1, 10, 11),
    ];
    assert_eq!(searched(&calls[..5]), Search::Found(vec![0, 1, 2, 3, 4]));
    assert_eq!(searched(&calls), Search::None);
    let smallest = smallest(&Register, &calls, 1_000, &mut 100_000).unwrap();
    let kept: Vec<u64> = smallest.iter().map(|call| call.begun.count).collect();
    assert_eq!(kept, [0, 5, 8, 10]);
}

#[test]
fn without_steps_nothing_is_claimed() {
    let calls: Vec<Call<Register>> = (0..9).map(|_| call(Access::Write(1), 0, Some((9, 0)))).collect();
    assert_eq!(search(&Register, &calls, &mut 3), Search::Unknown);
    assert!(matches!(searched(&calls), Search::Found(_)));
    let mut impossible = calls;
    impossible.push(call(Access::Read, 0, Some((9, 7))));
    assert_eq!(search(&Register, &impossible, &mut 8), Search::Unknown);
    assert_eq!(searched(&impossible), Search::None);
}
