//! Failures of saboteurs shrink to a few steps, and the result fails in the same way and for the same reason.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

mod planted;

use aviary::scenario::{Scenario, read, run, write};
use aviary::search::{Budget, NotShrunk, Property, Runner, Shrunk, shrink};
use aviary::sim::Chance;
use aviary::tweets::service::Timelines;
use planted::{Lying, file, light, runner};
use sim_runner::tweets::saboteurs;

const BUDGET: Budget<'static> = Budget::DEFAULT;

fn steps<S: aviary::scenario::Service>(scenario: &Scenario<S>) -> usize {
    scenario.tracks().map(<[_]>::len).sum::<usize>() + scenario.rules.len()
}

/// Shrinks the first failure among these seeds.
fn first(runner: &Runner<Lying>, scenario: &Scenario<Lying>, seeds: u64) -> Option<Shrunk<Lying>> {
    (1..=seeds).find_map(|seed| {
        let scenario = Scenario { seed, ..scenario.clone() };
        match shrink(runner, &scenario, None, &BUDGET) {
            Ok(shrunk) => Some(shrunk),
            Err(NotShrunk::Otherwise(outcome)) if outcome.verdict.is_pass() => None,
            Err(why) => panic!("seed {seed}: {why}"),
        }
    })
}

/// The shrunken scenario stays the same when it is written and read, does not fail in the same way without the planted
/// bug, and gets no smaller.
fn check(name: &str, shrunk: &Shrunk<Lying>, runner: &Runner<Lying>) {
    assert!(shrunk.is_least, "{name}: {} runs in {:?}", shrunk.runs, shrunk.took);
    let text = write(&shrunk.scenario);
    let honest = read::<Timelines>(name, &text).unwrap_or_else(|bad| panic!("{name}: {bad}\n{text}"));
    let read = honest.for_service();
    let again = runner.run(&read).unwrap();
    assert_eq!(again.fingerprint, shrunk.outcome.fingerprint, "{name}\n{text}");
    let smaller = shrink(runner, &read, Some(&shrunk.property), &BUDGET).unwrap();
    assert_eq!(write(&smaller.scenario), text, "{name}");
    let honest = run(&honest, &Default::default()).unwrap();
    let broken = Property::of(&honest.verdict);
    assert_ne!(broken, Some(shrunk.property.clone()), "{name} without its bug: {}\n{text}", honest.verdict);
}

#[test]
fn every_saboteur_shrinks_to_a_few_steps() {
    let stormy = file("stormy_weather");
    let mut sizes = Vec::new();
    for saboteur in saboteurs::all() {
        let runner = runner(saboteur);
        let Some(shrunk) = first(&runner, &stormy, 3) else { continue };
        let (runs, took) = (shrunk.runs, shrunk.took.as_secs_f64());
        println!(
            "{:<28} {:<13} {} steps, {} sites, {runs} runs in {took:.2} s",
            saboteur.name,
            shrunk.property.name(),
            steps(&shrunk.scenario),
            shrunk.scenario.sites
        );
        check(saboteur.name, &shrunk, &runner);
        sizes.push(steps(&shrunk.scenario));
    }
    sizes.sort_unstable();
    assert!(sizes.len() >= 45, "{} of the saboteurs fail in a storm", sizes.len());
    let (median, most) = (sizes[sizes.len() / 2], sizes[sizes.len() - 1]);
    println!("{} saboteurs, median {median} steps, at most {most}", sizes.len());
    assert!(median <= 4 && most <= 12, "{sizes:?}");
}

#[test]
fn what_chance_did_is_said_of_single_messages() {
    for (name, seed, message) in planted::BY_CHANCE {
        let runner = runner(saboteurs::find(name).unwrap());
        let shrunk =
            shrink(&runner, &light(seed), None, &BUDGET).unwrap_or_else(|why| panic!("{name}: {why}"));
        check(name, &shrunk, &runner);
        let scenario = &shrunk.scenario;
        assert_eq!(scenario.network.loss, Chance::NEVER, "{name}");
        let [rule] = scenario.rules.as_slice() else { panic!("{name}: {}", write(scenario)) };
        assert_eq!(rule.kind.as_deref(), Some(message), "{name}: {}", write(scenario));
        assert_eq!(rule.count, Some(1), "{name}: {}", write(scenario));
        assert!(rule.subject.is_some() && rule.name.is_some(), "{name}: {}", write(scenario));
    }
}

/// With fewer commands, an expectation about their effects would fail for another reason.
#[test]
fn what_is_expected_of_commands_keeps_them() {
    let text = r#"Scenario(about: "Wrong on purpose.", seed: 3, sites: 5, clients: 2, leader: 1,
        network: (latency: Uniform("5ms", "30ms"), loss: "2%"),
        steps: [
            At("1s", Tweet(site: 0, user: "ann", text: "hello")),
            At("2s", Tweet(client: 1, user: "bob", text: "two")),
            At("3s", Isolate(Site(4))), At("4s", Heal),
        ],
        expect: [Log(site: 0, count: 2), View(site: 1, user: "bob", sees: ["ann: bye"]), Log(site: 2, count: 2)])"#;
    let scenario = read::<Timelines>("wrong.ron", text).unwrap_or_else(|bad| panic!("{bad}"));
    let runner = Runner::new(Default::default());
    let shrunk = shrink(&runner, &scenario, None, &BUDGET).unwrap_or_else(|why| panic!("{why}"));
    let left = write(&shrunk.scenario);
    assert!(
        left.contains("text: \"hello\"") && left.contains("text: \"two\"") && left.contains("bye"),
        "{left}"
    );
    assert!(!left.contains("leader"), "who leads first does not matter: {left}");
    assert!(!left.contains("Isolate") && !left.contains("Log") && !left.contains("loss"), "{left}");
}

#[test]
fn what_passes_is_not_shrunk() {
    let runner = Runner::<Timelines>::new(Default::default());
    let scenario = read::<Timelines>("quiet.ron", "Scenario(about: \"All is quiet.\", sites: 3)")
        .unwrap_or_else(|bad| panic!("{bad}"));
    let why = shrink(&runner, &scenario, None, &BUDGET).unwrap_err();
    assert_eq!(why.to_string(), "there is no failure: it passes");
    let other = Property::Stalled { how: String::new() };
    assert!(matches!(shrink(&runner, &scenario, Some(&other), &BUDGET), Err(NotShrunk::Otherwise(_))));
}
