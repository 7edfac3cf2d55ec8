//! Blame finds the planted moment even when the symptom appears much later.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

mod planted;

use aviary::scenario::{Scenario, read};
use aviary::search::{Blamed, Inquiry, NoMoment, NotShrunk, Runner, blame};
use aviary::sim::StoryEntry;
use aviary::time::Duration;
use aviary::tweets::service::Timelines;
use planted::{Lying, light, runner};
use sim_runner::tweets::saboteurs;

fn blamed(name: &str, scenario: &Scenario<Lying>) -> Blamed {
    let runner = runner(saboteurs::find(name).unwrap());
    let inquiry = Inquiry { forks: 20, ..Inquiry::default() };
    blame(&runner, scenario, &inquiry).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// Each of these bugs does harm once a certain message is lost, but no judge detects it before the end.
#[test]
fn the_jump_is_where_the_message_is_lost_and_the_symptom_long_after() {
    for (name, seed, message) in planted::BY_CHANCE {
        let blamed = blamed(name, &light(seed));
        let jump = blamed.jump.as_ref().unwrap();
        let lines: Vec<String> = jump.entries.iter().map(StoryEntry::to_string).collect();
        let later = blamed.outcome.simulated - jump.after.at.since(Default::default());
        println!(
            "{name:<18} {:>3} % to {:>3} %, symptom {later} later: {}",
            jump.before.per_mille() / 10,
            jump.after.per_mille() / 10,
            lines.iter().find(|line| line.contains(": lost")).map_or("", |line| line.trim_start()),
        );
        assert_eq!(jump.after.turns - jump.before.turns, 1, "{name}: one event");
        let is_lost = |line: &&String| line.contains(message) && line.ends_with(": lost");
        assert!(lines.iter().any(|line| is_lost(&line)), "{name}: {lines:#?}");
        assert!(jump.after.per_mille() - jump.before.per_mille() >= 500, "{name}: {jump:?}");
        assert!(later >= Duration::from_secs(19), "{name}: {later}");
        assert!(
            blamed.suspects.iter().any(|one| one.what.contains(message)
                || one.what.contains("retries")
                || one.what.contains("fetches")),
            "{name}: {:#?}",
            blamed.suspects
        );
        assert_eq!(blamed.shaken, None, "{name}");
    }
}

/// A site that forgets its own ballot at a restart is to blame from that moment on.
#[test]
fn the_jump_is_at_the_restart_that_forgets() {
    let Scenario { steps, expect, network, .. } = light(0);
    let text = r#"Scenario(about: "A restart forgets nothing.", sites: 3, clients: 2, seed: 2, also: [[
        At("10s", Isolate(Site(0))), At("11s", Heal), At("12s", Crash(AllSites)), At("13s", Restart(AllSites)),
        At("14s", Isolate(Leader)), At("16s", Heal),
    ]])"#;
    let scenario = read::<Timelines>("restart.ron", text).unwrap_or_else(|bad| panic!("{bad}"));
    let scenario = Scenario { steps, expect, network, ..scenario.for_service() };
    let blamed = blamed("remembers-no-own-ballot", &scenario);
    let jump = blamed.jump.unwrap_or_else(|why| panic!("{why}: {:#?}", blamed.curve));
    assert_eq!(jump.after.at.to_string(), "13.000000", "{jump:#?}");
    assert!(jump.entries.iter().any(|entry| entry.to_string().contains("S2")), "{jump:#?}");
    assert!(blamed.outcome.verdict.to_string().contains("S2"), "{}", blamed.outcome.verdict);
}

/// Without randomness in the scenario, blame makes the forks differ; if the steps alone are to blame, it says so.
#[test]
fn where_nothing_is_random_that_is_said() {
    let text = r#"Scenario(about: "Nobody retries.", sites: 1, clients: 1,
        rules: [(name: "first", kind: "Request", count: 1, then: Drop)],
        steps: [At("1s", Tweet(client: 0, user: "a", text: "a"))], expect: [Converges(within: "5s")])"#;
    let scenario = read::<Timelines>("steps.ron", text).unwrap_or_else(|bad| panic!("{bad}"));
    let blamed = blamed("never-retries", &scenario.for_service());
    assert!(matches!(blamed.jump, Err(NoMoment::Certain)) && blamed.shaken.is_none(), "{blamed:?}");
}

#[test]
fn what_passes_is_not_blamed() {
    let scenario = read::<Timelines>("quiet.ron", "Scenario(about: \"All is quiet.\", sites: 3)")
        .unwrap_or_else(|bad| panic!("{bad}"));
    let why = blame(&Runner::new(Default::default()), &scenario, &Inquiry::default()).unwrap_err();
    assert!(matches!(why, NotShrunk::Otherwise(_)), "{why}");
}
