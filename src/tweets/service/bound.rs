//! How long a healed core may take to agree, from its configuration and the pace of its world.

use crate::replicated::paxos::{fruitless_max, sync_patience_max};
use crate::scenario::Pace;
use crate::time::Duration;
use crate::tweets::judges::costs::{Budget, Cost};
use crate::tweets::judges::times::Bounds;
use crate::tweets::site::Config;

/// Campaigns that may fail one behind the other before one site leads: each doubles the jitter that keeps candidates
/// apart, up to eight times, so that two of them meeting so often is not luck.
const CAMPAIGNS: u64 = 6;

/// Slots that a command may take: an opening, the request, and a copy of it that another site took.
const SLOTS_A_COMMAND: u64 = 3;

/// The sum of what may have to happen one behind the other: each leader outside of the core gives way that hears it
/// and gets nothing chosen, a leader is missed and found, what is missing is fetched, every command is carried out on
/// its own, and clients that asked in vain go from site to site.
///
/// A round trip is two datagrams and a sync on either side. Where syncs are long in terms of an election timeout, sites
/// wait longer for each other by as much as they measured: it is part of every patience and of every retry. Retries pace whatever got lost before the core was healed;
/// nothing gets lost inside of it afterwards.
pub(super) fn converges_within(config: &Config, pace: &Pace) -> Duration {
    let trip = pace.latency.times(2) + pace.sync.times(2);
    let slow = sync_patience_max(config.election, pace.sync);
    let retry = config.retry + slow;
    let campaign = config.election + slow + config.election_jitter.times(8) + retry + trip;
    let fetches = (pace.commands * SLOTS_A_COMMAND + config.window) / config.fetch_max.max(1) + 1;
    let fetch = retry + trip;
    let command = retry + trip.times(2);
    let round = config.client_retry.times(u64::from(config.sites) + 1) + config.parked_for;
    let outsiders = fruitless_max(config.election).times(u64::from(config.sites.saturating_sub(1) / 2));
    outsiders + campaign.times(CAMPAIGNS) + fetch.times(fetches) + command.times(pace.commands + 1) + round
}

/// Attempts of a fail-over: candidates that meet draw from twice the jitter the next time.
const ATTEMPTS: u64 = 3;

/// How long what takes at most while nothing is wrong, where links do not reorder and syncs overlap.
///
/// A step that must be durable takes two syncs: the one under way, and its own. With `L` for the latency and `D` for two
/// syncs, and beside the time that the configuration has sites wait on purpose:
///
/// 1. A request is taken after `D`. A reply waits for what was appended in the meantime: `D` more.
/// 2. It is applied after `D + L` with the leader, `D + 2L` in the log, `L` known at its site, `D` answered; the slot
///    before it takes another `D + 2L`.
/// 3. A leader is missed after `election` and the jitter, and a campaign is two steps of `D` and `2L`, with a retry for
///    what the candidate must fetch. Attempts that meet double their jitter.
/// 4. Who comes back hears of the log with the first heartbeat, fetches each batch in `D + 2L`, makes it durable, and says
///    so in answer to the next heartbeat but one.
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

/// What sites may say, and how often they may wake up, while nothing is wrong: the leader's heartbeats and an answer to
/// each; and for what a client says an opening and a request, each taken, handed to the leader, proposed, voted for, told
/// to all and answered, or a question to all and their answers.
pub(super) fn budget(config: &Config) -> Budget {
    let others = u64::from(config.sites.saturating_sub(1));
    Budget {
        beat: config.heartbeat,
        idle: Cost { messages: 2 * others, wakes: 2 },
        asked: Cost { messages: 3 * others + 3, wakes: 4 },
        spare: Cost { messages: 6 * u64::from(config.sites), wakes: 10 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn within(change: impl FnOnce(&mut Config), pace: Pace) -> u64 {
        let mut config = Config::new(3);
        change(&mut config);
        converges_within(&config, &pace).as_micros() / 1_000
    }

    #[test]
    fn the_bound_grows_with_what_makes_agreeing_slow() {
        let ms = Duration::from_millis;
        let calm = Pace { latency: ms(10), sync: ms(2), commands: 0 };
        // A leader outside that gives way after 32 * 300, six campaigns of 300 + 8 * 200 + 150 + 24, a fetch of
        // 150 + 24, a command of 150 + 48, four retries of 500, and a query that waits for 1,000.
        assert_eq!(within(|_| {}, calm), 9_600 + 6 * 2_074 + 174 + 198 + 2_000 + 1_000);
        assert_eq!(within(|config| config.election = ms(600), calm), 19_200 + 6 * 2_374 + 174 + 198 + 3_000);
        let slow = Pace { latency: ms(110), ..calm };
        assert_eq!(within(|_| {}, slow), 9_600 + 6 * 2_274 + 374 + 598 + 3_000);
        // A vote takes up to 4,000 with the sync that it waits for: everybody is given twice that.
        let disks = Pace { sync: ms(2_000), ..calm };
        let (slow, trip) = (8_000, 20 + 4_000);
        let campaign = 300 + slow + 8 * 200 + 150 + slow + trip;
        let rest = (150 + slow + trip) + (150 + slow + 2 * trip) + 3_000;
        assert_eq!(within(|_| {}, disks), 9_600 + 6 * campaign + rest);
        let busy = Pace { commands: 40, ..calm };
        assert_eq!(within(|_| {}, busy), 9_600 + 6 * 2_074 + 3 * 174 + 41 * 198 + 3_000);
    }
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
