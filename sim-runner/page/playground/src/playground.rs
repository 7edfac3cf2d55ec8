//! One scenario, its run, and the requests about them.

use std::mem;

use aviary::ids::ProcessId;
use aviary::scenario::picture::PictureVerdict;
use aviary::scenario::run::Run;
use aviary::scenario::session::{self, Session};
use aviary::scenario::{PictureOptions, Problem, RunOptions, Scenario, UnfinishedPicture, Verdict, read};
use aviary::sim::TraceLevel;
use aviary::time::Instant;
use serde::Serialize;

use crate::reply::{Bug, Load, Panicked, Reply, Request};
use crate::saboteurs::{self, Lying, Saboteur};

/// The most events of a run: some seconds in a browser.
const EVENTS_MAX: u64 = 5_000_000;

/// The most bytes of a world. A browser gives an instance four times as many at most.
const BYTES_MAX: u64 = 1 << 30;

/// The most lines of a run that a page draws.
const SHOWN_MAX: usize = 100_000;

/// The name of the text for diagnostics, which the page shows without it.
const NAME: &str = "scenario.ron";

/// What a page works with.
#[derive(Default)]
pub struct Playground {
    work: Work,
    /// The number of steps of the run that have been begun.
    begun: u64,
}

/// What there is of a scenario.
#[derive(Default)]
enum Work {
    /// None is loaded, or its run was cut short.
    #[default]
    Nothing,
    /// Its run goes on.
    Running(Box<Loaded>, Box<UnfinishedPicture<Lying>>),
    /// Its run is over.
    Over(Box<Loaded>),
    /// One goes back and forth in its run, and does things to it.
    Session(Box<Session<Lying>>),
}

/// A scenario, and the bug that is planted.
struct Loaded {
    scenario: Scenario<Lying>,
    shown: PictureOptions,
    bug: Option<&'static Saboteur>,
}

impl Loaded {
    const OPTIONS: RunOptions = RunOptions {
        seed: None,
        trace: TraceLevel::Full,
        trace_lines_max: SHOWN_MAX,
        events_max: EVENTS_MAX,
        bytes_max: BYTES_MAX,
    };

    fn run(&self) -> Result<Run<Lying>, Vec<Problem>> {
        Run::configured(&self.scenario, &Loaded::OPTIONS, |config| config.saboteur = self.bug)
    }

    fn session(self) -> Result<Session<Lying>, Vec<Problem>> {
        let bug = self.bug;
        Session::new(self.scenario, &Loaded::OPTIONS, self.shown, move |config| config.saboteur = bug)
    }
}

impl Playground {
    /// Answers one request, both JSON: a [`Request`], or one of those that a session takes.
    pub fn answer(&mut self, request: &str) -> String {
        match serde_json::from_str(request) {
            Ok(request) => json(&self.reply(request)),
            Err(error) => match serde_json::from_str(request) {
                Ok(request) => self.acted(&request),
                Err(_) => json(&Reply::no(format!("this request cannot be read: {error}"))),
            },
        }
    }

    fn reply(&mut self, request: Request) -> Reply {
        match request {
            Request::Bugs => {
                let bug = |bug: &'static Saboteur| Bug { name: bug.name, about: bug.about };
                Reply::Bugs { bugs: saboteurs::all().map(bug).collect() }
            }
            Request::Check { text } => match read::<Lying>(NAME, &text) {
                Ok(_) => Reply::Good,
                Err(bad) => Reply::bad(bad),
            },
            Request::Load(load) => self.load(load),
            Request::Go { steps } => self.go(steps),
            Request::Stop => self.cut(None),
            Request::Panicked(panicked) => self.cut(Some(panicked)),
        }
    }

    fn load(&mut self, load: Load) -> Reply {
        let bug = match load.bug.as_deref().map(|name| saboteurs::find(name).ok_or(name)).transpose() {
            Ok(bug) => bug,
            Err(name) => return Reply::no(format!("there is no bug `{name}` to plant")),
        };
        let scenario = match read::<Lying>(NAME, &load.text) {
            Ok(scenario) => scenario,
            Err(bad) => return Reply::bad(bad),
        };
        let shown = PictureOptions {
            name: load.name,
            is_failure: false,
            reproduce: load.reproduce,
            events_max: SHOWN_MAX,
        };
        let loaded = Loaded { scenario, shown, bug };
        let run = match loaded.run() {
            Ok(run) => run,
            Err(problems) => return Reply::refused(problems),
        };
        self.begun = 0;
        self.work = Work::Running(Box::new(loaded), Box::new(UnfinishedPicture::new(run, SHOWN_MAX)));
        self.go(0)
    }

    fn go(&mut self, steps: u64) -> Reply {
        let Work::Running(loaded, making) = &mut self.work else {
            return Reply::no("there is no run to continue");
        };
        for _ in 0..steps {
            self.begun += 1;
            if !making.step() {
                let Work::Running(loaded, making) = mem::take(&mut self.work) else {
                    unreachable!("it is one")
                };
                let (picture, _) = making.finish(&loaded.scenario, &loaded.shown);
                self.work = Work::Over(loaded);
                return Reply::Run { run: Box::new(picture) };
            }
        }
        let world = making.run().world();
        Reply::Running {
            events: world.events(),
            at: world.now().since(Instant::ZERO).as_micros(),
            limit: loaded.scenario.limit.as_micros(),
        }
    }

    /// Ends the run where it is: it was stopped, or its next step panics.
    fn cut(&mut self, panicked: Option<Panicked>) -> Reply {
        let Work::Running(loaded, making) = mem::take(&mut self.work) else {
            return Reply::no("there is no run to end");
        };
        let processes: Vec<ProcessId> = making.run().world().processes().collect();
        let (mut picture, _) = making.finish(&loaded.scenario, &loaded.shown);
        if let Some(Panicked { message, process, .. }) = panicked {
            let named = |id: &ProcessId| Some(id.to_string()) == process;
            let process = processes.into_iter().find(named);
            picture.verdict = PictureVerdict::from(&Verdict::Panicked { process, message });
        }
        Reply::Run { run: Box::new(picture) }
    }

    /// Does what a session is asked for. The first time the run is run once more, and kept in pieces.
    fn acted(&mut self, request: &session::Request) -> String {
        if let Work::Over(_) = &self.work
            && let Work::Over(loaded) = mem::take(&mut self.work)
        {
            match loaded.session() {
                Ok(session) => self.work = Work::Session(Box::new(session)),
                Err(problems) => return json(&Reply::refused(problems)),
            }
        }
        match &mut self.work {
            Work::Session(session) => json(&session.answer(request)),
            _ => json(&Reply::no("this run was cut short: nothing can be done in it")),
        }
    }

    /// Where the run was when `message` ended this instance.
    pub fn panicked(&self, message: String) -> Panicked {
        let handling = match &self.work {
            Work::Running(_, making) => making.run().world().handling(),
            _ => None,
        };
        Panicked { message, process: handling.map(|id| id.to_string()), steps: self.begun.saturating_sub(1) }
    }
}

fn json(reply: &impl Serialize) -> String {
    serde_json::to_string(reply).expect("a reply has string keys only")
}
