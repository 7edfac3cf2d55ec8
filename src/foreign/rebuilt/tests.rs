//! Rebuilt processes by themselves: when a clone is built, and what it keeps. Whole runs are in `tests/foreign/`.

use super::*;
use crate::process::{NoNote, Subject};
use crate::time::Duration;

/// Adds up numbers. It is no `Clone`.
#[derive(Debug)]
struct Adder {
    sum: u64,
    salt: u64,
}

impl Label for u64 {
    fn kind(&self) -> &'static str {
        "Number"
    }

    fn subject(&self) -> Subject {
        Subject::NONE
    }
}

impl Uncloned for Adder {
    type Message = u64;
    type Record = u64;
    type Note = NoNote;
    type Command = u64;
    type Config = u64;

    fn start(config: &u64, _: ProcessId, _: Seed, recovered: Recovered<u64>) -> Result<Adder, Damage> {
        Ok(Adder { sum: config + recovered.records.iter().sum::<u64>(), salt: 0 })
    }

    fn handle(&mut self, _: Instant, input: Input<Rebuilt<Adder>>, effects: &mut Effects<Rebuilt<Adder>>) {
        if let Input::Command(number) = input {
            self.sum += number;
            effects.append(&number);
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        Some((Instant::ZERO + Duration::from_micros(self.sum), "the sum"))
    }

    fn progress(&self) -> u64 {
        self.sum
    }

    fn rekey(&mut self, salt: u64) {
        self.salt = salt;
    }
}

fn started() -> Rebuilt<Adder> {
    let recovered = Recovered { incarnation: 2, records: alloc::vec![10, 20] };
    Rebuilt::start(&100, ProcessId::site(0), Seed(1), recovered).unwrap()
}

/// Hands in a number. The effects of an earlier input are not done yet, as on a real host.
fn add(process: &mut Rebuilt<Adder>, number: u64) {
    let mut effects = Effects::default();
    effects.append(&(number + 5_000));
    process.handle(Instant::from_micros(number), Input::Command(number), &mut effects);
    assert_eq!(effects.records().len(), 2);
}

fn inputs_kept(process: &Rebuilt<Adder>) -> u64 {
    let mut kept = 0;
    process.sizes(|size| kept += size.holds);
    kept
}

#[test]
fn a_clone_answers_without_being_built_and_is_built_at_its_first_use() {
    let mut original = started();
    (1..=600).for_each(|number| add(&mut original, number));
    let clone = original.clone();
    let grandchild = clone.clone();
    for copy in [&clone, &grandchild] {
        assert_eq!((copy.deadline(), copy.progress()), (original.deadline(), original.progress()));
        assert_eq!((copy.role(), copy.unanswered()), (Role::Follower, 0));
        assert!(copy.built.get().is_none());
        assert!(Arc::ptr_eq(&copy.kept.as_ref().unwrap().log, &original.kept.as_ref().unwrap().log));
    }
    assert_eq!(grandchild.sum, 130 + 600 * 601 / 2);
    assert!(grandchild.built.get().is_some() && clone.built.get().is_none());
}

#[test]
fn a_clone_and_its_original_go_separate_ways() {
    let mut original = started();
    add(&mut original, 1);
    let mut clone = original.clone();
    add(&mut original, 2);
    add(&mut clone, 4);
    clone.rekey(77);
    let again = clone.clone();
    assert_eq!((original.sum, clone.sum, again.sum), (133, 135, 135));
    assert_eq!((original.salt, clone.salt, again.salt), (0, 77, 77));
    assert_eq!((inputs_kept(&original), inputs_kept(&clone), inputs_kept(&again)), (2, 3, 3));
    assert_eq!(again.deadline(), clone.deadline());
}

#[test]
#[should_panic(expected = "S0 was not to be cloned, and kept no inputs")]
fn a_process_that_will_not_be_cloned_keeps_nothing() {
    let mut original = started();
    add(&mut original, 1);
    original.will_not_be_cloned();
    add(&mut original, 2);
    assert_eq!((original.sum, inputs_kept(&original)), (133, 0));
    let _ = original.clone();
}
