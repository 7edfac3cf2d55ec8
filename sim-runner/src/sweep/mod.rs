//! `sweep`: runs scenarios under many seeds on all cores and reports the results.

pub(crate) mod clock;
mod corpus;
mod files;
pub(crate) mod numbers;
pub(crate) mod screen;
pub(crate) mod sources;
mod table;
pub(crate) mod totals;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aviary::process::Process;
use aviary::scenario::{RunOptions, Scenario, Service, Verdict};
use aviary::search::{
    AtOnce, Budget, FactKind, Facts, Groups, Listener, Property, Ran, Runner, Sample, Seeds, Settle, Shard,
    Source, shrink, write_aside,
};
use aviary::sim::TraceLevel;

use self::clock::Stopwatch;
use self::screen::Screen;
use self::table::Closing;
use self::totals::Totals;
use crate::Exit;
use crate::args::{Format, SweepArgs, time_or};
use crate::interrupt;
use crate::report::{ReplayCommand, UNDECIDED, error, program, quoted, stdout, usage, warning};
use crate::show::pictures;

/// Sweeps according to `args`. `configure` changes the configuration of every process last.
pub(crate) fn sweep<S: Service>(
    args: &SweepArgs,
    configure: impl Fn(&mut <S::Process as Process>::Config) + Send + Sync + 'static,
) -> io::Result<Exit> {
    let ready = match Ready::<S>::new(args, configure) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let stop = interrupt::flag()?;
    let mut out = stdout();
    let checked = match &ready.corpus {
        Some((folder, corpus)) => {
            let checked = corpus.check(&ready.sweep.runner, args.saboteur.as_deref());
            if args.format == Format::Text {
                corpus::text(&mut out, folder, &checked)?;
                out.flush()?;
            }
            checked
        }
        None => Vec::new(),
    };
    let mut exits: Vec<Exit> = checked.iter().map(corpus::Checked::exit).collect();
    if !ready.is_to_be_swept {
        if args.format == Format::Json {
            let text = serde_json::to_string(&serde_json::json!({ "corpus": checked }));
            writeln!(out, "{}", text.map_err(io::Error::other)?)?;
        }
        out.flush()?;
        return Ok(Exit::worst(&exits));
    }
    exits.push(ready.run(args, &stop, &checked, &mut out)?);
    let is_parted = exits.contains(&Exit::Nondeterministic);
    Ok(if is_parted { Exit::Nondeterministic } else { Exit::worst(&exits) })
}

/// A sweep whose arguments make sense and whose files can be written.
struct Ready<'a, S: Service> {
    sweep: aviary::search::Sweep<S>,
    names: Vec<String>,
    is_to_be_swept: bool,
    report: Option<(PathBuf, BufWriter<File>)>,
    junit: Option<BufWriter<File>>,
    corpus: Option<(&'a Path, corpus::Corpus<S>)>,
}

impl<'a, S: Service> Ready<'a, S> {
    /// Checks the arguments, and prints what is wrong with them.
    fn new(
        args: &'a SweepArgs,
        configure: impl Fn(&mut <S::Process as Process>::Config) + Send + Sync + 'static,
    ) -> Result<Ready<'a, S>, Exit> {
        let usage = |why: String| usage(&why);
        let is_bounded = args.time.is_some() || args.seeds.is_some_and(|seeds| seeds.end().is_some());
        let is_to_be_swept = is_bounded || args.seeds.is_some();
        if !is_bounded && (is_to_be_swept || args.corpus.is_none()) {
            return Err(usage("how much? expected --seeds A..B, --time 10m, or both".into()));
        }
        if !is_to_be_swept && !args.sources.is_empty() {
            return Err(usage("how much of it? expected --seeds A..B, --time 10m, or both".into()));
        }
        if args.report.is_some() && args.report == args.junit {
            return Err(usage("--report and --junit are the same file".into()));
        }
        let sources = if is_to_be_swept { sources::sources::<S>(&args.sources)? } else { Vec::new() };
        let corpus = match &args.corpus {
            Some(folder) => Some((folder.as_path(), corpus::read::<S>(folder)?)),
            None => None,
        };
        files::probe(&args.failures).map_err(usage)?;
        let file = |path: &Option<std::path::PathBuf>| {
            path.as_ref().map(|path| files::create(path)).transpose().map_err(usage)
        };
        let (report, junit) = (file(&args.report)?, file(&args.junit)?);
        let report = args.report.clone().zip(report);
        let options = options(args.events_max, args.bytes_max);
        let sweep = aviary::search::Sweep {
            runner: Runner::configured(options, configure),
            seeds: args.seeds.unwrap_or(Seeds::since(0)),
            shard: args.shard.unwrap_or(Shard::ALL),
            time: args.time,
            threads: args.threads.unwrap_or_else(all_cores),
            sources,
        };
        if args.must_happen && sweep.missing(&Facts::of::<S>()).is_empty() {
            return Err(usage("nothing must happen in these: --must-happen needs a profile".into()));
        }
        let names = sweep.sources.iter().map(|source| source.name().to_owned()).collect();
        Ok(Ready { sweep, names, is_to_be_swept, report, junit, corpus })
    }

    fn run(
        self,
        args: &SweepArgs,
        stop: &Arc<AtomicBool>,
        checked: &[corpus::Checked],
        out: &mut impl Write,
    ) -> io::Result<Exit> {
        let Ready { sweep, names, report, junit, .. } = self;
        let clock = Stopwatch::start();
        let of = sweep.seeds.count(sweep.shard).map(|count| count.saturating_mul(names.len() as u64));
        let smaller = smaller(args, &sweep.runner, stop);
        let settle = Settle {
            runner: &sweep.runner,
            sources: &sweep.sources,
            shrink: if args.no_shrink { None } else { Some(&smaller) },
            threads: sweep.threads,
            folder: Some(&args.failures),
            saboteur: args.saboteur.as_deref(),
            replay: &|path: &Path, seed, property: &str| replay(path, seed, property, args),
        };
        let mut progress = SweepProgress {
            names: &names,
            is_over_at_failure: args.until_failure,
            has_found: false,
            runs_of: vec![0; names.len()],
            clock,
            report,
            unwritten: None,
            settle: &settle,
            at_once: AtOnce::default(),
            unsaved: None,
            groups: Groups::default(),
            totals: Totals::default(),
            exits: Vec::new(),
            screen: Screen::new(of, sweep.time),
        };
        let facts = sweep.run(stop, &mut progress);
        let wall = clock.elapsed();
        progress.finish_report();
        let SweepProgress {
            unwritten,
            at_once,
            unsaved,
            groups,
            totals,
            mut exits,
            screen,
            has_found,
            runs_of,
            ..
        } = progress;
        let is_interrupted = stop.load(Ordering::Relaxed);
        if !groups.is_empty() {
            screen.show_task(&format!("shrinking and saving {} groups of failures", groups.len()));
        }
        let settled = settle.settle(&groups, &at_once, stop);
        let mut unwritten_pages = Vec::new();
        let pages: Vec<Option<PathBuf>> = settled
            .iter()
            .map(|group| {
                let path = group.path.as_ref().filter(|_| args.pages)?;
                let page = pictures::beside(&sweep.runner, path, group.seed, args.saboteur.as_deref());
                page.map_err(|why| unwritten_pages.push(why)).ok()
            })
            .collect();
        let differed = save_differed(args, &sweep.sources, &names, &totals);
        drop(screen);
        let mut unwritten: Vec<String> =
            unwritten.into_iter().chain(unsaved).chain(unwritten_pages).collect();
        unwritten.extend(settled.iter().filter_map(|group| group.unsaved.clone()));
        unwritten.dedup();
        // A sweep that ends with the first failure does not know what would have happened later.
        let missing = if has_found { Vec::new() } else { sweep.missing(&facts) };
        if !missing.is_empty() && (args.must_happen || totals.runs >= LONG) {
            report_missing(&missing, totals.runs, args.must_happen);
            // An interrupted sweep does not know what would have happened later.
            exits.extend((args.must_happen && !is_interrupted).then_some(Exit::Blind));
        }
        if totals.differed > 0 {
            exits.push(Exit::Nondeterministic);
        }
        if let Some(mut junit) = junit {
            let sources: Vec<_> = names.iter().cloned().zip(runs_of).collect();
            let differed: Vec<_> =
                differed.iter().map(|(which, how, _)| (which.clone(), how.clone())).collect();
            let written = files::junit(&mut junit, &sources, &settled, &pages, &differed, wall.as_secs_f64());
            unwritten.extend(written.err().map(|why| files::failed(args.junit.as_deref(), &why)));
        }
        let last = totals.last_seed.filter(|_| has_found || sweep.seeds.end().is_none());
        let of_group = |group: &aviary::search::Settled| {
            replay(group.path.as_deref().unwrap_or(Path::new("")), group.seed, &group.property, args)
        };
        let closing = Closing {
            sources: &names,
            seeds: seeds_text(sweep.seeds, sweep.shard, last),
            threads: sweep.threads.get(),
            wall,
            totals: &totals,
            facts: &facts,
            missing: &missing,
            replays: settled.iter().map(of_group).collect(),
            settled: &settled,
            pages: &pages,
            differed,
            corpus: checked,
            is_interrupted,
            memory_kib: peak_kib(),
        };
        match args.format {
            Format::Text => closing.text(out)?,
            Format::Json => closing.json(out)?,
        }
        out.flush()?;
        unwritten.iter().for_each(|why| error(format_args!("{why}")));
        let is_parted = exits.contains(&Exit::Nondeterministic);
        let exit = if is_parted { Exit::Nondeterministic } else { Exit::worst(&exits) };
        // A failed run determines the exit before an unwritten file does.
        Ok(if exit == Exit::Passed && !unwritten.is_empty() { Exit::Usage } else { exit })
    }
}

/// The options of each run of a search.
pub(crate) fn options(events_max: u64, bytes_max: u64) -> RunOptions {
    RunOptions { seed: None, trace: TraceLevel::Off, events_max, bytes_max, ..RunOptions::default() }
}

/// One thread per core.
pub(crate) fn all_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// The seeds that were run: up to the end of the range, or up to `last` if that ended before.
pub(crate) fn seeds_text(seeds: Seeds, shard: Shard, last: Option<u64>) -> String {
    let seeds = match last {
        Some(last) => format!("{}..{}", seeds.first(), last.saturating_add(1)),
        None => seeds.to_string(),
    };
    if shard == Shard::ALL { seeds } else { format!("{seeds} part {shard}") }
}

/// From this many runs on, a sweep warns about required facts that never occurred.
const LONG: u64 = 10_000;

fn report_missing(missing: &[(FactKind, &str)], runs: u64, is_wrong: bool) {
    let names: Vec<&str> = missing.iter().map(|(_, name)| *name).collect();
    let what = format!("never in {} runs: {}", numbers::count(runs), names.join("; "));
    let help =
        "sweep more seeds, draw it more often, or say in the profile's `must_happen` that it need not happen";
    match is_wrong {
        true => error(format_args!("{what}\n  help: {help}")),
        false => warning(format_args!("{what}\n  help: {help}")),
    }
}

/// Receives the runs of a sweep.
struct SweepProgress<'a, S: Service> {
    names: &'a [String],
    is_over_at_failure: bool,
    /// Whether a run failed and thereby ends the sweep.
    has_found: bool,
    /// The number of runs of each source.
    runs_of: Vec<u64>,
    clock: Stopwatch,
    report: Option<(PathBuf, BufWriter<File>)>,
    /// Why the report could not be written to its end.
    unwritten: Option<String>,
    settle: &'a Settle<'a, S>,
    at_once: AtOnce,
    /// Why a first failure could not be saved; only the first such reason is kept.
    unsaved: Option<String>,
    groups: Groups,
    totals: Totals,
    exits: Vec<Exit>,
    screen: Screen,
}

impl<S: Service> SweepProgress<'_, S> {
    /// If the report cannot be written, the sweep goes on without it.
    fn report(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if let Some((path, report)) = &mut self.report
            && let Err(why) = write(report)
        {
            self.unwritten = Some(files::failed(Some(path), &why));
            self.report = None;
        }
    }

    fn finish_report(&mut self) {
        self.report(Write::flush);
    }

    /// Saves the first failure of its kind at once, so that it survives whatever happens to the sweep.
    fn save(&mut self, ran: &Ran) {
        let sample = Sample { source: ran.source, seed: ran.seed, verdict: ran.verdict.clone() };
        if let Err(why) = self.settle.save_at_once(&sample, &mut self.at_once)
            && self.unsaved.is_none()
        {
            self.unsaved = Some(why);
        }
    }
}

impl<S: Service> Listener for SweepProgress<'_, S> {
    fn ran(&mut self, ran: &Ran) {
        // Runs that were in progress when the first failure was found do not count.
        if self.has_found {
            return;
        }
        self.totals.add(ran);
        self.runs_of[ran.source] += 1;
        if !ran.verdict.is_pass() {
            if self.groups.add(ran) {
                self.save(ran);
            }
            // An undecided run is not a failure.
            self.has_found |= self.is_over_at_failure && Property::of(&ran.verdict).is_some();
            let exit = Exit::of(&ran.verdict);
            if !self.exits.contains(&exit) {
                self.exits.push(exit);
            }
        }
        let name = &self.names[ran.source];
        self.report(|report| files::line(report, name, ran));
    }

    fn has_enough(&self) -> bool {
        self.has_found
    }

    fn look(&mut self, facts: &Facts) {
        self.screen.show(&self.totals, facts.coverage(), self.clock.elapsed());
    }
}

/// Shrinks a failure to the part that matters.
fn smaller<S: Service>(
    args: &SweepArgs,
    runner: &Runner<S>,
    stop: &AtomicBool,
) -> impl Fn(&Scenario<S>, &Verdict) -> Option<Scenario<S>> + Sync {
    let runs_max = args.shrink_runs.unwrap_or(Budget::DEFAULT.runs_max);
    let time = time_or(args.shrink_time, args.shrink_runs.is_some(), Budget::DEFAULT.time);
    let budget = Budget { time, runs_max, stop: Some(stop) };
    move |origin, verdict| {
        let property = Property::of(verdict)?;
        shrink(runner, origin, Some(&property), &budget).ok().map(|shrunk| shrunk.scenario)
    }
}

fn replay(path: &Path, seed: u64, property: &str, args: &SweepArgs) -> String {
    let events_max = (property == UNDECIDED).then_some(args.events_max);
    let saboteur = args.saboteur.as_deref();
    format!("{} --trace", ReplayCommand { path, seed: Some(seed), saboteur, events_max })
}

/// Saves the scenarios that did not repeat themselves. Returns for each its name, the difference, and the command that
/// shows where the runs part, or why it is not saved.
fn save_differed<S: Service>(
    args: &SweepArgs,
    sources: &[Arc<dyn Source<S>>],
    names: &[String],
    totals: &Totals,
) -> Vec<(String, String, String)> {
    let save = |totals::Differed { source, seed, sentence }: &totals::Differed| {
        let text = aviary::scenario::write(&sources[*source].owned(*seed));
        let path = args.failures.join(format!("not_repeatable-{seed}.ron"));
        let saved = std::fs::create_dir_all(&args.failures).and_then(|()| write_aside(&path, &text));
        let audit = match saved {
            Ok(()) => format!("{} audit {}", program(), quoted(&path)),
            Err(why) => format!("not saved: {why}"),
        };
        (format!("{} seed {seed}", names[*source]), sentence.clone(), audit)
    };
    totals.examples.iter().map(save).collect()
}

/// The peak memory of this process, where the system reports it.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().trim_end_matches("kB").trim().parse().ok()
}
