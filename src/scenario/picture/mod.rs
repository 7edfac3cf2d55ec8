//! One run as data, for pictures and for programs that read runs: everything that happened, with its causes, what each
//! process was at any moment, and the calls of clients.
//!
//! Making a picture changes nothing in a run. Its form is written in `docs/run.schema.json`.

mod bands;
mod calls;
mod recorded;
mod shown;
mod states;
mod unexplained;

use crate::ids::ProcessId;
use crate::process::Process;
use crate::ron_file::Problem;
use crate::scenario::form::Scenario;
use crate::scenario::outcome::{Outcome, Verdict};
use crate::scenario::run::{Run, RunOptions};
use crate::scenario::service::Service;
use crate::scenario::write::write;
use crate::sim::{FlyingCopy, RunEvent, RunEvents, TraceLevel};
use bands::Bands;
use calls::Calls;
use states::States;

pub use bands::PictureBand;
pub use calls::PictureCall;
pub use recorded::{RecordedFacts, RecordedPicture};
pub use shown::{MessagePhase, Shown, ShownCall};
pub use states::{PictureRole, StateChange};
pub use unexplained::{PictureUnexplained, PictureUnexplainedCall};

/// The version of the form below. It changes whenever a field changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// What happens to copies of datagrams, and what a process has done in an input: its state is looked at for the input.
const UNCHANGING: [&str; 17] = [
    "sent",
    "queued",
    "ruled",
    "doubled",
    "held_back",
    "delayed",
    "again",
    "cut_short",
    "flipped",
    "strayed",
    "clogged",
    "lost",
    "dropped",
    "repeated",
    "waits",
    "appended",
    "noted",
];

/// One run.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(title = "One run of Aviary"))]
pub struct Picture {
    /// The version of this form: 1.
    pub schema: u32,
    /// The name of the scenario.
    pub name: String,
    /// What the scenario is about.
    pub about: String,
    /// `scenario`, `failure`, or `recording` of a real site.
    pub source: &'static str,
    /// The command that runs it again.
    pub reproduce: String,
    /// The scenario, in RON. Empty for a recording.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// A hash of everything that happened, or of the recording, in hexadecimal digits.
    pub fingerprint: String,
    /// The number of events left out, because the run is too large: at the end, or of a run that fails at its beginning.
    pub left_out: u64,
    /// Whether everything held.
    pub verdict: PictureVerdict,
    /// Every process: sites, terminals, clients.
    pub processes: Vec<PictureProcess>,
    /// How the service writes what traces and states hold.
    pub notation: &'static str,
    /// The kinds of messages.
    pub messages: Vec<PictureMessage>,
    /// Everything that happened, in order.
    pub events: Vec<RunEvent>,
    /// What each process is, where it changes.
    pub states: Vec<StateChange>,
    /// What stood between processes: cut and clogged links, and rules in force, by their beginning. What comes and goes
    /// within one event of the simulator is not among them.
    pub bands: Vec<PictureBand>,
    /// The calls of clients, in the order of their beginning.
    pub calls: Vec<PictureCall>,
    /// The calls of a violation that no order explains.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub unexplained: Option<PictureUnexplained>,
    /// The copies of datagrams that are still under way at the end, also those that the network holds.
    pub under_way: Vec<UnderWay>,
    /// When the failure became inevitable, if that was asked.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub blame: Option<PictureBlame>,
    /// The final state of the cluster, in a few lines. Empty for a recording.
    pub final_state: String,
}

/// How likely the failure was from each moment on.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PictureBlame {
    /// What the command `blame` says.
    pub text: String,
    /// The moments, in their order.
    pub points: Vec<BlamePoint>,
}

/// Forks of the run from one moment on, in which everything random was drawn anew.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlamePoint {
    /// The moment, in microseconds.
    pub at: u64,
    /// The number of forks that failed in the same way.
    pub failed: u32,
    /// The number of forks.
    pub of: u32,
}

/// Whether everything held.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PictureVerdict {
    /// `passed`, `violated`, `panicked`, `stalled`, `stale` or `undecided`; `differs` of a recording whose replay does
    /// something else.
    pub name: &'static str,
    /// The property and one sentence.
    pub text: String,
    /// The property that does not hold.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub property: Option<&'static str>,
    /// The process that panicked.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub process: Option<String>,
}

impl From<&Verdict> for PictureVerdict {
    fn from(verdict: &Verdict) -> PictureVerdict {
        let (property, process) = match verdict {
            Verdict::Violated(violation) => (Some(violation.property), None),
            Verdict::Panicked { process, .. } => (None, *process),
            _ => (None, None),
        };
        PictureVerdict {
            name: verdict.name(),
            text: verdict.to_string(),
            property,
            process: process.map(|id| id.to_string()),
        }
    }
}

/// One process.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PictureProcess {
    /// `S0` a site, `T0` the terminal of site 0, `C0` a client.
    pub id: String,
    /// The machine of a site or terminal, counted from 0.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub machine: Option<usize>,
    /// The site of a terminal.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub site: Option<String>,
}

/// One kind of message.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PictureMessage {
    /// Its name.
    pub kind: &'static str,
    /// The part that it plays.
    pub phase: MessagePhase,
}

/// A copy of a datagram that is still under way at the end.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnderWay {
    /// The number of the copy.
    pub copy: u32,
    /// When it would arrive, in microseconds. Without that, a link or the network holds it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub arrives: Option<u64>,
}

/// What a picture is called, and how much of a run it may hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PictureOptions {
    /// The name of the scenario.
    pub name: String,
    /// Whether it is a saved failure.
    pub is_failure: bool,
    /// The command that runs it again.
    pub reproduce: String,
    /// The most events. The first are kept, or the last of a run that fails. The others are counted, and judged as ever.
    pub events_max: usize,
}

/// A picture that is being made.
struct Maker<S: Service> {
    events_max: usize,
    /// The number of events that are left out at the beginning.
    skipped: u64,
    making: RunEvents,
    events: Vec<RunEvent>,
    left_out: u64,
    /// The number of lines of the trace that were taken.
    taken: u64,
    states: States<S>,
    bands: Bands,
    calls: Calls,
}

/// Runs `scenario` and makes a picture of the run. `configure` changes the configuration of every process last.
pub fn picture<S: Service>(
    scenario: &Scenario<S>,
    run: &RunOptions,
    options: &PictureOptions,
    configure: impl FnOnce(&mut <S::Process as Process>::Config),
) -> Result<(Picture, Outcome), Vec<Problem>> {
    let run = Run::configured(scenario, &RunOptions { trace: TraceLevel::Full, ..*run }, configure)?;
    Ok(picture_of(run, scenario, options))
}

/// Makes a picture of this run of `scenario`, which has not begun and traces everything.
///
/// # Panics
/// When the run has begun, or traces less.
pub fn picture_of<S: Service>(
    run: Run<S>,
    scenario: &Scenario<S>,
    options: &PictureOptions,
) -> (Picture, Outcome) {
    let mut making = UnfinishedPicture::new(run, options.events_max);
    while making.step() {}
    making.finish(scenario, options)
}

/// A picture that is made event by event, for hosts that have something else to do meanwhile.
pub struct UnfinishedPicture<S: Service> {
    run: Run<S>,
    /// The run before its first event.
    unbegun: Run<S>,
    maker: Maker<S>,
}

impl<S: Service> UnfinishedPicture<S> {
    /// A picture of `run`, which has not begun and traces everything. It holds at most `events_max` lines.
    ///
    /// # Panics
    /// When the run has begun, or traces less.
    pub fn new(mut run: Run<S>, events_max: usize) -> UnfinishedPicture<S> {
        let (level, begun) = (run.world().settings().trace.level, run.world().events());
        assert!(level == TraceLevel::Full && begun == 0, "the trace is {level:?} after {begun} events");
        run.describe_messages();
        let mut maker = Maker::new(events_max, 0);
        maker.take(&run);
        UnfinishedPicture { unbegun: run.clone(), run, maker }
    }

    /// Continues by at most one event of the run. Returns `false` when nothing is left to do.
    pub fn step(&mut self) -> bool {
        let fails = self.run.verdict().is_some_and(|verdict| !verdict.is_pass());
        if !self.run.is_over() {
            self.run.step();
        } else if fails && self.maker.skipped == 0 && self.maker.lacks_the_end() {
            // Whoever looks at a failure looks at its end.
            self.maker = Maker::new(self.maker.events_max, self.maker.left_out);
            self.run = self.unbegun.clone();
        } else {
            return false;
        }
        self.maker.take(&self.run);
        true
    }

    /// The run as it is.
    pub const fn run(&self) -> &Run<S> {
        &self.run
    }

    /// The picture as far as it goes, of a run of `scenario`. A run that is not over is undecided.
    pub fn finish(self, scenario: &Scenario<S>, options: &PictureOptions) -> (Picture, Outcome) {
        let outcome = self.run.outcome();
        (self.maker.finish(&self.run, scenario, options, &outcome), outcome)
    }
}

impl<S: Service> Maker<S> {
    fn new(events_max: usize, skipped: u64) -> Maker<S> {
        Maker {
            events_max,
            skipped,
            making: RunEvents::default(),
            events: Vec::new(),
            left_out: 0,
            taken: 0,
            states: States::new(),
            bands: Bands::default(),
            calls: Calls::default(),
        }
    }

    /// Whether the last events are among those that are left out.
    const fn lacks_the_end(&self) -> bool {
        self.left_out > self.skipped
    }

    /// Takes what happened since the last time.
    fn take(&mut self, run: &Run<S>) {
        let trace = run.world().trace();
        let new = trace.written() - self.taken;
        if new == 0 {
            return;
        }
        self.taken = trace.written();
        let new = usize::try_from(new).expect("lines of one event are in memory");
        assert!(new <= trace.len(), "{new} lines of one event are more than the trace keeps");
        let mut lines: Vec<_> = trace.lines().rev().take(new).collect();
        lines.reverse();
        let mut who: Vec<ProcessId> = Vec::new();
        for line in lines {
            if self.making.made() < self.skipped {
                self.making.take(line);
                self.left_out += 1;
                continue;
            }
            if self.events.len() >= self.events_max {
                self.left_out += 1;
                continue;
            }
            let place = self.events.len();
            if let (Some(told), Some(process)) = (line.told(), line.who()) {
                self.calls.follow(place, process, S::call(told));
            }
            let mut event = self.making.take(line);
            event.cause = event.cause.and_then(|cause| cause.checked_sub(self.skipped));
            if let Some(ended) = event.who.filter(|_| matches!(event.kind, "crashed" | "ended" | "failed")) {
                self.calls.forget(ended);
            }
            let changes = !UNCHANGING.contains(&event.kind);
            if let Some(id) = event.who.filter(|id| changes && !who.contains(id)) {
                who.push(id);
            }
            self.events.push(event);
        }
        if !self.lacks_the_end()
            && let Some(after) = self.events.len().checked_sub(1)
        {
            match self.states.is_empty() {
                // Those that were looked at before the first event that is kept are looked at now.
                true => self.states.look(run, after, &run.world().processes().collect::<Vec<_>>()),
                false => self.states.look(run, after, &who),
            }
            self.bands.look(run.world(), after);
        }
    }

    fn finish(
        self,
        run: &Run<S>,
        scenario: &Scenario<S>,
        options: &PictureOptions,
        outcome: &Outcome,
    ) -> Picture {
        let world = run.world();
        let process = |id: ProcessId| PictureProcess {
            id: id.to_string(),
            machine: match id {
                ProcessId::Site(site) | ProcessId::Terminal(site) => {
                    let machines = &world.settings().machines;
                    let machine = machines.iter().position(|sites| sites.contains(site));
                    Some(machine.unwrap_or(site.index()))
                }
                ProcessId::Client(_) => None,
            },
            site: match id {
                ProcessId::Terminal(site) => Some(ProcessId::Site(site).to_string()),
                ProcessId::Site(_) | ProcessId::Client(_) => None,
            },
        };
        let mut calls = self.calls.finish();
        let unexplained = match &outcome.verdict {
            Verdict::Violated(violation) => violation.calls.as_ref(),
            _ => None,
        };
        let unexplained = unexplained.map(|found| PictureUnexplained::of(found, &mut calls, &self.events));
        let kinds = S::messages();
        let under_way = match self.left_out == self.skipped {
            true => {
                let copies = world.under_way().into_iter();
                let arrives = |copy: &FlyingCopy| copy.arrives.map(|at| at.as_micros());
                copies.map(|copy| UnderWay { copy: copy.number, arrives: arrives(&copy) }).collect()
            }
            false => Vec::new(),
        };
        Picture {
            schema: SCHEMA,
            name: options.name.clone(),
            about: scenario.about.clone(),
            source: if options.is_failure { "failure" } else { "scenario" },
            reproduce: options.reproduce.clone(),
            scenario: write(scenario),
            seed: outcome.seed,
            fingerprint: format!("{:016x}", outcome.fingerprint),
            left_out: self.left_out,
            verdict: PictureVerdict::from(&outcome.verdict),
            processes: world.processes().map(process).collect(),
            notation: S::TRACE_NOTATION,
            messages: kinds.into_iter().map(|kind| PictureMessage { kind, phase: S::phase(kind) }).collect(),
            events: self.events,
            states: self.states.finish(),
            bands: self.bands.finish(),
            calls,
            unexplained,
            under_way,
            blame: None,
            final_state: outcome.final_state.clone(),
        }
    }
}

/// The form of a [`Picture`] in JSON.
#[cfg(feature = "schema")]
pub fn schema() -> schemars::Schema {
    // What is written, and not what could be read: an empty field is left out.
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Picture>()
}
