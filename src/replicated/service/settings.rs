//! Draws the limits of drawn scenarios.

use crate::replicated::Overrides;
use crate::scenario::draw::Draws;
use crate::time::Duration;

/// The span of the time between two heartbeats, in milliseconds. The usual time is the shortest: with longer ones a run
/// consists of less routine, and more of what is sent depends on what happens.
const HEARTBEAT_MS: (u64, u64) = (50, 150);

/// The election timeout is at least the usual one, and this many percent of the time between two heartbeats.
const ELECTION_PERCENT: (u64, u64) = (200, 300);

/// The usual settings with other heartbeats, or also with some limits near their minimum.
pub fn draw_settings(draws: &mut Draws, is_tiny: bool) -> Overrides {
    let mut tiny = |least: u64, most: u64| {
        let (is_on, drawn) = (draws.one_in(2), draws.between(least, most));
        (is_on && is_tiny).then_some(drawn)
    };
    let size = |number: Option<u64>| number.and_then(|number| usize::try_from(number).ok());
    let mut drawn = Overrides {
        window: tiny(1, 3),
        batch: size(tiny(1, 2)),
        datagram_max: size(tiny(1_024, 1_100)),
        fetch_max: tiny(1, 3),
        queue_max: size(tiny(1, 4)),
        forward_max: size(tiny(1, 2)),
        sessions_max: size(tiny(1, 6)),
        parked_max: size(tiny(0, 1)),
        client_queue_max: size(tiny(1, 3)),
        reads_max: size(tiny(1, 2)),
        ..Overrides::default()
    };
    // Real sites tell a client that its request waits only if it waits for long.
    let (is_late, after) = (draws.one_in(2), draws.between(1, 40));
    drawn.taken_after = is_late.then(|| Duration::from_millis(after));
    // Leaders of real sites gather submissions, and announce the watermark when no other message carries it.
    let (gathers, after) = (draws.one_in(2), draws.between(1, 4_000));
    drawn.propose_after = gathers.then(|| Duration::from_micros(after));
    let (is_late, after) = (draws.one_in(2), draws.between(1, 40));
    drawn.chosen_after = is_late.then(|| Duration::from_millis(after));
    let (is_short, after) = (draws.one_in(2), draws.between(1, 2_000));
    drawn.session_idle = (is_short && is_tiny).then(|| Duration::from_millis(after));
    let beat = draws.between(HEARTBEAT_MS.0, HEARTBEAT_MS.1);
    let election = (beat * draws.between(ELECTION_PERCENT.0, ELECTION_PERCENT.1) / 100).max(300);
    drawn.heartbeat = Some(Duration::from_millis(beat));
    drawn.election = Some(Duration::from_millis(election));
    drawn.election_jitter = Some(Duration::from_millis(election * 2 / 3));
    drawn
}
