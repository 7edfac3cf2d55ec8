//! Run events: every copy of a datagram is known from where it is made to its end, every cause comes before what it
//! caused, and making a picture changes nothing.

#![expect(clippy::unwrap_used, reason = "a test: what is missing in a picture is a failure")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use aviary::ids::ProcessId;
use aviary::scenario::picture::PictureBand;
use aviary::scenario::{
    Picture, PictureOptions, Run, RunOptions, Scenario, UnfinishedPicture, picture, read, run,
};
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
                let is_known = ends.contains_key(&copy) || under_way.contains(&copy);
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

/// A process sends itself a message, or wants to be woken, when it handles something.
#[test]
fn wake_ups_and_messages_to_oneself_come_from_an_input_of_the_same_process() {
    let inputs = ["started", "delivered", "own", "woke", "commanded", "disk_space", "told_of_link"];
    let mut seen = BTreeMap::new();
    for (name, scenario) in scenarios() {
        let events = of(&name, &scenario).events;
        for event in events.iter().filter(|event| matches!(event.kind, "own" | "woke")) {
            let cause = event.cause.unwrap_or_else(|| panic!("{name}: nothing led to {event:?}"));
            let cause = &events[usize::try_from(cause).unwrap()];
            let is_input = inputs.contains(&cause.kind) && cause.who == event.who;
            assert!(is_input, "{name}: {event:?} comes from {cause:?}");
            // Whatever came after the last start of the process came in the same life.
            let started = |other: &&RunEvent| other.kind == "started" && other.who == event.who;
            let last = events.iter().filter(|other| other.event <= event.event).rfind(started);
            assert!(last.is_none_or(|last| last.event <= cause.event), "{name}: {event:?} outlived a crash");
            *seen.entry((event.kind, cause.kind)).or_insert(0) += 1;
        }
    }
    // A leader votes for what it proposes; a vote may also wait for a sync; a follower waits for heartbeats.
    for pair in
        [("own", "delivered"), ("own", "woke"), ("woke", "delivered"), ("woke", "woke"), ("woke", "started")]
    {
        assert!(seen.get(&pair).is_some_and(|count| *count > 10), "{pair:?} in {seen:?}");
    }
}

/// The site of a terminal: what stands between sites stands between their terminals too.
fn program(id: ProcessId) -> String {
    match id {
        ProcessId::Terminal(site) => ProcessId::Site(site).to_string(),
        other => other.to_string(),
    }
}

/// Whether the band is about datagrams of this direction.
fn separates(band: &PictureBand, from: &str, to: &str) -> bool {
    let side = |id: &str| band.sides.iter().position(|side| side.iter().any(|other| other == id));
    match (side(from), side(to)) {
        (Some(one), Some(other)) => one < other || (one > other && !band.one_way),
        _ => false,
    }
}

/// A cut or clogged link takes what is sent into it, and nothing else is taken for that reason.
#[test]
fn bands_say_when_links_were_cut_or_clogged() {
    let mut seen = BTreeSet::new();
    for (name, scenario) in scenarios() {
        let Picture { events, bands, .. } = of(&name, &scenario);
        let ends = |band: &PictureBand| {
            (events[band.after].event, band.until.map_or(u64::MAX, |until| events[until].event))
        };
        // A cut stream takes what is sent, and holds it at its end.
        let is_stream = events.iter().any(|event| matches!(event.kind, "waits" | "link_down"));
        let clogged = events.iter().filter(|event| event.kind == "clogged");
        let held: BTreeSet<u32> = clogged.filter_map(|event| event.copy).collect();
        assert!(bands.iter().all(|band| ends(band).0 <= ends(band).1), "{name}: {bands:?}");
        for event in &events {
            let (Some(from), Some(to)) = (event.who.map(program), event.to.map(program)) else { continue };
            let of_link = |kind: &'static str| {
                let (from, to) = (&from, &to);
                bands.iter().filter(move |band| band.kind == kind && separates(band, from, to)).map(ends)
            };
            // What happens in the event that makes or ends a band may be before or after that.
            let may_stand = |kind| of_link(kind).any(|(after, until)| (after..=until).contains(&event.event));
            let must_stand =
                |kind| of_link(kind).any(|(after, until)| after < event.event && event.event < until);
            let taken = match (event.kind, event.why.as_deref()) {
                ("lost", Some("the link is cut")) => Some("cut"),
                ("clogged", _) => Some("clogged"),
                _ => None,
            };
            if let Some(kind) = taken {
                assert!(may_stand(kind), "{name}: no band for {event:?} in {bands:?}");
                seen.insert(kind);
            } else if matches!(event.kind, "sent" | "queued") && from != to && !is_stream {
                let is_held = event.copy.is_some_and(|copy| held.contains(&copy));
                let goes_through = must_stand("cut") || (must_stand("clogged") && !is_held);
                assert!(!goes_through, "{name}: {event:?} went through {bands:?}");
            }
            if event.kind == "ruled" {
                let rules = bands.iter().filter(|band| band.kind == "rule").map(ends);
                let mut stand = rules.filter(|(after, until)| (after..=until).contains(&&event.event));
                // A rule that takes one datagram may come and go in one event.
                let mut here = events.iter().filter(|other| other.event == event.event);
                let is_known = stand.next().is_some() || here.any(|other| other.kind == "fired");
                assert!(is_known, "{name}: no rule is in force for {event:?}");
                seen.insert("rule");
            }
        }
    }
    assert!(seen.into_iter().eq(["clogged", "cut", "rule"]));
}

/// Nobody runs while these rules are in force, so no datagram shows that a window has opened or closed.
#[test]
fn bands_of_rules_end_with_their_windows() {
    let text = r#"Scenario(about: "silence", sites: 3, clients: 1,
        rules: [
            (name: "one", since: "1s", until: "2s", then: Drop),
            (name: "two", since: "2100ms", until: "2200ms", then: Drop),
        ],
        steps: [
            At("500ms", Crash(AllSites)), At("1500ms", Cut(from: [0], to: [1])), At("2150ms", Mend(0, 1)),
            At("2500ms", Crash(Client(0))), At("4s", Restart(AllSites)),
        ])"#;
    let scenario: Scenario<Timelines> = read("silence", text).unwrap_or_else(|bad| panic!("{bad}"));
    let Picture { events, bands, .. } = of("silence", &scenario);
    // A band begins and ends with the first event that finds it so.
    for (name, since, until) in [("one", 1_500_000, 2_150_000), ("two", 2_150_000, 2_500_000)] {
        let is_it = |band: &&PictureBand| band.text.as_ref().is_some_and(|text| text.contains(name));
        let band = bands.iter().find(is_it).unwrap_or_else(|| panic!("{bands:?}"));
        let stood = (events[band.after].at, band.until.map(|until| events[until].at));
        assert_eq!(stood, (since, Some(until)), "{name}");
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

#[test]
fn a_picture_that_is_made_in_slices_is_the_picture_and_one_that_is_stopped_ends_where_it_is() {
    let (name, scenario) = scenarios().into_iter().find(|(name, _)| name == "one_way_link").unwrap();
    let traced = RunOptions { trace: TraceLevel::Full, ..RunOptions::default() };
    let begun = || UnfinishedPicture::new(Run::new(&scenario, &traced).unwrap(), 1_000_000);
    let whole = of(&name, &scenario);
    let mut making = begun();
    let steps = std::iter::from_fn(|| making.step().then_some(())).count();
    assert_eq!(format!("{:?}", making.finish(&scenario, &options(&name)).0), format!("{whole:?}"));
    let mut making = begun();
    assert_eq!((0..steps / 2).filter(|_| making.step()).count(), steps / 2);
    let (half, outcome) = making.finish(&scenario, &options(&name));
    assert_eq!(half.verdict.name, "undecided");
    assert_eq!(outcome.verdict.name(), "undecided");
    assert!(half.events.len() > whole.events.len() / 4 && half.events.len() < whole.events.len());
    let common = |picture: &Picture| format!("{:?}", &picture.events[..half.events.len()]);
    assert_eq!(common(&half), common(&whole));
}
