//! Recipes about requests on their way into the log.

use crate::scenario::draw::Wanted::{AgreedRead, Write};
use crate::scenario::draw::{crash, crash_at, noted, rule};
use crate::scenario::step::{EventPattern, Fault, Rule, Ruling, Seam, Target};
use crate::tweets::service::recipes::{Steps, sent};

const ANY: Target = Target::Any;

pub(super) fn retry_between_two_crashes(draft: &mut Steps<'_>) {
    let asked = draft.site(0);
    let terminal = Some(Target::Terminal(draft.number(0)));
    draft.ask_of(terminal, Write).ask_of(terminal, Write);
    draft.on(noted("took", asked), crash(asked)).ask(2, Write);
    draft.on(noted("retries", ANY), crash_at(Target::Leader, Seam::AfterSync));
    draft.after(50, 900, Fault::Restart(Target::AllSites)).ask(2, Write);
    draft.after(50, 900, Fault::Restart(Target::AllSites)).ask_on(noted("done", ANY), None, AgreedRead);
}

pub(super) fn origin_restarts(draft: &mut Steps<'_>) {
    let origin = draft.site(0);
    let terminal = Some(Target::Terminal(draft.number(0)));
    draft.ask_of(terminal, Write).ask_of(terminal, Write);
    // A leader forwards nothing: if `origin` leads, the step waits for another site to forward.
    draft.on(sent("Forward", ANY, ANY), crash(origin)).then(crash(Target::Leader));
    draft.after(50, 700, Fault::Restart(origin)).ask_of(terminal, Write);
    draft.after(0, 300, Fault::Restart(Target::AllSites));
    draft.ask_on(EventPattern::Leads(ANY), terminal, Write).ask_of(terminal, AgreedRead);
}

pub(super) fn served_through_a_peer(draft: &mut Steps<'_>) {
    let deaf = draft.site(0);
    let terminal = Some(Target::Terminal(draft.number(0)));
    // If `deaf` leads, the pause makes another site lead.
    draft.ask_of(terminal, Write).then(Fault::Pause(deaf)).after(700, 1_200, Fault::Resume(deaf));
    draft.after(300, 600, Fault::Rule(rule(None, (Target::Leader, deaf), Ruling::Drop)));
    draft.ask_of(terminal, Write);
    let then = match draft.draws.below(3) {
        0 => Ruling::Drop,
        1 => Ruling::Delay(draft.draws.millis(50, 900)),
        _ => Ruling::Duplicate { copies: 2, apart: draft.draws.millis(0, 300) },
    };
    let count = Some(draft.draws.between(1, 4));
    let passed_on = Rule { count, ..rule(Some("Relay"), (ANY, ANY), then) };
    draft
        .on(noted("follows through", deaf), Fault::Rule(passed_on))
        .ask_of(terminal, Write)
        .ask_of(terminal, Write);
    let lost = if draft.draws.one_in(2) { Target::Sender } else { Target::Recipient };
    draft.on(sent("Relay", ANY, ANY), crash(lost)).ask_of(terminal, Write);
    draft.after(100, 1_500, Fault::Heal).ask_of(terminal, AgreedRead).ask(1, AgreedRead);
}
