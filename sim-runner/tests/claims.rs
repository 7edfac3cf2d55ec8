//! Claims of a scenario about its end. Each claim has an effect on an honest run, and a planted bug that passes without
//! the claim goes red with it.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::path::Path;

use aviary::scenario::{Outcome, RunOptions, Scenario, Verdict, read};
use sim_runner::tweets::saboteurs::{self, Lying, find};

fn scenario(text: &str) -> Scenario<Lying> {
    read("claims.ron", text).unwrap_or_else(|bad| panic!("{bad}"))
}

fn outcome(text: &str, saboteur: Option<&str>) -> Outcome {
    let saboteur = saboteur.map(|name| find(name).unwrap());
    saboteurs::run(&scenario(text), saboteur, &RunOptions::default()).unwrap()
}

fn lines(outcome: &Outcome) -> Vec<&str> {
    outcome.trace.iter().map(|line| line.what.as_str()).collect()
}

/// Runs the scenario of this name with and without `claim`, honest and sabotaged.
fn check(name: &str, claim: &str, line: Option<&str>, saboteur: &str, why: &str) -> Verdict {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(name).with_extension("ron");
    let with = fs::read_to_string(path).unwrap();
    let without = with.replace(&format!("        {claim},\n"), "");
    assert!(with != without, "{name} does not claim {claim}");
    let (honest, twin) = (outcome(&with, None), outcome(&without, None));
    assert!(honest.verdict.is_pass() && twin.verdict.is_pass(), "{}\n{}", honest.verdict, twin.verdict);
    match line {
        Some(line) => {
            assert!(lines(&honest).contains(&line) && !lines(&twin).contains(&line), "{:?}", lines(&honest));
            assert!(honest.events > twin.events + 10, "{} and {} events", honest.events, twin.events);
        }
        None => assert_eq!(honest.fingerprint, twin.fingerprint, "a claim that only looks"),
    }
    let unseen = outcome(&without, Some(saboteur));
    assert!(unseen.verdict.is_pass(), "{saboteur} is seen without {claim}: {}", unseen.verdict);
    let seen = outcome(&with, Some(saboteur)).verdict;
    assert!(seen.to_string().contains(why), "{seen}");
    seen
}

#[test]
fn who_cannot_go_on_is_found_by_one_thing_more() {
    let (name, line) =
        ("replaced_leader_serves_its_users_again", "every reachable terminal and client does one more thing");
    let why = "after S01 agreed and was given one thing more to do";
    let verdict = check(name, "Progresses", Some(line), "former-leader-forwards-nothing", why);
    assert!(matches!(&verdict, Verdict::Stalled { why } if why.starts_with("no progress 3s")), "{verdict}");
}

/// A site that is not healed is outside of the core: it must catch up only where all must agree.
#[test]
fn who_stays_behind_outside_of_the_core_is_found_where_all_must_agree() {
    let text = |claim: &str| {
        format!(
            r#"Scenario(about: "Who was cut off catches up.", sites: 3, steps: [
                On(Leads(Any), Isolate(Site(2))), After("1s", Tweet(site: 0, user: "ann", text: "hello")),
                On(Noted(kind: "done", who: Terminal(0)), Isolate(Site(2)))], expect: [{claim}])"#
        )
    };
    let (core, all) = (text(r#"Converges(within: "9s")"#), text(r#"Converges(within: "9s", all: true)"#));
    let [honest, twin] = [&all, &core].map(|text| outcome(text, None));
    assert!(honest.verdict.is_pass() && twin.verdict.is_pass(), "{}\n{}", honest.verdict, twin.verdict);
    let heals =
        |outcome: &Outcome, sites: &str| lines(outcome).contains(&&*format!("faults stop, {sites} heal"));
    assert!(heals(&honest, "S012") && heals(&twin, "S01"), "{:?}", lines(&honest));
    assert!(outcome(&core, Some("never-fetches")).verdict.is_pass(), "the core misses nothing");
    let verdict = outcome(&all, Some("never-fetches")).verdict;
    assert!(matches!(&verdict, Verdict::Stalled { why } if why.contains("after healing S012")), "{verdict}");
}

#[test]
fn who_does_not_come_back_as_it_was_is_found_by_a_restart() {
    let (name, line) = ("every_site_comes_back_as_it_was", "every site that can run is restarted");
    check(name, "Restarts", Some(line), "remembers-nothing", "");
}

#[test]
fn a_leader_that_does_not_stay_is_found_by_counting() {
    let name = "leader_stays_where_nothing_is_wrong";
    let verdict = check(name, "LeadershipsAtMost(1)", None, "beats-too-rarely", "allows 1 leadership, S");
    assert!(
        matches!(&verdict, Verdict::Violated(violation) if violation.property == "leaderships"),
        "{verdict}"
    );
}

/// The messages between sites are right, and all other judges are content, but users see what cannot be.
#[test]
fn users_who_are_told_what_cannot_be_are_believed() {
    let explanation = |name: &str, saboteur: &str| {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(name).with_extension("ron");
        let text = fs::read_to_string(path).unwrap();
        assert!(outcome(&text, None).verdict.is_pass());
        match outcome(&text, Some(saboteur)).verdict {
            Verdict::Violated(violation) if violation.property == "linearizable" => violation.explanation,
            other => panic!("{saboteur}: {other}"),
        }
    };
    let sentence = explanation("what_is_done_for_one_is_shown_to_the_next", "client-shows-an-old-page");
    assert!(
        sentence.starts_with("no order explains that \"ann: second\" was done for C0 between"),
        "{sentence}"
    );
    assert_eq!(sentence.matches(';').count(), 1, "the tweet and the view that lacks it: {sentence}");
}
