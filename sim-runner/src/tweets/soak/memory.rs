//! The memory of sites beyond the log that they hold. The log grows as long as it is not compacted.

use crate::tweets::real::RealCluster;

/// The maximum number of bytes of a site's memory per entry of the log: an entry is stored in the log, in its slot and
/// in the timeline. Measured over 83,000 entries of a soak: 345.
pub(super) const PER_ENTRY_MAX: u64 = 400;

/// The maximum number of bytes by which the memory beyond the log may grow. A restarted site has read a whole journal,
/// of which the allocator keeps some memory: 4 MiB in the same soak.
const GROWTH_MAX: u64 = 8 << 20;

/// Samples, in the order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct MemorySamples {
    pub(super) samples: Vec<MemorySample>,
}

/// The memory of all sites at one moment.
#[derive(Clone, Debug)]
pub(super) struct MemorySample {
    /// The number of entries that clients knew to be in the log.
    pub(super) entries: u64,
    /// Bytes by site; `None` for a site that did not run.
    pub(super) sites: Vec<Option<u64>>,
}

impl MemorySample {
    /// A site's bytes beyond the most that its log may take.
    pub(super) fn beyond(&self, bytes: u64) -> u64 {
        bytes.saturating_sub(self.entries * PER_ENTRY_MAX)
    }
}

impl MemorySamples {
    pub(super) fn sample(&mut self, cluster: &RealCluster, entries: u64) {
        let sites = (0..cluster.count()).map(|site| cluster.memory(site)).collect();
        self.samples.push(MemorySample { entries, sites });
    }

    /// Fails if a site at the end uses much more memory beyond its log than the largest site did at the beginning.
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
