//! The input that a process asks for directly after its start.

use core::fmt;

use super::*;
use crate::process::{Damage, Effects, Input, Label, NoNote, Process, Recovered, Subject};
use crate::sim::script::Seam;

/// A process that appends and sends while it is built, and panics if anything comes before that.
#[derive(Clone, Debug)]
struct Builder {
    id: ProcessId,
    is_built: bool,
    /// The incarnations whose records it recovered.
    before: Vec<u64>,
    incarnation: u64,
    heard: Vec<u64>,
    wakes: u64,
}

#[derive(Clone, Debug)]
enum Hello {
    From { incarnation: u64 },
}

wire_enum!(Hello { 1 => From { incarnation } });

impl Label for Hello {
    fn kind(&self) -> &'static str {
        "Hello"
    }

    fn subject(&self) -> Subject {
        Subject::NONE
    }
}

#[derive(Clone, Debug)]
struct Nothing;

impl fmt::Display for Nothing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing")
    }
}

impl Process for Builder {
    type Message = Hello;
    type Record = u64;
    type Note = NoNote;
    type Command = Nothing;
    type Config = SiteSet;

    const TAKES_STARTED: bool = true;

    fn start(_: &SiteSet, id: ProcessId, _: Seed, kept: Recovered<u64>) -> Result<Builder, Damage> {
        let (before, incarnation) = (kept.records, kept.incarnation);
        Ok(Builder { id, is_built: false, before, incarnation, heard: Vec::new(), wakes: 0 })
    }

    fn handle(&mut self, _: Instant, input: Input<Builder>, effects: &mut Effects<Builder>) {
        let is_first = matches!(input, Input::Started);
        assert_eq!(is_first, !self.is_built, "{} takes {input:?}", self.id);
        match input {
            Input::Started => {
                self.is_built = true;
                if self.id.as_site().is_some() {
                    effects.append(&self.incarnation);
                    effects.send(SiteSet::first(3), &Hello::From { incarnation: self.incarnation });
                }
            }
            Input::Message { message: Hello::From { incarnation }, .. } => self.heard.push(incarnation),
            Input::Wake => self.wakes += 1,
            Input::Command(_) | Input::DiskSpace { .. } | Input::Link { .. } => {}
        }
    }

    /// Were it asked before the first input, it would be woken before it.
    fn deadline(&self) -> Option<(Instant, &'static str)> {
        (!self.is_built || self.wakes == 0).then_some((Instant::ZERO, "once"))
    }
}

fn built(steps: Vec<ScriptStep<Nothing>>) -> World<Builder, ()> {
    let mut settings = WorldSettings::calm(Seed(7), 3, SiteSet::first(3));
    settings.clients = 1;
    settings.journal.segment_bytes = 1 << 18;
    settings.tracks = Vec::from([steps]);
    let mut world = World::new(settings, ()).unwrap();
    world.run_until(ms(1_000)).unwrap();
    world
}

fn state(world: &World<Builder, ()>, who: ProcessId) -> (&[u64], usize, u64) {
    let builder = world.process(who).unwrap();
    (&builder.before, builder.heard.len(), builder.wakes)
}

fn crash_and_restart(at_seam: Option<Seam>) -> Vec<ScriptStep<Nothing>> {
    let at = |millis, action| ScriptStep { trigger: Trigger::At(ms(millis)), action, is_optional: false };
    let crash = |seam| ScriptAction::Crash { who: Target::of(S0), at: seam, leaves: Leaves::Nothing };
    let restart = || ScriptAction::Restart(Target::of(S0));
    let mut steps = Vec::from([at(100, crash(None))]);
    if at_seam.is_some() {
        steps.extend([at(150, crash(at_seam)), at(200, restart())]);
    }
    steps.push(at(300, restart()));
    steps
}

#[test]
fn a_process_that_asks_for_it_sends_and_appends_while_it_is_built() {
    let world = built(crash_and_restart(None));
    // Each site heard all three, itself included, and S0 a second time.
    assert_eq!(state(&world, S1), (&[][..], 4, 1));
    assert_eq!(state(&world, S0), (&[1][..], 1, 1));
    assert_eq!(state(&world, ProcessId::Client(0)), (&[][..], 0, 1));
}

#[test]
fn a_crash_at_a_seam_strikes_in_the_first_input_as_in_any_other() {
    let at_seam = |seam| {
        let world = built(crash_and_restart(Some(seam)));
        assert!(world.unfired().is_empty(), "{:?}", world.unfired());
        let (before, ..) = state(&world, S0);
        // S1 heard the three sites at first and S0 at last: more is from the start in between.
        (before.to_vec(), state(&world, S1).1 - 4, state(&world, S2).1 - 4)
    };
    assert_eq!(at_seam(Seam::BeforeSync), (Vec::from([1]), 0, 0));
    assert_eq!(at_seam(Seam::AfterSync), (Vec::from([1, 2]), 0, 0));
    assert_eq!(at_seam(Seam::BetweenRecipients), (Vec::from([1, 2]), 1, 0));
    // The start itself fails, and the next one is the third.
    assert_eq!(at_seam(Seam::DuringRecovery), (Vec::from([1]), 0, 0));
}

#[test]
fn the_first_input_of_a_site_that_is_put_to_sleep_comes_first_when_it_wakes() {
    let mut settings = WorldSettings::<Builder>::calm(Seed(7), 3, SiteSet::first(3));
    settings.journal.segment_bytes = 1 << 18;
    settings.leader = SiteId::new(0);
    let mut world = World::new(settings, ()).unwrap();
    world.run_until(ms(100)).unwrap();
    assert!(world.process(S0).unwrap().is_built && !world.process(S1).unwrap().is_built);
    world.heal_core();
    world.run_until(ms(200)).unwrap();
    // The hello of S0 waited for it.
    assert_eq!(state(&world, S1), (&[][..], 3, 1));
}
