//! Recipes about who leads.

use crate::scenario::draw::Wanted::{AgreedRead, Read, Write};
use crate::scenario::draw::{crash, crash_at, noted, rule, traffic};
use crate::scenario::step::{Event, Fault, Rule, Ruling, Seam, Target};
use crate::service::recipes::{Steps, sent};

const ANY: Target = Target::Any;

pub(super) fn leader_and_successor_lost(draft: &mut Steps<'_>) {
    draft.ask(2, Write).on(noted("chose", ANY), crash(Target::Leader));
    draft.ask(1, Write).on(Event::Leads(ANY), Fault::Isolate(Target::Leader));
    draft.ask(2, Write).ask(2, Read).after(100, 1_500, Fault::Restart(Target::AllSites));
    draft.ask_on(Event::Leads(ANY), None, AgreedRead).after(100, 1_500, Fault::Heal).ask(1, AgreedRead);
}

pub(super) fn duel_on_return(draft: &mut Steps<'_>) {
    let away = draft.site(0);
    draft.then(Fault::Isolate(away)).ask(4, Write);
    draft.after(2_000, 5_000, Fault::Heal).on(noted("fetches", away), crash(Target::Leader));
    draft.ask_on(Event::Leads(ANY), None, Write).after(0, 500, Fault::Restart(Target::AllSites));
    draft.ask(2, AgreedRead);
}

pub(super) fn crash_while_catching_up(draft: &mut Steps<'_>) {
    let (away, there) = (draft.site(0), draft.site(1));
    draft.then(crash(away)).ask(4, Write).after(800, 2_500, Fault::Restart(away));
    draft.on(noted("fetches", away), crash_at(away, Seam::BeforeSync)).ask(2, Write);
    draft.after(50, 600, Fault::Restart(away)).ask(2, Write);
    draft.after(0, 200, crash(Target::Leader)).ask_on(Event::Leads(ANY), None, Write);
    draft.after(50, 500, Fault::Restart(Target::AllSites)).then(crash(there)).ask(1, AgreedRead);
    draft.after(50, 500, Fault::Restart(there));
}

pub(super) fn unsynced_promise(draft: &mut Steps<'_>) {
    let voter = draft.site(0);
    draft.ask(2, Write).then(crash(Target::Leader));
    draft.on(Event::Delivered(traffic("Prepare", ANY, ANY)), crash_at(voter, Seam::BeforeSync));
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
    draft.after(0, 400, Fault::Isolate(Target::Leader)).ask_on(Event::Leads(ANY), None, Write);
    draft.after(200, 1_000, Fault::Heal).ask(2, AgreedRead);
}

pub(super) fn leads_again(draft: &mut Steps<'_>) {
    // Nobody else gets a campaign through: whoever leads next is this one.
    let chosen = draft.site(0);
    let rivals = |draft: &mut Steps<'_>| {
        for part in 1..draft.count() {
            draft.then(Fault::Rule(rule(Some("Prepare"), (draft.site(part), ANY), Ruling::Drop)));
        }
    };
    rivals(draft);
    draft.then(crash(Target::AllSites)).then(Fault::Restart(Target::AllSites));
    draft.ask_on(Event::Leads(chosen), None, Write).ask(2, Write);
    draft.then(Fault::Heal).then(Fault::Isolate(chosen)).ask(2, Write);
    draft.ask_on(Event::Leads(ANY), None, Write).ask(2, Write).after(0, 600, Fault::Heal).ask(1, Write);
    rivals(draft);
    draft.after(0, 300, crash(Target::Leader)).ask_on(Event::Leads(chosen), None, AgreedRead);
    draft.ask(1, Write).after(50, 800, Fault::Heal).ask(2, AgreedRead);
}
