//! The process that both hosts run: a site or a client, by its id.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ids::ProcessId;
use crate::mix::Seed;
use crate::process::{Damage, Effects, Input, Process, Recovered, Role, Savable, Size};
use crate::time::Instant;
use crate::tweets::site::client::{Client, Command};
use crate::tweets::site::config::Config;
use crate::tweets::site::message::{Message, Record};
use crate::tweets::site::note::Note;
use crate::tweets::site::site::Site;
use crate::tweets::timeline::Page;
use crate::wire::{Reader, WireError};

/// A site, or a client of it.
#[derive(Clone, Debug)]
pub enum Bird {
    /// A member of the cluster.
    Site(Box<Site>),
    /// One who asks.
    Client(Box<Client>),
}

impl Bird {
    /// The site, if it is one.
    pub fn as_site(&self) -> Option<&Site> {
        match self {
            Bird::Site(site) => Some(site),
            Bird::Client(_) => None,
        }
    }

    /// The client, if it is one.
    pub fn as_client(&self) -> Option<&Client> {
        match self {
            Bird::Site(_) => None,
            Bird::Client(client) => Some(client),
        }
    }
}

impl Process for Bird {
    type Message = Message;
    type Record = Record;
    type Note = Note;
    type Command = Command;
    type Config = Config;

    /// Of each tweet a page looks at its author and at who blocks, and at the text of those that it shows.
    const LOOKS_MAX: u64 = 4 * Page::LOOKED_MAX as u64;

    fn start(
        config: &Config,
        id: ProcessId,
        seed: Seed,
        recovered: Recovered<Record>,
    ) -> Result<Bird, Damage> {
        match id {
            ProcessId::Site(site) => Ok(Bird::Site(Box::new(Site::recover(config, site, seed, recovered)?))),
            ProcessId::Terminal(_) | ProcessId::Client(_) => {
                Ok(Bird::Client(Box::new(Client::new(config, id, seed))))
            }
        }
    }

    fn handle(&mut self, now: Instant, input: Input<Bird>, effects: &mut Effects<Bird>) {
        let now = match self {
            Bird::Site(site) => site.clock.read(now),
            Bird::Client(client) => client.clock.read(now),
        };
        match (self, input) {
            (Bird::Site(site), Input::Message { from, message }) => {
                site.on_message(now, from, message, effects)
            }
            (Bird::Site(site), Input::Wake) => site.on_wake(now, effects),
            (Bird::Site(site), Input::DiskSpace { is_low }) => site.on_disk_space(now, is_low, effects),
            (Bird::Site(site), Input::Command(command)) => {
                panic!("{} is a site and takes no command, given {command}", site.status().site)
            }
            (Bird::Client(client), Input::Message { from, message }) => {
                client.on_message(now, from, message, effects)
            }
            (Bird::Client(client), Input::Wake) => client.on_wake(now, effects),
            (Bird::Client(client), Input::Command(command)) => client.on_command(now, command, effects),
            (Bird::Client(_), Input::DiskSpace { .. }) => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        match self {
            Bird::Site(site) => {
                let (due, reason) = site.deadline();
                Some((site.clock.shown(due), reason))
            }
            Bird::Client(client) => client.deadline().map(|(due, reason)| (client.clock.shown(due), reason)),
        }
    }

    fn role(&self) -> Role {
        match self {
            Bird::Site(site) => site.role(),
            Bird::Client(_) => Role::Client,
        }
    }

    fn progress(&self) -> u64 {
        match self {
            Bird::Site(site) => site.replica().applied().0,
            Bird::Client(_) => 0,
        }
    }

    /// A site draws how long it waits for a leader; a client draws nothing that anything depends on.
    fn rekey(&mut self, salt: u64) {
        match self {
            Bird::Site(site) => site.rekey(salt),
            Bird::Client(_) => {}
        }
    }

    fn looks(&self) -> u64 {
        match self {
            Bird::Site(site) => site.looks(),
            Bird::Client(_) => 0,
        }
    }

    fn unanswered(&self) -> usize {
        match self {
            Bird::Site(_) => 0,
            Bird::Client(client) => client.unanswered(),
        }
    }

    fn sizes(&self, see: impl FnMut(Size)) {
        match self {
            Bird::Site(site) => site.sizes(see),
            Bird::Client(client) => client.sizes(see),
        }
    }
}

impl Savable for Bird {
    const CODE: &'static str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("AVIARY_CODE"));

    fn save(&self, out: &mut Vec<u8>) {
        match self {
            Bird::Site(site) => site.save(out),
            Bird::Client(client) => client.save(out),
        }
    }

    fn load(config: &Config, id: ProcessId, bytes: &[u8]) -> Result<Bird, WireError> {
        let mut input = Reader::new(bytes);
        let bird = match id {
            ProcessId::Site(site) => Bird::Site(Box::new(Site::load(config, site, &mut input)?)),
            ProcessId::Terminal(_) | ProcessId::Client(_) => {
                Bird::Client(Box::new(Client::load(config, id, &mut input)?))
            }
        };
        input.finish().map(|()| bird)
    }
}
