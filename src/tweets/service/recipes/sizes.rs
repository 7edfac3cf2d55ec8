//! Recipes about messages that fill their datagrams.

use crate::scenario::draw::Wanted::{AgreedRead, FillingWrite, Read, Write};
use crate::scenario::draw::{crash, rule};
use crate::scenario::step::{EventPattern, Fault, Rule, Ruling, Target};
use crate::tweets::service::recipes::Steps;

const ANY: Target = Target::Any;

pub(super) fn datagrams_are_filled(draft: &mut Steps<'_>) {
    let terminals: Vec<Target> =
        (0..draft.count()).map(|part| Target::Terminal(draft.number(part))).collect();
    // Every terminal gets a session before anything is large, so that all large requests are under way together.
    for terminal in &terminals {
        draft.ask_of(Some(*terminal), Write);
    }
    for _ in 0..3 {
        let parts = draft.draws.between(2, 4).to_le_bytes()[0];
        // Nothing is chosen for a while. Requests of this time go together, when the window has room or to the next
        // leader.
        let count = Some(draft.draws.between(4, 30));
        let held = rule(Some("Accepted"), (ANY, Target::Leader), Ruling::Drop);
        draft.after(200, 900, Fault::Rule(Rule { count, ..held }));
        for _ in 0..2 {
            for terminal in &terminals {
                draft.ask_of(Some(*terminal), FillingWrite(parts));
            }
        }
        if draft.draws.one_in(2) {
            draft.after(0, 200, crash(Target::Leader)).ask_on(
                EventPattern::Leads(ANY),
                None,
                FillingWrite(parts),
            );
            draft.after(0, 900, Fault::Restart(Target::AllSites));
        }
        draft.after(0, 600, Fault::Heal).ask(1, Read).ask(1, AgreedRead);
    }
}
