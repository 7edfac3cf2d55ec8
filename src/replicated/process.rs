//! The process that both hosts run: a site or a client of it, by its id.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::mix::Seed;
use crate::process::{Damage, Effects, Input, Process, Recovered, Role, Savable, Size};
use crate::replicated::client::{ClientState, Command};
use crate::replicated::config::Config;
use crate::replicated::machine::Machine;
use crate::replicated::message::{Message, Record, check_machine};
use crate::replicated::note::Note;
use crate::replicated::site::Site;
use crate::time::Instant;
use crate::wire::{Reader, WireError};

/// A site, or a client of one.
#[derive(Clone, Debug)]
pub enum Replicated<M: Machine> {
    /// A member of the cluster.
    Site(Box<Site<M>>),
    /// A client or a terminal, which asks sites.
    Client(Box<ClientState<M>>),
}

impl<M: Machine> Replicated<M> {
    /// The site, if it is one.
    pub fn as_site(&self) -> Option<&Site<M>> {
        match self {
            Replicated::Site(site) => Some(site),
            Replicated::Client(_) => None,
        }
    }

    /// The client, if it is one.
    pub fn as_client(&self) -> Option<&ClientState<M>> {
        match self {
            Replicated::Site(_) => None,
            Replicated::Client(client) => Some(client),
        }
    }
}

impl<M: Machine> Process for Replicated<M> {
    type Message = Message<M>;
    type Record = Record<M>;
    type Note = Note<M>;
    type Command = Command<M>;
    type Config = Config;

    const LOOKS_MAX: u64 = M::LOOKS_MAX;

    fn start(
        config: &Config,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Record<M>>,
    ) -> Result<Replicated<M>, Damage> {
        const { check_machine::<M>() };
        match id {
            ProcessId::Site(site) => {
                Ok(Replicated::Site(Box::new(Site::recover(config, site, seed, recovered)?)))
            }
            ProcessId::Terminal(_) | ProcessId::Client(_) => {
                Ok(Replicated::Client(Box::new(ClientState::new(config, id, seed))))
            }
        }
    }

    fn handle(&mut self, now: Instant, input: Input<Replicated<M>>, effects: &mut Effects<Replicated<M>>) {
        let now = match self {
            Replicated::Site(site) => site.clock.read(now),
            Replicated::Client(client) => client.clock.read(now),
        };
        match (self, input) {
            (Replicated::Site(site), Input::Message { from, message }) => {
                site.on_message(now, from, message, effects)
            }
            (Replicated::Site(site), Input::Wake) => site.on_wake(now, effects),
            (Replicated::Site(site), Input::DiskSpace { is_low }) => site.on_disk_space(now, is_low, effects),
            (Replicated::Site(site), Input::Command(command)) => {
                panic!("{} is a site and takes no command, given {command}", site.status().site)
            }
            (Replicated::Client(client), Input::Message { from, message }) => {
                client.on_message(now, from, message, effects)
            }
            (Replicated::Client(client), Input::Wake) => client.on_wake(now, effects),
            (Replicated::Client(client), Input::Command(command)) => client.on_command(now, command, effects),
            (Replicated::Client(_), Input::DiskSpace { .. }) | (_, Input::Started) => {}
            // It assumes datagrams: silence shows what it has to know of links.
            (_, Input::Link { .. }) => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        match self {
            Replicated::Site(site) => {
                let (due, reason) = site.deadline();
                Some((site.clock.shown(due), reason))
            }
            Replicated::Client(client) => {
                client.deadline().map(|(due, reason)| (client.clock.shown(due), reason))
            }
        }
    }

    fn role(&self) -> Role {
        match self {
            Replicated::Site(site) => site.role(),
            Replicated::Client(_) => Role::Client,
        }
    }

    fn progress(&self) -> u64 {
        match self {
            Replicated::Site(site) => site.replica().applied().0,
            Replicated::Client(_) => 0,
        }
    }

    /// A site draws how long it waits for a leader. Nothing depends on what a client draws.
    fn rekey(&mut self, salt: u64) {
        match self {
            Replicated::Site(site) => site.rekey(salt),
            Replicated::Client(_) => {}
        }
    }

    fn looks(&self) -> u64 {
        match self {
            Replicated::Site(site) => site.looks(),
            Replicated::Client(_) => 0,
        }
    }

    fn unanswered(&self) -> usize {
        match self {
            Replicated::Site(_) => 0,
            Replicated::Client(client) => client.unanswered(),
        }
    }

    fn sizes(&self, see: impl FnMut(Size)) {
        match self {
            Replicated::Site(site) => site.sizes(see),
            Replicated::Client(client) => client.sizes(see),
        }
    }
}

impl<M: Machine> Savable for Replicated<M> {
    const CODE: &'static str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("AVIARY_CODE"));

    fn save(&self, out: &mut Vec<u8>) {
        match self {
            Replicated::Site(site) => site.save(out),
            Replicated::Client(client) => client.save(out),
        }
    }

    fn load(config: &Config, id: ProcessId, bytes: &[u8]) -> Result<Replicated<M>, WireError> {
        let mut input = Reader::new(bytes);
        let participant = match id {
            ProcessId::Site(site) => Replicated::Site(Box::new(Site::load(config, site, &mut input)?)),
            ProcessId::Terminal(_) | ProcessId::Client(_) => {
                Replicated::Client(Box::new(ClientState::load(config, id, &mut input)?))
            }
        };
        input.finish().map(|()| participant)
    }
}
