//! A failure as a file: the broken property, the smallest scenario that breaks it, and the scenario it was found in.
//!
//! The file holds everything that is needed to see the failure again, and a comment at the top that says how. A file
//! of another schema is refused with a reason, never half read.

use serde::{Deserialize, Serialize};

use ron::extensions::Extensions;

use crate::mix;
use crate::scenario::form::{DiskForm, Network};
#[cfg(feature = "schema")]
use crate::scenario::schema::ordered;
use crate::scenario::short_forms::spelled_out;
use crate::scenario::{
    BadFile, Outcome, PastLife, Place, Problem, Scenario, Service, bad_file, is_a, plan, without_mark, write,
};
use crate::search::groups::without_numbers;
use crate::time::{Duration, Instant};

/// The schema that is written and read.
pub const SCHEMA: u32 = 1;

/// One failure.
#[derive(Clone, Debug)]
pub struct Failure<S: Service> {
    /// The broken property.
    pub property: String,
    /// One sentence with the values that break it.
    pub explanation: String,
    /// The planted bug, if one was planted.
    pub saboteur: Option<String>,
    /// The place where it was found.
    pub found: Found,
    /// The scenario that breaks the property.
    pub scenario: Scenario<S>,
    /// The scenario as it was found, before shrinking; absent if nothing was left out.
    pub origin: Option<Scenario<S>>,
}

/// The origin of a failure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Found {
    /// The profile, or the scenario file, that was run.
    pub profile: String,
    /// The seed of the run.
    pub seed: u64,
}

/// A file that a sweep or `shrink` writes for a failure. `replay`, `audit`, `record` and `check` read it like a scenario.
#[derive(Deserialize)]
#[serde(rename = "Failure", bound(deserialize = ""), deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Failure", bound = ""))]
struct FailureFile<S: Service> {
    /// The version of the format of the file. This program reads 1.
    #[serde(rename = "schema")]
    _schema: u32,
    /// The property that does not hold.
    property: String,
    /// One sentence with the values that break the property.
    explanation: String,
    /// The planted bug with which the failure was found. Absent: none.
    #[serde(default)]
    saboteur: Option<String>,
    /// The origin of the failure.
    found: Found,
    /// The scenario that breaks the property.
    scenario: Scenario<S>,
    /// The scenario that broke it first. Absent: nothing was left out of it.
    #[serde(default)]
    origin: Option<Scenario<S>>,
}

/// The schema of a failure's file, under the names of its types.
#[cfg(feature = "schema")]
pub(super) fn definitions<S: Service>(generator: &mut schemars::SchemaGenerator) {
    generator.subschema_for::<FailureFile<S>>();
    ordered::<FailureFile<S>>("Failure", generator.definitions_mut());
    ordered::<Found>("Found", generator.definitions_mut());
}

impl<S: Service> Failure<S> {
    /// A text as the file has it.
    pub(super) fn quoted(text: &str) -> String {
        quoted(text)
    }

    /// Whether a text is a failure rather than a scenario.
    pub fn is_one(text: &str) -> bool {
        is_a("Failure", text)
    }

    /// Reads a failure and checks its scenarios. Messages call the file `path`.
    pub fn read(path: &str, text: &str) -> Result<Failure<S>, BadFile> {
        let text = without_mark(text);
        let place = Place::whole().field("schema");
        let number = text.get(place.locate(text)).unwrap_or_default();
        match number.parse::<u32>() {
            Ok(SCHEMA) => {}
            Ok(other) => {
                let (age, cure) = if other < SCHEMA {
                    ("an older", "replay it with a program of its time, and find it anew")
                } else {
                    ("a newer", "read it with the program that wrote it, or a later one")
                };
                let message = format!("a failure of {age} schema, {other}: this program reads {SCHEMA}");
                return Err(BadFile::from_problems(path, text, &[Problem::new(place, message).help(cure)]));
            }
            Err(_) => {
                let message = "a failure without a schema";
                let problem = Problem::new(Place::whole(), message).help(format!("schema: {SCHEMA}"));
                return Err(BadFile::from_problems(path, text, &[problem]));
            }
        }
        let extensions = Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES;
        let options = ron::Options::default().with_default_extension(extensions);
        let bad = |otherwise: &dyn Fn() -> BadFile| bad_file::<S>(path, text, otherwise);
        let spelled = spelled_out(text, &["scenario", "origin"].map(|field| Place::whole().field(field)));
        let file: FailureFile<S> =
            options.from_str(&spelled.text).map_err(|error| bad(&|| spelled.bad_file(path, &error)))?;
        let scenarios = [("scenario", Some(&file.scenario)), ("origin", file.origin.as_ref())];
        let mut wrong = Vec::new();
        for (field, scenario) in scenarios {
            let problems = scenario.and_then(|scenario| plan(scenario).err()).unwrap_or_default();
            let outer = Place::whole().field(field);
            let moved = |problem: Problem| Problem { place: outer.then(&problem.place), ..problem };
            wrong.extend(problems.into_iter().map(moved));
        }
        if !wrong.is_empty() {
            return Err(bad(&|| BadFile::from_problems(path, text, &wrong)));
        }
        let FailureFile { property, explanation, saboteur, found, scenario, origin, .. } = file;
        Ok(Failure { property, explanation, saboteur, found, scenario, origin })
    }

    /// The text of the file. `replay` is the command that shows the failure, `outcome` the result of that command.
    pub fn write(&self, outcome: &Outcome, replay: &str) -> String {
        let at = Instant::ZERO + outcome.simulated;
        let sentence: Vec<&str> = self.explanation.split_whitespace().collect();
        let mut text = format!("// Broken: {}: {}\n", self.property, sentence.join(" "));
        text += &format!("// When:   at {at}, event {}\n// Replay: {replay}\nFailure(\n", outcome.events);
        let mut field = |name: &str, value: &str| text += &format!("    {name}: {value},\n");
        field("schema", &SCHEMA.to_string());
        field("property", &quoted(&self.property));
        field("explanation", &quoted(&self.explanation));
        if let Some(saboteur) = &self.saboteur {
            field("saboteur", &quoted(saboteur));
        }
        let Found { profile, seed } = &self.found;
        field("found", &format!("(profile: {}, seed: {seed})", quoted(profile)));
        field("scenario", &indented(&write(&self.scenario)));
        if let Some(origin) = &self.origin {
            field("origin", &indented(&write(origin)));
        }
        text + ")\n"
    }

    /// The file's name: the property, and a hash of the scenario's shape or, if nothing was left out of the scenario,
    /// of the explanation. Failures that are alike have the same name.
    pub fn file_name(&self) -> String {
        let shape = match self.origin {
            Some(_) => shape_of(&self.scenario),
            None => without_numbers(&self.explanation, true),
        };
        let fingerprint = mix::absorb(mix::absorb(0, self.property.as_bytes()), shape.as_bytes());
        let letter = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        format!("{}-{fingerprint:016x}.ron", self.property.chars().map(letter).collect::<String>())
    }
}

/// What a scenario does and expects, without who, when, how long and how often.
fn shape_of<S: Service>(scenario: &Scenario<S>) -> String {
    let (network, disk) = (Network::default(), DiskForm::default());
    let plain = Scenario {
        about: String::new(),
        seed: 0,
        sites: 0,
        clients: 0,
        clients_alike: false,
        machines: None,
        history: PastLife::default(),
        network: Network { latency: network.latency, ..scenario.network.clone() },
        disk: DiskForm { sync: disk.sync, ..scenario.disk },
        settings: S::Settings::default(),
        limit: Duration::ZERO,
        ..scenario.clone()
    };
    // Every second part is in quotes. A part in quotes that begins with a digit is a time or a chance.
    let text = write(&plain);
    let parts = text
        .split('"')
        .enumerate()
        .filter(|(place, part)| place.is_multiple_of(2) || !part.starts_with(|c: char| c.is_ascii_digit()));
    parts.map(|(_, part)| without_numbers(part, false)).collect()
}

fn quoted(text: &str) -> String {
    ron::to_string(text).expect("a string is RON")
}

/// A written scenario, one level deeper. Its strings contain no line breaks, because those are escaped.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::RunOptions;
    use crate::scenario::toy::Toys;
    use crate::search::Runner;
    use crate::search::tests::scenario;

    fn failure() -> (Failure<Toys>, String) {
        let origin = scenario("seed: 7, steps: [At(\"1s\", Put(site: 1, number: 66)), At(\"2s\", Heal)]");
        let scenario = scenario("seed: 7, steps: [At(\"1s\", Put(site: 1, number: 66))]");
        let found = Found { profile: "odd \"one\"".into(), seed: 7 };
        let (property, explanation) = ("no sixes".into(), "S1 kept 66,\nthen \"more\"".into());
        let saboteur = Some("liar".into());
        let failure = Failure { property, explanation, saboteur, found, scenario, origin: Some(origin) };
        let outcome = Runner::new(RunOptions::default()).run(&failure.scenario).unwrap();
        let text = failure.write(&outcome, "sim-runner replay x.ron --trace");
        (failure, text)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (failure, text) = failure();
        let first: Vec<&str> = text.lines().take(4).collect();
        assert_eq!(first[0], "// Broken: no sixes: S1 kept 66, then \"more\"");
        assert!(first[1].starts_with("// When:   at 1.000000, event "), "{text}");
        assert_eq!(first[2..], ["// Replay: sim-runner replay x.ron --trace", "Failure("]);
        assert!(Failure::<Toys>::is_one(&text) && !Failure::<Toys>::is_one(&write(&failure.scenario)));
        let read = Failure::<Toys>::read("x.ron", &text).unwrap();
        assert_eq!(read.explanation, failure.explanation);
        assert_eq!((read.found, read.saboteur), (failure.found, failure.saboteur));
        assert_eq!(write(&read.scenario), write(&failure.scenario));
        assert_eq!(write(&read.origin.unwrap()), write(&failure.origin.unwrap()));
    }

    #[test]
    fn names_are_the_same_for_failures_that_differ_in_numbers() {
        let (one, _) = failure();
        let steps = "seed: 9, limit: \"5s\", steps: [At(\"500us\", Put(site: 2, number: 66))]";
        let same = Failure { scenario: scenario(steps), explanation: "other".into(), ..one.clone() };
        let other = Failure { scenario: scenario("steps: [At(\"1s\", Heal)]"), ..one.clone() };
        assert_eq!(one.file_name(), same.file_name());
        assert_ne!(one.file_name(), other.file_name());
        assert!(one.file_name().starts_with("no_sixes-") && one.file_name().ends_with(".ron"));
        let plain =
            |explanation: &str| Failure { origin: None, explanation: explanation.into(), ..one.clone() };
        assert_eq!(plain("S1 kept 66").file_name(), plain("S2 kept 6").file_name());
        assert_ne!(plain("S1 kept 66").file_name(), plain("S1 lost 66").file_name());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_in_its_place() {
        let (_, text) = failure();
        let check = |from: &str, to: &str, parts: &[&str]| {
            assert!(text.contains(from), "{from:?} is missing in\n{text}");
            let bad = Failure::<Toys>::read("x.ron", &text.replacen(from, to, 1)).unwrap_err();
            for part in parts {
                assert!(bad.to_string().contains(part), "{part:?} is missing in\n{bad}");
            }
        };
        check("schema: 1", "schema: 0", &["x.ron:5:13", "an older schema, 0", "reads 1", "find it anew"]);
        check("schema: 1", "schema: 12", &["x.ron:5:13", "a newer schema, 12", "reads 1"]);
        check("schema: 1,", "", &["without a schema", "schema: 1"]);
        check("found: (profile", "found: (profil", &["did you mean `profile`?"]);
        check("Put(site: 1", "Putt(site: 1", &["did you mean `Put`?"]);
        check("Put(site: 1", "Put(site: 8", &["there is no site 8", "x.ron:"]);
        check("At(\"2s\", Heal)", "At(\"2s\", Put(site: 5, number: 1))", &["there is no site 5"]);
        check("    property: \"no sixes\",\n", "", &["`property` is missing"]);
    }
}
