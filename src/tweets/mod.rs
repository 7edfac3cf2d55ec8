//! The tweet service: a social timeline replicated at several sites, its scenario vocabulary, judges and real clients.

#[cfg(feature = "udp")]
pub mod client;
pub mod judges;
#[cfg(feature = "scenario")]
pub mod service;
pub mod site;
pub mod timeline;
