//! Clones of a process that is not `Clone`, against those of its twin that is.

use aviary::prelude::*;
use aviary::scenario::{Parting, RunEntry, RunOptions, RunRecorder, Verdict, Way, audit};
use aviary::search::{Blamed, Inquiry, Runner, blame};
use aviary::sim::TraceLevel;

use super::beacon::{Beacon, Beacons, Lonely, Numbered};
use super::scenario;

const LOSSY: &str = include_str!("beacon.ron");

/// Everything that happens, if the run is replaced by a clone after every `every` entries.
fn entries<P: Numbered>(seed: u64, every: usize) -> Vec<RunEntry> {
    // The lines of a replay would stand in the trace a second time.
    #[cfg(feature = "log")]
    aviary::foreign::logs::install(aviary::sim::LogLevel::Info).expect("no other logger is here");
    let options = RunOptions { seed: Some(seed), trace: TraceLevel::Full, ..RunOptions::default() };
    let mut run = RunRecorder::<Beacons<P>>::new(&scenario(LOSSY), &options).expect("a scenario that runs");
    let mut entries = Vec::new();
    while let Some(entry) = run.next() {
        entries.push(entry);
        if entries.len() % every == 0 {
            let clone = run.clone();
            // The original goes on a little, which the clone must not notice.
            (0..5).for_each(|_| drop(run.next()));
            run = clone;
        }
    }
    entries
}

#[test]
fn a_rebuilt_process_does_event_for_event_what_its_twin_does() {
    let mut ends = Vec::new();
    for seed in 0..20 {
        let twin = entries::<Beacon>(seed, usize::MAX);
        for every in [usize::MAX, 40, 7] {
            let rebuilt = entries::<Rebuilt<Lonely>>(seed, every);
            assert!(rebuilt == twin, "seed {seed}, cloned every {every} entries");
        }
        let logged = twin.iter().flat_map(|entry| entry.lines.iter().flatten());
        let logged = logged.filter(|line| line.contains("logs info foreign::beacon")).count();
        assert_eq!(logged > 0, cfg!(feature = "log"));
        ends.push(twin.last().unwrap().end.clone().unwrap().verdict);
    }
    assert!(ends.iter().any(|end| end == "passed") && ends.iter().any(|end| end != "passed"), "{ends:?}");
}

fn blamed<P: Numbered>(seed: u64) -> Blamed {
    let inquiry = Inquiry { forks: 4, time: std::time::Duration::MAX, runs_max: 60, stop: None };
    let runner = Runner::new(RunOptions { seed: Some(seed), ..RunOptions::default() });
    blame::<Beacons<P>>(&runner, &scenario(LOSSY), &inquiry).expect("a failure")
}

#[test]
fn blame_finds_the_same_with_rebuilt_forks() {
    let fails = |seed: &u64| {
        entries::<Beacon>(*seed, usize::MAX).last().unwrap().end.as_ref().unwrap().verdict != "passed"
    };
    let seed = (0..20).find(fails).unwrap();
    let (twin, rebuilt) = (blamed::<Beacon>(seed), blamed::<Rebuilt<Lonely>>(seed));
    assert!(twin.curve.len() > 3 && twin.runs > 20, "{twin:?}");
    assert_eq!((&rebuilt.curve, rebuilt.runs), (&twin.curve, twin.runs));
    let jump = |blamed: &Blamed| format!("{:?}", blamed.jump);
    assert_eq!(jump(&rebuilt), jump(&twin));
    assert!(aviary::foreign::rebuilt::replayed().inputs > 0);
}

#[test]
fn a_process_that_does_not_repeat_itself_is_found_where_it_parts() {
    let text = r#"Scenario(about: "a test", sites: 9, settings: (is_impure: true),
        steps: [At("1s", Put(site: 0, number: 7)), At("2s", Put(site: 1, number: 9))])"#;
    // Run twice, this process parts like any other.
    let audited = audit::<Beacons<Rebuilt<Lonely>>>(&scenario(text), &RunOptions::default()).unwrap();
    assert_eq!(audited.outcome.verdict, Verdict::Passed);
    let difference = |wanted| audited.ways.iter().find(|(way, _)| *way == wanted).unwrap().1.clone().unwrap();
    assert_eq!(difference(Way::Again).parting, Parting::Text);
    // Its clone is found out as soon as it is used, and says why.
    let options = RunOptions { trace: TraceLevel::Full, ..RunOptions::default() };
    let mut run = RunRecorder::<Beacons<Rebuilt<Lonely>>>::new(&scenario(text), &options).unwrap();
    run.by_ref().take_while(|entry| entry.at < Instant::ZERO + Duration::from_millis(1_500)).for_each(drop);
    let mut clone = run.clone();
    clone.by_ref().for_each(drop);
    let Verdict::Panicked { message, .. } = clone.outcome().verdict else { panic!("{:?}", clone.outcome()) };
    let sentence = "S1 does not repeat itself: rebuilt for a clone from its start and ";
    assert!(message.starts_with(sentence), "{message}");
    assert!(message.contains(" inputs, it sends other messages at input 3, a wake-up at 1."), "{message}");
    assert!(message.contains("the usual suspects are the random generator"), "{message}");
    assert!(message.contains("iteration order of a `HashMap`"), "{message}");
}
