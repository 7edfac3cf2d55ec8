//! Long histories of each model, and ones with a planted fault.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::any::{Kind, Whole};
use crate::ids::ProcessId;
use crate::judges::Linearizable;
use crate::judges::linearizable::Sequential;
use crate::judges::models::{
    Log, LogAnswer, LogOperation, Queue, QueueAnswer, QueueOperation, Register, RegisterAnswer,
    RegisterOperation,
};
use crate::sim::Violation;
use crate::time::Instant;

/// A service that does everything at once.
trait Real<M: Whole> {
    fn draw(&mut self, number: u64) -> <M as Sequential>::Operation;
    fn act(&mut self, operation: &<M as Sequential>::Operation) -> <M as Sequential>::Answer;
}

/// Draws numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Eight clients make `count` calls of `real`. In one of `lossy` calls the outcome stays unknown. `lie` alters answers.
fn run<M: Whole>(
    model: M,
    real: &mut impl Real<M>,
    (count, lossy): (usize, u64),
    mut lie: impl FnMut(usize, &mut <M as Sequential>::Answer),
) -> (Linearizable<M>, Result<(), Violation>) {
    let (mut judge, mut dice) = (Linearizable::new(model), Dice(88_172_645_463_325_252));
    let mut waiting: BTreeMap<u16, (Kind<M>, u64)> = BTreeMap::new();
    let (mut made, mut now) = (0, 0);
    while made < count || !waiting.is_empty() {
        now += 1;
        let client = u16::try_from(dice.below(8)).unwrap();
        let (who, at) = (ProcessId::Client(client), Instant::from_micros(now));
        match waiting.remove(&client) {
            None if made < count => {
                let operation = real.draw(dice.below(1 << 40));
                judge.began(who, made as u64, operation.clone(), at);
                waiting.insert(client, ((operation, None), made as u64));
                made += 1;
            }
            None => {}
            Some(_) if dice.below(2 * lossy) == 0 => judge.forgot(who),
            Some(((operation, None), id)) => {
                let answer = real.act(&operation);
                waiting.insert(client, ((operation, Some(answer)), id));
            }
            Some(((_, Some(mut answer)), id)) => {
                lie(made, &mut answer);
                if let Err(violation) = judge.answered(who, id, answer, at) {
                    return (judge, Err(violation));
                }
            }
        }
    }
    (judge, Ok(()))
}

impl Real<Queue<u64>> for (VecDeque<u64>, u64) {
    fn draw(&mut self, number: u64) -> QueueOperation<u64> {
        if number.is_multiple_of(2) {
            self.1 += 1;
            return QueueOperation::Enqueue(self.1);
        }
        QueueOperation::Dequeue
    }

    fn act(&mut self, operation: &QueueOperation<u64>) -> QueueAnswer<u64> {
        match operation {
            QueueOperation::Enqueue(value) => {
                self.0.push_back(*value);
                QueueAnswer::Enqueued
            }
            QueueOperation::Dequeue => QueueAnswer::Dequeued(self.0.pop_front()),
        }
    }
}

impl Real<Log<u64>> for (Vec<u64>, u64) {
    fn draw(&mut self, number: u64) -> LogOperation<u64> {
        if !number.is_multiple_of(3) {
            self.1 += 1;
            return LogOperation::Append(self.1);
        }
        LogOperation::read_from((self.0.len() as u64).saturating_sub(number % 11))
    }

    fn act(&mut self, operation: &LogOperation<u64>) -> LogAnswer<u64> {
        match operation {
            LogOperation::Append(value) => {
                self.0.push(*value);
                LogAnswer::Appended(self.0.len() as u64 - 1)
            }
            LogOperation::Read { from, .. } => {
                LogAnswer::Values(self.0[usize::try_from(*from).unwrap()..].to_vec())
            }
        }
    }
}

impl Real<Register<u64>> for (u64, u64) {
    fn draw(&mut self, number: u64) -> RegisterOperation<u64> {
        self.1 += 1;
        match number % 4 {
            0 => RegisterOperation::Write(self.1),
            1 => RegisterOperation::Swap { from: self.0, to: self.1 },
            _ => RegisterOperation::Read,
        }
    }

    fn act(&mut self, operation: &RegisterOperation<u64>) -> RegisterAnswer<u64> {
        match *operation {
            RegisterOperation::Read => RegisterAnswer::Found(self.0),
            RegisterOperation::Write(value) => {
                self.0 = value;
                RegisterAnswer::Written
            }
            RegisterOperation::Swap { from, to } if from == self.0 => {
                self.0 = to;
                RegisterAnswer::Swapped
            }
            RegisterOperation::Swap { .. } => RegisterAnswer::Found(self.0),
        }
    }
}

/// The greatest number of steps for each call of a long history. Some 200 calls of it stay without an outcome.
const STEPS_PER_CALL: u64 = 1_000;

#[test]
fn a_history_of_ten_thousand_calls_takes_steps_in_proportion() {
    fn check<M: Whole>(model: M, real: &mut impl Real<M>, lossy: u64) {
        let (judge, result) = run(model, real, (10_000, lossy), |_, _| {});
        assert_eq!((result, judge.unknown()), (Ok(()), None));
        assert!(judge.steps() < 10_000 * STEPS_PER_CALL, "{} steps", judge.steps());
    }
    for lossy in [40, 1 << 40] {
        check(Queue::default(), &mut (VecDeque::new(), 0), lossy);
        check(Log::default(), &mut (Vec::new(), 0), lossy);
        check(Register::new(0), &mut (0, 0), lossy);
    }
}

/// Plants a fault in the answers after `after` calls until one of them is noticed. Returns the explanation.
fn planted<M: Whole>(
    model: M,
    real: &mut impl Real<M>,
    mut lie: impl FnMut(&mut <M as Sequential>::Answer) -> bool,
) -> String {
    let mut has_lied = false;
    let (judge, result) = run(model, real, (800, 50), |made, answer| {
        if made > 500 && !has_lied {
            has_lied = lie(answer);
        }
    });
    assert!(has_lied, "nothing was planted");
    assert_eq!(judge.unknown(), None);
    let violation = result.expect_err("the fault must be noticed");
    let count = violation.explanation.matches(" of C").count();
    let in_order =
        violation.explanation.split(". The order").nth(1).map_or(0, |order| order.matches(" of C").count());
    assert!(count - in_order <= 6, "{violation}");
    violation.to_string()
}

#[test]
fn a_planted_fault_of_a_queue_is_shown_in_few_calls() {
    let queue = || (VecDeque::new(), 0);
    let lie_of = |lie: fn(u64) -> Option<u64>| {
        move |answer: &mut QueueAnswer<u64>| match answer {
            QueueAnswer::Dequeued(Some(value)) => {
                *answer = QueueAnswer::Dequeued(lie(*value));
                true
            }
            _ => false,
        }
    };
    let text = planted(Queue::default(), &mut queue(), lie_of(|_| Some(1 << 30)));
    assert!(text.contains("dequeued 1073741824"), "{text}");
    let text = planted(Queue::default(), &mut queue(), lie_of(|value| Some(value - 20)));
    assert_eq!(text.matches(" was answered \"dequeued").count(), 2, "twice: {text}");
    let text = planted(Queue::default(), &mut queue(), lie_of(|value| Some(value + 1)));
    assert!(text.contains("enqueue"), "in the wrong order: {text}");
}

#[test]
fn a_queue_found_empty_is_shown_with_what_was_there() {
    let mut judge = Linearizable::<Queue<u8>>::default();
    let mut now = 0;
    let mut call = |client, operation, answer: Option<QueueAnswer<u8>>| {
        let who = ProcessId::Client(client);
        judge.began(who, now, operation, Instant::from_micros(now));
        now += 2;
        match answer {
            Some(answer) => judge.answered(who, now - 2, answer, Instant::from_micros(now - 1)),
            None => {
                judge.forgot(who);
                Ok(())
            }
        }
    };
    let (enqueue, dequeue) = (QueueOperation::Enqueue, QueueOperation::Dequeue);
    call(0, enqueue(1), Some(QueueAnswer::Enqueued)).unwrap();
    call(0, enqueue(2), Some(QueueAnswer::Enqueued)).unwrap();
    call(0, enqueue(3), None).unwrap();
    call(1, dequeue.clone(), None).unwrap();
    call(1, dequeue.clone(), Some(QueueAnswer::Dequeued(Some(1)))).unwrap();
    call(2, dequeue.clone(), Some(QueueAnswer::Dequeued(None))).unwrap();
    call(2, enqueue(4), Some(QueueAnswer::Enqueued)).unwrap();
    assert_eq!(
        call(2, dequeue, Some(QueueAnswer::Dequeued(None))).unwrap_err().to_string(),
        "linearizable: no order explains that \"enqueue 2\" of C0 at 0.000002 was answered \"enqueued\" at 0.000003; \
         \"enqueue 4\" of C2 at 0.000012 was answered \"enqueued\" at 0.000013; \"dequeue\" of C2 at 0.000014 was \
         answered \"found empty\" at 0.000015. The order \"enqueue 2\" of C0, \"enqueue 4\" of C2 explains all but \
         \"dequeue\" of C2"
    );
}

#[test]
fn a_planted_fault_of_a_log_is_shown_in_few_calls() {
    let log = || (Vec::new(), 0);
    let appended = |by: i64| {
        move |answer: &mut LogAnswer<u64>| match answer {
            LogAnswer::Appended(at) => {
                *at = at.checked_add_signed(by).unwrap();
                true
            }
            LogAnswer::Values(_) => false,
        }
    };
    let text = planted(Log::default(), &mut log(), appended(-3));
    assert!(text.contains("append"), "{text}");
    planted(Log::default(), &mut log(), appended(1));
    let read = |lie: fn(&mut Vec<u64>)| {
        move |answer: &mut LogAnswer<u64>| match answer {
            LogAnswer::Values(values) if values.len() > 7 => {
                lie(values);
                true
            }
            _ => false,
        }
    };
    planted(Log::default(), &mut log(), read(|values| values[0] = 1 << 30));
    planted(Log::default(), &mut log(), read(|values| values[1] = values[0]));
    planted(Log::default(), &mut log(), read(|values| values.truncate(1)));
    planted(Log::default(), &mut log(), read(|values| values.swap(0, 1)));
}

#[test]
fn a_planted_fault_of_a_register_is_shown_in_few_calls() {
    let stale = |answer: &mut RegisterAnswer<u64>| match answer {
        RegisterAnswer::Found(value) => {
            *value -= 40;
            true
        }
        _ => false,
    };
    let text = planted(Register::new(0), &mut (0, 0), stale);
    assert!(text.contains("found"), "{text}");
}
