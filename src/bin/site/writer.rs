//! Output of this program: a thread of its own writes it, so that printing neither waits nor fails.
//!
//! Text that cannot be written waits, in order, and is tried again. No text is cut short once its writing has begun,
//! unless the program ends.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that wait to be written, beyond which [`Policy`] decides.
const WAITING_MAX: usize = 1 << 20;

/// The time after which a failed write is tried again.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// How often a writer looks for room in an output that it cannot wait for.
const ROOM_EVERY: Duration = Duration::from_millis(10);

/// How often [`Writer::flush`] looks whether it is to give up.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Writes some of these bytes and returns how many, as write(2) does.
pub(crate) type Sink = Box<dyn FnMut(&[u8]) -> io::Result<usize> + Send>;

/// What a writer does about failed writes and a backlog.
pub(crate) enum Policy {
    /// A failed write is tried again. Beyond [`WAITING_MAX`] bytes, lines are dropped and counted. This function makes
    /// the line that reports their number in their place.
    Drops(fn(u64) -> Vec<u8>),
    /// A failed write is the last, and this is called after it. Nothing is dropped before: callers ask
    /// [`Writer::has_room`]. This is also called when there is room again.
    Fails(Box<dyn Fn() + Send>),
}

/// Prints from any thread.
#[derive(Clone)]
pub(crate) struct Writer(Arc<WriterShared>);

struct WriterShared {
    state: Mutex<WriterState>,
    /// Wakes the writing thread.
    work: Condvar,
    /// Wakes the callers of [`Writer::flush`].
    written: Condvar,
    drops: bool,
}

#[derive(Default)]
struct WriterState {
    waiting: VecDeque<Item>,
    /// Bytes of all texts that wait.
    bytes: usize,
    is_writing: bool,
    /// Whether the last write failed, and is tried again.
    is_failing: bool,
    /// The number of failed writes.
    failures: u64,
    /// The reason why nothing more is written.
    failure: Option<io::Error>,
}

enum Item {
    Text(Vec<u8>),
    /// The number of dropped texts.
    Gap(u64),
}

impl Writer {
    /// Starts a thread that writes to `sink`.
    pub(crate) fn start(name: &str, sink: Sink, policy: Policy) -> io::Result<Writer> {
        let shared = Arc::new(WriterShared {
            state: Mutex::default(),
            work: Condvar::new(),
            written: Condvar::new(),
            drops: matches!(policy, Policy::Drops(_)),
        });
        let writer = Writer(shared.clone());
        thread::Builder::new().name(name.into()).spawn(move || shared.run(sink, &policy))?;
        Ok(writer)
    }

    /// Has whole lines written after all lines before them.
    pub(crate) fn put(&self, text: Vec<u8>) {
        let mut state = self.0.lock();
        if text.is_empty() || state.failure.is_some() {
            return;
        }
        if self.0.drops && state.bytes + text.len() > WAITING_MAX {
            match state.waiting.back_mut() {
                Some(Item::Gap(count)) => *count += 1,
                Some(Item::Text(_)) | None => state.waiting.push_back(Item::Gap(1)),
            }
        } else {
            state.bytes += text.len();
            state.waiting.push_back(Item::Text(text));
        }
        self.0.work.notify_one();
    }

    /// Whether fewer bytes wait than [`WAITING_MAX`].
    pub(crate) fn has_room(&self) -> bool {
        self.0.lock().bytes < WAITING_MAX
    }

    /// The reason why the rest was not written: in full at the first call, then only its kind.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        let mut state = self.0.lock();
        let failure = state.failure.as_mut()?;
        let kind = failure.kind();
        Some(core::mem::replace(failure, kind.into()))
    }

    /// Whether nothing more is written.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.lock().failure.is_some()
    }

    /// Waits until everything is written, until nothing can be, or until `gives_up` is true for the time waited so far.
    pub(crate) fn flush(&self, gives_up: impl Fn(Duration) -> bool) {
        let mut state = self.0.lock();
        let (mut waited, failures) = (Duration::ZERO, state.failures);
        // A failed write is tried once more.
        self.0.work.notify_one();
        while state.is_writing || !state.waiting.is_empty() {
            let fails = state.is_failing && state.failures > failures;
            if fails || gives_up(waited) {
                return;
            }
            let woken =
                self.0.written.wait_timeout(state, LOOK_EVERY).unwrap_or_else(PoisonError::into_inner);
            state = woken.0;
            if woken.1.timed_out() {
                waited += LOOK_EVERY;
            }
        }
    }
}

impl WriterShared {
    fn lock(&self) -> MutexGuard<'_, WriterState> {
        // A thread that panicked while it printed left a whole state: each change is made in one go.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut sink: Sink, policy: &Policy) {
        loop {
            let text = match (self.next(policy), policy) {
                (Item::Text(text), _) => text,
                (Item::Gap(count), Policy::Drops(report)) => report(count),
                (Item::Gap(_), Policy::Fails(_)) => Vec::new(),
            };
            let mut written = 0;
            while written < text.len() {
                match sink(&text[written..]) {
                    Ok(count) => {
                        written += count;
                        self.lock().is_failing = false;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // The output is shared with a program that made it non-blocking.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        drop(self.work.wait_timeout(self.lock(), ROOM_EVERY));
                    }
                    Err(error) => match policy {
                        Policy::Drops(_) => {
                            let mut state = self.lock();
                            state.is_failing = true;
                            state.failures += 1;
                            self.written.notify_all();
                            // Printing more ends this wait early, because the write may then succeed.
                            drop(self.work.wait_timeout(state, RETRY_EVERY));
                        }
                        Policy::Fails(call) => {
                            let mut state = self.lock();
                            *state = WriterState { failure: Some(error), ..WriterState::default() };
                            drop(state);
                            self.written.notify_all();
                            return call();
                        }
                    },
                }
            }
        }
    }

    /// The next item, once there is one.
    fn next(&self, policy: &Policy) -> Item {
        let mut state = self.lock();
        state.is_writing = false;
        loop {
            if let Some(item) = state.waiting.pop_front() {
                state.is_writing = true;
                let was_full = state.bytes >= WAITING_MAX;
                if let Item::Text(text) = &item {
                    state.bytes -= text.len();
                }
                if let Policy::Fails(call) = policy
                    && was_full
                    && state.bytes < WAITING_MAX
                {
                    call();
                }
                return item;
            }
            self.written.notify_all();
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    fn report(count: u64) -> Vec<u8> {
        format!("({count} dropped)\n").into_bytes()
    }

    /// An output that fails until it is mended, and the bytes written to it.
    struct Place {
        is_broken: Arc<AtomicBool>,
        bytes: Arc<Mutex<Vec<u8>>>,
    }

    impl Place {
        fn broken() -> (Place, Sink) {
            let place = Place { is_broken: Arc::new(AtomicBool::new(true)), bytes: Arc::default() };
            let (is_broken, bytes) = (place.is_broken.clone(), place.bytes.clone());
            let sink = move |part: &[u8]| {
                if is_broken.load(Ordering::SeqCst) {
                    return Err(io::Error::other("broken"));
                }
                // A few bytes at a time, like a pipe that is nearly full.
                let count = part.len().min(1_000);
                bytes.lock().unwrap().extend_from_slice(&part[..count]);
                Ok(count)
            };
            (place, Box::new(sink))
        }

        fn text(&self) -> String {
            String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
        }
    }

    fn after_10_s(waited: Duration) -> bool {
        waited > Duration::from_secs(10)
    }

    fn panic_after_10_s(waited: Duration) -> bool {
        assert!(!after_10_s(waited), "it waits for {waited:?}");
        false
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_reported_in_its_place() {
        let (place, sink) = Place::broken();
        let writer = Writer::start("test", sink, Policy::Drops(report)).unwrap();
        let line = |n: usize| format!("{n} {}", "x".repeat(1_000));
        let put = |n| writer.put(format!("{}\n", line(n)).into_bytes());
        put(0);
        // `flush` does not wait for an output that fails. The writer has taken the first line by then, and takes no
        // other.
        writer.flush(panic_after_10_s);
        (1..3_000).for_each(put);
        writer.flush(panic_after_10_s);
        assert_eq!(place.text(), "");
        place.is_broken.store(false, Ordering::SeqCst);
        while place.text().is_empty() {
            std::thread::yield_now();
        }
        writer.flush(after_10_s);
        writer.put(b"after\n".to_vec());
        writer.flush(after_10_s);
        let text = place.text();
        let lines: Vec<&str> = text.lines().collect();
        let [.., gap, after] = lines.as_slice() else { panic!("{lines:?}") };
        let whole = lines.len() - 2;
        assert!((1_000..1_100).contains(&whole), "{whole} lines of about 1 KiB");
        assert_eq!(lines[..whole], (0..whole).map(line).collect::<Vec<_>>());
        assert_eq!(*gap, format!("({} dropped)", 3_000 - whole));
        assert_eq!(*after, "after");
    }

    #[test]
    fn a_failed_answer_is_the_last_and_is_reported_once() {
        let (place, sink) = Place::broken();
        let (call, called) = channel();
        let policy = Policy::Fails(Box::new(move || call.send(()).unwrap()));
        let writer = Writer::start("test", sink, policy).unwrap();
        writer.put(b"lost\n".to_vec());
        called.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(writer.has_failed());
        assert_eq!(writer.take_failure().unwrap().to_string(), "broken");
        place.is_broken.store(false, Ordering::SeqCst);
        writer.put(b"never\n".to_vec());
        writer.flush(after_10_s);
        assert_eq!(place.text(), "");
    }
}
