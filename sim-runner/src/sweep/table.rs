//! The results of a sweep: a table for people, an object for machines.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use aviary::search::{FactKind, Facts, Settled};
use serde::Serialize;

use super::corpus::Checked;
use super::numbers::{count, rate};
use super::totals::{Totals, Unjudged};
use crate::columns::{TableColumn, columns};
use crate::report::{BAD, GOOD, WARN, quoted};

/// Everything that is reported at the end.
pub(super) struct Closing<'a> {
    pub(super) sources: &'a [String],
    /// `0..1000`, or a part of it.
    pub(super) seeds: String,
    pub(super) threads: usize,
    pub(super) wall: Duration,
    pub(super) totals: &'a Totals,
    pub(super) facts: &'a Facts,
    /// Required facts that never occurred.
    pub(super) missing: &'a [(FactKind, &'static str)],
    pub(super) settled: &'a [Settled],
    /// For each settled group, the page of its failure, if one was written.
    pub(super) pages: &'a [Option<PathBuf>],
    /// For each settled group, the command that shows its failure.
    pub(super) replays: Vec<String>,
    /// Runs that did not repeat themselves: the name, the difference, and the command that shows it.
    pub(super) differed: Vec<(String, String, String)>,
    pub(super) corpus: &'a [Checked],
    pub(super) is_interrupted: bool,
    pub(super) memory_kib: Option<u64>,
}

impl Closing<'_> {
    fn seconds(&self) -> f64 {
        self.wall.as_secs_f64().max(1e-6)
    }

    fn a_core(&self, number: u64) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let cores = self.threads as f64;
        rate(number, self.seconds() * cores)
    }

    pub(super) fn text(&self, out: &mut impl Write) -> io::Result<()> {
        let Closing { totals, threads, facts, .. } = self;
        let sources = match self.sources {
            few if few.len() <= 3 => few.join(", "),
            many => format!("{} scenarios", many.len()),
        };
        let threads = if *threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
        let cut = if self.is_interrupted { ", interrupted" } else { "" };
        writeln!(out, "swept {sources}, seeds {}, {threads}{cut}", self.seeds)?;
        let twice = format!("{} of them twice", count(totals.twice));
        writeln!(out, "  runs       {} in {:.1} s, {twice}", count(totals.runs), self.wall.as_secs_f64())?;
        let per = rate(totals.runs, self.seconds());
        writeln!(out, "  speed      {per} runs/s, {} a core", self.a_core(totals.runs))?;
        let (simulated, events) =
            (rate(totals.simulated_s(), self.seconds()), rate(totals.events, self.seconds()));
        writeln!(out, "             {simulated} times real time, {events} events/s")?;
        if let Some(kib) = self.memory_kib {
            let threads = self.threads as u64;
            let mib = |kib: u64| format!("{}.{}", kib / 1_024, kib % 1_024 * 10 / 1_024);
            writeln!(out, "  memory     {} MiB at most, {} a core", mib(kib), mib(kib / threads))?;
        }
        if let Some(Unjudged { source, seed, sentence }) = &totals.first_unjudged {
            let runs = count(totals.unjudged);
            writeln!(
                out,
                "  {WARN}unjudged{WARN:#}   {runs} runs in part, first of {} seed {seed}",
                self.sources[*source]
            )?;
            writeln!(out, "             {sentence}")?;
        }
        let (seen, all) = facts.coverage();
        writeln!(out, "  facts      {seen} of {all} happened")?;
        self.facts(out)?;
        self.failures(out)
    }

    fn facts(&self, out: &mut impl Write) -> io::Result<()> {
        let happened = self.facts.iter().filter(|(_, _, fact)| fact.runs > 0);
        let row = |(kind, name, fact): (FactKind, &str, aviary::search::Fact)| {
            [kind.name().to_owned(), name.to_owned(), count(fact.runs), count(fact.times)]
        };
        let heads = [
            TableColumn::Text("what"),
            TableColumn::Text(""),
            TableColumn::Number("in runs"),
            TableColumn::Number("times"),
        ];
        write!(out, "{}", columns(4, heads, happened.map(row)))?;
        for kind in FactKind::ALL {
            let of_kind = self.facts.iter().filter(|fact| fact.0 == kind);
            let never: Vec<&str> = of_kind.filter(|fact| fact.2.runs == 0).map(|fact| fact.1).collect();
            if !never.is_empty() {
                writeln!(out, "    {WARN}never{WARN:#} {}: {}", kind.name(), never.join("; "))?;
            }
        }
        Ok(())
    }

    fn failures(&self, out: &mut impl Write) -> io::Result<()> {
        let Closing { totals, .. } = self;
        if totals.failed() == 0 && totals.differed == 0 {
            return writeln!(out, "  failures   {GOOD}none{GOOD:#}");
        }
        let (failed, groups) = (count(totals.failed()), count(self.settled.len() as u64));
        writeln!(out, "  failures   {BAD}{failed}{BAD:#} in {groups} groups")?;
        for ((group, replay), page) in self.settled.iter().zip(&self.replays).zip(self.pages) {
            let Settled { property, explanation, found, steps, .. } = group;
            let size = if group.is_shrunk { format!(", shrunk to {steps} steps") } else { String::new() };
            let runs = count(group.count);
            writeln!(
                out,
                "    {BAD}{property}{BAD:#}  {runs} runs, first of {} seed {}{size}",
                found.profile, found.seed
            )?;
            writeln!(out, "      {explanation}")?;
            writeln!(out, "      {replay}")?;
            if let Some(page) = page {
                writeln!(out, "      {}", quoted(page))?;
            }
        }
        if totals.differed > 0 {
            writeln!(out, "    {BAD}not repeatable{BAD:#}  {} runs", count(totals.differed))?;
        }
        for (which, how, audit) in &self.differed {
            writeln!(out, "      {which}: {how}")?;
            writeln!(out, "      {audit}")?;
        }
        Ok(())
    }

    pub(super) fn json(&self, out: &mut impl Write) -> io::Result<()> {
        let Closing { totals, .. } = self;
        let fact = |(kind, name, fact): (FactKind, &'static str, aviary::search::Fact)| FactObject {
            kind: kind.name(),
            name,
            runs: fact.runs,
            times: fact.times,
        };
        let group = |((group, replay), page): ((&Settled, &String), &Option<PathBuf>)| GroupObject {
            property: group.property.clone(),
            explanation: group.explanation.clone(),
            runs: group.count,
            source: group.found.profile.clone(),
            seed: group.found.seed,
            steps: group.steps,
            shrunk: group.is_shrunk,
            file: group.path.as_ref().map(|path| path.display().to_string()),
            replay: replay.clone(),
            page: page.as_ref().map(|page| page.display().to_string()),
        };
        let object = SweepJson {
            sources: self.sources,
            seeds: &self.seeds,
            threads: self.threads,
            wall_ns: u64::try_from(self.wall.as_nanos()).unwrap_or(u64::MAX),
            interrupted: self.is_interrupted,
            runs: totals.runs,
            twice: totals.twice,
            events: totals.events,
            simulated_ns: totals.simulated_us.saturating_mul(1_000),
            memory_kib: self.memory_kib,
            failed: totals.failed(),
            unjudged: totals.unjudged,
            differed: totals.differed,
            facts: self.facts.iter().map(fact).collect(),
            missing: self.missing.iter().map(|(_, name)| *name).collect(),
            groups: self.settled.iter().zip(&self.replays).zip(self.pages).map(group).collect(),
            not_repeatable: self.differed.iter().map(|(which, how, audit)| [which, how, audit]).collect(),
            corpus: self.corpus,
        };
        let text = serde_json::to_string(&object).map_err(io::Error::other)?;
        writeln!(out, "{text}")
    }
}

/// The results of a sweep, for machines.
#[derive(Serialize)]
struct SweepJson<'a> {
    sources: &'a [String],
    seeds: &'a str,
    threads: usize,
    wall_ns: u64,
    interrupted: bool,
    runs: u64,
    twice: u64,
    events: u64,
    simulated_ns: u64,
    memory_kib: Option<u64>,
    failed: u64,
    /// The number of runs that judges could not judge completely within their bounds.
    unjudged: u64,
    differed: u64,
    facts: Vec<FactObject>,
    /// Facts that a profile requires and that never occurred.
    missing: Vec<&'static str>,
    groups: Vec<GroupObject>,
    /// For each, the name, the difference, and the command that shows it.
    not_repeatable: Vec<[&'a String; 3]>,
    corpus: &'a [Checked],
}

#[derive(Serialize)]
struct FactObject {
    kind: &'static str,
    name: &'static str,
    runs: u64,
    times: u64,
}

#[derive(Serialize)]
struct GroupObject {
    property: String,
    explanation: String,
    runs: u64,
    source: String,
    seed: u64,
    steps: usize,
    shrunk: bool,
    file: Option<String>,
    replay: String,
    /// The page that shows it, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}
