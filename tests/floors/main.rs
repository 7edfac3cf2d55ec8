//! Checks which module may use which: the invariant *Floors* of `src/lib.rs`, against every path in the sources.
//!
//! It counts `use` lines and paths in the code: within the library and `sim-runner` (`crate::`, `super::`, a module
//! that the file declares, `$crate::` in a macro) and in the programs (`aviary::`, `sim_runner::`). It ignores
//! comments. Test code, below `#[cfg(test)]` or in the file of a module that is declared below it, may use anything.

mod lengths;
mod sources;
mod table;

use sources::{RUNNER, Source, arrows, library_macros, test_modules};
use table::{BORDER, FLOORS, FOREIGN, floor_of};

/// Every arrow that the table does not allow, one per line.
fn findings(sources: &[Source]) -> Vec<String> {
    let tests = test_modules(sources);
    let macros = library_macros(sources);
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !tests.iter().any(|test| source.path.starts_with(test))) {
        let Some(user) = source.path.first() else { continue };
        let Some(floor) = floor_of(&source.path) else {
            findings.push(format!("{}: {user} has no floor in tests/floors/table.rs", source.file));
            continue;
        };
        for arrow in arrows(source) {
            let mut object = |rule: &str| {
                findings.push(format!("{}:{}: `{}`: {rule}", source.file, arrow.line, arrow.text));
            };
            let name = arrow.to.first().map_or("*", String::as_str);
            let is_whole = match &arrow.to[..] {
                [] => true,
                [one] => one == "*" || one == RUNNER,
                [one, other, ..] => one == RUNNER && other == "*",
            };
            if is_whole {
                object("it does not say which module");
                continue;
            }
            let exported = macros.iter().find(|(exported, _)| exported == name).map(|(_, by)| by.as_str());
            let used = match exported {
                Some(by) => floor_of(&[by]),
                None => floor_of(&arrow.to),
            };
            match used {
                _ if FOREIGN.contains(&name) => {}
                None => object(&format!("{name} has no floor in tests/floors/table.rs")),
                Some(used) if floor.name == used.name || floor.uses.contains(&used.name) => {}
                Some(used) => object(&format!("{} may not use {}: {}", floor.name, used.name, floor.why)),
            }
        }
    }
    findings
}

#[test]
fn no_module_uses_one_that_it_may_not() {
    let sources = sources::read(&["src", "sim-runner/src"]);
    assert!(sources.len() > 300, "only {} sources", sources.len());
    let found = findings(&sources);
    assert!(found.is_empty(), "{} arrows are not allowed:\n{}", found.len(), found.join("\n"));
    // The table has no row for a module that does not exist.
    let is_there = |name: &str| {
        let path: Vec<&str> = name.split("::").collect();
        sources
            .iter()
            .any(|source| source.path.len() >= path.len() && path.iter().eq(&source.path[..path.len()]))
    };
    let rows = FLOORS.iter().map(|floor| floor.name).filter(|name| *name != "border");
    let gone: Vec<&str> = rows.chain(BORDER).filter(|name| !is_there(name)).collect();
    assert!(gone.is_empty(), "not in the tree: {gone:?}");
}

#[test]
fn the_table_is_a_tower() {
    for (place, floor) in FLOORS.iter().enumerate() {
        for used in floor.uses {
            let below = FLOORS[..place].iter().find(|other| other.name == *used);
            let below = below.unwrap_or_else(|| panic!("{} uses {used}, which stands below it", floor.name));
            assert!(below.number <= floor.number, "{} uses {used}", floor.name);
        }
    }
    let find = |name: &str| FLOORS.iter().find(|floor| floor.name == name).expect("a row of the table");

    let harness = [
        "border",
        "journal",
        "recording",
        "ron_file",
        "sim",
        "udp",
        "judges",
        "scenario",
        "search",
        "testing",
        "sim-runner",
    ];
    for name in harness {
        let is_protocol = |used: &str| used.starts_with("replicated") || used.contains("tweets");
        let used = find(name).uses.iter().find(|used| is_protocol(used));
        assert_eq!(used, None, "{name} knows no protocol");
    }
    for (host, other) in [("sim", "udp"), ("udp", "sim")] {
        assert!(!find(host).uses.contains(&other), "{host} does not know {other}");
    }
}

/// `src/lib.rs` names the same floors: the number of each floor in brackets after its modules.
#[test]
fn the_map_in_the_library_names_the_same_floors() {
    let text = sources::text("src/lib.rs");
    let (_, map) = text.split_once("- **Floors.**").expect("the invariant");
    let (map, _) = map.split_once("\n//! - **").expect("another invariant after it");
    let mut named = Vec::new();
    let mut rest = map;
    while let Some((modules, after)) = rest.split_once('(') {
        let (number, after) = after.split_once(')').expect("a closing bracket");
        let number: u8 = number.parse().expect("the number of a floor");
        let modules = modules.split('`').skip(1).step_by(2).filter(|module| !BORDER.contains(module));
        named.extend(modules.map(|module| (number, module.to_owned())));
        rest = after;
    }
    let mut expected: Vec<(u8, String)> =
        FLOORS.iter().map(|floor| (floor.number, floor.name.to_owned())).collect();
    named.sort();
    expected.sort();
    assert_eq!(named, expected);
}

/// One row of its table for each floor, with the modules that it may use.
#[test]
fn the_page_about_the_architecture_has_the_same_floors() {
    let page = sources::text("docs/architecture.md");
    let rows = page.lines().filter(|line| {
        let cell = line.strip_prefix("| ").and_then(|row| row.split(" |").next());
        cell.is_some_and(|cell| cell.parse::<u8>().is_ok())
    });
    let mut rows: Vec<&str> = rows.collect();
    for floor in &FLOORS {
        let uses: Vec<String> = floor.uses.iter().map(|used| format!("`{used}`")).collect();
        let uses = if uses.is_empty() { "nothing".to_owned() } else { uses.join(", ") };
        let expected = format!("| {} | `{}` | {uses} | ", floor.number, floor.name);
        let found = rows.iter().position(|row| row.starts_with(&expected));
        rows.remove(found.unwrap_or_else(|| panic!("docs/architecture.md lacks the row {expected}")));
    }
    assert!(rows.is_empty(), "docs/architecture.md has floors that are not here: {rows:?}");
}

/// Checks `text` as the source `file`, and expects findings that begin with these texts.
#[track_caller]
fn check(file: &str, text: &str, expected: &[&str]) {
    let beside = [
        Source::new("src/judges/mod.rs", "#[macro_export]\nmacro_rules! ensure { () => {}; }"),
        Source::new("src/sim/mod.rs", "#[cfg(test)]\nmod planted;\nmod network;"),
    ];
    let found = findings(&beside.into_iter().chain([Source::new(file, text)]).collect::<Vec<_>>());
    let is_as_expected = found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
    assert!(is_as_expected && found.len() == expected.len(), "found {found:#?}, not {expected:#?}");
}

#[test]
fn a_planted_arrow_is_found() {
    let one = "use crate::ids::SiteId;\nuse crate::replicated::config::Config;\n";
    let rule = "udp may not use replicated: the real host knows no protocol, no service and nothing of the simulator";
    check(
        "src/udp/config.rs",
        one,
        &[&format!("src/udp/config.rs:2: `crate::replicated::config::Config`: {rule}")],
    );
    check(
        "src/replicated/paxos/log.rs",
        one,
        &[
            "src/replicated/paxos/log.rs:2: `crate::replicated::config::Config`: replicated::paxos may not use replicated",
        ],
    );
    check("src/replicated/reads.rs", one, &[]);

    let grouped =
        "use crate::{\n    ids::SiteId,\n    tweets::timeline::{Event, page},\n    mix::{self, Seed},\n};";
    check(
        "src/sim/world.rs",
        grouped,
        &[
            "src/sim/world.rs:3: `crate::tweets::timeline::Event`: sim may not use tweets::timeline",
            "src/sim/world.rs:3: `crate::tweets::timeline::page`: sim may not use tweets::timeline",
        ],
    );

    let inline =
        "fn f() -> u8 {\n    let is = 'a';\n    crate::tweets::judges::Judges::<{ 1 }>::new(\"\\\"\")\n}";
    check(
        "src/search/hunt.rs",
        inline,
        &["src/search/hunt.rs:3: `crate::tweets::judges::Judges`: search may not"],
    );

    let upward = "use super::super::super::sim::World;\nuse super::super::host::Host;";
    check(
        "src/udp/recorder/ring.rs",
        upward,
        &["src/udp/recorder/ring.rs:1: `super::super::super::sim::World`"],
    );
    check("src/udp/mod.rs", "use super::sim;", &["src/udp/mod.rs:1: `super::sim`: udp may not use sim"]);
    let nested =
        "mod inner {\n    use super::super::super::sim::World;\n    use super::super::host::Host;\n}";
    check("src/udp/files.rs", nested, &["src/udp/files.rs:2: `super::super::super::sim::World`"]);
    check(
        "src/tweets/timeline/queue.rs",
        "use super::replica;\nuse super::super::super::journal;",
        &[
            "src/tweets/timeline/queue.rs:2: `super::super::super::journal`: tweets::timeline may not use journal",
        ],
    );
}

#[test]
fn commands_for_any_service_use_none_of_ours() {
    let ours = "use super::tweets::real;\nuse crate::tweets;\nfn f() {\n    aviary::tweets::service::f()\n}";
    let rule = "sim-runner may not use";
    check(
        "sim-runner/src/replay.rs",
        ours,
        &[
            &format!(
                "sim-runner/src/replay.rs:1: `super::tweets::real`: {rule} sim-runner::tweets: these commands are"
            ),
            &format!("sim-runner/src/replay.rs:2: `crate::tweets`: {rule} sim-runner::tweets"),
            &format!("sim-runner/src/replay.rs:4: `aviary::tweets::service::f`: {rule} tweets::service"),
        ],
    );
    // A module that the file declares is also a path.
    let top = "mod files;\npub mod tweets;\nuse files::load;\nuse tweets::real;";
    check("sim-runner/src/lib.rs", top, &[&format!("sim-runner/src/lib.rs:4: `tweets::real`: {rule}")]);
    let theirs = "use super::real;\nuse crate::{Exit, files::load};\nuse aviary::tweets::service::Timelines;";
    check("sim-runner/src/tweets/soak/mod.rs", theirs, &[]);
    check("sim-runner/src/bin/sim-runner.rs", "fn main() { sim_runner::tweets::main() }", &[]);
    let main =
        "sim-runner/src/bin/sim-runner.rs:1: `sim_runner::main`: sim-runner::bin may not use sim-runner:";
    check("sim-runner/src/bin/sim-runner.rs", "use sim_runner::main;", &[main]);
    let whole = "it does not say which module";
    for (text, arrow) in
        [("use crate::*;", "crate::*"), ("use super::*;", "super::*"), ("use sim_runner as r;", "sim_runner")]
    {
        check("sim-runner/src/words.rs", text, &[&format!("sim-runner/src/words.rs:1: `{arrow}`: {whole}")]);
    }
}

#[test]
fn programs_macros_and_whole_crates_are_looked_at() {
    let program = "use crate::words::Word;\nuse aviary::udp::Host;\nfn f() {\n    aviary::sim::run();\n}";
    check(
        "src/bin/site/main.rs",
        program,
        &["src/bin/site/main.rs:4: `aviary::sim::run`: bin may not use sim"],
    );
    check("sim-runner/src/words.rs", program, &[]);
    check(
        "sim-runner/src/words.rs",
        "use aviary::words;",
        &["sim-runner/src/words.rs:1: `aviary::words`: words has"],
    );

    check("src/tweets/judges/order.rs", "use crate::ensure;", &[]);
    check(
        "src/udp/host.rs",
        "use crate::ensure;",
        &["src/udp/host.rs:1: `crate::ensure`: udp may not use judges"],
    );
    let exported = "macro_rules! m { () => { $crate::sim::Violation };\n}";
    check("src/macros.rs", exported, &["src/macros.rs:1: `crate::sim::Violation`: border may not use sim"]);

    let whole = "it does not say which module";
    check("src/sim/a.rs", "use crate::*;", &[&format!("src/sim/a.rs:1: `crate::*`: {whole}")]);
    check(
        "src/sim/a.rs",
        "use crate::{self as root};",
        &[&format!("src/sim/a.rs:1: `crate::self`: {whole}")],
    );
    check("src/sim/a.rs", "use crate as root;", &[&format!("src/sim/a.rs:1: `crate`: {whole}")]);
    check("src/sim.rs", "use super::*;", &[&format!("src/sim.rs:1: `super::*`: {whole}")]);
    check("src/strange.rs", "", &["src/strange.rs: strange has no floor"]);
    check(
        "src/sim/a.rs",
        "use crate::strange::Thing;",
        &["src/sim/a.rs:1: `crate::strange::Thing`: strange has"],
    );
}

#[test]
fn comments_texts_and_tests_are_not() {
    let silent = "//! See [`site`](crate::site).\n/* use crate::tweets::site; /* crate::tweets::site::x */ crate::tweets::site::y */\n\
        const A: &str = \"use crate::tweets::site;\";\nconst B: &str = r#\"crate::tweets::site::c \"quoted\" \"#;\n\
        const C: [char; 3] = ['\"', '\\'', '🐦'];\nfn f<'a>(x: &'a str) -> &'a str { x }\n\
        pub(crate) fn g() {}\n";
    check("src/sim/world.rs", silent, &[]);
    let tested = "#[cfg(test)]\nuse crate::tweets::site::Site;\n#[cfg(test)]\nmod tests {\n    use super::*;\n    \
        use crate::tweets::judges::Judges;\n}\n#[cfg(all(test, feature = \"udp\"))]\n#[must_use]\npub(crate) fn f() -> u8 {\n    \
        crate::tweets::service::f()\n}\n";
    check("src/sim/world.rs", tested, &[]);
    let after = format!("{tested}use crate::replicated::paxos::Slot;");
    check(
        "src/sim/world.rs",
        &after,
        &["src/sim/world.rs:13: `crate::replicated::paxos::Slot`: sim may not use replicated::paxos"],
    );
    let others = "#[cfg(not(test))]\nuse crate::replicated::paxos::Slot;";
    check("src/sim/world.rs", others, &["src/sim/world.rs:2: `crate::replicated::paxos::Slot`"]);
    // Files of modules that their parent declares only for tests.
    check("src/sim/planted.rs", "use crate::tweets::site::Site;", &[]);
    check("src/sim/planted/more.rs", "use crate::tweets::site::Site;", &[]);
    check("src/sim/network.rs", "use crate::tweets::site::Site;", &["src/sim/network.rs:1"]);
}
