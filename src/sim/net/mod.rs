//! The simulated network: what becomes of a datagram between its sender and its receiver.

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
