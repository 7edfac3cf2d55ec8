//! Runs a scenario and its twin to the same moment, and checks that they differ, but only in one fault.

use aviary::mix::Seed;
use aviary::scenario::step::{Action, Fault, Target};
use aviary::scenario::{Scenario, Service, plan, read};
use aviary::sim::{TraceLevel, TraceSettings, World, WorldSettings};
use aviary::time::Instant;
use aviary::tweets::service::Timelines;
use aviary::tweets::site::Participant;

use crate::kinds;
use crate::story::{Story, Watcher, seconds};

type Steps = aviary::scenario::form::StepOf<Timelines>;

/// Site 0 leads from about 0.4 s on.
const LED_BY_S0: &str = "leader: 0, machines: [[0], [1, 2]],";

/// The length of every run.
const UNTIL: Instant = Instant::from_micros(seconds(6));

/// The twins of one kind of fault.
pub struct Pair {
    kind: &'static str,
}

impl Pair {
    pub fn of(kind: &'static str) -> Pair {
        Pair { kind }
    }

    /// Runs three sites, of which site 0 leads, with the fault and without it, under each seed.
    pub fn led(&self, text: &str, differ: impl Fn(&Story, &Story)) {
        self.all(&format!("sites: 3, {LED_BY_S0} {text}"), &|_| {}, &|_| {}, differ);
    }

    /// Runs the scenario in the text, with the fault and without it.
    pub fn free(&self, text: &str, differ: impl Fn(&Story, &Story)) {
        self.all(text, &|_| {}, &|_| {}, differ);
    }

    /// Runs three sites like [`Pair::led`]; the fault is one that no scenario can express.
    pub fn worlds(
        &self,
        text: &str,
        both: impl Fn(&mut WorldSettings<Participant>),
        fault: impl Fn(&mut WorldSettings<Participant>),
        differ: impl Fn(&Story, &Story),
    ) {
        self.all(&format!("sites: 3, {LED_BY_S0} {text}"), &both, &fault, differ);
    }

    fn all(
        &self,
        text: &str,
        both: &dyn Fn(&mut WorldSettings<Participant>),
        fault: &dyn Fn(&mut WorldSettings<Participant>),
        differ: impl Fn(&Story, &Story),
    ) {
        let (with, without) = (scenario(text, '+'), scenario(text, '-'));
        for seed in 0..seeds() {
            let _printer = SeedPrinter(seed);
            let (mut fine, mut faulty) = (settings(&without, seed), settings(&with, seed));
            both(&mut fine);
            both(&mut faulty);
            fault(&mut faulty);
            let found = kinds::differences(&with, &without, &faulty, &fine);
            assert!(found.contains(&self.kind), "these twins are about {found:?}, not about {}", self.kind);
            let counter = kinds::counter(&with, &without, &faulty, &fine);
            let twin = run(&without, fine);
            if let Some(inert) = inert(&with, &without) {
                let inert = run(&inert, settings(&inert, seed));
                assert!(inert.rest() == twin.rest(), "a step that does nothing changes something");
            }
            let one = run(&with, faulty);
            assert!(one.rest() != twin.rest(), "{} changes nothing but its own line", self.kind);
            if let Some(counter) = counter {
                assert!(
                    one.counted(counter) > twin.counted(counter),
                    "{} is not seen in `{counter}`",
                    self.kind
                );
            }
            differ(&one, &twin);
        }
    }
}

/// Prints the seed when a check fails.
struct SeedPrinter(u64);

impl Drop for SeedPrinter {
    #[expect(clippy::print_stderr, reason = "beside the panic that it explains")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the twins differ otherwise than expected under seed {}", self.0);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how many seeds is the caller's choice; a seed's run is not")]
fn seeds() -> u64 {
    std::env::var("AVIARY_TWINS").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

/// The scenario with the lines that have this mark, and without the lines that have the other.
fn scenario(text: &str, mark: char) -> Scenario<Timelines> {
    let unmarked = |line: &str| match line.trim_start().split_at_checked(2) {
        Some((found @ ("+ " | "- "), rest)) => found.starts_with(mark).then(|| rest.to_owned()),
        _ => Some(line.to_owned()),
    };
    let lines: Vec<String> = text.lines().filter_map(unmarked).collect();
    let text = format!("Scenario(about: \"twins\", {})", lines.join("\n"));
    read("a twin", &text).unwrap_or_else(|bad| panic!("{}", bad.render(false)))
}

fn settings(scenario: &Scenario<Timelines>, seed: u64) -> WorldSettings<Participant> {
    let trace = TraceSettings { level: TraceLevel::Full, lines_max: 1_000_000 };
    let plan = plan(scenario).expect("read() has planned it");
    plan.world(Seed(scenario.seed + seed), trace)
}

fn run(scenario: &Scenario<Timelines>, settings: WorldSettings<Participant>) -> Story {
    let plan = plan(scenario).expect("read() has planned it");
    let judges = Timelines::judges(&plan.config, &plan.shape);
    let watcher = Watcher { judges, sent: Vec::new() };
    let mut world = World::new(settings, watcher).expect("read() has checked it");
    world.run_until(UNTIL).unwrap_or_else(|violation| panic!("{violation}\n{}", world.trace()));
    let unfired = world.unfired();
    assert!(unfired.is_empty(), "{unfired:?}\n{}", world.trace());
    Story { entries: world.trace().story(), world }
}

/// The step that only the first scenario has, with the place of its track under `also`.
pub fn extra_step<'a>(
    one: &'a Scenario<Timelines>,
    other: &Scenario<Timelines>,
) -> Option<(usize, &'a Steps)> {
    let mut extra = one.also.iter().enumerate().filter(|(_, track)| !other.also.contains(track));
    let (place, track) = extra.next()?;
    assert!(extra.next().is_none() && track.len() == 1, "the fault has a track of its own, alone");
    Some((place, &track[0]))
}

/// The first scenario with a step that does nothing in place of the fault, if the fault is a step that the second
/// scenario lacks.
fn inert(with: &Scenario<Timelines>, without: &Scenario<Timelines>) -> Option<Scenario<Timelines>> {
    let (place, _) = extra_step(with, without)?;
    if extra_step(without, with).is_some() {
        return None;
    }
    let mut inert = with.clone();
    inert.also[place][0].action = Action::Harness(Fault::Resume(Target::Terminal(0)));
    Some(inert)
}
