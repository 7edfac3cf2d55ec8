//! The result of a soak, for people and for machines.

use std::io::{self, Write};

use serde::Serialize;

use super::SoakReport;
use super::memory::PER_ENTRY_MAX;
use crate::columns::{TableColumn, columns};
use crate::report::{BAD, GOOD};

pub(super) fn text(out: &mut impl Write, report: &SoakReport) -> io::Result<()> {
    let seconds = report.time.as_secs_f64();
    writeln!(out, "soak of {} sites for {seconds:.0} s, seed {}", report.sites, report.seed)?;
    let mut facts: Vec<[String; 2]> = Vec::new();
    let mut fact = |what: &str, value: String| facts.push([what.to_owned(), value]);
    fact("events acknowledged", report.acknowledged.to_string());
    if let Some(judged) = &report.judged {
        fact("lost", judged.lost.to_string());
        fact("doubled", judged.doubled.to_string());
        let (unknown, there) = (judged.unknown, judged.unknown_but_there);
        fact("outcome unknown", format!("{unknown} tweets, of which {there} are in the timeline"));
        let (views, queries, slots) = (judged.views, judged.queries, judged.slots);
        fact("judged", format!("{views} linearizable views, {queries} local queries, {slots} slots"));
        let (records, starts, lost) = (judged.records, judged.starts, judged.lost_in_crashes);
        fact(
            "journals",
            format!("{records} records of {starts} starts; {lost} chosen that their origin lost"),
        );
        judged.unjudged.iter().for_each(|what| fact("unknown", what.clone()));
    }
    fact("clients that gave up", report.given_up.to_string());
    let gap = report.gap;
    let (length, at) = (gap.length().as_micros() / 1_000, gap.from.as_micros() / 1_000_000);
    let during = if report.during.is_empty() { "nothing".into() } else { report.during.join("; ") };
    fact("longest unavailable", format!("{length} ms at {at} s, during: {during}"));
    let (kills, pauses, outages) = (report.kills, report.pauses, report.outages);
    fact("harm", format!("{kills} kills -9, {pauses} pauses, {outages} kills of all at once"));
    let counts = report.counts;
    fact(
        "datagrams",
        format!(
            "{} opened, {} passed on, {} opaque, {} not sent",
            counts.opened, counts.forwarded, counts.opaque, counts.failed
        ),
    );
    write!(out, "{}", columns(2, [TableColumn::Text(""), TableColumn::Text("")], facts))?;
    writeln!(out, "  memory in KiB by site; in brackets, beyond {PER_ENTRY_MAX} bytes an entry of the log")?;
    let memory = report.memory.samples.iter().zip(when(report)).map(|(sample, when)| {
        let of_site = |bytes: &Option<u64>| match bytes {
            Some(bytes) => format!("{} ({})", bytes >> 10, sample.beyond(*bytes) >> 10),
            None => "down".to_owned(),
        };
        let sites: Vec<String> = sample.sites.iter().map(of_site).collect();
        [when.to_owned(), sample.entries.to_string(), sites.join("  ")]
    });
    let heads = [TableColumn::Text("when"), TableColumn::Number("entries"), TableColumn::Text("sites")];
    write!(out, "{}", columns(4, heads, memory))?;
    let touched = report.touched.iter().map(|(fault, count)| [fault.clone(), count.to_string()]);
    let heads = [TableColumn::Text("fault"), TableColumn::Number("datagrams touched")];
    write!(out, "{}", columns(2, heads, touched))?;
    for wrong in &report.wrong {
        writeln!(out, "{BAD}wrong{BAD:#}: {wrong}")?;
    }
    if report.wrong.is_empty() {
        writeln!(out, "{GOOD}passed{GOOD:#}")?;
    }
    Ok(())
}

/// The names of the samples.
fn when(report: &SoakReport) -> impl Iterator<Item = &'static str> {
    let last = report.memory.samples.len().saturating_sub(1);
    (0..=last).map(move |place| match place {
        0 => "start",
        place if place == last => "end",
        _ => "middle",
    })
}

#[derive(Serialize)]
struct SoakJson<'a> {
    seed: u64,
    sites: u8,
    seconds: f64,
    acknowledged: u64,
    lost: Option<usize>,
    doubled: Option<usize>,
    unknown: Option<usize>,
    gave_up: u64,
    longest_unavailable_ms: u64,
    longest_unavailable_during: &'a [String],
    kills: u64,
    pauses: u64,
    outages: u64,
    memory: Vec<HeldJson<'a>>,
    touched: &'a std::collections::BTreeMap<String, u64>,
    wrong: &'a [String],
}

#[derive(Serialize)]
struct HeldJson<'a> {
    when: &'static str,
    entries: u64,
    bytes: &'a [Option<u64>],
}

pub(super) fn json(out: &mut impl Write, report: &SoakReport) -> io::Result<()> {
    let judged = report.judged.as_ref();
    let samples = report.memory.samples.iter().zip(when(report));
    let json = SoakJson {
        seed: report.seed,
        sites: report.sites,
        seconds: report.time.as_secs_f64(),
        acknowledged: report.acknowledged,
        lost: judged.map(|judged| judged.lost),
        doubled: judged.map(|judged| judged.doubled),
        unknown: judged.map(|judged| judged.unknown),
        gave_up: report.given_up,
        longest_unavailable_ms: report.gap.length().as_micros() / 1_000,
        longest_unavailable_during: &report.during,
        kills: report.kills,
        pauses: report.pauses,
        outages: report.outages,
        memory: samples
            .map(|(sample, when)| HeldJson { when, entries: sample.entries, bytes: &sample.sites })
            .collect(),
        touched: &report.touched,
        wrong: &report.wrong,
    };
    serde_json::to_writer(&mut *out, &json)?;
    writeln!(out)
}
