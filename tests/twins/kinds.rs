//! The kinds of faults, and the twin of each.
//!
//! Each row of the simulator's table of steps names its twin, and a row whose twin is missing fails. For all other
//! kinds, no match here has a catch-all arm, and no field is left out by `..`: a new kind does not compile until it has
//! a name here, which is that of the function that runs its twins. The same tables determine in what two scenarios
//! differ, so a twin cannot be about another kind than its name says.

use std::collections::BTreeSet;

use aviary::journal::JournalConfig;
use aviary::outbox::SyncMode;
use aviary::process::Links;
use aviary::scenario::Scenario;
use aviary::scenario::Service;
use aviary::scenario::form::{DiskForm, DiskMode, Latency, Network, Reordering};
use aviary::scenario::step::{EventPattern, Fault, Rule, Traffic, When};
use aviary::sim::{
    self, Bandwidth, Bursts, DiskSettings, LateCopy, Row, ScriptAction, Statistics, Target, Trigger,
    WorldSettings,
};
use aviary::tweets::service::Timelines;
use aviary::tweets::site::{Overrides, Participant};

use crate::pair::{Pair, extra_step};
use crate::{
    by_hand, clocks, crashes, disk, link_faults, links, lives, network, orders, rules, settings, targets,
    triggers, world,
};

/// A kind of fault and what checks its twins.
#[derive(Clone, Copy)]
pub struct Twin {
    pub name: &'static str,
    pub check: fn(&Pair),
}

/// The twins that rows of the simulator's table name, by the file that contains them.
const OF_ROWS: [&[Twin]; 7] =
    [crashes::TWINS, lives::TWINS, links::TWINS, rules::TWINS, disk::TWINS, clocks::TWINS, by_hand::TWINS];

/// Steps that are no faults: only their own line shows them.
const NO_FAULTS: [&str; 2] = ["command", "expect"];

type Command = <Participant as aviary::process::Process>::Command;

/// Every kind of fault has a twin, and the other way round.
pub fn every_row_has_its_twin() {
    let names: Vec<&str> = OF_ROWS.iter().copied().flatten().map(|twin| twin.name).collect();
    let rows: Vec<&Row> = ScriptAction::<Command>::rows().collect();
    for row in &rows {
        let is_fault = !NO_FAULTS.contains(&row.kind);
        assert_eq!(is_fault, names.contains(&row.twin), "`{}` wants the twin `{}`", row.kind, row.twin);
    }
    for name in &names {
        let wants = rows.iter().filter(|row| row.twin == *name).count();
        assert_eq!(wants, 1, "the twin `{name}` is wanted by {wants} rows");
    }
    let counters: Vec<&str> = Statistics::default().counts().map(|(name, _)| name).collect();
    for row in &rows {
        let counter = row.counter;
        assert!(counter.is_none_or(|counter| counters.contains(&counter)), "{counter:?} of `{}`", row.kind);
    }
}

/// The twins of one file that rows of the simulator's table name.
macro_rules! twins {
    ($module:ident: $($twin:ident),+ $(,)?) => {
        pub const TWINS: &[crate::kinds::Twin] = &[$(crate::kinds::Twin {
            name: concat!(stringify!($module), "::", stringify!($twin)),
            check: $twin,
        }),+];
    };
}
pub(crate) use twins;

/// A function from the variants of an enum to the names of their twins, and the list of these twins.
macro_rules! kinds {
    ($list:ident: fn $name:ident(&$type:ty) {
        $($pattern:pat => $twin:path,)+
    }) => {
        fn $name(value: &$type) -> &'static str {
            match value {
                $($pattern => stringify!($twin),)+
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

kinds!(TARGETS: fn of_target(&Target) {
    Target::Any => targets::anybody,
    Target::Site(_) => targets::one_site,
    Target::Terminal(_) => targets::one_terminal,
    Target::Client(_) => targets::one_client,
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
    When::On(EventPattern::Leads(_)) => triggers::leads,
    When::On(EventPattern::Sent(_)) => triggers::sent,
    When::On(EventPattern::Delivered(_)) => triggers::delivered,
    When::On(EventPattern::Noted { kind: _, who: _, subject: _, slot: _ }) => triggers::noted,
    When::On(EventPattern::Crashed(_)) => triggers::crashed,
    When::On(EventPattern::Restarted(_)) => triggers::restarted,
    When::On(EventPattern::LinkDown(_)) => triggers::link_down,
    When::On(EventPattern::LinkUp(_)) => triggers::link_up,
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
    Trigger::LinkDown(_) => triggers::link_down,
    Trigger::LinkUp(_) => triggers::link_up,
});

fields!(TRAFFIC: fn of_traffic(&Traffic) {
    kind => triggers::kind,
    from => triggers::from,
    to => triggers::to,
    subject => triggers::subject,
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

kinds!(SIMULATED_LATENCIES: fn of_simulated_latency(&sim::LinkLatency) {
    sim::LinkLatency::Constant(_) => network::constant,
    sim::LinkLatency::Uniform(..) => network::uniform,
    sim::LinkLatency::Exponential { min: _, mean: _ } => network::exponential,
    // To the simulator, regions are a table.
    sim::LinkLatency::Table(_) => network::table,
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
    subject => rules::subject,
    slot => rules::slot,
    slots => rules::slots,
    since => rules::since,
    until => rules::until,
    skip => rules::skip,
    count => rules::count,
} elsewhere or no fault { then });

fields!(NETWORK: fn of_network(&Network) {
    delivery => by_hand::held,
    loss => network::loss,
    duplication => network::duplication,
    corruption => link_faults::corruption,
    truncation => link_faults::truncation,
    misdelivery => link_faults::misdelivery,
    bandwidth => link_faults::bandwidth,
    break_after => orders::break_after,
} elsewhere or no fault { latency, reordering, bursts, late_copies, order });

kinds!(ORDERS: fn of_order(&Links) {
    Links::Datagrams => orders::datagrams,
    Links::Fifo => orders::fifo,
    Links::Stream => orders::stream,
});

fields!(BURSTS: fn of_bursts(&Bursts) {
    chance => link_faults::bursts,
    length => link_faults::bursts_length,
    loss => link_faults::bursts_loss,
});

fields!(LATE_COPIES: fn of_late_copies(&LateCopy) {
    chance => link_faults::late_copies,
    after => link_faults::late_copies_after,
});

fields!(BANDWIDTH: fn of_bandwidth(&Bandwidth) {
    rate => link_faults::bandwidth_rate,
    queue => link_faults::bandwidth_queue,
});

fields!(REORDERING: fn of_reordering(&Reordering) {
    chance => network::reordering,
    by => network::reordering_by,
});

fields!(DISK: fn of_disk(&DiskForm) {
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
    leader => world::leader,
    // A service that does not depend on what clients draw does the same where they draw alike. The history before a run
    // is no fault: both hosts open the journals that exist.
} elsewhere or no fault { about, sites, clients, clients_alike, history, network, disk, budget, settings, limit, rules, steps, also, expect });

type Made = WorldSettings<Participant>;

fields!(WORLD: fn of_world(&Made) {
    outbox_max => world::outbox_max,
    inbox_max => world::inbox_max,
    clog_max => world::clog_max,
    datagram_max => world::datagram_max,
    leader => world::leader,
    // Datagrams and journals of one cluster all carry the same number, so nothing in the world differs by it. The size
    // of the core is no fault: it limits how far faults reach. The sites that may stop by themselves are no fault: they
    // are no violation. Watchpoints are no fault: they only observe.
} elsewhere or no fault { seed, sites, clients, are_clients_alike, cluster, core_size, may_stop, config, network, disk, journal, journals, machines, trace, tracks, watchpoints });

fields!(SIMULATED_DISK: fn of_simulated_disk(&DiskSettings) {
    capacity => world::capacity,
} elsewhere or no fault { sync_time, sync_mode });

fields!(JOURNAL: fn of_journal(&JournalConfig) {
    segment_bytes => world::segment_bytes,
    record_max => world::record_max,
});

/// A rule in the file that applies from the start.
const FIRST_RULES: &[Twin] = &[Twin { name: "rules::from_the_start", check: rules::from_the_start }];

/// Every twin; a twin with several names occurs more than once.
pub fn all() -> impl Iterator<Item = Twin> {
    let lists = [
        TARGETS,
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
        LATE_COPIES,
        BANDWIDTH,
        ORDERS,
        DISK,
        SETTINGS,
        SCENARIO,
        WORLD,
        SIMULATED_DISK,
        JOURNAL,
    ];
    OF_ROWS.into_iter().chain(lists).flatten().copied()
}

/// The kinds of faults by which the runs differ.
pub fn differences(with: &Shape, without: &Shape, faulty: &Made, fine: &Made) -> BTreeSet<&'static str> {
    assert!(with.steps == without.steps, "the fault stands under `also`");
    assert_eq!((with.sites, with.clients), (without.sites, without.clients), "both are the same cluster");
    let mut kinds = BTreeSet::from_iter(of_shape(with, without));
    kinds.extend(of_network(&with.network, &without.network));
    kinds.extend(of_reordering(&with.network.reordering, &without.network.reordering));
    kinds.extend(of_bursts(&with.network.bursts, &without.network.bursts));
    kinds.extend(of_late_copies(&with.network.late_copies, &without.network.late_copies));
    if let (Some(one), Some(other)) = (&with.network.bandwidth, &without.network.bandwidth) {
        kinds.extend(of_bandwidth(one, other));
    }
    if with.network.latency != without.network.latency {
        let (latency, simulated) = (of_latency(&with.network.latency), &faulty.network.latency);
        let is_same = latency == of_simulated_latency(simulated);
        assert!(is_same || latency == stringify!(network::regions), "{latency} is planned as {simulated:?}");
        kinds.insert(latency);
    }
    if with.network.order != without.network.order {
        assert_eq!(with.network.order(Timelines::LINKS), faulty.network.order);
        kinds.insert(of_order(&faulty.network.order));
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
        let planned = planned(place, faulty);
        let row = planned.action.row();
        assert_eq!(
            word(&format!("{fault:?}")),
            word(row.word),
            "{fault:?} is planned as {:?}",
            planned.action
        );
        kinds.insert(row.twin);
        assert_eq!(of_trigger(&step.when), of_simulated_trigger(&planned.trigger));
        kinds.insert(of_trigger(&step.when));
        if let When::On(EventPattern::Sent(traffic)) = &step.when
            && let Some((_, other)) = extra_step(without, with)
            && let When::On(EventPattern::Sent(other)) = &other.when
        {
            kinds.extend(of_traffic(traffic, other));
        }
        if let (Fault::Rule(rule), ScriptAction::Rule(sim::LinkRule { filter, .. })) =
            (fault, &planned.action)
        {
            assert_eq!((rule.from, rule.to), (filter.from, filter.to), "{rule:?} is planned as {filter:?}");
            kinds.extend([rule.from, rule.to].iter().map(of_target));
        }
        kinds.extend(planned.action.target().iter().map(of_target));
    }
    kinds.extend(of_world_beyond(with, without, faulty, fine));
    kinds
}

/// The faults that no scenario can express. The effects of a scenario's settings are not among them.
fn of_world_beyond(with: &Shape, without: &Shape, faulty: &Made, fine: &Made) -> Vec<&'static str> {
    if with.settings != without.settings || with.disk.file_bytes != without.disk.file_bytes {
        return Vec::new();
    }
    let disk = of_simulated_disk(&faulty.disk, &fine.disk);
    let journal = of_journal(&faulty.journal, &fine.journal);
    of_world(faulty, fine).into_iter().chain(disk).chain(journal).collect()
}

/// The first step of a track under `also`. The tracks of a plan are `steps`, then those under `also`.
fn planned(place: usize, made: &Made) -> &sim::ScriptStep<Command> {
    &made.tracks[place + 1][0]
}

/// The word at the beginning of `text`.
fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or(text)
}

/// The counter that the extra step increases, unless the other scenario has a step of the same kind in its place.
pub fn counter(with: &Shape, without: &Shape, faulty: &Made, fine: &Made) -> Option<&'static str> {
    let (place, _) = extra_step(with, without)?;
    let row = planned(place, faulty).action.row();
    let other = extra_step(without, with).map(|(place, _)| planned(place, fine).action.row());
    row.counter.filter(|_| other != Some(row))
}
