//! The default profile: what the literature found productive, in numbers.
//!
//! Small clusters, few commands from few users, few faults in any order, whole features left out at random.

use crate::scenario::form::FaultBudget;
use crate::scenario::profile::{
    ClocksDrawn, ClogsDrawn, CrashMoment, CrashesDrawn, CutShape, CutsDrawn, DiskDrawn, DiskErrorKind,
    FaultKind, LatencyKind, MessagesDrawn, MustHappen, NetworkDrawn, Profile, RulingKind, Runs, Share, Span,
    TargetKind, Weights,
};
use crate::sim::Chance;
use crate::time::Duration;

const fn percent(numerator: u32) -> Chance {
    Chance { numerator, denominator: 100 }
}

const fn millis(least: u64, most: u64) -> Span<Duration> {
    Span(Duration::from_millis(least), Duration::from_millis(most))
}

const fn shares(most: u32) -> Span<Share> {
    Span(Share(percent(0)), Share(percent(most)))
}

fn weights<K: Ord, const N: usize>(all: [(K, u32); N]) -> Weights<K> {
    Weights(all.into_iter().collect())
}

/// Facts that only happen in scenarios that ask for them by name.
const NOT_DRAWN: [&str; 5] = [
    "copies of disks",
    "disks put back as they were",
    "processes that stopped by themselves",
    "disk: save",
    "disk: restore",
];

impl Default for Profile {
    fn default() -> Profile {
        Profile {
            about: "All sorts of faults, a few at a time.".to_owned(),
            sites: weights([(3, 68), (5, 18), (4, 5), (2, 3), (1, 2), (6, 1), (7, 1), (8, 1), (9, 1)]),
            clients: Span(2, 4),
            users: Span(1, 3),
            crowds: percent(20),
            crowd: Span(6, 10),
            clients_alike: percent(50),
            histories: percent(3),
            commands: Span(20, 60),
            lasts: millis(3_000, 8_000),
            bursts: percent(50),
            burst: Span(2, 8),
            tiny: percent(25),
            shared_machines: percent(20),
            quiet: percent(15),
            calm: percent(6),
            feature: percent(50),
            network: NetworkDrawn::default(),
            disk: DiskDrawn::default(),
            episodes: weights([(0, 10), (1, 25), (2, 30), (3, 25), (4, 5), (5, 3), (6, 2)]),
            faults: weights([
                (FaultKind::Cut, 30),
                (FaultKind::Crash, 30),
                (FaultKind::Messages, 22),
                (FaultKind::Pause, 8),
                (FaultKind::Clog, 6),
                (FaultKind::SlowDisk, 4),
            ]),
            besides: Runs(
                [
                    (FaultKind::Pause, 6),
                    (FaultKind::DiskError, 10),
                    (FaultKind::Rot, 10),
                    (FaultKind::Misdirect, 3),
                    (FaultKind::Clock, 15),
                    (FaultKind::SlowSite, 5),
                    (FaultKind::LoseFile, 5),
                ]
                .map(|(kind, runs)| (kind, percent(runs)))
                .into(),
            ),
            budget: FaultBudget::Survivable,
            targets: weights([
                (TargetKind::Leader, 40),
                (TargetKind::Follower, 12),
                (TargetKind::Candidate, 8),
                (TargetKind::Laggard, 8),
                (TargetKind::Site, 27),
                (TargetKind::Machine, 5),
            ]),
            endpoints: percent(50),
            unmended: percent(15),
            cuts: CutsDrawn::default(),
            crashes: CrashesDrawn::default(),
            pauses: millis(600, 4_000),
            messages: MessagesDrawn::default(),
            clogs: ClogsDrawn::default(),
            clocks: ClocksDrawn::default(),
            slow_site: millis(1, 40),
            follows_recipe: percent(25),
            recipes: Vec::new(),
            converges_within: Duration::from_secs(20),
            heals_all: percent(15),
            must_happen: MustHappen::AllBut(NOT_DRAWN.map(str::to_owned).into()),
        }
    }
}

impl Default for NetworkDrawn {
    fn default() -> NetworkDrawn {
        NetworkDrawn {
            latency: weights([
                (LatencyKind::Constant, 1),
                (LatencyKind::Uniform, 2),
                (LatencyKind::Exponential, 2),
            ]),
            least: Span(Duration::from_micros(200), Duration::from_millis(20)),
            on_top: millis(1, 25),
            loss: shares(30),
            duplication: shares(50),
            reordering: shares(20),
            held_back: millis(20, 400),
            bursts: shares(15),
            burst_length: millis(50, 600),
            burst_loss: Span(Share(percent(50)), Share(percent(100))),
            late_copies: shares(50),
            late_copies_after: millis(1_000, 5_000),
            impairments: percent(15),
            corruption: shares(1),
            truncation: shares(1),
            misdelivery: shares(1),
            bandwidth: percent(4),
            rate: Span(10_000, 100_000),
            queue: Span(600, 20_000),
            order: None,
        }
    }
}

impl Default for DiskDrawn {
    fn default() -> DiskDrawn {
        let sync = Span(Duration::from_micros(200), Duration::from_millis(10));
        DiskDrawn {
            sync,
            blocking: percent(25),
            slow: millis(50, 400),
            crawls: percent(30),
            crawling: millis(500, 2_000),
            full: millis(2_000, 12_000),
            full_writes: Span(8, 32),
            short_files: percent(50),
            rollovers: percent(10),
            errors: Weights(DiskErrorKind::all().collect()),
            looked_at: percent(65),
        }
    }
}

impl Default for CutsDrawn {
    fn default() -> CutsDrawn {
        CutsDrawn {
            shapes: weights([
                (CutShape::Isolate, 60),
                (CutShape::Link, 10),
                (CutShape::Bridge, 10),
                (CutShape::Split, 12),
                (CutShape::Ring, 8),
            ]),
            one_way: percent(40),
            second: percent(30),
            lasts: millis(450, 3_000),
        }
    }
}

impl Default for CrashesDrawn {
    fn default() -> CrashesDrawn {
        CrashesDrawn {
            moments: weights([
                (CrashMoment::Seam, 60),
                (CrashMoment::AnyTime, 28),
                (CrashMoment::AllSites, 12),
            ]),
            torn: percent(20),
            scattered: percent(20),
            wiped: percent(5),
            down: millis(50, 4_000),
            at_most: 3,
            clients: percent(15),
        }
    }
}

impl Default for MessagesDrawn {
    fn default() -> MessagesDrawn {
        MessagesDrawn {
            then: weights([
                (RulingKind::Drop, 40),
                (RulingKind::Delay, 25),
                (RulingKind::Duplicate, 15),
                (RulingKind::Corrupt, 3),
                (RulingKind::Truncate, 3),
                (RulingKind::Misdeliver, 4),
                (RulingKind::Keep, 10),
            ]),
            one_kind: percent(80),
            starved: percent(25),
            lasts: millis(300, 3_000),
            delay: millis(50, 1_500),
            copies: Span(1, 4),
        }
    }
}

impl Default for ClogsDrawn {
    fn default() -> ClogsDrawn {
        ClogsDrawn { count: Span(2, 6), apart: millis(0, 400), lasts: millis(200, 2_000) }
    }
}

impl Default for ClocksDrawn {
    fn default() -> ClocksDrawn {
        ClocksDrawn {
            sites: percent(60),
            drifts: percent(50),
            drift: Span(1, 50),
            set: millis(100, 60_000),
            while_down: percent(40),
        }
    }
}
