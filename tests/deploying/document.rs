//! The guide: its blocks are run, and its tables and flags must match the program.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use aviary::tweets::site::Config;
use aviary::udp::Drop as Dropped;

use crate::files::example;
use crate::{SITE, Scratch, UNIT, check_refused, free_ports, pause, run, site, succeed, text};

const GUIDE: &str = "docs/deploying.md";

/// Each fenced block: its language and its contents.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (open.take(), line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.into(), String::new())),
            (None, None) => {}
            (Some(block), Some(_)) => blocks.push(block),
            (Some((language, block)), None) => open = Some((language, block + line + "\n")),
        }
    }
    blocks
}

/// The rows of the table whose head begins with `head`: their cells, without backquotes.
fn table(head: &str) -> Vec<Vec<String>> {
    let text = text(GUIDE);
    let rows = text.split_once(head).unwrap_or_else(|| panic!("a table {head:?}")).1;
    let cells =
        |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    rows.lines().skip(2).take_while(|row| row.starts_with('|')).map(cells).collect()
}

#[test]
fn the_tables_are_those_of_the_program() {
    let reasons: Vec<String> =
        table("| word | why a datagram").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(reasons, Dropped::ALL.map(Dropped::name));
    let (usual, ours) = (Config::new(5), example().config);
    let times = |config: &Config| {
        [
            ("heartbeat", config.heartbeat),
            ("election", config.election),
            ("election_jitter", config.election_jitter),
            ("retry", config.retry),
            ("client_retry", config.client_retry),
            ("parked_for", config.parked_for),
            ("session_idle", config.session_idle),
        ]
        .map(|(name, time)| (name, time.to_string()))
    };
    let expected: Vec<_> = times(&usual).into_iter().zip(times(&ours)).collect();
    let shown = table("| | usual | example");
    assert_eq!(shown.len(), expected.len());
    for (row, ((name, usual), (_, ours))) in shown.iter().zip(expected) {
        assert_eq!(row[..3], [name.to_owned(), usual, ours]);
    }
    let help = succeed(&["--help"]);
    for row in table("| code | meaning").iter().filter(|row| row[0].len() == 1) {
        assert!(help.contains(&format!("\n  {}  ", row[0])), "code {} in {help}", row[0]);
    }
}

#[test]
fn every_command_and_flag_and_file_that_is_named_exists() {
    let text = text(GUIDE);
    let mut seen = BTreeSet::new();
    let blocks = blocks(&text);
    let in_blocks = blocks.iter().flat_map(|(_, block)| block.split(['\n', ';', '|', '{']));
    // Text between backquotes, and pieces of lines between such texts; no sentence begins with `site `.
    let in_lines = text.split('`').filter(|piece| !piece.contains('\n'));
    for piece in in_blocks.chain(in_lines) {
        let Some(words) = piece.trim_start().strip_prefix("site ") else { continue };
        let words: Vec<&str> = words.split_whitespace().collect();
        let Some(command) = words.first() else { continue };
        let (code, help) = site(&[command, "--help"]);
        assert_eq!(code, Some(0), "site {command}: {help}");
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            let is_there = help.split_whitespace().any(|word| word.trim_end_matches([',', '.']) == *flag);
            assert!(is_there, "site {command} has no {flag}");
        }
        seen.insert(*command);
    }
    let expected = ["bench", "client-key", "init", "log", "restore", "run", "status", "tweet", "view"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
    let run_help = succeed(&["run", "--help"]);
    for flag in ["--listen", "--headless", "-v"] {
        assert!(text.contains(&format!("`{flag}`")) && run_help.contains(flag), "{flag}");
    }
    for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
        assert!(path.exists(), "{link}");
        let mut headings = text.lines().filter(|line| line.starts_with('#')).map(anchor);
        assert!(!file.is_empty() || headings.any(|found| found == heading), "{link}");
    }
}

/// The anchor of a heading, which a link has after its `#`.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|char| char.is_alphanumeric() || [' ', '-'].contains(char));
    kept.map(|char| if char == ' ' { '-' } else { char }).collect()
}

/// Stands in for systemd: runs the commands of the installed unit, with its paths in the scratch folder.
const SYSTEMCTL: &str = r#"#!/usr/bin/env bash
set -euo pipefail
verb=$1; shift
[ "$verb" != daemon-reload ] || exit 0
[ "$1" != --now ] || shift
for unit; do
    n=${unit#aviary-site@}
    case $verb in
    enable | start)
        command=$(sed -n 's/^ExecStart=//p' 'ROOT/etc/systemd/system/aviary-site@.service')
        nohup ${command//%i/$n} >>"ROOT/log-$n" 2>&1 </dev/null &
        echo $! >"ROOT/pid-$n" ;;
    stop)
        kill -TERM "$(cat "ROOT/pid-$n")"
        rm "ROOT/pid-$n"
        # A site holds this lock until it has ended.
        flock "ROOT/var/lib/aviary/site-$n" true ;;
    restart) "$0" stop "$unit"; "$0" start "$unit" ;;
    *) echo "systemctl $verb is not known here" >&2; exit 1 ;;
    esac
done
"#;

/// Five sites in a scratch folder that stands for all machines.
struct Machines(Scratch, u16);

impl Machines {
    fn new() -> Machines {
        let machines = Machines(Scratch::new("guide"), free_ports(5));
        let root = &machines.0;
        for folder in ["bin", "deploy", "etc/systemd/system", "var/lib"] {
            fs::create_dir_all(root.0.join(folder)).unwrap();
        }
        for (name, script) in [("systemctl", SYSTEMCTL), ("chown", "#!/bin/sh\n")] {
            let path = root.0.join("bin").join(name);
            fs::write(&path, script.replace("ROOT", &root.path(""))).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
        std::os::unix::fs::symlink(SITE, root.0.join("bin/site")).unwrap();
        fs::write(root.0.join(UNIT), machines.here(&text(UNIT))).unwrap();
        machines
    }

    /// Replaces paths, ports and users by those of this test.
    fn here(&self, text: &str) -> String {
        text.replace("/usr/local/bin/site", SITE)
            .replace("/etc/", &self.0.path("etc/"))
            .replace("/var/lib/", &self.0.path("var/lib/"))
            .replace("--base-port 7100", &format!("--base-port {}", self.1))
            .replace(" -o aviary -g aviary", "")
            .replace("sites=\"0 1\"", "sites=\"0 1 2 3 4\"")
    }

    #[track_caller]
    #[expect(clippy::disallowed_methods, reason = "the blocks need the machine's own tools")]
    fn run(&self, block: &str) -> String {
        let path = format!("{}:{}", self.0.path("bin"), std::env::var("PATH").unwrap());
        let script = self.here(block);
        let mut bash = Command::new("timeout");
        bash.args(["120", "bash", "-euo", "pipefail", "-c", &script]).current_dir(&self.0.0);
        let out = run(bash.env("PATH", path).env("sites", "0 1 2 3 4"));
        let printed = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        assert!(out.status.success(), "{script}\nprinted: {printed}\nlogs: {}", self.logs());
        printed
    }

    fn logs(&self) -> String {
        (0..5).map(|n| fs::read_to_string(self.0.path(&format!("log-{n}"))).unwrap_or_default()).collect()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for n in 0..5 {
            if let Ok(pid) = fs::read_to_string(self.0.path(&format!("pid-{n}"))) {
                let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
            }
        }
    }
}

#[test]
fn the_guides_blocks_make_keep_and_restore_a_cluster() {
    if ["bash", "flock", "timeout"].into_iter().any(|name| crate::tool(name).is_none()) {
        return;
    }
    let machines = Machines::new();
    let config = machines.0.path("etc/aviary/sites.ron");
    let view =
        |site: &str| super::site(&["view", "--config", &config, "--site", site, "--linearizable", "bob"]);
    let mut first_config = String::new();
    let mut seen = BTreeSet::new();
    for (_, block) in blocks(&text(GUIDE)).into_iter().filter(|(language, _)| language == "sh") {
        let printed = machines.run(&block);
        if block.contains("site tweet") {
            seen.insert("used");
            assert_eq!(printed.matches("status: S").count(), 5, "{printed}");
            assert!(
                printed.contains("tweeted at ") && printed.contains("\nann: hello from the north\n"),
                "{printed}"
            );
            first_config = fs::read_to_string(&config).unwrap();
            // This lock prevents a backup of a running site.
            let held = Command::new("flock")
                .args(["--nonblock", &machines.0.path("var/lib/aviary/site-3"), "true"])
                .status();
            assert!(!held.unwrap().success());
        }
        if block.contains("fresh/cluster.key") {
            seen.insert("rotated");
            assert!(view("1").1.starts_with("ann: hello from the north\n"));
        }
        if block.contains("systemctl restart") {
            seen.insert("restarted");
            succeed(&["tweet", "--config", &config, "ann", "before the backup"]);
        }
        if block.contains("--check") {
            seen.insert("backed up");
            assert!(printed.contains("all 5 sites can be restored: the first "), "{printed}");
            succeed(&["tweet", "--config", &config, "ann", "after the backup"]);
        }
        if block.contains("retired-$n") {
            seen.insert("restored");
            let is_back = (0..50).any(|_| {
                pause();
                view("4").0 == Some(0)
            });
            assert!(is_back, "{}", machines.logs());
            assert!(
                view("2").1.starts_with("ann: before the backup\nann: hello from the north\n(2 tweets"),
                "{}",
                view("2").1
            );
            assert_ne!(fs::read_to_string(&config).unwrap(), first_config);
            succeed(&["tweet", "--config", &config, "ann", "in another cluster"]);
        }
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    machines.run("for n in $sites; do systemctl stop \"aviary-site@$n\"; done");
    // The new cluster refuses storage of the old one, and the other way round.
    let retired = machines.0.path("var/lib/aviary/retired-0");
    check_refused(
        &["run", "--config", &config, "--id", "0", "--data", &retired],
        1,
        &["belongs to S0 of cluster"],
    );
    // Every site ended because it was asked to.
    assert!(!machines.logs().contains("error"), "{}", machines.logs());
}
