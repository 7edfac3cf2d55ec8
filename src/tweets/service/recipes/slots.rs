//! Recipes about what is chosen in a slot.

use crate::scenario::draw::Wanted::{AgreedRead, LargeWrite, Write};
use crate::scenario::draw::{crash, crash_at, noted, rule, traffic};
use crate::scenario::step::{EventPattern, Fault, Rule, Ruling, Seam, Target, Traffic};
use crate::tweets::service::recipes::{Steps, sent};

const ANY: Target = Target::Any;

pub(super) fn starved_slot(draft: &mut Steps<'_>) {
    // The leader's next slots are not known beforehand. The rule starves the first proposal that comes, and repeated
    // proposals in its slot.
    let lost = rule(Some("Accept"), (Target::Leader, ANY), Ruling::Drop);
    let few = Rule { count: Some(draft.draws.between(1, 4)), ..lost };
    draft.then(Fault::Rule(few)).ask(6, Write);
    draft.on(noted("chose", ANY), crash(Target::Leader)).ask(1, Write);
    draft.ask_on(EventPattern::Leads(ANY), None, AgreedRead);
    draft.after(100, 1_500, Fault::Restart(Target::AllSites)).ask(1, AgreedRead);
}

pub(super) fn half_told_broadcast(draft: &mut Steps<'_>) {
    draft.then(crash_at(Target::Leader, Seam::BetweenRecipients)).ask(3, Write);
    draft.on(EventPattern::Leads(ANY), crash(Target::Follower)).after(
        50,
        900,
        Fault::Restart(Target::AllSites),
    );
    draft.ask(2, Write).ask_on(noted("chose", ANY), None, AgreedRead);
    draft.then(crash_at(Target::Leader, Seam::AfterSync)).ask(2, Write);
    draft.after(50, 900, Fault::Restart(Target::AllSites)).ask(1, AgreedRead);
}

pub(super) fn cut_off_with_a_proposal(draft: &mut Steps<'_>) {
    draft.ask(1, Write).on(sent("Accept", Target::Leader, ANY), Fault::Isolate(Target::Leader)).ask(2, Write);
    draft.ask_on(EventPattern::Leads(ANY), None, Write).ask(2, Write).after(0, 900, Fault::Heal);
    draft.ask(2, AgreedRead).on(sent("Accept", Target::Leader, ANY), Fault::Isolate(Target::Leader));
    draft.ask_on(EventPattern::Leads(ANY), None, AgreedRead).after(0, 900, Fault::Heal);
}

pub(super) fn power_lost_in_recovery(draft: &mut Steps<'_>) {
    draft.ask(3, Write);
    let few = Traffic { nth: draft.draws.between(1, 3), ..traffic("Accept", ANY, ANY) };
    draft.on(EventPattern::Sent(few), crash_at(Target::AllSites, Seam::BeforeSync)).ask(2, Write);
    draft.after(100, 400, crash(Target::AllSites));
    draft.then(crash_at(Target::AllSites, Seam::DuringRecovery));
    for _ in 0..2 {
        for part in 0..draft.count() {
            let site = draft.site(part);
            draft.after(0, 200, Fault::Restart(site));
        }
    }
    draft.ask_on(EventPattern::Leads(ANY), None, AgreedRead);
}

pub(super) fn late_accepted(draft: &mut Steps<'_>) {
    let (voter, by) = (draft.site(0), draft.draws.millis(700, 2_000));
    let late = Rule { count: Some(3), ..rule(Some("Accepted"), (voter, ANY), Ruling::Delay(by)) };
    let lost = Rule { count: Some(4), ..rule(Some("Accept"), (ANY, draft.site(1)), Ruling::Drop) };
    draft.then(Fault::Rule(late)).then(Fault::Rule(lost)).ask(3, Write);
    draft.after(20, 200, Fault::Isolate(Target::Leader)).ask_on(EventPattern::Leads(ANY), None, Write);
    draft.after(0, 600, Fault::Heal).ask(2, AgreedRead);
}

pub(super) fn starved_slot_known(draft: &mut Steps<'_>) {
    let slot = draft.draws.between(9, 14);
    let lost = rule(Some("Accept"), (ANY, ANY), Ruling::Drop);
    let few = Rule { slot: Some(slot), count: Some(draft.draws.between(2, 12)), ..lost };
    draft.then(Fault::Rule(few)).ask(16, Write);
    let later =
        EventPattern::Noted { kind: "chose".to_owned(), who: ANY, subject: None, slot: Some(slot + 1) };
    draft.on(later, crash(Target::Leader)).ask(2, Write);
    draft.after(50, 900, Fault::Restart(Target::AllSites)).ask(1, AgreedRead);
}

pub(super) fn promise_in_parts(draft: &mut Steps<'_>) {
    let (ignorant, count) = (draft.site(0), draft.count());
    let terminals: Vec<Target> = (0..count).map(|part| Target::Terminal(draft.number(part))).collect();
    // Every terminal gets a session before anything is large, so that all large requests are under way together.
    for terminal in &terminals {
        draft.ask_of(Some(*terminal), Write);
    }
    // Without a count the rule never ends by itself, so the leader must notice that it makes no progress.
    let few = |draft: &mut Steps<'_>| (!draft.draws.one_in(2)).then(|| draft.draws.between(12, 30));
    let drops_accepted =
        Rule { count: few(draft), ..rule(Some("Accepted"), (ANY, Target::Leader), Ruling::Drop) };
    let drops_accept =
        Rule { count: few(draft), ..rule(Some("Accept"), (Target::Leader, ignorant), Ruling::Drop) };
    draft.after(300, 900, Fault::Rule(drops_accepted)).then(Fault::Rule(drops_accept));
    for terminal in &terminals {
        draft.ask_of(Some(*terminal), LargeWrite);
    }
    let accepted = Traffic { nth: draft.draws.between(3, 8), ..traffic("Accepted", ANY, Target::Leader) };
    // The next leader holds some of it, or is the site that holds nothing.
    if draft.draws.one_in(2) {
        draft.on(EventPattern::Sent(accepted), crash(Target::Leader));
    } else {
        draft.on(EventPattern::Sent(accepted), crash(Target::AllSites)).then(Fault::Restart(ignorant));
    }
    let then = if draft.draws.one_in(2) { Ruling::Drop } else { Ruling::Delay(draft.draws.millis(100, 900)) };
    let (skip, count) = (draft.draws.below(3), Some(draft.draws.between(1, 3)));
    let late = Rule { skip, count, ..rule(Some("Promise"), (ANY, ANY), then) };
    draft.on(noted("campaigns", ANY), Fault::Rule(late)).then(Fault::Restart(Target::AllSites)).ask(2, Write);
    draft.ask_on(EventPattern::Leads(ANY), None, AgreedRead).after(100, 900, Fault::Heal).ask(1, AgreedRead);
}

pub(super) fn loser_is_asked(draft: &mut Steps<'_>) {
    // The leader alone accepts something, and is cut off with it.
    draft
        .ask(2, Write)
        .then(Fault::Rule(rule(Some("Accept"), (Target::Leader, ANY), Ruling::Drop)))
        .ask(1, Write);
    draft.on(
        sent("Accept", Target::Leader, ANY),
        Fault::Rule(rule(Some("FetchReply"), (ANY, ANY), Ruling::Drop)),
    );
    draft.after(20, 100, Fault::Isolate(Target::Leader));
    let missed = rule(Some("Accept"), (ANY, Target::Follower), Ruling::Drop);
    draft.on(EventPattern::Leads(ANY), Fault::Rule(missed)).ask(2, Write);
    draft.ask_on(noted("fetches", ANY), None, Write);
    let few = Some(draft.draws.between(1, 6));
    let unserved = Rule { count: few, ..rule(Some("FetchReply"), (Target::Leader, ANY), Ruling::Drop) };
    draft.after(0, 400, Fault::Heal).then(Fault::Rule(unserved)).ask(1, AgreedRead);
}
