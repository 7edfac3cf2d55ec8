//! Ports on loopback that were free a moment ago, below the range that systems assign by themselves.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// The first of `count` consecutive free ports.
pub fn free(count: u16) -> Option<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    (0..1_000).find_map(|_| {
        let n = std::process::id().wrapping_mul(7).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let base = u16::try_from(10_000 + 20 * (n % 450)).expect("below 20,000");
        let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        (base..base + count).map(bind).all(|bound| bound.is_ok()).then_some(base)
    })
}
