//! Recipes about requests on their way into the log.

use crate::scenario::draw::Wanted::{AgreedRead, Write};
use crate::scenario::draw::{crash, crash_at, noted};
use crate::scenario::step::{Event, Fault, Manner, Who};
use crate::service::recipes::{Steps, sent};

const ANY: Who = Who::Any;

pub(super) fn retry_between_two_crashes(draft: &mut Steps<'_>) {
    let asked = draft.site(0);
    let terminal = Some(Who::Terminal(draft.number(0)));
    draft.ask_of(terminal, Write).ask_of(terminal, Write);
    draft.on(noted("took", asked), crash(asked)).ask(2, Write);
    draft.on(noted("retries", ANY), crash_at(Who::Leader, Manner::AfterSync));
    draft.after(50, 900, Fault::Restart(Who::AllSites)).ask(2, Write);
    draft.after(50, 900, Fault::Restart(Who::AllSites)).ask_on(noted("done", ANY), None, AgreedRead);
}

pub(super) fn origin_restarts(draft: &mut Steps<'_>) {
    let origin = draft.site(0);
    let terminal = Some(Who::Terminal(draft.number(0)));
    draft.ask_of(terminal, Write).ask_of(terminal, Write);
    // Who leads forwards nothing: then it is another one's turn.
    draft.on(sent("Forward", ANY, ANY), crash(origin)).then(crash(Who::Leader));
    draft.after(50, 700, Fault::Restart(origin)).ask_of(terminal, Write);
    draft.after(0, 300, Fault::Restart(Who::AllSites));
    draft.ask_on(Event::Leads(ANY), terminal, Write).ask_of(terminal, AgreedRead);
}
