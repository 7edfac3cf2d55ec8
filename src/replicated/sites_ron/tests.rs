use super::*;

fn two() -> Vec<Member> {
    let member =
        |address: &str, region: &str| Member { address: address.parse().unwrap(), region: region.into() };
    vec![member("127.0.0.1:7100", "north \"quoted\""), member("127.0.0.1:7101", "")]
}

#[test]
fn what_is_written_is_read_back() {
    let mut sites = Sites::new(u64::MAX, two());
    assert_eq!(Sites::parse("sites.ron", &sites.to_text()).unwrap(), sites);
    sites.sync = SyncMode::Blocking;
    assert!([0, 63].into_iter().filter_map(KeyNumber::new).all(|key| sites.denied.insert(key)));
    sites.datagram_max = 1_400;
    sites.config.datagram_max = 1_400 - SEAL_BYTES;
    sites.config.window = 7;
    sites.config.sessions_max = 64;
    sites.config.session_idle = Duration::from_secs(5);
    sites.config.heartbeat = Duration::from_micros(51_500);
    sites.config.parked_for = Duration::ZERO;
    assert_eq!(Sites::parse("sites.ron", &sites.to_text()).unwrap(), sites);
    let short = "Sites(cluster: 1, sites: [(id: 1, address: \"[::1]:9\"), (id: 0, address: \"[::1]:8\")])";
    let read = Sites::parse("sites.ron", short).unwrap();
    assert_eq!((read.sync, read.datagram_max), (SyncMode::Overlapped, DATAGRAM_DEFAULT));
    assert_eq!(read.members[1].address, "[::1]:9".parse().unwrap());
    assert_eq!((read.site(1), read.site(2)), (SiteId::new(1), None));
}

/// Byte for byte: people compare the files of their clusters.
#[test]
fn a_written_file_shows_every_setting_below_its_comment() {
    let member =
        |address: &str, region: &str| Member { address: address.parse().unwrap(), region: region.into() };
    let members = vec![member("192.0.2.10:7100", "north"), member("198.51.100.7:7100", "")];
    let mut sites = Sites::new(0x5d1c_0c2f_9d0e_3a77, members);
    sites.sync = SyncMode::Blocking;
    assert!([3, 63].into_iter().filter_map(KeyNumber::new).all(|key| sites.denied.insert(key)));
    sites.datagram_max = 1_400;
    sites.config.parked_for = Duration::ZERO;
    sites.config.heartbeat = Duration::from_micros(51_500);
    sites.config.parked_max = 0;
    assert_eq!(sites.to_text(), WRITTEN);
}

#[test]
fn large_datagrams_leave_room_for_fewer_slots() {
    let text = "Sites(cluster: 1, sites: [(id: 0, address: \"[::1]:9\")], limits: (datagram_max: 60000))";
    let read = Sites::parse("sites.ron", text).unwrap();
    assert_eq!((read.config.window, read.config.fetch_max), (13, 13));
}

#[test]
fn a_wrong_file_is_refused_at_its_place() {
    let mut wrong = String::new();
    let mut check = |text: &str, place: (usize, usize), message: &str, help: &str| {
        let bad = Sites::parse("sites.ron", text).unwrap_err();
        let first = &bad.diagnostics[0];
        let shown = first.help.clone().unwrap_or_default();
        if (first.line, first.column) != place || !first.message.contains(message) || !shown.contains(help) {
            wrong += &format!("expected {place:?}: {message}, {help}\n{bad:?}\n");
        }
    };
    let site = |id: usize, address: &str| format!("(id: {id}, address: \"{address}\")");
    let list = |sites: &[String]| format!("Sites(cluster: 1,\nsites: [{}])", sites.join(",\n"));
    let ten: Vec<String> = (0..10).map(|n| site(n, &format!("10.0.0.{}:1", n + 1))).collect();
    check(&list(&ten), (2, 8), "10 sites", "a cluster has 1 to 9");
    check(&list(&[]), (2, 8), "0 sites", "a cluster has 1 to 9");
    check(&list(&[site(0, "::1")]), (2, 26), "\"::1\" is no address", "an IP address and a port");
    check(&list(&[site(0, "0.0.0.0:5")]), (2, 26), "nobody can send to 0.0.0.0:5", "an IP address");
    check(&list(&[site(0, "1.1.1.1:0")]), (2, 26), "nobody can send to 1.1.1.1:0", "an IP address");
    for (many, what) in [
        ("224.0.0.1:1", "224.0.0.1 is a multicast address"),
        ("[ff02::1]:1", "ff02::1 is a multicast address"),
        ("[::ffff:239.1.2.3]:1", "::ffff:239.1.2.3 is a multicast address"),
        ("255.255.255.255:1", "255.255.255.255 is the broadcast address"),
    ] {
        check(&list(&[site(0, many)]), (2, 26), what, "an IP address");
    }
    let twice = [site(0, "1.1.1.1:1"), site(1, "1.1.1.1:1")];
    check(&list(&twice), (3, 18), "another site has the address 1.1.1.1:1", "give each its own");
    let twice = [site(0, "1.1.1.1:1"), site(0, "1.1.1.2:1")];
    check(&list(&twice), (3, 6), "another site has the id 0", "give each its own");
    let gap = [site(0, "1.1.1.1:1"), site(2, "1.1.1.2:1")];
    check(&list(&gap), (3, 6), "there is no site 2 among 2", "numbered 0 to 1");
    let mixed = [site(0, "1.1.1.1:1"), site(1, "[::1]:1")];
    check(&list(&mixed), (3, 18), "cannot reach the others", "IPv4 or IPv6");
    let mixed = [site(0, "[::1]:1"), site(1, "1.1.1.1:1"), site(2, "1.1.1.2:1")];
    let bad = Sites::parse("sites.ron", &list(&mixed)).unwrap_err();
    assert_eq!(bad.diagnostics.len(), 1, "one mistake: {bad:?}");
    let one = site(0, "1.1.1.1:1");
    let with = |rest: &str| format!("Sites(cluster: 1, sites: [{one}],\n{rest})");
    check(&with("port: 1"), (2, 1), "unknown field `port`", "expected `cluster`, `sites`");
    check(&with("sync: Never"), (2, 7), "unknown sync `Never`", "`Overlapped` or `Blocking`");
    check(&with("denied: [3, 64]"), (2, 13), "there is no client key 64", "numbered 0 to 63");
    check(&with("denied: [3, 4, 3]"), (2, 16), "client key 3 is denied twice", "leave one");
    check(&with("limits: (datagram_max: 9)"), (2, 24), "datagram_max is 9", "1090 to 65507 bytes");
    check(&with("limits: (windw: 9)"), (2, 10), "unknown field `windw`", "did you mean `window`?");
    let limits = "expected `datagram_max`, `window`, `batch`, `fetch_max`, `queue_max`";
    check(&with("limits: (heartbeat: \"9ms\")"), (2, 10), "unknown field `heartbeat`", limits);
    check(
        &with("timeouts: (window: 9)"),
        (2, 12),
        "unknown field `window`",
        "expected `heartbeat`, `election`",
    );
    check(&with("limits: (window: 0)"), (2, 18), "window is 0, expected 1 to 4096", "");
    check(&with("limits: (window: 4096)"), (2, 18), "window or fetch_max is too large", "");
    check(&with("limits: (sessions_max: 0)"), (2, 24), "sessions_max is 0, expected 1 to 65536", "");
    check(&with("timeouts: (session_idle: \"0s\")"), (2, 26), "session_idle in us is 0, expected 1 to", "");
    check(&with("timeouts: (heartbeat: 50)"), (2, 23), "expected a number and a unit", "");
    check(&with("timeouts: (heartbeat: \"1s\")"), (2, 23), "at most half of election", "");
    check(&with("timeouts: (retry: \"0s\")"), (2, 19), "retry in us is 0, expected 1 to", "");
    check("Sites(cluster: 1)", (1, 17), "the field `sites` is missing", "");
    check(&format!("Sites(cluster: 1, sites: [{one}"), (1, 55), "expected comma", "");
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn sites_that_read_different_files_have_different_configurations() {
    let configuration = |second: &str, rest: &str| {
        let text = format!(
            "Sites(cluster: 1, sites: [(id: 0, address: \"1.1.1.1:1\"), (id: 1, address: \"{second}\")]{rest})"
        );
        Sites::parse("sites.ron", &text).unwrap().configuration()
    };
    let two = configuration("1.1.1.2:1", "");
    let own = ", sync: Blocking, timeouts: (heartbeat: \"60ms\")";
    assert_eq!(two, configuration("1.1.1.2:1", own), "how a site syncs is its own affair");
    assert_eq!(two, configuration("1.1.1.2:1", ", denied: [3]"), "denying is rolled out site by site");
    assert_ne!(two, configuration("1.1.1.2:2", ""));
    assert_ne!(two, configuration("1.1.1.2:1", ", limits: (datagram_max: 1100)"));
    assert_ne!(
        two,
        configuration("1.1.1.2:1", ", limits: (sessions_max: 64)"),
        "they would fold one log apart"
    );
}

#[test]
fn an_error_shows_the_line_and_a_missing_file_its_cure() {
    let error = Sites::parse("sites.ron", "Sites(\n  cluster: x)").unwrap_err().to_string();
    assert!(error.contains("2 |   cluster: x)"), "{error}");
    assert_eq!(error.matches("expected integer").count(), 1, "it is said once: {error}");
    let error = Sites::read(Path::new("/nowhere/sites.ron")).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/sites.ron: failed to read: "), "{error}");
    assert!(error.ends_with("`site init` writes one"), "{error}");
}

const WRITTEN: &str = r#"// Every site of the cluster has this same file. Regions are for people: sites that may fail together.
Sites(
    cluster: 0x5d1c0c2f9d0e3a77,
    sites: [
        (id: 0, address: "192.0.2.10:7100", region: "north"),
        (id: 1, address: "198.51.100.7:7100", region: ""),
    ],
    // Overlapped: a site with much to do goes on while it syncs. Blocking: it waits for each sync.
    sync: Blocking,
    // Numbers of revoked client keys. Restart the sites one by one after a change.
    denied: [3, 63],
    limits: (
        // Bytes. Storage is formatted for this limit: raising it needs a new cluster.
        datagram_max: 1400,
        // The most slots that a leader has under way, and the most events in one slot.
        window: 32,
        batch: 256,
        // Slots that a site asks for at once while it catches up.
        fetch_max: 64,
        // Events that wait at a site. If it has no room, it answers that it is busy.
        queue_max: 4096,
        // Of these events, how many a site has with the leader at once.
        forward_max: 1024,
        // Sessions of clients that are open. One more evicts the session unused for longest. Storage is
        // made for this limit, because the meaning of the log depends on it: another one needs a new cluster.
        sessions_max: 1024,
        // Queries that wait for a site to catch up.
        parked_max: 0,
        // Linearizable views that wait for answers of other sites, or for their own site to catch up.
        reads_max: 64,
        // Commands that wait in a terminal or client.
        client_queue_max: 256,
    ),
    timeouts: (
        heartbeat: "51500us",
        // A site campaigns after it has heard no leader for this long, plus some jitter.
        election: "300ms",
        election_jitter: "200ms",
        // Sites send unanswered messages again after `retry`, and clients after `client_retry`.
        retry: "150ms",
        client_retry: "500ms",
        // A client whose session was idle for this long opens another one before it asks.
        session_idle: "1min",
        // A query waits this long for a site to catch up.
        parked_for: "0s",
        // A site answers a client that its event waits, if the event is not in the log after this long.
        taken_after: "20ms",
        // A leader waits this long for more events before it proposes a slot that is not full.
        propose_after: "1us",
        // An idle leader announces after this long what is in the log, if no other site waits for it.
        chosen_after: "1ms",
    ),
)
"#;
