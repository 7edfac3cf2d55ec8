//! `replay --format perfetto` of the built program, checked against the "Trace Event Format" and against the run.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

/// Crashes, pauses, clients, and copies that are doubled, kept, late, astray, or wait for a stream.
const SCENARIOS: [&str; 7] = [
    "leader_crash_between_accept_quorum_and_chosen",
    "stormy_weather",
    "promise_of_an_earlier_life_counts_for_nothing",
    "datagrams_of_long_ago_change_nothing",
    "duplicated_and_reordered_network",
    "vote_that_went_astray_counts_for_nobody",
    "broken_streams_depose_a_leader",
];

type Item = Map<String, Value>;

fn replay(scenario: &str, format: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-runner"));
    command.current_dir(root).args(["replay", &format!("scenarios/{scenario}.ron"), "--format", format]);
    let output = command.env_remove("SIM_RUNNER_SEED").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn items(file: &Value) -> Vec<&Item> {
    assert_eq!(file["displayTimeUnit"], "ms");
    file["traceEvents"].as_array().unwrap().iter().map(|item| item.as_object().unwrap()).collect()
}

fn number(item: &Item, field: &str) -> u64 {
    item[field].as_u64().unwrap_or_else(|| panic!("`{field}` is no whole number from 0: {item:?}"))
}

fn text<'a>(item: &'a Item, field: &str) -> &'a str {
    item[field].as_str().unwrap_or_else(|| panic!("`{field}` is no text: {item:?}"))
}

/// The fields of each phase that the program writes: those that the format asks for, and those that it allows.
fn fields(phase: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match phase {
        "M" => (&["args"], &[]),
        "X" => (&["dur"], &["args"]),
        "i" => (&["s"], &["args"]),
        "s" => (&["id"], &[]),
        "f" => (&["id", "bp"], &[]),
        other => panic!("the phase {other:?} is not of those that are written"),
    }
}

fn check_fields(item: &Item) {
    let (needed, allowed) = fields(text(item, "ph"));
    let mut known = BTreeSet::from(["ph", "name", "cat", "pid", "tid", "ts"]);
    for field in ["pid", "tid", "ts"] {
        number(item, field);
    }
    assert!(!text(item, "name").is_empty() && !text(item, "cat").is_empty(), "{item:?}");
    for field in needed {
        assert!(item.contains_key(*field), "`{field}` is missing: {item:?}");
    }
    known.extend(needed.iter().chain(allowed));
    assert!(item.keys().all(|key| known.contains(key.as_str())), "a field of another phase: {item:?}");
    match text(item, "ph") {
        "M" => {
            let argument = match text(item, "name") {
                "process_name" | "thread_name" => "name",
                "process_sort_index" | "thread_sort_index" => "sort_index",
                other => panic!("the format has no metadata {other:?}"),
            };
            assert!(item["args"].get(argument).is_some(), "{item:?}");
        }
        "X" => assert!(number(item, "dur") > 0, "{item:?}"),
        "i" => assert!(["g", "p", "t"].contains(&text(item, "s")), "{item:?}"),
        "f" => assert_eq!(text(item, "bp"), "e"),
        _ => {}
    }
}

/// Times ascend, slices nest, and a flow has a slice around each end.
fn check_thread(items: &[&Item]) {
    let (mut last, mut ends): (u64, Vec<u64>) = (0, Vec::new());
    for item in items {
        let at = number(item, "ts");
        assert!(at >= last, "{item:?} after {last}");
        last = at;
        ends.retain(|end| *end > at);
        match text(item, "ph") {
            "X" => {
                let end = at + number(item, "dur");
                assert!(ends.iter().all(|outer| end <= *outer), "{item:?} crosses a slice until {ends:?}");
                ends.push(end);
            }
            "s" | "f" => assert!(!ends.is_empty(), "no slice is around {item:?}"),
            _ => {}
        }
    }
}

/// The numbers of the flows, each of which begins once and ends once, later.
fn check_flows(items: &[&Item]) -> BTreeSet<u64> {
    let mut open: BTreeMap<u64, &Item> = BTreeMap::new();
    let mut done = BTreeSet::new();
    for item in items {
        match text(item, "ph") {
            "s" => {
                let id = number(item, "id");
                assert!(!done.contains(&id) && open.insert(id, item).is_none(), "{item:?} begins again");
            }
            "f" => {
                let id = number(item, "id");
                let begun = open.remove(&id).unwrap_or_else(|| panic!("{item:?} never began"));
                assert!(number(begun, "ts") <= number(item, "ts"));
                assert_eq!((&begun["name"], &begun["cat"]), (&item["name"], &item["cat"]), "{item:?}");
                done.insert(id);
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "these never end: {open:?}");
    done
}

/// Compares the file with the same run as `run-json` has it.
fn check(scenario: &str) {
    let (file, run) = (replay(scenario, "perfetto"), replay(scenario, "run-json"));
    let items = items(&file);
    items.iter().for_each(|item| check_fields(item));
    let mut threads: BTreeMap<u64, Vec<&Item>> = BTreeMap::new();
    let mut names: BTreeMap<u64, (u64, &str)> = BTreeMap::new();
    for item in &items {
        let (pid, tid) = (number(item, "pid"), number(item, "tid"));
        if text(item, "ph") != "M" {
            assert_eq!(names[&tid].0, pid, "{item:?}");
            threads.entry(tid).or_default().push(item);
        } else if text(item, "name") == "thread_name" {
            assert!(names.insert(tid, (pid, item["args"]["name"].as_str().unwrap())).is_none(), "{item:?}");
        }
    }
    threads.values().for_each(|items| check_thread(items));
    let mut machines: BTreeMap<Option<u64>, BTreeSet<u64>> = BTreeMap::new();
    for process in run["processes"].as_array().unwrap() {
        let (pid, _) = names.values().find(|(_, name)| *name == process["id"]).unwrap();
        machines.entry(process["machine"].as_u64()).or_default().insert(*pid);
    }
    let pids: BTreeSet<u64> = machines.values().flatten().copied().collect();
    assert!(pids.len() == machines.len() && machines.values().all(|pids| pids.len() == 1), "{machines:?}");

    let flows = check_flows(&items);
    let events = run["events"].as_array().unwrap();
    let copies = |kinds: &[&str]| -> BTreeSet<u64> {
        let of_kind = events.iter().filter(|event| kinds.contains(&event["kind"].as_str().unwrap()));
        of_kind.filter_map(|event| event["copy"].as_u64()).collect()
    };
    let (arrived, lost) = (copies(&["delivered", "dropped"]), copies(&["lost"]));
    let buried = events.iter().filter(|event| event["kind"] != "redelivered");
    let buried = buried.filter_map(|event| event["copies"].as_array()).flatten().filter_map(Value::as_u64);
    let ended: BTreeSet<u64> = arrived.iter().copied().chain(buried).collect();
    assert_eq!(flows, ended, "{scenario}: flows are the copies that arrive, or end with who they wait for");
    assert!(
        !arrived.is_empty() && flows.is_disjoint(&lost),
        "{scenario}: what is lost under way has no flow"
    );

    let instants =
        |class: &str| items.iter().filter(|item| item["ph"] == "i" && item["cat"] == class).count();
    for class in ["note", "fault", "step"] {
        let handled =
            ["started", "delivered", "commanded", "own", "synced", "woke", "disk_space", "told_of_link"];
        let all = events.iter().filter(|event| event["class"] == class);
        let expected = all.filter(|event| !handled.contains(&event["kind"].as_str().unwrap())).count();
        assert_eq!(instants(class), expected, "{scenario}: {class}");
    }
    let slices = |cat: &str| items.iter().filter(|item| item["ph"] == "X" && item["cat"] == cat).count();
    let changes = |wanted: &str| {
        let mut lasting = 0;
        for process in run["processes"].as_array().unwrap() {
            let of_process =
                run["states"].as_array().unwrap().iter().filter(|it| it["process"] == process["id"]);
            let roles = of_process.filter(|it| it["role"].is_string());
            let at =
                |it: &Value| events[usize::try_from(it["after"].as_u64().unwrap()).unwrap()]["at"].as_u64();
            let roles: Vec<(Option<u64>, &Value)> = roles.map(|it| (at(it), &it["role"])).collect();
            let is_brief = |place: usize| roles.get(place + 1).is_some_and(|next| next.0 == roles[place].0);
            lasting += roles
                .iter()
                .enumerate()
                .filter(|(place, (_, role))| *role == wanted && !is_brief(*place))
                .count();
        }
        lasting
    };
    assert!(slices("leadership") > 0 && slices("leadership") >= changes("leader"), "{scenario}");
    assert_eq!(slices("downtime"), changes("down"), "{scenario}");
    let pauses = events.iter().filter(|event| event["kind"] == "paused").count();
    assert_eq!(slices("pause") > 0, pauses > 0, "{scenario}");
}

#[test]
fn every_object_is_as_the_format_asks_and_shows_the_run() {
    for scenario in SCENARIOS {
        check(scenario);
    }
}

#[test]
fn two_runs_do_not_fit_one_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-runner"));
    let output =
        command.current_dir(root).args(["replay", "scenarios", "--format", "perfetto"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("name one file"));
}
