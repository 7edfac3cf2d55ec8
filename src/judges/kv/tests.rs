//! Histories written by hand, and every history of up to four calls.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::judges::linearizable::tests::{any_order, numbers, spans};
use crate::judges::orders::has_order;

mod random;

type History = KvHistory<&'static str, u8>;

fn value(text: &str) -> Option<u8> {
    (text != "nothing").then(|| text.parse().unwrap())
}

/// Plays one line: a client's number, and either its call on a key or the outcome of its call.
fn play(history: &mut History, now: Instant, line: &'static str) -> Result<(), Violation> {
    let words: Vec<&'static str> = line.split_whitespace().collect();
    let who = ProcessId::Client(words[0].parse().unwrap());
    let (key, operation) = match words[1..] {
        ["gets", key] => (key, KvOperation::Get),
        ["puts", key, new] => (key, KvOperation::Put(new.parse().unwrap())),
        ["swaps", key, from, to] => (key, KvOperation::Swap { from: value(from), to: to.parse().unwrap() }),
        ["deletes", key] => (key, KvOperation::Delete),
        ["put"] => return history.answered(now, who, KvAnswer::Put),
        ["swapped"] => return history.answered(now, who, KvAnswer::Swapped),
        ["deleted"] => return history.answered(now, who, KvAnswer::Deleted),
        ["found", found] => return history.answered(now, who, KvAnswer::Found(value(found))),
        ["differs"] => return history.answered(now, who, KvAnswer::Differs),
        ["lost"] => {
            history.lost(who);
            return Ok(());
        }
        _ => panic!("{line}"),
    };
    history.asked(now, who, key, operation);
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
            calls.collect::<Vec<_>>().join(", ")
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
        "linearizable: on y, no order explains that \"put 2\" of C0 at 0.000002 was answered \"put\" at 0.000003; \
         \"get\" of C1 at 0.000005 was answered \"found nothing\" at 0.000006"
    );
}

#[test]
fn an_answer_belongs_to_a_question() {
    let explained = |lines| played(lines).1.unwrap_err().explanation;
    assert_eq!(explained("0 put"), "C0 is answered \"put\" and had asked for nothing");
    assert_eq!(
        explained("0 gets x; 0 lost; 0 found 1"),
        "C0 is answered \"found 1\" and had asked for nothing"
    );
    assert_eq!(explained("0 puts x 1; 0 found 1"), "C0 is answered \"found 1\" to \"put 1\" on x");
    assert_eq!(explained("0 gets x; 0 differs"), "C0 is answered \"differs\" to \"get\" on x");
    let twice = catch_unwind(AssertUnwindSafe(|| played("0 gets x; 0 gets y")));
    assert!(twice.is_err(), "a client waits for one outcome at a time");
}

#[test]
fn a_client_may_have_several_calls_and_a_clone_goes_its_own_way() {
    let (now, who) = (Instant::ZERO, ProcessId::Client(0));
    let mut history = KvHistory::<&str, u8>::default();
    let [put, get, lost] = [KvOperation::Put(1), KvOperation::Get, KvOperation::Put(2)]
        .map(|operation| history.begin(now, who, "x", operation));
    history.lose(lost);
    history.end(now, put, KvAnswer::Put).unwrap();
    for found in 0..=3 {
        let mut clone = history.clone();
        let is_explained = clone.end(now, get, KvAnswer::Found(value_of(found))).is_ok();
        assert_eq!(is_explained, found < 3, "{found}");
        assert_eq!(clone.end(now, get, KvAnswer::Found(Some(7))), Ok(get), "it has ended");
        let late = clone.begin(now, who, "x", KvOperation::Get);
        assert!(found == 3 || clone.end(now, late, KvAnswer::Found(None)).is_err());
    }
}

fn value_of(number: u8) -> Option<u8> {
    (number > 0).then_some(number)
}

/// Many clients at once each swap a value for the same value: any subset of the swaps may have taken effect.
#[test]
fn where_the_steps_are_spent_nothing_is_claimed() {
    let mut history = KvHistory::<&str, u8>::default();
    let (now, clients) = (Instant::ZERO, (0..40).map(ProcessId::Client));
    let swap = KvOperation::Swap { from: Some(1), to: 1 };
    history.asked(now, ProcessId::Client(99), "x", KvOperation::Put(1));
    history.answered(now, ProcessId::Client(99), KvAnswer::Put).unwrap();
    clients.clone().for_each(|who| history.asked(now, who, "x", swap.clone()));
    clients.for_each(|who| history.answered(now, who, KvAnswer::Swapped).unwrap());
    assert_eq!(
        history.unknown().unwrap(),
        "linearizable: not everything on x is judged: the search spent its steps"
    );
    let reader = ProcessId::Client(0);
    history.asked(now, reader, "x", KvOperation::Get);
    history.answered(now, reader, KvAnswer::Found(Some(7))).unwrap();
    history.asked(now, reader, "y", KvOperation::Get);
    history.answered(now, reader, KvAnswer::Found(Some(7))).unwrap_err();
}

/// The steps suffice for dozens of clients at once and hundreds of lost calls.
#[test]
fn hundreds_of_lost_calls_and_dozens_of_clients_at_once_are_judged() {
    let mut history = KvHistory::<&str, u16>::default();
    let mut now = 0;
    let mut tick = || {
        now += 1;
        Instant::from_micros(now)
    };
    let reader = ProcessId::Client(999);
    for round in 0..10 {
        for client in 0..30 {
            let value = if client % 2 == 0 { 1 } else { 100 * round + client };
            history.asked(tick(), ProcessId::Client(client), "x", KvOperation::Put(value));
            history.lost(ProcessId::Client(client));
        }
        (30..60).for_each(|client| {
            let value = 100 * round + client;
            history.asked(tick(), ProcessId::Client(client), "x", KvOperation::Put(value));
        });
        for value in [1, 100 * round + 1, 100 * round + 45, 1] {
            history.asked(tick(), reader, "x", KvOperation::Get);
            history.answered(tick(), reader, KvAnswer::Found(Some(value))).unwrap();
        }
        (30..60).for_each(|client| {
            history.answered(tick(), ProcessId::Client(client), KvAnswer::Put).unwrap();
        });
    }
    assert_eq!(history.unknown(), None);
    history.asked(tick(), reader, "x", KvOperation::Get);
    let violation = history.answered(tick(), reader, KvAnswer::Found(Some(45))).unwrap_err();
    let calls = violation.explanation.split("; ").count();
    assert!(calls <= 4, "{calls} of 650 calls are shown: {violation}");
}

/// Compares with the definition: whether any order explains the calls. Leaving out values must break no good history.
#[test]
fn every_history_of_up_to_four_calls_is_judged_as_by_trying_every_order() {
    let swap = |answer| (KvOperation::Swap { from: Some(1), to: 2 }, answer);
    let found = |value| Some(KvAnswer::Found(value));
    let kinds: [(KvOperation<u8>, Option<KvAnswer<u8>>); 11] = [
        (KvOperation::Put(1), Some(KvAnswer::Put)),
        (KvOperation::Put(2), Some(KvAnswer::Put)),
        (KvOperation::Put(1), None),
        (KvOperation::Get, found(Some(1))),
        (KvOperation::Get, found(Some(2))),
        (KvOperation::Get, found(None)),
        (KvOperation::Delete, Some(KvAnswer::Deleted)),
        swap(Some(KvAnswer::Swapped)),
        swap(Some(KvAnswer::Differs)),
        swap(found(Some(2))),
        swap(None),
    ];
    let model = Register::default();
    let has_order = |calls: &[Call<_>]| has_order(Register::default(), calls, &mut 1_000_000).unwrap();
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
                let calls: Vec<Call<Register<u8>>> = calls.collect();
                let expected = any_order(&model, &calls, &mut Vec::new());
                assert_eq!(has_order(&calls), expected, "{calls:?}");
                histories += 1;
                if expected {
                    for gone in [None, Some(1), Some(2)] {
                        let fewer = fewer::without(&calls, &[gone].into());
                        assert!(has_order(&fewer), "{calls:?} without {gone:?}");
                    }
                } else {
                    broken += 1;
                    let fewest = fewer::fewest(calls.clone(), &mut 1_000_000);
                    assert!(!has_order(&fewest), "{calls:?}");
                }
            }
        }
    }
    assert!(histories > 200_000 && broken > 100_000, "{broken} of {histories} have no linearization");
}
