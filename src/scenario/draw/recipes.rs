//! Recipes about leaders, links and restarts, which need no word of any protocol.

use crate::ids::SITES_MAX;
use crate::scenario::draw::clocks::clocks_of_all_sites;
use crate::scenario::draw::recipe::{Draft, Recipe, crash};
use crate::scenario::draw::workload::Wanted::{AgreedRead, Read, Write};
use crate::scenario::profile::Span;
use crate::scenario::step::{EventPattern, Fault, Target};

/// The recipes for any service with leaders.
pub fn common<C, E>() -> Vec<Recipe<C, E>> {
    vec![
        Recipe {
            name: "isolated_leader_is_asked",
            about: "The leader is isolated, both sides are written to and read, and it comes back.",
            sites: Span(3, SITES_MAX),
            cook: isolated_leader_is_asked,
        },
        Recipe {
            name: "paused_leader_wakes_up",
            about: "The leader sleeps while another one leads, and wakes up with its inputs queued.",
            sites: Span(3, SITES_MAX),
            cook: paused_leader_wakes_up,
        },
        Recipe {
            name: "leaders_lost_in_turn",
            about: "Each new leader is lost as soon as it leads, and they come back in another order.",
            sites: Span(3, SITES_MAX),
            cook: leaders_lost_in_turn,
        },
        Recipe {
            name: "two_majorities_in_turn",
            about: "One majority is cut off, then another that shares a single site with it.",
            sites: Span(3, SITES_MAX),
            cook: two_majorities_in_turn,
        },
        Recipe {
            name: "as_many_lost_as_can_be",
            about: "Of six sites or more all but a majority crash at once, come back, and lose their disks at once.",
            sites: Span(6, SITES_MAX),
            cook: as_many_lost_as_can_be,
        },
        Recipe {
            name: "chain_of_cuts",
            about: "Five sites lose one link after another until each sees two others, and all are mended.",
            sites: Span(5, 5),
            cook: chain_of_cuts,
        },
        Recipe {
            name: "swizzle",
            about: "Site after site is cut off, and they come back in another order.",
            sites: Span(3, SITES_MAX),
            cook: swizzle,
        },
        Recipe {
            name: "rolling_restart",
            about: "Each site is restarted in turn, with traffic all the time.",
            sites: Span(2, SITES_MAX),
            cook: rolling_restart,
        },
        Recipe {
            name: "power_lost_twice",
            about: "All sites go down at once, come back in any order, and go down again once one leads.",
            sites: Span(2, SITES_MAX),
            cook: power_lost_twice,
        },
        Recipe {
            name: "clocks_of_all_sites",
            about: "The clocks of all sites are set or drift together, with a leader lost, or all restarted, around it.",
            sites: Span(1, SITES_MAX),
            cook: clocks_of_all_sites,
        },
    ]
}

fn isolated_leader_is_asked<C, E>(draft: &mut Draft<'_, C, E>) {
    draft.then(Fault::Isolate(Target::Leader));
    for part in 0..draft.count() {
        let who = Some(Target::Terminal(draft.number(part)));
        draft.ask_of(who, Write).ask_of(who, Read);
    }
    draft.ask_on(EventPattern::Leads(Target::Any), None, Write);
    for part in 0..draft.count() {
        let who = Some(Target::Terminal(draft.number(part)));
        draft.ask_of(who, Read).ask_of(who, AgreedRead);
    }
    draft.after(0, 900, Fault::Heal).ask(2, AgreedRead);
}

fn paused_leader_wakes_up<C, E>(draft: &mut Draft<'_, C, E>) {
    draft.ask(2, Write).then(Fault::Pause(Target::Leader)).ask(2, Write);
    draft.ask_on(EventPattern::Leads(Target::Any), None, Write).ask(2, Write);
    draft.after(0, 1_500, Fault::Resume(Target::AllSites)).ask(3, AgreedRead);
}

fn leaders_lost_in_turn<C, E>(draft: &mut Draft<'_, C, E>) {
    // In an odd cluster: as many as a quorum can spare. The crash below adds one.
    let lost = draft.count() / 2;
    draft.ask(1, Write).then(crash(Target::Leader));
    for _ in 0..lost {
        draft.on(EventPattern::Leads(Target::Any), crash(Target::Leader)).ask(1, Write);
        let part = draft.draws.below(9).to_le_bytes()[0].into();
        let back = draft.site(part);
        draft.after(100, 1_500, Fault::Restart(back)).then(Fault::Restart(Target::AllSites));
    }
    draft.ask_on(EventPattern::Leads(Target::Any), None, AgreedRead);
}

fn two_majorities_in_turn<C, E>(draft: &mut Draft<'_, C, E>) {
    let (count, middle) = (draft.count(), draft.count() / 2);
    let groups = |draft: &Draft<'_, C, E>, at| vec![draft.numbers(0..at), draft.numbers(at..count)];
    let first = groups(draft, middle + 1);
    draft.then(Fault::Partition(first));
    for part in [0, middle, count - 1] {
        let who = Some(Target::Terminal(draft.number(part)));
        draft.ask_of(who, Write).ask_of(who, AgreedRead);
    }
    let second = groups(draft, middle);
    draft.after(800, 2_500, Fault::Heal).then(Fault::Partition(second));
    for part in [0, middle, count - 1] {
        let who = Some(Target::Terminal(draft.number(part)));
        draft.ask_of(who, AgreedRead).ask_of(who, Write).ask_of(who, Read);
    }
    draft.after(800, 2_500, Fault::Heal).ask(2, AgreedRead);
}

fn as_many_lost_as_can_be<C, E>(draft: &mut Draft<'_, C, E>) {
    // Counting mistakes show at the first and the last site.
    let (last, ends_stay) = (draft.count() - 1, draft.draws.one_in(2));
    let can_go = |part: &usize| !(ends_stay && [0, last].contains(&draft.number(*part).into()));
    let lost: Vec<usize> = (0..=last).filter(can_go).take(last / 2).collect();
    draft.ask(2, Write);
    for part in &lost {
        draft.then(crash(draft.site(*part)));
    }
    draft.ask(2, Write).ask(1, AgreedRead).after(300, 2_500, Fault::Restart(Target::AllSites)).ask(2, Write);
    for part in &lost {
        draft.then(Fault::Wipe(draft.site(*part)));
    }
    draft.ask(2, Write).ask(2, AgreedRead);
}

fn chain_of_cuts<C, E>(draft: &mut Draft<'_, C, E>) {
    for part in 0..draft.count() {
        let (one, other) = (vec![draft.number(part)], vec![draft.number(part + 1)]);
        draft.after(50, 700, Fault::Cut { from: one.clone(), to: other.clone() });
        if draft.draws.one_in(2) {
            draft.then(Fault::Cut { from: other, to: one });
        }
        let who = Some(Target::Terminal(draft.number(part)));
        draft.ask_of(who, Write).ask_of(who, AgreedRead);
    }
    draft.after(300, 2_000, Fault::Heal).ask(2, AgreedRead);
}

fn swizzle<C, E>(draft: &mut Draft<'_, C, E>) {
    let count = draft.count();
    for part in 0..count - 1 {
        let (one, others) = (draft.numbers([part]), draft.numbers((0..count).filter(|other| *other != part)));
        draft.after(20, 400, Fault::Cut { from: one.clone(), to: others.clone() });
        draft.then(Fault::Cut { from: others, to: one }).ask(1, Write);
    }
    let mut back: Vec<usize> = (0..count - 1).collect();
    draft.draws.shuffle(&mut back);
    for (at, part) in back.iter().enumerate() {
        // Mends the links to the sites that are back and to the one that was never cut off.
        for other in back[..at].iter().copied().chain([count - 1]) {
            let mending = Fault::Mend(draft.number(*part), draft.number(other));
            draft.after(20, 600, mending);
        }
        draft.ask(1, AgreedRead);
    }
}

fn rolling_restart<C, E>(draft: &mut Draft<'_, C, E>) {
    for part in 0..draft.count() {
        let site = draft.site(part);
        draft.after(50, 900, crash(site)).ask(2, Write);
        draft.after(20, 900, Fault::Restart(site)).ask(1, Read);
    }
    draft.ask(1, AgreedRead);
}

fn power_lost_twice<C, E>(draft: &mut Draft<'_, C, E>) {
    for _ in 0..2 {
        draft.ask(3, Write).then(crash(Target::AllSites));
        for part in 0..draft.count() {
            let site = draft.site(part);
            draft.after(0, 60, Fault::Restart(site));
        }
        draft.ask_on(EventPattern::Leads(Target::Any), None, AgreedRead);
    }
}
