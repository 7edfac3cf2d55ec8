//! `sites.ron`: who is where. Read once, checked whole.
//!
//! ```ron
//! Sites(
//!     cluster: 0x5d1c0c2f9d0e3a77,
//!     sites: ["127.0.0.1:7100", "127.0.0.1:7101", "127.0.0.1:7102"],
//!     sync: Overlapped,
//!     datagram_max: 1200,
//! )
//! ```
//!
//! `sync` and `datagram_max` may be left out. Every site of a cluster has the same file.

use core::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

use crate::frame::{DATAGRAM_DEFAULT, DATAGRAM_MAX, DATAGRAM_MIN};
use crate::ids::{SITES_MAX, SiteId};
use crate::outbox::SyncMode;

/// What stands in `sites.ron`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename = "Sites", deny_unknown_fields)]
pub struct Sites {
    /// Which cluster; datagrams and storage of another are refused.
    pub cluster: u64,
    /// Where each site is, in the order of their numbers: 1 to 9, all different.
    #[serde(rename = "sites", deserialize_with = "addresses")]
    pub addresses: Vec<SocketAddr>,
    /// Whether a site goes on while it syncs.
    #[serde(default, with = "SyncForm")]
    pub sync: SyncMode,
    /// No datagram is larger, in bytes.
    #[serde(default = "datagram_default", deserialize_with = "datagram_max")]
    pub datagram_max: usize,
}

/// The form of [`SyncMode`] in the file.
#[derive(Deserialize)]
#[serde(remote = "SyncMode", rename = "sync")]
enum SyncForm {
    Overlapped,
    Blocking,
}

fn datagram_default() -> usize {
    DATAGRAM_DEFAULT
}

fn datagram_max<'de, D: Deserializer<'de>>(input: D) -> Result<usize, D::Error> {
    let found = usize::deserialize(input)?;
    if (DATAGRAM_MIN..=DATAGRAM_MAX).contains(&found) {
        Ok(found)
    } else {
        let message = format!("datagram_max is {found}, expected {DATAGRAM_MIN} to {DATAGRAM_MAX}");
        Err(D::Error::custom(message))
    }
}

fn addresses<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<SocketAddr>, D::Error> {
    input.deserialize_seq(AddressList)
}

/// Checks each address where it stands, so that an error points there.
struct AddressList;

impl<'de> Visitor<'de> for AddressList {
    type Value = Vec<SocketAddr>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of 1 to {SITES_MAX} addresses like \"127.0.0.1:7100\"")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Vec<SocketAddr>, A::Error> {
        let mut found: Vec<SocketAddr> = Vec::new();
        while let Some(text) = input.next_element::<String>()? {
            let site = found.len();
            let address = check_address(&text).map_err(A::Error::custom)?;
            if site == usize::from(SITES_MAX) {
                let message = format!("more than {SITES_MAX} sites; a cluster has 1 to {SITES_MAX}");
                return Err(A::Error::custom(message));
            }
            if let Some(other) = found.iter().position(|other| *other == address) {
                let message =
                    format!("site {site} has the address of site {other}, {address}; give each its own");
                return Err(A::Error::custom(message));
            }
            if found.first().is_some_and(|first| first.is_ipv4() != address.is_ipv4()) {
                let message = format!("{address} and {} cannot reach each other; use IPv4 or IPv6", found[0]);
                return Err(A::Error::custom(message));
            }
            found.push(address);
        }
        if found.is_empty() {
            let message = format!("no site; a cluster has 1 to {SITES_MAX}");
            return Err(A::Error::custom(message));
        }
        Ok(found)
    }
}

fn check_address(text: &str) -> Result<SocketAddr, String> {
    let expected = "expected an IP address and a port, like \"127.0.0.1:7100\" or \"[::1]:7100\"";
    let address: SocketAddr = text.parse().map_err(|_| format!("{text:?} is no address: {expected}"))?;
    let is_unspecified = match address.ip() {
        IpAddr::V4(ip) => ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    if address.port() == 0 || is_unspecified {
        return Err(format!("nobody can send to {text}: {expected}"));
    }
    Ok(address)
}

impl Sites {
    /// One number for everything that all sites must have alike: sites that read different files would count
    /// different quorums, so they do not hear each other.
    pub fn configuration(&self) -> u32 {
        let addresses: Vec<String> = self.addresses.iter().map(SocketAddr::to_string).collect();
        crc32fast::hash(format!("{} {}", self.datagram_max, addresses.join(" ")).as_bytes())
    }

    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Sites, ConfigError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Sites::parse(&file, &text),
            Err(error) => Err(ConfigError { file, place: None, message: format!("failed to read: {error}") }),
        }
    }

    /// Reads `text`; `file` is what errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Sites, ConfigError> {
        ron::from_str(text).map_err(|error| {
            let (line, column) = (error.span.end.line, error.span.end.col);
            let excerpt = text.lines().nth(line.saturating_sub(1)).unwrap_or("").to_owned();
            let message = error.code.to_string();
            ConfigError { file: file.into(), place: Some((line, column, excerpt)), message }
        })
    }

    /// The site with this number, if there is one.
    pub fn site(&self, number: u8) -> Option<SiteId> {
        SiteId::new(number).filter(|site| site.index() < self.addresses.len())
    }

    /// The text of a new file.
    pub fn to_text(&self) -> String {
        let list: String = self.addresses.iter().map(|address| format!("        \"{address}\",\n")).collect();
        let sync = match self.sync {
            SyncMode::Overlapped => "Overlapped",
            SyncMode::Blocking => "Blocking",
        };
        format!(
            "// Every site of the cluster has this same file. The order of the addresses numbers the sites, from 0.\n\
             Sites(\n    \
                 cluster: 0x{:016x},\n    \
                 sites: [\n{list}    ],\n    \
                 // Overlapped: a site goes on while it syncs. Blocking: it waits.\n    \
                 sync: {sync},\n    \
                 // Bytes. Storage is formatted for this limit: raising it needs a new cluster.\n    \
                 datagram_max: {},\n\
             )\n",
            self.cluster, self.datagram_max,
        )
    }
}

/// What is wrong with `sites.ron`, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    file: String,
    /// Line and column from 1, and the text of that line.
    place: Option<(usize, usize, String)>,
    message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConfigError { file, place, message } = self;
        match place {
            None => write!(f, "{file}: {message}; `site init` writes one"),
            Some((line, column, excerpt)) => {
                let number = line.to_string();
                let (margin, gap) = (" ".repeat(number.len()), " ".repeat(column.saturating_sub(1)));
                write!(
                    f,
                    "{file}:{line}:{column}: {message}\n{margin} |\n{number} | {excerpt}\n{margin} | {gap}^"
                )
            }
        }
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let addresses = vec!["127.0.0.1:7100".parse().unwrap(), "127.0.0.1:7101".parse().unwrap()];
        let sites = Sites { cluster: u64::MAX, addresses, sync: SyncMode::Blocking, datagram_max: 1_400 };
        assert_eq!(Sites::parse("sites.ron", &sites.to_text()), Ok(sites.clone()));
        let short = "Sites(cluster: 1, sites: [\"[::1]:9\"])";
        let read = Sites::parse("sites.ron", short).unwrap();
        assert_eq!((read.sync, read.datagram_max), (SyncMode::Overlapped, DATAGRAM_DEFAULT));
        assert_eq!((sites.site(1), sites.site(2)), (SiteId::new(1), None));
    }

    #[test]
    fn a_wrong_file_is_refused_at_its_place() {
        let mut wrong = String::new();
        let mut check = |text: &str, place: &str, message: &str| {
            let error = Sites::parse("sites.ron", text).unwrap_err().to_string();
            if !error.starts_with(&format!("sites.ron:{place}: ")) || !error.contains(message) {
                wrong += &format!("expected {place}: {message}\n{error}\n");
            }
        };
        let ten = format!("Sites(cluster: 1, sites: [{}])", {
            (1..=10).map(|n| format!("\"10.0.0.{n}:1\",")).collect::<String>()
        });
        check(&ten, "1:158", "more than 9 sites; a cluster has 1 to 9");
        check("Sites(cluster: 1, sites: [])", "1:27", "no site; a cluster has 1 to 9");
        check("Sites(\n  cluster: 1,\n  sites: [\"::1\"])", "3:16", "\"::1\" is no address: expected an IP");
        check("Sites(cluster: 1, sites: [\"0.0.0.0:5\"])", "1:38", "nobody can send to 0.0.0.0:5");
        check("Sites(cluster: 1, sites: [\"1.1.1.1:0\"])", "1:38", "nobody can send to 1.1.1.1:0");
        check(
            "Sites(cluster: 1, sites: [\n  \"1.1.1.1:1\",\n  \"1.1.1.1:1\"])",
            "3:14",
            "site 1 has the address of site 0, 1.1.1.1:1; give each its own",
        );
        check("Sites(cluster: 1, sites: [\"1.1.1.1:1\", \"[::1]:1\"])", "1:49", "use IPv4 or IPv6");
        check("Sites(cluster: 1, sites: [\"1.1.1.1:1\"], port: 1)", "1:45", "`port`");
        check("Sites(cluster: 1, sites: [\"1.1.1.1:1\"], sync: Never)", "1:52", "`Overlapped` or `Blocking`");
        check(
            "Sites(cluster: 1, sites: [\"1.1.1.1:1\"], datagram_max: 9)",
            "1:56",
            "datagram_max is 9, expected 1024 to 65507",
        );
        check("Sites(cluster: 1)", "1:17", "`sites`");
        check("Sites(cluster: 1, sites: [\"1.1.1.1:1\"", "1:38", "");
        assert!(wrong.is_empty(), "{wrong}");
    }

    #[test]
    fn sites_that_read_different_files_have_different_configurations() {
        let configuration = |rest: &str| {
            let text = format!("Sites(cluster: 1, sites: [\"1.1.1.1:1\", {rest})");
            Sites::parse("sites.ron", &text).unwrap().configuration()
        };
        let two = configuration("\"1.1.1.2:1\"]");
        assert_eq!(
            two,
            configuration("\"1.1.1.2:1\",], sync: Blocking"),
            "how a site syncs is its own affair"
        );
        assert_ne!(two, configuration("\"1.1.1.2:2\"]"));
        assert_ne!(two, configuration("\"1.1.1.2:1\", \"1.1.1.3:1\"]"));
        assert_ne!(two, configuration("\"1.1.1.2:1\"], datagram_max: 1100"));
    }

    #[test]
    fn an_error_shows_the_line_and_a_missing_file_its_cure() {
        let error = Sites::parse("sites.ron", "Sites(\n  cluster: x)").unwrap_err().to_string();
        assert!(error.contains("\n2 |   cluster: x)\n  |"), "{error}");
        let error = Sites::read(Path::new("/nowhere/sites.ron")).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/sites.ron: failed to read: "), "{error}");
        assert!(error.ends_with("`site init` writes one"), "{error}");
    }
}
