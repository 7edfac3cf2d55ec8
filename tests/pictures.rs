//! Run events: every copy of a datagram is known from where it is made to its end, every cause comes before what it
//! caused, and making a picture changes nothing.

#![expect(clippy::unwrap_used, reason = "a test: what is missing in a picture is a failure")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use aviary::scenario::{Picture, PictureOptions, RunOptions, Scenario, picture, read, run};
use aviary::sim::{RunEvent, TraceLevel};
use aviary::tweets::service::Timelines;
// Linked for its code: the harness for the tweet service, which this test need not compile again.
use sim_runner as _;

/// What happens to a copy at its sender's end.
const LEAVING: [&str; 11] = [
    "sent",
    "queued",
    "ruled",
    "doubled",
    "held_back",
    "again",
    "cut_short",
    "flipped",
    "strayed",
    "clogged",
    "lost",
];

fn scenarios() -> Vec<(String, Scenario<Timelines>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|kind| kind == "ron")).collect();
    paths.sort();
    let scenario = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let scenario = read(&name, &fs::read_to_string(path).unwrap()).unwrap_or_else(|bad| panic!("{bad}"));
        (name, scenario)
    };
    paths.iter().map(scenario).collect()
}

fn options(name: &str) -> PictureOptions {
    PictureOptions {
        name: name.into(),
        is_failure: false,
        reproduce: "replay it".into(),
        events_max: 1_000_000,
    }
}

fn of(name: &str, scenario: &Scenario<Timelines>) -> Picture {
    picture(scenario, &RunOptions::default(), &options(name), |_| {}).unwrap().0
}

/// The end of each copy: where it is opened or lost, goes on as other copies, or ends with a process.
fn ends(picture: &Picture) -> BTreeMap<u32, usize> {
    let mut ends = BTreeMap::new();
    for (place, event) in picture.events.iter().enumerate() {
        let is_end = matches!(event.kind, "delivered" | "dropped" | "lost")
            || event.kind == "ruled" && event.why.as_ref().unwrap().ends_with(": drop");
        let own = event.copy.filter(|_| is_end).into_iter();
        let with_process = event.copies.iter().copied().filter(|_| event.kind != "redelivered");
        for copy in own.chain(with_process) {
            let before = ends.insert(copy, place);
            assert_eq!(
                before, None,
                "{}: copy {copy} ends twice, the second time at {event:?}",
                picture.name
            );
        }
    }
    for event in picture.events.iter().filter(|event| event.kind == "strayed") {
        ends.entry(event.of.unwrap()).or_insert(usize::MAX);
    }
    ends
}

fn is_from(event: &RunEvent, sent: &RunEvent) -> bool {
    // What goes astray arrives elsewhere; what is damaged may name another sender.
    sent.kind == "strayed" || event.from.is_none() || event.from == sent.who || event.kind == "dropped"
}

#[test]
fn every_copy_of_a_datagram_is_known_from_its_sending_to_its_end() {
    let mut seen = BTreeSet::new();
    for (name, scenario) in scenarios() {
        let picture = of(&name, &scenario);
        let ends = ends(&picture);
        let under_way: BTreeSet<u32> = picture.under_way.iter().map(|one| one.copy).collect();
        let held: BTreeSet<u32> = picture
            .events
            .iter()
            .filter(|event| matches!(event.kind, "clogged" | "waits"))
            .filter_map(|event| event.copy)
            .collect();
        for (place, event) in picture.events.iter().enumerate() {
            seen.insert(event.kind);
            if let Some(cause) = event.cause {
                let cause = usize::try_from(cause).unwrap();
                assert!(cause < place, "{name}: {event:?} at {place} is caused by what comes later");
            }
            if matches!(event.kind, "delivered" | "dropped") {
                let cause = event.cause.unwrap_or_else(|| panic!("{name}: nobody sent {event:?}"));
                let sent = &picture.events[usize::try_from(cause).unwrap()];
                assert!(
                    LEAVING.contains(&sent.kind) && is_from(event, sent),
                    "{name}: {event:?} of {sent:?}"
                );
                assert!(sent.at <= event.at, "{name}: {event:?} before {sent:?}");
            }
            if let Some(copy) = event.copy.filter(|_| LEAVING.contains(&event.kind)) {
                let is_known = ends.contains_key(&copy) || under_way.contains(&copy) || held.contains(&copy);
                assert!(is_known, "{name}: nothing says where copy {copy} of {event:?} ends");
            }
        }
        for copy in under_way {
            assert!(!ends.contains_key(&copy), "{name}: copy {copy} has ended and is under way");
        }
    }
    for kind in LEAVING.iter().chain(&["delivered", "dropped", "crashed", "repeated", "redelivered", "waits"])
    {
        assert!(seen.contains(kind), "no scenario has {kind}");
    }
}

#[test]
fn a_picture_changes_nothing_and_has_every_line_of_the_trace() {
    for (name, scenario) in scenarios() {
        let options = RunOptions { trace: TraceLevel::Full, ..RunOptions::default() };
        let outcome = run(&scenario, &options).unwrap();
        let picture = of(&name, &scenario);
        assert_eq!(picture.fingerprint, format!("{:016x}", outcome.fingerprint), "{name}");
        assert_eq!((picture.verdict.name, picture.left_out), (outcome.verdict.name(), 0), "{name}");
        // An entry of a trace may stand for several sites, or several recipients of one datagram.
        assert!(picture.events.len() >= outcome.trace.len(), "{name}");
        let texts: BTreeSet<(u64, &str)> =
            picture.events.iter().map(|event| (event.at, event.text.as_str())).collect();
        for entry in outcome.trace.iter().filter(|entry| !entry.what.starts_with("-> S")) {
            assert!(texts.contains(&(entry.at.as_micros(), entry.what.as_str())), "{name}: {entry}");
        }
    }
}

#[test]
fn states_are_what_processes_show_at_the_end() {
    for (name, scenario) in scenarios() {
        let picture = of(&name, &scenario);
        let mut fields = BTreeMap::new();
        for change in &picture.states {
            assert!(change.after < picture.events.len(), "{name}: {change:?}");
            let of_process = fields.entry(change.process.as_str()).or_insert_with(BTreeMap::new);
            for (field, value) in &change.fields {
                match value {
                    Some(value) => of_process.insert(field.as_str(), value.as_str()),
                    None => of_process.remove(field.as_str()),
                };
            }
        }
        let sites = picture.final_state.lines().filter_map(|line| line.strip_prefix('S')?.split_once(": "));
        for (sites, state) in sites.filter(|(_, state)| *state != "down") {
            let applied = state.split_once(" slots applied").unwrap().0;
            for site in sites.chars().map(|digit| format!("S{digit}")) {
                let shown = fields[site.as_str()].get("applied below slot");
                assert_eq!(shown, Some(&applied), "{name}: {site}");
            }
        }
    }
}

#[test]
fn calls_begin_before_they_are_answered_and_most_are() {
    let (mut answered, mut open) = (0, 0);
    for (name, scenario) in scenarios() {
        let picture = of(&name, &scenario);
        for call in &picture.calls {
            match call.answered {
                Some(end) => {
                    assert!(call.asked < end, "{name}: {call:?}");
                    assert_eq!(picture.events[end].kind, "noted", "{name}: {call:?}");
                    answered += 1;
                }
                None => open += 1,
            }
            assert_eq!(picture.events[call.asked].kind, "commanded", "{name}: {call:?}");
        }
    }
    assert!(answered > 500 && open < answered / 4, "{answered} calls are answered, {open} are not");
}

#[test]
fn what_is_too_much_is_left_out_and_counted() {
    let (name, scenario) = &scenarios()[0];
    let whole = of(name, scenario);
    let few = PictureOptions { events_max: 100, ..options(name) };
    let (picture, outcome) = picture(scenario, &RunOptions::default(), &few, |_| {}).unwrap();
    assert_eq!(picture.events, whole.events[..100]);
    assert_eq!(picture.left_out, whole.events.len() as u64 - 100);
    assert_eq!(picture.fingerprint, format!("{:016x}", outcome.fingerprint));
    assert!(picture.states.iter().all(|change| change.after < 100) && picture.under_way.is_empty());
}
