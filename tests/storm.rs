//! Whole clusters in drawn weather, with every judge watching: losses, cuts, pauses, crashes at every seam.
//!
//! Each run ends healed, and must converge and have told the truth. The rare paths must really have run.

#![expect(clippy::unwrap_used, reason = "a test: what is drawn here is valid, or the test is wrong")]

use std::collections::BTreeMap;

use aviary::ids::{ProcessId, SiteId, SiteSet};
use aviary::journal::JournalConfig;
use aviary::mix::{Seed, below, mix};
use aviary::oracle::Judges;
use aviary::process::Label;
use aviary::sim::{
    Action, Chance, ClockFault, DRIFT_MAX, DiskFault, Filter, Judge, Latency, Leaves, Observation, Rule,
    Ruling, Seam, Status, Step, Target, TraceLevel, Trigger, Violation, World, WorldSettings,
};
use aviary::site::message::Block;
use aviary::site::{Bird, Command, Config, Operation, Query};
use aviary::time::{Duration, Instant};
use aviary::timeline::{Event, Position, User, View};

/// Judges, and how often each note was made and each message sent.
#[derive(Clone)]
struct Counting {
    judges: Judges,
    counts: BTreeMap<&'static str, u64>,
}

impl Judge<Bird> for Counting {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, Bird>) -> Result<(), Violation> {
        match seen {
            Observation::Noted { note, .. } => *self.counts.entry(note.kind()).or_default() += 1,
            Observation::Sent { datagram, .. } => {
                datagram.labels.iter().for_each(|(kind, _)| *self.counts.entry(kind).or_default() += 1);
            }
            _ => {}
        }
        self.judges.observe(now, seen)
    }
}

struct Draws {
    key: u64,
    count: u64,
}

impl Draws {
    fn below(&mut self, bound: u32) -> u32 {
        self.count += 1;
        u32::try_from(below(mix(self.key, [self.count]), bound.into())).unwrap()
    }

    fn millis(&mut self, from: u32, to: u32) -> Duration {
        Duration::from_millis((from + self.below(to - from)).into())
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(u32::try_from(all.len()).unwrap()) as usize]
    }

    fn site(&mut self, sites: u8) -> SiteId {
        let all: Vec<SiteId> = SiteSet::first(sites).iter().collect();
        self.of(&all)
    }

    fn target(&mut self, sites: u8) -> Target {
        let site = Target::of(self.site(sites).into());
        self.of(&[Target::Leader, Target::Follower, site])
    }

    fn half(&mut self, sites: u8) -> SiteSet {
        SiteSet::first(sites).iter().filter(|_| self.below(2) == 0).collect()
    }

    fn operation(&mut self, number: u32) -> Operation {
        let user = self.of(&["ann", "bob", "cat"]).parse().unwrap();
        let whom = self.of(&["ann", "bob", "cat"]).parse().unwrap();
        match self.below(8) {
            0 if user != whom => Operation::Event { event: Event::block(user, whom).unwrap() },
            1 if user != whom => Operation::Event { event: Event::unblock(user, whom).unwrap() },
            2 => Operation::View { view: View { viewer: user, limit: 5, older_than: None } },
            length => {
                let text = format!("tweet {number}{}", " and so on".repeat(length as usize * 3));
                Operation::Event { event: Event::Tweet { user, text: text.parse().unwrap() } }
            }
        }
    }

    fn query(&mut self) -> Query {
        let mut user = || self.of(&["ann", "bob", "cat"]).parse::<User>().unwrap();
        let (user, whom) = (user(), user());
        let position = Position { slot: self.below(40).into(), index: self.below(3).into() };
        match self.below(6) {
            5 => Query::Fresh { view: View { viewer: user, limit: 5, older_than: None } },
            0 => Query::View { view: View { viewer: user, limit: 5, older_than: None } },
            1 => Query::View { view: View { viewer: user, limit: 3, older_than: Some(position) } },
            2 => Query::Log { from: self.of(&[Position::default(), position]) },
            3 => Query::Blocks { after: (self.below(2) == 0).then_some(Block { user, whom }) },
            _ => Query::Status,
        }
    }

    fn rule(&mut self, sites: u8) -> Rule {
        let kind = self.of(&[
            "Promise",
            "Accept",
            "Accepted",
            "Chosen",
            "Supply",
            "Forward",
            "Prepare",
            "Heartbeat",
        ]);
        let (late, apart) = (self.millis(0, 2_000), self.millis(0, 500));
        Rule {
            name: None,
            filter: Filter {
                kind: Some(kind.into()),
                from: Target::Any,
                to: Target::of(self.site(sites).into()),
                about: None,
                slots: None,
            },
            since: Instant::ZERO,
            until: None,
            skip: self.below(3).into(),
            count: Some(1 + u64::from(self.below(20))),
            ruling: self.of(&[Ruling::Drop, Ruling::Delay(late), Ruling::Duplicate { copies: 2, apart }]),
        }
    }

    fn fault(&mut self, sites: u8) -> Action<Command> {
        let who = self.target(sites);
        let leaves = self.of(&[Leaves::Torn, Leaves::Scattered, Leaves::Nothing]);
        match self.below(18) {
            0 => Action::Isolate(who),
            1 => {
                let one = self.half(sites);
                Action::Partition(vec![one, SiteSet::first(sites).minus(one)])
            }
            2 => Action::Cut { from: self.half(sites), to: self.half(sites) },
            3 => Action::Pause(who),
            4 => Action::SyncTime(who, self.millis(0, 200)),
            5 | 6 => Action::Rule(self.rule(sites)),
            7 => Action::Crash { who: Target::AllSites, at: None, leaves },
            8 => Action::Crash { who, at: None, leaves },
            9 => {
                let faults = [DiskFault::FailSync, DiskFault::FailWrite, DiskFault::Full, DiskFault::Room];
                Action::Disk(who, self.of(&faults))
            }
            10 => Action::Slow(who, self.millis(0, 10)),
            11 | 12 => {
                let by = self.millis(1, 5_000);
                let faults = [
                    ClockFault::Ahead(by),
                    ClockFault::Behind(by),
                    ClockFault::Fast(DRIFT_MAX),
                    ClockFault::Slow(DRIFT_MAX),
                ];
                Action::Clock(who, self.of(&faults))
            }
            _ => {
                let seams = [Seam::BeforeSync, Seam::AfterSync, Seam::BetweenSends, Seam::BetweenRecipients];
                Action::Crash { who, at: Some(self.of(&seams)), leaves }
            }
        }
    }
}

fn settings(seed: u64) -> WorldSettings<Bird> {
    let mut draws = Draws { key: Seed(seed).key(77), count: 0 };
    let sites = draws.of(&[3, 3, 3, 3, 5, 5, 4, 2, 1, 6, 7, 8, 9]);
    let mut config = Config::new(sites);
    // In some storms everybody wants something at once, and the leader is cut off in the middle of it.
    let rush = draws.below(3) == 0;
    if draws.below(3) == 0 {
        config.datagram_max = 1_024;
        config.window = (1 + draws.below(4)).into();
        config.batch = 1 + draws.below(2) as usize;
        config.fetch_max = (1 + draws.below(3)).into();
        config.forward_max = 1 + draws.below(3) as usize;
        config.sessions_max = 2 + draws.below(3) as usize;
        config.queue_max = 2;
        if rush {
            (config.window, config.queue_max, config.forward_max) = (16, 20, 8);
        }
    }
    let step = |trigger, action| Step { trigger, action, is_optional: true };
    let mut tracks = Vec::new();
    for number in 0..52 {
        let to = match draws.below(2) {
            0 => ProcessId::Terminal(draws.site(sites)),
            _ => ProcessId::Client(draws.of(&[0, 1, 2])),
        };
        let at = match rush {
            true => Instant::ZERO + draws.millis(3_000, 3_400),
            false => Instant::ZERO + draws.millis(0, 8_000),
        };
        let command = match draws.below(4) {
            0 => Command::Tell(draws.query()),
            _ => Command::Do(draws.operation(number)),
        };
        tracks.push(vec![step(Trigger::At(at), Action::Command(to, command))]);
    }
    if rush {
        let at = Instant::ZERO + draws.millis(3_020, 3_400);
        let mend = step(Trigger::After(draws.millis(500, 2_500)), Action::Heal);
        tracks.push(vec![step(Trigger::At(at), Action::Isolate(Target::Leader)), mend]);
    }
    for _ in 0..draws.below(7) {
        let at = Instant::ZERO + draws.millis(500, 6_500);
        let fault = draws.fault(sites);
        let mend = match fault {
            Action::Crash { .. } => Action::Restart(Target::AllSites),
            Action::Pause(_) => Action::Resume(Target::AllSites),
            _ => Action::Heal,
        };
        let wait = draws.millis(50, 2_500);
        tracks.push(vec![step(Trigger::At(at), fault), step(Trigger::After(wait), mend)]);
    }
    // Everybody is mended before the end phase, since this test judges every site and not only a core.
    tracks.push(vec![step(Trigger::At(second(11)), Action::Heal)]);
    let mut world: WorldSettings<Bird> = WorldSettings::calm(Seed(seed), sites, config);
    world.clients = 3;
    world.datagram_max = world.config.datagram_max;
    world.journal = JournalConfig { segment_bytes: 64 << 10, record_max: world.config.record_bytes_max() };
    let (some, more) = (draws.millis(1, 40), draws.millis(1, 60));
    world.network.latency = match draws.below(3) {
        0 => Latency::Constant(some),
        1 => Latency::Uniform(Duration::from_millis(1), Duration::from_millis(1) + more),
        _ => Latency::Exponential { min: Duration::from_millis(1), mean: some },
    };
    world.network.loss = Chance { numerator: draws.below(30) * draws.below(2), denominator: 100 };
    world.network.duplication = Chance { numerator: draws.below(20), denominator: 100 };
    world.tracks = tracks;
    world
}

type Storm = World<Bird, Counting>;

fn is_calm(world: &Storm) -> Result<(), String> {
    let up = world.sites().iter().filter(|site| world.status((*site).into()) == Some(Status::Up));
    let core: Vec<_> = up.filter_map(|site| world.process(site.into())?.as_site()).collect();
    let first = core[0].status();
    for site in &core {
        let status = site.status();
        if (status.applied, status.chosen, status.queue) != (first.applied, first.chosen, 0) {
            return Err(format!("{status:?} and {first:?}"));
        }
        assert!(site.replica() == core[0].replica(), "{} and {} differ", status.site, first.site);
    }
    // A crash armed at a seam may come after the mending; a terminal waits for its site in vain then.
    let has_a_site = |id: &ProcessId| match *id {
        ProcessId::Terminal(site) => world.status(site.into()) == Some(Status::Up),
        ProcessId::Site(_) | ProcessId::Client(_) => true,
    };
    let mut clients = world.processes().filter(has_a_site);
    let is_busy =
        |id: &ProcessId| world.process(*id).and_then(Bird::as_client).is_some_and(|client| !client.is_idle());
    clients.find(is_busy).map_or(Ok(()), |id| Err(format!("{id} waits")))
}

fn tail(world: &Storm) -> String {
    let trace = world.trace().render();
    let lines: Vec<&str> =
        trace.lines().filter(|line| !line.contains("Hear") && !line.contains("...")).collect();
    lines[lines.len().saturating_sub(80)..].join("\n")
}

fn second(number: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(number)
}

fn run(seed: u64) -> BTreeMap<&'static str, u64> {
    let mut world = world_of(settings(seed));
    let until = |world: &mut Storm, moment| {
        if let Err(violation) = world.run_until(moment) {
            panic!("seed {seed}: {violation}\n{}", tail(world));
        }
    };
    until(&mut world, second(12));
    world.heal_core();
    let mut calm = Ok(());
    for moment in 13..60 {
        until(&mut world, second(moment));
        calm = is_calm(&world);
        if calm.is_ok() {
            break;
        }
    }
    calm.unwrap_or_else(|why| panic!("seed {seed} does not converge: {why}\n{}", tail(&world)));
    for site in world.sites().iter() {
        let Some(state) = world.process(site.into()).and_then(Bird::as_site) else { continue };
        let log = state.log().chosen_from(aviary::paxos::Slot(0));
        let (timeline, applied) = (state.timeline(), state.status().applied);
        let judges = &world.judge().judges;
        let verdict = judges.check_site(site, applied, timeline.tweets(), timeline.blocks(), log);
        verdict.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
    world.judge().counts.clone()
}

fn world_of(settings: WorldSettings<Bird>) -> Storm {
    let judges = Judges::new(settings.sites, settings.config.sessions_max);
    World::new(settings, Counting { judges, counts: BTreeMap::new() }).unwrap()
}

/// The whole service with its judges, not a toy: a clone taken in the middle of a storm, and a run of which nothing
/// is traced, come to the same fingerprint, the same counts and the same logs.
#[test]
fn a_clone_and_an_untraced_run_of_a_storm_are_the_same_run() {
    for seed in 0..20 {
        let mut original = world_of(settings(seed));
        original.run_until(second(4)).unwrap();
        let mut clone = original.clone();
        let mut untraced = settings(seed);
        untraced.trace.level = TraceLevel::Off;
        let mut untraced = world_of(untraced);
        for world in [&mut clone, &mut original, &mut untraced] {
            world.run_until(second(12)).unwrap();
        }
        for twin in [&clone, &untraced] {
            assert_eq!(
                (twin.fingerprint(), twin.events()),
                (original.fingerprint(), original.events()),
                "seed {seed}"
            );
            assert_eq!(twin.judge().counts, original.judge().counts, "seed {seed}");
        }
        assert!(clone.trace().render() == original.trace().render(), "seed {seed}");
    }
}

/// What must have happened in a batch of storms, so that a calm one does not pass for a hard one.
const RARE: [&str; 16] = [
    "campaigns",
    "caught up",
    "deposed",
    "evicted",
    "expired",
    "fetches",
    "found busy",
    "lost quorum",
    "nacks",
    "refused",
    "repeated",
    "reproposes",
    "resubmits",
    "retries",
    "splits promise",
    "told",
];

/// `AVIARY_STORMS` says how many seeds, `AVIARY_STORM` which is the first; a failure names its own.
#[test]
#[expect(clippy::disallowed_methods, reason = "how many seeds is the caller's choice; a seed's run is not")]
fn sites_agree_and_keep_their_word_in_any_weather() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, seeds) = (number("AVIARY_STORM").unwrap_or(0), number("AVIARY_STORMS").unwrap_or(1_200));
    let mut counts = BTreeMap::<&str, u64>::new();
    for seed in first..first + seeds {
        for (kind, count) in run(seed) {
            *counts.entry(kind).or_default() += count;
        }
    }
    let missing: Vec<_> = RARE.iter().filter(|kind| !counts.contains_key(*kind)).collect();
    assert!(seeds < 1_200 || missing.is_empty(), "never happened in {seeds} storms: {missing:?}");
}
