//! Clusters of many sites, and messages that fill their datagram.

use aviary::ids::SiteId;
use aviary::process::{Label, Recipients};
use aviary::tweets::site::Message;
use aviary::wire::Wire;

use super::Saboteur;
use super::liar::{Lie, Speech};

/// As many sites have a bit in a byte.
const BITS: u8 = 8;

/// As many sites have a place in a list that is too short.
const PLACES: u8 = 5;

/// What the wrong limit leaves for headers and numbers, in bytes. The right one leaves 101, of which those of a proposal
/// take at least eight less than the promise that they are for.
const CHECKED: usize = 103;

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "takes-the-ninth-for-the-first",
        "A site keeps who promised and who voted in the bits of one byte: the ninth and the first count as one.",
        Lie::Hears(|hearing| {
            let is_counted = ["Promise", "Accepted"].contains(&hearing.message.kind());
            if let Some(from) = hearing.from.as_site().filter(|_| is_counted) {
                let bit = |site: SiteId| site.number() % BITS;
                let alias =
                    if bit(from) == bit(hearing.me) { Some(hearing.me) } else { SiteId::new(bit(from)) };
                *hearing.from = alias.unwrap_or(from).into();
            }
        }),
    ),
    Saboteur::new(
        "tells-five-sites",
        "What a site says to all others goes to the first five sites only.",
        Lie::Says(|speech| {
            for letter in &mut speech.given.messages {
                if let Recipients::Sites(sites) = &mut letter.to {
                    *sites = sites.iter().filter(|site| site.number() < PLACES).collect();
                }
            }
        }),
    ),
    Saboteur::new(
        "checks-another-limit-than-it-cuts-by",
        "A site that fills its entries up to one limit sends no proposal that is beyond another, a few bytes below it.",
        Lie::Says(|speech| {
            let Speech { given, datagram_max, .. } = speech;
            let room = datagram_max.saturating_sub(CHECKED);
            let is_left_out = |message: &Message| message.kind() == "Accept" && message.size() > room;
            given.messages.retain(|letter| !is_left_out(&letter.message));
        }),
    ),
];
