//! Client keys of real sites: written, distinguished, revoked, and refused when they have an earlier version.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aviary::frame::{self, Sender};
use aviary::ids::{ProcessId, SiteId};
use aviary::mix::Seed;
use aviary::process::{Damage, Effects, Input, Label, Process, Recipients, Recovered, Role};
use aviary::replicated::paxos::Slot;
use aviary::replicated::sites_ron::Sites;
use aviary::time::{Duration, Instant};
use aviary::tweets::client::{Client, ClientOptions};
use aviary::tweets::site::{Message, Note, Operation, Query, Record, Request};
use aviary::tweets::timeline::{Event, Position, TimelineQuery, View};
use aviary::udp::seal::{Party, Sealer};
use aviary::udp::{Caller, CallerSettings, ClientKey, KeyNumber};
use aviary::wire::Wire;
use sim_runner::tweets::real::RealCluster;

use crate::SITE;

/// A folder that is removed when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("aviary-keys-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn cluster(&self) -> RealCluster {
        let mut cluster = RealCluster::init(Path::new(SITE), &self.0, 3, false).unwrap();
        cluster.start_all().unwrap();
        cluster
    }

    /// The client key with this number, as `site client-key` writes it.
    fn client_key(&self, number: u8) -> ClientKey {
        let output = self.path(&format!("client-{number}.key"));
        let (number, config) = (number.to_string(), self.path("sites.ron"));
        let printed = site(&["client-key", "--number", &number, "--config", &config, "-o", &output], 0);
        assert!(
            printed.starts_with(&format!("wrote {output}: client key {number}, for clients ")),
            "{printed}"
        );
        assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o600);
        ClientKey::read(Path::new(&output)).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs `site` to its end, checks the exit code, and returns the output.
#[track_caller]
fn site(arguments: &[&str], code: i32) -> String {
    let out = Command::new(SITE).args(arguments).stdin(Stdio::null()).output().unwrap();
    let printed = if code == 0 { &out.stdout } else { &out.stderr };
    assert_eq!(out.status.code(), Some(code), "{out:?}");
    String::from_utf8_lossy(printed).into_owned()
}

fn client(sites: &Sites, key: ClientKey) -> Client {
    let options = ClientOptions { patience: Duration::from_secs(10), ..ClientOptions::default() };
    Client::start(sites, key, &options).unwrap()
}

/// A message, and the site that it goes to.
#[derive(Clone, Debug)]
struct AddressedMessage(SiteId, Message);

impl std::fmt::Display for AddressedMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.1.kind(), self.0)
    }
}

/// A client that sends whatever message it is given, and notes who answers it.
#[derive(Clone)]
struct Thief;

impl Process for Thief {
    type Message = Message;
    type Record = Record;
    type Note = Note;
    type Command = AddressedMessage;
    type Config = ();

    fn start(_: &(), _: ProcessId, _: Seed, _: Recovered<Record>) -> Result<Thief, Damage> {
        Ok(Thief)
    }

    fn handle(&mut self, _: Instant, input: Input<Thief>, effects: &mut Effects<Thief>) {
        match input {
            Input::Command(AddressedMessage(site, message)) => effects.send(site, &message),
            Input::Message { from, message } => effects.note(Note::Ignored(from, message.kind(), "")),
            Input::Started | Input::Wake | Input::DiskSpace { .. } | Input::Link { .. } => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }

    fn role(&self) -> Role {
        Role::Follower
    }
}

impl Thief {
    fn caller(sites: &Sites, key: ClientKey) -> Caller<Thief> {
        let settings = CallerSettings {
            cluster: sites.cluster,
            configuration: sites.configuration(),
            addresses: sites.addresses(),
            config: (),
            datagram_max: sites.config.datagram_max,
            keys: vec![key],
        };
        Caller::start(settings).unwrap()
    }
}

#[test]
fn the_holder_of_one_key_takes_no_request_number_of_a_client_of_another() {
    let scratch = Scratch::new("thief");
    let cluster = scratch.cluster();
    let mut victim = client(&cluster.sites, cluster.client_key());
    victim.tweet("ann".parse().unwrap(), "one".parse().unwrap()).unwrap();
    // Sessions are no secret: they are in the log.
    let key = scratch.client_key(1);
    let opened = |session: Option<(ProcessId, Position)>, line: &aviary::tweets::site::LogLine| {
        let number = match line.request {
            Request::Open { client: ProcessId::Client(number), .. } if number < KeyNumber::CLIENTS => number,
            _ => return session,
        };
        Some((ProcessId::Client(number), line.position))
    };
    let log = client(&cluster.sites, key.clone()).log(Position::default()).unwrap();
    let (owner, session) = log.iter().fold(None, opened).unwrap();
    let mut thief = Thief::caller(&cluster.sites, key);
    let me = thief.add(*KeyNumber::new(1).unwrap().clients().start()).unwrap();
    let text = "forged".parse().unwrap();
    let operation = Operation::Event { event: Event::Tweet { user: "ann".parse().unwrap(), text } };
    for (client, site) in [me, owner].into_iter().flat_map(|by| (0..3).map(move |site| (by, site))) {
        let request =
            Request::Execute { client, session, number: 2, operation: operation.clone(), is_last: false };
        thief.command(me, AddressedMessage(SiteId::new(site).unwrap(), Message::Request { request }));
    }
    let end = thief.now() + Duration::from_millis(700);
    while thief.now() < end {
        thief.turn(end).unwrap();
    }
    assert_eq!(thief.take_notes(), [], "a site answered the thief");
    let at = victim.tweet("ann".parse().unwrap(), "two".parse().unwrap()).unwrap();
    let page = victim.view_linearizable("cat".parse().unwrap(), 9, None).unwrap();
    let texts: Vec<String> = page.tweets.iter().map(|tweet| tweet.text.to_string()).collect();
    assert_eq!(texts, ["two", "one"]);
    assert_eq!(page.tweets[0].position, at, "what was acknowledged is what stands there");
    // The thief is served where it does not pretend to be another client.
    let request = Request::Open { client: me, nonce: 1 };
    thief.command(me, AddressedMessage(SiteId::new(0).unwrap(), Message::Request { request }));
    let end = thief.now() + Duration::from_secs(10);
    while thief.take_notes().is_empty() {
        assert!(thief.now() < end, "no site answers: {}", thief.counters());
        thief.turn(thief.now() + Duration::from_millis(50)).unwrap();
    }
}

#[test]
fn a_derived_key_is_served_until_it_is_denied_and_the_others_are_served_on() {
    let scratch = Scratch::new("denied");
    let mut cluster = scratch.cluster();
    let (first, third) = (cluster.client_key(), scratch.client_key(3));
    client(&cluster.sites, third.clone()).tweet("ann".parse().unwrap(), "one".parse().unwrap()).unwrap();
    // As in a rolling restart with the changed file: sites with and without it hear each other.
    assert!(cluster.sites.denied.insert(KeyNumber::new(3).unwrap()));
    fs::write(scratch.0.join("sites.ron"), cluster.sites.to_text()).unwrap();
    for number in 0..3 {
        cluster.kill(number).unwrap();
        cluster.start(number).unwrap();
        client(&cluster.sites, first.clone()).tweet("bob".parse().unwrap(), "on".parse().unwrap()).unwrap();
    }
    let config = scratch.path("sites.ron");
    let key = scratch.path("client-3.key");
    let ask = ["tweet", "--config", &config, "--client-key", &key, "--timeout", "1s", "ann", "two"];
    assert!(site(&ask, 3).contains("no answer within 1s"));
    let page = client(&cluster.sites, first).view_linearizable("cat".parse().unwrap(), 9, None).unwrap();
    assert_eq!(page.tweets.iter().filter(|tweet| tweet.text.to_string() == "one").count(), 1);
    assert!(page.tweets.iter().all(|tweet| tweet.text.to_string() != "two"));
    let printed = site(&["client-key", "--number", "3", "--config", &config, "-o", "nowhere"], 2);
    assert!(
        printed.contains("denies client key 3, so no site would hear it; take another number"),
        "{printed}"
    );
}

#[test]
fn no_client_file_holds_the_master_and_files_of_before_are_refused_with_their_cure() {
    let scratch = Scratch::new("files");
    RealCluster::init(Path::new(SITE), &scratch.0, 1, false).unwrap();
    let master = fs::read_to_string(scratch.0.join("client-master.key")).unwrap();
    let digits = master.lines().nth(1).unwrap();
    scratch.client_key(7);
    for client in ["client.key", "client-7.key"] {
        assert!(!fs::read_to_string(scratch.0.join(client)).unwrap().contains(digits));
    }
    let config = scratch.path("sites.ron");
    let again = scratch.path("client-7.key");
    let printed = site(&["client-key", "--number", "7", "--config", &config, "-o", &again], 2);
    assert!(printed.contains("client-7.key: File exists") && printed.contains("--output"), "{printed}");
    site(&["client-key", "--number", "64", "--config", &config], 2);
    let swapped = ["client-key", "--number", "7", "--config", &config, "--client-master", &again];
    assert!(site(&swapped, 2).contains("client-7.key holds no client master key"));
    // The key file of a cluster of an earlier version.
    let old = scratch.0.join("client.key");
    fs::write(&old, format!("aviary client key 1\n{digits}\n")).unwrap();
    let printed = site(&["status", "--config", &config], 2);
    assert!(
        printed.contains("`site client-key --number 0 --output client.key` on a machine of a site"),
        "{printed}"
    );
    fs::remove_file(scratch.0.join("client-master.key")).unwrap();
    let run = ["run", "--config", &config, "--id", "0", "--headless"];
    let printed = site(&run, 2);
    assert!(
        printed.contains("`site init --sites 1 --dir fresh` a client-master.key for the sites"),
        "{printed}"
    );
}

/// An attacker with a client key and a socket.
struct Raw {
    socket: UdpSocket,
    site: SocketAddr,
    sender: Sender,
    sealer: Sealer,
}

impl Raw {
    fn new(sites: &Sites, key: &ClientKey) -> Raw {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let from = ProcessId::Client(*key.number().clients().end());
        let (cluster, configuration) = (sites.cluster, sites.configuration());
        let sender = Sender { cluster, configuration, from, incarnation: 1 };
        let sealer = Sealer::of_clients(cluster, core::slice::from_ref(key), [9; 32]);
        Raw { socket, site: sites.members[0].address, sender, sealer }
    }

    /// A datagram that requests `count` views of everything.
    fn views(&mut self, cookie: u64, count: u64) -> Vec<u8> {
        let mut frame = Vec::new();
        frame::Head::new(&self.sender).begin(&mut frame, Recipients::One(ProcessId::site(0)));
        for id in 1..=count {
            let view = View { viewer: "bob".parse().unwrap(), limit: 1_000, older_than: None };
            let query = Message::Query { id, seen: Slot(0), query: Query::Of(TimelineQuery::View { view }) };
            frame::put_message(&mut frame, &query.to_bytes());
        }
        frame::seal(&mut frame);
        let mut sealed = Vec::new();
        let party = Party::of(self.sender.from);
        assert!(self.sealer.seal_with(party, cookie, &frame, &mut sealed));
        sealed
    }

    fn send(&self, datagrams: &[Vec<u8>]) -> usize {
        datagrams.iter().map(|bytes| self.socket.send_to(bytes, self.site).unwrap()).sum()
    }

    /// The number of datagrams and bytes that arrive within a moment, and the last cookie among them.
    fn drain(&self) -> (usize, usize, Option<u64>) {
        self.socket.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
        let (mut bytes, mut seen) = ([0; 2_000], (0, 0, None));
        while let Ok(length) = self.socket.recv(&mut bytes) {
            seen = (seen.0 + 1, seen.1 + length, seen.2);
            if let Some(challenge) = self.sealer.open(&mut bytes[..length]).ok().and_then(|it| it.challenge())
            {
                seen.2 = Some(challenge.cookie);
            }
        }
        seen
    }
}

#[test]
fn what_a_stranger_sends_draws_no_more_than_it_is_long_and_a_client_draws_eight_answers() {
    let scratch = Scratch::new("drawn");
    let mut cluster = RealCluster::init(Path::new(SITE), &scratch.0, 1, false).unwrap();
    cluster.start_all().unwrap();
    let (sites, key) = (cluster.sites.clone(), cluster.client_key());
    let mut author = client(&sites, key.clone());
    for _ in 0..8 {
        author.tweet("ann".parse().unwrap(), "x".repeat(280).parse().unwrap()).unwrap();
    }
    let mut honest = Raw::new(&sites, &key);
    // A key holder that answers no challenge gets only challenges.
    let tries: Vec<Vec<u8>> = (0..20).map(|n| honest.views(n % 2, 1 + n)).collect();
    let sent = honest.send(&tries);
    let (count, drawn, cookie) = honest.drain();
    assert!(count == 20 && drawn < sent, "{drawn} bytes for {sent}");
    // A client that answers a challenge is served, eight times by one datagram.
    let cookie = cookie.unwrap();
    let recorded: Vec<Vec<u8>> = (0..20).map(|_| honest.views(cookie, 30)).collect();
    let sent = honest.send(&recorded[..1]);
    let (_, drawn, _) = honest.drain();
    let answers = drawn.div_ceil(sites.datagram_max);
    assert!(drawn > 5 * sent && answers <= 8, "{drawn} bytes for {sent}, {answers} datagrams");
    // Recordings of all that get only challenges: from elsewhere, and after a restart.
    let stranger = Raw::new(&sites, &key);
    let check = |who: &Raw| {
        let sent = who.send(&recorded);
        let (count, drawn, _) = who.drain();
        assert!(count == 20 && drawn < sent, "{count} datagrams, {drawn} bytes for {sent}");
    };
    check(&stranger);
    cluster.kill(0).unwrap();
    cluster.start(0).unwrap();
    check(&stranger);
    check(&honest);
}
