//! Recipes about losses of disks: never more than the protocol survives.

use crate::scenario::draw::Wanted::{AgreedRead, Write};
use crate::scenario::draw::{crash, noted, traffic};
use crate::scenario::step::{DiskFault, EventPattern, Fault, Target, Traffic};
use crate::tweets::service::recipes::Steps;

const ANY: Target = Target::Any;

pub(super) fn voter_wiped(draft: &mut Steps<'_>) {
    draft.ask(3, Write);
    let vote = Traffic { nth: draft.draws.between(1, 4), ..traffic("Accepted", ANY, ANY) };
    // The voter is wiped. Then the leader, which counted the vote, or another voter crashes: the quorum needed both.
    draft.on(EventPattern::Sent(vote), Fault::Wipe(Target::Sender));
    if draft.draws.one_in(2) {
        draft.then(crash(Target::Leader));
    } else {
        draft.on(EventPattern::Sent(traffic("Accepted", ANY, ANY)), crash(Target::Sender));
    }
    draft.ask(2, Write).after(50, 1_500, Fault::Restart(Target::AllSites)).ask(2, AgreedRead);
}

pub(super) fn damage_and_laggards(draft: &mut Steps<'_>) {
    // The damaged site and the sites that lag are a majority.
    let (damaged, lagging) = (draft.site(0), draft.count() / 2);
    for part in 1..=lagging {
        draft.then(Fault::Isolate(draft.site(part)));
    }
    draft.ask(3, Write).ask_on(noted("chose", ANY), None, Write).ask(2, Write);
    draft.after(100, 900, Fault::Disk(damaged, DiskFault::Rot)).then(crash(damaged));
    // The damaged site starts again, finds the damage, and stays away.
    draft.after(20, 300, Fault::Heal).then(crash(Target::Leader)).ask(2, Write);
    draft.after(50, 1_500, Fault::Restart(Target::AllSites)).ask(2, AgreedRead);
}
