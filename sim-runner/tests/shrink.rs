//! Failures of saboteurs shrink to a few steps, and what comes out fails in the same way.
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use aviary::scenario::{RunOptions, Scenario, read};
use aviary::search::{Budget, NotShrunk, Runner, shrink};
use aviary::service::Timelines;
use sim_runner::saboteurs::{self, Lying, Saboteur};

fn scenario(name: &str) -> Scenario<Lying> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(name).with_extension("ron");
    let text = fs::read_to_string(&path).unwrap();
    read::<Timelines>(name, &text).unwrap_or_else(|bad| panic!("{bad}")).for_service()
}

fn runner(saboteur: &'static Saboteur) -> Runner<Lying> {
    Runner::configured(RunOptions::default(), move |config: &mut saboteurs::Config| {
        config.saboteur = Some(saboteur)
    })
}

#[test]
#[ignore]
fn table() {
    let scenario = scenario("stormy_weather");
    let budget = Budget { time: Duration::from_secs(20), ..Budget::default() };
    let only = std::env::args().skip_while(|a| a != "--").nth(1);
    for saboteur in saboteurs::all() {
        if let Ok(o) = std::env::var("ONLY") {
            if o != saboteur.name {
                continue;
            }
        }
        for seed in 1..6 {
            let mut runner = runner(saboteur);
            runner.options.seed = Some(seed);
            match shrink(&runner, &scenario, None, &budget) {
                Ok(shrunk) => {
                    let s = &shrunk.scenario;
                    let steps = s.steps.len() + s.also.iter().map(Vec::len).sum::<usize>();
                    println!(
                        "{:<32} {:<14} steps {steps:>2} rules {:>2} sites {} tracks {} runs {:>5} {:>6.2} s least {} events {}",
                        saboteur.name,
                        shrunk.property.name(),
                        s.rules.len(),
                        s.sites,
                        1 + s.also.len(),
                        shrunk.runs,
                        shrunk.took.as_secs_f64(),
                        shrunk.is_least,
                        shrunk.outcome.events
                    );
                    if std::env::var("ONLY").is_ok() {
                        println!("{s:#?}\n{}", shrunk.outcome.verdict);
                        for l in &shrunk.outcome.trace {
                            println!("{l}")
                        }
                    }
                    break;
                }
                Err(NotShrunk::Otherwise(outcome)) if outcome.verdict.is_pass() => {
                    if seed == 5 {
                        println!("{:<32} passes", saboteur.name)
                    }
                }
                Err(e) => println!("{:<32} {e}", saboteur.name),
            }
        }
    }
    drop(only);
}
