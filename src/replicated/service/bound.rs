//! The longest that a healed core may take to agree, from its configuration and the pace of its world.

use crate::replicated::Config;
use crate::replicated::paxos::{fruitless_max, sync_patience_max};
use crate::scenario::Pace;
use crate::time::Duration;

/// The number of campaigns that may fail in a row before one site leads. Each doubles the jitter that keeps candidates
/// apart, up to eight times, so candidates that collide this often are not merely unlucky.
const CAMPAIGNS: u64 = 6;

/// The most slots that a command takes: an opening, the request, and a copy of it that another site took.
const SLOTS_A_COMMAND: u64 = 3;

/// The sum of everything that may have to happen in sequence: each leader outside of the core that hears the core and
/// gets nothing chosen gives way, a leader is missed and found, what is missing is fetched, every command is carried
/// out on its own, and clients that asked in vain go from site to site.
///
/// A round trip is two datagrams and a sync on either side. Where syncs are long compared with an election timeout,
/// sites wait longer for each other, by what they measured: that is part of every patience and every retry. Retries
/// pace whatever got lost before the core was healed; nothing gets lost inside of it afterwards.
pub fn converges_within(config: &Config, pace: &Pace) -> Duration {
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
        // A vote takes up to 4,000 with the sync that it waits for: every site allows twice that.
        let disks = Pace { sync: ms(2_000), ..calm };
        let (slow, trip) = (8_000, 20 + 4_000);
        let campaign = 300 + slow + 8 * 200 + 150 + slow + trip;
        let rest = (150 + slow + trip) + (150 + slow + 2 * trip) + 3_000;
        assert_eq!(within(|_| {}, disks), 9_600 + 6 * campaign + rest);
        let busy = Pace { commands: 40, ..calm };
        assert_eq!(within(|_| {}, busy), 9_600 + 6 * 2_074 + 3 * 174 + 41 * 198 + 3_000);
    }
}
