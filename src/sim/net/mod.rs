//! The simulated network: what becomes of a datagram between its sender and its receiver.

use alloc::boxed::Box;

use crate::ids::SiteSet;
use crate::mix::Seed;
use crate::sim::net::clogs::Clogs;
use crate::sim::net::fates::Fates;
use crate::sim::net::ledger::Ledger;
use crate::sim::net::links::Links;
use crate::sim::net::packets::Packets;
use crate::sim::net::rules::Rules;
use crate::sim::net::settings::NetworkSettings;
use crate::sim::net::wires::Wires;

pub(crate) mod clogs;
pub mod crossing;
pub(crate) mod damage;
pub(crate) mod fates;
pub mod ledger;
pub(crate) mod links;
pub(crate) mod packets;
pub mod rule;
pub(crate) mod rules;
pub(crate) mod sending;
pub mod settings;
pub(crate) mod wires;

/// Everything between the processes.
#[derive(Clone)]
pub(crate) struct Net<M> {
    pub(crate) packets: Packets<M>,
    pub(crate) fates: Fates,
    pub(crate) rules: Rules,
    pub(crate) links: Links,
    pub(crate) clogs: Clogs,
    pub(crate) wires: Wires,
    /// Whether the network does more than lose, delay and double.
    pub(crate) is_rough: bool,
    /// The healed core, once faults have stopped: no rule and no chance touches what its processes send each other.
    pub(crate) core: Option<SiteSet>,
    /// What chance made of every datagram, if somebody asked.
    pub(crate) ledger: Option<Box<Ledger>>,
}

impl<M> Net<M> {
    pub(crate) fn new(seed: Seed, sites: SiteSet, clients: u16, network: &NetworkSettings) -> Net<M> {
        Net {
            packets: Packets::new(),
            fates: Fates::new(seed),
            rules: Rules::new(),
            links: Links::new(sites, clients),
            clogs: Clogs::default(),
            wires: Wires::new(clients, network.bandwidth),
            is_rough: network.is_rough(),
            core: None,
            ledger: None,
        }
    }
}
