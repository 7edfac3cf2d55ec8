//! A model of one's own, notes, and spent steps.

use alloc::string::{String, ToString};

use super::*;
use crate::judges::models::{Register, RegisterAnswer, RegisterOperation};
use crate::mix::Seed;
use crate::process::{Damage, Effects, Input, Label, Recovered, Subject};

/// A counter to which clients add, and that answers the sum.
#[derive(Clone)]
struct Counter;

impl Sequential for Counter {
    type State = u64;
    type Operation = u64;
    type Answer = u64;

    fn initial(&self) -> u64 {
        0
    }

    fn apply(&self, state: u64, add: &u64, answer: Option<&u64>) -> Option<u64> {
        let sum = state + add;
        answer.is_none_or(|answer| *answer == sum).then_some(sum)
    }

    /// Adding 0 changes nothing.
    fn without(&self, calls: &[Call<Counter>], index: usize) -> Option<Vec<Call<Counter>>> {
        let mut fewer = calls.to_vec();
        (fewer.remove(index).operation == 0).then_some(fewer)
    }
}

impl Model for Counter {
    type Operation = u64;
    type Answer = u64;
    type Key = ();
    type Part = Counter;

    fn part(&self) -> Counter {
        Counter
    }

    fn split(&self, add: &u64) -> ((), u64) {
        ((), *add)
    }

    fn answer(&self, _: &u64, answer: &u64) -> Option<u64> {
        Some(*answer)
    }
}

/// A client of the counter. Its notes are its calls: number, operation or answer.
#[derive(Clone, Debug)]
struct Client;

#[derive(Clone, Debug)]
enum Note {
    Asks(u64, u64),
    Gets(u64, u64),
    GivesUp(u64),
    Idle,
}

impl Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Label for Note {
    fn kind(&self) -> &'static str {
        "note"
    }

    fn subject(&self) -> Subject {
        Subject::NONE
    }
}

impl Process for Client {
    type Message = Nothing;
    type Record = u64;
    type Note = Note;
    type Command = u64;
    type Config = ();

    fn start((): &(), _: ProcessId, _: Seed, _: Recovered<u64>) -> Result<Client, Damage> {
        Ok(Client)
    }

    fn handle(&mut self, _: Instant, _: Input<Client>, _: &mut Effects<Client>) {}
}

#[derive(Clone, Debug)]
enum Nothing {
    Nothing { number: u64 },
}

wire_enum!(Nothing { 1 => Nothing { number } });
label_enum!(Nothing { Nothing about number });

fn event(note: &Note) -> Option<CallEvent<u64, u64>> {
    match note {
        Note::Asks(id, add) => Some(CallEvent::Began(*id, *add)),
        Note::Gets(id, sum) => Some(CallEvent::Answered(*id, *sum)),
        Note::GivesUp(id) => Some(CallEvent::Forgot(*id)),
        Note::Idle => None,
    }
}

/// Follows the notes, in which `None` is a restart of the client.
fn followed(notes: &[(u16, Option<Note>)]) -> Result<(), Violation> {
    let mut judge = Linearizable::new(Counter);
    notes.iter().enumerate().try_for_each(|(now, (client, note))| {
        let process = ProcessId::Client(*client);
        let seen = match note {
            Some(note) => Observation::Noted { process, note },
            None => Observation::Started { process, incarnation: 2, recovered: &[], state: &Client },
        };
        judge.follow(Instant::from_micros(now as u64), &seen, event)
    })
}

#[test]
fn notes_report_calls_and_a_restart_or_giving_up_leaves_them_open() {
    use Note::{Asks, Gets, GivesUp, Idle};
    let call = |id, add, sum| [(0, Some(Asks(id, add))), (0, Some(Idle)), (0, Some(Gets(id, sum)))];
    for end in [None, Some(GivesUp(1))] {
        for sum in [1, 6] {
            let notes =
                [[(0, Some(Asks(1, 5))), (0, end.clone()), (0, Some(Idle))], call(1, 1, sum)].concat();
            followed(&notes).unwrap();
            let late = [notes.clone(), call(2, 1, sum + 6).to_vec()].concat();
            assert_eq!(followed(&late).is_ok(), sum == 1, "5 is added once");
        }
        let answered = followed(&[(0, Some(Asks(1, 5))), (0, end), (0, Some(Gets(1, 5)))]);
        assert_eq!(
            answered.unwrap_err().explanation,
            "C0 is answered \"5\" to its call 1, which is not open"
        );
    }
}

#[test]
fn a_model_of_ones_own_says_which_calls_a_contradiction_needs() {
    let mut judge = Linearizable::new(Counter);
    let mut call = |add, sum, now| {
        judge.began(ProcessId::Client(3), now, add, Instant::from_micros(now));
        judge.answered(ProcessId::Client(3), now, sum, Instant::from_micros(now + 1))
    };
    call(4, 4, 0).unwrap();
    call(0, 4, 2).unwrap();
    assert_eq!(
        call(2, 7, 4).unwrap_err().to_string(),
        "linearizable: no order explains that \"4\" of C3 at 0.000000 was answered \"4\" at 0.000001; \"2\" of C3 at \
         0.000004 was answered \"7\" at 0.000005. The order \"4\" of C3 explains all but \"2\" of C3"
    );
}

/// Many clients each swap a value for the same value: any of the swaps may have taken effect before another.
#[test]
fn where_the_steps_are_spent_nothing_is_claimed() {
    let (now, clients) = (Instant::ZERO, (0..40).map(ProcessId::Client));
    let mut judge = Linearizable::new(Register::new(1));
    for who in clients.clone() {
        judge.began(who, 0, RegisterOperation::Swap { from: 1, to: 1 }, now);
    }
    for who in clients {
        judge.answered(who, 0, RegisterAnswer::Swapped, now).unwrap();
    }
    assert_eq!(
        judge.unknown(),
        Some(String::from("linearizable: not everything is judged: the search spent its steps"))
    );
    judge.began(ProcessId::Client(0), 0, RegisterOperation::Read, now);
    judge.answered(ProcessId::Client(0), 0, RegisterAnswer::Found(7), now).unwrap();
}
