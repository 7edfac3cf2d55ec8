//! Runs in which journals fill file after file. Sites crash between the calls of a rollover and of the recovery after
//! it, and disks refuse the next file.

use crate::scenario::draw::cluster::DrawnCluster;
use crate::scenario::draw::draws::{Concern, Draws};
use crate::scenario::draw::optional;
use crate::scenario::draw::workload::{Wanted, Workload};
use crate::scenario::form::StepOf;
use crate::scenario::namespace::Word;
use crate::scenario::profile::Profile;
use crate::scenario::service::Service;
use crate::scenario::step::{Crash, DiskFault, Fault, Seam, Target, When};
use crate::sim::Leaves;
use crate::time::Duration;

/// Number of disk calls in a rollover, including the end of its syncs and the mark after them, plus a few to spare.
const CALLS_OF_ROLLOVER: u64 = 8;
/// After this many calls everything is written, the next file is made, and nothing is synced.
const CALLS_BEFORE_SYNC: u64 = 3;
/// Number of disk calls in a recovery that finds two files to remove.
const CALLS_OF_RECOVERY: u64 = 12;
/// A recovery that ends after this many calls (least, most) ends while it removes files or rewrites what it read.
const CALLS_OF_CUTTING: (u64, u64) = (2, 5);

/// The rollovers of a scenario, with a random stream of their own.
pub(super) struct Rollovers {
    draws: Draws,
    has_episode: bool,
    has_full_disk: bool,
}

impl Rollovers {
    /// `None` if the files keep their usual length.
    pub(super) fn draw(profile: &Profile, seed: u64) -> Option<Rollovers> {
        let mut draws = Draws::new(seed, Concern::Rollovers);
        let happens = draws.happens(profile.disk.rollovers);
        let has_episode = draws.one_in(2);
        let has_full_disk = draws.one_in(3);
        happens.then_some(Rollovers { draws, has_episode, has_full_disk })
    }

    /// Some tiny settings.
    pub(super) fn settings<S: Service>(&mut self) -> S::Settings {
        S::draw_settings(&mut self.draws, true)
    }

    /// A site that crashes in its rollovers and in the recoveries after them, or whose disk is full.
    pub(super) fn track<S: Service>(
        mut self,
        profile: &Profile,
        cluster: &DrawnCluster,
        workload: &mut Workload<'_>,
    ) -> Option<Vec<StepOf<S>>> {
        if !self.has_episode {
            return None;
        }
        let begins = self.draws.between(300, cluster.lasts.as_micros() / 1_000);
        let who = Target::Site(self.draws.below(cluster.sites.into()).to_le_bytes()[0]);
        let mut track =
            RolloverTrack::<S> { steps: Vec::new(), next: Some(When::At(Duration::from_millis(begins))) };
        if self.has_full_disk && !cluster.is_quiet {
            self.full_disk(profile, &mut track, workload, who);
        } else {
            for _ in 0..self.draws.between(1, 4) {
                self.crash(&mut track, workload, who);
            }
        }
        track.push(When::After(Duration::ZERO), Word::Harness(Fault::Restart(who)));
        Some(track.steps)
    }

    fn crash<S: Service>(&mut self, track: &mut RolloverTrack<S>, workload: &mut Workload<'_>, who: Target) {
        let at = Some(Seam::InRollover(self.calls_of_rollover()));
        let leaves = self.leaves();
        track.fault(Duration::ZERO, Fault::Crash(Crash { who, at, leaves }));
        let writes = self.draws.between(4, 12);
        self.write(track, workload, writes, 60);
        for _ in 0..self.draws.below(3) {
            let at = Some(Seam::InRecovery(self.calls_of_recovery()));
            let leaves = self.leaves();
            track.fault(Duration::ZERO, Fault::Crash(Crash { who, at, leaves }));
            let after = self.draws.millis(10, 400);
            track.fault(after, Fault::Restart(who));
        }
        let after = self.draws.millis(10, 400);
        track.fault(after, Fault::Restart(who));
    }

    /// A site that is low on space accepts nothing, yet each start writes: only many starts fill the last file.
    fn full_disk<S: Service>(
        &mut self,
        profile: &Profile,
        track: &mut RolloverTrack<S>,
        workload: &mut Workload<'_>,
        who: Target,
    ) {
        track.fault(Duration::ZERO, Fault::Disk(who, DiskFault::Full));
        let writes = self.draws.number(profile.disk.full_writes);
        self.write(track, workload, writes.into(), 60);
        let (few, many) = (self.draws.below(6), self.draws.between(90, 140));
        let starts = if self.draws.one_in(3) { few } else { many };
        for _ in 0..starts {
            track.fault(
                self.draws.millis(1, 60),
                Fault::Crash(Crash { who, at: None, leaves: Leaves::Scattered }),
            );
            track.fault(self.draws.millis(1, 60), Fault::Restart(who));
        }
        track.fault(self.draws.millis(10, 900), Fault::Disk(who, DiskFault::Room));
    }

    fn write<S: Service>(
        &mut self,
        track: &mut RolloverTrack<S>,
        workload: &mut Workload<'_>,
        count: u64,
        apart: u64,
    ) {
        for _ in 0..count {
            let asker = workload.anybody(&mut self.draws);
            let after = self.draws.millis(0, apart);
            if let Some(command) = workload.command::<S>(&mut self.draws, asker, Wanted::LargeWrite) {
                track.push(When::After(after), Word::Service(command));
            }
        }
    }

    fn calls_of_rollover(&mut self) -> u8 {
        let any = self.draws.below(CALLS_OF_ROLLOVER);
        let calls = if self.draws.one_in(3) { CALLS_BEFORE_SYNC } else { any };
        calls.to_le_bytes()[0]
    }

    fn calls_of_recovery(&mut self) -> u8 {
        let (any, (least, most)) = (self.draws.below(CALLS_OF_RECOVERY), CALLS_OF_CUTTING);
        let cutting = self.draws.between(least, most);
        let calls = if self.draws.one_in(2) { cutting } else { any };
        calls.to_le_bytes()[0]
    }

    fn leaves(&mut self) -> Leaves {
        self.draws
            .weighted(&[(Leaves::Scattered, 4), (Leaves::Nothing, 3), (Leaves::Torn, 1)])
            .unwrap_or_default()
    }
}

struct RolloverTrack<S: Service> {
    steps: Vec<StepOf<S>>,
    /// When the first step fires.
    next: Option<When>,
}

impl<S: Service> RolloverTrack<S> {
    fn fault(&mut self, after: Duration, fault: Fault<S::Expectation>) {
        self.push(When::After(after), Word::Harness(fault));
    }

    fn push(&mut self, when: When, action: crate::scenario::step::Action<S::Command, S::Expectation>) {
        self.steps.push(optional(self.next.take().unwrap_or(when), action));
    }
}
