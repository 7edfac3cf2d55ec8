//! Cookies prove to a site that a client receives at the address it sends from. The site keeps nothing about strangers.
//!
//! A cookie is a function of that address, of the client's key and of the time, under a secret that the process draws
//! when it starts. Only somebody who receives at that address learns it.

use std::net::{IpAddr, SocketAddr};

use hkdf::Hkdf;
use sha2::Sha256;

use super::keys::KeyNumber;
use crate::time::{Duration, Instant};

/// The length of an epoch. A cookie is valid in the epoch in which it was given, and in the next.
const EPOCH: Duration = Duration::from_secs(600);

/// The cookies that are kept, at most: a client's next datagram has the same one.
const KEPT: usize = 256;

/// The secret that cookies are derived from, and those that clients proved last.
pub(super) struct Cookies {
    secret: Hkdf<Sha256>,
    /// By the client's port, modulo its length.
    kept: Vec<Option<Proven>>,
}

/// A cookie with all that it depends on.
#[derive(Clone, Copy)]
struct Proven {
    epoch: u64,
    source: SocketAddr,
    key: KeyNumber,
    cookie: u64,
}

/// The validity of a cookie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CookieStanding {
    /// It is of this epoch.
    Current,
    /// It is of the epoch before.
    Aging,
    /// It was never given, is too old, or is for another address or key.
    Strange,
}

impl Cookies {
    /// The operating system draws `secret`.
    pub(super) fn new(secret: [u8; 32]) -> Cookies {
        let secret = Hkdf::from_prk(&secret).expect("32 bytes are as long as SHA-256");
        Cookies { secret, kept: vec![None; KEPT] }
    }

    /// The cookie for a client that sends from `source` with this key.
    pub(super) fn give(&self, now: Instant, source: SocketAddr, key: KeyNumber) -> u64 {
        self.cookie(epoch(now), source, key)
    }

    pub(super) fn standing(
        &mut self,
        now: Instant,
        source: SocketAddr,
        key: KeyNumber,
        cookie: u64,
    ) -> CookieStanding {
        let epoch = epoch(now);
        if cookie == 0 {
            // Clients send zero until they have a cookie.
            CookieStanding::Strange
        } else if self.is_current(Proven { epoch, source, key, cookie }) {
            CookieStanding::Current
        } else if epoch > 0 && cookie == self.cookie(epoch - 1, source, key) {
            CookieStanding::Aging
        } else {
            CookieStanding::Strange
        }
    }

    fn is_current(&mut self, claimed: Proven) -> bool {
        let Proven { epoch, source, key, cookie } = claimed;
        let place = usize::from(source.port()) % KEPT;
        if let Some(kept) = self.kept[place]
            && (kept.epoch, kept.source, kept.key) == (epoch, source, key)
        {
            return kept.cookie == cookie;
        }
        let is_current = cookie == self.cookie(epoch, source, key);
        if is_current {
            self.kept[place] = Some(claimed);
        }
        is_current
    }

    fn cookie(&self, epoch: u64, source: SocketAddr, key: KeyNumber) -> u64 {
        let ip = match source.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        let mut cookie = [0; 8];
        let info: [&[u8]; 4] = [&epoch.to_le_bytes(), &ip, &source.port().to_le_bytes(), &[key.number()]];
        self.secret.expand_multi_info(&info, &mut cookie).expect("8 bytes are a part of a block of SHA-256");
        u64::from_le_bytes(cookie)
    }
}

fn epoch(now: Instant) -> u64 {
    now.since(Instant::ZERO).as_micros() / EPOCH.as_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_holds_for_its_address_key_and_time_alone() {
        let mut cookies = Cookies::new([1; 32]);
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let here: SocketAddr = "192.0.2.1:9".parse().unwrap();
        let [first, second] = [0, 1].map(|number| KeyNumber::new(number).unwrap());
        let cookie = cookies.give(at(0), here, first);
        let check = |cookies: &mut Cookies, seconds, source: &str, key, standing| {
            let found = cookies.standing(at(seconds), source.parse().unwrap(), key, cookie);
            assert_eq!(found, standing, "{seconds} {source} {key:?}");
        };
        check(&mut cookies, 599, "192.0.2.1:9", first, CookieStanding::Current);
        check(&mut cookies, 600, "192.0.2.1:9", first, CookieStanding::Aging);
        check(&mut cookies, 1_199, "192.0.2.1:9", first, CookieStanding::Aging);
        check(&mut cookies, 1_200, "192.0.2.1:9", first, CookieStanding::Strange);
        check(&mut cookies, 0, "192.0.2.1:10", first, CookieStanding::Strange);
        check(&mut cookies, 0, "192.0.2.2:9", first, CookieStanding::Strange);
        check(&mut cookies, 0, "[2001:db8::1]:9", first, CookieStanding::Strange);
        check(&mut cookies, 0, "192.0.2.1:9", second, CookieStanding::Strange);
        let forged = cookies.standing(at(0), here, first, cookie ^ 1);
        assert_eq!(forged, CookieStanding::Strange, "the right one is kept by then");
        check(&mut Cookies::new([2; 32]), 0, "192.0.2.1:9", first, CookieStanding::Strange);
        assert_eq!(cookies.standing(at(0), here, first, 0), CookieStanding::Strange);
    }
}
