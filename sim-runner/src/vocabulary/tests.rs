//! The reference of our service: nothing is missing from it, and all that it says in RON can be read.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aviary::scenario::namespace::names;
use aviary::scenario::step::{EventPattern, Fault, RunClaim};
use aviary::scenario::{self, Profile, Scenario};
use aviary::sim::{DiskFault, ScriptAction};
use aviary::tweets::service::{TimelineCommand, TimelineExpectation, Timelines};
use aviary::tweets::site::Config;
use ron::extensions::Extensions;
use serde_json::Value;

use super::reference::Reference;
use super::schema::{Field, Schemas, fields, means, reference, variants};
use crate::tweets::saboteurs::Lying;

const UPDATE: &str = "cargo run --release -p sim-runner -- words --markdown --intro docs/scenarios.intro.md >docs/scenarios.md";

/// A file as it is read, whichever kind it is.
#[derive(PartialEq, Debug)]
enum File {
    Scenario(Box<Scenario<Timelines>>),
    Profile(Box<Profile>),
}

fn parsed(text: &str) -> File {
    fn right<T>(read: Result<T, ron::error::SpannedError>, text: &str) -> Box<T> {
        Box::new(read.unwrap_or_else(|error| panic!("{text}: {error}")))
    }
    if text.starts_with("Profile") {
        return File::Profile(right(ron::from_str(text), text));
    }
    let extensions = Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES;
    let options = ron::Options::default().with_default_extension(extensions);
    File::Scenario(right(options.from_str(text), text))
}

fn scenario(fields: &str) -> String {
    format!("Scenario(about: \"\", sites: 3, {fields})")
}

/// A file with a word of this type.
fn file_with(schemas: &Schemas, of: &str, word: &str) -> String {
    match of {
        "Step" => scenario(&format!("steps: [{word}]")),
        "Action" | "Command" => scenario(&format!("steps: [At(\"1s\", {word})]")),
        "Event" => scenario(&format!("steps: [On({word}, Heal)]")),
        "Claim" | "Expectation" => scenario(&format!("expect: [{word}]")),
        "Ruling" => scenario(&format!("rules: [(then: {word})]")),
        "Links" => scenario(&format!("network: (order: {word})")),
        "Delivery" => scenario(&format!("network: (delivery: {word})")),
        "Latency" => scenario(&format!("network: (latency: {word})")),
        "Target" => scenario(&format!("steps: [At(\"1s\", Pause({word}))]")),
        "Seam" | "Leaves" => scenario(&format!("steps: [At(\"1s\", Crash(Site(0), {word}))]")),
        "DiskMode" => scenario(&format!("disk: (mode: {word})")),
        "Budget" => scenario(&format!("budget: {word}")),
        "LatencyKind" => format!("Profile(network: (latency: {{{word}: 1}}))"),
        "FaultKind" => format!("Profile(faults: {{{word}: 1}})"),
        "TargetKind" => format!("Profile(targets: {{{word}: 1}})"),
        "CutShape" => format!("Profile(cuts: (shapes: {{{word}: 1}}))"),
        "CrashMoment" => format!("Profile(crashes: (moments: {{{word}: 1}}))"),
        "RulingKind" => format!("Profile(messages: (then: {{{word}: 1}}))"),
        "DiskErrorKind" => format!("Profile(disk: (errors: {{{word}: 1}}))"),
        "MustHappen" => format!("Profile(must_happen: {word})"),
        _ => of_service(schemas, of, word).unwrap_or_else(|| panic!("{of} is in no word of the service")),
    }
}

/// A file with a word of a type that only the service has: inside of a word that has a value of this type.
fn of_service(schemas: &Schemas, of: &str, word: &str) -> Option<String> {
    ["Command", "Expectation"].iter().find_map(|holder| {
        variants(schemas.definition(holder)).iter().find_map(|variant| {
            let content = variant.content?;
            let is_field = |field: &Field<'_>| reference(field.schema) == Some(of);
            let holding = match fields(content).into_iter().find(is_field) {
                _ if reference(content) == Some(of) => format!("{}({word})", variant.name),
                Some(field) => with_field(&schemas.example_of(variant), field.name, word),
                None => return None,
            };
            Some(file_with(schemas, holder, &holding))
        })
    })
}

/// A word with one field more.
fn with_field(word: &str, name: &str, value: &str) -> String {
    let start = word.strip_suffix(')').unwrap();
    let comma = if start.ends_with('(') { "" } else { ", " };
    format!("{start}{comma}{name}: {value})")
}

#[test]
fn the_schema_of_runs_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/run.schema.json");
    let written: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let schema = aviary::scenario::picture::schema().to_value();
    let update = "cargo run --profile quick -p sim-runner -- words --run-schema >docs/run.schema.json";
    assert!(written == schema, "docs/run.schema.json is not up to date: {update}");
}

#[test]
fn every_word_of_the_reference_is_read() {
    let schemas = Schemas::of::<Timelines>();
    let snippets = Reference::of::<Timelines>().snippets;
    assert!(snippets.len() > 150, "{}", snippets.len());
    for snippet in snippets {
        parsed(&file_with(&schemas, &snippet.of, &snippet.ron));
    }
}

/// Struct by struct, a file with nothing but what it needs, and where its fields stand there.
const STRUCTS: &[(&str, &str)] = &[
    ("Scenario", "Scenario(about: \"\", sites: 3, {})"),
    ("Network", "Scenario(about: \"\", sites: 3, network: ({}))"),
    ("Disk", "Scenario(about: \"\", sites: 3, disk: ({}))"),
    ("History", "Scenario(about: \"\", sites: 3, history: ({}))"),
    ("Bursts", "Scenario(about: \"\", sites: 3, network: (bursts: (chance: \"1%\", length: \"1s\", {})))"),
    ("Traffic", "Scenario(about: \"\", sites: 3, steps: [On(Sent({}), Heal)])"),
    ("FlyingTraffic", "Scenario(about: \"\", sites: 3, steps: [At(\"1s\", Deliver({}))])"),
    ("Rule", "Scenario(about: \"\", sites: 3, rules: [(then: Drop, {})])"),
    ("Profile", "Profile({})"),
    ("NetworkDrawn", "Profile(network: ({}))"),
    ("DiskDrawn", "Profile(disk: ({}))"),
    ("CutsDrawn", "Profile(cuts: ({}))"),
    ("CrashesDrawn", "Profile(crashes: ({}))"),
    ("MessagesDrawn", "Profile(messages: ({}))"),
    ("ClogsDrawn", "Profile(clogs: ({}))"),
    ("ClocksDrawn", "Profile(clocks: ({}))"),
];

/// Of these a file that says the default is another value than one that does not, or nothing may be left out.
const WITHOUT_DEFAULTS: &[&str] = &["Settings", "Failure"];

#[test]
fn a_default_is_what_a_file_means_that_leaves_the_field_out() {
    let schemas = Schemas::of::<Timelines>();
    let mut compared = 0;
    let mut check = |place: &str, schema: &Value, file: &dyn Fn(&str) -> String| {
        for field in fields(schema).iter().filter(|field| !field.is_required) {
            let usual = Reference::usual(&schemas, field);
            let Some(usual) = usual.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else {
                continue;
            };
            // The same chance; equal ones have the same ratio.
            let usual = if usual == "\"0%\"" { "\"0/1\"" } else { usual };
            let (with, without) = (file(&format!("{}: {usual}", field.name)), file(""));
            assert_eq!(parsed(&with), parsed(&without), "{place}: {} is not {usual}", field.name);
            compared += 1;
        }
    };
    for name in schemas.names() {
        let definition = schemas.definition(name);
        match STRUCTS.iter().find(|(known, _)| *known == name) {
            Some((_, file)) => check(name, definition, &|fields| file.replace("{}", fields)),
            None if WITHOUT_DEFAULTS.contains(&name) => {}
            None => check(name, definition, &|_| panic!("where does {name} stand in a file?")),
        }
        for variant in variants(definition) {
            let Some(content) = variant.content else { continue };
            let word = |text: &str| match text.split_once(": ") {
                Some((field, value)) => with_field(&schemas.example_of(&variant), field, value),
                None => schemas.example_of(&variant),
            };
            check(variant.name, content, &|text| file_with(&schemas, name, &word(text)));
        }
    }
    assert!(compared > 80, "{compared}");
}

#[test]
fn no_word_is_missing() {
    let text = Reference::of::<Timelines>().text;
    let (profile, config) = (serde_json::to_value(Profile::default()).unwrap(), Config::new(3));
    let harness = [names::<Fault<()>>(), names::<EventPattern>(), names::<RunClaim>()];
    let service = [names::<TimelineCommand>(), names::<TimelineExpectation>()];
    let mut words: BTreeSet<&str> = harness.into_iter().chain(service).flatten().copied().collect();
    words.extend(DiskFault::ALL.iter().map(|fault| fault.name()));
    let mut named: BTreeSet<String> =
        config.settings().iter().map(|setting| setting.name.to_owned()).collect();
    let mut parts = vec![&profile];
    while let Some(part) = parts.pop() {
        for (name, value) in part.as_object().into_iter().flatten() {
            // Keys of weights are words.
            named.extend(name.starts_with(char::is_lowercase).then(|| name.clone()));
            parts.push(value);
        }
    }
    let schemas = Schemas::of::<Timelines>();
    for kind in schemas.messages.iter().chain(&schemas.notes) {
        assert!(text.contains(&format!("`{kind}`")), "the kind {kind} is missing");
    }
    for row in ScriptAction::<()>::rows().filter(|row| !row.word.is_empty()) {
        assert!(
            text.contains(&format!("| `{}` | {}", row.word, row.means.trim())),
            "{} is missing",
            row.word
        );
    }
    for word in words {
        assert!(
            [format!("`{word}`"), format!("`{word}("), format!("({word}"), format!(", {word})")]
                .iter()
                .any(|text_of| text.contains(text_of)),
            "{word} is missing"
        );
    }
    for field in named {
        assert!(text.contains(&format!("\n| `{field}` | ")), "the field {field} is missing");
    }
    for (type_, schema) in schemas.names().map(|name| (name, schemas.definition(name))) {
        let of_variants = variants(schema).into_iter().filter_map(|variant| variant.content);
        for field in of_variants.chain([schema]).flat_map(fields) {
            assert!(text.contains(&format!("\n| `{}` | ", field.name)), "{type_}: {} is missing", field.name);
            assert!(!means(field.schema).is_empty(), "{type_}: {} has no meaning", field.name);
            let usual = Reference::usual(&schemas, &field);
            assert!(
                field.is_required || !usual.is_empty(),
                "{type_}: {}: its type needs `extend(\"default\" = ..)`",
                field.name
            );
        }
    }
}

/// The anchor of a heading.
fn anchor(heading: &str) -> String {
    heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-").replace(['`', ',', '.'], "")
}

#[test]
fn the_page_is_up_to_date_and_its_links_lead_somewhere() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let read = |name: &str| fs::read_to_string(docs.join(name)).unwrap();
    // As the program prints it, whose service is the one that can also lie.
    let generated = Reference::of::<Lying>().text;
    let page = format!("{}\n\n{generated}", read("scenarios.intro.md").trim_end());
    assert!(page == read("scenarios.md"), "docs/scenarios.md is out of date. Write it again:\n  {UPDATE}");
    for block in page.split("```ron\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        match block.starts_with("Scenario") {
            true => drop(scenario::read::<Timelines>("a part of the page", block).unwrap()),
            false => drop(parsed(block)),
        }
    }
    let headings: Vec<String> = page.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    for link in generated.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
        let count = headings.iter().filter(|heading| *heading == link).count();
        assert_eq!(count, 1, "{link} is the anchor of {count} headings");
    }
    for left in ["[`", "crate::", "::"] {
        assert!(!generated.contains(left), "a link of the code's documentation is left: {left}");
    }
}
