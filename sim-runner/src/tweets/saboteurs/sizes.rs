//! Bugs with many sites, and with messages that fill their datagram.

use aviary::ids::SiteId;
use aviary::process::{Label, Recipients};
use aviary::tweets::site::Message;
use aviary::wire::Wire;

use super::Saboteur;
use super::liar::{Lie, SiteOutput};

/// Number of sites that have a bit in a byte.
const BITS: u8 = 8;

/// Number of sites that have a place in a list that is too short.
const PLACES: u8 = 5;

/// Bytes that the wrong limit leaves for headers and numbers. The right limit leaves 101, of which those of a proposal
/// take at least eight less than those of the promise for which they are reserved.
const CHECKED: usize = 103;

pub(super) const SABOTEURS: &[Saboteur] = &[
    Saboteur::new(
        "takes-the-ninth-for-the-first",
        "A site keeps sets of sites in one byte, so that the ninth site and the first count as one.",
        Lie::SiteInput(|input| {
            let is_counted = ["Promise", "Accepted"].contains(&input.message.kind());
            if let Some(from) = input.from.as_site().filter(|_| is_counted) {
                let bit = |site: SiteId| site.number() % BITS;
                let alias = if bit(from) == bit(input.me) { Some(input.me) } else { SiteId::new(bit(from)) };
                *input.from = alias.unwrap_or(from).into();
            }
        }),
    ),
    Saboteur::new(
        "tells-five-sites",
        "A site sends messages for all others to the first five sites only.",
        Lie::SiteOutput(|output| {
            for letter in &mut output.given.messages {
                if let Recipients::Sites(sites) = &mut letter.to {
                    *sites = sites.iter().filter(|site| site.number() < PLACES).collect();
                }
            }
        }),
    ),
    Saboteur::new(
        "checks-another-limit-than-it-cuts-by",
        "A site fills its entries up to one limit, but sends no proposal above another limit a few bytes lower.",
        Lie::SiteOutput(|output| {
            let SiteOutput { given, datagram_max, .. } = output;
            let room = datagram_max.saturating_sub(CHECKED);
            let is_left_out = |message: &Message| message.kind() == "Accept" && message.size() > room;
            given.messages.retain(|letter| !is_left_out(&letter.message));
        }),
    ),
];
