//! `sites.ron`: who is where, and the cluster's limits and times. Read once, checked whole.
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

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use serde::Deserialize;

use crate::frame::{DATAGRAM_DEFAULT, DATAGRAM_MAX};
use crate::ids::{SITES_MAX, SiteId};
use crate::outbox::SyncMode;
use crate::ron_file::{BadFile, Place, Problem};
use crate::site::config::{Config, ConfigError as Unfit};
use crate::time::Duration;
use crate::udp::seal::{SEAL_BYTES, SEALED_MIN};
use crate::udp::{KeyNumber, KeySet};

/// What stands in `sites.ron`, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sites {
    /// Which cluster; datagrams and storage of another are refused.
    pub cluster: u64,
    /// Every site, in the order of their numbers: 1 to 9, with an address each.
    pub members: Vec<Member>,
    /// Whether a site goes on while it syncs.
    pub sync: SyncMode,
    /// No datagram is larger, in bytes, sealed as it is.
    pub datagram_max: usize,
    /// Client keys that sites do not hear: those that were revoked.
    pub denied: KeySet,
    /// What its sites and clients are configured with.
    pub config: Config,
}

/// One site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Where the others reach it.
    pub address: SocketAddr,
    /// For people: what fails together. May be empty.
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

/// See [`Config`]. What is left out is as usual.
#[derive(Default, Deserialize)]
#[serde(rename = "limits", deny_unknown_fields, default)]
struct Limits {
    datagram_max: Option<usize>,
    window: Option<u64>,
    batch: Option<usize>,
    fetch_max: Option<u64>,
    queue_max: Option<usize>,
    forward_max: Option<usize>,
    sessions_max: Option<usize>,
    parked_max: Option<usize>,
    reads_max: Option<usize>,
    client_queue_max: Option<usize>,
}

/// See [`Config`]. What is left out is as usual.
#[derive(Default, Deserialize)]
#[serde(rename = "timeouts", deny_unknown_fields, default)]
struct Timeouts {
    heartbeat: Option<Duration>,
    election: Option<Duration>,
    election_jitter: Option<Duration>,
    retry: Option<Duration>,
    parked_for: Option<Duration>,
    taken_after: Option<Duration>,
    propose_after: Option<Duration>,
    chosen_after: Option<Duration>,
    client_retry: Option<Duration>,
    session_idle: Option<Duration>,
}

impl Sites {
    /// A cluster with the usual limits and times.
    pub fn new(cluster: u64, members: Vec<Member>) -> Sites {
        let count = u8::try_from(members.len()).expect("at most 9 sites");
        let config =
            configured(count, DATAGRAM_DEFAULT - SEAL_BYTES, &Limits::default(), &Timeouts::default());
        Sites {
            cluster,
            members,
            sync: SyncMode::default(),
            datagram_max: DATAGRAM_DEFAULT,
            denied: KeySet::default(),
            config,
        }
    }

    /// The same cluster with another limit on datagrams, and the limits that follow from it; an error says what is allowed.
    pub fn with_datagram_max(self, datagram_max: usize) -> Result<Sites, String> {
        if !(SEALED_MIN..=DATAGRAM_MAX).contains(&datagram_max) {
            return Err(format!(
                "datagrams of {datagram_max} bytes, expected {SEALED_MIN} to {DATAGRAM_MAX}"
            ));
        }
        let (limits, timeouts) = (Limits::default(), Timeouts::default());
        let config = configured(self.config.sites, datagram_max - SEAL_BYTES, &limits, &timeouts);
        Ok(Sites { datagram_max, config, ..self })
    }

    /// One number for everything that all sites must have alike: sites that read different files would count
    /// different quorums, or make different things of one log, so they do not hear each other.
    pub fn configuration(&self) -> u32 {
        let addresses: Vec<String> = self.addresses().iter().map(SocketAddr::to_string).collect();
        let limits = [self.datagram_max, self.config.sessions_max].map(|limit| limit.to_string());
        crc32fast::hash([limits.join(" "), addresses.join(" ")].join(" ").as_bytes())
    }

    /// Where each site is.
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

    /// Reads `text`; `file` is what errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Sites, BadFile> {
        let extensions = ron::extensions::Extensions::IMPLICIT_SOME;
        let options = ron::Options::default().with_default_extension(extensions);
        let form: Form = options.from_str(text).map_err(|error| BadFile::from_ron(file, text, &error))?;
        form.check().map_err(|problems| BadFile::from_problems(file, text, &problems))
    }

    /// The site with this number, if there is one.
    pub fn site(&self, number: u8) -> Option<SiteId> {
        SiteId::new(number).filter(|site| site.index() < self.members.len())
    }

    /// The text of a new file: the limits and times that it does not have otherwise are shown as they are.
    pub fn to_text(&self) -> String {
        let line = |(id, Member { address, region }): (usize, &Member)| {
            format!("        (id: {id}, address: \"{address}\", region: {region:?}),\n")
        };
        let list: String = self.members.iter().enumerate().map(line).collect();
        let sync = match self.sync {
            SyncMode::Overlapped => "Overlapped",
            SyncMode::Blocking => "Blocking",
        };
        let Config {
            window,
            batch,
            fetch_max,
            queue_max,
            forward_max,
            sessions_max,
            parked_max,
            reads_max,
            client_queue_max,
            ..
        } = self.config;
        let time = |time: Duration| if time == Duration::ZERO { "0s".into() } else { time.to_string() };
        let [
            heartbeat,
            election,
            election_jitter,
            retry,
            parked_for,
            taken_after,
            propose_after,
            chosen_after,
            client_retry,
            session_idle,
        ] = [
            self.config.heartbeat,
            self.config.election,
            self.config.election_jitter,
            self.config.retry,
            self.config.parked_for,
            self.config.taken_after,
            self.config.propose_after,
            self.config.chosen_after,
            self.config.client_retry,
            self.config.session_idle,
        ]
        .map(time);
        let denied: Vec<String> = self.denied.iter().map(|key| key.number().to_string()).collect();
        let denied = denied.join(", ");
        format!(
            "// Every site of the cluster has this same file. Regions are for people: what may fail together.\n\
             Sites(\n    \
                 cluster: 0x{:016x},\n    \
                 sites: [\n{list}    ],\n    \
                 // Overlapped: a site with much to do goes on while it syncs. Blocking: it waits.\n    \
                 sync: {sync},\n    \
                 // Numbers of client keys that were revoked; restart the sites one by one after a change.\n    \
                 denied: [{denied}],\n    \
                 limits: (\n        \
                     // Bytes. Storage is formatted for this limit: raising it needs a new cluster.\n        \
                     datagram_max: {},\n        \
                     // Slots that a leader has under way, and events in one slot.\n        \
                     window: {window},\n        \
                     batch: {batch},\n        \
                     // Slots asked for at once in catching up.\n        \
                     fetch_max: {fetch_max},\n        \
                     // Events that wait in a site; beyond, clients are told that it is busy.\n        \
                     queue_max: {queue_max},\n        \
                     // Of those, how many a site has with the leader at once.\n        \
                     forward_max: {forward_max},\n        \
                     // Sessions of clients that are open; beyond, the one used longest ago goes. Storage is made for\n        \
                     // this limit, for what the log means depends on it: another one needs a new cluster.\n        \
                     sessions_max: {sessions_max},\n        \
                     // Queries that wait for a site to catch up.\n        \
                     parked_max: {parked_max},\n        \
                     // Linearizable views that wait for an answer of the other sites, or to catch up.\n        \
                     reads_max: {reads_max},\n        \
                     // Commands that wait in a terminal or client.\n        \
                     client_queue_max: {client_queue_max},\n    \
                 ),\n    \
                 timeouts: (\n        \
                     heartbeat: \"{heartbeat}\",\n        \
                     // Without a word of the leader for this long, and some jitter, a site campaigns.\n        \
                     election: \"{election}\",\n        \
                     election_jitter: \"{election_jitter}\",\n        \
                     // Unanswered messages between sites, and of clients, are sent again after these.\n        \
                     retry: \"{retry}\",\n        \
                     client_retry: \"{client_retry}\",\n        \
                     // A client whose session was idle for this long opens another one before it asks.\n        \
                     session_idle: \"{session_idle}\",\n        \
                     // How long a query waits for a site to catch up.\n        \
                     parked_for: \"{parked_for}\",\n        \
                     // A client whose event is not in the log after this long is told that it waits.\n        \
                     taken_after: \"{taken_after}\",\n        \
                     // A leader waits for this long for more to propose with what it is asked for.\n        \
                     propose_after: \"{propose_after}\",\n        \
                     // A leader that goes idle says after this what is in the log, if nobody waits for it.\n        \
                     chosen_after: \"{chosen_after}\",\n    \
                 ),\n\
             )\n",
            self.cluster, self.datagram_max,
        )
    }
}

impl Form {
    fn check(self) -> Result<Sites, Vec<Problem>> {
        let mut problems = Vec::new();
        let members = check_members(self.sites, &mut problems);
        let Some(count) = u8::try_from(members.len()).ok().filter(|_| problems.is_empty()) else {
            return Err(problems);
        };
        let limits = Place::whole().field("limits");
        let datagram_max = self.limits.datagram_max.unwrap_or(DATAGRAM_DEFAULT);
        if !(SEALED_MIN..=DATAGRAM_MAX).contains(&datagram_max) {
            let message = format!("datagram_max is {datagram_max}");
            let help = format!("expected {SEALED_MIN} to {DATAGRAM_MAX} bytes");
            return Err(vec![Problem::new(limits.field("datagram_max"), message).help(help)]);
        }
        let denied = check_denied(&self.denied)?;
        let config = configured(count, datagram_max - SEAL_BYTES, &self.limits, &self.timeouts);
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
        if first.get_or_insert(address).is_ipv4() != address.is_ipv4() {
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
    Ok(address)
}

/// What suits real sites under load: more in one slot, and more with the leader, than shows anything in a simulation.
fn usual(count: u8) -> Config {
    Config {
        taken_after: Duration::from_millis(20),
        // A moment only: what a host takes in one turn goes together.
        propose_after: Duration::from_micros(1),
        chosen_after: Duration::from_millis(1),
        batch: 256,
        forward_max: 1_024,
        queue_max: 4_096,
        ..Config::new(count)
    }
}

/// The usual configuration with what the file says otherwise. With large datagrams fewer slots are under way, so that
/// what a leader may have to write at once stays within its bound.
fn configured(count: u8, datagram_max: usize, limits: &Limits, timeouts: &Timeouts) -> Config {
    let usual = usual(count);
    let room = Config::open_max_for(datagram_max);
    Config {
        datagram_max,
        window: limits.window.unwrap_or(usual.window.min(room)),
        batch: limits.batch.unwrap_or(usual.batch),
        fetch_max: limits.fetch_max.unwrap_or(usual.fetch_max.min(room)),
        queue_max: limits.queue_max.unwrap_or(usual.queue_max),
        forward_max: limits.forward_max.unwrap_or(usual.forward_max),
        sessions_max: limits.sessions_max.unwrap_or(usual.sessions_max),
        parked_max: limits.parked_max.unwrap_or(usual.parked_max),
        reads_max: limits.reads_max.unwrap_or(usual.reads_max),
        client_queue_max: limits.client_queue_max.unwrap_or(usual.client_queue_max),
        heartbeat: timeouts.heartbeat.unwrap_or(usual.heartbeat),
        election: timeouts.election.unwrap_or(usual.election),
        election_jitter: timeouts.election_jitter.unwrap_or(usual.election_jitter),
        retry: timeouts.retry.unwrap_or(usual.retry),
        parked_for: timeouts.parked_for.unwrap_or(usual.parked_for),
        taken_after: timeouts.taken_after.unwrap_or(usual.taken_after),
        propose_after: timeouts.propose_after.unwrap_or(usual.propose_after),
        chosen_after: timeouts.chosen_after.unwrap_or(usual.chosen_after),
        client_retry: timeouts.client_retry.unwrap_or(usual.client_retry),
        session_idle: timeouts.session_idle.unwrap_or(usual.session_idle),
        ..usual
    }
}

/// Where a limit or a time that does not fit is written.
fn place_of(unfit: &Unfit) -> Place {
    let (list, name) = match unfit {
        Unfit::HeartbeatTooSlow => ("timeouts", "heartbeat"),
        Unfit::WindowTooLarge(_) => ("limits", "window"),
        Unfit::OutOfRange { name, .. } => match name.split_once(" in us") {
            Some((name, _)) => ("timeouts", name),
            None => ("limits", *name),
        },
    };
    Place::whole().field(list).field(name)
}

/// Why `sites.ron` cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigError {
    /// It cannot be read, for this reason.
    Unreadable(String, String),
    /// What stands there is wrong.
    Wrong(BadFile),
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            ConfigError::Unreadable(file, error) => {
                write!(f, "{file}: failed to read: {error}; `site init` writes one")
            }
            ConfigError::Wrong(bad) => {
                let first = &bad.diagnostics[0];
                writeln!(f, "{}:{}: {}", first.line, first.column, first.message)?;
                write!(f, "{bad}")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<Member> {
        let member =
            |address: &str, region: &str| Member { address: address.parse().unwrap(), region: region.into() };
        vec![member("127.0.0.1:7100", "north \"quoted\""), member("127.0.0.1:7101", "")]
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut sites = Sites::new(u64::MAX, two());
        assert_eq!(Sites::parse("sites.ron", &sites.to_text()).unwrap(), sites);
        sites.sync = SyncMode::Blocking;
        assert!([0, 63].into_iter().filter_map(KeyNumber::new).all(|key| sites.denied.insert(key)));
        sites.datagram_max = 1_400;
        sites.config.datagram_max = 1_400 - SEAL_BYTES;
        sites.config.window = 7;
        sites.config.sessions_max = 64;
        sites.config.session_idle = Duration::from_secs(5);
        sites.config.heartbeat = Duration::from_micros(51_500);
        sites.config.parked_for = Duration::ZERO;
        assert_eq!(Sites::parse("sites.ron", &sites.to_text()).unwrap(), sites);
        let short =
            "Sites(cluster: 1, sites: [(id: 1, address: \"[::1]:9\"), (id: 0, address: \"[::1]:8\")])";
        let read = Sites::parse("sites.ron", short).unwrap();
        assert_eq!((read.sync, read.datagram_max), (SyncMode::Overlapped, DATAGRAM_DEFAULT));
        assert_eq!(read.members[1].address, "[::1]:9".parse().unwrap());
        assert_eq!((read.site(1), read.site(2)), (SiteId::new(1), None));
    }

    #[test]
    fn large_datagrams_leave_room_for_fewer_slots() {
        let text = "Sites(cluster: 1, sites: [(id: 0, address: \"[::1]:9\")], limits: (datagram_max: 60000))";
        let read = Sites::parse("sites.ron", text).unwrap();
        assert_eq!((read.config.window, read.config.fetch_max), (13, 13));
    }

    #[test]
    fn a_wrong_file_is_refused_at_its_place() {
        let mut wrong = String::new();
        let mut check = |text: &str, place: (usize, usize), message: &str, help: &str| {
            let bad = Sites::parse("sites.ron", text).unwrap_err();
            let first = &bad.diagnostics[0];
            let shown = first.help.clone().unwrap_or_default();
            if (first.line, first.column) != place
                || !first.message.contains(message)
                || !shown.contains(help)
            {
                wrong += &format!("expected {place:?}: {message}, {help}\n{bad:?}\n");
            }
        };
        let site = |id: usize, address: &str| format!("(id: {id}, address: \"{address}\")");
        let list = |sites: &[String]| format!("Sites(cluster: 1,\nsites: [{}])", sites.join(",\n"));
        let ten: Vec<String> = (0..10).map(|n| site(n, &format!("10.0.0.{}:1", n + 1))).collect();
        check(&list(&ten), (2, 8), "10 sites", "a cluster has 1 to 9");
        check(&list(&[]), (2, 8), "0 sites", "a cluster has 1 to 9");
        check(&list(&[site(0, "::1")]), (2, 26), "\"::1\" is no address", "an IP address and a port");
        check(&list(&[site(0, "0.0.0.0:5")]), (2, 26), "nobody can send to 0.0.0.0:5", "an IP address");
        check(&list(&[site(0, "1.1.1.1:0")]), (2, 26), "nobody can send to 1.1.1.1:0", "an IP address");
        let twice = [site(0, "1.1.1.1:1"), site(1, "1.1.1.1:1")];
        check(&list(&twice), (3, 18), "another site has the address 1.1.1.1:1", "give each its own");
        let twice = [site(0, "1.1.1.1:1"), site(0, "1.1.1.2:1")];
        check(&list(&twice), (3, 6), "another site has the id 0", "give each its own");
        let gap = [site(0, "1.1.1.1:1"), site(2, "1.1.1.2:1")];
        check(&list(&gap), (3, 6), "there is no site 2 among 2", "numbered 0 to 1");
        let mixed = [site(0, "1.1.1.1:1"), site(1, "[::1]:1")];
        check(&list(&mixed), (3, 18), "cannot reach the others", "IPv4 or IPv6");
        let one = site(0, "1.1.1.1:1");
        let with = |rest: &str| format!("Sites(cluster: 1, sites: [{one}],\n{rest})");
        check(&with("port: 1"), (2, 1), "unknown field `port`", "expected `cluster`, `sites`");
        check(&with("sync: Never"), (2, 7), "unknown sync `Never`", "`Overlapped` or `Blocking`");
        check(&with("denied: [3, 64]"), (2, 13), "there is no client key 64", "numbered 0 to 63");
        check(&with("denied: [3, 4, 3]"), (2, 16), "client key 3 is denied twice", "leave one");
        check(&with("limits: (datagram_max: 9)"), (2, 24), "datagram_max is 9", "1090 to 65507 bytes");
        check(&with("limits: (windw: 9)"), (2, 10), "unknown field `windw`", "did you mean `window`?");
        check(&with("limits: (window: 0)"), (2, 18), "window is 0, expected 1 to 4096", "");
        check(&with("limits: (window: 4096)"), (2, 18), "window or fetch_max is too large", "");
        check(&with("limits: (sessions_max: 0)"), (2, 24), "sessions_max is 0, expected 1 to 65536", "");
        check(
            &with("timeouts: (session_idle: \"0s\")"),
            (2, 26),
            "session_idle in us is 0, expected 1 to",
            "",
        );
        check(&with("timeouts: (heartbeat: 50)"), (2, 23), "expected a number and a unit", "");
        check(&with("timeouts: (heartbeat: \"1s\")"), (2, 23), "at most half of election", "");
        check(&with("timeouts: (retry: \"0s\")"), (2, 19), "retry in us is 0, expected 1 to", "");
        check("Sites(cluster: 1)", (1, 17), "the field `sites` is missing", "");
        check(&format!("Sites(cluster: 1, sites: [{one}"), (1, 55), "expected comma", "");
        assert!(wrong.is_empty(), "{wrong}");
    }

    #[test]
    fn sites_that_read_different_files_have_different_configurations() {
        let configuration = |second: &str, rest: &str| {
            let text = format!(
                "Sites(cluster: 1, sites: [(id: 0, address: \"1.1.1.1:1\"), (id: 1, address: \"{second}\")]{rest})"
            );
            Sites::parse("sites.ron", &text).unwrap().configuration()
        };
        let two = configuration("1.1.1.2:1", "");
        let own = ", sync: Blocking, timeouts: (heartbeat: \"60ms\")";
        assert_eq!(two, configuration("1.1.1.2:1", own), "how a site syncs is its own affair");
        assert_eq!(two, configuration("1.1.1.2:1", ", denied: [3]"), "denying is rolled out site by site");
        assert_ne!(two, configuration("1.1.1.2:2", ""));
        assert_ne!(two, configuration("1.1.1.2:1", ", limits: (datagram_max: 1100)"));
        assert_ne!(
            two,
            configuration("1.1.1.2:1", ", limits: (sessions_max: 64)"),
            "they would fold one log apart"
        );
    }

    #[test]
    fn an_error_shows_the_line_and_a_missing_file_its_cure() {
        let error = Sites::parse("sites.ron", "Sites(\n  cluster: x)").unwrap_err().to_string();
        assert!(error.contains("2 |   cluster: x)"), "{error}");
        let error = Sites::read(Path::new("/nowhere/sites.ron")).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/sites.ron: failed to read: "), "{error}");
        assert!(error.ends_with("`site init` writes one"), "{error}");
    }
}
