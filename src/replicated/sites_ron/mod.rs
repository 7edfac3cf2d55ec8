//! Reads and writes `sites.ron`: where each site is, and the cluster's limits and times. It is read once, checked
//! whole.
//!
//! ```ron
//! Sites(
//!     cluster: 0x5d1c0c2f9d0e3a77,
//!     sites: [
//!         (id: 0, address: "192.0.2.10:7100", region: "north"),
//!         (id: 1, address: "192.0.2.11:7100", region: "north"),
//!         (id: 2, address: "198.51.100.7:7100", region: "south"),
//!     ],
//!     sync: Overlapped,
//!     denied: [3],
//!     limits: (datagram_max: 1200, queue_max: 1024),
//!     timeouts: (heartbeat: "50ms", election: "300ms"),
//! )
//! ```
//!
//! All but `cluster` and `sites` may be left out, and so may each limit and timeout. Every site of a cluster has the
//! same file.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use serde::Deserialize;

use crate::frame::{DATAGRAM_DEFAULT, DATAGRAM_MAX};
use crate::ids::{SITES_MAX, SiteId};
use crate::outbox::SyncMode;
use crate::replicated::config::{Config, ConfigError as Unfit, Limits, Setting, Timeouts};
use crate::ron_file::{BadFile, Place, Problem, without_mark};
use crate::time::Duration;
use crate::udp::seal::{SEAL_BYTES, SEALED_MIN};
use crate::udp::{KeyNumber, KeySet};

/// The contents of `sites.ron`, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sites {
    /// The cluster's number. Datagrams and storage of another cluster are refused.
    pub cluster: u64,
    /// Every site, in the order of their numbers: 1 to 9, with an address each.
    pub members: Vec<Member>,
    /// Whether a site goes on while it syncs.
    pub sync: SyncMode,
    /// The largest datagram, in bytes, with its seal.
    pub datagram_max: usize,
    /// Client keys that were revoked: sites do not hear them.
    pub denied: KeySet,
    /// The configuration of its sites and clients.
    pub config: Config,
}

/// One site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// The address at which the others reach it.
    pub address: SocketAddr,
    /// A hint for people: which sites fail together. May be empty.
    pub region: String,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(rename = "Sites", deny_unknown_fields)]
struct Form {
    cluster: u64,
    sites: Vec<MemberForm>,
    #[serde(default, with = "SyncForm")]
    sync: SyncMode,
    #[serde(default)]
    denied: Vec<u64>,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    timeouts: Timeouts,
}

#[derive(Deserialize)]
#[serde(rename = "site", deny_unknown_fields)]
struct MemberForm {
    id: u8,
    address: String,
    #[serde(default)]
    region: String,
}

/// The form of [`SyncMode`] in the file.
#[derive(Deserialize)]
#[serde(remote = "SyncMode", rename = "sync")]
enum SyncForm {
    Overlapped,
    Blocking,
}

impl Sites {
    /// A cluster with the usual limits and times.
    pub fn new(cluster: u64, members: Vec<Member>) -> Sites {
        let count = u8::try_from(members.len()).expect("at most 9 sites");
        Sites {
            cluster,
            members,
            sync: SyncMode::default(),
            datagram_max: DATAGRAM_DEFAULT,
            denied: KeySet::default(),
            config: usual(count, DATAGRAM_DEFAULT - SEAL_BYTES),
        }
    }

    /// The same cluster with another limit on datagrams, and the limits that follow from it. The error says what is
    /// allowed.
    pub fn with_datagram_max(self, datagram_max: usize) -> Result<Sites, String> {
        if !(SEALED_MIN..=DATAGRAM_MAX).contains(&datagram_max) {
            return Err(format!(
                "datagrams of {datagram_max} bytes, expected {SEALED_MIN} to {DATAGRAM_MAX}"
            ));
        }
        let config = usual(self.config.sites, datagram_max - SEAL_BYTES);
        Ok(Sites { datagram_max, config, ..self })
    }

    /// One number for everything that must be the same at all sites. Sites that read different files would count
    /// different quorums, or make different states of one log, so they do not hear each other.
    pub fn configuration(&self) -> u32 {
        let addresses: Vec<String> = self.addresses().iter().map(SocketAddr::to_string).collect();
        let limits = [self.datagram_max, self.config.sessions_max].map(|limit| limit.to_string());
        crc32fast::hash([limits.join(" "), addresses.join(" ")].join(" ").as_bytes())
    }

    /// The address of each site.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.members.iter().map(|member| member.address).collect()
    }

    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Sites, ConfigError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Sites::parse(&file, &text).map_err(ConfigError::Wrong),
            Err(error) => Err(ConfigError::Unreadable(file, error.to_string())),
        }
    }

    /// Parses `text`. Errors call it `file`.
    pub fn parse(file: &str, text: &str) -> Result<Sites, BadFile> {
        let extensions = ron::extensions::Extensions::IMPLICIT_SOME;
        let options = ron::Options::default().with_default_extension(extensions);
        let text = without_mark(text);
        let form: Form = options.from_str(text).map_err(|error| BadFile::from_ron(file, text, &error))?;
        form.check().map_err(|problems| BadFile::from_problems(file, text, &problems))
    }

    /// The site with this number, if there is one.
    pub fn site(&self, number: u8) -> Option<SiteId> {
        SiteId::new(number).filter(|site| site.index() < self.members.len())
    }

    /// The text of a written file, which shows every limit and timeout.
    pub fn to_text(&self) -> String {
        let line = |(id, Member { address, region }): (usize, &Member)| {
            format!("        (id: {id}, address: \"{address}\", region: {region:?}),\n")
        };
        let list: String = self.members.iter().enumerate().map(line).collect();
        let sync = match self.sync {
            SyncMode::Overlapped => "Overlapped",
            SyncMode::Blocking => "Blocking",
        };
        let denied: Vec<String> = self.denied.iter().map(|key| key.number().to_string()).collect();
        let denied = denied.join(", ");
        format!(
            "// Every site of the cluster has this same file. Regions are for people: sites that may fail together.\n\
             Sites(\n    \
                 cluster: 0x{:016x},\n    \
                 sites: [\n{list}    ],\n    \
                 // Overlapped: a site with much to do goes on while it syncs. Blocking: it waits for each sync.\n    \
                 sync: {sync},\n    \
                 // Numbers of revoked client keys. Restart the sites one by one after a change.\n    \
                 denied: [{denied}],\n\
             {}\
             )\n",
            self.cluster,
            self.sections(),
        )
    }

    /// The limits and timeouts in their sections, each below its comment.
    fn sections(&self) -> String {
        let settings = Config { datagram_max: self.datagram_max, ..self.config.clone() }.settings();
        let mut text = String::new();
        for section in settings.chunk_by(|one, next| one.section == next.section) {
            text += &format!("    {}: (\n", section[0].section);
            for Setting { name, value, comment, .. } in section {
                text.extend(comment.lines().map(|line| format!("        // {line}\n")));
                text += &format!("        {name}: {value},\n");
            }
            text += "    ),\n";
        }
        text
    }
}

impl Form {
    fn check(mut self) -> Result<Sites, Vec<Problem>> {
        let mut problems = Vec::new();
        let members = check_members(self.sites, &mut problems);
        let Some(count) = u8::try_from(members.len()).ok().filter(|_| problems.is_empty()) else {
            return Err(problems);
        };
        // The file limits sealed datagrams; the service's configuration limits their contents.
        let datagram_max = self.limits.datagram_max.take().unwrap_or(DATAGRAM_DEFAULT);
        if !(SEALED_MIN..=DATAGRAM_MAX).contains(&datagram_max) {
            let message = format!("datagram_max is {datagram_max}");
            let help = format!("expected {SEALED_MIN} to {DATAGRAM_MAX} bytes");
            let place = Place::whole().field("limits").field("datagram_max");
            return Err(vec![Problem::new(place, message).help(help)]);
        }
        let denied = check_denied(&self.denied)?;
        let mut config = usual(count, datagram_max - SEAL_BYTES);
        self.limits.apply(&mut config);
        self.timeouts.apply(&mut config);
        if let Err(unfit) = config.check() {
            return Err(vec![Problem::new(place_of(&unfit), unfit.to_string())]);
        }
        Ok(Sites { cluster: self.cluster, members, sync: self.sync, datagram_max, denied, config })
    }
}

fn check_denied(numbers: &[u64]) -> Result<KeySet, Vec<Problem>> {
    let (mut denied, mut problems) = (KeySet::default(), Vec::new());
    for (index, number) in numbers.iter().enumerate() {
        let mut object = |message: String, help: String| {
            let place = Place::whole().field("denied").index(index);
            problems.push(Problem::new(place, message).help(help));
        };
        match u8::try_from(*number).ok().and_then(KeyNumber::new) {
            None => object(
                format!("there is no client key {number}"),
                format!("client keys are numbered 0 to {}", KeyNumber::COUNT - 1),
            ),
            Some(key) if !denied.insert(key) => {
                object(format!("client key {number} is denied twice"), "leave one of the two out".into());
            }
            Some(_) => {}
        }
    }
    if problems.is_empty() { Ok(denied) } else { Err(problems) }
}

fn check_members(forms: Vec<MemberForm>, problems: &mut Vec<Problem>) -> Vec<Member> {
    let list = Place::whole().field("sites");
    let count = forms.len();
    if count == 0 || count > usize::from(SITES_MAX) {
        let help = format!("a cluster has 1 to {SITES_MAX}");
        problems.push(Problem::new(list.clone(), format!("{count} sites")).help(help));
        return Vec::new();
    }
    let mut members: Vec<Option<Member>> = vec![None; count];
    let mut first: Option<SocketAddr> = None;
    let mut are_mixed = false;
    for (at, MemberForm { id, address, region }) in forms.into_iter().enumerate() {
        let place = list.index(at);
        let mut object = |name, message: String, help: &str| {
            problems.push(Problem::new(place.field(name), message).help(help));
        };
        let address = match check_address(&address) {
            Ok(address) => address,
            Err(message) => {
                object(
                    "address",
                    message,
                    "an IP address and a port, like \"192.0.2.1:7100\" or \"[2001:db8::1]:7100\"",
                );
                continue;
            }
        };
        let others = members.iter().flatten();
        if others.clone().any(|other| other.address == address) {
            object("address", format!("another site has the address {address}"), "give each its own");
        }
        // Only the first address that differs from the first one is reported.
        if first.get_or_insert(address).is_ipv4() != address.is_ipv4()
            && !core::mem::replace(&mut are_mixed, true)
        {
            object("address", format!("{address} cannot reach the others"), "use IPv4 or IPv6 for all");
        }
        match members.get_mut(usize::from(id)) {
            None => {
                let help = format!("{count} sites are numbered 0 to {}", count - 1);
                object("id", format!("there is no site {id} among {count}"), &help);
            }
            Some(Some(_)) => object("id", format!("another site has the id {id}"), "give each its own"),
            Some(free) => *free = Some(Member { address, region }),
        }
    }
    members.into_iter().flatten().collect()
}

fn check_address(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| format!("{text:?} is no address"))?;
    let is_unspecified = match address.ip() {
        IpAddr::V4(ip) => ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    if address.port() == 0 || is_unspecified {
        return Err(format!("nobody can send to {text}"));
    }
    check_unicast(address).map(|()| address)
}

/// Checks that a single program can have this address. The error says what the address is.
///
/// # Errors
/// When it is one of many: a multicast or a broadcast address.
pub fn check_unicast(address: SocketAddr) -> Result<(), String> {
    let (ip, shown) = (address.ip().to_canonical(), address.ip());
    if ip.is_multicast() {
        return Err(format!(
            "{shown} is a multicast address: it reaches many, and a site is one; use its own"
        ));
    }
    if ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(format!(
            "{shown} is the broadcast address: it reaches all, and a site is one; use its own"
        ));
    }
    Ok(())
}

/// The values that suit real sites under load: more in one slot, and more with the leader, than is needed in a
/// simulation. With large datagrams fewer slots are under way, so that the most that a leader writes at once stays
/// within its bound.
fn usual(count: u8, datagram_max: usize) -> Config {
    let (usual, room) = (Config::new(count), Config::open_max_for(datagram_max));
    Config {
        datagram_max,
        window: usual.window.min(room),
        fetch_max: usual.fetch_max.min(room),
        taken_after: Duration::from_millis(20),
        // Only for a moment: what a host takes in one turn goes together.
        propose_after: Duration::from_micros(1),
        chosen_after: Duration::from_millis(1),
        batch: 256,
        forward_max: 1_024,
        queue_max: 4_096,
        ..usual
    }
}

/// The place of the setting that does not fit.
fn place_of(unfit: &Unfit) -> Place {
    let whole = Place::whole();
    unfit.section().map_or(whole.clone(), |section| whole.field(section)).field(unfit.setting())
}

/// Why `sites.ron` cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// It cannot be read, for this reason.
    Unreadable(String, String),
    /// Its contents are wrong.
    Wrong(BadFile),
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ConfigError::Unreadable(file, error) => {
                write!(f, "{file}: failed to read: {error}; `site init` writes one")
            }
            ConfigError::Wrong(bad) => {
                // The caller that shows an error puts `error: ` in front of it.
                let text = bad.to_string();
                f.write_str(text.strip_prefix("error: ").unwrap_or(&text))
            }
        }
    }
}

impl std::error::Error for ConfigError {}
