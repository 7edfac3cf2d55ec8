//! `audit`: checks whether scenarios repeat themselves exactly, in this process and in others.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use aviary::process::Process;
use aviary::scenario::{self, Outcome, Parting, RunDifference, Service, Way};
use serde::Serialize;

use crate::Exit;
use crate::args::{AuditArgs, Format};
use crate::files::{Loaded, load};
use crate::progress::Progress;
use crate::record::{compare, options};
use crate::report::{
    BAD, GOOD, error, load_errors, problems, program, quoted, refused_as_planted_otherwise, stdout,
};
use crate::side_by_side;

/// One scenario that was audited.
struct Audited<'a> {
    path: &'a Path,
    saboteur: Option<String>,
    name: &'a str,
    outcome: Outcome,
    /// Every run but the first.
    runs: Vec<ComparedRun>,
    wall: Duration,
}

/// A run that was compared with the first one.
struct ComparedRun {
    way: &'static str,
    about: String,
    difference: Option<RunDifference>,
}

impl Audited<'_> {
    fn parted(&self) -> impl Iterator<Item = (&ComparedRun, &RunDifference)> {
        self.runs.iter().filter_map(|held| Some((held, held.difference.as_ref()?)))
    }

    fn repeats(&self) -> bool {
        self.parted().next().is_none()
    }

    fn exit(&self) -> Exit {
        if self.repeats() { Exit::of(&self.outcome.verdict) } else { Exit::Nondeterministic }
    }
}

/// Audits the scenarios that `args` name. `configure` changes the configuration of every process last.
pub(crate) fn audit<S: Service>(
    args: &AuditArgs,
    configure: impl Fn(&mut <S::Process as Process>::Config),
) -> io::Result<Exit> {
    let loaded = match load::<S>(&args.paths) {
        Ok(loaded) => loaded,
        Err(errors) => return Ok(load_errors(&errors)),
    };
    if refused_as_planted_otherwise(&loaded, args.saboteur.as_deref()) {
        return Ok(Exit::Usage);
    }
    let width = loaded.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    let mut exits = Vec::new();
    let mut out = stdout();
    let progress = Progress::new(loaded.len());
    for one in &loaded {
        progress.begin(&one.name);
        let audited = audit_one(one, args, &configure);
        progress.done();
        let Some(audited) = audited else {
            out.flush()?;
            return Ok(Exit::Usage);
        };
        exits.push(audited.exit());
        progress.aside(|| {
            match args.format {
                Format::Json => json(&mut out, &audited)?,
                Format::Text => text(&mut out, &audited, width)?,
            }
            out.flush()
        })?;
    }
    let is_parted = exits.contains(&Exit::Nondeterministic);
    Ok(if is_parted { Exit::Nondeterministic } else { Exit::worst(&exits) })
}

/// Audits one scenario. `None` when there is nothing to compare, after printing why.
#[expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "wall time is shown, never fed into a run"
)]
fn audit_one<'a, S: Service>(
    one: &'a Loaded<S>,
    args: &AuditArgs,
    configure: impl Fn(&mut <S::Process as Process>::Config),
) -> Option<Audited<'a>> {
    let start = std::time::Instant::now();
    let audited = match scenario::audit_configured(&one.scenario, &options(args.seed), configure) {
        Ok(audited) => audited,
        Err(found) => {
            problems(&one.path, &found);
            return None;
        }
    };
    let scenario::Audit { outcome, first, ways } = audited;
    let held =
        |(way, difference): (Way, _)| ComparedRun { way: way.name(), about: way.about().into(), difference };
    let mut runs: Vec<ComparedRun> = ways.into_iter().map(held).collect();
    let own =
        std::env::current_exe().map_err(|why| error(format_args!("failed to find this program: {why}")));
    let saboteur = args.saboteur.as_deref();
    let second = ("process", own.ok()?, "run in a second process".to_owned());
    // In programs with several protocols, the arguments before the command choose the protocol.
    let leading: Vec<OsString> = std::env::args_os().skip(1).take_while(|arg| arg != "audit").collect();
    let others = args
        .against
        .iter()
        .map(|program| ("against", program.clone(), format!("run by {}", program.display())));
    for (way, program, about) in [second].into_iter().chain(others) {
        match compare((&program, &leading), &one.path, (outcome.seed, saboteur), &first) {
            Ok(difference) => runs.push(ComparedRun { way, about, difference }),
            Err(why) => {
                error(format_args!("{why}"));
                return None;
            }
        }
    }
    let saboteur = args.saboteur.clone();
    Some(Audited { path: &one.path, saboteur, name: &one.name, outcome, runs, wall: start.elapsed() })
}

/// Prints a line; then how the scenario fails, if it does, and where runs differ, if they do.
fn text(out: &mut impl Write, audited: &Audited<'_>, width: usize) -> io::Result<()> {
    let Audited { outcome, runs, .. } = audited;
    let (style, word) = if audited.repeats() { (GOOD, "repeats") } else { (BAD, "differs") };
    write!(out, "{style}{word:<9}{style:#} {:<width$}  {:>2} runs", audited.name, runs.len() + 1)?;
    write!(out, "  {:>8} events  {:>7.3} s", outcome.events, audited.wall.as_secs_f64())?;
    writeln!(out, "  {:016x}", outcome.fingerprint)?;
    if !outcome.verdict.is_pass() {
        let alike = if audited.repeats() { "in the same way each time" } else { "at least the first time" };
        let how = match outcome.verdict {
            scenario::Verdict::Stale { .. } | scenario::Verdict::Undecided { .. } => "it comes to nothing",
            _ => "it fails",
        };
        writeln!(out, "  {how}, {alike}: {}", outcome.verdict)?;
    }
    let Some((shown, difference)) = audited.parted().next() else { return Ok(()) };
    writeln!(out, "  {BAD}{}{BAD:#}: {difference}", shown.about)?;
    side_by_side::show(out, difference)?;
    if audited.parted().all(|(held, _)| [Way::Clone, Way::Original].map(Way::name).contains(&held.way)) {
        writeln!(
            out,
            "  Only clones differ: they share something with the original, such as an `Rc` or an `Arc`."
        )?;
    }
    writeln!(out, "  {}", difference.hint())?;
    let others: Vec<&str> = audited.parted().skip(1).map(|(held, _)| held.about.as_str()).collect();
    if !others.is_empty() {
        writeln!(out, "  it also parts when {}", others.join(", when "))?;
    }
    let (path, seed) = (quoted(audited.path), outcome.seed);
    let saboteur = audited.saboteur.iter().map(|name| format!(" --saboteur {name}")).collect::<String>();
    writeln!(out, "  reproduce: {} audit {path} --seed {seed}{saboteur}", program())
}

/// One audit for machines.
#[derive(Serialize)]
struct AuditJson<'a> {
    scenario: &'a str,
    file: String,
    repeats: bool,
    verdict: &'static str,
    /// The property and a sentence; absent when everything held.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    seed: u64,
    events: u64,
    wall_ns: u64,
    fingerprint: String,
    /// Every run but the first.
    runs: Vec<RunObject<'a>>,
}

#[derive(Serialize)]
struct RunObject<'a> {
    way: &'a str,
    about: &'a str,
    repeats: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<DifferenceObject<'a>>,
}

#[derive(Serialize)]
struct DifferenceObject<'a> {
    what: &'static str,
    sentence: String,
    before: &'a [String],
    first_run: SideObject<'a>,
    this_run: SideObject<'a>,
}

#[derive(Serialize)]
struct SideObject<'a> {
    events: u64,
    at_us: u64,
    fingerprint: String,
    lines: &'a [String],
}

impl<'a> From<&'a RunDifference> for DifferenceObject<'a> {
    fn from(difference: &'a RunDifference) -> DifferenceObject<'a> {
        let side = |side: &'a scenario::RunSide| SideObject {
            events: side.events,
            at_us: side.at.as_micros(),
            fingerprint: format!("{:016x}", side.fingerprint),
            lines: &side.lines,
        };
        DifferenceObject {
            what: match difference.parting {
                Parting::Text => "text",
                Parting::Event => "event",
                Parting::Fingerprint => "fingerprint",
                Parting::End => "end",
            },
            sentence: difference.to_string(),
            before: &difference.before,
            first_run: side(&difference.left),
            this_run: side(&difference.right),
        }
    }
}

/// Prints one audit as one line with a JSON object.
fn json(out: &mut impl Write, audited: &Audited<'_>) -> io::Result<()> {
    let outcome = &audited.outcome;
    let object = AuditJson {
        scenario: audited.name,
        file: audited.path.display().to_string(),
        repeats: audited.repeats(),
        verdict: outcome.verdict.name(),
        reason: (!outcome.verdict.is_pass()).then(|| outcome.verdict.to_string()),
        seed: outcome.seed,
        events: outcome.events,
        wall_ns: u64::try_from(audited.wall.as_nanos()).unwrap_or(u64::MAX),
        fingerprint: format!("{:016x}", outcome.fingerprint),
        runs: audited
            .runs
            .iter()
            .map(|held| RunObject {
                way: held.way,
                about: &held.about,
                repeats: held.difference.is_none(),
                difference: held.difference.as_ref().map(DifferenceObject::from),
            })
            .collect(),
    };
    let text = serde_json::to_string(&object).map_err(io::Error::other)?;
    writeln!(out, "{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use aviary::scenario::{RunSide, Verdict};
    use aviary::time::Instant;

    /// The report about a run whose `way` differs in its last line.
    fn report(way: Way, [left, right]: [&str; 2]) -> String {
        let side =
            |line: &str| RunSide { events: 7, at: Instant::ZERO, fingerprint: 1, lines: vec![line.into()] };
        let (parting, before) = (Parting::Text, Vec::new());
        let difference = RunDifference { parting, before, left: side(left), right: side(right) };
        let outcome = Outcome {
            verdict: Verdict::Passed,
            seed: 1,
            events: 7,
            simulated: aviary::time::Duration::ZERO,
            fingerprint: 1,
            trace: Vec::new(),
            forgotten: 0,
            elided: 0,
            skipped: 0,
            unknown: Vec::new(),
            final_state: String::new(),
        };
        let run = ComparedRun { way: way.name(), about: way.about().into(), difference: Some(difference) };
        let (path, wall) = (Path::new("a.ron"), Duration::ZERO);
        let audited = Audited { path, saboteur: None, name: "a", outcome, runs: vec![run], wall };
        let mut out = Vec::new();
        text(&mut out, &audited, 1).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_usual_suspects_stand_beside_the_place_where_runs_part() {
        let text = report(Way::Again, ["S0 sees 0x7ffe01", "S0 sees 0x7ffe02"]);
        let (place, suspects) =
            text.split_once("A number in hexadecimal differs, perhaps an address. ").unwrap();
        assert!(place.contains("the traces part in event 7") && place.contains("S0 sees 0x7ffe02"), "{text}");
        assert!(suspects.contains("the usual suspects are the random generator"), "{text}");
        assert!(!text.contains("Only clones differ"), "{text}");
        let text = report(Way::Clone, ["S0 holds 1", "S0 holds 2"]);
        assert!(text.contains("\n  Only clones differ: they share something with the original"), "{text}");
        assert!(
            text.contains("\n  In a process, and in the crates that it uses, the usual suspects are"),
            "{text}"
        );
    }
}
