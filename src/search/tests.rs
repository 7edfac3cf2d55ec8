//! Sweeps over the small protocol: order, verdicts, facts, budgets, and runs that do not repeat themselves.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::process::Links;
use crate::scenario::form::Network;
use crate::scenario::toy::Toys;
use crate::scenario::{RunOptions, Scenario, Verdict, read, write};

pub(super) fn scenario(fields: &str) -> Scenario<Toys> {
    let text = format!("Scenario(about: \"a test\", sites: 3, {fields})");
    read::<Toys>("test.ron", &text).unwrap_or_else(|bad| panic!("{bad}"))
}

/// Puts the seed: 13 is a panic, 66 a violation.
struct PutsSeed(Scenario<Toys>);

impl Source<Toys> for PutsSeed {
    fn name(&self) -> &str {
        "puts seed"
    }

    fn scenario(&self, seed: u64) -> Cow<'_, Scenario<Toys>> {
        let number = seed % 100;
        let put = scenario(&format!("seed: {seed}, steps: [At(\"1s\", Put(site: 0, number: {number}))]"));
        Cow::Owned(Scenario { network: self.0.network.clone(), ..put })
    }
}

fn puts_seed() -> Arc<dyn Source<Toys>> {
    Arc::new(PutsSeed(scenario("network: (loss: \"5%\", duplication: \"1%\")")))
}

pub(super) fn pinned(fields: &str) -> Arc<dyn Source<Toys>> {
    Arc::new(Pinned::new("pinned", scenario(fields)))
}

pub(super) fn sweep(sources: Vec<Arc<dyn Source<Toys>>>, seeds: &str, threads: usize) -> Sweep<Toys> {
    let options = RunOptions { events_max: 5_000, ..RunOptions::default() };
    Sweep {
        runner: Runner::new(options),
        sources,
        seeds: seeds.parse().unwrap(),
        shard: Shard::ALL,
        time: None,
        threads: NonZeroUsize::new(threads).unwrap(),
    }
}

#[derive(Default)]
struct Collector(Vec<Ran>);

impl Listener for Collector {
    fn ran(&mut self, ran: &Ran) {
        self.0.push(ran.clone());
    }

    fn look(&mut self, _facts: &Facts) {}
}

pub(super) fn runs_of(sweep: &Sweep<Toys>) -> (Vec<Ran>, Facts) {
    let mut collector = Collector::default();
    let facts = sweep.run(&AtomicBool::new(false), &mut collector);
    (collector.0, facts)
}

#[test]
fn what_is_told_does_not_depend_on_the_number_of_threads() {
    let sources = || vec![puts_seed(), pinned("steps: [At(\"1s\", Put(site: 0, number: 5))]")];
    let (one, facts) = runs_of(&sweep(sources(), "0..150", 1));
    assert_eq!(one.len(), 300);
    let order: Vec<_> = one.iter().map(|ran| (ran.seed, ran.source)).collect();
    assert!(order.is_sorted() && order[3] == (1, 1), "{order:?}");
    for threads in [2, 5] {
        assert_eq!(runs_of(&sweep(sources(), "0..150", threads)), (one.clone(), facts.clone()));
    }
    let bad: Vec<_> = one.iter().filter(|ran| !ran.verdict.is_pass()).collect();
    let failures: Vec<_> = bad.iter().map(|ran| (ran.seed, ran.verdict.property())).collect();
    assert_eq!(failures, [(13, "panic"), (66, "no sixes"), (113, "panic")]);
    let twice = one.iter().filter(|ran| ran.again == Again::Same).count();
    assert_eq!(twice, 6);
}

#[test]
fn a_run_of_a_sweep_is_the_run_of_its_scenario() {
    let source = puts_seed();
    let (ran, _) = runs_of(&sweep(vec![Arc::clone(&source)], "7..8", 1));
    let outcome = Runner::new(RunOptions::default()).run(&source.owned(7)).unwrap();
    assert_eq!((ran[0].fingerprint, ran[0].events), (outcome.fingerprint, outcome.events));
    let traced = traced(&Runner::new(RunOptions::default()), source.as_ref(), 7).unwrap();
    assert!(traced.fingerprint == outcome.fingerprint && !traced.trace.is_empty());
    let pinned = pinned("network: (loss: \"50%\")");
    let (ran, _) = runs_of(&sweep(vec![Arc::clone(&pinned)], "7..9", 1));
    assert_eq!((pinned.owned(7).seed, pinned.owned(8).seed), (7, 8));
    assert_ne!(ran[0].fingerprint, ran[1].fingerprint);
}

#[test]
fn shards_tell_together_what_the_whole_tells() {
    let whole = runs_of(&sweep(vec![puts_seed()], "3..60", 2)).0;
    let mut parts = Vec::new();
    for number in 1..=3 {
        let part = Sweep { shard: Shard::new(number, 3).unwrap(), ..sweep(vec![puts_seed()], "3..60", 2) };
        parts.extend(runs_of(&part).0);
    }
    parts.sort_by_key(|ran| ran.seed);
    let bare = |runs: Vec<Ran>| -> Vec<_> {
        runs.into_iter().map(|ran| (ran.seed, ran.verdict, ran.fingerprint)).collect()
    };
    assert_eq!(bare(parts), bare(whole));
}

#[test]
fn facts_are_counted_and_those_that_never_happened_have_their_names() {
    let put =
        "steps: [At(\"1s\", Put(site: 0, number: 5)), After(\"0s\", Crash(Site(1))), After(\"1s\", Heal)]";
    let (_, facts) = runs_of(&sweep(vec![pinned(put)], "0..10", 2));
    let fact = |kind, name| {
        let found = facts.iter().find(|fact| (fact.0, fact.1) == (kind, name));
        found.unwrap_or_else(|| panic!("there is no {name}")).2
    };
    assert_eq!(fact(FactKind::Step, "crash"), Fact { runs: 10, times: 10 });
    assert_eq!(fact(FactKind::World, "crashes"), Fact { runs: 10, times: 10 });
    assert_eq!(fact(FactKind::Note, "Kept").runs, 10);
    assert_eq!(fact(FactKind::Step, "partition"), Fact::default());
    let (seen, all) = facts.coverage();
    assert!(seen > 8 && seen < all, "{seen} of {all}");
}

#[test]
fn what_eats_events_or_memory_is_given_up() {
    let long = pinned("limit: \"60min\", steps: [At(\"50min\", Heal)]");
    let (ran, _) = runs_of(&sweep(vec![Arc::clone(&long)], "0..2", 1));
    assert_eq!(ran[0].verdict.explanation().split(',').next(), Some("no verdict after 5000 events"));
    let mut small = sweep(vec![long], "0..2", 1);
    small.runner.options.bytes_max = 1_000;
    let (ran, _) = runs_of(&small);
    let why = ran[0].verdict.to_string();
    assert!(why.starts_with("undecided: its world takes more than 1000 bytes"), "{why}");
}

#[test]
fn a_run_that_does_not_repeat_itself_is_noticed() {
    for impurity in ["Address", "Clock"] {
        let steps = format!("steps: [At(\"1s\", PutOdd(site: 0, what: {impurity}))]");
        let (ran, _) = runs_of(&sweep(vec![pinned(&steps)], "0..51", 1));
        let differed: Vec<_> =
            ran.iter().filter(|ran| matches!(ran.again, Again::Differed(_))).map(|ran| ran.seed).collect();
        assert_eq!(differed, [0, 50], "{impurity}");
    }
}

#[test]
fn whoever_stops_a_sweep_gets_a_front_part_without_gaps() {
    struct Stops<'a>(Vec<u64>, &'a AtomicBool);
    impl Listener for Stops<'_> {
        fn ran(&mut self, ran: &Ran) {
            self.0.push(ran.seed);
            self.1.store(true, Ordering::Relaxed);
        }
        fn look(&mut self, _facts: &Facts) {}
    }
    let stop = AtomicBool::new(false);
    let mut stops = Stops(Vec::new(), &stop);
    let endless = sweep(vec![puts_seed()], "0..", 3);
    endless.run(&stop, &mut stops);
    assert!(!stops.0.is_empty() && stops.0.iter().copied().eq(0..stops.0.len() as u64));
    let timed = Sweep { time: Some(core::time::Duration::from_millis(20)), ..endless };
    let (ran, _) = runs_of(&timed);
    assert!(ran.iter().map(|ran| ran.seed).eq(0..ran.len() as u64));
}

#[test]
fn what_cannot_be_run_is_told_as_such() {
    struct Bad;
    impl Source<Toys> for Bad {
        fn name(&self) -> &str {
            "bad"
        }
        fn scenario(&self, _seed: u64) -> Cow<'_, Scenario<Toys>> {
            Cow::Owned(Scenario { sites: 20, ..scenario("seed: 1") })
        }
    }
    let (ran, _) = runs_of(&sweep(vec![Arc::new(Bad)], "0..2", 2));
    let Verdict::Stale { why } = &ran[1].verdict else { panic!("{:?}", ran[1]) };
    assert_eq!(why, "what was drawn cannot be run: sites: a cluster of 20 sites");
}

#[test]
fn each_shape_is_saved_once_and_fails_again_from_its_file() {
    let folder = std::env::temp_dir().join(format!("aviary-settle-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let sources = vec![puts_seed()];
    let mut groups = Groups::default();
    let (ran, _) = runs_of(&sweep(sources.clone(), "0..300", 2));
    ran.iter().filter(|ran| !ran.verdict.is_pass()).for_each(|ran| {
        groups.add(ran);
    });
    let runner = Runner::new(RunOptions::default());
    let replay = |path: &std::path::Path, _: u64, _: &str| format!("replay {}", path.display());
    let settle = |shrink| Settle {
        runner: &runner,
        sources: &sources,
        shrink,
        threads: NonZeroUsize::new(2).unwrap(),
        folder: Some(&folder),
        saboteur: None,
        replay: &replay,
    };
    let summaries = |settled: &[Settled]| -> Vec<_> {
        settled.iter().map(|one| (one.property.clone(), one.count, one.found.seed, one.is_shrunk)).collect()
    };
    let (stop, at_once) = (AtomicBool::new(false), AtOnce::default());
    let whole = settle(None).settle(&groups, &at_once, &stop);
    let [panics, sixes] = [("panic", 3, 13), ("no sixes", 3, 66)];
    let expected = |is_shrunk| [panics, sixes].map(|(name, n, seed)| (name.to_owned(), n, seed, is_shrunk));
    assert_eq!(summaries(&whole), expected(false));
    let calm = |origin: &Scenario<Toys>, _: &Verdict| {
        Some(Scenario { network: scenario("seed: 1").network, ..origin.clone() })
    };
    let shrunk = settle(Some(&calm)).settle(&groups, &at_once, &stop);
    assert_eq!(summaries(&shrunk), expected(true));
    // Something that passes is no smaller failure.
    let useless = |origin: &Scenario<Toys>, _: &Verdict| Some(Scenario { steps: vec![], ..origin.clone() });
    assert_eq!(summaries(&settle(Some(&useless)).settle(&groups, &at_once, &stop)), expected(false));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 4);
    for one in whole.iter().chain(&shrunk) {
        let path = one.path.clone().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(&format!("// Replay: replay {}", path.display())), "{text}");
        let failure = Failure::<Toys>::read("x.ron", &text).unwrap_or_else(|bad| panic!("{bad}"));
        assert_eq!(recheck(&runner, &failure), Recheck::StillFails);
        assert_eq!(failure.origin.is_some(), one.is_shrunk);
        let fixed = Failure { scenario: scenario("seed: 1"), ..failure.clone() };
        assert_eq!(recheck(&runner, &fixed), Recheck::Passes);
        let stale = scenario("limit: \"2s\", steps: [On(Leads(Site(1)), Heal)]");
        let stale = recheck(&runner, &Failure { scenario: stale, ..failure.clone() });
        assert!(matches!(stale, Recheck::Stale(_)), "{stale:?}");
        let otherwise = recheck(&runner, &Failure { property: "order".into(), ..failure });
        assert!(matches!(otherwise, Recheck::FailsOtherwise(_)), "{otherwise:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_saved_at_once_goes_when_something_smaller_is_saved() {
    let folder = std::env::temp_dir().join(format!("aviary-at-once-{}", std::process::id()));
    let sources = vec![puts_seed()];
    let mut groups = Groups::default();
    let runner = Runner::new(RunOptions::default());
    let calm = |origin: &Scenario<Toys>, _: &Verdict| {
        Some(Scenario { network: scenario("seed: 1").network, ..origin.clone() })
    };
    let settle = |folder| Settle {
        runner: &runner,
        sources: &sources,
        shrink: Some(&calm),
        threads: NonZeroUsize::MIN,
        folder: Some(folder),
        saboteur: None,
        replay: &|_, _, _| String::new(),
    };
    let names = || -> Vec<_> { std::fs::read_dir(&folder).unwrap().map(|one| one.unwrap().path()).collect() };
    let mut at_once = AtOnce::default();
    let (ran, _) = runs_of(&sweep(sources.clone(), "13..14", 1));
    groups.add(&ran[0]);
    let sample = &groups.iter().next().unwrap().samples[0];
    settle(&folder).save_at_once(sample, &mut at_once).unwrap();
    let [first] = &names()[..] else { panic!("{:?}", names()) };
    let failure = Failure::<Toys>::read("x.ron", &std::fs::read_to_string(first).unwrap()).unwrap();
    assert!(failure.origin.is_none());
    let stop = AtomicBool::new(false);
    // A folder that cannot be written to loses neither new failures nor saved ones.
    let nowhere = folder.join("nowhere");
    std::fs::write(&nowhere, "a file").unwrap();
    let unsaved = &settle(&nowhere).settle(&groups, &at_once, &stop)[0];
    assert_eq!((unsaved.found.seed, unsaved.path.as_ref()), (13, Some(first)));
    assert!(unsaved.unsaved.as_ref().unwrap().contains("nowhere"), "{unsaved:?}");
    std::fs::remove_file(&nowhere).unwrap();
    let saved = &settle(&folder).settle(&groups, &at_once, &stop)[0];
    assert!(saved.is_shrunk && saved.unsaved.is_none(), "{saved:?}");
    assert_eq!(names(), [saved.path.clone().unwrap()]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_hunt_ends_with_the_first_failure_that_counts() {
    let runner = Runner::new(RunOptions { events_max: 5_000, ..RunOptions::default() });
    let source = puts_seed();
    let go_on = AtomicBool::new(false);
    let hunted = hunt(&runner, source.as_ref(), 5..100, |_| true, &go_on).unwrap();
    assert_eq!((hunted.seed, hunted.runs, hunted.property.name()), (13, 9, "panic"));
    let hunted = hunt(&runner, source.as_ref(), 5..100, |seed| seed != 13, &go_on).unwrap();
    assert_eq!((hunted.seed, hunted.runs, hunted.property.name()), (66, 62, "no sixes"));
    assert_eq!(hunt(&runner, source.as_ref(), 14..66, |_| true, &go_on), None);
    assert!(fails(&runner, source.as_ref(), 66) && !fails(&runner, source.as_ref(), 67));
    let stop = AtomicBool::new(true);
    assert_eq!(hunt(&runner, source.as_ref(), 5..100, |_| true, &stop), None);
    // A run that reaches its limit on events decides nothing.
    let short = Runner::new(RunOptions { events_max: 1, ..RunOptions::default() });
    assert_eq!(hunt(&short, source.as_ref(), 13..14, |_| true, &go_on), None);
}

#[test]
fn a_smaller_failure_keeps_the_links_that_it_needs_and_no_others() {
    let runner = Runner::new(RunOptions::default());
    let network = "latency: Uniform(\"1ms\", \"20ms\"), order: Stream, break_after: \"1500ms\"";
    let steps = "[At(\"1s\", Put(site: 0, number: 3)), At(\"2s\", Isolate(Site(1))), After(\"3s\", Heal)]";
    let failing = |claim: &str| {
        let scenario = scenario(&format!("network: ({network}), steps: {steps}, expect: [{claim}]"));
        shrink(&runner, &scenario, None, &Budget::default()).unwrap().scenario
    };
    let of_links = failing("Never(LinkDown(Any))");
    assert_eq!(of_links.network.order, Some(Links::Stream));
    // Without the second step faults stop before the link breaks.
    let plain = (of_links.network.latency == Network::default().latency, of_links.steps.len());
    assert_eq!(plain, (true, 2), "{of_links:?}");
    let of_numbers = failing("Holds(site: 0, number: 4)");
    assert!(of_numbers.network == Network::default(), "{:?}", of_numbers.network);
}

#[test]
fn a_failure_of_a_held_network_is_made_smaller_blamed_and_kept() {
    let runner = Runner::new(RunOptions::default());
    let deliver = |to| format!("After(\"1ms\", Deliver(kind: \"Greatest\", to: Site({to})))");
    let (to_one, to_two) = (deliver(1), deliver(2));
    let scenario = scenario(&format!(
        "network: Held, steps: [At(\"1s\", Put(site: 0, number: 5)), After(\"1ms\", Sync(Site(0))), \
         After(\"1ms\", Fire(Site(0))), {to_two}, {to_one}, After(\"1ms\", Sync(Site(2))), \
         After(\"1ms\", Expect(Holds(site: 1, number: 4)))]"
    ));
    let shrunk = shrink(&runner, &scenario, None, &Budget::default()).unwrap();
    assert_eq!(shrunk.scenario.network, scenario.network);
    let text = write(&shrunk.scenario);
    assert!(text.contains("Deliver") && !text.contains("Site(2)"), "{text}");
    let blamed = blame(&runner, &scenario, &Inquiry { forks: 4, ..Inquiry::default() }).unwrap();
    assert_eq!(
        blamed.jump.map(|jump| jump.after).map_err(|why| why.to_string()),
        Err(NoMoment::Certain.to_string())
    );
    assert_eq!(blamed.shaken, None);
    let found = Found { profile: "by hand".into(), seed: 0 };
    let (property, explanation) = (shrunk.property.to_string(), "it differs".into());
    let failure = Failure { property, explanation, saboteur: None, found, scenario, origin: None };
    let text = failure.write(&runner.run(&failure.scenario).unwrap(), "replay");
    let short = text.replace("network: (delivery: Held)", "network: Held");
    assert!(short.len() < text.len(), "{text}");
    for text in [text, short] {
        assert_eq!(Failure::<Toys>::read("x.ron", &text).unwrap().scenario, failure.scenario);
    }
    let (ran, _) =
        runs_of(&sweep(vec![pinned("network: Held, steps: [At(\"1s\", Fire(Site(0)))]")], "0..8", 2));
    assert!(ran.iter().all(|ran| ran.verdict.is_pass()), "{ran:?}");
}
