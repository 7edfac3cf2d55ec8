//! Audits of the small protocol: runs that repeat themselves, and every kind of run that does not.

use super::toy::Toys;
use super::{Audit, Parting, RunComparison, RunDifference, RunEnd, RunEntry, RunOptions, Way, audit, read};
use crate::time::Instant;

fn audited(fields: &str) -> Audit {
    let text = format!("Scenario(about: \"a test\", sites: 3, {fields})");
    let scenario = read::<Toys>("test.ron", &text).unwrap_or_else(|bad| panic!("{bad}"));
    audit(&scenario, &RunOptions::default()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Site 0 takes 5 at 1 second and `what` at 2 and 3 seconds.
fn with_impurity(what: &str) -> Audit {
    let put = format!("PutOdd(site: 0, what: {what})");
    audited(&format!("steps: [At(\"1s\", Put(site: 0, number: 5)), At(\"2s\", {put}), At(\"3s\", {put})]"))
}

fn difference(audit: &Audit, way: Way) -> Option<&RunDifference> {
    audit.ways.iter().find(|(found, _)| *found == way).unwrap().1.as_ref()
}

#[track_caller]
fn parts(audit: &Audit, way: Way, parting: Parting) -> &RunDifference {
    let difference = difference(audit, way).unwrap_or_else(|| panic!("{way:?} should part"));
    assert_eq!(difference.parting, parting, "{way:?}: {difference}");
    difference
}

#[test]
fn a_run_that_depends_on_nothing_repeats_itself_however_it_ends() {
    let put = "Put(site: 0, number: 5)";
    let ends = [
        ("passed", format!("steps: [At(\"1s\", {put})], expect: [Holds(site: 2, number: 5)]")),
        ("passed", String::new()),
        ("violated", format!("steps: [At(\"1s\", {put})], expect: [Holds(site: 2, number: 6)]")),
        ("violated", "steps: [At(\"1s\", Put(site: 1, number: 66))]".into()),
        ("panicked", "steps: [At(\"1s\", Put(site: 2, number: 13))]".into()),
        (
            "stalled",
            "steps: [At(\"1s\", Put(site: 1, number: 9))], expect: [Converges(within: \"2s\")]".into(),
        ),
        ("stale", "limit: \"2s\", steps: [On(Leads(Site(2)), Heal)]".into()),
    ];
    for (verdict, fields) in ends {
        let audit = audited(&fields);
        assert_eq!(audit.outcome.verdict.name(), verdict);
        assert_eq!(audit.ways, Way::ALL.map(|way| (way, None)), "{fields}");
        let last = audit.first.last().unwrap();
        assert_eq!((last.events, last.fingerprint), (audit.outcome.events, audit.outcome.fingerprint));
        assert_eq!(last.end.as_ref().unwrap().verdict, audit.outcome.verdict.to_string());
        assert!(audit.first.iter().rev().skip(1).all(|entry| entry.end.is_none()));
    }
}

#[test]
fn an_address_is_caught_in_its_event() {
    let audit = with_impurity("Address");
    let difference = parts(&audit, Way::Again, Parting::Text);
    let (left, right) = (&difference.left, &difference.right);
    assert_eq!((left.events, left.at), (right.events, right.at));
    assert_eq!(left.at.to_string(), "2.000000");
    for side in [left, right] {
        assert!(side.lines[0].starts_with("   2.000000        S0     kept "), "{side:?}");
    }
    assert_ne!(left.lines[0], right.lines[0]);
    let before = difference.before.last().unwrap();
    assert!(before.ends_with("S0     appends 1 record"), "{before}");
    assert!(difference.before.iter().any(|line| line.contains("is asked: put Address")), "{difference:?}");
    assert_eq!(difference.to_string(), format!("the traces part in event {} at 2.000000", left.events));
    // Without the lines, the difference is in the same event.
    let untraced = parts(&audit, Way::Untraced, Parting::Event);
    assert_eq!((untraced.left.events, untraced.right.events), (left.events, left.events));
    assert!(untraced.right.lines.is_empty() && untraced.left.lines.iter().any(|line| line.contains("kept")));
    parts(&audit, Way::Notable, Parting::Event);
}

#[test]
fn the_clock_is_caught() {
    let audit = with_impurity("Clock");
    for way in [Way::Again, Way::Clone, Way::Original] {
        let difference = parts(&audit, way, Parting::Text);
        assert!(difference.left.lines[0].contains("S0     kept 1"), "{difference:?}");
        assert_eq!(difference.left.at.to_string(), "2.000000");
    }
}

#[test]
fn what_usually_makes_runs_part_is_named_beside_the_place() {
    let audit = with_impurity("HashOrder");
    let difference = parts(&audit, Way::Again, Parting::Text);
    assert_eq!(difference.left.at.to_string(), "2.000000");
    assert!(difference.left.lines[0].contains("S0     kept "), "{difference:?}");
    let hint = difference.hint();
    assert!(hint.starts_with("The same lines come in another order, as from a `HashMap`"), "{hint}");
    for suspect in ["random generator", "`HashSet`", "address", "`SystemTime::now`"] {
        assert!(hint.contains(suspect), "{hint}");
    }
    // Nothing is the same in another order here.
    let hint = parts(&with_impurity("Clock"), Way::Again, Parting::Text).hint();
    assert!(
        hint.starts_with("In a process, and in the crates that it uses, the usual suspects are"),
        "{hint}"
    );
}

#[test]
fn what_no_line_shows_is_in_the_fingerprint_and_the_other_way_round() {
    let hidden = with_impurity("HiddenAddress");
    let difference = parts(&hidden, Way::Again, Parting::Fingerprint);
    assert_eq!(difference.left.lines, difference.right.lines);
    assert!(difference.left.lines.iter().any(|line| line.contains("S0     appends 1 record")));
    assert_ne!(difference.left.fingerprint, difference.right.fingerprint);
    let event = difference.left.events;
    let sentence = format!(
        "the traces agree to here line by line, but the fingerprints part in event {event} at 2.000000"
    );
    assert_eq!(difference.to_string(), sentence);
    let noted = with_impurity("ToldAddress");
    let difference = parts(&noted, Way::Again, Parting::Text);
    assert_eq!(difference.left.fingerprint, difference.right.fingerprint);
}

#[test]
fn clones_that_share_something_are_caught_though_runs_agree() {
    let audit = with_impurity("Shared");
    for way in [Way::Again, Way::Notable, Way::Untraced] {
        assert_eq!(difference(&audit, way), None, "{way:?}");
    }
    for way in [Way::Clone, Way::Original] {
        let difference = parts(&audit, way, Parting::Text);
        assert!(difference.left.lines[0].ends_with("S0     kept 1000"), "{difference:?}");
        assert!(difference.right.lines[0].ends_with("S0     kept 1002"), "{difference:?}");
        assert_eq!(difference.left.at.to_string(), "2.000000");
    }
}

#[test]
fn a_run_that_feels_its_trace_is_caught() {
    let audit = with_impurity("Holders");
    assert_eq!(difference(&audit, Way::Again), None);
    for way in [Way::Notable, Way::Untraced] {
        let difference = parts(&audit, way, Parting::Event);
        assert_eq!(difference.left.at.to_string(), "2.000000");
    }
}

#[test]
fn ends_are_compared_too() {
    let end = |verdict: &str, state: &str| Some(RunEnd { verdict: verdict.into(), state: state.into() });
    let entry = |events, end| RunEntry {
        events,
        at: Instant::from_micros(7),
        fingerprint: 1,
        lines: Some(vec!["a line".into()]),
        end,
    };
    let left = [entry(1, None), entry(2, end("passed", "S0: 1\nS1: 2"))];
    let check = |other: RunEntry, lines: [&[&str]; 2]| {
        let mut comparison = RunComparison::new(&left);
        comparison.take(&left[0]).unwrap();
        let difference = comparison.take(&other).unwrap_err();
        assert_eq!(difference.parting, Parting::End);
        assert_eq!([&difference.left.lines[..], &difference.right.lines[..]], lines);
        assert_eq!(difference.to_string(), "the ends differ, behind event 2 at 0.000007");
    };
    check(entry(2, end("passed", "S0: 1\nS1: 3")), [&["= S1: 2"], &["= S1: 3"]]);
    check(entry(2, end("stale: x", "")), [&["ends: passed", "= S0: 1", "= S1: 2"], &["ends: stale: x"]]);
    check(entry(2, None), [&["ends: passed", "= S0: 1", "= S1: 2"], &[]]);
    let mut comparison = RunComparison::new(&left);
    assert!(left.iter().all(|entry| comparison.take(entry).is_ok()));
}
