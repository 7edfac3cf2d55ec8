//! The bounds that sites keep while nothing is wrong, from their configuration and the pace of their world.

use crate::replicated::paxos::sync_patience_max;
use crate::scenario::Pace;
use crate::time::Duration;
use crate::tweets::judges::costs::{Cost, CostBudget};
use crate::tweets::judges::times::Bounds;
use crate::tweets::site::Config;

/// Attempts of a fail-over: candidates that collide draw from twice the jitter in the next attempt.
const ATTEMPTS: u64 = 3;

/// The longest times while nothing is wrong, where links do not reorder and syncs overlap.
///
/// A step that must be durable takes two syncs: the one under way, and its own. `L` is the latency, and `D` is two
/// syncs. The times that the configuration makes sites wait on purpose are added.
///
/// 1. A request is taken after `D`. A reply also waits for what was appended in the meantime: `D` more.
/// 2. The request is with the leader after `D + L`, in the log after `D + 2L` more, known at its site after `L` more,
///    and answered after `D` more. The slot before it takes another `D + 2L`.
/// 3. A missing leader is noticed after `election` and the jitter. A campaign is two steps of `D` and `2L`, with a
///    retry for what the candidate must fetch. Attempts that collide double their jitter.
/// 4. A site that comes back learns the log's end from the first heartbeat, fetches each batch in `D + 2L`, makes it
///    durable, and reports it in answer to the next heartbeat but one.
pub(super) fn prompt(config: &Config, pace: &Pace) -> Bounds {
    let (latency, durable) = (pace.latency, pace.sync.times(2));
    let trip = latency.times(2) + durable;
    let slow = sync_patience_max(config.election, pace.sync);
    let applied = durable.times(2) + latency.times(2) + trip.times(2);
    let attempt = |doublings: u64| {
        let jitter = config.election_jitter.times(1 << doublings);
        config.election + slow + jitter + trip.times(2) + config.retry
    };
    Bounds {
        taken: config.taken_after + durable.times(2),
        applied: applied + config.propose_after + config.chosen_after,
        fail_over: (0..ATTEMPTS).map(attempt).fold(Duration::ZERO, |sum, time| sum + time),
        catch_up: config.heartbeat.times(3) + trip + durable,
        fetch: trip,
        batch: config.fetch_max,
    }
}

/// What sites may send, and how often they may wake up, while nothing is wrong: the leader's heartbeats and an answer
/// to each. For each message of a client: an opening and a request, each taken, forwarded to the leader, proposed,
/// voted for, announced to all and answered; or a query to all sites and their answers.
pub(super) fn budget(config: &Config) -> CostBudget {
    let others = u64::from(config.sites.saturating_sub(1));
    CostBudget {
        beat: config.heartbeat,
        idle: Cost { messages: 2 * others, wakes: 2 },
        asked: Cost { messages: 3 * others + 3, wakes: 4 },
        spare: Cost { messages: 6 * u64::from(config.sites), wakes: 10 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_what_is_prompt_grow_with_the_pace_and_with_what_waits_on_purpose() {
        let ms = Duration::from_millis;
        let mut config = Config::new(3);
        let pace = Pace { latency: ms(10), sync: ms(2), commands: 9 };
        let usual = prompt(&config, &pace);
        // Two syncs are 4, a trip is 24. Three attempts of 300 + 48 + 150, and jitters of 200, 400 and 800.
        let (fail_over, catch_up) = (ms(3 * 498 + 1_400), ms(150 + 24 + 4));
        let expected =
            Bounds { taken: ms(8), applied: ms(8 + 20 + 48), fail_over, catch_up, fetch: ms(24), batch: 64 };
        assert_eq!(usual, expected);
        (config.taken_after, config.propose_after, config.chosen_after) = (ms(5), ms(1), ms(7));
        let late = prompt(&config, &pace);
        assert_eq!(late, Bounds { taken: ms(13), applied: ms(84), ..usual });
    }
}
