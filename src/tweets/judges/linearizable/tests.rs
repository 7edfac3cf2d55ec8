//! Histories of users, written by hand and drawn.

use super::*;
use crate::judges::linearizable::{Search, Sequential, search, tests::any_order};
use crate::tweets::judges::Judges;
use crate::tweets::judges::stage::{Stage, block, looks, objects, tweet, user, view};
use crate::tweets::timeline::{
    Event, Page, Position, Text, TimelineOutcome, TimelineQuery, TimelineReply, Tweet, View,
};
use proptest::prelude::*;

const C1: ProcessId = ProcessId::Client(1);
const C2: ProcessId = ProcessId::Client(2);

fn operation(request: &Request) -> Operation {
    match request {
        Request::Execute { operation, .. } => operation.clone(),
        Request::Open { .. } => panic!("an opening does nothing"),
    }
}

fn ask(stage: &mut Stage, who: ProcessId, request: &Request) {
    stage.commanded(who, &Command::Do(operation(request))).unwrap();
    stage
        .sent(who, crate::tweets::judges::stage::site(0), Message::Request { request: request.clone() })
        .unwrap();
}

/// Shows the note to this judge alone, because the log is empty here.
fn noted(stage: &mut Stage, who: ProcessId, note: &Note) -> Result<(), Violation> {
    let Judges { agreement, model, linearizable, .. } = &mut stage.judges;
    linearizable.on_noted(JudgeContext { log: agreement.log(), model }, Instant::ZERO, who, note)
}

fn done(stage: &mut Stage, who: ProcessId, request: &Request) {
    noted(
        stage,
        who,
        &Note::Done(Position::default(), operation(request), Answer::Of(TimelineOutcome::Done)),
    )
    .unwrap();
}

/// A page of ann's tweets, the newest at slot 8.
fn page(texts: &[&str]) -> Page {
    let tweet = |(slot, text): (u64, &&str)| Tweet {
        position: Position { slot, index: 0 },
        user: user("ann"),
        text: text.parse().unwrap(),
    };
    Page { tweets: (0..9).rev().zip(texts).map(tweet).collect(), next: None }
}

fn shown(stage: &mut Stage, who: ProcessId, request: &Request, texts: &[&str]) -> Result<(), Violation> {
    let page = page(texts);
    noted(
        stage,
        who,
        &Note::Done(Position::default(), operation(request), Answer::Of(TimelineOutcome::Viewed { page })),
    )
}

#[test]
fn what_was_done_before_is_seen_and_what_overlaps_may_be() {
    let mut stage = Stage::new(3);
    ask(&mut stage, C1, &tweet(1, "a"));
    done(&mut stage, C1, &tweet(1, "a"));
    ask(&mut stage, C1, &tweet(2, "b"));
    ask(&mut stage, C2, &view(1, "bob"));
    let (mut with, mut without) = (stage.clone(), stage.clone());
    shown(&mut without, C2, &view(1, "bob"), &["a"]).unwrap();
    shown(&mut with, C2, &view(1, "bob"), &["b", "a"]).unwrap();
    let sentence = "no order explains that \"ann: a\" was done for C1 between 0.000000 and 0.000000; \
                    the view of bob by C2 between 0.000000 and 0.000000 showed of that nothing";
    objects(shown(&mut stage, C2, &view(1, "bob"), &[]), "linearizable", sentence);
    // A tweet shown to one client must be shown to a later query, though nobody knows yet that it is done.
    ask(&mut with, C2, &view(2, "cat"));
    objects(
        shown(&mut with, C2, &view(2, "cat"), &["a"]),
        "linearizable",
        "\"ann: b\" at 0.000000 and was never",
    );
}

#[test]
fn what_nobody_knows_the_outcome_of_may_have_any_but_one_only() {
    let started = |stage: &mut Stage| {
        let seen = SeenFact::Started { process: C1, incarnation: 2, recovered: &[] };
        stage.judges.linearizable.look(Instant::ZERO, &seen);
    };
    let lost =
        |stage: &mut Stage| noted(stage, C1, &Note::OutcomeUnknown(operation(&tweet(1, "a")))).unwrap();
    for forget in [started, lost] {
        let mut stage = Stage::new(3);
        ask(&mut stage, C1, &tweet(1, "a"));
        forget(&mut stage);
        for (number, texts) in [(1, &[][..]), (2, &["a"]), (3, &["a"])] {
            ask(&mut stage, C2, &view(number, "bob"));
            shown(&mut stage, C2, &view(number, "bob"), texts).unwrap();
        }
        ask(&mut stage, C2, &view(4, "bob"));
        let result = shown(&mut stage.clone(), C2, &view(4, "bob"), &[]);
        objects(result, "linearizable", "was never answered; the view of bob by C2 between 0.000000 and");
        // It takes effect at most once.
        objects(shown(&mut stage, C2, &view(4, "bob"), &["a", "a"]), "linearizable", "no order explains");
    }
}

/// The same call goes on, though another one with the same words waits.
#[test]
fn what_is_asked_anew_is_one_call() {
    let mut stage = Stage::new(3);
    let request = view(1, "bob");
    ask(&mut stage, C2, &request);
    stage.commanded(C2, &Command::Do(operation(&request))).unwrap();
    noted(&mut stage, C2, &Note::AsksInNewSession(operation(&request))).unwrap();
    for number in [2, 3] {
        let seen = Message::Request { request: view(number, "bob") };
        let to = crate::process::Recipients::One(ProcessId::site(0));
        let fact = SeenFact::Left { from: C2, to, message: &seen };
        stage.judges.linearizable.look(Instant::ZERO, &fact);
        shown(&mut stage, C2, &request, &[]).unwrap();
    }
    // A tweet that was asked for twice appears once.
    ask(&mut stage, C1, &tweet(1, "a"));
    noted(&mut stage, C1, &Note::AsksInNewSession(operation(&tweet(1, "a")))).unwrap();
    ask(&mut stage, C2, &view(4, "bob"));
    let result = shown(&mut stage, C2, &view(4, "bob"), &["a", "a"]);
    objects(result, "linearizable", "no order explains");
}

#[test]
fn a_block_that_is_done_hides() {
    let mut stage = Stage::new(3);
    for request in [tweet(1, "a"), block(2, "ann", "bob")] {
        ask(&mut stage, C1, &request);
        done(&mut stage, C1, &request);
    }
    ask(&mut stage, C2, &view(1, "bob"));
    shown(&mut stage.clone(), C2, &view(1, "bob"), &[]).unwrap();
    let sentence = "\"ann blocks bob\" was done for C1 between 0.000000 and 0.000000; the view of bob by C2";
    objects(shown(&mut stage, C2, &view(1, "bob"), &["a"]), "linearizable", sentence);
}

#[test]
fn what_was_done_was_commanded() {
    let mut stage = Stage::new(3);
    ask(&mut stage, C1, &tweet(1, "a"));
    done(&mut stage, C1, &tweet(1, "a"));
    let again = Note::Done(Position::default(), operation(&tweet(1, "a")), Answer::Of(TimelineOutcome::Done));
    objects(
        noted(&mut stage, C1, &again),
        "linearizable",
        "C1 says that \"ann: a\" is done, which nobody had it do",
    );
}

#[test]
fn an_answer_to_what_was_never_asked_is_judged_from_the_command_on() {
    let mut stage = Stage::new(3);
    stage.commanded(C2, &Command::Do(operation(&view(1, "bob")))).unwrap();
    ask(&mut stage, C1, &tweet(1, "a"));
    done(&mut stage, C1, &tweet(1, "a"));
    shown(&mut stage.clone(), C2, &view(1, "bob"), &[]).unwrap();
    ask(&mut stage, C1, &view(2, "bob"));
    shown(&mut stage, C1, &view(2, "bob"), &["a"]).unwrap();
    objects(shown(&mut stage, C2, &view(1, "bob"), &["b"]), "linearizable", "showed of that \"ann: b\"");
}

fn read(stage: &mut Stage, who: ProcessId, id: u64, viewer: &str) {
    let query = Query::Of(TimelineQuery::QuorumView { view: looks(viewer) });
    stage.commanded(who, &Command::Query(query.clone())).unwrap();
    stage
        .sent(who, crate::tweets::judges::stage::site(0), Message::Query { id, seen: Slot(0), query })
        .unwrap();
}

fn answer_view(
    stage: &mut Stage,
    who: ProcessId,
    id: u64,
    viewer: &str,
    texts: &[&str],
) -> Result<(), Violation> {
    let page = page(texts);
    let site = crate::tweets::judges::stage::site(0);
    noted(
        stage,
        who,
        &Note::QuorumReply(
            id,
            site,
            Slot(9),
            TimelineQuery::QuorumView { view: looks(viewer) },
            TimelineReply::View { page },
        ),
    )
}

#[test]
fn a_page_holds_what_stands_before_its_beginning_in_descending_order() {
    let check = |older_than: (u64, u64), page: &Page| {
        let older_than = Some(Position { slot: older_than.0, index: older_than.1 });
        check_places(C1, &View { viewer: user("bob"), limit: 9, older_than }, page)
    };
    check((8, 1), &page(&["b", "a"])).unwrap();
    objects(
        check((8, 0), &page(&["b", "a"])),
        "linearizable",
        "\"ann: b\" of 8.0 on a page of tweets before 8.0",
    );
    let mut turned = page(&["b", "a"]);
    turned.tweets.reverse();
    objects(check((9, 0), &turned), "linearizable", "\"ann: b\" of 8.0 on a page of tweets before 7.0");
}

#[test]
fn a_view_by_a_read_round_is_a_read_between_its_first_asking_and_its_answer() {
    let mut stage = Stage::new(3);
    read(&mut stage, C2, 7, "bob");
    ask(&mut stage, C1, &tweet(1, "a"));
    done(&mut stage, C1, &tweet(1, "a"));
    // Asked again, it is still the call that began before the tweet.
    read(&mut stage, C2, 7, "bob");
    let (mut with, mut without) = (stage.clone(), stage.clone());
    answer_view(&mut without, C2, 7, "bob", &[]).unwrap();
    answer_view(&mut with, C2, 7, "bob", &["a"]).unwrap();
    read(&mut stage, C2, 8, "bob");
    let sentence = "the view of bob by C2 between 0.000000 and 0.000000 showed of that nothing";
    objects(answer_view(&mut stage.clone(), C2, 8, "bob", &[]), "linearizable", sentence);
    // Two equal views are answered in any order.
    answer_view(&mut stage, C2, 8, "bob", &["a"]).unwrap();
    answer_view(&mut stage, C2, 7, "bob", &[]).unwrap();
}

#[test]
fn two_read_rounds_see_tweets_in_one_order() {
    let mut stage = Stage::new(3);
    for (who, text) in [(C1, "a"), (C2, "b")] {
        ask(&mut stage, who, &tweet(1, text));
    }
    for (who, id) in [(C1, 7), (C2, 8)] {
        read(&mut stage, who, id, "cat");
    }
    answer_view(&mut stage, C1, 7, "cat", &["a"]).unwrap();
    answer_view(&mut stage.clone(), C2, 8, "cat", &["b", "a"]).unwrap();
    objects(answer_view(&mut stage, C2, 8, "cat", &["b"]), "linearizable", "no order explains");
}

#[test]
fn a_reading_that_was_not_asked_for_is_caught() {
    let mut stage = Stage::new(3);
    read(&mut stage, C2, 7, "bob");
    let sentence = "C2 says that it was shown a view of cat, which it did not ask for";
    objects(answer_view(&mut stage.clone(), C2, 7, "cat", &[]), "linearizable", sentence);
    objects(answer_view(&mut stage.clone(), C2, 8, "bob", &[]), "linearizable", "which it did not ask for");
    answer_view(&mut stage, C2, 7, "bob", &[]).unwrap();
    objects(answer_view(&mut stage, C2, 7, "bob", &[]), "linearizable", "which it did not ask for");
}

/// A drawn call: its kind, how long before its effect it begins and after it ends, and a fault.
type Drawn = (u8, u64, u64, u8);

fn name(number: u8) -> User {
    user(["ann", "bob", "cat"][usize::from(number % 3)])
}

/// Calls that took effect in the order in which they are drawn. Then some answers are lost, and some pages changed.
fn history(drawn: &[Drawn]) -> Vec<Call<TimelineModel>> {
    let (mut tweets, mut blocks) = (Vec::<Statement>::new(), BTreeSet::new());
    let call = |(place, (kind, before, behind, wrong)): (u64, &Drawn)| {
        let (by, target) = (name(*kind), name(kind + 1 + kind / 3 % 2));
        let text: Text = ["x", "y"][usize::from(kind % 2)].parse().unwrap();
        let (operation, mut answer) = match kind / 6 {
            0 => {
                tweets.push((by.clone(), text.clone()));
                (Operation::Event { event: Event::Tweet { user: by, text } }, Response::Done)
            }
            1 => {
                blocks.insert((by.clone(), target.clone()));
                (Operation::Event { event: Event::block(by, target).unwrap() }, Response::Done)
            }
            2 => {
                blocks.remove(&(by.clone(), target.clone()));
                (Operation::Event { event: Event::unblock(by, target).unwrap() }, Response::Done)
            }
            _ => {
                let limit = 2;
                let is_seen = |tweet: &&Statement| !blocks.contains(&(tweet.0.clone(), by.clone()));
                let seen: Vec<Statement> = tweets.iter().rev().filter(is_seen).cloned().collect();
                let page = seen.iter().take(limit).cloned().collect();
                let view = View { viewer: by, limit: limit as u64, older_than: None };
                (
                    Operation::View { view },
                    Response::Shown { tweets: page, has_more: Some(seen.len() > limit) },
                )
            }
        };
        match (wrong, &mut answer) {
            (1, Response::Shown { tweets, .. }) => tweets.reverse(),
            (2, Response::Shown { tweets, .. }) => {
                *tweets = tweets.iter().take(tweets.len().saturating_sub(1)).cloned().collect();
            }
            (3, Response::Shown { has_more, .. }) => *has_more = has_more.map(|more| !more),
            _ => {}
        }
        let moment = |count| Moment { at: Instant::ZERO, count };
        let (begun, answered) = (
            moment(2 * (place * 10 + 30).saturating_sub(*before)),
            moment(2 * (place * 10 + 30 + behind) + 1),
        );
        let answer = (*wrong != 4).then_some((answered, answer));
        Call {
            who: C1,
            operation: UserCall { asked: Asked::of(&operation, |user| Arc::new(user.clone())), name: None },
            begun,
            answer,
        }
    };
    (0..).zip(drawn).map(call).collect()
}

fn drawn(calls: usize) -> impl Strategy<Value = Vec<Drawn>> {
    proptest::collection::vec((0u8..30, 0u64..30, 0u64..30, 0u8..12), 0..=calls)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn drawn_histories_are_judged_as_by_trying_every_order(drawn in drawn(5)) {
        let calls = history(&drawn);
        let by_trying = any_order(&TimelineModel, &calls, &mut Vec::new());
        let found = search(&TimelineModel, &calls, &mut 1_000_000);
        prop_assert_eq!(matches!(found, Search::Found(_)), by_trying, "{:?}", calls.len());
        prop_assert!(found != Search::Unknown);
    }

    /// The search confirms what `without` claims of a part.
    #[test]
    fn a_part_of_what_has_a_linearization_has_one(drawn in drawn(9)) {
        let calls = history(&drawn);
        if let Search::Found(_) = search(&TimelineModel, &calls, &mut 1_000_000) {
            for fewer in (0..calls.len()).filter_map(|index| TimelineModel.without(&calls, index)) {
                let part = search(&TimelineModel, &fewer, &mut 1_000_000);
                prop_assert!(matches!(part, Search::Found(_)), "{}", fewer.len());
            }
        }
    }

    /// At each answer, a growing history has the same verdict as a search of the whole, whatever the guess.
    #[test]
    fn a_history_that_grows_is_judged_as_a_whole(drawn in drawn(8), guesses in proptest::collection::vec(0u8..9, 8)) {
        let calls = history(&drawn);
        let mut happenings: Vec<(Moment, usize, bool)> = Vec::new();
        for (index, call) in calls.iter().enumerate() {
            happenings.push((call.begun, index, true));
            happenings.extend(call.answer.as_ref().map(|(at, _)| (*at, index, false)));
        }
        happenings.sort();
        // Even guesses are right.
        let rank = |index: usize| match guesses[index] {
            0 => None,
            guess if guess % 2 == 0 => Some(index * 10),
            guess => Some(usize::from(guess) * 9),
        };
        let (mut grown, mut numbers) = (History::new(TimelineModel), BTreeMap::new());
        let mut so_far: Vec<Call<TimelineModel>> = Vec::new();
        for (_, index, is_beginning) in happenings {
            let begun = grown.moment(Instant::ZERO);
            if is_beginning {
                let name = Some(CallName::Query(C1, index.try_into().unwrap()));
                let call = UserCall { name, ..calls[index].operation.clone() };
                numbers.insert(index, grown.begin(C1, call.clone(), begun));
                so_far.push(Call { who: C1, operation: call, begun, answer: None });
                continue;
            }
            let answer = calls[index].answer.as_ref().map(|(_, answer)| answer.clone()).unwrap();
            let number = numbers[&index];
            so_far[number].answer = Some((begun, answer.clone()));
            let guess = |call: &UserCall| match call.name {
                Some(CallName::Query(_, number)) => rank(number.try_into().unwrap()),
                _ => None,
            };
            let is_whole = matches!(search(&TimelineModel, &so_far, &mut 1_000_000), Search::Found(_));
            match grown.answer(number, Instant::ZERO, answer, guess) {
                Ok(()) => prop_assert!(is_whole),
                Err(Contradiction { calls, .. }) => {
                    prop_assert!(!is_whole);
                    prop_assert!(!any_order(&TimelineModel, &calls, &mut Vec::new()));
                    return Ok(());
                }
            }
            prop_assert_eq!(grown.unknown(), None);
        }
    }
}
