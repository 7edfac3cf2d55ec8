//! `ask`: in how many runs a question is true, and how that goes together with a second question and with failures.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anstream::AutoStream;
use aviary::process::Process;
use aviary::scenario::{BadFile, Service};
use aviary::search::{Answers, Facts, Listener, Ran, Runner, Seeds, Shard, Source, Sweep, read_question};
use aviary::sim::Question;
use serde_json::{Map, Value, json};

use crate::Exit;
use crate::args::{AskArgs, Format, SEARCH_EVENTS_MAX};
use crate::columns::{TableColumn, columns};
use crate::files::load;
use crate::interrupt;
use crate::report::{ReplayCommand, error, program, quoted, refused_as_planted_otherwise, stdout, usage};
use crate::sweep::clock::Stopwatch;
use crate::sweep::numbers::count;
use crate::sweep::screen::Screen;
use crate::sweep::sources::sources;
use crate::sweep::totals::{Differed, Totals};
use crate::sweep::{all_cores, options, seeds_text};

/// Asks what `args` say. `configure` changes the configuration of every process last.
pub(crate) fn ask<S: Service>(
    args: &AskArgs,
    configure: impl Fn(&mut <S::Process as Process>::Config) + Send + Sync + 'static,
) -> io::Result<Exit> {
    if args.time.is_none() && args.seeds.is_none_or(|seeds| seeds.end().is_none()) {
        return Ok(usage("of how many runs? expected --seeds A..B, --time 10m, or both"));
    }
    let files = args.sources.iter().map(PathBuf::from).filter(|path| path.exists());
    for loaded in files.filter_map(|path| load::<S>(&[path]).ok()) {
        if refused_as_planted_otherwise(&loaded, args.saboteur.as_deref()) {
            return Ok(Exit::Usage);
        }
    }
    let sources = match sources::<S>(&args.sources) {
        Ok(sources) => sources,
        Err(exit) => return Ok(exit),
    };
    let mut questions: Vec<Question> = Vec::new();
    for text in [Some(&args.question), args.given.as_ref()].into_iter().flatten() {
        match read_question(text, &sources) {
            Ok(question) => questions.push(question),
            Err(bad) => return refused(&bad),
        }
    }
    let stop = interrupt::flag()?;
    let sweep = Sweep {
        runner: Runner::configured(options(args.events_max, args.bytes_max), configure).asking(questions),
        seeds: args.seeds.unwrap_or(Seeds::since(0)),
        shard: args.shard.unwrap_or(Shard::ALL),
        time: args.time,
        threads: args.threads.unwrap_or_else(all_cores),
        sources,
    };
    let of = sweep.seeds.count(sweep.shard).map(|count| count.saturating_mul(sweep.sources.len() as u64));
    let mut asking = Asking {
        answers: Answers::default(),
        totals: Totals::default(),
        screen: Screen::new(of, sweep.time),
        clock: Stopwatch::start(),
    };
    sweep.run(&stop, &mut asking);
    let Asking { answers, totals, screen, .. } = asking;
    drop(screen);
    let is_interrupted = stop.load(Ordering::Relaxed);
    let is_cut = is_interrupted || sweep.time.is_some();
    let seeds = seeds_text(sweep.seeds, sweep.shard, totals.last_seed.filter(|_| is_cut));
    let report = Report { args, sources: &sweep.sources, seeds, answers, totals, is_interrupted };
    let mut out = stdout();
    match args.format {
        Format::Text => report.text(&mut out)?,
        Format::Json => writeln!(out, "{}", report.json())?,
    }
    out.flush()?;
    Ok(exit(&report.totals, |source| sweep.sources[source].name()))
}

/// Prints what is wrong with a question.
fn refused(bad: &BadFile) -> io::Result<Exit> {
    // If printing fails, nobody is left to read about it.
    let _ = writeln!(AutoStream::auto(io::stderr()), "{}", bad.render(true));
    Ok(Exit::Usage)
}

/// Receives the runs.
struct Asking {
    answers: Answers,
    totals: Totals,
    screen: Screen,
    clock: Stopwatch,
}

impl Listener for Asking {
    fn ran(&mut self, ran: &Ran) {
        self.answers.add(ran);
        self.totals.add(ran);
    }

    fn look(&mut self, facts: &Facts) {
        self.screen.show(&self.totals, facts.coverage(), self.clock.elapsed());
    }
}

/// One share: its name for machines and for people, and how many runs of how many.
struct Share {
    key: &'static str,
    text: &'static str,
    runs: u64,
    of: u64,
}

struct Report<'a, S: Service> {
    args: &'a AskArgs,
    sources: &'a [Arc<dyn Source<S>>],
    seeds: String,
    answers: Answers,
    totals: Totals,
    is_interrupted: bool,
}

const YES: Option<bool> = Some(true);

impl<S: Service> Report<'_, S> {
    /// Every share that says something: those of a second question if there is one, those of failures if any run fails
    /// or a program reads them.
    fn shares(&self, with_failures: bool) -> Vec<Share> {
        let count = |is_true, is_given, failed| self.answers.count(is_true, is_given, failed);
        let (all, it, given) = (count(None, None, None), count(YES, None, None), count(None, YES, None));
        let (both, failed, it_failed) =
            (count(YES, YES, None), count(None, None, YES), count(YES, None, YES));
        let share = |key, text, runs, of| Share { key, text, runs, of };
        let mut shares = vec![share("true", "the question is true", it, all)];
        if self.args.given.is_some() {
            shares.extend([
                share("true_if_given", "  where the given one is true", both, given),
                share("given", "the given one is true", given, all),
                share("given_if_true", "  where the question is true", both, it),
            ]);
        }
        if with_failures {
            shares.extend([
                share("failed", "the run fails", failed, all),
                share("failed_if_true", "  where the question is true", it_failed, it),
            ]);
            if self.args.given.is_some() {
                let (given_failed, both_failed) = (count(None, YES, YES), count(YES, YES, YES));
                shares.extend([
                    share("failed_if_given", "  where the given one is true", given_failed, given),
                    share("failed_if_true_and_given", "  where both are true", both_failed, both),
                ]);
            }
            shares.push(share(
                "true_if_failed",
                "the question is true where the run fails",
                it_failed,
                failed,
            ));
        }
        shares
    }

    fn text(&self, out: &mut impl Write) -> io::Result<()> {
        let Report { args, answers, .. } = self;
        let names: Vec<&str> = self.sources.iter().map(|source| source.name()).collect();
        let names = if names.len() <= 3 { names.join(", ") } else { format!("{} scenarios", names.len()) };
        let cut = if self.is_interrupted { ", interrupted" } else { "" };
        writeln!(out, "question   {}", args.question)?;
        if let Some(given) = &args.given {
            writeln!(out, "given      {given}")?;
        }
        writeln!(out, "asked of   {names}, seeds {}{cut}", self.seeds)?;
        let has_failures = answers.count(None, None, YES) > 0;
        let row = |share: Share| {
            [share.text.to_owned(), count(share.runs), count(share.of), percent(share.runs, share.of)]
        };
        let heads = [
            TableColumn::Text(""),
            TableColumn::Number("runs"),
            TableColumn::Number("of"),
            TableColumn::Number("share"),
        ];
        write!(out, "\n{}", columns(2, heads, self.shares(has_failures).into_iter().map(row)))?;
        if !has_failures {
            writeln!(out, "  no run fails")?;
        }
        if answers.open > 0 {
            let open = count(answers.open);
            writeln!(out, "  stale or undecided: {open} runs, which count as far as they went")?;
        }
        let lists = [
            ("first runs in which the question is true", &answers.first),
            ("first runs in which both are true", &answers.first_with_given),
            ("first runs in which it is true and that fail", &answers.first_failed),
        ];
        for (name, runs) in lists {
            if let Some(first) = runs.first() {
                let shown: Vec<String> = runs.iter().map(|run| self.run_text(*run)).collect();
                writeln!(out, "\n{name}\n  {}\n  reproduce: {}", shown.join(", "), self.reproduce(*first))?;
            }
        }
        Ok(())
    }

    fn run_text(&self, (source, seed): (usize, u64)) -> String {
        match self.sources {
            [_] => format!("seed {seed}"),
            many => format!("{} seed {seed}", many[source].name()),
        }
    }

    fn json(&self) -> Value {
        let Report { args, answers, .. } = self;
        let count = |is_true, is_given, failed| answers.count(is_true, is_given, failed);
        let mut counts = json!({
            "runs": count(None, None, None),
            "true": count(YES, None, None),
            "failed": count(None, None, YES),
            "true_and_failed": count(YES, None, YES),
            "open": answers.open,
        });
        let share = |share: Share| {
            #[expect(clippy::cast_precision_loss, reason = "a share of runs")]
            let part = (share.of > 0).then(|| share.runs as f64 / share.of as f64);
            (share.key.to_owned(), json!(part))
        };
        let shares: Map<String, Value> = self.shares(true).into_iter().map(share).collect();
        let runs = |runs: &[(usize, u64)]| -> Value {
            let run = |run: &(usize, u64)| json!({"source": self.sources[run.0].name(), "seed": run.1, "reproduce": self.reproduce(*run)});
            runs.iter().map(run).collect()
        };
        let names: Vec<&str> = self.sources.iter().map(|source| source.name()).collect();
        let mut object = json!({
            "question": args.question,
            "sources": names,
            "seeds": self.seeds,
            "shares": shares,
            "first": runs(&answers.first),
            "first_failed": runs(&answers.first_failed),
            "not_repeatable": self.totals.differed,
            "interrupted": self.is_interrupted,
        });
        if let Some(given) = &args.given {
            object["given"] = json!(given);
            object["first_with_given"] = runs(&answers.first_with_given);
            counts["given"] = json!(count(None, YES, None));
            counts["true_and_given"] = json!(count(YES, YES, None));
            counts["true_and_given_and_failed"] = json!(count(YES, YES, YES));
        }
        object["counts"] = counts;
        object
    }

    /// The command that shows this run.
    fn reproduce(&self, (source, seed): (usize, u64)) -> String {
        let source = &self.sources[source];
        // A run may end at a bound that is smaller than the usual one.
        let events_max = Some(self.args.events_max).filter(|most| *most != SEARCH_EVENTS_MAX);
        let saboteur = self.args.saboteur.as_deref();
        let replay = |path, seed| ReplayCommand { path, seed, saboteur, events_max };
        let name = Path::new(source.name());
        if source.only().is_some() {
            return format!("{} --trace", replay(name, Some(seed)));
        }
        let stem = name.file_stem().unwrap_or(name.as_os_str()).to_string_lossy();
        let file = format!("{stem}-{seed}.ron");
        let file = Path::new(&file);
        let drawn = format!("{} draw {} --seed {seed} -o {}", program(), quoted(name), quoted(file));
        format!("{drawn} && {} --trace", replay(file, None))
    }
}

/// The exit. Where runs did not repeat themselves, prints that; `name` names a source.
fn exit<'a>(totals: &Totals, name: impl Fn(usize) -> &'a str) -> Exit {
    let Some(Differed { source, seed, sentence }) = totals.examples.first() else {
        return Exit::Passed;
    };
    let (noun, whom) = if totals.differed == 1 { ("run", "itself") } else { ("runs", "themselves") };
    let (runs, name) = (count(totals.differed), name(*source));
    error(format_args!(
        "{runs} {noun} did not repeat {whom}, so the answer means nothing; {name} seed {seed}: {sentence}\n  \
         help: `sweep` saves such runs, and `audit` shows where they part"
    ));
    Exit::Nondeterministic
}

/// `3.12 %`, or nothing of none.
fn percent(runs: u64, of: u64) -> String {
    if of == 0 {
        return "-".to_owned();
    }
    let hundredths = (u128::from(runs) * 20_000 + u128::from(of)) / (2 * u128::from(of));
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_runs_that_do_not_repeat_themselves_is_none() {
        let name = |source: usize| ["one", "two"][source];
        let totals = Totals::default();
        assert_eq!(exit(&totals, name), Exit::Passed);
        let differed = Differed { source: 1, seed: 50, sentence: "9 events; then 8".into() };
        let totals = Totals { differed: 1, examples: vec![differed], ..Totals::default() };
        assert_eq!(exit(&totals, name), Exit::Nondeterministic);
    }

    #[test]
    fn shares_are_rounded_to_hundredths() {
        let cases = [(0, 7, "0.00 %"), (1, 3, "33.33 %"), (2, 3, "66.67 %"), (7, 7, "100.00 %"), (0, 0, "-")];
        for (runs, of, text) in cases {
            assert_eq!(percent(runs, of), text);
        }
        assert_eq!(percent(u64::MAX - 1, u64::MAX), "100.00 %");
    }
}
