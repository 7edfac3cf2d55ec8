//! Sessions over scenarios of the tweet service: whatever is done at whatever moment, the past stays what it was, and the
//! saved scenario does it again.

#![expect(clippy::unwrap_used, reason = "a test: what is missing in a session is a failure")]

use std::fs;
use std::path::Path;

use aviary::scenario::session::{How, Reply, Request, Session};
use aviary::scenario::{Picture, PictureOptions, RunOptions, Scenario, read, run, write};
use aviary::sim::RunEvent;
use aviary::tweets::service::Timelines;
use proptest::prelude::*;

/// Scenarios whose networks differ: lossy, with rules, held, in order, and with a site that leads from the start.
const STORIES: [&str; 6] = [
    "little_loss_costs_nobody_a_tweet",
    "old_leader_cannot_finish_its_slot",
    "two_proposers_duel_by_hand",
    "late_promise_by_hand",
    "five_sites_two_regions",
    "duplicated_and_reordered_network",
];

fn scenario(name: &str) -> Scenario<Timelines> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name).with_extension("ron");
    read(name, &fs::read_to_string(path).unwrap()).unwrap_or_else(|bad| panic!("{bad}"))
}

fn session(name: &str) -> Session<Timelines> {
    let shown = PictureOptions {
        name: name.into(),
        is_failure: false,
        reproduce: "replay it".into(),
        events_max: 1_000_000,
    };
    Session::new(scenario(name), &RunOptions::default(), shown, |_| {}).unwrap()
}

/// What happened up to the moment of a line, but for the numbers of steps, and for faults that have stopped.
fn past(picture: &Picture, at: u64) -> Vec<String> {
    let lines = picture.events.iter().take_while(|line| line.at <= at && line.kind != "healed");
    let told = lines.filter(|line| line.kind != "fired");
    told.map(|line| format!("{} {:?} {} {:?}", line.at, line.who, line.text, line.copy)).collect()
}

/// Something to do: to one of the datagrams under way, or to a site.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Copy { which: prop::sample::Index, how: How, later: u64 },
    Site { number: u8, what: &'static str },
}

fn deed() -> impl Strategy<Value = Deed> {
    let how = prop::sample::select(vec![How::Deliver, How::Lose, How::Double, How::Delay]);
    let what = prop::sample::select(vec!["Crash", "Restart", "Pause", "Resume", "Isolate", "Wipe"]);
    prop_oneof![
        3 => (any::<prop::sample::Index>(), how, prop::sample::select(vec![0, 0, 0, 500, 10_002]))
            .prop_map(|(which, how, later)| Deed::Copy { which, how, later }),
        1 => (0u8..3, what).prop_map(|(number, what)| Deed::Site { number, what }),
    ]
}

/// The request for this after a line, unless nothing can be done there.
fn request(session: &Session<Timelines>, event: usize, deed: Deed) -> Option<Request> {
    let poke = |copy, how, by, action, later| Request::Poke { event, copy, how, by, action, later };
    let view = session.look(event).unwrap();
    Some(match deed {
        Deed::Copy { which, how, later } => {
            let name = format!("{how:?}").to_lowercase();
            let able: Vec<_> = view.under_way.iter().filter(|copy| copy.can.contains(&&*name)).collect();
            let copy = (!able.is_empty()).then(|| which.get(&able).copy)?;
            poke(Some(copy), Some(how), (how == How::Delay).then_some(20_000), None, Some(later))
        }
        Deed::Site { number, what } => poke(None, None, None, Some(format!("{what}(Site({number}))")), None),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_the_past_stays_and_the_saved_scenario_does_it_again(
        story in prop::sample::select(STORIES.to_vec()),
        deeds in prop::collection::vec((any::<prop::sample::Index>(), deed()), 1..4),
    ) {
        let mut session = session(story);
        for (moment, deed) in deeds {
            let event = moment.index(session.picture().events.len());
            let Some(request) = request(&session, event, deed) else { continue };
            let at = session.picture().events[event].at;
            // A copy that is still under way when the run ends has no line.
            let view = session.look(event).unwrap();
            let of = |copy: u32| {
                let seen = view.under_way.iter().find(|seen| seen.copy == copy).unwrap();
                seen.of.unwrap_or(copy)
            };
            let sending = match &request {
                Request::Poke { copy, .. } => copy.map(of),
                _ => None,
            };
            let (before, fingerprint) = (past(session.picture(), at), session.picture().fingerprint.clone());
            let refused = match session.answer(&request) {
                Reply::Run { event, run, .. } => {
                    let Request::Poke { copy, how, later, .. } = &request else { unreachable!("it did something") };
                    let done = at + 1 + later.unwrap_or(0);
                    prop_assert_eq!((run.events[event].kind, run.events[event].at), ("fired", done));
                    // What was asked for was done to this copy and to no other.
                    let mut after = run.events[event + 1..].iter().take_while(|line| line.at == done);
                    if let Some(how) = how {
                        let is_it = |line: &RunEvent| match how {
                            How::Deliver => line.copy == *copy && matches!(line.kind, "delivered" | "dropped"),
                            How::Lose => line.copy == *copy && line.text.ends_with("lost by hand"),
                            How::Delay => line.copy == *copy && line.kind == "delayed",
                            How::Double => line.of == sending && matches!(line.kind, "delivered" | "dropped"),
                        };
                        prop_assert!(after.any(is_it), "{:?}", request);
                    }
                    false
                }
                Reply::Refused { .. } => true,
                other => panic!("{other:?}"),
            };
            prop_assert_eq!(past(session.picture(), at), before);
            if refused {
                prop_assert_eq!(&session.picture().fingerprint, &fingerprint);
                continue;
            }
            let text = write(session.scenario());
            let again: Scenario<Timelines> = read("again.ron", &text).unwrap();
            let outcome = run(&again, &RunOptions::default()).unwrap();
            prop_assert_eq!(format!("{:016x}", outcome.fingerprint), session.picture().fingerprint.clone(), "{}", text);
        }
    }
}
