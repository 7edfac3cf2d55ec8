//! Episodes with rules on messages, and with clogged links.

use crate::process::{Label, Process, Subject};
use crate::scenario::draw::episodes::{DrawnTrack, Episodes};
use crate::scenario::draw::workload::Workload;
use crate::scenario::draw::{crash, rule};
use crate::scenario::profile::{RulingKind, Span};
use crate::scenario::service::Service;
use crate::scenario::step::{EventPattern, Fault, Rule, Ruling, Slots, Target, When};
use crate::time::Duration;

impl Episodes<'_> {
    pub(super) fn messages<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
        begins: Duration,
    ) {
        let begins = matches!(moment, When::After(_)).then_some(begins);
        let rule = self.rule::<S>(begins);
        let kept = rule.name.clone().filter(|_| rule.then == Ruling::Keep);
        track.push(moment, Fault::Rule(rule));
        self.look_around(track, workload, None);
        if let Some(name) = kept {
            self.redeliver(track, workload, name);
        }
    }

    /// Kept copies arrive again, after a restart or under another leader.
    fn redeliver<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        name: String,
    ) {
        let has_crash = self.crashes < self.profile.crashes.at_most && self.draws.one_in(2);
        let (soon, later) = (self.draws.millis(100, 1_500), self.draws.millis(0, 500));
        if has_crash || self.cluster.sites == 1 {
            self.crashes += 1;
            let down = self.draws.time(self.profile.crashes.down);
            track.push(When::After(soon), crash(self.target(&When::After(soon), true)));
            track.push(When::After(down), Fault::Restart(Target::AllSites));
            track.push(When::After(later), Fault::Redeliver(name));
            return self.look_around(track, workload, None);
        }
        let lasts = self.draws.time(self.profile.cuts.lasts);
        track.push(When::After(soon), Fault::Isolate(Target::Leader));
        track.push(When::On(EventPattern::Leads(Target::Any)), Fault::Redeliver(name));
        self.look_around(track, workload, None);
        self.mend(track, lasts, vec![Fault::Heal]);
    }

    /// Links hold what is sent over them, one link after another. They let go in another order.
    pub(super) fn clog<S: Service>(
        &mut self,
        track: &mut DrawnTrack<S>,
        workload: &mut Workload<'_>,
        moment: When,
    ) {
        let wanted = &self.profile.clogs;
        let sites = self.cluster.sites;
        let links = (0..sites).flat_map(|from| (0..sites).map(move |to| (from, to)));
        let mut links: Vec<(u8, u8)> = links.filter(|(from, to)| from != to).collect();
        self.draws.shuffle(&mut links);
        links.truncate(self.draws.number(wanted.count).into());
        let Some((first, _)) = links.first() else { return };
        let sides = (*first, links[0].1);
        let mut when = moment;
        for (from, to) in &links {
            track.push(when, Fault::Clog { from: vec![*from], to: vec![*to] });
            when = When::After(self.draws.time(wanted.apart));
        }
        self.look_around(track, workload, Some(sides));
        self.draws.shuffle(&mut links);
        let mut when = When::After(self.draws.time(wanted.lasts));
        for (from, to) in links {
            track.push(when, Fault::Unclog { from: vec![from], to: vec![to] });
            when = When::After(self.draws.time(wanted.apart));
        }
    }

    /// Turns some rules into rules about one slot in a few, which lose everything about it, if messages name slots.
    fn starve<S: Service>(&mut self, rule: Rule) -> Rule {
        let (is_starving, of) = (self.draws.happens(self.profile.messages.starved), self.draws.between(2, 5));
        let rest = self.draws.below(of);
        let nouns = <<S::Process as Process>::Message as Label>::nouns();
        if !is_starving || rule.then == Ruling::Keep || !nouns.contains(&Subject::slot(0).noun) {
            return rule;
        }
        Rule { kind: None, slots: Some(Slots { of, rest }), skip: 0, then: Ruling::Drop, ..rule }
    }

    /// A rule that lasts a while if its begin is known, else one for some messages.
    fn rule<S: Service>(&mut self, begins: Option<Duration>) -> Rule {
        let wanted = &self.profile.messages;
        let kind = self.draws.one_of(&S::notable_messages()).copied();
        let kind = kind.filter(|_| self.draws.happens(wanted.one_kind));
        let who = self.target(&When::After(Duration::ZERO), false);
        let ends = match self.draws.below(4) {
            0 => (Target::Any, Target::Any),
            1 | 2 => (who, Target::Any),
            _ => (Target::Any, who),
        };
        let then = match self.draws.of(&wanted.then).unwrap_or(RulingKind::Drop) {
            RulingKind::Drop => Ruling::Drop,
            RulingKind::Delay => Ruling::Delay(self.draws.time(wanted.delay)),
            RulingKind::Duplicate => Ruling::Duplicate {
                copies: u32::from(self.draws.number(wanted.copies)),
                apart: self.draws.time(Span(Duration::ZERO, wanted.delay.1)),
            },
            RulingKind::Corrupt => Ruling::Corrupt,
            RulingKind::Truncate => Ruling::Truncate,
            RulingKind::Misdeliver => {
                Ruling::Misdeliver(Target::Site(self.draws.below(self.cluster.sites.into()).to_le_bytes()[0]))
            }
            RulingKind::Keep => Ruling::Keep,
        };
        let (lasts, count) = (self.draws.time(wanted.lasts), self.draws.between(1, 30));
        let skip = if self.draws.one_in(3) { self.draws.below(5) } else { 0 };
        let rule = Rule { skip, ..rule(kind, ends, then) };
        let rule = self.starve::<S>(rule);
        match begins {
            _ if then == Ruling::Keep => {
                self.kept += 1;
                Rule { name: Some(format!("kept {}", self.kept)), count: Some(count), ..rule }
            }
            Some(begins) => Rule { until: Some(begins + Duration::from_millis(500) + lasts), ..rule },
            None => Rule { count: Some(count), ..rule },
        }
    }
}
