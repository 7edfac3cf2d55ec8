//! The script engine: it tracks armed steps, fires them, and keeps how near events came to those that did not fire.
//!
//! It only decides. Actions that fired wait in a queue for the world, which runs them where that is safe.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Deref;

use crate::ids::ProcessId;
use crate::sim::net::rule::{Filter, Ruling};
use crate::sim::net::rules::{Resolved, Roles, RuleTargets};
use crate::sim::script::describe::{filter_text, target_text};
use crate::sim::script::matcher::{Happening, Nearness, compare};
use crate::sim::script::{EffectTime, ScriptAction, ScriptStep, Target, Track, Trigger};
use crate::time::Instant;

/// The place of a step; both numbers count from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct StepId {
    /// The number of the track.
    pub track: usize,
    /// The number of the step in its track.
    pub index: usize,
}

/// A step that did not fire, or fired and found nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unfired {
    /// The place of the step.
    pub step: StepId,
    /// Whether it waited for its trigger. If not, it waited for the previous step of its track.
    pub was_armed: bool,
    /// Whether it fired and did not find what it names.
    pub found_nothing: bool,
    /// What it waited for, and which events came nearest. If it found nothing, what it lacked.
    pub nearest: String,
}

/// An action that fired, with the processes that it applies to.
#[derive(Clone, Debug)]
pub(crate) struct Fired<C> {
    pub(crate) step: StepId,
    pub(crate) action: ScriptAction<C>,
    pub(crate) targets: Resolved,
    /// The targets of a rule; for other actions, anybody.
    pub(crate) ends: RuleTargets,
}

/// One track's progress.
#[derive(Clone, Debug, Default)]
struct TrackProgress {
    /// The armed step, or the number of steps if the track is finished.
    next: usize,
    /// Whether its armed step is certain to fire.
    is_certain: bool,
    /// Whether its trigger came while its target did not exist.
    is_due: bool,
    /// Sender and recipient of the datagram that triggered it.
    ends: Option<(ProcessId, ProcessId)>,
    /// Matches since it armed.
    seen: u64,
    /// Events of its trigger's kind (`near`), and those of them between the right processes (`nearer`).
    near: u64,
    nearer: u64,
}

impl TrackProgress {
    fn count(&mut self, nearness: Nearness) {
        self.near += u64::from(nearness >= Nearness::Kind);
        self.nearer += u64::from(nearness >= Nearness::Ends);
        self.seen += u64::from(nearness >= Nearness::Match);
    }
}

/// The script of one world.
#[derive(Clone, Debug)]
pub(crate) struct Director<C> {
    tracks: Arc<Vec<Track<C>>>,
    progress: Vec<TrackProgress>,
    /// Tracks that wait for a datagram, in the order of arming. They are checked for every datagram.
    pub(super) on_datagram: Vec<usize>,
    /// Tracks that wait for any other event, in ascending order.
    on_process: Vec<usize>,
    pub(super) fired: VecDeque<Fired<C>>,
    /// Steps that fire at a time and are not in the world's queue yet.
    pub(super) timers: Vec<(Instant, StepId)>,
    pub(super) due_count: usize,
    /// The number of tracks whose armed step is certain to fire.
    certain: usize,
    pub(super) is_stopped: bool,
}

impl<C: Clone> Director<C> {
    /// Arms the first step of every track.
    pub(crate) fn new(tracks: Vec<Track<C>>) -> Director<C> {
        let mut director = Director {
            progress: alloc::vec![TrackProgress::default(); tracks.len()],
            tracks: Arc::new(tracks),
            on_datagram: Vec::new(),
            on_process: Vec::new(),
            fired: VecDeque::new(),
            timers: Vec::new(),
            due_count: 0,
            certain: 0,
            is_stopped: false,
        };
        for track in 0..director.progress.len() {
            director.arm(track, 0, Instant::ZERO);
        }
        director
    }

    fn arm(&mut self, track: usize, next: usize, now: Instant) {
        let step = self.tracks[track].get(next);
        let is_certain = step.is_some_and(|step| !step.is_optional || step.trigger.is_time());
        let now_armed = TrackProgress { next, is_certain, ..TrackProgress::default() };
        let before = core::mem::replace(&mut self.progress[track], now_armed);
        self.certain += usize::from(is_certain);
        self.certain -= usize::from(before.is_certain);
        let Some(step) = step else { return };
        let id = StepId { track, index: next };
        match &step.trigger {
            Trigger::At(at) => self.timers.push((now.max(*at), id)),
            Trigger::After(length) => self.timers.push((now + *length, id)),
            Trigger::Sent(..) | Trigger::Delivered(..) => self.on_datagram.push(track),
            Trigger::Leads(_)
            | Trigger::Noted { .. }
            | Trigger::Crashed(_)
            | Trigger::Restarted(_)
            | Trigger::LinkDown(_)
            | Trigger::LinkUp(_) => {
                let place = self.on_process.partition_point(|listening| *listening < track);
                self.on_process.insert(place, track);
            }
        }
    }

    pub(crate) fn step(&self, id: StepId) -> &ScriptStep<C> {
        &self.tracks[id.track][id.index]
    }

    fn armed(&self, track: usize) -> Option<&ScriptStep<C>> {
        let progress = &self.progress[track];
        self.tracks[track].get(progress.next).filter(|_| !self.is_stopped && !progress.is_due)
    }

    /// Fires the armed step of `track`, whose trigger came, or lets it wait for its target.
    fn trigger(&mut self, track: usize, now: Instant, roles: &Roles<'_>) {
        let index = self.progress[track].next;
        let step = &self.tracks[track][index];
        self.on_datagram.retain(|waiting| *waiting != track);
        self.on_process.retain(|waiting| *waiting != track);
        let resolved = resolve(&step.action, &Roles { ends: self.progress[track].ends, ..*roles });
        let Some((targets, ends)) = resolved else {
            if !core::mem::replace(&mut self.progress[track].is_due, true) {
                self.due_count += 1;
            }
            return;
        };
        if self.progress[track].is_due {
            self.due_count -= 1;
        }
        let step = StepId { track, index };
        let action = self.tracks[track][index].action.clone();
        self.fired.push_back(Fired { step, action, targets, ends });
        self.arm(track, index + 1, now);
    }

    /// Fires the steps that waited for their targets and whose targets exist at this moment.
    pub(crate) fn retry(&mut self, now: Instant, roles: &Roles<'_>) {
        for track in 0..self.progress.len() {
            if self.progress[track].is_due && !self.is_stopped {
                self.trigger(track, now, roles);
            }
        }
    }

    /// The time of a step has come.
    pub(crate) fn on_time(&mut self, id: StepId, now: Instant, roles: &Roles<'_>) {
        if self.armed(id.track).is_some() && self.progress[id.track].next == id.index {
            self.trigger(id.track, now, roles);
        }
    }

    /// Whether any step waits for a note.
    pub(crate) fn awaits_notes(&self) -> bool {
        let is_note = |step: &ScriptStep<C>| matches!(step.trigger, Trigger::Noted { .. });
        self.on_process.iter().any(|track| self.armed(*track).is_some_and(is_note))
    }

    /// Reports an event. `before` holds the roles as it happens, and `after` those when steps fire because of it.
    pub(crate) fn happened<'a>(
        &mut self,
        now: Instant,
        happening: &Happening<'_>,
        before: &impl Deref<Target = Roles<'a>>,
        after: &impl Deref<Target = Roles<'a>>,
    ) {
        let ends = happening.ends();
        let waiting = if ends.is_some() { &self.on_datagram } else { &self.on_process };
        let mut matched = Vec::new();
        for track in waiting.iter().copied() {
            let progress = &mut self.progress[track];
            let Some(step) = self.tracks[track].get(progress.next) else { continue };
            let nearness = compare(&step.trigger, happening, before);
            progress.count(nearness);
            if nearness == Nearness::Match && progress.seen >= step.trigger.nth() {
                matched.push(track);
            }
        }
        // Fires steps only after all are matched, so that a step armed by this event does not see it.
        for track in matched {
            self.progress[track].ends = ends;
            self.trigger(track, now, after);
        }
    }

    /// Takes out the next action to run. With `links_only`, actions on processes stay queued.
    pub(crate) fn next_fired(&mut self, links_only: bool) -> Option<Fired<C>> {
        if !links_only {
            return self.fired.pop_front();
        }
        let place = self.fired.iter().position(|fired| fired.action.row().effect == EffectTime::AtOnce)?;
        self.fired.remove(place)
    }

    /// Takes the times of steps that armed since the last call.
    pub(crate) fn take_timers(&mut self) -> Vec<(Instant, StepId)> {
        core::mem::take(&mut self.timers)
    }

    /// Ends the script: no further step fires.
    pub(crate) fn stop(&mut self) {
        self.is_stopped = true;
        self.on_datagram.clear();
        self.on_process.clear();
        self.fired.clear();
        self.due_count = 0;
    }

    /// Whether no step is certain to fire any more: each track is finished, or is at an optional step that waits for
    /// something other than a time.
    pub(crate) fn is_done(&self) -> bool {
        self.is_stopped || (self.fired.is_empty() && self.certain == 0)
    }

    /// How many optional steps fired, and how many there are.
    pub(crate) fn optional(&self) -> (usize, usize) {
        let optional = |steps: &[ScriptStep<C>]| steps.iter().filter(|step| step.is_optional).count();
        let tracks = self.tracks.iter().zip(&self.progress);
        let counts = tracks.map(|(track, progress)| (optional(&track[..progress.next]), optional(track)));
        counts.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
    }

    /// The steps that fired, by track.
    pub(crate) fn fired_steps(&self) -> impl Iterator<Item = &ScriptStep<C>> {
        let tracks = self.tracks.iter().zip(&self.progress);
        tracks.flat_map(|(track, progress)| &track[..progress.next])
    }

    /// How many steps of this track fired; 0 if there is no such track.
    pub(crate) fn fired(&self, track: usize) -> usize {
        self.progress.get(track).map_or(0, |progress| progress.next)
    }

    /// Whether the trigger of this step came and its target does not exist.
    pub(crate) fn lacks_target(&self, step: StepId) -> bool {
        let progress = &self.progress[step.track];
        progress.is_due && progress.next == step.index
    }

    /// The steps that make a run stale: required, not fired, and not after an optional one that did not fire.
    pub(crate) fn unfired(&self) -> Vec<Unfired> {
        let mut unfired = Vec::new();
        for (track, (steps, progress)) in self.tracks.iter().zip(&self.progress).enumerate() {
            let left = steps.iter().enumerate().skip(progress.next);
            for (index, step) in left.take_while(|(_, step)| !step.is_optional) {
                let was_armed = index == progress.next;
                let nearest = if was_armed {
                    nearest(step, progress)
                } else {
                    format!("step {} of its track did not fire", progress.next + 1)
                };
                let step = StepId { track, index };
                unfired.push(Unfired { step, was_armed, found_nothing: false, nearest });
            }
        }
        unfired
    }
}

/// The processes that an action applies to, and those of a rule; `None` if some do not exist.
fn resolve<C>(action: &ScriptAction<C>, roles: &Roles<'_>) -> Option<(Resolved, RuleTargets)> {
    let targets = match (action, action.target()) {
        (ScriptAction::Rule(rule), _) => {
            let (from, to) = (roles.resolve(rule.filter.from)?, roles.resolve(rule.filter.to)?);
            let stray = match rule.ruling {
                Ruling::Misdeliver(target) => roles.resolve(target)?,
                Ruling::Drop | Ruling::Delay(_) | Ruling::Duplicate { .. } => Resolved::Anybody,
                Ruling::Corrupt | Ruling::Truncate | Ruling::Keep => Resolved::Anybody,
            };
            return Some((Resolved::Anybody, RuleTargets { from, to, stray }));
        }
        (
            ScriptAction::Deliver(copy)
            | ScriptAction::Lose(copy)
            | ScriptAction::Double(copy)
            | ScriptAction::Delay(copy, _),
            _,
        ) => {
            let (from, to) = (roles.resolve(copy.filter.from)?, roles.resolve(copy.filter.to)?);
            return Some((Resolved::Anybody, RuleTargets { from, to, ..RuleTargets::ANYBODY }));
        }
        (_, Some(who)) => roles.resolve(who).filter(|targets| action.row().aim.takes(*targets))?,
        (_, None) => Resolved::Anybody,
    };
    Some((targets, RuleTargets::ANYBODY))
}

/// What an armed step waited for, and which events came nearest.
fn nearest<C>(step: &ScriptStep<C>, progress: &TrackProgress) -> String {
    if progress.is_due {
        return "its trigger came, and the process that it is done to was not there".to_string();
    }
    let near = progress.near;
    let of_filter = |filter: &Filter, nth: u64, what: &str| {
        let kind = filter.kind.as_deref().unwrap_or("datagrams");
        let (nearer, seen) = (progress.nearer, progress.seen);
        let wanted = filter_text(filter);
        if near == 0 {
            format!("no {kind} was {what} while it was armed")
        } else if nearer == 0 {
            format!("{near} {kind} were {what}, none of them {wanted}")
        } else if seen == 0 {
            format!("{near} {kind} were {what}, {nearer} of them between the right ones, none {wanted}")
        } else {
            format!("{seen} {kind} {wanted} were {what}, it waited for number {nth}")
        }
    };
    let of_process = |who: &Target, what: &str| format!("{near} {what}, none of them {}", target_text(*who));
    match &step.trigger {
        Trigger::At(at) => format!("the run ended before {at}"),
        Trigger::After(length) => format!("the run ended before {length} had passed"),
        Trigger::Sent(filter, nth) => of_filter(filter, *nth, "sent"),
        Trigger::Delivered(filter, nth) => of_filter(filter, *nth, "delivered"),
        Trigger::Leads(who) => of_process(who, "became leader"),
        Trigger::Crashed(who) => of_process(who, "crashed"),
        Trigger::Restarted(who) => of_process(who, "started again"),
        Trigger::LinkDown(who) => of_process(who, "learned of a broken link"),
        Trigger::LinkUp(who) => of_process(who, "learned of a link that is up again"),
        Trigger::Noted { who, kind, about } => {
            let about = about.as_ref().map(|about| format!(" about {about}")).unwrap_or_default();
            format!("{near} notes of {kind}, none{about} by {}", target_text(*who))
        }
    }
}
