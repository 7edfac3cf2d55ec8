//! A log that clients append to and read: an event stream, a replicated log as its users see it.
//!
//! Checked: the calls have a linearization. So each append is answered the number of values before it, a later append
//! stands after an answered one, and a read shows every value from its position on that was appended before the read
//! began, and none twice. Not checked: logs from which old values are dropped, reads that may be stale, and several logs
//! at once.
//!
//! An append without an answer may stand anywhere, and a search that tries each place fails. So a state *holds* it from
//! its beginning, in a pool of spares:
//!
//! 1. Where an append is answered a position after the end, spares stand in the gaps. Which ones stays open until a read
//!    shows a value. Spares at other moments explain no more: what is appended without need can only contradict answers.
//! 2. A gap takes a spare that began before the gap did. Gaps and spares fit if, for every moment, no more gaps stem from
//!    before it than spares: spares are used by beginning, so this is the condition of Hall for nested sets ("On
//!    representatives of subsets", J. London Math. Soc. 10, 1935).
//! 3. Where a read shows a value in a gap, it is the newest spare with this value that the gap may take, for older ones
//!    fit more gaps.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Display};

use crate::cow_log::CowLog;
use crate::judges::linearizable::{Call, Effect, Model, Sequential, Span};
use crate::judges::models::fewest::{Few, Reducible, Subject, fewest};

/// A log that is empty before the first call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Log<V> {
    /// In a part of a history: how often each value was appended by calls that were left out.
    others: Option<Arc<BTreeMap<V, usize>>>,
}

impl<V> Default for Log<V> {
    fn default() -> Log<V> {
        Log { others: None }
    }
}

/// A call on a log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LogOperation<V> {
    /// Appends this value.
    Append(V),
    /// Reads the values from a position on.
    Read {
        /// The position of the first value; the log begins with position 0.
        from: u64,
        /// The greatest number of values in the answer.
        limit: u64,
    },
}

impl<V> LogOperation<V> {
    /// Reads all values from this position on.
    pub const fn read_from(from: u64) -> LogOperation<V> {
        LogOperation::Read { from, limit: u64::MAX }
    }
}

/// The answer to a call on a log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LogAnswer<V> {
    /// To an append: the position of the value, which is the number of values before it.
    Appended(u64),
    /// To a read: the values from its position on, as many as there are and as its limit allows.
    Values(Vec<V>),
}

impl<V: Display> Display for LogOperation<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogOperation::Append(value) => write!(f, "append {value}"),
            LogOperation::Read { from, limit: u64::MAX } => write!(f, "read from {from}"),
            LogOperation::Read { from, limit } => write!(f, "read {limit} from {from}"),
        }
    }
}

/// Most values of one answer that are printed.
const PRINTED_MAX: usize = 12;

impl<V: Display> Display for LogAnswer<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogAnswer::Appended(at) => write!(f, "appended at {at}"),
            LogAnswer::Values(values) if values.is_empty() => write!(f, "nothing"),
            LogAnswer::Values(values) => {
                f.write_str(&newest(values.len(), values.iter().map(ToString::to_string)))
            }
        }
    }
}

/// The last of these values, and the number of those before them.
fn newest(count: usize, values: impl Iterator<Item = String>) -> String {
    let left_out = count.saturating_sub(PRINTED_MAX);
    let shown: Vec<String> = values.skip(left_out).collect();
    let before = if left_out > 0 { format!("{left_out} values, then ") } else { String::new() };
    before + &shown.join(", ")
}

/// Most gaps in a row in a part of a history, so that a broken answer does not fill the memory.
const GAPS_MAX: u64 = 1 << 20;

/// What a log may contain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogState<V> {
    /// `None` for a gap.
    values: CowLog<Option<V>>,
    /// The gaps, each with the number of spares that had begun before it, and its value once a read showed that.
    gaps: BTreeMap<u64, (usize, Option<V>)>,
    /// The appends without an answer that no read showed, by beginning. They are numbered by beginning.
    spares: Vec<(usize, V)>,
    spare_count: usize,
    /// The values of calls that were left out and that a read showed.
    others: BTreeMap<V, usize>,
}

impl<V: Clone + Ord> LogState<V> {
    fn len(&self) -> u64 {
        self.values.len() as u64
    }

    /// Whether every gap can have a spare of its own.
    fn fits(&self) -> bool {
        let mut ends: Vec<usize> =
            self.gaps.values().filter(|(_, value)| value.is_none()).map(|(end, _)| *end).collect();
        ends.sort_unstable();
        let available = |end: usize| self.spares.partition_point(|(number, _)| *number < end);
        ends.iter().enumerate().all(|(place, end)| place < available(*end))
    }

    /// Takes a spare of this value that began as one of the first `end`.
    fn take(&mut self, value: &V, end: usize, model: &Log<V>) -> bool {
        let place = self.spares.iter().rposition(|(number, spare)| *number < end && spare == value);
        if let Some(place) = place {
            self.spares.remove(place);
            return true;
        }
        let most = model.others.as_ref().and_then(|others| others.get(value)).copied().unwrap_or(0);
        let shown = self.others.entry(value.clone()).or_default();
        *shown += 1;
        *shown <= most
    }
}

impl<V: Clone + Ord> Log<V> {
    /// Appends gaps up to this position.
    fn widen(&self, state: &mut LogState<V>, to: u64) -> bool {
        let Some(missing) = to.checked_sub(state.len()) else { return false };
        let most = if self.others.is_some() { GAPS_MAX } else { state.spares.len() as u64 };
        if missing > most {
            return false;
        }
        for gap in state.len()..to {
            state.values.push(None);
            state.gaps.insert(gap, (state.spare_count, None));
        }
        true
    }

    fn appended(&self, mut state: Arc<LogState<V>>, value: &V, at: u64) -> Option<Arc<LogState<V>>> {
        let has_gap = at > state.len();
        if at < state.len() || (has_gap && !self.widen(Arc::make_mut(&mut state), at)) {
            return None;
        }
        Arc::make_mut(&mut state).values.push(Some(value.clone()));
        (!has_gap || self.others.is_some() || state.fits()).then_some(state)
    }

    fn read(
        &self,
        mut state: Arc<LogState<V>>,
        from: u64,
        limit: u64,
        values: &[V],
    ) -> Option<Arc<LogState<V>>> {
        let count = values.len() as u64;
        let end = from.checked_add(count)?;
        let is_cut = count == limit;
        if count > limit || (!is_cut && end < state.len()) {
            return None;
        }
        let mut has_filled = count > 0 && from > state.len();
        if has_filled && !self.widen(Arc::make_mut(&mut state), from) {
            return None;
        }
        let old = state.len();
        for (at, value) in (from..end).zip(values) {
            if at >= old {
                let state = Arc::make_mut(&mut state);
                if !state.take(value, state.spare_count, self) {
                    return None;
                }
                state.values.push(Some(value.clone()));
                has_filled = true;
                continue;
            }
            match state.values.get(usize::try_from(at).ok()?)? {
                Some(there) if there == value => {}
                Some(_) => return None,
                None => {
                    let (end, there) = state.gaps.get(&at)?.clone();
                    match there {
                        Some(there) if there == *value => {}
                        Some(_) => return None,
                        None => {
                            let state = Arc::make_mut(&mut state);
                            if !state.take(value, end, self) {
                                return None;
                            }
                            state.gaps.insert(at, (end, Some(value.clone())));
                            has_filled = true;
                        }
                    }
                }
            }
        }
        (self.others.is_some() || !has_filled || state.fits()).then_some(state)
    }
}

impl<V: Clone + Ord> Sequential for Log<V> {
    type State = Arc<LogState<V>>;
    type Operation = LogOperation<V>;
    type Answer = LogAnswer<V>;

    fn initial(&self) -> Arc<LogState<V>> {
        Arc::new(LogState {
            values: CowLog::default(),
            gaps: BTreeMap::new(),
            spares: Vec::new(),
            spare_count: 0,
            others: BTreeMap::new(),
        })
    }

    fn apply(
        &self,
        mut state: Arc<LogState<V>>,
        operation: &LogOperation<V>,
        answer: Option<&LogAnswer<V>>,
    ) -> Option<Arc<LogState<V>>> {
        match (operation, answer) {
            (LogOperation::Append(value), None) => {
                Arc::make_mut(&mut state).values.push(Some(value.clone()));
                Some(state)
            }
            (LogOperation::Append(value), Some(LogAnswer::Appended(at))) => self.appended(state, value, *at),
            (LogOperation::Read { .. }, None) => Some(state),
            (LogOperation::Read { from, limit }, Some(LogAnswer::Values(values))) => {
                self.read(state, *from, *limit, values)
            }
            (LogOperation::Append(_), Some(LogAnswer::Values(_)))
            | (LogOperation::Read { .. }, Some(LogAnswer::Appended(_))) => None,
        }
    }

    fn effect(&self, operation: &LogOperation<V>, answer: Option<&LogAnswer<V>>) -> Effect {
        match (operation, answer) {
            (LogOperation::Append(_), _) => Effect::Both,
            (LogOperation::Read { .. }, None) => Effect::Reads,
            (LogOperation::Read { .. }, Some(_)) => Effect::Narrows,
        }
    }

    fn holds(&self, operation: &LogOperation<V>, answer: Option<&LogAnswer<V>>) -> bool {
        matches!(operation, LogOperation::Append(_)) && answer.is_none()
    }

    fn hold(&self, state: &Arc<LogState<V>>, operation: &LogOperation<V>, _: Span) -> Arc<LogState<V>> {
        let mut held = state.clone();
        if let LogOperation::Append(value) = operation {
            let state = Arc::make_mut(&mut held);
            state.spares.push((state.spare_count, value.clone()));
            state.spare_count += 1;
        }
        held
    }

    /// An append comes before what has a greater position, and before the reads that show it. A read that is not cut by
    /// its limit comes before what makes the log longer than the read shows it. What a read shows of gaps matters to no
    /// other call.
    fn helps(
        &self,
        _: &Arc<LogState<V>>,
        first: (&LogOperation<V>, Option<&LogAnswer<V>>),
        then: (&LogOperation<V>, Option<&LogAnswer<V>>),
    ) -> bool {
        // The length of the log that the call needs or leaves at least.
        let length =
            |(operation, answer): (&LogOperation<V>, Option<&LogAnswer<V>>)| match (operation, answer) {
                (_, Some(LogAnswer::Values(values))) if values.is_empty() => 0,
                (LogOperation::Read { from, .. }, Some(LogAnswer::Values(values))) => {
                    from.saturating_add(values.len() as u64)
                }
                (_, Some(LogAnswer::Appended(at))) => at.saturating_add(1),
                _ => u64::MAX,
            };
        match first {
            (LogOperation::Append(_), Some(LogAnswer::Appended(at))) => *at < length(then),
            (LogOperation::Read { from, limit }, Some(LogAnswer::Values(values))) => {
                let count = values.len() as u64;
                count < *limit && from.saturating_add(count) < length(then)
            }
            _ => true,
        }
    }
}

impl<V: Clone + Ord + Display> Model for Log<V> {
    type Operation = LogOperation<V>;
    type Answer = LogAnswer<V>;
    type Key = ();
    type Part = Log<V>;

    fn part(&self) -> Log<V> {
        self.clone()
    }

    fn split(&self, operation: &LogOperation<V>) -> ((), LogOperation<V>) {
        ((), operation.clone())
    }

    fn answer(&self, operation: &LogOperation<V>, answer: &LogAnswer<V>) -> Option<LogAnswer<V>> {
        let is_append = matches!(operation, LogOperation::Append(_));
        (is_append == matches!(answer, LogAnswer::Appended(_))).then(|| answer.clone())
    }

    /// The values of calls that were left out, which no read showed, are printed as `?`.
    fn describe_state(&self, state: &Arc<LogState<V>>) -> Option<String> {
        if state.values.is_empty() {
            return Some("nothing".into());
        }
        let shown = |(value, place): (&Option<V>, u64)| {
            let in_gap = || state.gaps.get(&place).and_then(|(_, value)| value.as_ref());
            value.as_ref().or_else(in_gap).map_or_else(|| "?".into(), V::to_string)
        };
        Some(newest(state.values.len(), state.values.iter().zip(0..).map(shown)))
    }

    fn fewest(part: Log<V>, calls: Vec<Call<Log<V>>>, steps: &mut u64) -> Few<Log<V>> {
        fewest(part, calls, steps)
    }
}

impl<V: Clone + Ord> Reducible for Log<V> {
    type Value = V;

    fn subject(&self, call: &Call<Log<V>>) -> Subject<V> {
        match &call.operation {
            LogOperation::Append(value) => Subject::Value(value.clone()),
            LogOperation::Read { .. } => Subject::Alone,
        }
    }

    /// The values keep their positions, and any number of them may stand between those that are left. A read may still
    /// show them, each as often as it was appended.
    ///
    /// Proof: in the linearization of `calls`, the appends that are left out are those that the model lets happen at any
    /// moment, and all the other calls are explained as before.
    fn without_values(&self, calls: &[Call<Log<V>>], gone: &BTreeSet<V>) -> (Self, Vec<Call<Log<V>>>) {
        if gone.is_empty() {
            return (self.clone(), calls.to_vec());
        }
        let mut others = self.others.as_deref().cloned().unwrap_or_default();
        let mut fewer = Vec::new();
        for call in calls {
            match &call.operation {
                LogOperation::Append(value) if gone.contains(value) => {
                    *others.entry(value.clone()).or_default() += 1;
                }
                _ => fewer.push(call.clone()),
            }
        }
        (Log { others: Some(Arc::new(others)) }, fewer)
    }
}
