//! The limits that every world checks, whichever processes run in it:
//!
//! 1. No datagram that leaves a process is larger than the limit.
//! 2. After every input, nothing that a process [shows](Process::sizes) exceeds its own limit.
//! 3. In one input, a process [looks](Process::looks) at no more items than the results of that input justify.
//! 4. When an input is handed in, at most `inbox_max` inputs wait after it, and the outbox is not full.
//!
//! Not checked: what a process neither shows nor counts, and how much one input adds to what waits for a sync.

use alloc::format;

use crate::frame::Datagram;
use crate::ids::ProcessId;
use crate::process::{Process, Size};
use crate::sim::host::{RunningProcess, WaitingInput};
use crate::sim::watch::judge::Violation;

const MEMORY: &str = "bounded memory";
const WORK: &str = "bounded work";

#[inline]
pub(crate) fn check_datagram(datagram: &Datagram, datagram_max: usize) -> Result<(), Violation> {
    let length = datagram.bytes.len();
    if length <= datagram_max {
        return Ok(());
    }
    let (from, kind) = (datagram.from, datagram.labels.first().map_or("nothing", |(kind, _)| *kind));
    let explanation =
        format!("{from} sent a datagram of {length} bytes with {kind} first, more than {datagram_max}");
    Err(Violation::new("datagram limit", explanation))
}

pub(crate) fn check_sizes<P: Process>(id: ProcessId, process: &P) -> Result<(), Violation> {
    let mut worst = None;
    process.sizes(|size| {
        if size.holds > size.max {
            worst.get_or_insert(size);
        }
    });
    let Some(Size { what, holds, max }) = worst else { return Ok(()) };
    Err(Violation::new(MEMORY, format!("{id} holds {holds} {what}, more than {max}")))
}

/// Fails if one input asked the containers of process `id` for too many items: `looks` items, with only `outcomes`
/// records, messages and notes as its results.
pub(crate) fn check_looks<P: Process>(id: ProcessId, looks: u64, outcomes: usize) -> Result<(), Violation> {
    let max = P::LOOKS_MAX.saturating_mul(outcomes.max(1) as u64);
    if looks <= max {
        return Ok(());
    }
    let explanation = format!(
        "{id} looked at {looks} items for one input with {outcomes} records, messages and notes, more than {max}"
    );
    Err(Violation::new(WORK, explanation))
}

#[inline]
pub(crate) fn check_waiting<P: Process>(
    id: ProcessId,
    running: &RunningProcess<P>,
    inbox_max: usize,
) -> Result<(), Violation> {
    let mut inbox = running.inbox.len();
    if inbox > inbox_max {
        // What is said of links is not refused, so that no process misses it.
        inbox -= running.inbox.iter().filter(|input| matches!(input, WaitingInput::Link { .. })).count();
    }
    let explanation = if inbox > inbox_max {
        format!("{inbox} inputs wait at {id}, more than {inbox_max}")
    } else if running.outbox.is_full() {
        format!("{id} is handed an input, though too much waits there for a sync")
    } else {
        return Ok(());
    };
    Err(Violation::new(MEMORY, explanation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    use crate::process::{Recipients, Subject};

    const S0: ProcessId = ProcessId::site(0);

    #[test]
    fn a_datagram_over_the_limit_is_caught() {
        let datagram = |length: usize| Datagram {
            from: S0,
            to: Recipients::One(ProcessId::site(1)),
            labels: vec![("Word", Subject::NONE)],
            is_background: false,
            bytes: vec![0; length],
            hash: 0,
        };
        assert_eq!(check_datagram(&datagram(1_200), 1_200), Ok(()));
        assert_eq!(
            format!("{}", check_datagram(&datagram(1_201), 1_200).unwrap_err()),
            "datagram limit: S0 sent a datagram of 1201 bytes with Word first, more than 1200"
        );
    }
}
