//! What the holder of one client key can say to sites and to the clients of another.

use super::*;

/// A program of clients with these keys, at a site that is not there.
fn caller(numbers: &[KeyNumber], site: SocketAddr) -> Caller<Clerk> {
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
    let mut out = Vec::new();
    assert!(sealer.seal(Party::Client(number), frame, &mut out));
    out
}

#[test]
fn a_client_key_speaks_for_its_own_clients_alone() {
    let mut bench = bench("foreign", SyncMode::Overlapped, Lie::None, 1 << 20);
    let stranger = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let second = KeyNumber::new(1).unwrap();
    let mut sealer = of_clients(second);
    // The last and the first client of its neighbours, its own first and last one, and a site.
    for (from, word) in [1_023, 2_048, 1_024, 2_047].map(ProcessId::Client).into_iter().zip(1..) {
        let frame = framed(from, ProcessId::site(0), &Word::Keep { number: 2 * word });
        stranger.send_to(&sealed(&mut sealer, second, &frame), bench.me).unwrap();
    }
    let frame = framed(ProcessId::site(1), ProcessId::site(0), &Word::Keep { number: 10 });
    stranger.send_to(&sealed(&mut sealer, second, &frame), bench.me).unwrap();
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
    // What a client says is no answer, whoever said it.
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
    bench.tell(&stranger, ProcessId::Client(1_024), ProcessId::site(0), 2);
    bench.tell(&stranger, ProcessId::Client(2_048), ProcessId::site(0), 4);
    bench.turn_until(|bench| bench.kept() == 1).unwrap();
    assert_eq!(bench.host.site().kept, [4]);
    assert_eq!(bench.host.counters().dropped(Drop::Denied), 1);
}
