//! Which kinds of faults there are, and the twin of each.
//!
//! No match here has a catch-all arm, and no field is left out by `..`: a new kind does not compile until it has a
//! name here, and its name is that of the function that runs its twins. The same tables tell by what two scenarios
//! differ, so a twin cannot be about another kind than its name says.

use std::collections::BTreeSet;

use aviary::journal::JournalConfig;
use aviary::outbox::SyncMode;
use aviary::scenario::Scenario;
use aviary::scenario::form::{Bandwidth, Bursts, Disk, DiskMode, Latency, Network, Reordering, Replay};
use aviary::scenario::step::{
    ClockWord, Crash, DiskWord, Event, Fault, Manner, Rule, Then, Traffic, When, Who,
};
use aviary::service::{Expectation, Timelines};
use aviary::sim::{
    self, Action, ClockFault, DiskFault, DiskSettings, Leaves, Ruling, Seam, Target, Trigger, WorldSettings,
};
use aviary::site::{Bird, Overrides};

use crate::pair::{Pair, extra_step};
use crate::{clocks, crashes, disk, links, lives, network, rough, rules, settings, targets, triggers, world};

/// A kind of fault and what checks its twins.
#[derive(Clone, Copy)]
pub struct Twin {
    pub name: &'static str,
    pub check: fn(&Pair),
}

/// What is no fault: nothing is to be seen of it but what it says.
const NO_FAULT: &str = "no fault";

/// A function from the variants of an enum to the names of their twins, and the list of these twins.
macro_rules! kinds {
    ($list:ident: fn $name:ident(&$type:ty) {
        $($pattern:pat => $twin:path,)+
    } $(no fault { $other:pat })?) => {
        fn $name(value: &$type) -> &'static str {
            match value {
                $($pattern => stringify!($twin),)+
                $($other => NO_FAULT,)?
            }
        }

        const $list: &[Twin] = &[$(Twin { name: stringify!($twin), check: $twin },)+];
    };
}

/// A function that names the twins of the fields in which two values differ, and the list of these twins.
macro_rules! fields {
    ($list:ident: fn $name:ident(&$type:ident) {
        $($field:ident => $twin:path,)*
    } $(elsewhere or no fault { $($other:ident),+ })?) => {
        fn $name(with: &$type, without: &$type) -> Vec<&'static str> {
            let $type { $($field,)* $($($other: _,)+)? } = with;
            let mut kinds = Vec::new();
            $(if *$field != without.$field {
                kinds.push(stringify!($twin));
            })*
            kinds
        }

        const $list: &[Twin] = &[$(Twin { name: stringify!($twin), check: $twin },)*];
    };
}

kinds!(STEPS: fn of_fault(&Fault<Expectation>) {
    Fault::Crash(Crash { who: _, at: None, leaves: Leaves::Nothing }) => crashes::at_once,
    Fault::Crash(Crash { who: _, at: Some(Manner::BeforeSync), leaves: Leaves::Nothing }) => crashes::before_sync,
    Fault::Crash(Crash { who: _, at: Some(Manner::AfterSync), leaves: Leaves::Nothing }) => crashes::after_sync,
    Fault::Crash(Crash { who: _, at: Some(Manner::BetweenSends), leaves: Leaves::Nothing }) => crashes::between_sends,
    Fault::Crash(Crash { who: _, at: Some(Manner::BetweenRecipients), leaves: Leaves::Nothing })
        => crashes::between_recipients,
    Fault::Crash(Crash { who: _, at: Some(Manner::DuringRecovery), leaves: Leaves::Nothing })
        => crashes::during_recovery,
    // At whichever seam: what is torn is the last write.
    Fault::Crash(Crash { who: _, at: Some(Manner::Torn), leaves: Leaves::Nothing }
        | Crash { who: _, at: _, leaves: Leaves::Torn }) => crashes::torn,
    Fault::Crash(Crash { who: _, at: Some(Manner::Scattered), leaves: Leaves::Nothing }
        | Crash { who: _, at: _, leaves: Leaves::Scattered }) => crashes::scattered,
    Fault::Restart(_) => lives::restart,
    Fault::Pause(_) => lives::pause,
    Fault::Resume(_) => lives::resume,
    Fault::Isolate(_) => links::isolate,
    Fault::Partition(_) => links::partition,
    Fault::Cut { from: _, to: _ } => links::cut,
    Fault::Mend(..) => links::mend,
    Fault::Clog { from: _, to: _ } => links::clog,
    Fault::Unclog { from: _, to: _ } => links::unclog,
    Fault::Replay(_) => rules::replay,
    Fault::Rule(Rule { then: Then::Corrupt, .. }) => rules::corrupt,
    Fault::Rule(Rule { then: Then::Truncate, .. }) => rules::truncate,
    Fault::Rule(Rule { then: Then::Misdeliver(_), .. }) => rules::misdeliver,
    Fault::Rule(Rule { then: Then::Keep, .. }) => rules::keep,
    Fault::Rule(Rule { then: Then::Drop, .. }) => rules::drop,
    Fault::Rule(Rule { then: Then::Delay(_), .. }) => rules::delay,
    Fault::Rule(Rule { then: Then::Duplicate { .. }, .. }) => rules::duplicate,
    Fault::SyncTime(..) => disk::sync_time,
    Fault::Disk(_, DiskWord::FailSync) => disk::fail_sync,
    Fault::Disk(_, DiskWord::FailWrite) => disk::fail_write,
    Fault::Disk(_, DiskWord::Full) => disk::full,
    Fault::Disk(_, DiskWord::Room) => disk::room,
    Fault::Disk(_, DiskWord::Rot) => disk::rot,
    Fault::Disk(_, DiskWord::Misdirect) => disk::misdirect,
    Fault::Disk(_, DiskWord::LoseFile) => disk::lose_file,
    Fault::Disk(_, DiskWord::Save) => disk::save,
    Fault::Disk(_, DiskWord::Restore) => disk::restore,
    Fault::Wipe(_) => disk::wipe,
    Fault::Slow(..) => lives::slow,
    Fault::Clock(_, ClockWord::Ahead(_)) => clocks::ahead,
    Fault::Clock(_, ClockWord::Behind(_)) => clocks::behind,
    Fault::Clock(_, ClockWord::Fast(_)) => clocks::fast,
    Fault::Clock(_, ClockWord::Slow(_)) => clocks::slow,
    Fault::Heal => lives::heal,
} no fault { Fault::Expect(_) });

type Command = <Bird as aviary::process::Process>::Command;

kinds!(ACTIONS: fn of_action(&Action<Command>) {
    Action::Crash { who: _, at: None, leaves: Leaves::Nothing } => crashes::at_once,
    Action::Crash { who: _, at: Some(Seam::BeforeSync), leaves: Leaves::Nothing } => crashes::before_sync,
    Action::Crash { who: _, at: Some(Seam::AfterSync), leaves: Leaves::Nothing } => crashes::after_sync,
    Action::Crash { who: _, at: Some(Seam::BetweenSends), leaves: Leaves::Nothing } => crashes::between_sends,
    Action::Crash { who: _, at: Some(Seam::BetweenRecipients), leaves: Leaves::Nothing } => crashes::between_recipients,
    Action::Crash { who: _, at: Some(Seam::DuringRecovery), leaves: Leaves::Nothing } => crashes::during_recovery,
    Action::Crash { who: _, at: _, leaves: Leaves::Torn } => crashes::torn,
    Action::Crash { who: _, at: _, leaves: Leaves::Scattered } => crashes::scattered,
    Action::Restart(_) => lives::restart,
    Action::Pause(_) => lives::pause,
    Action::Resume(_) => lives::resume,
    Action::Isolate(_) => links::isolate,
    Action::Partition(_) => links::partition,
    Action::Cut { from: _, to: _ } => links::cut,
    Action::Mend(..) => links::mend,
    Action::Clog { from: _, to: _ } => links::clog,
    Action::Unclog { from: _, to: _ } => links::unclog,
    Action::Replay(_) => rules::replay,
    Action::Rule(sim::Rule { ruling: Ruling::Corrupt, .. }) => rules::corrupt,
    Action::Rule(sim::Rule { ruling: Ruling::Truncate, .. }) => rules::truncate,
    Action::Rule(sim::Rule { ruling: Ruling::Misdeliver(_), .. }) => rules::misdeliver,
    Action::Rule(sim::Rule { ruling: Ruling::Keep, .. }) => rules::keep,
    Action::Rule(sim::Rule { ruling: Ruling::Drop, .. }) => rules::drop,
    Action::Rule(sim::Rule { ruling: Ruling::Delay(_), .. }) => rules::delay,
    Action::Rule(sim::Rule { ruling: Ruling::Duplicate { copies: _, apart: _ }, .. }) => rules::duplicate,
    Action::SyncTime(..) => disk::sync_time,
    Action::Disk(_, DiskFault::FailSync) => disk::fail_sync,
    Action::Disk(_, DiskFault::FailWrite) => disk::fail_write,
    Action::Disk(_, DiskFault::Full) => disk::full,
    Action::Disk(_, DiskFault::Room) => disk::room,
    Action::Disk(_, DiskFault::Rot) => disk::rot,
    Action::Disk(_, DiskFault::Misdirect) => disk::misdirect,
    Action::Disk(_, DiskFault::LoseFile) => disk::lose_file,
    Action::Disk(_, DiskFault::Save) => disk::save,
    Action::Disk(_, DiskFault::Restore) => disk::restore,
    Action::Wipe(_) => disk::wipe,
    Action::Slow(..) => lives::slow,
    Action::Clock(_, ClockFault::Ahead(_)) => clocks::ahead,
    Action::Clock(_, ClockFault::Behind(_)) => clocks::behind,
    Action::Clock(_, ClockFault::Fast(_)) => clocks::fast,
    Action::Clock(_, ClockFault::Slow(_)) => clocks::slow,
    Action::Heal => lives::heal,
} no fault { Action::Command(..) | Action::Check(_) });

kinds!(TARGETS: fn of_target(&Who) {
    Who::Any => targets::anybody,
    Who::Site(_) => targets::one_site,
    Who::Terminal(_) => targets::one_terminal,
    Who::Client(_) => targets::one_client,
    Who::Leader => targets::leader,
    Who::Follower => targets::follower,
    Who::Candidate => targets::candidate,
    Who::Laggard => targets::laggard,
    Who::Sender => targets::sender,
    Who::Recipient => targets::recipient,
    Who::Machine(_) => targets::machine,
    Who::AllSites => targets::all_sites,
});

kinds!(SIMULATED_TARGETS: fn of_simulated_target(&Target) {
    Target::Any => targets::anybody,
    Target::Process(aviary::ids::ProcessId::Site(_)) => targets::one_site,
    Target::Process(aviary::ids::ProcessId::Terminal(_)) => targets::one_terminal,
    Target::Process(aviary::ids::ProcessId::Client(_)) => targets::one_client,
    Target::Leader => targets::leader,
    Target::Follower => targets::follower,
    Target::Candidate => targets::candidate,
    Target::Laggard => targets::laggard,
    Target::Sender => targets::sender,
    Target::Recipient => targets::recipient,
    Target::Machine(_) => targets::machine,
    Target::AllSites => targets::all_sites,
});

kinds!(TRIGGERS: fn of_trigger(&When) {
    When::At(_) => triggers::at,
    When::After(_) => triggers::after,
    When::On(Event::Leads(_)) => triggers::leads,
    When::On(Event::Sent(_)) => triggers::sent,
    When::On(Event::Delivered(_)) => triggers::delivered,
    When::On(Event::Noted { kind: _, who: _, about: _, slot: _ }) => triggers::noted,
    When::On(Event::Crashed(_)) => triggers::crashed,
    When::On(Event::Restarted(_)) => triggers::restarted,
});

kinds!(SIMULATED_TRIGGERS: fn of_simulated_trigger(&Trigger) {
    Trigger::At(_) => triggers::at,
    Trigger::After(_) => triggers::after,
    Trigger::Leads(_) => triggers::leads,
    Trigger::Sent(..) => triggers::sent,
    Trigger::Delivered(..) => triggers::delivered,
    Trigger::Noted { who: _, kind: _, about: _ } => triggers::noted,
    Trigger::Crashed(_) => triggers::crashed,
    Trigger::Restarted(_) => triggers::restarted,
});

fields!(TRAFFIC: fn of_traffic(&Traffic) {
    kind => triggers::kind,
    from => triggers::from,
    to => triggers::to,
    about => triggers::about,
    slot => triggers::slot,
    nth => triggers::nth,
});

kinds!(LATENCIES: fn of_latency(&Latency) {
    Latency::Constant(_) => network::constant,
    Latency::Uniform(..) => network::uniform,
    Latency::Exponential { min: _, mean: _ } => network::exponential,
    Latency::Table(_) => network::table,
    Latency::Regions { within: _, between: _, of: _ } => network::regions,
});

kinds!(SIMULATED_LATENCIES: fn of_simulated_latency(&sim::Latency) {
    sim::Latency::Constant(_) => network::constant,
    sim::Latency::Uniform(..) => network::uniform,
    sim::Latency::Exponential { min: _, mean: _ } => network::exponential,
    // Regions are a table to the simulator.
    sim::Latency::Table(_) => network::table,
});

kinds!(DISK_MODES: fn of_disk_mode(&DiskMode) {
    DiskMode::Overlapped => disk::overlapped,
    DiskMode::Blocking => disk::blocking,
});

kinds!(SYNC_MODES: fn of_sync_mode(&SyncMode) {
    SyncMode::Overlapped => disk::overlapped,
    SyncMode::Blocking => disk::blocking,
});

fields!(RULES: fn of_rules(&Rule) {
    name => rules::name,
    kind => rules::kind,
    from => rules::from,
    to => rules::to,
    about => rules::about,
    slot => rules::slot,
    slots => rules::slots,
    since => rules::since,
    until => rules::until,
    skip => rules::skip,
    count => rules::count,
} elsewhere or no fault { then });

fields!(NETWORK: fn of_network(&Network) {
    loss => network::loss,
    duplication => network::duplication,
    corruption => rough::corruption,
    truncation => rough::truncation,
    misdelivery => rough::misdelivery,
    bandwidth => rough::bandwidth,
} elsewhere or no fault { latency, reordering, bursts, replay });

fields!(BURSTS: fn of_bursts(&Bursts) {
    chance => rough::bursts,
    length => rough::bursts_length,
    loss => rough::bursts_loss,
});

fields!(REPLAY: fn of_replay(&Replay) {
    chance => rough::replay,
    after => rough::replay_after,
});

fields!(BANDWIDTH: fn of_bandwidth(&Bandwidth) {
    rate => rough::bandwidth_rate,
    queue => rough::bandwidth_queue,
});

fields!(REORDERING: fn of_reordering(&Reordering) {
    chance => network::reordering,
    by => network::reordering_by,
});

fields!(DISK: fn of_disk(&Disk) {
    sync => disk::sync,
    file_bytes => disk::file_bytes,
} elsewhere or no fault { mode });

fields!(SETTINGS: fn of_settings(&Overrides) {
    datagram_max => settings::datagram_max,
    heartbeat => settings::heartbeat,
    election => settings::election,
    election_jitter => settings::election_jitter,
    retry => settings::retry,
    window => settings::window,
    batch => settings::batch,
    fetch_max => settings::fetch_max,
    queue_max => settings::queue_max,
    forward_max => settings::forward_max,
    sessions_max => settings::sessions_max,
    parked_max => settings::parked_max,
    parked_for => settings::parked_for,
    reads_max => settings::reads_max,
    taken_after => settings::taken_after,
    propose_after => settings::propose_after,
    chosen_after => settings::chosen_after,
    client_retry => settings::client_retry,
    session_idle => settings::session_idle,
    client_queue_max => settings::client_queue_max,
});

type Shape = Scenario<Timelines>;

fields!(SCENARIO: fn of_shape(&Shape) {
    seed => world::seed,
    machines => targets::machines,
} elsewhere or no fault { about, sites, clients, network, disk, budget, settings, limit, rules, steps, also, expect });

type Made = WorldSettings<Bird>;

fields!(WORLD: fn of_world(&Made) {
    outbox_max => world::outbox_max,
    inbox_max => world::inbox_max,
    clog_max => world::clog_max,
    datagram_max => world::datagram_max,
    // Datagrams and journals of one cluster all bear the same number: nothing in the world differs by it. The size of the
    // core is no fault: it says how far faults stop. Nor is who may stop by itself: it says what is no violation.
} elsewhere or no fault { seed, sites, clients, cluster, core_size, may_stop, config, network, disk, journal, machines, trace, tracks });

fields!(SIMULATED_DISK: fn of_simulated_disk(&DiskSettings) {
    capacity => world::capacity,
} elsewhere or no fault { sync_time, sync_mode });

fields!(JOURNAL: fn of_journal(&JournalConfig) {
    segment_bytes => world::segment_bytes,
    record_max => world::record_max,
});

/// A rule that stands in the file and is there from the start.
const FIRST_RULES: &[Twin] = &[Twin { name: "rules::from_the_start", check: rules::from_the_start }];

/// Every twin; those of several names more than once.
pub fn all() -> impl Iterator<Item = Twin> {
    let lists = [
        STEPS,
        ACTIONS,
        TARGETS,
        SIMULATED_TARGETS,
        TRIGGERS,
        SIMULATED_TRIGGERS,
        TRAFFIC,
        LATENCIES,
        SIMULATED_LATENCIES,
        DISK_MODES,
        SYNC_MODES,
        RULES,
        FIRST_RULES,
        NETWORK,
        REORDERING,
        BURSTS,
        REPLAY,
        BANDWIDTH,
        DISK,
        SETTINGS,
        SCENARIO,
        WORLD,
        SIMULATED_DISK,
        JOURNAL,
    ];
    lists.into_iter().flatten().copied()
}

/// The kinds of faults by which the runs differ.
pub fn differences(with: &Shape, without: &Shape, faulty: &Made, fine: &Made) -> BTreeSet<&'static str> {
    assert!(with.steps == without.steps, "the fault stands under `also`");
    assert_eq!((with.sites, with.clients), (without.sites, without.clients), "both are the same cluster");
    let mut kinds = BTreeSet::from_iter(of_shape(with, without));
    kinds.extend(of_network(&with.network, &without.network));
    kinds.extend(of_reordering(&with.network.reordering, &without.network.reordering));
    kinds.extend(of_bursts(&with.network.bursts, &without.network.bursts));
    kinds.extend(of_replay(&with.network.replay, &without.network.replay));
    if let (Some(one), Some(other)) = (&with.network.bandwidth, &without.network.bandwidth) {
        kinds.extend(of_bandwidth(one, other));
    }
    if with.network.latency != without.network.latency {
        let (latency, simulated) = (of_latency(&with.network.latency), &faulty.network.latency);
        let is_same = latency == of_simulated_latency(simulated);
        assert!(is_same || latency == stringify!(network::regions), "{latency} is planned as {simulated:?}");
        kinds.insert(latency);
    }
    kinds.extend(of_disk(&with.disk, &without.disk));
    if with.disk.mode != without.disk.mode {
        let mode = of_disk_mode(&with.disk.mode);
        assert_eq!(mode, of_sync_mode(&faulty.disk.sync_mode));
        kinds.insert(mode);
    }
    kinds.extend(of_settings(&with.settings, &without.settings));
    match (&with.rules[..], &without.rules[..]) {
        ([rule], [other]) => kinds.extend(of_rules(rule, other)),
        ([_], []) => kinds.extend(FIRST_RULES.iter().map(|twin| twin.name)),
        (rules, others) => assert!(rules == others, "one rule is the fault, or a field of it"),
    }
    if let Some((place, step)) = extra_step(with, without) {
        let aviary::scenario::step::Action::Harness(fault) = &step.action else {
            panic!("a command is no fault: {:?}", step.action)
        };
        // The tracks of a plan are `steps`, then those under `also`.
        let planned = &faulty.tracks[place + 1][0];
        let action = &planned.action;
        assert_eq!(of_fault(fault), of_action(action), "{fault:?} is planned as {action:?}");
        kinds.insert(of_fault(fault));
        assert_eq!(of_trigger(&step.when), of_simulated_trigger(&planned.trigger));
        kinds.insert(of_trigger(&step.when));
        if let When::On(Event::Sent(traffic)) = &step.when
            && let Some((_, other)) = extra_step(without, with)
            && let When::On(Event::Sent(other)) = &other.when
        {
            kinds.extend(of_traffic(traffic, other));
        }
        let meant: Vec<&str> = whom(fault).iter().map(of_target).collect();
        let planned: Vec<&str> = simulated_whom(action).iter().map(of_simulated_target).collect();
        assert_eq!(meant, planned, "{fault:?} is planned as {action:?}");
        kinds.extend(meant);
    }
    kinds.extend(of_world_beyond(with, without, faulty, fine));
    kinds
}

/// The faults that no scenario can say. What a scenario's settings come to is not one of them.
fn of_world_beyond(with: &Shape, without: &Shape, faulty: &Made, fine: &Made) -> Vec<&'static str> {
    if with.settings != without.settings || with.disk.file_bytes != without.disk.file_bytes {
        return Vec::new();
    }
    let disk = of_simulated_disk(&faulty.disk, &fine.disk);
    let journal = of_journal(&faulty.journal, &fine.journal);
    of_world(faulty, fine).into_iter().chain(disk).chain(journal).collect()
}

/// Whom a fault is done to; a rule's sender and recipient.
fn whom(fault: &Fault<Expectation>) -> Vec<Who> {
    match fault {
        Fault::Crash(Crash { who, .. }) | Fault::SyncTime(who, _) => vec![*who],
        Fault::Disk(who, _) | Fault::Wipe(who) | Fault::Slow(who, _) | Fault::Clock(who, _) => vec![*who],
        Fault::Restart(who) | Fault::Pause(who) | Fault::Resume(who) | Fault::Isolate(who) => vec![*who],
        Fault::Rule(rule) => vec![rule.from, rule.to],
        Fault::Partition(_) | Fault::Cut { .. } | Fault::Mend(..) => Vec::new(),
        Fault::Clog { .. } | Fault::Unclog { .. } | Fault::Replay(_) => Vec::new(),
        Fault::Heal | Fault::Expect(_) => Vec::new(),
    }
}

fn simulated_whom(action: &Action<Command>) -> Vec<Target> {
    match action {
        Action::Crash { who, .. } | Action::SyncTime(who, _) => vec![*who],
        Action::Disk(who, _) | Action::Wipe(who) | Action::Slow(who, _) | Action::Clock(who, _) => vec![*who],
        Action::Restart(who) | Action::Pause(who) | Action::Resume(who) | Action::Isolate(who) => vec![*who],
        Action::Rule(rule) => vec![rule.filter.from, rule.filter.to],
        Action::Partition(_) | Action::Cut { .. } | Action::Mend(..) => Vec::new(),
        Action::Clog { .. } | Action::Unclog { .. } | Action::Replay(_) => Vec::new(),
        Action::Heal | Action::Check(_) | Action::Command(..) => Vec::new(),
    }
}
