//! Whole clusters under the profile `storms`: up to nine sites, overlapping faults, and every judge watching.
//!
//! At the end of each run everything is healed, and the run must converge and satisfy the judges. Rare paths must have
//! run.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use aviary::process::Links;
use aviary::scenario::{Profile, Run, RunOptions};
use aviary::search::{Drawn, FactKind, Source, Sweep};
use aviary::sim::TraceLevel;
use aviary::time::Duration;
use aviary::tweets::service::Timelines;
// Linked for its code: the harness for the tweet service, which this test need not compile again.
use sim_runner as _;

/// The number of storms.
const SEEDS: u64 = 1_200;

/// The time in which these storms must converge. The profile grants more, for the slowest of many thousands.
const WITHIN: Duration = Duration::from_secs(48);

/// Facts that a batch of storms must contain, so that a calm batch does not pass for a hard one.
const RARE: [&str; 16] = [
    "campaigns",
    "caught up",
    "deposed",
    "evicted",
    "expired",
    "fetches",
    "found busy",
    "local reply",
    "lost quorum",
    "nacks",
    "refused",
    "repeated",
    "reproposes",
    "resubmits",
    "retries",
    "splits promise",
];

fn storms() -> Drawn {
    let text = include_str!("../scenarios/profiles/storms.ron");
    let profile = Profile::read::<Timelines>("storms", text).unwrap_or_else(|bad| panic!("{bad}"));
    assert!(profile.heals_all.numerator == profile.heals_all.denominator, "every site must agree");
    Drawn::new::<Timelines>("storms", Profile { converges_within: WITHIN, ..profile }).unwrap()
}

#[test]
fn sites_agree_and_keep_their_word_in_any_weather() {
    let facts = Sweep::<Timelines>::of(storms()).seeds(0..SEEDS).check();
    let runs = |kind, name: &str| {
        let fact = facts.iter().find(|fact| (fact.0, fact.1) == (kind, name));
        fact.unwrap_or_else(|| panic!("there is no {name}")).2.runs
    };
    let missing: Vec<_> = RARE.iter().filter(|note| runs(FactKind::Note, note) == 0).collect();
    // The environment may set fewer seeds.
    let swept = runs(FactKind::World, "starts");
    assert!(swept < SEEDS || missing.is_empty(), "never happened in {swept} storms: {missing:?}");
}

/// The timeline assumes datagrams. Links that promise more may not harm it, and streams must break in such a batch.
#[test]
fn sites_agree_where_links_keep_an_order_or_are_connections() {
    for order in [Links::Fifo, Links::Stream] {
        let mut profile = Profile::default();
        profile.network.order = Some(order);
        let drawn = Drawn::new::<Timelines>("default", profile).unwrap();
        let facts = Sweep::<Timelines>::of(drawn).seeds(0..100).check();
        let runs = |name: &str| facts.iter().find(|fact| fact.1 == name).map_or(0, |fact| fact.2.runs);
        let broken = ["links broken", "links connected again", "waited for a cut link"].map(runs);
        let (is_stream, swept) = (order == Links::Stream, runs("starts"));
        assert!(broken.iter().all(|runs| (*runs > 10) == is_stream) || swept < 100, "{broken:?} of {swept}");
        assert!(runs("dropped on a cut link") == 0 || !is_stream);
    }
}

#[test]
fn a_clone_and_an_untraced_run_of_a_storm_are_the_same_run() {
    let source = storms();
    for seed in 0..20 {
        let scenario = Source::<Timelines>::owned(&source, seed);
        let options = |trace| RunOptions { trace, ..RunOptions::default() };
        let mut original = Run::new(&scenario, &options(TraceLevel::Notable)).unwrap();
        for _ in 0..3_000 {
            original.step();
        }
        let mut clone = original.clone();
        let mut untraced = Run::new(&scenario, &options(TraceLevel::Off)).unwrap();
        let [clone, original, untraced] = [&mut clone, &mut original, &mut untraced].map(|run| {
            run.finish();
            (run.outcome(), run.world().judge().noted().to_vec())
        });
        for (twin, noted) in [&clone, &untraced] {
            let found = (twin.fingerprint, twin.events, &twin.verdict, noted);
            let (first, counted) = (&original.0, &original.1);
            assert_eq!(found, (first.fingerprint, first.events, &first.verdict, counted), "seed {seed}");
        }
        assert!(clone.0.trace == original.0.trace && untraced.0.trace.is_empty(), "seed {seed}");
    }
}
