//! A load: a number of requests outstanding for a while, and its results.
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a bench measures real time")]

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::ProgramError;

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

/// The sockets of clients.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sockets {
    /// All clients share one, and a thread.
    Shared,
    /// Each client has its own, and a thread of its own, as if it were another program.
    Own,
}

/// The number of outstanding requests, the sockets of those who ask, and the length of a load.
pub(crate) struct Load {
    pub(crate) outstanding: u16,
    pub(crate) sockets: Sockets,
    length: Duration,
}

/// The start of a load, the last request of each client, and the latencies so far.
#[derive(Clone)]
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
        Load { outstanding, sockets: Sockets::Shared, length: Duration::from_millis(milliseconds) }
    }

    pub(crate) fn with_sockets(self, sockets: Sockets) -> Load {
        Load { sockets, ..self }
    }

    /// Runs the load. `part` asks in the name of these clients until its time is over; each part has a thread.
    pub(crate) fn run(
        &self,
        part: impl Fn(Range<u16>, &mut LoadTimes) -> Result<(), ProgramError> + Sync,
    ) -> Result<Figures, ProgramError> {
        let mut times = self.start();
        match self.sockets {
            Sockets::Shared => part(0..self.outstanding, &mut times)?,
            Sockets::Own => {
                let of_one = |client| {
                    let mut own = times.clone();
                    part(client..client + 1, &mut own).map(|()| own.latencies)
                };
                let of_one = &of_one;
                let latencies: Result<Vec<_>, ProgramError> = thread::scope(|scope| {
                    let running: Vec<_> =
                        (0..self.outstanding).map(|client| scope.spawn(move || of_one(client))).collect();
                    let ended = running.into_iter().map(|thread| thread.join().expect("it does not panic"));
                    ended.collect()
                });
                times.latencies = latencies?.concat();
            }
        }
        times.figures().map_err(ProgramError::Run)
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
