//! The shapes of partitions: which links are cut.

use crate::scenario::draw::draws::Draws;
use crate::scenario::profile::CutShape;
use crate::scenario::step::{Fault, Target};

/// The faults that cut, in this order and at once, and the faults that mend.
pub(super) struct Cut<E> {
    pub(super) faults: Vec<Fault<E>>,
    pub(super) mending: Vec<Fault<E>>,
    /// One site on each side, if there are two sides.
    pub(super) sides: (u8, u8),
}

/// Draws a cut of this shape, or of the nearest shape that this many sites can have.
pub(super) fn cut<E>(draws: &mut Draws, shape: CutShape, sites: u8, is_one_way: bool) -> Cut<E> {
    let mut order: Vec<u8> = (0..sites).collect();
    draws.shuffle(&mut order);
    let (first, rest) = order.split_first().map_or((0, &[][..]), |(first, rest)| (*first, rest));
    match (shape, sites) {
        (_, 1) => whole(Fault::Isolate(Target::Site(0)), (0, 0)),
        (CutShape::Isolate, _) if !is_one_way => whole(Fault::Isolate(Target::Site(first)), (first, rest[0])),
        (CutShape::Isolate, _) => links(&[first], rest, draws.one_in(2), true),
        (CutShape::Split, _) if !is_one_way => {
            let at = 1 + usize::from(draws.below(u64::from(sites) - 1).to_le_bytes()[0]);
            let mut groups = [order[..at].to_vec(), order[at..].to_vec()];
            groups.iter_mut().for_each(|group| group.sort_unstable());
            let sides = (groups[0][0], groups[1][0]);
            whole(Fault::Partition(groups.to_vec()), sides)
        }
        (CutShape::Bridge, 3..) => {
            // The first site keeps its links to both sides.
            let (left, right) = rest.split_at(rest.len() / 2);
            links(left, right, draws.one_in(2), is_one_way)
        }
        (CutShape::Ring, 4..) => {
            let mut ring = Cut { faults: Vec::new(), mending: vec![Fault::Heal], sides: (first, rest[1]) };
            for (at, site) in order.iter().enumerate() {
                let next = order[(at + 1) % order.len()];
                let before = order[(at + order.len() - 1) % order.len()];
                let is_far = |other: &u8| other != site && *other != next && *other != before;
                let far: Vec<u8> = order.iter().copied().filter(|other| is_far(other)).collect();
                ring.faults.push(Fault::Cut { from: vec![*site], to: sorted(&far) });
            }
            ring
        }
        (CutShape::Split, _) => {
            let at = 1 + usize::from(draws.below(u64::from(sites) - 1).to_le_bytes()[0]);
            links(&order[..at], &order[at..], draws.one_in(2), true)
        }
        (CutShape::Link | CutShape::Bridge | CutShape::Ring, _) => {
            links(&[first], &rest[..1], draws.one_in(2), is_one_way)
        }
    }
}

fn sorted(sites: &[u8]) -> Vec<u8> {
    let mut sites = sites.to_vec();
    sites.sort_unstable();
    sites
}

fn whole<E>(fault: Fault<E>, sides: (u8, u8)) -> Cut<E> {
    Cut { faults: vec![fault], mending: vec![Fault::Heal], sides }
}

/// Cuts the links from one group to another, and those back unless `is_one_way`.
fn links<E>(one: &[u8], other: &[u8], is_turned: bool, is_one_way: bool) -> Cut<E> {
    let (from, to) = if is_turned { (sorted(other), sorted(one)) } else { (sorted(one), sorted(other)) };
    let mut faults = vec![Fault::Cut { from: from.clone(), to: to.clone() }];
    if !is_one_way {
        faults.push(Fault::Cut { from: to.clone(), to: from.clone() });
    }
    let pairs = from.iter().flat_map(|one| to.iter().map(|other| Fault::Mend(*one, *other)));
    let mending: Vec<Fault<E>> = pairs.collect();
    let mending = if mending.len() > 3 { vec![Fault::Heal] } else { mending };
    Cut { faults, mending, sides: (from[0], to[0]) }
}
