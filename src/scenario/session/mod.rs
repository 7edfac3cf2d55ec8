//! A debugger's session: one run that one goes back and forth in, and does things to.
//!
//! What is done becomes steps of the scenario, in a track of their own at its end, and the scenario is run again. So what
//! a session shows is what the saved scenario does, with the same fingerprint. Both a program that serves a page and the
//! page alone, with the simulator compiled into it, drive a session by [`Request`]s.
//!
//! 1. A poke happens one microsecond after the line that was looked at, and after everything of that moment.
//! 2. A poke takes back those that come later.
//! 3. Nothing is done after faults have stopped: what follows is the verdict.

mod kept;
mod messages;
mod poke;
#[cfg(test)]
mod tests;
mod view;

use crate::process::Process;
use crate::ron_file::{Place, Problem};
use crate::scenario::form::{ActionOf, Scenario};
use crate::scenario::outcome::Verdict;
use crate::scenario::picture::{Picture, PictureOptions, picture_of};
use crate::scenario::run::{Run, RunOptions};
use crate::scenario::service::Service;
use crate::scenario::step::{Step, When};
use crate::sim::{RunEvent, TraceLevel};
use crate::time::{Duration, Instant};
use kept::KeptRuns;
use poke::{Aim, Poke};

pub use messages::{Done, How, Refusal, Reply, Request};
pub use view::{View, ViewedCopy, ViewedProcess};

type Configure<S> = Box<dyn Fn(&mut <<S as Service>::Process as Process>::Config)>;

/// One run, and what was done in it.
pub struct Session<S: Service> {
    base: Scenario<S>,
    options: RunOptions,
    shown: PictureOptions,
    configure: Configure<S>,
    /// What was done, in the order of time.
    pokes: Vec<Poked<S>>,
    now: Present<S>,
}

/// Something that was done, and when.
#[derive(Clone, Debug)]
struct Poked<S: Service> {
    at: Instant,
    action: ActionOf<S>,
}

/// The run as it is with everything that was done.
struct Present<S: Service> {
    scenario: Scenario<S>,
    picture: Picture,
    kept: KeptRuns<S>,
    /// The line with which faults stop, if it is shown.
    healed: Option<usize>,
}

/// The kind of the line with which faults stop.
const HEALED: &str = "healed";

impl<S: Service> Session<S> {
    /// A session before anything is done, or everything that is wrong with the scenario. `configure` changes the
    /// configuration of every process last. Where `run` has a seed, the scenario gets that seed.
    pub fn new(
        scenario: Scenario<S>,
        run: &RunOptions,
        shown: PictureOptions,
        configure: impl Fn(&mut <S::Process as Process>::Config) + 'static,
    ) -> Result<Session<S>, Vec<Problem>> {
        let seed = run.seed.unwrap_or(scenario.seed);
        let base = Scenario { seed, ..scenario };
        let options = RunOptions { seed: None, trace: TraceLevel::Full, ..*run };
        let configure: Configure<S> = Box::new(configure);
        let now = present(&base, &[], (&options, &shown), &configure)?;
        Ok(Session { base, options, shown, configure, pokes: Vec::new(), now })
    }

    /// The run as it is.
    pub const fn picture(&self) -> &Picture {
        &self.now.picture
    }

    /// The scenario with everything that was done as steps.
    pub const fn scenario(&self) -> &Scenario<S> {
        &self.now.scenario
    }

    /// How many things were done.
    pub const fn pokes(&self) -> usize {
        self.pokes.len()
    }

    /// Does what was asked for.
    pub fn answer(&mut self, request: &Request) -> Reply<'_> {
        let done = match request {
            Request::Look { event } => return self.looked(*event),
            Request::Poke { event, later, .. } => Poke::of(request)
                .map_err(|refusal| vec![refusal])
                .and_then(|poke| self.poke(*event, &poke, Duration::from_micros(later.unwrap_or(0)))),
            Request::Undo {} => self.undo(),
        };
        match done {
            Ok((event, dropped)) => {
                let pokes = self
                    .pokes
                    .iter()
                    .map(|poked| Done { at: poked.at.as_micros(), action: poke::text::<S>(&poked.action) });
                Reply::Run { pokes: pokes.collect(), run: &self.now.picture, event, dropped }
            }
            Err(problems) => Reply::Refused { problems },
        }
    }

    fn looked(&self, event: usize) -> Reply<'_> {
        match self.look(event) {
            Ok(view) => Reply::View(view),
            Err(problems) => Reply::Refused { problems },
        }
    }

    /// What was so after this line of the picture.
    pub fn look(&self, event: usize) -> Result<View, Vec<Refusal>> {
        let (_, run) = self.as_of(event)?;
        let why_not = self.why_not(event).map(|refusal| refusal.message);
        // Where faults stop, the line before that is of the same moment.
        let mut lines = (0..event).rev();
        let last = why_not.as_ref().and_then(|_| lines.find(|line| self.why_not(*line).is_none()));
        Ok(view::view(event, &run, why_not, last))
    }

    /// The line of this number, and the run as of it.
    fn as_of(&self, event: usize) -> Result<(&RunEvent, Run<S>), Vec<Refusal>> {
        let events = &self.now.picture.events;
        let Some(line) = events.get(event) else {
            let message = match events.len() {
                0 => "this run has no lines".to_owned(),
                count => format!("there is no line {event}: the last one is {}", count - 1),
            };
            return Err(vec![Refusal::new(message, "a line of this run")]);
        };
        // Everything of a moment has happened before something is done, but not what follows from its being over.
        Ok((line, self.now.kept.as_of(Instant::from_micros(line.at), self.is_over(event))))
    }

    /// Whether faults have stopped with this line or before it.
    fn is_over(&self, event: usize) -> bool {
        self.now.healed.is_some_and(|healed| event >= healed)
    }

    /// Why nothing can be done one microsecond after this line.
    fn why_not(&self, event: usize) -> Option<Refusal> {
        let stops = self.now.kept.stops_at;
        let is_over = self.is_over(event) || self.now.picture.events[event].at > stops.as_micros();
        is_over.then(|| {
            let message = format!("faults stopped at {stops}, and nothing is done after that");
            Refusal::new(message, "go back to a line before that")
        })
    }

    /// Does something after a line. Returns the line of what was done, and how many pokes were taken back.
    fn poke(
        &mut self,
        event: usize,
        poke: &Poke<'_>,
        later: Duration,
    ) -> Result<(usize, usize), Vec<Refusal>> {
        let (line, run) = self.as_of(event)?;
        let moment = Instant::from_micros(line.at);
        if let Some(refusal) = self.why_not(event) {
            return Err(vec![refusal]);
        }
        let action = poke.action(&run).map_err(|refusal| vec![refusal])?;
        let at = moment + Duration::from_micros(1) + later;
        let before = self.pokes.iter().take_while(|poked| poked.at <= at).count();
        let mut pokes = self.pokes[..before].to_vec();
        pokes.push(Poked { at, action });
        let mut aim = None;
        if poke.copy().is_some() {
            // What it is called may be another one's name by then.
            let run = self.just_before(&pokes)?;
            pokes[before].action = poke.action(&run).map_err(|refusal| vec![refusal])?;
            aim = poke.aim(&run);
        }
        let dropped = self.pokes.len() - before;
        let place = self.take(pokes, aim)?;
        Ok((place, dropped))
    }

    /// The run with these pokes, before the last of them.
    fn just_before(&self, pokes: &[Poked<S>]) -> Result<Run<S>, Vec<Refusal>> {
        let scenario = with_steps(&self.base, pokes);
        let untraced = RunOptions { trace: TraceLevel::Off, ..self.options };
        let (track, at) = (track_of(&scenario), pokes.last().map_or(Instant::ZERO, |last| last.at));
        let mut run = Run::configured(&scenario, &untraced, &self.configure)
            .map_err(|problems| refusals(problems, &scenario))?;
        while !run.is_over() {
            let world = run.world();
            let comes_before = world.next_event().is_some_and(|next| next.at < at);
            if !comes_before && world.fired(track) + 1 >= pokes.len() && !world.acts_by_hand() {
                break;
            }
            run.step();
        }
        Ok(run)
    }

    fn undo(&mut self) -> Result<(usize, usize), Vec<Refusal>> {
        let Some((last, others)) = self.pokes.split_last() else {
            return Err(vec![Refusal::new("nothing was done yet", "do something first")]);
        };
        let (at, others) = (last.at, others.to_vec());
        self.take(others, None)?;
        let events = &self.now.picture.events;
        let before = events.partition_point(|line| line.at < at.as_micros());
        Ok((before.saturating_sub(1), 0))
    }

    /// Runs with these pokes instead, unless that cannot be run, or the last one is not done to its aim. Returns the line
    /// of the last poke.
    fn take(&mut self, pokes: Vec<Poked<S>>, aim: Option<Aim>) -> Result<usize, Vec<Refusal>> {
        let made = present(&self.base, &pokes, (&self.options, &self.shown), &self.configure);
        let made = made.map_err(|problems| refusals(problems, &with_steps(&self.base, &pokes)))?;
        let events = &made.picture.events;
        let mut place = events.len().saturating_sub(1);
        if let Some(last) = pokes.last() {
            let (verdict, ended) = made.kept.end();
            if made.kept.fired(track_of(&made.scenario)) < pokes.len() {
                let message = format!("the run ends at {ended}, before this is done: {verdict}");
                return Err(vec![Refusal::new(message, "go back to a moment before its end")]);
            }
            // Where something else happens in the same microsecond, what was there before may be gone.
            if let Verdict::Stale { why } = verdict
                && ended == last.at
            {
                let found = why.split_once("found nothing: ").map_or(&**why, |(_, found)| found);
                return Err(vec![Refusal::new(found, HELP)]);
            }
            let at = last.at.as_micros();
            let fired = events.iter().rposition(|line| line.at == at && line.kind == "fired");
            place = fired.unwrap_or(place);
            let is_met = |aim: Aim| events[place..].iter().any(|line| line.at == at && aim.is_met(line));
            if fired.is_some() && !aim.is_none_or(is_met) {
                let message = "by then another datagram would be the one that is meant";
                return Err(vec![Refusal::new(message, HELP)]);
            }
        }
        self.now = made;
        self.pokes = pokes;
        Ok(place)
    }
}

/// What helps where something is under way no longer.
const HELP: &str = "choose what is under way at this moment, or go one event back";

/// Why a scenario cannot be run.
fn refusals<S: Service>(problems: Vec<Problem>, scenario: &Scenario<S>) -> Vec<Refusal> {
    let track = match track_of(scenario) {
        0 => Place::whole().field("steps"),
        number => Place::whole().field("also").index(number - 1),
    };
    problems.into_iter().map(|found| refusal(found, &track)).collect()
}

/// The scenario with these steps in a track of their own, or as its steps if it has none.
fn with_steps<S: Service>(base: &Scenario<S>, pokes: &[Poked<S>]) -> Scenario<S> {
    let mut scenario = base.clone();
    if pokes.is_empty() {
        return scenario;
    }
    let step = |poked: &Poked<S>| Step {
        when: When::At(poked.at.since(Instant::ZERO)),
        action: poked.action.clone(),
        is_optional: false,
    };
    let track = pokes.iter().map(step).collect();
    match scenario.steps.is_empty() && scenario.also.is_empty() {
        true => scenario.steps = track,
        false => scenario.also.push(track),
    }
    scenario
}

/// The number of the track with what was done.
fn track_of<S: Service>(scenario: &Scenario<S>) -> usize {
    scenario.also.len()
}

fn present<S: Service>(
    base: &Scenario<S>,
    pokes: &[Poked<S>],
    (options, shown): (&RunOptions, &PictureOptions),
    configure: &Configure<S>,
) -> Result<Present<S>, Vec<Problem>> {
    let scenario = with_steps(base, pokes);
    let run = Run::configured(&scenario, options, configure)?;
    let (picture, outcome) = picture_of(run, &scenario, shown);
    let untraced = RunOptions { trace: TraceLevel::Off, ..*options };
    let kept = KeptRuns::of(Run::configured(&scenario, &untraced, configure)?);
    assert_eq!(kept.fingerprint(), outcome.fingerprint, "a trace changes a run");
    let healed = picture.events.iter().position(|line| line.kind == HEALED);
    Ok(Present { scenario, picture, kept, healed })
}

/// A problem of the scenario. Where it is about what was done, which is in `track`, nobody needs the place.
fn refusal(problem: Problem, track: &Place) -> Refusal {
    let is_ours =
        problem.place == Place::whole() || problem.place.to_string().starts_with(&track.to_string());
    let message = match is_ours {
        true => problem.message,
        false => format!("{}: {}", problem.place, problem.message),
    };
    Refusal { message, help: problem.help }
}
