//! What is done in a session is what the saved scenario does.

use super::{How, Reply, Request, Session, View};
use crate::scenario::picture::PictureOptions;
use crate::scenario::run::RunOptions;
use crate::scenario::toy::Toys;
use crate::scenario::{Scenario, read, run, write};

/// Site 0 keeps 5 and tells the others, over links that take a millisecond.
const STORY: &str =
    r#"sites: 3, steps: [At("1s", Put(site: 0, number: 5))], expect: [Holds(site: 1, number: 5)]"#;

fn session(fields: &str) -> Session<Toys> {
    let text = format!("Scenario(about: \"a test\", {fields})");
    let scenario: Scenario<Toys> = read("a.ron", &text).unwrap_or_else(|bad| panic!("{bad}"));
    let shown =
        PictureOptions { name: "a".into(), is_failure: false, reproduce: String::new(), events_max: 100_000 };
    Session::new(scenario, &RunOptions::default(), shown, |_| {}).unwrap()
}

fn look(session: &Session<Toys>, event: usize) -> View {
    session.look(event).unwrap_or_else(|refused| panic!("{refused:?}"))
}

/// The line after which something of this kind is under way from site 0 to site 1, and the number of the copy.
fn sent(session: &Session<Toys>, kind: &str) -> (usize, u32) {
    let events = &session.picture().events;
    let is_sent = |line: &crate::sim::RunEvent| {
        line.kind == "sent"
            && line.to.map(|to| to.to_string()).as_deref() == Some("S1")
            && line.text.contains(kind)
    };
    let line = events.iter().position(is_sent).unwrap_or_else(|| panic!("no {kind} in {events:#?}"));
    (line, events[line].copy.unwrap())
}

fn poke(event: usize, copy: u32, how: How, by: Option<u64>) -> Request {
    Request::Poke { event, copy: Some(copy), how: Some(how), by, action: None, later: None }
}

fn act(event: usize, action: &str) -> Request {
    Request::Poke { event, copy: None, how: None, by: None, action: Some(action.into()), later: None }
}

/// Does it, and returns the line of what was done.
fn done(session: &mut Session<Toys>, request: &Request) -> usize {
    match session.answer(request) {
        Reply::Run { event, .. } => event,
        other => panic!("{other:?}"),
    }
}

fn refused(session: &mut Session<Toys>, request: &Request) -> String {
    match session.answer(request) {
        Reply::Refused { problems } => problems.iter().map(|problem| problem.message.clone()).collect(),
        other => panic!("{other:?}"),
    }
}

/// The file of the session, read again and run, ends with the session's fingerprint.
fn assert_replays(session: &Session<Toys>) {
    let text = write(session.scenario());
    let again: Scenario<Toys> = read("again.ron", &text).unwrap_or_else(|bad| panic!("{bad}"));
    let outcome = run(&again, &RunOptions::default()).unwrap();
    assert_eq!(format!("{:016x}", outcome.fingerprint), session.picture().fingerprint, "{text}");
}

#[test]
fn a_datagram_is_lost_and_the_saved_scenario_loses_it_again() {
    let mut session = session(STORY);
    assert_eq!(session.picture().verdict.name, "passed");
    let (line, copy) = sent(&session, "Greatest");
    let place = done(&mut session, &poke(line, copy, How::Lose, None));
    let events = &session.picture().events;
    assert!(events[place].text.contains("lose Greatest from S0 to S1"), "{}", events[place].text);
    let end = events.iter().find(|line| line.copy == Some(copy) && line.kind == "dropped").unwrap();
    assert!(end.text.contains("lost by hand"), "{}", end.text);
    assert_replays(&session);
    done(&mut session, &Request::Undo {});
    assert_eq!((session.pokes(), session.picture().verdict.name), (0, "passed"));
}

#[test]
fn a_copy_arrives_at_once_twice_or_later() {
    for (how, by, arrivals) in [
        (How::Deliver, None, vec![1_000_002]),
        (How::Double, None, vec![1_000_002, 1_001_001]),
        (How::Delay, Some(500), vec![1_001_501]),
    ] {
        let mut session = session(STORY);
        let (line, copy) = sent(&session, "Greatest");
        done(&mut session, &poke(line, copy, how, by));
        let came =
            session.picture().events.iter().filter(|line| {
                line.kind == "delivered" && (line.copy == Some(copy) || line.of == Some(copy))
            });
        let came: Vec<u64> = came.map(|line| line.at).collect();
        let sent = session.picture().events[line].at;
        let arrivals: Vec<u64> = arrivals.into_iter().map(|at| at - 1_000_001 + sent).collect();
        assert_eq!(came, arrivals, "{how:?}");
        assert_replays(&session);
    }
}

#[test]
fn of_two_copies_of_one_sending_the_chosen_one_is_meant() {
    let twice = STORY.replace(
        "sites: 3,",
        "sites: 3, network: (duplication: \"100%\", latency: Uniform(\"1ms\", \"9ms\")),",
    );
    for how in [How::Deliver, How::Lose, How::Double] {
        let mut session = session(&twice);
        let (line, copy) = sent(&session, "Greatest");
        let view = look(&session, line);
        let second = view.under_way.iter().find(|seen| seen.of == Some(copy)).unwrap().copy;
        let place = done(&mut session, &poke(line, second, how, None));
        let after = &session.picture().events[place + 1..];
        let of_it = after.iter().find(|line| line.copy == Some(second)).unwrap();
        assert_eq!(of_it.of, Some(copy), "{how:?}");
        let ended = session.picture().events[place].at;
        assert_eq!(of_it.at == ended, how != How::Double, "{how:?}: {of_it:?}");
        assert_replays(&session);
    }
}

#[test]
fn what_is_done_earlier_takes_back_what_was_done_later() {
    let mut session = session(STORY);
    let line = session.picture().events.iter().position(|line| line.at >= 1_000_000).unwrap();
    let crash = done(&mut session, &act(line, "Crash(Site(2))"));
    done(&mut session, &act(crash, "Restart(Site(2))"));
    assert_eq!(session.pokes(), 2);
    assert_replays(&session);
    match session.answer(&act(0, "Isolate(Site(1))")) {
        Reply::Run { dropped, pokes, .. } => {
            assert_eq!((dropped, pokes.len(), pokes[0].action.as_str()), (2, 1, "Isolate(Site(1))"));
        }
        other => panic!("{other:?}"),
    }
    assert_replays(&session);
}

#[test]
fn a_moment_shows_the_processes_and_what_is_under_way() {
    let session = session(STORY);
    let (line, copy) = sent(&session, "Greatest");
    let view = look(&session, line);
    let seen = view.under_way.iter().find(|seen| seen.copy == copy).unwrap();
    assert_eq!((seen.from.as_str(), seen.to.as_str()), ("S0", "S1"));
    assert_eq!(seen.can, ["deliver", "lose", "double", "delay"]);
    assert_eq!(view.processes.iter().find(|process| process.id == "S1").unwrap().status, "up");
    assert!(look(&session, line + 20).under_way.iter().all(|seen| seen.copy != copy));
}

#[test]
fn every_moment_is_what_the_run_was_then() {
    let session = session(STORY);
    for line in 0..session.picture().events.len() {
        let view = look(&session, line);
        assert_eq!(view.at, session.picture().events[line].at, "line {line}");
        let next = session.picture().events.iter().find(|next| next.at > session.picture().events[line].at);
        assert!(next.is_none_or(|next| next.event > view.events), "line {line}: {view:?}");
    }
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let mut session = session(STORY);
    let (line, copy) = sent(&session, "Greatest");
    let last = session.picture().events.len() - 1;
    let before = session.picture().fingerprint.clone();
    for (request, says) in [
        (act(line, "Crsh(Site(1))"), "this is no action"),
        (act(line, "Crash(Site(7))"), "there is no site 7"),
        (act(last, "Crash(Site(1))"), "faults stopped at"),
        (act(last + 1, "Crash(Site(1))"), "there is no line"),
        (poke(line, 4_000, How::Lose, None), "is not under way"),
        (poke(line, copy, How::Delay, None), "it is open what is to be done"),
        (poke(line, copy, How::Delay, Some(0)), "delayed by"),
        (Request::Undo {}, "nothing was done yet"),
    ] {
        let message = refused(&mut session, &request);
        assert!(message.contains(says), "{request:?}: {message}");
        assert!(!message.contains("also["), "where nobody has written: {message}");
    }
    assert_eq!((session.pokes(), &session.picture().fingerprint), (0, &before));
}

#[test]
fn a_held_network_is_played_from_the_end_of_its_script() {
    let mut session = session(r#"network: Held, sites: 3, steps: [At("1s", Put(site: 0, number: 5))]"#);
    let healed = |session: &Session<Toys>| {
        session.picture().events.iter().position(|line| line.kind == "healed").unwrap()
    };
    let line = healed(&session);
    assert!(refused(&mut session, &act(line, "Sync(Site(0))")).contains("faults stopped at 1.0"));
    assert_eq!(look(&session, line).last, Some(line - 1));
    assert_eq!(look(&session, line - 1).last, None, "nothing stands against it there");
    for action in
        ["Sync(Site(0))", "Fire(Site(0))", "Deliver(kind: \"Greatest\", to: Site(1))", "Sync(Site(1))"]
    {
        let line = healed(&session) - 1;
        done(&mut session, &act(line, action));
    }
    let line = healed(&session) - 1;
    let view = look(&session, line);
    let got = view.under_way.iter().find(|copy| copy.from == "S1").unwrap();
    assert_eq!((got.arrives, got.can.as_slice()), (None, ["deliver", "lose", "double"].as_slice()));
    let number = got.copy;
    done(&mut session, &poke(line, number, How::Lose, None));
    assert_eq!(session.pokes(), 5);
    assert_replays(&session);
}
