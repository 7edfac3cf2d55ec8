//! Draws the commands of a scenario: who asks for what, and when.

use crate::scenario::draw::cluster::DrawnCluster;
use crate::scenario::draw::draws::{Concern, Draws};
use crate::scenario::draw::{CannotDraw, optional};
use crate::scenario::form::StepOf;
use crate::scenario::namespace::Word;
use crate::scenario::profile::Profile;
use crate::scenario::service::Service;
use crate::scenario::step::{Target, When};
use crate::time::Duration;

/// The purpose of a drawn command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// Any command, in the usual mixture.
    Anything,
    /// A command that changes what users see.
    Write,
    /// A write as large as possible; as `Write` if writes cannot be large.
    LargeWrite,
    /// A write so large that this many of them fill one datagram, or are a little below or above that.
    FillingWrite(u8),
    /// A command that shows what one site knows.
    Read,
    /// A command that shows what all sites agree on, if there is one; else as `Read`.
    AgreedRead,
}

/// A request to draw a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asking {
    /// Who asks: a `Terminal` or a `Client`, or a `Site` as [`Service::ASKERS`] says.
    pub who: Target,
    /// The purpose of the command.
    pub wanted: Wanted,
    /// A number that no other command of the scenario has.
    pub number: u64,
    /// Number of users.
    pub users: u8,
    /// Whether the users are a crowd, who block many others.
    pub is_crowd: bool,
    /// The limit on one datagram, in bytes.
    pub datagram_max: usize,
    /// Number of slots that were chosen before the run.
    pub slots_before: u64,
}

/// The commands of a scenario.
#[derive(Clone, Debug)]
pub(super) struct Workload<'a> {
    draws: Draws,
    profile: &'a Profile,
    sites: u8,
    clients: u16,
    users: u8,
    is_crowd: bool,
    slots_before: u64,
    lasts: Duration,
    datagram_max: usize,
    count: u64,
}

impl<'a> Workload<'a> {
    pub(super) fn new(
        profile: &'a Profile,
        seed: u64,
        cluster: &DrawnCluster,
        datagram_max: usize,
        slots_before: u64,
    ) -> Workload<'a> {
        let mut draws = Draws::new(seed, Concern::Workload);
        let few = draws.number(profile.users);
        let mut people = Draws::new(seed, Concern::People);
        let (is_crowd, many) = (people.happens(profile.crowds), people.number(profile.crowd));
        let users = if is_crowd { many } else { few };
        let DrawnCluster { sites, clients, lasts, .. } = *cluster;
        Workload {
            draws,
            profile,
            sites,
            clients,
            users,
            is_crowd,
            slots_before,
            lasts,
            datagram_max,
            count: 0,
        }
    }

    /// The commands that run through the whole scenario, alone or in bursts.
    pub(super) fn track<S: Service>(&mut self) -> Result<Vec<StepOf<S>>, CannotDraw> {
        let mut draws = self.draws.clone();
        let count = draws.number(self.profile.commands);
        let in_bursts = draws.happens(self.profile.bursts);
        let mut times = Vec::new();
        while times.len() < usize::from(count) {
            let time = Duration::from_millis(draws.between(200, self.lasts.as_micros() / 1_000));
            let depth = if in_bursts { draws.number(self.profile.burst) } else { 1 };
            times.extend((0..depth).map(|_| time));
        }
        times.truncate(count.into());
        times.sort_unstable();
        let step = |time| {
            let who = self.anybody(&mut draws);
            let command = self.command::<S>(&mut draws, who, Wanted::Anything);
            Ok(optional(When::At(time), Word::Service(command.ok_or(CannotDraw::NoCommands)?)))
        };
        times.into_iter().map(step).collect()
    }

    /// A random terminal or client.
    pub(super) fn anybody(&self, draws: &mut Draws) -> Target {
        if self.clients > 0 && draws.one_in(2) {
            Target::Client(u16::try_from(draws.below(self.clients.into())).unwrap_or(0))
        } else {
            Target::Terminal(draws.below(self.sites.into()).to_le_bytes()[0])
        }
    }

    /// A command by `who`.
    pub(super) fn command<S: Service>(
        &mut self,
        draws: &mut Draws,
        who: Target,
        wanted: Wanted,
    ) -> Option<S::Command> {
        self.count += 1;
        let who = S::ASKERS.instead_of(who, self.sites);
        let Workload { count: number, users, is_crowd, datagram_max, slots_before, .. } = *self;
        S::draw_command(draws, &Asking { who, wanted, number, users, is_crowd, datagram_max, slots_before })
    }
}
