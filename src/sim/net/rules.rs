//! The rules of a network, and the processes that targets stand for at a moment.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::process::Subject;
use crate::sim::net::clogs::CloggedCopy;
use crate::sim::net::fates;
use crate::sim::net::rule::{Filter, LinkRule, Ruling};
use crate::sim::script::Target;
use crate::time::Instant;

/// The holder of each role at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roles<'a> {
    pub(crate) leader: Option<SiteId>,
    pub(crate) follower: Option<SiteId>,
    pub(crate) candidate: Option<SiteId>,
    pub(crate) laggard: Option<SiteId>,
    /// Sender and recipient of the datagram in question, if there is one.
    pub(crate) ends: Option<(ProcessId, ProcessId)>,
    pub(crate) sites: SiteSet,
    pub(crate) machines: &'a [SiteSet],
}

/// The processes that a target stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Resolved {
    Anybody,
    Sites(SiteSet),
    Other(ProcessId),
}

impl Resolved {
    pub(crate) fn contains(self, process: ProcessId) -> bool {
        match self {
            Resolved::Anybody => true,
            Resolved::Sites(sites) => process.as_site().is_some_and(|site| sites.contains(site)),
            Resolved::Other(other) => other == process,
        }
    }

    /// Each process of a target; none for `Anybody`.
    pub(crate) fn iter(self) -> impl Iterator<Item = ProcessId> {
        let (sites, other) = match self {
            Resolved::Anybody => (SiteSet::EMPTY, None),
            Resolved::Sites(sites) => (sites, None),
            Resolved::Other(other) => (SiteSet::EMPTY, Some(other)),
        };
        sites.iter().map(ProcessId::Site).chain(other)
    }

    /// The sites of a target that `is_meant` accepts. Another target stays as it is.
    pub(crate) fn only(self, is_meant: impl Fn(ProcessId) -> bool) -> Resolved {
        match self {
            Resolved::Sites(sites) => {
                Resolved::Sites(sites.iter().filter(|site| is_meant((*site).into())).collect())
            }
            other => other,
        }
    }
}

impl Roles<'_> {
    /// The processes that `target` stands for at this moment; `None` if there is no such process.
    pub(crate) fn resolve(&self, target: Target) -> Option<Resolved> {
        let one = |site: Option<SiteId>| site.map(|site| Resolved::Sites(SiteSet::EMPTY.with(site)));
        let end = |end: ProcessId| match end {
            ProcessId::Site(site) => Resolved::Sites(SiteSet::EMPTY.with(site)),
            other => Resolved::Other(other),
        };
        match target {
            Target::Any => Some(Resolved::Anybody),
            Target::Site(number) => one(SiteId::new(number)),
            Target::Terminal(_) | Target::Client(_) => target.process().map(Resolved::Other),
            Target::Leader => one(self.leader),
            Target::Follower => one(self.follower),
            Target::Candidate => one(self.candidate),
            Target::Laggard => one(self.laggard),
            Target::Sender => self.ends.map(|(from, _)| end(from)),
            Target::Recipient => self.ends.map(|(_, to)| end(to)),
            Target::Machine(number) => self.machines.get(usize::from(number)).copied().map(Resolved::Sites),
            Target::AllSites => Some(Resolved::Sites(self.sites)),
        }
    }

    /// Whether `target` includes `process` at this moment.
    pub(crate) fn is(&self, target: Target, process: ProcessId) -> bool {
        self.resolve(target).is_some_and(|targets| targets.contains(process))
    }
}

/// The resolved targets of a rule: senders, recipients, and receivers of misdelivered datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleTargets {
    pub(crate) from: Resolved,
    pub(crate) to: Resolved,
    pub(crate) stray: Resolved,
}

impl RuleTargets {
    pub(crate) const ANYBODY: RuleTargets =
        RuleTargets { from: Resolved::Anybody, to: Resolved::Anybody, stray: Resolved::Anybody };
}

/// The effect that a rule demands for a copy that it takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RuleEffect {
    pub(crate) ruling: Ruling,
    /// The receivers of a misdelivered datagram.
    pub(crate) stray: Resolved,
    /// The rule's place among all rules.
    pub(crate) place: usize,
}

/// A time that stands for no start or end of a rule.
const NEVER: Instant = Instant::from_micros(u64::MAX);

/// Name and subject of each message of one datagram.
pub(crate) type Labels = [(&'static str, Subject)];

/// Whether any message matches the kind, subject and slots of the filter, as far as it has them.
pub(crate) fn any_message_matches(filter: &Filter, labels: &Labels) -> bool {
    labels.iter().any(|(kind, subject)| {
        is_kind(filter, kind)
            && filter.about.as_ref().is_none_or(|about| about.is(*subject))
            && filter.slots.is_none_or(|slots| slots.are(*subject))
    })
}

/// Whether the filter admits messages of this kind.
pub(crate) fn is_kind(filter: &Filter, kind: &str) -> bool {
    filter.kind.as_deref().is_none_or(|wanted| wanted == kind)
}

/// One rule with its targets resolved, and its counts.
#[derive(Clone, Debug)]
struct CountedRule {
    rule: Arc<LinkRule>,
    from: Resolved,
    to: Resolved,
    /// The receivers of a misdelivered datagram.
    stray: Resolved,
    /// The copies that it keeps, oldest first.
    kept: Vec<CloggedCopy>,
    /// The hash of the only kind that it admits, if it has one.
    kind: Option<u64>,
    /// Whether an optional step added it. Such a rule need not match anything.
    is_optional: bool,
    matched: u64,
    ruled: u64,
}

impl CountedRule {
    /// Whether it has made all its rulings.
    fn is_spent(&self) -> bool {
        self.rule.count.is_some_and(|count| self.ruled >= count)
    }

    /// Whether it needs no further matching: it is spent, and has matched.
    fn is_over(&self) -> bool {
        self.is_spent() && self.matched > 0
    }

    /// Whether it admits this sender and these messages. `kind` is the hash of the first label's kind. It decides
    /// early if there is only one label.
    fn is_about(&self, from: ProcessId, labels: &Labels, kind: u64) -> bool {
        let may_be = labels.len() > 1 || self.kind.is_none_or(|wanted| wanted == kind);
        may_be && self.from.contains(from) && any_message_matches(&self.rule.filter, labels)
    }
}

/// Which live rules admit a datagram's sender and messages, as one bit each. Valid while the same rules are live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleMask {
    /// The hash of the kind of its first message.
    kind: u64,
    /// One bit per live rule, by place. Live rules from 63 on share the last bit.
    about: u64,
    /// The [`Rules`] version that it was computed for.
    version: u64,
}

impl RuleMask {
    /// For a datagram whose first message is of the kind with this [hash](fates::hash_of_kind).
    #[inline]
    pub(crate) const fn of(kind: u64) -> RuleMask {
        RuleMask { kind, about: 0, version: 0 }
    }
}

/// One bit of 64 for each kind, by its hash: few kinds have the same.
const fn bit_of_kind(kind: u64) -> u64 {
    1 << (kind % 64)
}

/// The rules in order, and which of them are live.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    list: Vec<CountedRule>,
    /// The places of the rules whose window is open and that are not over. Valid until `next_edge`.
    live: Vec<usize>,
    /// The [bits](bit_of_kind) of the kinds that live rules admit.
    kinds: u64,
    next_edge: Instant,
    /// Changes when the live rules change; never 0.
    version: u64,
}

impl Rules {
    pub(crate) fn new() -> Rules {
        Rules { list: Vec::new(), live: Vec::new(), kinds: 0, next_edge: NEVER, version: 1 }
    }

    /// Adds a rule after the others. Its targets are resolved at this moment.
    pub(crate) fn push(&mut self, rule: LinkRule, ends: RuleTargets, now: Instant, is_optional: bool) {
        let kind = rule.filter.kind.as_deref().map(fates::hash_of_kind);
        let RuleTargets { from, to, stray } = ends;
        let (rule, kept) = (Arc::new(rule), Vec::new());
        self.list.push(CountedRule { rule, from, to, stray, kept, kind, is_optional, matched: 0, ruled: 0 });
        self.refresh(now);
    }

    /// The rule at this place.
    pub(crate) fn at(&self, place: usize) -> &Arc<LinkRule> {
        &self.list[place].rule
    }

    /// Changes when the rules in force may have changed; and whether they may have at a time of a window, or by a last
    /// ruling, that the live rules do not show yet.
    pub(crate) fn version(&self, now: Instant) -> (u64, bool) {
        (self.version, now >= self.next_edge)
    }

    /// The rules in force, each with its place, senders and recipients.
    pub(crate) fn in_force(
        &self,
        now: Instant,
    ) -> impl Iterator<Item = (usize, &LinkRule, Resolved, Resolved)> {
        let is_in_force = move |(_, counted): &(usize, &CountedRule)| {
            let LinkRule { since, until, .. } = *counted.rule;
            since <= now && until.is_none_or(|until| now < until) && !counted.is_over()
        };
        let in_force = self.list.iter().enumerate().filter(is_in_force);
        in_force.map(|(place, counted)| (place, &*counted.rule, counted.from, counted.to))
    }

    /// Whether any rule is live, or will be.
    pub(crate) fn may_take(&self) -> bool {
        !self.live.is_empty() || self.next_edge != NEVER
    }

    /// Lets the rule at this place keep a copy.
    pub(crate) fn keep(&mut self, place: usize, copy: CloggedCopy) {
        self.list[place].kept.push(copy);
    }

    /// Takes out the copies that rules of this name have kept.
    pub(crate) fn take_kept(&mut self, name: &str) -> Vec<CloggedCopy> {
        let named = self.list.iter_mut().filter(|counted| counted.rule.name.as_deref() == Some(name));
        named.flat_map(|counted| core::mem::take(&mut counted.kept)).collect()
    }

    /// The number of copies that rules keep.
    #[cfg(test)]
    pub(crate) fn copies(&self) -> usize {
        self.list.iter().map(|counted| counted.kept.len()).sum()
    }

    fn refresh(&mut self, now: Instant) {
        self.version += 1;
        self.live.clear();
        self.kinds = 0;
        self.next_edge = NEVER;
        for (place, counted) in self.list.iter().enumerate() {
            let (since, until) = (counted.rule.since, counted.rule.until);
            if now < since {
                self.next_edge = self.next_edge.min(since);
            } else if until.is_none_or(|until| now < until) && !counted.is_over() {
                self.next_edge = self.next_edge.min(until.unwrap_or(self.next_edge));
                self.live.push(place);
                self.kinds |= counted.kind.map_or(u64::MAX, bit_of_kind);
            }
        }
    }

    /// Computes the mask of a datagram, once for all its recipients.
    #[inline]
    fn sift(&self, mask: &mut RuleMask, from: ProcessId, labels: &Labels) {
        (mask.about, mask.version) = (0, self.version);
        if labels.len() == 1 && self.kinds & bit_of_kind(mask.kind) == 0 {
            return;
        }
        for (bit, place) in self.live.iter().enumerate() {
            if self.list[*place].is_about(from, labels, mask.kind) {
                mask.about |= 1 << bit.min(63);
            }
        }
    }

    /// Counts a copy at the rules that match it, up to and including the first that takes it. `mask` belongs to the
    /// datagram with these labels.
    #[inline]
    pub(crate) fn take(
        &mut self,
        now: Instant,
        (from, to): (ProcessId, ProcessId),
        labels: &Labels,
        mask: &mut RuleMask,
    ) -> Option<RuleEffect> {
        if self.admit(now, from, labels, mask) { self.take_by_one(from, to, labels, mask) } else { None }
    }

    /// Whether any live rule admits the sender and the messages of a datagram, for which `mask` is made if it is not yet.
    #[inline]
    pub(crate) fn admit(
        &mut self,
        now: Instant,
        from: ProcessId,
        labels: &Labels,
        mask: &mut RuleMask,
    ) -> bool {
        if now >= self.next_edge {
            self.refresh(now);
        }
        if mask.version != self.version {
            self.sift(mask, from, labels);
        }
        mask.about != 0
    }

    fn take_by_one(
        &mut self,
        from: ProcessId,
        to: ProcessId,
        labels: &Labels,
        mask: &RuleMask,
    ) -> Option<RuleEffect> {
        for (bit, place) in self.live.iter().enumerate() {
            let is_about = mask.about >> bit.min(63) & 1 == 1;
            let counted = &mut self.list[*place];
            let is_match = is_about
                && counted.to.contains(to)
                && (bit < 63
                    || (counted.from.contains(from) && any_message_matches(&counted.rule.filter, labels)));
            if !is_match {
                continue;
            }
            counted.matched += 1;
            if counted.matched > counted.rule.skip && !counted.is_spent() {
                counted.ruled += 1;
                if counted.is_spent() {
                    self.next_edge = Instant::ZERO;
                }
                return Some(RuleEffect { ruling: counted.rule.ruling, stray: counted.stray, place: *place });
            }
        }
        None
    }

    /// Ends every rule. The match counts stay.
    pub(crate) fn clear(&mut self) {
        self.version += 1;
        self.live.clear();
        (self.kinds, self.next_edge) = (0, NEVER);
        for counted in &mut self.list {
            let rule = Arc::make_mut(&mut counted.rule);
            rule.until = Some(rule.until.map_or(Instant::ZERO, |until| until.min(Instant::ZERO)));
        }
    }

    /// Removes the rules whose window has closed, with their counts.
    pub(crate) fn forget_past(&mut self, now: Instant) {
        self.list.retain(|counted| counted.rule.until.is_none_or(|until| now < until));
        self.refresh(now);
    }

    /// The names of rules that matched nothing but were required to.
    pub(crate) fn unmatched(&self) -> impl Iterator<Item = &str> {
        let unmatched = self.list.iter().filter(|counted| counted.matched == 0 && !counted.is_optional);
        unmatched.filter_map(|counted| counted.rule.name.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Filter = Filter { kind: None, from: Target::Any, to: Target::Any, about: None, slots: None };

    #[test]
    fn the_first_live_rule_within_its_ordinals_decides() {
        let rule = |kind: &str, skip, count, since, ruling| LinkRule {
            name: Some(kind.into()),
            filter: Filter { kind: Some(kind.into()), ..ANY },
            since: Instant::from_micros(since),
            until: Some(Instant::from_micros(100)),
            skip,
            count,
            ruling,
        };
        let delay = Ruling::Delay(crate::time::Duration::from_micros(5));
        let mut rules = Rules::new();
        let add = |rules: &mut Rules, rule| rules.push(rule, RuleTargets::ANYBODY, Instant::ZERO, false);
        add(&mut rules, rule("Accept", 1, Some(2), 10, Ruling::Drop));
        add(&mut rules, rule("Accept", 0, None, 20, delay));
        add(&mut rules, rule("Nack", 0, None, 0, Ruling::Drop));
        let mut take = |at, kind| {
            let labels = [("Ping", Subject::NONE), (kind, Subject::slot(1))];
            let (from, to) = (ProcessId::site(0), ProcessId::site(1));
            let taken = rules.take(Instant::from_micros(at), (from, to), &labels, &mut RuleMask::of(0));
            taken.map(|taken| taken.ruling)
        };
        assert_eq!(take(9, "Accept"), None, "not yet");
        assert_eq!(take(10, "Accept"), None, "the first match is skipped");
        assert_eq!(take(11, "Accept"), Some(Ruling::Drop));
        assert_eq!(take(20, "Accept"), Some(Ruling::Drop));
        assert_eq!(take(21, "Accept"), Some(delay), "the count is spent");
        assert_eq!(take(100, "Accept"), None, "too late");
        assert_eq!(take(100, "Promise"), None);
        assert!(rules.unmatched().eq(["Nack"]));
    }

    #[test]
    fn a_spent_rule_is_not_looked_at_again_and_has_matched() {
        let (from, to) = (ProcessId::site(0), ProcessId::site(1));
        let rule = |count| LinkRule {
            name: Some("rule".into()),
            filter: ANY,
            since: Instant::ZERO,
            until: None,
            skip: 0,
            count: Some(count),
            ruling: Ruling::Drop,
        };
        let mut rules = Rules::new();
        // A rule with a count of 0 takes nothing but still matches, so it counts as used.
        for count in [0, 2] {
            rules.push(rule(count), RuleTargets::ANYBODY, Instant::ZERO, false);
        }
        assert_eq!((rules.unmatched().count(), rules.live.len()), (2, 2));
        let labels = [("Accept", Subject::NONE)];
        let mut takes = || rules.take(Instant::ZERO, (from, to), &labels, &mut RuleMask::of(0)).is_some();
        assert_eq!([takes(), takes(), takes()], [true, true, false]);
        assert_eq!((rules.unmatched().count(), rules.live.len()), (0, 0));
        assert!(!rules.may_take());
    }
}
