//! The report of blame: for people, with a curve as wide as their terminal, and for machines.

use std::io::{self, Write};

use aviary::search::{Blamed, Jump, NoMoment, Point, Suspect};

use crate::columns::{TableColumn, columns};
use crate::report::{BAD, DIM, line};

/// The width of a line when the terminal's width is unknown.
const WIDTH: usize = 80;

/// Columns beside the bar: time, share, a margin.
const BESIDE: usize = 24;

/// Prints the curve, the jump and the suspects.
pub(crate) fn text(out: &mut impl Write, blamed: &Blamed) -> io::Result<()> {
    let verdict = blamed.outcome.verdict.to_string();
    let (property, sentence) = verdict.split_once(": ").unwrap_or((&verdict, ""));
    writeln!(out, "{BAD}{property}{BAD:#}: {sentence}")?;
    let forks = blamed.curve.iter().map(|point| point.forks).min().unwrap_or(0);
    writeln!(out, "How likely that was from each moment on, by {forks} forks:")?;
    curve(out, blamed)?;
    if let Some(by) = blamed.shaken {
        writeln!(out, "Nothing in it is random: in every fork datagrams were held back by up to {by}.")?;
    }
    match &blamed.jump {
        Ok(jump) => write_jump(out, jump, blamed.is_whole)?,
        Err(why) => write_no_jump(out, *why, blamed)?,
    }
    if !blamed.suspects.is_empty() {
        writeln!(
            out,
            "What failing forks have, how many of the others had it until then, and how sure that is:"
        )?;
        let row = |Suspect { what, in_failing, failing, in_others, others, confidence }: &Suspect| {
            let [of_failing, of_others] =
                [(in_failing, failing), (in_others, others)].map(|(count, of)| format!("{count} of {of}"));
            [what.clone(), of_failing, of_others, sure(*confidence)]
        };
        let heads =
            [TableColumn::Text(""), TableColumn::Number(""), TableColumn::Number(""), TableColumn::Text("")];
        write!(out, "{}", columns(2, heads, blamed.suspects.iter().map(row)))?;
    }
    let rest = if blamed.is_whole { "" } else { "; ended before all was asked" };
    let seconds = blamed.took.as_secs_f64();
    writeln!(out, "{DIM}{} forks in {seconds:.1} s{rest}{DIM:#}", blamed.runs)
}

/// Prints a bar for each moment of the grid, and for both sides of the jump.
fn curve(out: &mut impl Write, blamed: &Blamed) -> io::Result<()> {
    let columns = terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0));
    let width = columns.saturating_sub(BESIDE).clamp(10, 100);
    let sides = blamed.jump.as_ref().ok().map(|jump| [jump.before.turns, jump.after.turns]);
    let is_side = |point: &&Point| sides.is_some_and(|sides| sides.contains(&point.turns));
    for point in blamed.curve.iter().filter(|point| point.is_of_grid || is_side(point)) {
        let length = usize::try_from(point.per_mille()).unwrap_or(0) * width / 1_000;
        let mark = if is_side(&point) { "<" } else { "" };
        let (bar, percent) = ("#".repeat(length), point.per_mille() / 10);
        writeln!(out, "  {:>12} {percent:>4} % {bar}{mark}", point.at.to_string())?;
    }
    Ok(())
}

/// Thousandths as percent; no statistic is more certain than this.
fn sure(confidence: u32) -> String {
    match confidence {
        1_000.. => "more than 99.9 % sure".into(),
        confidence => format!("{}.{} % sure", confidence / 10, confidence % 10),
    }
}

fn write_no_jump(out: &mut impl Write, why: NoMoment, blamed: &Blamed) -> io::Result<()> {
    let why = why.to_string();
    let (first, rest) = why.split_at(1);
    writeln!(out, "{}{rest}.", first.to_uppercase())?;
    match blamed.curve.first() {
        Some(start) if start.failed < start.forks => {
            writeln!(out, "Of the forks from the very start {} % fail.", start.per_mille() / 10)
        }
        _ => Ok(()),
    }
}

fn write_jump(out: &mut impl Write, jump: &Jump, is_whole: bool) -> io::Result<()> {
    let [before, after] = [jump.before, jump.after].map(|point| point.per_mille() / 10);
    let how = if is_whole { "at" } else { "until" };
    writeln!(
        out,
        "It jumps from {before} % to {after} % {how} {}, {}:",
        jump.after.at,
        sure(jump.confidence)
    )?;
    for entry in &jump.context {
        line(out, "  ", entry)?;
    }
    for entry in &jump.entries {
        line(out, "> ", entry)?;
    }
    Ok(())
}

#[derive(serde::Serialize)]
struct BlameJson<'a> {
    scenario: &'a str,
    property: &'a str,
    reason: String,
    seed: u64,
    curve: Vec<MomentJson>,
    /// Absent when no moment is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    jump: Option<JumpObject>,
    /// Why no moment is named; absent when one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_moment: Option<String>,
    suspects: Vec<SuspectObject<'a>>,
    /// The longest delay of datagrams that makes forks differ; absent when none was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    shaken_ns: Option<u64>,
    forks: u64,
    is_whole: bool,
}

#[derive(serde::Serialize)]
struct MomentJson {
    at_ns: u64,
    failed: u32,
    forks: u32,
}

impl From<&Point> for MomentJson {
    fn from(point: &Point) -> MomentJson {
        let at_ns = point.at.as_micros().saturating_mul(1_000);
        MomentJson { at_ns, failed: point.failed, forks: point.forks }
    }
}

#[derive(serde::Serialize)]
struct JumpObject {
    before: MomentJson,
    after: MomentJson,
    confidence_per_mille: u32,
    lines: Vec<String>,
}

#[derive(serde::Serialize)]
struct SuspectObject<'a> {
    what: &'a str,
    in_failing: u32,
    failing: u32,
    in_others: u32,
    others: u32,
    confidence_per_mille: u32,
}

impl<'a> From<&'a Suspect> for SuspectObject<'a> {
    fn from(one: &'a Suspect) -> SuspectObject<'a> {
        let Suspect { what, in_failing, failing, in_others, others, confidence } = one;
        SuspectObject {
            what,
            in_failing: *in_failing,
            failing: *failing,
            in_others: *in_others,
            others: *others,
            confidence_per_mille: *confidence,
        }
    }
}

/// Prints everything as one line with a JSON object.
pub(super) fn json(out: &mut impl Write, name: &str, blamed: &Blamed) -> io::Result<()> {
    let jump = |jump: &Jump| JumpObject {
        before: (&jump.before).into(),
        after: (&jump.after).into(),
        confidence_per_mille: jump.confidence,
        lines: jump.entries.iter().map(ToString::to_string).collect(),
    };
    let object = BlameJson {
        scenario: name,
        property: blamed.property.name(),
        reason: blamed.outcome.verdict.to_string(),
        seed: blamed.outcome.seed,
        curve: blamed.curve.iter().map(MomentJson::from).collect(),
        jump: blamed.jump.as_ref().ok().map(jump),
        no_moment: blamed.jump.as_ref().err().map(ToString::to_string),
        suspects: blamed.suspects.iter().map(SuspectObject::from).collect(),
        shaken_ns: blamed.shaken.map(|by| by.as_micros().saturating_mul(1_000)),
        forks: blamed.runs,
        is_whole: blamed.is_whole,
    };
    writeln!(out, "{}", serde_json::to_string(&object).map_err(io::Error::other)?)
}
