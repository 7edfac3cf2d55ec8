//! Log lines of processes in traces: time, process, thread, level, and no trace of them in a fingerprint.

use std::sync::Barrier;
use std::thread;

use aviary::foreign::logs;
use aviary::prelude::*;
use aviary::scenario::{Outcome, RunOptions};
use aviary::sim::{LineClass, LogLevel, TraceLevel};
use slog::Logger;

use super::outcome;

/// Writes what it does to a log of each kind.
#[derive(Clone, Debug)]
struct Chatty {
    id: ProcessId,
    config: Config,
}

#[derive(Clone, Debug)]
struct Config {
    name: String,
    logger: Logger,
}

#[derive(Clone, Debug)]
enum Message {
    Word {},
}
wire_enum!(Message { 1 => Word {} });
label_enum!(Message { Word });

#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
enum Command {
    Say { site: u8 },
    Break { site: u8 },
}
display_enum!(Command { Say => "say something", Break => "break" });

impl Process for Chatty {
    type Message = Message;
    type Record = u64;
    type Note = NoNote;
    type Command = Command;
    type Config = Config;

    fn start(config: &Config, id: ProcessId, _: Seed, _: Recovered<u64>) -> Result<Self, Damage> {
        if id.as_site().is_some() {
            log::info!("{} is built", config.name);
        }
        Ok(Chatty { id, config: config.clone() })
    }

    fn handle(&mut self, _: Instant, input: Input<Self>, effects: &mut Effects<Self>) {
        let name = &self.config.name;
        match input {
            Input::Command(Command::Say { .. }) => {
                log::warn!("{name} speaks");
                slog::info!(self.config.logger, "{} speaks too", name; "to" => "all", "from" => %self.id);
                tracing::error!(count = 3, "{name} speaks louder");
                log::debug!("{name} whispers");
                effects.append(&1);
                effects.send(SiteSet::first(2), &Message::Word {});
            }
            Input::Command(Command::Break { .. }) => {
                log::error!("{name} goes mad\nand says so");
                panic!("mad");
            }
            _ => tracing::info!("{name} listens"),
        }
    }
}

#[derive(Clone, Debug)]
struct Chat;

#[derive(Clone, PartialEq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct Settings {
    name: String,
}

impl Service for Chat {
    type Process = Chatty;
    type Judges = ();
    type Command = Command;
    type Expectation = ();
    type Settings = Settings;

    fn compile(command: &Command) -> Compiled<Self> {
        let (Command::Say { site } | Command::Break { site }) = command;
        Order::at_site(*site, command.clone())
    }

    fn config(settings: &Settings, _: &Shape) -> Result<Config, Vec<Problem>> {
        Ok(Config { name: settings.name.clone(), logger: logs::slog::slog() })
    }

    fn judges(_: &Config, _: &Shape) {}

    fn expect((): &(), _: &Cluster<'_, Chatty>) -> Result<(), String> {
        // Nobody asks a process here: its line is no process's.
        log::error!("an expectation is checked");
        Ok(())
    }

    fn converged(_: &Cluster<'_, Chatty>) -> Result<(), String> {
        log::error!("convergence is checked");
        Ok(())
    }
}

fn ran(name: &str, steps: &str, trace: TraceLevel) -> Outcome {
    let text = format!(
        "Scenario(about: \"a test\", sites: 2, settings: (name: \"{name}\"), network: (latency: Constant(\"10ms\")), steps: [{steps}])"
    );
    outcome::<Chat>(&text, &RunOptions { trace, ..RunOptions::default() })
}

#[test]
fn what_a_process_logs_while_it_is_started_follows_its_start() {
    logs::install(LogLevel::Info).unwrap();
    let run = ran("ann", "", TraceLevel::Full);
    let story: Vec<&str> = run.trace.iter().take(6).map(|entry| entry.what.as_str()).collect();
    let built = "logs info foreign::logs: ann is built";
    assert_eq!(story, ["starts", "starts", "starts", built, "starts", built]);
}

fn lines(outcome: &Outcome) -> Vec<String> {
    outcome.trace.iter().filter(|entry| entry.class == LineClass::Log).map(ToString::to_string).collect()
}

#[test]
fn lines_have_the_time_and_the_process_of_their_world_on_every_thread() {
    logs::install(LogLevel::Info).unwrap();
    let both = Barrier::new(2);
    let run = |name: &str, second: u64| {
        both.wait();
        let mut all = Vec::new();
        // Runs of both threads take turns in every order.
        for _ in 0..50 {
            let steps = format!("At(\"{second}s\", Say(site: 1)), At(\"5s\", Heal)");
            all.push(lines(&ran(name, &steps, TraceLevel::Full)));
        }
        all.dedup();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    };
    let expected = |name: &str, second: u64| {
        [
            format!("   0.000000        S0     logs info foreign::logs: {name} is built"),
            format!("   0.000000        S1     logs info foreign::logs: {name} is built"),
            format!("   {second}.000000        S1     logs warn foreign::logs: {name} speaks"),
            format!(
                "   {second}.000000        S1     logs info foreign::logs: {name} speaks too, from: S1, to: all"
            ),
            format!(
                "   {second}.000000        S1     logs error foreign::logs: {name} speaks louder, count: 3"
            ),
            format!("   {second}.001000        S1     logs info foreign::logs: {name} listens"),
            format!("   {second}.011000        S0     logs info foreign::logs: {name} listens"),
        ]
    };
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(|| run("bob", 4));
        (run("ann", 2), other.join().unwrap())
    });
    assert_eq!(one, expected("ann", 2));
    assert_eq!(other, expected("bob", 4));
}

#[test]
fn lines_change_no_fingerprint_and_cost_a_run_without_a_trace_nothing() {
    logs::install(LogLevel::Info).unwrap();
    let run = |level| ran("ann", "At(\"1s\", Say(site: 0)), At(\"2s\", Say(site: 1))", level);
    let (full, notable, off) = (run(TraceLevel::Full), run(TraceLevel::Notable), run(TraceLevel::Off));
    assert_eq!(lines(&full).len(), lines(&notable).len());
    assert!(lines(&full).len() > 8 && lines(&off).is_empty());
    for outcome in [&notable, &off] {
        assert_eq!((outcome.events, outcome.fingerprint), (full.events, full.fingerprint));
    }
    // Outside of a process nobody collects.
    assert!(!logs::takes(LogLevel::Error));
}

#[test]
fn what_a_process_logged_before_it_panicked_is_in_the_trace() {
    logs::install(LogLevel::Info).unwrap();
    let broken = ran("ann", "At(\"1s\", Break(site: 0))", TraceLevel::Notable);
    assert_eq!(broken.verdict.name(), "panicked");
    let last = broken.trace.last().unwrap().to_string();
    assert_eq!(last, "   1.000000    +1  S0     logs error foreign::logs: ann goes mad and says so");
    // The next run on this thread begins with nothing.
    assert!(lines(&ran("bob", "", TraceLevel::Full)).iter().all(|line| line.contains("bob is built")));
}
