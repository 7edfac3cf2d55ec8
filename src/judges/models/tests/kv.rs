//! Histories of a store written by hand, and every history of up to four calls.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ids::ProcessId;
use crate::judges::Linearizable;
use crate::judges::linearizable::tests::{any_order, numbers, spans};
use crate::judges::linearizable::{Call, Moment};
use crate::judges::models::fewest::{Reducible, fewest};
use crate::judges::models::{Kv, KvAnswer, KvOperation, Register, RegisterAnswer, RegisterOperation};
use crate::judges::orders::has_order;
use crate::sim::Violation;
use crate::time::Instant;

pub(super) type History = Linearizable<Kv<&'static str, u8>>;

fn value(text: &str) -> Option<u8> {
    (text != "nothing").then(|| text.parse().unwrap())
}

/// Plays one line: a client's number, and either its call on a key or the outcome of its call.
fn play(history: &mut History, now: Instant, line: &'static str) -> Result<(), Violation> {
    let words: Vec<&'static str> = line.split_whitespace().collect();
    let who = ProcessId::Client(words[0].parse().unwrap());
    let operation = match words[1..] {
        ["gets", key] => KvOperation::Get { key },
        ["puts", key, new] => KvOperation::Put { key, value: new.parse().unwrap() },
        ["swaps", key, from, to] => KvOperation::Swap { key, from: value(from), to: to.parse().unwrap() },
        ["deletes", key] => KvOperation::Delete { key },
        ["put"] => return history.answered(who, 0, KvAnswer::Put, now),
        ["swapped"] => return history.answered(who, 0, KvAnswer::Swapped, now),
        ["deleted"] => return history.answered(who, 0, KvAnswer::Deleted, now),
        ["found", found] => return history.answered(who, 0, KvAnswer::Found(value(found)), now),
        ["differs"] => return history.answered(who, 0, KvAnswer::Differs, now),
        ["lost"] => {
            history.forgot(who);
            return Ok(());
        }
        _ => panic!("{line}"),
    };
    history.began(who, 0, operation, now);
    Ok(())
}

fn played(lines: &'static str) -> (History, Result<(), Violation>) {
    let mut history = History::default();
    let mut lines = lines.split(';').map(str::trim).enumerate();
    let result = lines.try_for_each(|(number, line)| {
        // A clone, as of a forked world, behaves like its origin.
        history = history.clone();
        play(&mut history, Instant::from_micros(number as u64), line)
    });
    assert!(lines.next().is_none(), "the last line alone may break anything");
    (history, result)
}

/// `expected` is empty if some order explains the history. Otherwise it lists operations that no order explains.
fn check(lines: &'static str, expected: &str) {
    let (history, result) = played(lines);
    let found = match result {
        Ok(()) => String::new(),
        Err(violation) => {
            let calls = violation.explanation.split("; ").filter_map(|call| call.split('"').nth(1));
            let on_part = |call: &str| call.trim_end_matches(&['x', 'y', 'z'][..]).replace(" under", "");
            calls.map(|call| on_part(call).trim_end().to_string()).collect::<Vec<_>>().join(", ")
        }
    };
    assert_eq!(found, expected, "{lines}");
    assert_eq!(history.unknown(), None, "{lines}");
}

#[test]
fn one_client_after_another() {
    check("0 gets x; 0 found nothing; 0 puts x 1; 0 put; 0 gets x; 0 found 1", "");
    check("0 puts x 1; 0 put; 0 deletes x; 0 deleted; 0 gets x; 0 found nothing", "");
    check("0 gets x; 0 found 1", "get");
    check("0 puts x 1; 0 put; 1 gets x; 1 found nothing", "put 1, get");
    check("0 puts x 1; 0 put; 0 puts x 2; 0 put; 1 gets x; 1 found 1", "put 1, put 2, get");
    check("0 puts x 1; 0 put; 0 deletes x; 0 deleted; 1 gets x; 1 found 1", "put 1, delete, get");
    // A read must not see an older value than an earlier read did.
    check(
        "0 puts x 1; 0 put; 1 puts x 2; 2 gets x; 2 found 2; 2 gets x; 2 found 1",
        "put 1, put 2, get, get",
    );
}

#[test]
fn who_swaps_found_what_was_expected() {
    let swap = "swap 1 for 2";
    check("0 swaps x nothing 1; 0 swapped; 1 swaps x 1 2; 1 swapped; 0 gets x; 0 found 2", "");
    check("0 puts x 1; 0 put; 0 swaps x 3 2; 0 differs; 0 swaps x 3 2; 0 found 1; 0 gets x; 0 found 1", "");
    check("0 swaps x 1 2; 0 swapped", swap);
    check("0 puts x 1; 0 put; 0 swaps x 1 2; 0 differs", &format!("put 1, {swap}"));
    check("0 puts x 1; 0 put; 0 swaps x 1 2; 0 found 3", swap);
    check("0 puts x 1; 0 put; 0 swaps x 1 2; 0 found 1", &format!("put 1, {swap}"));
    // The same lock is taken twice.
    let lock = |owner: u8| format!("swap nothing for {owner}");
    check(
        "0 swaps x nothing 1; 1 swaps x nothing 2; 0 swapped; 1 swapped",
        &format!("{}, {}", lock(1), lock(2)),
    );
    // Both count up from 1, and one update is lost.
    check(
        "0 puts x 1; 0 put; 0 swaps x 1 2; 1 swaps x 1 2; 1 swapped; 0 swapped",
        &format!("put 1, {swap}, {swap}"),
    );
    check(
        "0 puts x 1; 0 put; 0 swaps x 1 2; 0 swapped; 1 swaps x 2 3; 1 swapped; 0 gets x; 0 found 2",
        "swap 1 for 2, swap 2 for 3, get",
    );
}

#[test]
fn calls_that_overlap_take_effect_in_any_order() {
    let puts = "0 puts x 1; 1 puts x 2; 0 put; 1 put; 2 gets x; 2 found 1; 3 gets x; 3 found 1";
    check(puts, "");
    check("0 puts x 1; 1 puts x 2; 0 put; 1 put; 2 gets x; 2 found 2", "");
    check("0 puts x 1; 1 puts x 2; 2 gets x; 2 found 1; 2 gets x; 2 found 2; 0 put; 1 put", "");
    check(
        "0 puts x 1; 1 puts x 2; 0 put; 1 put; 2 gets x; 2 found 1; 3 gets x; 3 found 2",
        "put 1, put 2, get, get",
    );
    // Two puts overlap with a third one. Nobody sees the first, and somebody sees the second later.
    check(
        "0 puts x 1; 1 puts x 2; 2 puts x 3; 2 put; 0 put; 3 gets x; 3 found 3; 3 gets x; 3 found 2; 1 put",
        "",
    );
    // A long read may return the value of any moment within it.
    check("0 puts x 1; 0 put; 2 gets x; 0 puts x 2; 0 put; 0 puts x 3; 0 put; 2 found 2", "");
    // An open call may or may not have taken effect.
    check("0 puts x 1; 1 gets x; 1 found nothing; 1 gets x; 1 found 1; 0 put", "");
}

#[test]
fn a_call_without_an_outcome_takes_effect_once_at_any_moment_or_never() {
    check("0 puts x 1; 0 lost; 1 gets x; 1 found nothing; 1 gets x; 1 found 1", "");
    check("0 puts x 1; 0 lost; 0 puts x 2; 0 put; 1 gets x; 1 found 2; 1 gets x; 1 found 1", "");
    check(
        "0 puts x 1; 0 lost; 1 gets x; 1 found 1; 1 puts x 2; 1 put; 1 gets x; 1 found 1",
        "put 1, get, put 2, get",
    );
    check("0 puts x 1; 0 lost; 1 puts x 2; 1 put; 1 swaps x 2 3; 1 differs; 1 gets x; 1 found 1", "");
    check("0 puts x 1; 0 put; 0 deletes x; 0 lost; 1 gets x; 1 found 1; 1 gets x; 1 found nothing", "");
    check("0 puts x 1; 0 put; 0 swaps x 1 2; 0 lost; 1 gets x; 1 found 1; 1 gets x; 1 found 2", "");
    check("0 puts x 1; 0 put; 0 swaps x 1 2; 0 lost; 1 swaps x 1 3; 1 swapped; 1 gets x; 1 found 3", "");
    check("0 swaps x 1 2; 0 lost; 0 puts x 1; 0 put; 1 swaps x 2 3; 1 swapped", "");
    check(
        "0 puts x 1; 0 put; 0 swaps x 1 2; 0 lost; 1 swaps x 1 3; 1 swapped; 1 gets x; 1 found 2",
        "put 1, swap 1 for 2, swap 1 for 3, get",
    );
    check("0 gets x; 0 lost; 0 puts x 1; 0 put; 0 lost; 0 gets x; 0 found 1", "");
}

#[test]
fn each_key_is_judged_alone() {
    check("0 puts x 1; 1 puts y 2; 0 put; 1 put; 0 gets y; 0 found 2; 1 gets x; 1 found 1", "");
    check("0 puts x 1; 0 put; 0 puts y 2; 0 put; 1 gets z; 1 found nothing; 1 gets y; 1 found 1", "get");
    let (_, result) = played("0 puts x 1; 0 put; 0 puts y 2; 0 put; 0 puts y 3; 1 gets y; 1 found nothing");
    assert_eq!(
        result.unwrap_err().to_string(),
        "linearizable: on y, no order explains that \"put 2 under y\" of C0 at 0.000002 was answered \"put\" at \
         0.000003; \"get y\" of C1 at 0.000005 was answered \"found nothing\" at 0.000006. The order \"put 2 under y\" \
         of C0 explains all but \"get y\" of C1"
    );
}

#[test]
fn an_answer_belongs_to_a_question() {
    let explained = |lines| played(lines).1.unwrap_err().explanation;
    let not_open = |answer| format!("C0 is answered \"{answer}\" to its call 0, which is not open");
    assert_eq!(explained("0 put"), not_open("put"));
    assert_eq!(explained("0 gets x; 0 lost; 0 found 1"), not_open("found 1"));
    assert_eq!(explained("0 puts x 1; 0 found 1"), "C0 is answered \"found 1\" to \"put 1 under x\"");
    assert_eq!(explained("0 gets x; 0 differs"), "C0 is answered \"differs\" to \"get x\"");
    let twice = catch_unwind(AssertUnwindSafe(|| played("0 gets x; 0 gets y")));
    assert!(twice.is_err(), "a client waits for one outcome at a time");
}

#[test]
fn a_client_may_have_several_calls_and_a_clone_goes_its_own_way() {
    let (now, who) = (Instant::ZERO, ProcessId::Client(0));
    let mut history = History::default();
    let (key, put_of) = ("x", |value| KvOperation::Put { key: "x", value });
    let [put, get, lost] =
        [put_of(1), KvOperation::Get { key }, put_of(2)].map(|operation| history.begin(who, operation, now));
    history.forget(lost);
    history.end(put, KvAnswer::Put, now).unwrap();
    for found in 0..=3 {
        let mut clone = history.clone();
        let is_explained = clone.end(get, KvAnswer::Found(value_of(found)), now).is_ok();
        assert_eq!(is_explained, found < 3, "{found}");
        assert_eq!(clone.end(get, KvAnswer::Found(Some(7)), now), Ok(get), "it has ended");
        let late = clone.begin(who, KvOperation::Get { key }, now);
        assert!(found == 3 || clone.end(late, KvAnswer::Found(None), now).is_err());
    }
}

fn value_of(number: u8) -> Option<u8> {
    (number > 0).then_some(number)
}

/// Many clients at once each swap a value for the same value: any subset of the swaps may have taken effect.
#[test]
fn where_the_steps_are_spent_nothing_is_claimed() {
    let mut history = History::default();
    let (now, clients, key) = (Instant::ZERO, (0..40).map(ProcessId::Client), "x");
    let swap = KvOperation::Swap { key, from: Some(1), to: 1 };
    history.began(ProcessId::Client(99), 0, KvOperation::Put { key, value: 1 }, now);
    history.answered(ProcessId::Client(99), 0, KvAnswer::Put, now).unwrap();
    clients.clone().for_each(|who| history.began(who, 0, swap.clone(), now));
    clients.for_each(|who| history.answered(who, 0, KvAnswer::Swapped, now).unwrap());
    assert_eq!(
        history.unknown().unwrap(),
        "linearizable: not everything on x is judged: the search spent its steps"
    );
    let reader = ProcessId::Client(0);
    let mut found_7 = |key| {
        history.began(reader, 0, KvOperation::Get { key }, now);
        history.answered(reader, 0, KvAnswer::Found(Some(7)), now)
    };
    found_7("x").unwrap();
    found_7("y").unwrap_err();
}

/// The steps suffice for dozens of clients at once and hundreds of lost calls.
#[test]
fn hundreds_of_lost_calls_and_dozens_of_clients_at_once_are_judged() {
    let mut history = Linearizable::<Kv<&str, u16>>::default();
    let mut now = 0;
    let mut tick = || {
        now += 1;
        Instant::from_micros(now)
    };
    let (reader, key) = (ProcessId::Client(999), "x");
    for round in 0..10 {
        for client in 0..30 {
            let value = if client % 2 == 0 { 1 } else { 100 * round + client };
            history.began(ProcessId::Client(client), 0, KvOperation::Put { key, value }, tick());
            history.forgot(ProcessId::Client(client));
        }
        (30..60).for_each(|client| {
            let value = 100 * round + client;
            history.began(ProcessId::Client(client), 0, KvOperation::Put { key, value }, tick());
        });
        for value in [1, 100 * round + 1, 100 * round + 45, 1] {
            history.began(reader, 0, KvOperation::Get { key }, tick());
            history.answered(reader, 0, KvAnswer::Found(Some(value)), tick()).unwrap();
        }
        (30..60).for_each(|client| {
            history.answered(ProcessId::Client(client), 0, KvAnswer::Put, tick()).unwrap();
        });
    }
    assert_eq!(history.unknown(), None);
    history.began(reader, 0, KvOperation::Get { key }, tick());
    let violation = history.answered(reader, 0, KvAnswer::Found(Some(45)), tick()).unwrap_err();
    let calls = violation.explanation.split("; ").count();
    assert!(calls <= 4, "{calls} of 650 calls are shown: {violation}");
}

/// Compares with the definition: whether any order explains the calls. Leaving out values must break no good history.
/// An operation on one key, and its answer if there is one.
type Tried = (RegisterOperation<Option<u8>>, Option<RegisterAnswer<Option<u8>>>);

#[test]
fn every_history_of_up_to_four_calls_is_judged_as_by_trying_every_order() {
    let swap = |answer| (RegisterOperation::Swap { from: Some(1), to: Some(2) }, answer);
    let found = |value| Some(RegisterAnswer::Found(value));
    let kinds: [Tried; 11] = [
        (RegisterOperation::Write(Some(1)), Some(RegisterAnswer::Written)),
        (RegisterOperation::Write(Some(2)), Some(RegisterAnswer::Written)),
        (RegisterOperation::Write(Some(1)), None),
        (RegisterOperation::Read, found(Some(1))),
        (RegisterOperation::Read, found(Some(2))),
        (RegisterOperation::Read, found(None)),
        (RegisterOperation::Write(None), Some(RegisterAnswer::Written)),
        swap(Some(RegisterAnswer::Swapped)),
        swap(Some(RegisterAnswer::Differs)),
        swap(found(Some(2))),
        swap(None),
    ];
    let model = Register::new(None);
    let has_order = |calls: &[Call<_>]| has_order(Register::new(None), calls, &mut 1_000_000).unwrap();
    let (mut histories, mut broken) = (0, 0);
    for count in 0..=4 {
        let spans = spans(count);
        for chosen in numbers(kinds.len(), count).filter(|chosen| chosen.is_sorted()) {
            for spans in &spans {
                let calls = chosen.iter().zip(spans).enumerate().map(|(place, (kind, (begin, end)))| {
                    let (operation, answer) = kinds[*kind].clone();
                    // All beginnings of a tick come before its ends.
                    let moment = |tick: u64| Moment { at: Instant::ZERO, count: tick * 8 + place as u64 };
                    let answer = answer.map(|answer| (moment(end * 2 + 1), answer));
                    Call { who: ProcessId::Client(0), operation, begun: moment(begin * 2), answer }
                });
                let calls: Vec<Call<Register<Option<u8>>>> = calls.collect();
                let expected = any_order(&model, &calls, &mut Vec::new());
                assert_eq!(has_order(&calls), expected, "{calls:?}");
                histories += 1;
                if expected {
                    for gone in [None, Some(1), Some(2)] {
                        let (_, fewer) = model.without_values(&calls, &[gone].into());
                        assert!(has_order(&fewer), "{calls:?} without {gone:?}");
                    }
                } else {
                    broken += 1;
                    let few = fewest(model, calls.clone(), &mut 1_000_000);
                    assert!(!has_order(&few.calls), "{calls:?}");
                }
            }
        }
    }
    assert!(histories > 200_000 && broken > 100_000, "{broken} of {histories} have no linearization");
}
