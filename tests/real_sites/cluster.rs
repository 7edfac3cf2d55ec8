//! Five real sites, concurrent clients and the simulator's rules between them. Sites are killed and restarted, and the
//! simulator's judges check what clients saw and what the disks hold.

use std::path::{Path, PathBuf};
use std::time::Duration;

use aviary::ids::{ProcessId, SiteId};
use aviary::mix::Seed;
use aviary::sim::{Chance, Filter, LateCopy, LinkLatency, LinkRule, NetworkSettings, Ruling, Slots, Target};
use aviary::tweets::client::{Client, ClientOptions};
use aviary::tweets::judges::outside::{ClientEvent, FinalJournal};
use aviary::tweets::site::{Note, Operation, Record};
use aviary::tweets::timeline::{Event, Position, TimelineOutcome};
use sim_runner::proxy::{Proxy, calm};
use sim_runner::tweets::real::history::CallLogLine;
use sim_runner::tweets::real::judged::{self, Wrong, check_logs, converge};
use sim_runner::tweets::real::{ClientLoad, LoadSettings, RealCluster};

use crate::{SITE, pause};

/// A folder that is removed when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("aviary-cluster-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn cluster(scratch: &Scratch) -> (RealCluster, Proxy) {
    let program = Path::new(SITE);
    let mut cluster = RealCluster::init(program, &scratch.0, 5, true).unwrap();
    let proxy = cluster.proxy(Seed(7)).unwrap();
    cluster.start_all().unwrap();
    (cluster, proxy)
}

fn load(cluster: &RealCluster, seed: u64) -> ClientLoad {
    let settings = LoadSettings {
        threads: 2,
        clients: 4,
        pace: aviary::time::Duration::from_millis(20),
        patience: aviary::time::Duration::from_millis(1_500),
        seed: Seed(seed),
    };
    ClientLoad::start(&cluster.sites, &cluster.client_keys(), &settings, || Ok(())).unwrap()
}

/// The material to judge.
struct Ended {
    cluster: RealCluster,
    history: Vec<CallLogLine>,
    disks: Vec<FinalJournal>,
    /// The log as each site reports it.
    logs: Vec<(SiteId, Vec<String>)>,
}

/// Everything has healed: waits for convergence, compares the logs that sites report, kills them, and returns the
/// material to judge.
fn end(mut cluster: RealCluster, load: ClientLoad) -> Ended {
    let history = load.stop().unwrap();
    converge(&cluster.sites, &cluster.client_key(), Duration::from_secs(15)).unwrap();
    let log = |site: u8| {
        let site = SiteId::new(site).unwrap();
        let options = ClientOptions { site: Some(site), ..ClientOptions::default() };
        let mut client = Client::start(&cluster.sites, cluster.client_key(), &options).unwrap();
        let lines = client.log(Position::default()).unwrap();
        (site, lines.iter().map(|line| format!("{} {}", line.position, line.request)).collect())
    };
    let logs: Vec<(SiteId, Vec<String>)> = (0..5).map(log).collect();
    check_logs(&logs).unwrap();
    cluster.kill_all().unwrap();
    let disks = (0..5).map(|site| cluster.disk(site).unwrap()).collect();
    Ended { cluster, history: history.take(), disks, logs }
}

fn rule(
    name: &str,
    kind: Option<&str>,
    (from, to): (Target, Target),
    proxy: &Proxy,
    ruling: Ruling,
) -> LinkRule {
    let filter = Filter { kind: kind.map(Into::into), from, to, about: None, slots: None };
    let since = proxy.now();
    LinkRule { name: Some(name.into()), filter, since, until: None, skip: 0, count: None, ruling }
}

fn leader(proxy: &Proxy) -> usize {
    for _ in 0..100 {
        if let Some(site) = proxy.last_sender_of("Heartbeat").and_then(ProcessId::as_site) {
            return site.index();
        }
        pause(50);
    }
    panic!("nobody leads for 5 s");
}

/// Each judge can fail: the accepted material is falsified, a bit at a time.
fn check_that_lies_are_caught(cluster: &RealCluster, history: &[CallLogLine], disks: &[FinalJournal]) {
    let objects = |history: &[CallLogLine], disks: &[FinalJournal], properties: &[&str]| match judged::judge(
        &cluster.sites,
        history,
        disks,
    ) {
        Err(Wrong::Judge(violation)) => {
            assert!(properties.contains(&violation.property), "{violation}");
        }
        other => panic!("expected one of {properties:?} to object: {other:?}"),
    };
    let done = |line: &CallLogLine| match &line.2 {
        ClientEvent::Noted(Note::Done(at, Operation::Event { event: Event::Tweet { .. } }, _)) => Some(*at),
        _ => None,
    };
    let at = history.iter().filter_map(done).nth(20).unwrap();
    let holds = |record: &Record| match record {
        Record::Paxos { record } => match record {
            aviary::replicated::paxos::PaxosRecord::Accepted { slot, .. }
            | aviary::replicated::paxos::PaxosRecord::Learned { slot, .. } => slot.0 == at.slot,
            aviary::replicated::paxos::PaxosRecord::Promised(_)
            | aviary::replicated::paxos::PaxosRecord::Chosen(_)
            | aviary::replicated::paxos::PaxosRecord::Begins(_) => false,
        },
        Record::Taken { .. } => false,
    };
    // An acknowledged tweet is lost from all disks.
    let mut lost = disks.to_vec();
    lost.iter_mut().for_each(|disk| disk.records.retain(|record| !holds(record)));
    objects(history, &lost, &["agreement"]);
    // Only one site's disk forgets it, but still claims to know everything up to its last mark.
    let mut forgets = disks.to_vec();
    let marked = |disk: &FinalJournal| {
        let is_mark = |record: &Record| matches!(record, Record::Paxos { record: aviary::replicated::paxos::PaxosRecord::Chosen(end) } if end.0 > at.slot);
        disk.records.iter().any(is_mark)
    };
    let one = forgets.iter_mut().find(|disk| marked(disk)).unwrap();
    one.records.retain(|record| !holds(record));
    objects(history, &forgets, &["agreement"]);
    // A tweet is reported as done twice.
    let mut doubled = history.to_vec();
    let line = doubled.iter().position(|line| done(line).is_some()).unwrap();
    doubled.insert(line + 1, doubled[line].clone());
    objects(&doubled, disks, &["linearizable"]);
    // A view shows less than was acknowledged before.
    let mut stale = history.to_vec();
    let mut is_found = false;
    for line in &mut stale {
        if let ClientEvent::Received(
            _,
            aviary::tweets::site::Message::Applied {
                answer: aviary::tweets::site::Answer::Of(TimelineOutcome::Viewed { page }),
                ..
            },
        ) = &mut line.2
            && page.tweets.len() == 4
        {
            page.tweets.remove(0);
            is_found = true;
            break;
        }
    }
    assert!(is_found, "some view shows four tweets");
    objects(&stale, disks, &["timelines"]);
}

#[test]
fn killed_sites_lose_nothing_and_both_worlds_judges_agree() {
    let scratch = Scratch::new("kills");
    let (mut cluster, proxy) = cluster(&scratch);
    let load = load(&cluster, 1);
    pause(1_500);
    for round in 0..3 {
        let leader = leader(&proxy);
        let follower = (leader + 1 + round) % 5;
        cluster.kill(leader).unwrap();
        if follower != leader {
            cluster.kill(follower).unwrap();
        }
        pause(1_200);
        cluster.start_all().unwrap();
        pause(600);
    }
    // Kills all sites at once.
    cluster.kill_all().unwrap();
    cluster.start_all().unwrap();
    pause(1_000);
    cluster.check_running().unwrap();
    let Ended { cluster, history, disks, mut logs } = end(cluster, load);
    let judged = judged::judge(&cluster.sites, &history, &disks).unwrap();
    println!("{judged:?}");
    assert!(judged.acknowledged > 50, "{judged:?}");
    assert_eq!((judged.lost, judged.doubled, judged.unjudged.len()), (0, 0, 0), "{judged:?}");
    assert!(judged.starts >= 5 + 5 + 6, "every kill was one: {judged:?}");
    check_that_lies_are_caught(&cluster, &history, &disks);
    // One line of one site's log is removed.
    logs[3].1.remove(10);
    assert!(check_logs(&logs).unwrap_err().explanation.contains("S3"), "a log that lacks a line is seen");
}

#[test]
fn the_simulators_rules_between_real_sites_are_survived_and_counted() {
    let scratch = Scratch::new("rules");
    let (mut cluster, proxy) = cluster(&scratch);
    let load = load(&cluster, 2);
    pause(1_000);
    let percent = |numerator| Chance { numerator, denominator: 100 };
    proxy.set_network(NetworkSettings {
        latency: LinkLatency::Uniform(
            aviary::time::Duration::from_micros(200),
            aviary::time::Duration::from_millis(8),
        ),
        loss: percent(5),
        duplication: percent(10),
        corruption: percent(3),
        truncation: percent(3),
        misdelivery: percent(2),
        late_copies: LateCopy { chance: percent(3), after: aviary::time::Duration::from_millis(300) },
        ..calm()
    });
    pause(2_500);
    proxy.set_network(calm());
    // Votes for every fifth slot are lost, and a follower's promises arrive late.
    let mut votes = rule("lost votes", Some("Accepted"), (Target::Any, Target::Any), &proxy, Ruling::Drop);
    votes.filter.slots = Some(Slots { of: 5, rest: 2 });
    votes.count = Some(40);
    proxy.add(votes).unwrap();
    let late = Ruling::Delay(aviary::time::Duration::from_millis(80));
    proxy.add(rule("late promises", Some("Promise"), (Target::Any, Target::Any), &proxy, late)).unwrap();
    // The leader hears no other site, but is heard: only one direction is cut.
    let deaf = leader(&proxy);
    let target = Target::of(ProcessId::Site(SiteId::new(u8::try_from(deaf).unwrap()).unwrap()));
    for other in (0..5u8).filter(|other| usize::from(*other) != deaf) {
        let from = Target::of(ProcessId::site(other));
        proxy.add(rule("one way", None, (from, target), &proxy, Ruling::Drop)).unwrap();
    }
    pause(2_500);
    proxy.heal();
    pause(500);
    cluster.check_running().unwrap();
    let touched = proxy.touched();
    println!("{touched:?} {:?}", proxy.counts());
    for fault in [
        "loss",
        "duplication",
        "corruption",
        "truncation",
        "misdelivery",
        "late copy",
        "latency",
        "lost votes",
        "late promises",
        "one way",
    ] {
        assert!(touched.get(fault).is_some_and(|count| *count > 0), "{fault} touched nothing: {touched:?}");
    }
    let Ended { cluster, history, disks, .. } = end(cluster, load);
    let judged = judged::judge(&cluster.sites, &history, &disks).unwrap();
    println!("{judged:?}");
    assert!(judged.acknowledged > 50, "{judged:?}");
    assert_eq!((judged.lost, judged.doubled, judged.unjudged.len()), (0, 0, 0), "{judged:?}");
}
