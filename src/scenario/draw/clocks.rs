//! A recipe about the clocks of all sites: one source of time sets them all, and sets them wrong.

use crate::scenario::draw::recipe::{Draft, crash};
use crate::scenario::draw::workload::Wanted::{AgreedRead, Read, Write};
use crate::scenario::profile::Span;
use crate::scenario::step::{ClockFault, EventPattern, Fault, Percent, Target};
use crate::sim::DRIFT_MAX;
use crate::time::Duration;

/// Longer than any run: a clock that is set back by this shows zero.
const TO_ZERO: Duration = Duration::from_secs(3_600);

/// The same fault for all sites, at once or one by one within a moment; and then perhaps again, or in reverse.
pub(super) fn clocks_of_all_sites<C, E>(draft: &mut Draft<'_, C, E>) {
    draft.ask(2, Write);
    let mut ahead = None;
    for _ in 0..draft.draws.between(1, 4) {
        let fault = fault(draft, ahead);
        ahead = if let ClockFault::Ahead(by) = fault { Some(by) } else { None };
        match draft.draws.below(4) {
            // Sites that wait for the leader began to wait by the clock from before the fault.
            0 => {
                draft.then(crash(Target::Leader));
                strike(draft, fault);
            }
            1 => {
                strike(draft, fault);
                draft.after(0, 400, crash(Target::Leader));
            }
            2 => {
                draft.then(crash(Target::AllSites));
                strike(draft, fault);
                draft.after(0, 400, Fault::Restart(Target::AllSites));
            }
            _ => {
                strike(draft, fault);
            }
        }
        draft.ask(2, Write).ask(1, Read).ask_on(EventPattern::Leads(Target::Any), None, AgreedRead);
        draft.after(200, 3_000, Fault::Restart(Target::AllSites)).ask(1, AgreedRead);
    }
}

/// A clock that is `ahead` is often set right again. One that is not ahead shows about zero when it is set back.
fn fault<C, E>(draft: &mut Draft<'_, C, E>, ahead: Option<Duration>) -> ClockFault {
    let by = if draft.draws.one_in(2) {
        draft.draws.millis(100, 3_000)
    } else {
        draft.draws.millis(3_000, 120_000)
    };
    let percent = Percent(draft.draws.number(Span(1, DRIFT_MAX.0)));
    let sets_right = draft.draws.one_in(2);
    match ahead {
        Some(by) if sets_right => ClockFault::Behind(by),
        _ => match draft.draws.below(6) {
            0 => ClockFault::Fast(percent),
            1 => ClockFault::Slow(percent),
            2 => ClockFault::Behind(TO_ZERO),
            _ => ClockFault::Ahead(by),
        },
    }
}

fn strike<C, E>(draft: &mut Draft<'_, C, E>, fault: ClockFault) {
    if draft.draws.one_in(2) {
        draft.then(Fault::Clock(Target::AllSites, fault));
        return;
    }
    for part in 0..draft.count() {
        let site = draft.site(part);
        draft.after(0, 60, Fault::Clock(site, fault));
    }
}
