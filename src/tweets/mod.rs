//! The service: a social timeline at several sites, what it says in scenarios, its judges, and its real clients.

#[cfg(feature = "udp")]
pub mod client;
pub mod judges;
#[cfg(feature = "scenario")]
pub mod service;
pub mod site;
pub mod timeline;
