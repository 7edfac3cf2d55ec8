//! Every message keeps its bounds and survives the wire, and none of anybody stops a site.

use super::*;

fn largest_text() -> String {
    let text = "\u{20ac}".repeat(260) + &"x".repeat(20);
    assert_eq!((text.chars().count(), text.len()), (280, 800));
    text
}

/// The bounds in the compile-time assertion are not below the real size of encodings.
#[test]
fn the_largest_submission_and_the_largest_page_keep_their_bounds() {
    let big = (1 << 56) - 1;
    let user: User = "u".repeat(32).parse().unwrap();
    let text: crate::tweets::timeline::Text = largest_text().parse().unwrap();
    let event = Event::Tweet { user: user.clone(), text: text.clone() };
    let session = Position { slot: big, index: u64::MAX };
    let operation = Operation::Event { event };
    let request = Request::Execute { client: CLIENT, session, number: u64::MAX, operation, is_last: true };
    let n = Number { incarnation: u64::MAX, count: u64::MAX };
    let largest = Submission { origin: SiteId::new(8).unwrap(), number: n, after: n, request };
    assert!(largest.to_bytes().len() <= Submission::BYTES_MAX);
    let promise = paxos::Promise {
        ballot: paxos::Ballot { round: big, site: SiteId::new(8).unwrap() },
        from: Slot(big),
        to: Slot(big),
        end: Slot(big),
        chosen: Slot(big),
        sync: u8::MAX,
        reports: vec![paxos::Report {
            slot: Slot(big),
            ballot: Some(paxos::Ballot { round: big, site: SiteId::new(8).unwrap() }),
            entry: Entry::of([Arc::new(largest)]),
        }],
    };
    let message = Message::Paxos { message: paxos::PaxosMessage::Promise(promise) };
    let config = Config { datagram_max: crate::frame::DATAGRAM_MIN, ..Config::new(9) };
    assert_eq!(config.check(), Ok(()));
    let framed = crate::frame::FRAME_BYTES + crate::frame::MESSAGE_PREFIX_MAX + message.to_bytes().len();
    assert!(framed <= crate::frame::DATAGRAM_MIN, "{framed} bytes");
    let tweet =
        crate::tweets::timeline::Tweet { position: Position { slot: u64::MAX, index: u64::MAX }, user, text };
    let page = Page { tweets: vec![tweet], next: Some(at(9)) };
    assert!(page.to_bytes().len() <= Page::BYTES_MAX);
}

fn user() -> impl Strategy<Value = User> {
    "[a-zA-Z0-9_-]{1,32}".prop_map(|name| name.parse().unwrap())
}

fn request() -> impl Strategy<Value = Request> {
    let text = "[^\\p{C}]{1,60}";
    let event = (user(), text).prop_map(|(user, text)| Event::Tweet { user, text: text.parse().unwrap() });
    let operation = prop_oneof![
        event.prop_map(|event| Operation::Event { event }),
        (user(), any::<u64>()).prop_map(|(viewer, limit)| {
            Operation::View { view: View { viewer, limit, older_than: Some(at(limit)) } }
        }),
    ];
    prop_oneof![
        any::<u64>().prop_map(open),
        (any::<u64>(), any::<u64>(), operation, any::<bool>()).prop_map(
            |(slot, number, operation, is_last)| Request::Execute {
                client: CLIENT,
                session: at(slot),
                number,
                operation,
                is_last,
            }
        ),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let values = proptest::collection::vec(request(), 0..3).prop_map(|requests| -> Entry<Arc<Submission>> {
        let values =
            requests.into_iter().map(|request| Arc::new(submission(number(1, 2), number(1, 1), request)));
        let values: Vec<_> = values.collect();
        Entry::of(values)
    });
    let slot = (0u64..1 << 40).prop_map(Slot);
    let ballot = (0u64..1 << 40, 0u8..9)
        .prop_map(|(round, site)| paxos::Ballot { round, site: SiteId::new(site).unwrap() });
    let paxos =
        (ballot, slot.clone(), slot, values, 0u8..10).prop_map(|(ballot, slot, chosen, entry, kind)| {
            match kind {
                0 => paxos::PaxosMessage::Prepare { ballot, first: slot },
                1 => paxos::PaxosMessage::Promise(paxos::Promise {
                    ballot,
                    from: slot,
                    to: chosen,
                    end: chosen,
                    chosen,
                    sync: u8::try_from(slot.0 & 0xff).unwrap(),
                    reports: vec![paxos::Report { slot, ballot: Some(ballot), entry }],
                }),
                2 => paxos::PaxosMessage::Accept { ballot, slot, chosen, entry },
                3 => paxos::PaxosMessage::Accepted { ballot, slot },
                4 => paxos::PaxosMessage::Nack { ballot, promised: ballot, chosen, leader: Some(ballot) },
                5 => paxos::PaxosMessage::Heartbeat {
                    ballot,
                    chosen,
                    beat: slot.0,
                    hears: SiteSet::first(9),
                    applied: Claim::default(),
                },
                6 => paxos::PaxosMessage::Fetch { first: slot, end: chosen },
                7 => paxos::PaxosMessage::Survey { id: survey(slot.0, chosen.0), reach: slot },
                8 => paxos::PaxosMessage::SurveyReply { id: survey(chosen.0, slot.0), end: slot, chosen },
                _ => paxos::PaxosMessage::FetchReply { slot, entry, chosen },
            }
        });
    prop_oneof![
        paxos.prop_map(|message| Message::Paxos { message }),
        request().prop_map(|request| Message::Request { request }),
        request().prop_map(|r| Message::Forward { submission: taken(r) }),
        request().prop_map(|r| Message::Relay { submission: taken(r) }),
        request().prop_map(|request| Message::Taken { id: request.id() }),
    ]
}

fn survey(incarnation: u64, count: u64) -> paxos::SurveyId {
    paxos::SurveyId { incarnation, count }
}

fn taken(request: Request) -> Arc<Submission> {
    Arc::new(submission(number(1, 1), number(0, 0), request))
}

/// Small numbers, and those at the edges of the ranges.
fn number_of_a_stranger() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..6, Just(u64::MAX), Just(u64::MAX - 1), Just((1 << 56) - 1), any::<u64>()]
}

fn query() -> impl Strategy<Value = Query> {
    let position =
        || (number_of_a_stranger(), any::<u64>()).prop_map(|(slot, index)| Position { slot, index });
    prop_oneof![
        position().prop_map(|from| Query::Log { from }),
        (user(), number_of_a_stranger(), position()).prop_map(|(viewer, limit, position)| Query::Of(
            TimelineQuery::View { view: View { viewer, limit, older_than: Some(position) } }
        )),
        (user(), number_of_a_stranger()).prop_map(|(viewer, limit)| Query::Of(TimelineQuery::QuorumView {
            view: View { viewer, limit, older_than: None }
        })),
        Just(Query::Status),
        Just(Query::Of(TimelineQuery::Blocks { after: None })),
    ]
}

/// Any message from any process but the site itself, which no host lets a stranger claim to be.
fn attack() -> impl Strategy<Value = (ProcessId, Message)> {
    let from = prop_oneof![
        Just(ProcessId::site(1)),
        Just(ProcessId::site(2)),
        Just(ProcessId::site(8)),
        Just(ProcessId::Client(7)),
        Just(ProcessId::Terminal(SiteId::new(0).unwrap())),
    ];
    let count = prop_oneof![4 => 0u64..6, 1 => Just((1 << 56) - 2)];
    let low = count.clone().prop_map(Slot);
    let near = (low.clone(), low, count, 0u8..3, 0u8..9).prop_map(|(slot, chosen, round, by, kind)| {
        let ballot = paxos::Ballot { round, site: SiteId::new(by).unwrap() };
        let values = [Arc::new(submission(number(1, slot.0), number(1, 0), open(round)))];
        let entry = if kind % 2 == 0 { Entry::noop() } else { Entry::of(values) };
        let message = match kind {
            0 => paxos::PaxosMessage::Prepare { ballot, first: slot },
            1 => paxos::PaxosMessage::Accept { ballot, slot, chosen, entry },
            2 => paxos::PaxosMessage::Accepted { ballot, slot },
            3 => paxos::PaxosMessage::FetchReply { slot, entry, chosen },
            4 => paxos::PaxosMessage::Heartbeat {
                ballot,
                chosen,
                beat: 1,
                hears: SiteSet::first(9),
                applied: Claim::default(),
            },
            6 => paxos::PaxosMessage::Survey { id: survey(1, round), reach: slot },
            7 => paxos::PaxosMessage::SurveyReply { id: survey(1, round), end: slot, chosen },
            5 => paxos::PaxosMessage::Nack {
                ballot,
                promised: paxos::Ballot { round: round + 1, ..ballot },
                chosen,
                leader: (round % 2 == 1).then_some(ballot),
            },
            _ => {
                let report = paxos::Report { slot, ballot: Some(ballot), entry };
                let (end, chosen) = (slot.next(), Slot(0));
                paxos::PaxosMessage::Promise(paxos::Promise {
                    ballot,
                    from: slot,
                    to: end,
                    end,
                    chosen,
                    sync: 0,
                    reports: vec![report],
                })
            }
        };
        Message::Paxos { message }
    });
    let query = (any::<u64>(), 0u64..3, query());
    let query = query.prop_map(|(id, seen, query)| Message::Query { id, seen: Slot(seen), query });
    (from, prop_oneof![2 => near, 1 => message(), 1 => query])
}

proptest! {
    /// A message that decodes may still be nonsense: the site drops it with a reason, whichever process sent it.
    #[test]
    fn no_message_of_anybody_stops_a_site(attacks in proptest::collection::vec((attack(), 0u64..400), 1..60)) {
        use crate::mix::Seed;
        use crate::process::{Effects, Input, Process, Recovered};
        use crate::time::{Duration, Instant};
        let fresh = Recovered { incarnation: 1, records: Vec::new() };
        let mut site = Participant::start(&Config::new(3), ProcessId::site(0), Seed(1), fresh).unwrap();
        let (mut effects, mut now) = (Effects::<Participant>::default(), Instant::ZERO);
        let mut records = Vec::new();
        for ((from, message), millis) in attacks {
            now += Duration::from_millis(millis);
            for input in [Input::Wake, Input::Message { from, message }] {
                site.handle(now, input, &mut effects);
                records.extend(effects.records().iter().map(|record| Record::from_bytes(record).unwrap()));
                effects.clear();
            }
        }
        // A second adversary: the site's own records never contradict each other.
        let recovered = Recovered { incarnation: 2, records };
        Participant::start(&Config::new(3), ProcessId::site(0), Seed(1), recovered).unwrap();
    }

    #[test]
    fn every_message_survives_the_wire_and_damage_to_it_is_an_error_or_another_message(
        message in message(),
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let mut bytes = message.to_bytes();
        prop_assert_eq!(message.size(), bytes.len());
        prop_assert_eq!(Message::from_bytes(&bytes), Ok(message));
        let at = at.index(bytes.len());
        prop_assert!(Message::from_bytes(&bytes[..at]).is_err(), "a prefix is no message");
        bytes[at] = byte;
        if let Ok(other) = Message::from_bytes(&bytes) {
            prop_assert_eq!(other.to_bytes(), bytes);
        }
    }

    #[test]
    fn any_bytes_at_all_decode_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Message::from_bytes(&bytes);
        let _ = Record::from_bytes(&bytes);
    }
}
