//! Tests what the holder of one client key can send to sites, and to the clients of another key.

use super::*;

/// A client asks a site to keep a fact.
#[derive(Clone, Debug)]
struct Asker;

impl Process for Asker {
    type Message = Word;
    type Record = Fact;
    type Note = NoNote;
    type Command = u64;
    type Config = ();

    fn start(_: &(), _: ProcessId, _: Seed, _: Recovered<Fact>) -> Result<Asker, Damage> {
        Ok(Asker)
    }

    fn handle(&mut self, _: Instant, input: Input<Asker>, effects: &mut Effects<Asker>) {
        if let Input::Command(number) = input {
            effects.send(ProcessId::site(0), &Word::Keep { number });
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }

    fn role(&self) -> Role {
        Role::Follower
    }
}

/// A program of clients with these keys, of a cluster with one site at this address.
fn caller(numbers: &[KeyNumber], site: SocketAddr) -> Caller<Asker> {
    let master = keys().client_master.unwrap();
    let settings = CallerSettings {
        cluster: CLUSTER,
        configuration: 0,
        addresses: vec![site],
        config: (),
        datagram_max: DATAGRAM,
        keys: numbers.iter().map(|number| master.client_key(*number)).collect(),
    };
    Caller::start(settings).unwrap()
}

fn sealed(sealer: &mut Sealer, number: KeyNumber, frame: &[u8]) -> Vec<u8> {
    sealed_with(sealer, number, 0, frame)
}

fn sealed_with(sealer: &mut Sealer, number: KeyNumber, cookie: u64, frame: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(sealer.seal_with(Party::Client(number), cookie, frame, &mut out));
    out
}

/// The number of bytes that this socket receives until none come for 50 ms.
fn drain(socket: &StdSocket) -> usize {
    socket.set_read_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
    let (mut bytes, mut sum) = ([0; 2_000], 0);
    while let Ok(length) = socket.recv(&mut bytes) {
        sum += length;
    }
    sum
}

#[test]
fn a_client_key_speaks_for_its_own_clients_alone() {
    let mut bench = bench("foreign", SyncMode::Overlapped, Lie::None, 1 << 20);
    let stranger = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let second = KeyNumber::new(1).unwrap();
    let mut sealer = of_clients(second);
    bench.prove(&stranger, 1_024);
    let cookie = bench.cookie;
    // The last and the first client of its neighbours, its own first and last one, and a site.
    for (from, word) in [1_023, 2_048, 1_024, 2_047].map(ProcessId::Client).into_iter().zip(1..) {
        let frame = framed(from, ProcessId::site(0), &Word::Keep { number: 2 * word });
        stranger.send_to(&sealed_with(&mut sealer, second, cookie, &frame), bench.me).unwrap();
    }
    let frame = framed(ProcessId::site(1), ProcessId::site(0), &Word::Keep { number: 10 });
    stranger.send_to(&sealed_with(&mut sealer, second, cookie, &frame), bench.me).unwrap();
    bench.turn_until(|bench| bench.host.counters().dropped(Drop::Source) == 3).unwrap();
    bench.turn_until(|bench| bench.kept() == 2).unwrap();
    assert_eq!(bench.host.site().kept, [6, 8]);
}

#[test]
fn the_holder_of_one_client_key_forges_no_answer_to_the_clients_of_another() {
    let site = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let [first, second] = [0, 1].map(|number| KeyNumber::new(number).unwrap());
    let victim = ProcessId::Client(5);
    let answer = framed(ProcessId::site(0), victim, &Word::Kept { number: 1 });
    let check = |numbers: &[KeyNumber], bytes: &[u8], reason: Option<Drop>| {
        let mut caller = caller(numbers, site.local_addr().unwrap());
        assert_eq!(caller.add(5).unwrap(), victim);
        let port = caller.local_addr().unwrap().port();
        site.send_to(bytes, (Ipv4Addr::LOCALHOST, port)).unwrap();
        let end = caller.now() + Duration::from_secs(20);
        let is_over = |counters: &Counters| match reason {
            None => counters.received == 1,
            Some(reason) => counters.dropped(reason) == 1,
        };
        while !is_over(caller.counters()) {
            assert!(caller.now() < end, "{reason:?}: {}", caller.counters());
            caller.turn(caller.now() + Duration::from_millis(10)).unwrap();
        }
        assert_eq!(caller.counters().received, u64::from(reason.is_none()));
    };
    let mut honest = Sealer::new(CLUSTER, &keys(), [3; 32]);
    check(&[first], &sealed(&mut honest, first, &answer), None);
    // The attacker has both keys that are derived for its number.
    let mut posing = of_clients(second).posing_as_site();
    check(&[first], &sealed(&mut posing, second, &answer), Some(Drop::Key));
    check(&[first, second], &sealed(&mut posing, second, &answer), Some(Drop::Source));
    // A client's datagram is no answer, no matter who sealed it.
    check(&[first], &sealed(&mut of_clients(first), first, &answer), Some(Drop::Source));
    let frame = framed(ProcessId::Client(6), victim, &Word::Kept { number: 1 });
    check(&[first], &sealed(&mut honest, first, &frame), Some(Drop::Source));
    let error = caller(&[first], site.local_addr().unwrap()).add(1_024).unwrap_err().to_string();
    assert_eq!(
        error,
        "client 1024 belongs to client key 1, which is not at hand; take a number of a key that is"
    );
}

#[test]
fn a_denied_key_is_counted_and_the_next_is_served() {
    let mut keys = keys();
    keys.denied.insert(KeyNumber::new(1).unwrap());
    let mut bench = bench_with("denied", SyncMode::Overlapped, Lie::None, 1 << 20, keys);
    let stranger = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    bench.send(&stranger, ProcessId::Client(1_024), ProcessId::site(0), 2);
    bench.prove(&stranger, 2_048);
    bench.send(&stranger, ProcessId::Client(2_048), ProcessId::site(0), 4);
    bench.turn_until(|bench| bench.kept() == 1).unwrap();
    assert_eq!(bench.host.site().kept, [4]);
    assert_eq!(bench.host.counters().dropped(Drop::Denied), 1);
}

/// The sender has recorded datagrams of clients or has a client key, but cannot answer challenges. Each of its bytes
/// draws at most one, and nothing is done.
#[test]
fn an_address_that_proves_nothing_draws_no_more_than_it_sends() {
    let key = KeyNumber::FIRST;
    let mut before = bench("drawn-before", SyncMode::Overlapped, Lie::None, 1 << 20);
    let honest = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    before.prove(&honest, 5);
    let frame =
        |number: u64| framed(ProcessId::Client(5), ProcessId::site(0), &Word::Keep { number: 2 * number });
    let mut sealer = of_clients(key);
    let recorded: Vec<Vec<u8>> =
        (0..20).map(|number| sealed_with(&mut sealer, key, before.cookie, &frame(number))).collect();
    let mut after = bench("drawn-after", SyncMode::Overlapped, Lie::None, 1 << 20);
    // At the site that gave the cookie from another address, and after a restart from the same one.
    let stranger = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for (is_before, socket) in [(true, &stranger), (false, &stranger), (false, &honest)] {
        let bench = if is_before { &mut before } else { &mut after };
        let unproven = bench.host.counters().dropped(Drop::Unproven);
        let mut sent = 0;
        for bytes in &recorded {
            sent += socket.send_to(bytes, bench.me).unwrap();
        }
        bench.turn_until(|bench| bench.host.counters().dropped(Drop::Unproven) == unproven + 20).unwrap();
        let drawn = drain(socket);
        assert!(drawn > 0 && drawn <= sent, "{drawn} bytes for {sent}");
        assert_eq!(bench.kept(), 0);
    }
    // The shortest datagram that is a frame at all.
    let mut shortest = Vec::new();
    frame::Head::new(&Sender {
        cluster: CLUSTER,
        configuration: 0,
        from: ProcessId::Client(5),
        incarnation: 1,
    })
    .begin(&mut shortest, Recipients::One(ProcessId::site(0)));
    frame::seal(&mut shortest);
    let sent = stranger.send_to(&sealed(&mut sealer, key, &shortest), after.me).unwrap();
    let unproven = after.host.counters().dropped(Drop::Unproven);
    after.turn_until(|bench| bench.host.counters().dropped(Drop::Unproven) > unproven).unwrap();
    let drawn = drain(&stranger);
    assert!(drawn > 0 && drawn <= sent, "{drawn} bytes for {sent}");
}

#[test]
fn one_datagram_of_a_client_draws_a_bounded_number_of_answers() {
    let mut bench = bench("many", SyncMode::Overlapped, Lie::None, 1 << 20);
    let client = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    bench.prove(&client, 5);
    let sender = Sender { cluster: CLUSTER, configuration: 0, from: ProcessId::Client(5), incarnation: 1 };
    let mut bytes = Vec::new();
    frame::Head::new(&sender).begin(&mut bytes, Recipients::One(ProcessId::site(0)));
    (0..100).for_each(|number| frame::put_message(&mut bytes, &Word::Keep { number: 2 * number }.to_bytes()));
    frame::seal(&mut bytes);
    let sealed = sealed_with(&mut of_clients(KeyNumber::FIRST), KeyNumber::FIRST, bench.cookie, &bytes);
    client.send_to(&sealed, bench.me).unwrap();
    bench.turn_until(|bench| bench.kept() > 0).unwrap();
    assert_eq!((bench.kept(), bench.host.counters().dropped(Drop::TooMany)), (8, 1));
}

/// A whole exchange. The first datagram of a client, and the first after a restart of the site, cost one more round
/// trip. All others cost none, not even the first of another client in the same program.
#[test]
fn a_client_proves_once_where_it_is_and_again_to_a_site_that_restarted() {
    let mut bench = bench("proves", SyncMode::Overlapped, Lie::None, 1 << 20);
    let mut caller = caller(&[KeyNumber::FIRST], bench.me);
    let ids = [5, 6].map(|number| caller.add(number).unwrap());
    let mut ask = |bench: &mut Bench, id, number, unproven| {
        caller.command(id, number);
        let received = caller.counters().received;
        let end = caller.now() + Duration::from_secs(20);
        while caller.counters().received == received {
            assert!(caller.now() < end, "no answer: {} {}", bench.host.counters(), caller.counters());
            caller.turn(caller.now() + Duration::from_millis(1)).unwrap();
            bench.host.turn(Some(Instant::ZERO)).unwrap();
        }
        assert_eq!(bench.host.counters().dropped(Drop::Unproven), unproven, "asking for {number}");
    };
    ask(&mut bench, ids[0], 2, 1);
    ask(&mut bench, ids[0], 4, 1);
    ask(&mut bench, ids[1], 6, 1);
    bench = bench.restarted();
    ask(&mut bench, ids[1], 8, 1);
    ask(&mut bench, ids[1], 10, 1);
    // The other client still has the old cookie.
    ask(&mut bench, ids[0], 12, 2);
    ask(&mut bench, ids[0], 14, 2);
    assert_eq!(bench.host.site().kept, [2, 4, 6, 8, 10, 12, 14]);
}

/// Anybody may have recorded the challenge that is sent again.
#[test]
fn a_replayed_challenge_draws_nothing() {
    let site = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut caller = caller(&[KeyNumber::FIRST], site.local_addr().unwrap());
    let client = caller.add(5).unwrap();
    caller.command(client, 2);
    let soon = |caller: &mut Caller<Asker>| caller.turn(caller.now() + Duration::from_millis(20)).unwrap();
    soon(&mut caller);
    let mut sealer = Sealer::new(CLUSTER, &keys(), [3; 32]);
    let mut challenged = Vec::new();
    let challenge = Challenge { cookie: 77, count: 1, is_dropped: true };
    assert!(sealer.notify(KeyNumber::FIRST, &Notice::Challenge(challenge), &mut challenged));
    let port = caller.local_addr().unwrap().port();
    for _ in 0..5 {
        site.send_to(&challenged, (Ipv4Addr::LOCALHOST, port)).unwrap();
        soon(&mut caller);
    }
    assert_eq!((caller.counters().sent, caller.counters().dropped(Drop::Misdelivered)), (2, 4));
    let mut bytes = [0; 500];
    let length = site.recv(&mut bytes).unwrap();
    let claim = |bytes: &[u8]| Sealer::new(CLUSTER, &keys(), [3; 32]).claim(bytes).unwrap().cookie;
    assert_eq!(claim(&bytes[..length]), 0);
    let length = site.recv(&mut bytes).unwrap();
    assert_eq!(claim(&bytes[..length]), 77);
    // A datagram that is challenged again and again is given up.
    for count in 2..10 {
        let notice = Notice::Challenge(Challenge { count, ..challenge });
        assert!(sealer.notify(KeyNumber::FIRST, &notice, &mut challenged));
        site.send_to(&challenged, (Ipv4Addr::LOCALHOST, port)).unwrap();
        soon(&mut caller);
    }
    assert_eq!(caller.counters().sent, 4);
}

/// Garbage that looks like a site's or a client's datagram costs no more openings than its group has. Others are heard.
#[test]
fn a_flood_is_dropped_unread_and_those_who_are_known_are_heard() {
    let mut bench = bench("flood", SyncMode::Overlapped, Lie::None, 1 << 20);
    let honest = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    bench.prove(&honest, 5);
    let flooder = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut garbage = sealed(&mut of_clients(KeyNumber::FIRST), KeyNumber::FIRST, &[0xa5; 1_000]);
    let last = garbage.len() - 1;
    garbage[last] ^= 1;
    let seen = |bench: &Bench| {
        let counters = bench.host.counters();
        counters.dropped(Drop::Key) + counters.dropped(Drop::Unopened)
    };
    for sent in 1..=2_000 {
        flooder.send_to(&garbage, bench.me).unwrap();
        if sent % 50 == 0 {
            bench.turn_until(|bench| seen(bench) == sent).unwrap();
        }
    }
    let opened = bench.host.counters().dropped(Drop::Key);
    assert!((256..1_900).contains(&opened), "{opened} of 2,000 were opened");
    bench.send(&honest, ProcessId::Client(5), ProcessId::site(0), 2);
    bench.send(&bench.peer, ProcessId::site(1), ProcessId::site(0), 4);
    bench.turn_until(|bench| bench.kept() == 2).unwrap();
    // Newcomers, some of which are likely to be in other groups.
    let newcomers: Vec<_> = (0..8).map(|_| StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
    let unproven = bench.host.counters().dropped(Drop::Unproven);
    bench.cookie = 0;
    newcomers.iter().for_each(|socket| bench.send(socket, ProcessId::Client(6), ProcessId::site(0), 6));
    bench.turn_until(|bench| bench.host.counters().dropped(Drop::Unproven) > unproven).unwrap();
}

#[test]
fn counters_are_told_to_whoever_has_proven_where_it_is() {
    let mut bench = bench("counters", SyncMode::Overlapped, Lie::None, 1 << 20);
    let mut caller = caller(&[KeyNumber::FIRST], bench.me);
    let client = caller.add(5).unwrap();
    let site = SiteId::new(0).unwrap();
    caller.ask_for_counters(client, site);
    let mut notices = Vec::new();
    let end = caller.now() + Duration::from_secs(20);
    while notices.is_empty() {
        assert!(caller.now() < end, "{} and {}", caller.counters(), bench.host.counters());
        caller.turn(caller.now() + Duration::from_millis(10)).unwrap();
        bench.host.turn(Some(bench.host.now() + Duration::from_millis(10))).unwrap();
        notices = caller.take_notices();
    }
    let [(from, SiteNotice::Counters(counters))] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!((*from, counters.dropped(Drop::Unproven), counters.sent), (site, 1, 1));
    assert_eq!(counters.received, 0, "the question itself is counted after its answer");
    assert_eq!((bench.host.counters().received, bench.kept()), (1, 0), "no process has seen it");
    // A stranger gets a challenge, which is no longer than its question.
    let stranger = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let question = sealed(&mut of_clients(KeyNumber::FIRST), KeyNumber::FIRST, &notices::ASKS_FOR_COUNTERS);
    stranger.send_to(&question, bench.me).unwrap();
    bench.turn_until(|bench| bench.host.counters().dropped(Drop::Unproven) == 2).unwrap();
    let drawn = drain(&stranger);
    assert!((1..=question.len()).contains(&drawn), "{drawn} bytes for {}", question.len());
}

#[test]
fn a_site_that_reads_its_journal_says_so_in_few_bytes() {
    let socket = OffloadSocket::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let here = socket.local_addr().unwrap();
    let starting = Starting::answer(&socket, CLUSTER, &keys(), DATAGRAM).unwrap();
    let mut caller = caller(&[KeyNumber::FIRST], here);
    let client = caller.add(5).unwrap();
    let end = caller.now() + Duration::from_secs(20);
    let mut notices = Vec::new();
    while notices.is_empty() {
        assert!(caller.now() < end, "{}", caller.counters());
        caller.command(client, 2);
        caller.turn(caller.now() + Duration::from_millis(50)).unwrap();
        notices = caller.take_notices();
    }
    assert!(
        notices.iter().all(|notice| *notice == (SiteId::new(0).unwrap(), SiteNotice::Starting)),
        "{notices:?}"
    );
    // Garbage, sites and frames that are too short get no answer. A recorded datagram draws no more than its length.
    let stranger = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    stranger.send_to(&[7; 500], here).unwrap();
    let frame = framed(ProcessId::site(1), ProcessId::site(0), &Word::Keep { number: 2 });
    let mut of_site = Vec::new();
    assert!(Sealer::new(CLUSTER, &keys(), [4; 32]).seal(Party::Sites, &frame, &mut of_site));
    stranger.send_to(&of_site, here).unwrap();
    let mut sealer = of_clients(KeyNumber::FIRST);
    stranger.send_to(&sealed(&mut sealer, KeyNumber::FIRST, &[0; 31]), here).unwrap();
    assert_eq!(drain(&stranger), 0);
    let recorded = sealed(&mut sealer, KeyNumber::FIRST, &[0; 32]);
    stranger.send_to(&recorded, here).unwrap();
    let drawn = drain(&stranger);
    assert!((1..=recorded.len()).contains(&drawn), "{drawn} bytes for {}", recorded.len());
    drop(starting);
    stranger.send_to(&recorded, here).unwrap();
    assert_eq!(drain(&stranger), 0, "from here on the socket is the site's");
}
