//! `step`: a debugger. The page of `show` in a browser with the simulator behind it, to look into any moment of a run and
//! to act there. What was done is a scenario.

mod door;
mod saving;
mod server;
mod talk;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aviary::foreign::rebuilt::{REPLAYED_MAX, Replayed, replayed};
use aviary::process::Process;
use aviary::scenario::session::{Refusal, Reply, Request, Session};
use aviary::scenario::{PictureOptions, RunOptions, Service};
use serde_json::Value;

use crate::args::StepArgs;
use crate::files::load_one;
use crate::progress::Progress;
use crate::report::{load_errors, problems, stdout, usage, warning};
use crate::show::{open, page};
use crate::{Exit, interrupt, vocabulary};
use saving::SavedFile;
use server::{Server, Wanted};
use talk::{Envelope, Own, OwnReply, refusal, refused, text};

/// How soon an interrupt is noticed.
const TICK: Duration = Duration::from_millis(100);

/// Serves the page of the scenario that `args` name, until an interrupt. `configure` changes the configuration of every
/// process last.
pub(crate) fn step<S: Service>(
    args: &StepArgs,
    configure: impl Fn(&mut <S::Process as Process>::Config) + Copy + 'static,
) -> io::Result<Exit> {
    let one = match load_one::<S>(&args.path) {
        Ok(one) => one,
        Err(error) => return Ok(load_errors(&[error])),
    };
    let saboteur = args.saboteur.as_deref();
    if let Some(why) = one.planted_otherwise(saboteur) {
        return Ok(usage(&why));
    }
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.stepped.ron", one.name)));
    let file = match SavedFile::new(output, &args.path, saboteur, args.events_max) {
        Ok(file) => file,
        Err(why) => return Ok(usage(&why)),
    };
    let run = RunOptions { seed: args.seed, events_max: args.events_max, ..RunOptions::default() };
    let shown = PictureOptions {
        name: one.name.clone(),
        is_failure: one.failure.is_some(),
        // No file does what is done in the page, until it is saved.
        reproduce: String::new(),
        events_max: args.shown_max,
    };
    let before = replayed();
    let progress = Progress::endless(&format!("running {}", one.name));
    let session = Session::new(one.scenario, &run, shown, configure);
    drop(progress);
    let session = match session {
        Ok(session) => session,
        Err(found) => {
            problems(&args.path, &found);
            return Ok(Exit::Usage);
        }
    };
    let stop = interrupt::flag()?;
    let server = Server::start()?;
    let mut out = stdout();
    writeln!(out, "{}", server.url())?;
    out.flush()?;
    if args.open {
        open(server.url().as_ref(), "open the address in a browser");
    }
    let examples = vocabulary::actions::<S>();
    // The saved scenario has the seed.
    let run = RunOptions { seed: None, ..run };
    let mut desk =
        Desk { session, file, run, configure, examples, pokes: Value::Array(Vec::new()), saved: None };
    let mut has_warned = false;
    while !stop.load(Ordering::Relaxed) {
        let Some(waiting) = server.next(TICK)? else { continue };
        let answer = match &waiting.wanted {
            Wanted::Page => page::live(desk.session.picture())?,
            Wanted::Answer(asked) => desk.answer(asked),
        };
        waiting.answer(answer);
        if !has_warned && costs_much(before) {
            has_warned = true;
            warning(format_args!(
                "processes of this service are not Clone: to look at a moment, their inputs are replayed, more than \
                 {REPLAYED_MAX} so far; a shorter scenario costs less, a process that is Clone nothing"
            ));
        }
    }
    drop(server);
    writeln!(out, "{}", desk.ended())?;
    out.flush()?;
    Ok(Exit::Passed)
}

/// Whether so much was replayed since `before` that whoever waits should know why.
fn costs_much(before: Replayed) -> bool {
    replayed().inputs - before.inputs >= REPLAYED_MAX
}

/// The session, and the file in which it is saved.
struct Desk<S: Service, F> {
    session: Session<S>,
    file: SavedFile,
    run: RunOptions,
    configure: F,
    examples: Vec<String>,
    /// What was done so far, as the session's last reply says it.
    pokes: Value,
    /// The fingerprint of the run that was saved last.
    saved: Option<String>,
}

impl<S: Service, F: Fn(&mut <S::Process as Process>::Config) + Copy> Desk<S, F> {
    /// The reply to a request of the page, both in JSON.
    fn answer(&mut self, asked: &str) -> String {
        let envelope: Envelope = match serde_json::from_str(asked) {
            Ok(envelope) => envelope,
            Err(why) => return refused(wrong(&why)),
        };
        let request = Value::Object(envelope.request);
        let own = serde_json::from_value::<Own>(request.clone());
        if let Ok(Own::Begin {}) = own {
            let path = self.file.path().display().to_string();
            return text(&OwnReply::Begun { pokes: &self.pokes, examples: &self.examples, path });
        }
        if envelope.run != self.session.picture().fingerprint {
            let help = "reload this page: it shows the run as it was before";
            return refused(refusal("another window has changed the run since this page was loaded", help));
        }
        if let Ok(Own::Save {}) = own {
            return self.save();
        }
        let request: Request = match serde_json::from_value(request) {
            Ok(request) => request,
            Err(why) => return refused(wrong(&why)),
        };
        let reply = self.session.answer(&request);
        if let Reply::Run { pokes, .. } = &reply {
            self.pokes = serde_json::to_value(pokes).expect("steps are numbers and texts");
        }
        text(&reply)
    }

    fn save(&mut self) -> String {
        let fingerprint = &self.session.picture().fingerprint;
        match self.file.save(self.session.scenario(), fingerprint, &self.run, self.configure) {
            Ok(()) => {
                let (path, replay) = (self.file.path().display().to_string(), self.file.replay());
                let reply = text(&OwnReply::Saved { path, fingerprint, replay });
                self.saved = Some(fingerprint.clone());
                reply
            }
            Err(why) => refused(why),
        }
    }

    /// What remains at the end.
    fn ended(&self) -> String {
        let (path, pokes) = (self.file.path().display(), self.session.pokes());
        let steps = if pokes == 1 { "1 step is" } else { &format!("{pokes} steps are") };
        match &self.saved {
            Some(saved) if *saved == self.session.picture().fingerprint => {
                format!("saved in {path}; {} runs it again", self.file.replay())
            }
            Some(_) => format!("{path} holds an earlier state: what was done since then is not saved"),
            None if pokes > 0 => format!("{steps} not saved"),
            None => "nothing was done, and nothing saved".to_owned(),
        }
    }
}

fn wrong(why: &serde_json::Error) -> Refusal {
    refusal(format!("the page asked for something unknown: {why}"), "reload the page")
}
