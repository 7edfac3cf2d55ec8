//! Saves processes and loads them in the middle of drawn runs: a loaded process must behave like the saved one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use aviary::ids::{ProcessId, SiteId};
use aviary::mix::{Seed, below, mix};
use aviary::process::{Damage, Effects, Given, Input, Letter, Process, Recovered, Role, Savable, Size};
use aviary::scenario::draw::{Asking, Draws, RecipesOf};
use aviary::scenario::profile::PROFILES;
use aviary::scenario::{
    Cluster, OldWord, Order, Outcome, Pace, PastLife, Probe, Problem, Profile, RunOptions, Service, Shape,
    draw, run,
};
use aviary::sim::Violation;
use aviary::time::{Duration, Instant};
use aviary::tweets::judges::Judges;
use aviary::tweets::service::{TimelineCommand, TimelineExpectation, Timelines};
use aviary::tweets::site::{self, Config, Message, Note, Overrides, Participant, Record};
// Linked for its code: the harness for the tweet service, which this test need not compile again.
use sim_runner as _;

/// The real process, saved and loaded before one input out of [`EVERY`].
#[derive(Clone, Debug)]
struct Reloaded {
    real: Participant,
    config: Config,
    id: ProcessId,
    seed: Seed,
    inputs: u64,
}

/// The number of inputs per save and load.
const EVERY: u64 = 7;

impl Reloaded {
    /// Continues as the process that its bytes describe.
    fn reload(&mut self, now: Instant, input: &Input<Participant>) {
        let mut bytes = Vec::new();
        self.real.save(&mut bytes);
        let loaded = Participant::load(&self.config, self.id, &bytes);
        self.real = loaded.unwrap_or_else(|error| panic!("{} does not read its own state: {error}", self.id));
        let mut again = Vec::new();
        self.real.save(&mut again);
        assert!(bytes == again, "{} was read back as another", self.id);
        (0..4).for_each(|time| self.damage(time, &mut bytes.clone(), now, input));
    }

    /// Damaged bytes are refused, or are another state in its only byte form.
    fn damage(&self, time: u64, bytes: &mut [u8], now: Instant, input: &Input<Participant>) {
        let draw = |concern, bound: usize| {
            let draw = mix(self.seed.0, [self.inputs, time, concern]);
            usize::try_from(below(draw, bound as u64)).unwrap()
        };
        let cut = Participant::load(&self.config, self.id, &bytes[..draw(1, bytes.len())]);
        assert!(cut.is_err(), "{} is read back from a part of its state", self.id);
        bytes[draw(2, bytes.len())] ^= 1 << draw(3, 8);
        let Ok(mut other) = Participant::load(&self.config, self.id, bytes) else { return };
        let mut again = Vec::new();
        other.save(&mut again);
        assert!(bytes == again, "{} has a second way to write its state", self.id);
        let acts = || {
            let mut effects = Effects::default();
            other.handle(now, input.clone(), &mut effects);
            other.handle(other.deadline().map_or(now, |(at, _)| at), Input::Wake, &mut effects);
        };
        assert!(catch_unwind(AssertUnwindSafe(acts)).is_ok(), "{} was read back as one that panics", self.id);
    }
}

impl Process for Reloaded {
    type Message = Message;
    type Record = Record;
    type Note = Note;
    type Command = site::Command;
    type Config = Config;

    fn start(
        config: &Config,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Record>,
    ) -> Result<Reloaded, Damage> {
        let real = Participant::start(config, id, seed, recovered)?;
        Ok(Reloaded { real, config: config.clone(), id, seed, inputs: 0 })
    }

    fn handle(&mut self, now: Instant, input: Input<Reloaded>, effects: &mut Effects<Reloaded>) {
        self.inputs += 1;
        let input = match input {
            Input::Message { from, message } => Input::<Participant>::Message { from, message },
            Input::Started => Input::Started,
            Input::Wake => Input::Wake,
            Input::Command(command) => Input::Command(command),
            Input::DiskSpace { is_low } => Input::DiskSpace { is_low },
            Input::Link { peer, up } => Input::Link { peer, up },
        };
        if below(mix(self.seed.0, [self.inputs]), EVERY) == 0 {
            self.reload(now, &input);
        }
        let mut given = Effects::<Participant>::default();
        self.real.handle(now, input, &mut given);
        let Given { records, messages, notes, stop } = given.take().unwrap();
        records.iter().for_each(|record| effects.append(record));
        for Letter { to, message, is_independent } in &messages {
            if *is_independent {
                effects.send_independent(*to, message);
            } else {
                effects.send(*to, message);
            }
        }
        notes.into_iter().for_each(|note| effects.note(note));
        if let Some(stop) = stop {
            effects.stop(stop.property, stop.reason);
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.real.deadline()
    }

    fn role(&self) -> Role {
        self.real.role()
    }

    fn progress(&self) -> u64 {
        self.real.progress()
    }

    fn unanswered(&self) -> usize {
        self.real.unanswered()
    }

    fn sizes(&self, see: impl FnMut(Size)) {
        self.real.sizes(see);
    }
}

/// The tweet service with such processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Reloading;

fn real<'a>(cluster: &Cluster<'a, Reloaded>) -> Cluster<'a, Participant> {
    cluster.inside(cluster.config, |reloaded| &reloaded.real)
}

impl Service for Reloading {
    type Process = Reloaded;
    type Judges = Judges;
    type Command = TimelineCommand;
    type Expectation = TimelineExpectation;
    type Settings = Overrides;

    const OLD_WORDS: &'static [OldWord] = Timelines::OLD_WORDS;
    const TRACE_NOTATION: &'static str = Timelines::TRACE_NOTATION;

    fn notable_messages() -> Vec<&'static str> {
        Timelines::notable_messages()
    }

    fn compile(command: &TimelineCommand) -> Result<Order<Reloading>, Vec<Problem>> {
        let Order { to, command, place } = Timelines::compile(command)?;
        Ok(Order { to, command, place })
    }

    fn check(expectation: &TimelineExpectation, shape: &Shape) -> Vec<Problem> {
        Timelines::check(expectation, shape)
    }

    fn draw_command(draws: &mut Draws, asking: &Asking) -> Option<TimelineCommand> {
        Timelines::draw_command(draws, asking)
    }

    fn draw_settings(draws: &mut Draws, is_tiny: bool) -> Overrides {
        Timelines::draw_settings(draws, is_tiny)
    }

    fn recipes() -> RecipesOf<Reloading> {
        Timelines::recipes()
    }

    fn config(settings: &Overrides, shape: &Shape) -> Result<Config, Vec<Problem>> {
        Timelines::config(settings, shape)
    }

    fn check_config(config: &Config) -> Vec<Problem> {
        Timelines::check_config(config)
    }

    fn datagram_max(config: &Config) -> usize {
        Timelines::datagram_max(config)
    }

    fn journal(config: &Config) -> aviary::journal::JournalConfig {
        Timelines::journal(config)
    }

    fn burst_bytes_max(config: &Config) -> u64 {
        Timelines::burst_bytes_max(config)
    }

    fn journals(
        config: &Config,
        shape: &Shape,
        history: &PastLife,
    ) -> Result<Vec<Vec<Record>>, Vec<Problem>> {
        Timelines::journals(config, shape, history)
    }

    fn draw_history(draws: &mut Draws, config: &Config) -> PastLife {
        Timelines::draw_history(draws, config)
    }

    fn recall(judges: &mut Judges, journals: &[(SiteId, Recovered<Record>)]) {
        Timelines::recall(judges, journals);
    }

    fn judge_end(judges: &Judges, cluster: &Cluster<'_, Reloaded>) -> Result<(), Violation> {
        Timelines::judge_end(judges, &real(cluster))
    }

    fn same_state(one: &Reloaded, other: &Reloaded) -> Result<(), String> {
        Timelines::same_state(&one.real, &other.real)
    }

    fn core_size(config: &Config, shape: &Shape) -> u8 {
        Timelines::core_size(config, shape)
    }

    fn judges(config: &Config, shape: &Shape) -> Judges {
        Timelines::judges(config, shape)
    }

    fn hold_to_bounds(
        judges: &mut Judges,
        config: &Config,
        shape: &Shape,
        pace: &Pace,
    ) -> Result<(), String> {
        Timelines::hold_to_bounds(judges, config, shape, pace)
    }

    fn expect(expectation: &TimelineExpectation, cluster: &Cluster<'_, Reloaded>) -> Result<(), String> {
        Timelines::expect(expectation, &real(cluster))
    }

    fn converged(cluster: &Cluster<'_, Reloaded>) -> Result<(), String> {
        Timelines::converged(&real(cluster))
    }

    fn converges_within(config: &Config, pace: &Pace) -> Duration {
        Timelines::converges_within(config, pace)
    }

    fn probe(process: ProcessId) -> Option<Probe<Reloading>> {
        let Probe { command, done } = Timelines::probe(process)?;
        Some(Probe { command, done })
    }

    fn final_state(cluster: &Cluster<'_, Reloaded>) -> String {
        Timelines::final_state(&real(cluster))
    }
}

fn outcome<S: Service>(profile: &str, seed: u64) -> Outcome {
    let (name, text) = PROFILES.iter().find(|(name, _)| *name == profile).unwrap();
    let profile = Profile::read::<S>(name, text).unwrap();
    run(&draw::<S>(&profile, seed).unwrap(), &RunOptions::default()).unwrap()
}

#[test]
fn runs_whose_processes_are_read_back_all_the_time_are_the_same_runs() {
    for seed in 0..100 {
        let (plain, reloaded) =
            (outcome::<Timelines>("default", seed), outcome::<Reloading>("default", seed));
        assert_eq!(
            (&plain.verdict, plain.events, plain.fingerprint, &plain.final_state),
            (&reloaded.verdict, reloaded.events, reloaded.fingerprint, &reloaded.final_state),
            "seed {seed}"
        );
    }
}
