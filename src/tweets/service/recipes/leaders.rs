//! Recipes about who leads.

use crate::scenario::draw::Wanted::{AgreedRead, Read, Write};
use crate::scenario::draw::{crash, crash_at, noted, rule, traffic};
use crate::scenario::step::{EventPattern, Fault, Rule, Ruling, Seam, Target};
use crate::tweets::service::recipes::{Steps, sent};

const ANY: Target = Target::Any;

pub(super) fn leader_and_successor_lost(draft: &mut Steps<'_>) {
    draft.ask(2, Write).on(noted("chose", ANY), crash(Target::Leader));
    draft.ask(1, Write).on(EventPattern::Leads(ANY), Fault::Isolate(Target::Leader));
    draft.ask(2, Write).ask(2, Read).after(100, 1_500, Fault::Restart(Target::AllSites));
    draft
        .ask_on(EventPattern::Leads(ANY), None, AgreedRead)
        .after(100, 1_500, Fault::Heal)
        .ask(1, AgreedRead);
}

pub(super) fn duel_on_return(draft: &mut Steps<'_>) {
    let away = draft.site(0);
    draft.then(Fault::Isolate(away)).ask(4, Write);
    draft.after(2_000, 5_000, Fault::Heal).on(noted("fetches", away), crash(Target::Leader));
    draft.ask_on(EventPattern::Leads(ANY), None, Write).after(0, 500, Fault::Restart(Target::AllSites));
    draft.ask(2, AgreedRead);
}

pub(super) fn crash_while_catching_up(draft: &mut Steps<'_>) {
    let (away, there) = (draft.site(0), draft.site(1));
    draft.then(crash(away)).ask(4, Write).after(800, 2_500, Fault::Restart(away));
    draft.on(noted("fetches", away), crash_at(away, Seam::BeforeSync)).ask(2, Write);
    draft.after(50, 600, Fault::Restart(away)).ask(2, Write);
    draft.after(0, 200, crash(Target::Leader)).ask_on(EventPattern::Leads(ANY), None, Write);
    draft.after(50, 500, Fault::Restart(Target::AllSites)).then(crash(there)).ask(1, AgreedRead);
    draft.after(50, 500, Fault::Restart(there));
}

pub(super) fn unsynced_promise(draft: &mut Steps<'_>) {
    let voter = draft.site(0);
    draft.ask(2, Write).then(crash(Target::Leader));
    draft.on(EventPattern::Delivered(traffic("Prepare", ANY, ANY)), crash_at(voter, Seam::BeforeSync));
    draft.after(20, 300, Fault::Restart(Target::AllSites)).ask(2, Write);
    draft.after(20, 300, Fault::Restart(Target::AllSites));
    draft.ask_on(noted("chose", ANY), None, Write).then(crash(Target::Leader)).ask(1, AgreedRead);
    draft.after(20, 600, Fault::Restart(Target::AllSites));
}

pub(super) fn late_promise(draft: &mut Steps<'_>) {
    let (slow, by) = (draft.site(0), draft.draws.millis(500, 1_500));
    let held = Rule { count: Some(2), ..rule(Some("Promise"), (slow, ANY), Ruling::Delay(by)) };
    draft.ask(1, Write).then(Fault::Rule(held)).then(crash(Target::Leader));
    draft.on(sent("Prepare", ANY, ANY), Fault::Restart(Target::AllSites)).ask(2, Write);
    draft.after(0, 400, Fault::Isolate(Target::Leader)).ask_on(EventPattern::Leads(ANY), None, Write);
    draft.after(200, 1_000, Fault::Heal).ask(2, AgreedRead);
}

/// Only `chosen` can win a campaign: the others' `Prepare`s are dropped.
fn campaigns_alone(draft: &mut Steps<'_>, chosen: usize) {
    for part in (0..draft.count()).filter(|part| *part != chosen) {
        draft.then(Fault::Rule(rule(Some("Prepare"), (draft.site(part), ANY), Ruling::Drop)));
    }
}

pub(super) fn leads_again(draft: &mut Steps<'_>) {
    let chosen = draft.site(0);
    campaigns_alone(draft, 0);
    draft.then(crash(Target::AllSites)).then(Fault::Restart(Target::AllSites));
    draft.ask_on(EventPattern::Leads(chosen), None, Write).ask(2, Write);
    draft.then(Fault::Heal).then(Fault::Isolate(chosen)).ask(2, Write);
    draft
        .ask_on(EventPattern::Leads(ANY), None, Write)
        .ask(2, Write)
        .after(0, 600, Fault::Heal)
        .ask(1, Write);
    campaigns_alone(draft, 0);
    draft.after(0, 300, crash(Target::Leader)).ask_on(EventPattern::Leads(chosen), None, AgreedRead);
    draft.ask(1, Write).after(50, 800, Fault::Heal).ask(2, AgreedRead);
}

pub(super) fn promises_of_a_lost_ballot(draft: &mut Steps<'_>) {
    let chosen = draft.site(0);
    let late = Ruling::Delay(draft.draws.millis(1_200, 3_500));
    campaigns_alone(draft, 0);
    draft.then(Fault::Rule(rule(Some("Promise"), (ANY, chosen), late)));
    draft.then(crash(Target::AllSites)).then(Fault::Restart(Target::AllSites));
    // Another site leads, and the late promises do not report what it chose.
    draft.after(400, 1_500, Fault::Heal).then(Fault::Isolate(chosen)).ask(1, Write);
    draft.ask_on(EventPattern::Leads(ANY), None, Write).ask(2, Write);
    draft.after(50, 500, Fault::Heal);
    campaigns_alone(draft, 0);
    let (count, lost) = (draft.draws.between(2, 12), rule(Some("Promise"), (ANY, chosen), Ruling::Drop));
    draft.then(Fault::Rule(Rule { count: Some(count), ..lost })).then(Fault::Isolate(Target::Leader));
    draft.ask_on(EventPattern::Leads(chosen), None, Write).ask(2, Write);
    draft.after(300, 1_500, Fault::Heal).ask(2, AgreedRead).then(Fault::Restart(Target::AllSites));
}

pub(super) fn votes_of_a_lost_ballot(draft: &mut Steps<'_>) {
    let (first, voter, second, other, last) =
        (draft.site(0), draft.site(1), draft.site(2), draft.site(3), draft.site(4));
    let accept = |draft: &mut Steps<'_>, from, to| {
        draft.then(Fault::Rule(rule(Some("Accept"), (from, to), Ruling::Drop)));
    };
    // The first leader's proposals reach one voter, whose votes come late.
    campaigns_alone(draft, 0);
    draft.then(crash(Target::AllSites)).then(Fault::Restart(Target::AllSites));
    [second, other, last].into_iter().for_each(|site| accept(draft, first, site));
    let late = Ruling::Delay(draft.draws.millis(1_200, 3_500));
    draft.then(Fault::Rule(rule(Some("Accepted"), (voter, first), late)));
    draft.ask_on(EventPattern::Leads(first), None, Write).ask(2, Write);
    // The second leader's proposals reach no site.
    draft.after(50, 600, Fault::Heal).then(Fault::Isolate(first)).then(Fault::Isolate(voter));
    campaigns_alone(draft, 2);
    accept(draft, second, ANY);
    draft.ask_on(EventPattern::Leads(second), None, Write).ask(2, Write);
    // The first leader leads again: one vote counts, and the late votes must not.
    draft.after(50, 400, Fault::Heal).then(Fault::Isolate(second));
    campaigns_alone(draft, 0);
    [voter, other].into_iter().for_each(|site| accept(draft, first, site));
    draft.ask_on(EventPattern::Leads(first), None, Write);
    draft.after(200, 2_500, Fault::Heal).then(crash(first)).then(crash(last)).ask(1, Write);
    draft.ask_on(EventPattern::Leads(ANY), None, AgreedRead);
    draft.after(300, 2_000, Fault::Restart(Target::AllSites)).ask(1, AgreedRead);
}
