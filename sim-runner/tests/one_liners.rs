//! The promises of the tools to a shell: each test is one or two lines of bash that a user would type, with the program
//! in `$run`. Files of runs are in the folder in which the line runs.
#![cfg(feature = "tweets")]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const GOOD: &str = r#"Scenario(about: "All is quiet.", seed: 3, sites: 3,
    steps: [At("1s", Tweet(site: 0, user: "ann", text: "hello"))],
    expect: [Converges(within: "10s"), View(site: 1, user: "bob", sees: ["ann: hello"])])"#;
const VIOLATED: &str = r#"Scenario(about: "Wrong on purpose.", seed: 3, sites: 3,
    steps: [At("1s", Tweet(site: 0, user: "ann", text: "hello"))],
    expect: [View(site: 1, user: "bob", sees: ["ann: bye"])])"#;

/// The output of a line of bash on both streams; the line must end with 0.
fn bash(test: &str, files: &[(&str, &str)], line: &str) -> String {
    let folder = folder(test);
    files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
    let mut command = Command::new("bash");
    command.current_dir(&folder).args(["-euc", line]);
    command.env("run", env!("CARGO_BIN_EXE_sim-runner")).env_remove("SIM_RUNNER_SEED");
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{line}\n{printed}");
    printed
}

fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("one_liners").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn check(test: &str, files: &[(&str, &str)], line: &str, parts: &[&str]) {
    let printed = bash(test, files, line);
    for part in parts {
        assert!(printed.contains(part), "{part:?} is missing after\n{line}\n{printed}");
    }
}

#[test]
fn replay_says_what_it_found_though_nobody_reads_on() {
    let line = "$run replay a.ron b.ron c.ron | head -1; [ ${PIPESTATUS[0]} = 1 ]";
    check("replay", &[("a.ron", GOOD), ("b.ron", GOOD), ("c.ron", VIOLATED)], line, &["passed"]);
}

#[test]
fn audit_says_what_it_found_though_nobody_reads_at_all() {
    let line = "$run audit a.ron b.ron | true; [ ${PIPESTATUS[0]} = 1 ]";
    check("audit", &[("a.ron", GOOD), ("b.ron", VIOLATED)], line, &[]);
}

#[test]
fn sweep_says_what_it_found_though_grep_has_seen_enough() {
    let line = "$run sweep a.ron --seeds 0..3 | grep -q swept; [ ${PIPESTATUS[0]} = 1 ]";
    check("sweep", &[("a.ron", VIOLATED)], line, &[]);
}

/// A scenario with a thousand more tweets, none of which shrinking can remove: the broken expectation is about them.
fn long() -> String {
    let step = |at: u32| format!("At(\"{at}ms\", Tweet(site: 0, user: \"ann\", text: \"{at}\")),");
    let steps: String = (0..1_000).map(step).collect();
    VIOLATED.replace("steps: [", &format!("steps: [{steps}"))
}

#[test]
fn shrinking_ends_with_its_time_on_thousands_of_steps() {
    let line = "timeout 100 $run shrink long.ron --time 1s -o small.ron";
    check("shrink_time", &[("long.ron", &long())], line, &["more may go"]);
}

#[test]
fn shrinking_with_so_many_runs_gives_the_same_twice() {
    let line = "for out in 1 2; do $run shrink long.ron --time 10min --runs 9 \
                -o $out.ron; done; cmp 1.ron 2.ron";
    check("shrink_runs", &[("long.ron", &long())], line, &["11 runs in"]);
}

#[test]
fn shrinking_what_is_shrunk_changes_nothing() {
    let line = "f='--saboteur reports-by-position'; $run draw --recipe voter_wiped --seed 7 >/dev/null; \
                seed=$($run sweep --seeds 0.. --time 10min $f --until-failure --no-shrink --format json \
                | grep -o '\"seed\":[0-9]*' | head -1 | cut -d: -f2); \
                $run draw --seed $seed -o drawn.ron && $run shrink drawn.ron $f -o once.ron && \
                $run shrink once.ron $f -o twice.ron && cmp once.ron twice.ron";
    check("shrink_twice", &[], line, &["nothing more goes"]);
}

#[test]
fn an_interrupt_writes_the_smallest_so_far() {
    let line = "$run shrink long.ron --time 10min -o small.ron & sleep 1; \
                kill -TERM $!; wait $!; $run check small.ron";
    check("interrupt", &[("long.ron", &long())], line, &["interrupted: more may go"]);
}

#[test]
fn a_failure_is_saved_before_the_sweep_ends() {
    let line = "$run sweep a.ron --seeds 0.. --time 10min --failures found & \
                until ls found/*.ron 2>/dev/null; do sleep 0.1; done; kill -9 $!; \
                code=0; $run replay found || code=$?; [ $code = 1 ]";
    check("at_once", &[("a.ron", VIOLATED)], line, &["expectation"]);
}

#[test]
fn a_folder_without_room_costs_neither_the_table_nor_the_seeds() {
    let line = "code=0; (trap '' XFSZ; ulimit -f 0; $run sweep a.ron --seeds 5..7 --failures found --report runs) \
                || code=$?; [ $code = 1 ]";
    let parts = ["failures   2 in 1 groups", "seed 5", "failed to write found/", "failed to write runs"];
    check("no_room", &[("a.ron", VIOLATED)], line, &parts);
}

#[test]
fn a_sweep_ends_with_its_first_failure() {
    let line = "code=0; $run sweep a.ron --seeds 0.. --time 10min --until-failure || code=$?; [ $code = 1 ]";
    check("until_failure", &[("a.ron", VIOLATED)], line, &["seeds 0..1,", "failures   1 in 1 groups"]);
}

#[test]
fn each_line_of_a_report_names_the_property() {
    let line = "$run sweep a.ron --seeds 0..2 --report runs.jsonl >/dev/null || true; cat runs.jsonl";
    check("report", &[("a.ron", VIOLATED)], line, &[r#""verdict":"violated","property":"expectation""#]);
}

#[test]
fn the_line_that_reproduces_a_failure_runs_as_it_is_printed() {
    let line = "mv -- a.ron \"$(printf -- \"-it's \\xff.ron\")\"; \
                told=$($run replay . || true); again=$(sed -n 's/^  reproduce: //p' <<<\"$told\"); \
                PATH=$(dirname $run):$PATH; code=0; eval \"$again\" || code=$?; [ $code = 1 ]";
    check("reproduce", &[("a.ron", VIOLATED)], line, &["Wrong on purpose"]);
}

#[test]
fn profiles_are_known_by_what_they_say() {
    let line = "mkdir more; $run draw --list >/dev/null; mv p.ron more; $run replay . && \
                $run sweep more/p.ron --seeds 0..2 && ! $run replay more/p.ron";
    let profile = "Profile(about: \"Quiet.\")";
    check(
        "profiles",
        &[("a.ron", GOOD), ("p.ron", profile)],
        line,
        &["passed", "swept more/p.ron", "is a profile"],
    );
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    check("mark", &[("a.ron", &format!("\u{feff}{GOOD}"))], "$run replay a.ron", &["passed"]);
}

#[test]
fn of_thousands_of_mistakes_the_first_are_shown_and_all_are_counted() {
    let wrong = r#"At("1s", Tweet(site: 7, user: "ann", text: "a")),"#.repeat(4_000);
    let line = "code=0; $run check a.ron || code=$?; [ $code = 2 ]";
    let printed =
        bash("mistakes", &[("a.ron", &GOOD.replace("steps: [", &format!("steps: [{wrong}")))], line);
    assert_eq!(printed.matches("there is no site 7").count(), 20, "{printed}");
    assert!(printed.contains("3980 more mistakes"), "{printed}");
}

#[test]
fn times_have_the_same_units_everywhere() {
    let line = "for time in 1h 1m 1min 60s 60000ms; do $run sweep a.ron --seeds 0..1 --time $time >/dev/null; done; \
                $run replay b.ron";
    check(
        "units",
        &[("a.ron", GOOD), ("b.ron", &GOOD.replace("within: \"10s\"", "within: \"0.01h\""))],
        line,
        &[],
    );
}

#[test]
fn an_audit_of_a_saved_failure_keeps_its_bug() {
    let line = "$run sweep a.ron --seeds 0..1 --saboteur forgets-accept --until-failure --failures found >/dev/null \
                || true; ls found; $run audit found 2>&1 | grep -q 'run it with --saboteur forgets-accept'; \
                code=0; $run audit found --saboteur forgets-accept || code=$?; [ $code = 1 ]";
    let storm = include_str!("../../scenarios/stormy_weather.ron");
    check("audit_saboteur", &[("a.ron", storm)], line, &["repeats", "it fails, in the same way each time"]);
}

#[test]
fn long_texts_are_cut_in_traces() {
    let text = "a".repeat(280);
    let scenario = GOOD.replace("hello", &text).replace(", View(", "]) // ");
    let printed = bash("long_texts", &[("a.ron", &scenario)], "$run replay a.ron --trace");
    let mut trace = printed.lines().take_while(|line| !line.starts_with('='));
    assert!(printed.contains("... (") && trace.all(|line| line.len() < 280), "{printed}");
}

#[test]
fn colours_are_there_when_asked_for_and_only_then() {
    let line = "e=$(printf '\\033'); ! $run replay a.ron | grep -q $e; $run replay a.ron --color always | grep -q $e; \
                ! $run --color never nonsense 2>&1 | grep -q $e; NO_COLOR=1 $run replay a.ron";
    check("colours", &[("a.ron", GOOD)], line, &["passed"]);
}

#[test]
fn an_empty_variable_is_no_seed() {
    check(
        "empty_variable",
        &[("a.ron", GOOD)],
        "SIM_RUNNER_SEED= $run replay a.ron --format json",
        &["\"seed\":3"],
    );
}

#[test]
fn shells_are_given_what_completes_commands_and_flags() {
    let line = "source <($run completions bash); complete -p sim-runner; $run completions zsh | head -1";
    check("completions", &[], line, &["complete -o", "#compdef sim-runner"]);
}

#[test]
fn blame_says_how_sure_it_is_and_names_no_moment_it_has_not_found() {
    let tweets: String = (2..12)
        .map(|at| format!("At(\"{at}s\", Tweet(site: {}, user: \"ann\", text: \"{at}\")),", 1 + at % 2))
        .collect();
    let scenario = format!(
        "Scenario(about: \"Something is always lost.\", seed: 5, sites: 3, leader: 0, network: (loss: \"30%\"),
        steps: [{tweets}], expect: [Converges(within: \"10s\")])"
    );
    let line = "$run blame a.ron --saboteur forwards-once | grep 'It jumps'; \
                $run blame a.ron --saboteur forwards-once --runs 60 | grep -i 'no moment'";
    check("blame", &[("a.ron", &scenario)], line, &["99.9 % sure:", "ended before it was found"]);
}

/// Every word that was renamed, among comments and strings that hold the same words.
const OLD: &str = r#"// Replay(replay: about: fresh: true)
Scenario(
    about: "about: Replay(..), fresh: true",
    seed: 3, sites: 3, clients: 1,
    network: ( replay : (chance: "1%", after: "3s") /* replay: */, latency: Constant("10ms")),
    rules: [(name: "kept", kind: "Told", about: "request 1", count: 1, then: Keep)],
    steps: [
        At("1s", Tweet(site: 0, user: "ann", text: "told")), // told
        Optional(On(Noted(kind: "told", who: Any), View(site: 1, user: "bob", linearizable: true))),
        Optional(On(Sent(kind: "Supply", about: "slot 1"), View(client: 0, user: "bob", fresh: true))),
        Optional(After("1s", View(site: 1, linearizable: false, user: "bob", fresh: false))),
        Optional(At("2s", Replay("kept"))),
    ],
    expect: [Steady(1)],
)
"#;
const REWRITTEN: &str = r#"// Replay(replay: about: fresh: true)
Scenario(
    about: "about: Replay(..), fresh: true",
    seed: 3, sites: 3, clients: 1,
    network: ( late_copies : (chance: "1%", after: "3s") /* replay: */, latency: Constant("10ms")),
    rules: [(name: "kept", kind: "QueryReply", subject: "request 1", count: 1, then: Keep)],
    steps: [
        At("1s", Tweet(site: 0, user: "ann", text: "told")), // told
        Optional(On(Noted(kind: "local reply", who: Any), View(site: 1, user: "bob", read: Log))),
        Optional(On(Sent(kind: "FetchReply", subject: "slot 1"), View(client: 0, user: "bob", read: Quorum))),
        Optional(After("1s", View(site: 1, user: "bob"))),
        Optional(At("2s", Redeliver("kept"))),
    ],
    expect: [LeadershipsAtMost(1)],
)
"#;

#[test]
fn an_old_word_is_an_error_that_names_the_word_to_write() {
    let line = "$run check old.ron && exit 9; [ $? = 2 ]; cmp old.ron before.ron; cat old.ron | tr -d '\n' | grep -q replay";
    let parts = [
        "`replay` is an old word",
        "it is `late_copies`: `check --fix` rewrites the file",
        "old.ron:5:16",
        "`linearizable: false` is an old word",
        "leave it out: `check --fix` rewrites the file",
    ];
    check("old_words", &[("old.ron", OLD), ("before.ron", OLD)], line, &parts);
}

#[test]
fn check_rewrites_old_words_in_place_and_nothing_else() {
    let line = "chmod 640 old.ron; mkdir more; cp old.ron more; $run check --fix old.ron more; cmp old.ron new.ron
        cmp more/old.ron new.ron; [ $(stat -c %a old.ron) = 640 ]; $run check --fix old.ron more; $run check old.ron";
    let printed = bash("fixed", &[("old.ron", OLD), ("new.ron", REWRITTEN)], line);
    assert_eq!(printed.matches("fixed  ").count(), 2, "{printed}");
    assert!(
        printed.starts_with("fixed  old.ron: 12 words\nfixed  more/old.ron: 12 words\nok  old.ron\n"),
        "{printed}"
    );
}

#[test]
fn check_rewrites_profiles_and_saved_failures() {
    let profile = "Profile(network: (replay: (\"0%\", \"5%\"), replay_after: (\"1s\", \"2s\")),
        must_happen: These([\"told\", \"replayed\", \"replay\", \"kept for a replay\", \"unheard, as nobody was there\"]))\n";
    let line = "$run sweep wrong.ron --seeds 0..1 --failures saved >sweep.txt || true
        saved=$(echo saved/*.ron); cp $saved new.ron
        sed -i 's/read: Log/linearizable: true/; s/LeadershipsAtMost/Steady/; s/\"leaderships\"/\"steady\"/' $saved; ! cmp -s $saved new.ron
        $run check $saved && exit 9; $run check --fix storm.ron $saved; cmp $saved new.ron; cat storm.ron; $run check --fix storm.ron";
    let wrong = VIOLATED
        .replace("steps: [", "steps: [At(\"1s\", View(site: 1, user: \"bob\", read: Log)), ")
        .replace("expect: [", "expect: [LeadershipsAtMost(1), ");
    let parts = [
        "late_copies: (\"0%\", \"5%\"), late_copies_after: (\"1s\"",
        "\"local reply\", \"redelivered\", \"redeliver\", \"kept for redelivery\", \"dropped, receiver not running\"",
        "fixed  storm.ron: 7 words",
        "ok  storm.ron",
    ];
    check("fixed_profiles", &[("storm.ron", profile), ("wrong.ron", &wrong)], line, &parts);
}

#[test]
fn check_leaves_a_file_that_has_other_mistakes_and_what_is_no_file() {
    let wrong = OLD.replace("sites: 3", "sites: 33");
    let line = "mkfifo pipe.ron; $run check --fix old.ron pipe.ron good.ron && exit 9; [ $? = 2 ]
        cmp old.ron before.ron; cmp good.ron same.ron";
    let files = [("old.ron", &*wrong), ("before.ron", &*wrong), ("good.ron", GOOD), ("same.ron", GOOD)];
    let parts = ["old.ron (not rewritten; as it would be)", "pipe.ron is not a plain file", "ok  good.ron"];
    check("not_fixed", &files, line, &parts);
}
