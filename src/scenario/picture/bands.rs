//! What stood between processes, from when to when: cut and clogged links, and rules in force.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::ids::ProcessId;
use crate::process::Process;
use crate::sim::{Barrier, BarriersVersion, Judge, World};

/// Something that stood between processes for a while.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PictureBand {
    /// `cut`: links lose everything. `clogged`: links hold everything. `rule`: a rule takes what it matches.
    pub kind: &'static str,
    /// The processes that it stands between, in groups: every link between processes of two different groups. A site
    /// stands for its terminal too. An empty group, of a rule, is any process.
    pub sides: Vec<Vec<String>>,
    /// Whether it is only about datagrams from the first group to the second.
    pub one_way: bool,
    /// The rule, in words.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub text: Option<String>,
    /// The last of the events after which it stood there.
    pub after: usize,
    /// The last of the events after which it did not any more. Without one, it stood until the end.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub until: Option<usize>,
}

/// The same thing at any moment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    Link(LinkState, ProcessId, ProcessId),
    Rule(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum LinkState {
    Cut,
    Clogged,
}

/// Since and until when something stood there: places of events.
type Stretch = (usize, Option<usize>);

/// The bands so far.
#[derive(Clone, Default, Debug)]
pub(super) struct Bands {
    version: Option<BarriersVersion>,
    open: BTreeMap<Key, usize>,
    closed: Vec<(Key, Stretch)>,
    /// Of each rule that was in force: its words, senders and recipients.
    rules: BTreeMap<usize, (String, Vec<ProcessId>, Vec<ProcessId>)>,
}

impl Bands {
    /// Looks at what stands between processes after the event at the place `after`.
    pub(super) fn look<P: Process, J: Judge<P>>(&mut self, world: &World<P, J>, after: usize) {
        let version = Some(world.barriers_version());
        let is_as_before = core::mem::replace(&mut self.version, version) == version;
        if is_as_before && !version.is_some_and(BarriersVersion::is_at_edge) {
            return;
        }
        let mut now = BTreeSet::new();
        for barrier in world.barriers() {
            now.insert(match barrier {
                Barrier::Cut { from, to } => Key::Link(LinkState::Cut, from, to),
                Barrier::Clogged { from, to } => Key::Link(LinkState::Clogged, from, to),
                Barrier::Rule { place, text, from, to } => {
                    self.rules.entry(place).or_insert((text, from, to));
                    Key::Rule(place)
                }
            });
        }
        let gone = self.open.extract_if(.., |key, _| !now.contains(key));
        self.closed.extend(gone.map(|(key, since)| (key, (since, Some(after)))));
        for key in now {
            self.open.entry(key).or_insert(after);
        }
    }

    /// All bands, by their beginning. Links that were cut or clogged from the same event to the same one are together.
    pub(super) fn finish(self) -> Vec<PictureBand> {
        let open = self.open.into_iter().map(|(key, since)| (key, (since, None)));
        let mut links: BTreeMap<(Stretch, LinkState), Vec<(ProcessId, ProcessId)>> = BTreeMap::new();
        let mut bands = Vec::new();
        for (key, stretch) in self.closed.into_iter().chain(open) {
            match key {
                Key::Link(state, from, to) => links.entry((stretch, state)).or_default().push((from, to)),
                Key::Rule(place) => {
                    let (text, from, to) = &self.rules[&place];
                    let sides = vec![named(from), named(to)];
                    bands.push(band("rule", sides, true, Some(text.clone()), stretch));
                }
            }
        }
        for ((stretch, state), links) in links {
            let kind = match state {
                LinkState::Cut => "cut",
                LinkState::Clogged => "clogged",
            };
            let sides = sides(&links).into_iter();
            bands.extend(sides.map(|(sides, one_way)| band(kind, sides, one_way, None, stretch)));
        }
        bands.sort_by_key(|band| (band.after, band.kind == "rule"));
        bands
    }
}

fn band(
    kind: &'static str,
    sides: Vec<Vec<String>>,
    one_way: bool,
    text: Option<String>,
    (after, until): Stretch,
) -> PictureBand {
    PictureBand { kind, sides, one_way, text, after, until }
}

fn named<'a>(processes: impl IntoIterator<Item = &'a ProcessId>) -> Vec<String> {
    processes.into_iter().map(ProcessId::to_string).collect()
}

/// These links as groups of processes, each with whether it is about one direction only: all in one if every link between
/// two groups is among them, else in pairs of groups.
fn sides(links: &[(ProcessId, ProcessId)]) -> Vec<(Vec<Vec<String>>, bool)> {
    let mut to: BTreeMap<ProcessId, BTreeSet<ProcessId>> = BTreeMap::new();
    for (sender, recipient) in links {
        to.entry(*sender).or_default().insert(*recipient);
    }
    // By the recipients that a sender does not reach: all such senders.
    let mut groups: BTreeMap<BTreeSet<ProcessId>, BTreeSet<ProcessId>> = BTreeMap::new();
    for (sender, recipients) in to {
        groups.entry(recipients).or_default().insert(sender);
    }
    let all: BTreeSet<ProcessId> = groups.values().flatten().copied().collect();
    if groups.iter().all(|(recipients, senders)| *recipients == &all - senders) {
        let mut sides: Vec<&BTreeSet<ProcessId>> = groups.values().collect();
        sides.sort();
        return vec![(sides.into_iter().map(named).collect(), false)];
    }
    let mut pairs = Vec::new();
    while let Some((recipients, senders)) = groups.pop_first() {
        let is_both_ways = groups.get(&senders) == Some(&recipients);
        if is_both_ways {
            groups.remove(&senders);
        }
        pairs.push((vec![named(&senders), named(&recipients)], !is_both_ways));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(site: u8) -> ProcessId {
        ProcessId::site(site)
    }

    fn shown(links: &[(ProcessId, ProcessId)]) -> Vec<String> {
        let text = |(sides, one_way): (Vec<Vec<String>>, bool)| {
            let sides: Vec<String> = sides.iter().map(|side| side.join(" ")).collect();
            sides.join(if one_way { " > " } else { " | " })
        };
        sides(links).into_iter().map(text).collect()
    }

    fn between(groups: &[&[ProcessId]]) -> Vec<(ProcessId, ProcessId)> {
        let of = |group: usize| groups[group].iter().map(move |process| (group, *process));
        let all: Vec<(usize, ProcessId)> = (0..groups.len()).flat_map(of).collect();
        let pairs = all.iter().flat_map(|one| all.iter().map(move |other| (*one, *other)));
        pairs.filter(|(one, other)| one.0 != other.0).map(|(one, other)| (one.1, other.1)).collect()
    }

    #[test]
    fn links_are_groups_if_all_between_the_groups_are_cut() {
        let client = ProcessId::Client(0);
        assert_eq!(shown(&between(&[&[at(0)], &[at(1), at(2), client]])), ["S0 | S1 S2 C0"]);
        assert_eq!(shown(&between(&[&[at(3)], &[at(0), at(2)], &[at(1)]])), ["S0 S2 | S1 | S3"]);
        assert_eq!(shown(&[(at(1), at(0)), (at(1), at(2))]), ["S1 > S0 S2"]);
        assert_eq!(shown(&[(at(0), at(1)), (at(1), at(0)), (at(0), at(2))]), ["S1 > S0", "S0 > S1 S2"]);
        // Two links that have nothing to do with each other.
        let two = [between(&[&[at(0)], &[at(1)]]), between(&[&[at(2)], &[at(3)]])].concat();
        assert_eq!(shown(&two), ["S1 | S0", "S3 | S2"]);
    }
}
