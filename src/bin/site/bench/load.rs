//! A load: a number of requests outstanding for a while, and its results.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a bench measures real time")]

use std::time::{Duration, Instant};

/// The beginning of each load, which is not counted.
const WARM_UP: Duration = Duration::from_millis(150);

/// Bytes of an event's text. With the name of its user an event has 150 bytes.
pub(crate) const TEXT_BYTES: usize = 147;

/// Sleeps for a tenth of a second.
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}

/// Sleeps for this long.
pub(crate) fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// The number of outstanding requests, and the length of a load.
pub(crate) struct Load {
    pub(crate) outstanding: u16,
    length: Duration,
}

/// The start of a load, the last request of each client, and the latencies so far.
pub(crate) struct LoadTimes {
    start: Instant,
    length: Duration,
    asked: Vec<Instant>,
    latencies: Vec<Duration>,
}

/// The results of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) commits: u64,
    pub(crate) commits_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Load {
    pub(crate) fn new(outstanding: u16, milliseconds: u64) -> Load {
        Load { outstanding, length: Duration::from_millis(milliseconds) }
    }

    pub(crate) fn start(&self) -> LoadTimes {
        let now = Instant::now();
        let asked = vec![now; usize::from(self.outstanding)];
        LoadTimes { start: now, length: self.length, asked, latencies: Vec::new() }
    }
}

impl LoadTimes {
    pub(crate) fn is_over(&self) -> bool {
        self.start.elapsed() >= WARM_UP + self.length
    }

    /// The time since its start, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Notes that client `at` was answered and asks again.
    pub(crate) fn answered(&mut self, at: usize) {
        let now = Instant::now();
        if now.duration_since(self.start) >= WARM_UP {
            self.latencies.push(now.duration_since(self.asked[at]));
        }
        self.asked[at] = now;
    }

    /// Whether client `at` has waited for 300 ms: then its datagram has got lost.
    pub(crate) fn is_late(&self, at: usize) -> bool {
        self.asked[at].elapsed() > Duration::from_millis(300)
    }

    /// # Errors
    /// When nothing was answered.
    pub(crate) fn figures(mut self) -> Result<Figures, String> {
        self.latencies.sort_unstable();
        let part = |percent: usize| self.latencies.get(self.latencies.len() * percent / 100);
        let (Some(p50), Some(p99)) = (part(50), part(99)) else {
            return Err("nothing was committed in a whole load".into());
        };
        let ms = |time: &Duration| time.as_secs_f64() * 1e3;
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
        let commits_per_second = self.latencies.len() as f64 / self.length.as_secs_f64();
        Ok(Figures {
            commits: self.latencies.len() as u64,
            commits_per_second,
            p50_ms: ms(p50),
            p99_ms: ms(p99),
        })
    }
}
