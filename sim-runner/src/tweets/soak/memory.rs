//! How much memory sites take beside the log that they hold, which grows as long as it is not compacted.

use crate::tweets::real::RealCluster;

/// What an entry of the log may take in a site's memory, in bytes: it stands in the log, in its slot and in the
/// timeline. Measured over 83,000 entries of a soak: 345.
pub(super) const PER_ENTRY_MAX: u64 = 400;

/// By how much what is beside the log may grow, in bytes. A site that was started anew has read a whole journal, of which
/// the allocator keeps something: 4 MiB in the same soak.
const GROWTH_MAX: u64 = 8 << 20;

/// Samples, in the order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct MemorySamples {
    pub(super) samples: Vec<MemorySample>,
}

/// All sites at one moment.
#[derive(Clone, Debug)]
pub(super) struct MemorySample {
    /// How many entries clients knew to be in the log.
    pub(super) entries: u64,
    /// By site, in bytes; none where it did not run.
    pub(super) sites: Vec<Option<u64>>,
}

impl MemorySample {
    /// What a site takes beside the most that its log may.
    pub(super) fn beyond(&self, bytes: u64) -> u64 {
        bytes.saturating_sub(self.entries * PER_ENTRY_MAX)
    }
}

impl MemorySamples {
    pub(super) fn sample(&mut self, cluster: &RealCluster, entries: u64) {
        let sites = (0..cluster.count()).map(|site| cluster.memory(site)).collect();
        self.samples.push(MemorySample { entries, sites });
    }

    /// Beyond the log, no site has much more at the end than the largest had at the beginning.
    pub(super) fn check(&self) -> Result<(), String> {
        let (Some(first), Some(last)) = (self.samples.first(), self.samples.last()) else { return Ok(()) };
        let before = first.sites.iter().flatten().map(|bytes| first.beyond(*bytes)).max().unwrap_or(0);
        for (site, bytes) in last.sites.iter().enumerate() {
            let Some(bytes) = bytes else { continue };
            let beyond = last.beyond(*bytes);
            if beyond > before + GROWTH_MAX {
                return Err(format!(
                    "S{site} has {beyond} bytes beyond its log of {} entries at the end, where {before} were the most \
                     at the beginning",
                    last.entries
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_with_the_log_may_and_what_grows_beside_it_may_not() {
        let sample = |entries, bytes| MemorySample { entries, sites: vec![Some(bytes), None] };
        let check =
            |bytes| MemorySamples { samples: vec![sample(10, 6 << 20), sample(10_000, bytes)] }.check();
        check(6 << 20).unwrap();
        check((6 << 20) + 10_000 * PER_ENTRY_MAX).unwrap();
        let why = check((15 << 20) + 10_000 * PER_ENTRY_MAX).unwrap_err();
        assert!(why.starts_with("S0 has ") && why.contains("beyond its log of 10000 entries"), "{why}");
    }
}
