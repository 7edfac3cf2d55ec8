//! Recipes about reads at a site that lags.

use crate::scenario::draw::Wanted::{AgreedRead, Write};
use crate::scenario::draw::{crash, noted, rule};
use crate::scenario::step::{Fault, Rule, Ruling, Target};
use crate::tweets::service::recipes::Steps;

const ANY: Target = Target::Any;

pub(super) fn laggard_is_asked(draft: &mut Steps<'_>) {
    let laggard = draft.site(0);
    let terminal = Some(Target::Terminal(draft.number(0)));
    // If `laggard` leads, the pause makes another site lead.
    draft.ask_of(terminal, Write).then(Fault::Pause(laggard)).after(700, 1_200, Fault::Resume(laggard));
    for kind in ["Accept", "FetchReply"] {
        draft.then(Fault::Rule(rule(Some(kind), (ANY, laggard), Ruling::Drop)));
    }
    for round in 0..5 {
        // Some answers come when no read, or another read, waits for them.
        let (count, by) = (Some(draft.draws.between(1, 3)), draft.draws.millis(20, 900));
        let late = Rule { count, ..rule(Some("SurveyReply"), (ANY, laggard), Ruling::Delay(by)) };
        draft.then(Fault::Rule(late)).ask_of(terminal, AgreedRead).ask_of(terminal, AgreedRead).ask(1, Write);
        if round == 2 && draft.draws.one_in(2) {
            draft.then(crash(laggard)).after(20, 300, Fault::Restart(laggard));
        }
        draft.ask_on(noted("done", ANY), terminal, AgreedRead).ask_of(terminal, AgreedRead);
    }
    draft.after(0, 600, Fault::Heal).ask_of(terminal, AgreedRead).ask(1, AgreedRead);
}
