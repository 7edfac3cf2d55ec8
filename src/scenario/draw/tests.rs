//! Drawn scenarios are well-formed, can be drawn again, and cover what they should.

use std::collections::BTreeMap;

use super::*;
use crate::process::Links;
use crate::scenario::form::Network;
use crate::scenario::profile::{DiskErrorKind, PROFILES};
use crate::scenario::step::{Crash, Fault};
use crate::scenario::{Run, RunOptions, plan, read, run, write};
use crate::sim::TraceLevel;
use crate::tweets::service::Timelines;
use crate::tweets::site::Overrides;

fn drawn(profile: &Profile, seed: u64) -> Scenario<Timelines> {
    draw(profile, seed).unwrap_or_else(|error| panic!("seed {seed}: {error}"))
}

#[test]
fn whatever_is_drawn_is_well_formed_and_a_file() {
    let profile = Profile::default();
    for seed in 0..3_000 {
        let scenario = drawn(&profile, seed);
        if let Err(problems) = plan(&scenario) {
            panic!("seed {seed}: {problems:#?}\n{}", write(&scenario));
        }
        assert!(scenario == drawn(&profile, seed), "seed {seed}");
        if seed % 20 == 0 {
            let text = write(&scenario);
            let again = read::<Timelines>("drawn.ron", &text).unwrap_or_else(|bad| panic!("{bad}"));
            assert!(again == scenario, "{text}");
        }
    }
}

/// No profile damages more sites than its budget allows. Only those without a limit exceed a survivable budget.
#[test]
fn every_profile_draws_within_its_budget() {
    for (name, text) in PROFILES {
        let profile = Profile::read::<Timelines>(name, text).unwrap();
        let mut damaged = 0;
        for seed in 0..400 {
            let scenario = drawn(&profile, seed);
            let problems = plan(&scenario).err().unwrap_or_default();
            assert!(problems.is_empty(), "{name}, seed {seed}: {problems:#?}");
            let is_survivable = plan(&Scenario { budget: FaultBudget::Survivable, ..scenario }).is_ok();
            damaged += u32::from(!is_survivable);
        }
        assert_eq!(damaged > 40, profile.budget == FaultBudget::Unlimited, "{name}: {damaged}");
    }
}

#[test]
fn a_drawn_file_runs_as_the_value_does() {
    let options = RunOptions { trace: TraceLevel::Notable, ..RunOptions::default() };
    for seed in [3, 14, 159] {
        let scenario = drawn(&Profile::default(), seed);
        let file = read::<Timelines>("drawn.ron", &write(&scenario)).unwrap();
        let [value, file] = [scenario, file].map(|scenario| run(&scenario, &options).unwrap());
        assert_eq!((value.fingerprint, value.events), (file.fingerprint, file.events));
        assert_eq!(value.trace, file.trace);
    }
}

/// In 3,000 draws, the share of each value is that of the profile, give or take three percent of all.
#[test]
fn weights_are_what_is_drawn() {
    let profile = Profile::default();
    let mut sites = BTreeMap::new();
    let (mut bursts, mut recipes) = (0, 0);
    for seed in 0..3_000 {
        let scenario = drawn(&profile, seed);
        *sites.entry(scenario.sites).or_insert(0) += 1;
        recipes += u32::from(scenario.about.starts_with(&format!("Seed {seed},")));
        let last = scenario.also.last().unwrap_or(&scenario.steps);
        bursts += u32::from(last.windows(2).filter(|pair| pair[0].when == pair[1].when).count() > 8);
    }
    let near = |found: u32, percent: u32| found.abs_diff(percent * 30) <= 90;
    // Recipes fit some sizes only.
    assert!(near(sites[&3], 69) && near(sites[&5], 19) && near(sites[&4], 5), "{sites:?}");
    assert!([1, 2, 6, 8, 9].iter().all(|count| sites.contains_key(count)), "{sites:?}");
    assert!(near(recipes, 25) && near(bursts, 48), "{recipes} {bursts}");
}

#[test]
fn every_kind_of_fault_and_limit_is_drawn() {
    let (mut seen, mut tiny, mut late) = (BTreeMap::<String, u32>::new(), 0, [0; 3]);
    for seed in 0..1_000 {
        let scenario = drawn(&Profile::default(), seed);
        let Overrides { taken_after, propose_after, chosen_after, .. } = scenario.settings;
        let limits = Overrides {
            taken_after: None,
            propose_after: None,
            chosen_after: None,
            heartbeat: None,
            election: None,
            election_jitter: None,
            ..scenario.settings.clone()
        };
        tiny += u32::from(limits != Overrides::default());
        for (count, time) in late.iter_mut().zip([taken_after, propose_after, chosen_after]) {
            *count += u32::from(time.is_some());
        }
        let (network, calm) = (&scenario.network, Network::default());
        for (name, is_on) in [
            ("bursts", network.bursts != calm.bursts),
            ("corruption", network.corruption != calm.corruption),
            ("truncation", network.truncation != calm.truncation),
            ("late copies", network.late_copies != calm.late_copies),
            ("misdelivery", network.misdelivery != calm.misdelivery),
            ("bandwidth", network.bandwidth.is_some()),
        ] {
            *seen.entry(name.to_owned()).or_default() += u32::from(is_on);
        }
        for step in scenario.steps.iter().chain(scenario.also.iter().flatten()) {
            if let Word::Harness(fault) = &step.action {
                let text = format!("{fault:?}");
                let end = text.find(['(', ' ', '{']).unwrap_or(text.len());
                *seen.entry(text[..end].to_owned()).or_default() += 1;
                let mut see = |word: String| *seen.entry(word).or_default() += 1;
                let first =
                    |text: String| text[..text.find(['(', ' ', '{']).unwrap_or(text.len())].to_owned();
                match fault {
                    Fault::Disk(_, word) => see(first(format!("{word:?}"))),
                    Fault::Clock(_, word) => see(first(format!("{word:?}"))),
                    Fault::Rule(rule) if rule.slots.is_some() => see("starved".to_owned()),
                    Fault::Rule(rule) => see(first(format!("{:?}", rule.then))),
                    _ => {}
                }
                if let Fault::Crash(Crash { who, .. }) | Fault::Isolate(who) | Fault::Wipe(who) = fault {
                    see(first(format!("{who:?}")));
                }
                if let Fault::Crash(crash) = fault {
                    let at = crash.at.map(|seam| first(format!("{seam:?}"))).unwrap_or_default();
                    *seen.entry(at).or_default() += 1;
                    *seen.entry(format!("{:?} {:?}", crash.at, crash.leaves)).or_default() += 1;
                }
            }
        }
    }
    for kind in [
        "Crash",
        "Restart",
        "Pause",
        "Resume",
        "Isolate",
        "Partition",
        "Cut",
        "Mend",
        "Rule",
        "SyncTime",
        "Heal",
        "Clog",
        "Unclog",
        "Redeliver",
        "Disk",
        "Wipe",
        "Slow",
        "Clock",
        "Room",
        "Rot",
        "Misdirect",
        "LoseFile",
        "Ahead",
        "Behind",
        "Fast",
        "Drop",
        "Delay",
        "Duplicate",
        "Corrupt",
        "Truncate",
        "Misdeliver",
        "Keep",
        "Candidate",
        "Laggard",
        "Sender",
        "Recipient",
        "starved",
        "bursts",
        "corruption",
        "truncation",
        "late copies",
        "misdelivery",
        "bandwidth",
        "None Torn",
        "None Scattered",
        "Some(BeforeSync) Scattered",
        "Some(BeforeSync) Torn",
        "Some(AfterSync) Nothing",
        "Some(BetweenSends) Nothing",
        "Some(BetweenRecipients) Nothing",
        "Some(DuringRecovery) Nothing",
        "InRecovery",
        "InRollover",
    ] {
        assert!(seen.get(kind).is_some_and(|count| *count > 2), "{kind}: {seen:?}");
    }
    for (error, _) in DiskErrorKind::all() {
        assert!(seen.get(error.0.name()).is_some_and(|count| *count > 2), "{error:?}: {seen:?}");
    }
    assert!((250..450).contains(&tiny) && late.iter().all(|late| *late > 100), "{tiny} {late:?}");
    assert_eq!((seen.get("Expect"), NEVER_DRAWN), (None, &["expect"][..]));
}

#[test]
fn other_draws_of_one_concern_move_no_other() {
    let (usual, mut more) = (Profile::default(), Profile::default());
    more.network.loss = crate::scenario::profile::Span(
        crate::scenario::profile::Share(crate::sim::Chance { numerator: 1, denominator: 10 }),
        crate::scenario::profile::Share(crate::sim::Chance { numerator: 1, denominator: 2 }),
    );
    let mut differ = 0;
    for seed in 0..50 {
        let (one, other) = (drawn(&usual, seed), drawn(&more, seed));
        assert!((&one.steps, &one.also, &one.settings) == (&other.steps, &other.also, &other.settings));
        differ += u32::from(one.network != other.network);
    }
    assert!(differ > 10, "{differ}");
}

/// Every recipe reaches its last step in at least half of 40 seeds.
#[test]
fn every_recipe_is_followed_to_its_end() {
    let all = names::<Timelines>();
    assert!(all.len() >= 12, "{all:?}");
    let mut rare = Vec::new();
    for name in all {
        let ends = |seed: &u64| {
            let scenario: Scenario<Timelines> = draw_recipe(&Profile::default(), *seed, name).unwrap();
            let options = RunOptions { trace: TraceLevel::Off, ..RunOptions::default() };
            let mut run = Run::new(&scenario, &options).unwrap();
            run.finish();
            run.world().fired(0) == scenario.steps.len()
        };
        let reached = (0..40).filter(ends).count();
        if reached < 20 {
            rare.push(format!("{name}: {reached}"));
        }
    }
    assert!(rare.is_empty(), "of 40: {rare:?}");
}

#[test]
fn who_draws_no_commands_is_told() {
    let error = draw::<crate::scenario::toy::Toys>(&Profile::default(), 1).unwrap_err();
    assert_eq!(error, CannotDraw::NoCommands);
    assert!(error.to_string().contains("implement `Service::draw_command`"), "{error}");
    let error = draw_recipe::<Timelines>(&Profile::default(), 1, "swizle").unwrap_err();
    assert!(error.to_string().contains("did you mean `swizzle`?"), "{error}");
}

#[test]
fn nothing_is_drawn_that_cannot_happen_on_the_links() {
    for (name, text) in PROFILES {
        for order in [Links::Datagrams, Links::Fifo, Links::Stream] {
            let mut profile = Profile::read::<Timelines>(name, text).unwrap();
            profile.network.order = Some(order);
            let (mut rules, mut faults) = (0, 0);
            for seed in 0..150 {
                let scenario = drawn(&profile, seed);
                let planned = plan(&scenario).unwrap_or_else(|problems| {
                    panic!("{name}, {order:?}, seed {seed}: {problems:#?}\n{}", write(&scenario))
                });
                assert_eq!(planned.network.order, order);
                assert_eq!(scenario.network.order, Some(order).filter(|order| *order != Links::Datagrams));
                let steps = scenario.steps.iter().chain(scenario.also.iter().flatten());
                rules += steps.filter(|step| matches!(step.action, Word::Harness(Fault::Rule(_)))).count();
                faults += planned.network.faults().count();
            }
            assert!(rules > 0 || name == "quiet", "{name}, {order:?}");
            assert_eq!(faults > 0, order != Links::Stream && name != "quiet", "{name}, {order:?}");
        }
    }
}

#[test]
fn what_a_service_assumes_is_drawn_without_a_word() {
    let network = || Network { loss: crate::sim::Chance::ALWAYS, ..Network::default() };
    let kept = |links, assumed| links::keep_to(network(), links, assumed);
    assert!(kept(Links::Stream, Links::Stream) == Network::default());
    assert!(kept(Links::Datagrams, Links::Datagrams) == network());
    assert_eq!(kept(Links::Datagrams, Links::Stream).order, Some(Links::Datagrams));
    assert_eq!(kept(Links::Fifo, Links::Stream).order, Some(Links::Fifo));
}
