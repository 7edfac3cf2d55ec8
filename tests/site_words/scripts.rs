//! The results of lines of `bash`.

use std::net::UdpSocket;

use serde_json::Value;

use crate::cluster::Cluster;

#[test]
fn an_answer_into_a_pipe_that_closes_early_is_no_error() {
    let mut cluster = Cluster::init("head");
    cluster.start(&[0, 1, 2]);
    cluster.succeed("for n in 1 2 3; do $site tweet --config $config ann number $n; done");
    for words in ["log", "log --json", "view bob", "blocks", "status", "status --json"] {
        let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
        let script = format!("set -o pipefail; $site {word} --config $config {rest} | head -1");
        assert_eq!(cluster.succeed(&script).lines().count(), 1, "{words}");
        cluster.succeed(&format!("set -o pipefail; $site {word} --config $config {rest} | true"));
    }
    let bench = "bench --dir $dir --sites 1 --datagrams 1200 --outstanding 1 --pairs 1 --milliseconds 100";
    assert!(
        cluster.succeed(&format!("set -o pipefail; $site {bench} | head -1")).contains("sealed datagrams")
    );
}

#[test]
fn status_ends_with_3_where_too_few_answer_to_agree_and_prints_all_the_same() {
    let mut cluster = Cluster::init("status");
    cluster.start(&[0, 1]);
    let status = "$site status --config $config --timeout 2s";
    let table = cluster.succeed(status);
    assert_eq!((table.lines().count(), table.matches(" silent\n").count()), (3, 1), "{table}");
    cluster.succeed("$site status --config $config --site 1");
    let errors = cluster.fail("$site status --config $config --site 2 --timeout 1s", 3);
    assert!(errors.contains("error: no answer within 1s from S2 at 127.0.0.1:"), "{errors}");
    cluster.stop(1);
    let out = cluster.bash(status);
    let (table, errors) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert_eq!(out.status.code(), Some(3), "{errors}");
    assert!(table.starts_with("status: S0 ") && table.ends_with("S1 silent\nstatus: S2 silent\n"), "{table}");
    let message =
        "error: 1 of 3 sites answered within 2s, and nothing is agreed on without 2: no answer from S1 at";
    assert!(errors.starts_with(message), "{errors}");
    let errors = cluster.fail("$site status --config $config --site 3", 2);
    assert!(errors.contains("there is no site 3 in") && errors.contains("--site is 0 to 2"), "{errors}");
}

/// The standard error of the script, which must be one line of JSON with this kind and code.
#[track_caller]
fn json_error(cluster: &Cluster, script: &str, kind: &str, code: i32) -> Value {
    let errors = cluster.fail(script, code);
    assert_eq!(errors.lines().count(), 1, "{script}: {errors}");
    let object: Value = serde_json::from_str(&errors).unwrap();
    assert_eq!(
        (object["error"].as_str(), object["code"].as_i64()),
        (Some(kind), Some(code.into())),
        "{object}"
    );
    assert!(object["message"].is_string(), "{object}");
    object
}

#[test]
fn an_error_under_json_is_an_object_on_one_line_of_standard_error() {
    let mut cluster = Cluster::init("json-errors");
    let asked = ["log", "blocks", "status", "view bob", "tweet ann hi", "block ann bob", "unblock ann bob"];
    for words in asked {
        let script = format!("$site {words} --config $config --json --timeout 300ms");
        let object = json_error(&cluster, &script, "no_answer", 3);
        assert!(object["help"].as_str().unwrap().starts_with("are the sites running"), "{object}");
        json_error(&cluster, &format!("$site {words} --json"), "usage", 2);
        let wrong = format!(
            "sed 's/sync:/snyc:/' $config > $dir/wrong.ron; $site {words} --config $dir/wrong.ron --json"
        );
        let object = json_error(&cluster, &wrong, "config", 2);
        assert!(object["message"].as_str().unwrap().starts_with("unknown field `snyc`"), "{object}");
        assert!(object["file"].as_str().unwrap().ends_with("wrong.ron"), "{object}");
        assert!(object["line"].as_u64() > Some(1) && object["column"].as_u64() == Some(5), "{object}");
        assert!(object["help"].as_str().unwrap().contains("did you mean `sync`?"), "{object}");
        let exposed = format!("chmod 644 $dir/client.key; $site {words} --config $config --json");
        json_error(&cluster, &exposed, "usage", 2);
        cluster.succeed("chmod 600 $dir/client.key");
    }
    json_error(&cluster, "$site bench --json --sites 0", "usage", 2);
    json_error(&cluster, "$site tweet --config $config --json a.b hello", "usage", 2);
    cluster.start(&[0]);
    json_error(&cluster, "$site status --config $config --json --timeout 1s", "no_quorum", 3);
    let help = cluster.succeed("$site log --json --help");
    assert!(help.contains("Usage: site log"), "help is no error: {help}");
}

#[test]
fn the_log_as_json_has_a_field_for_each_thing() {
    let mut cluster = Cluster::init("json-log");
    cluster.start(&[0, 1, 2]);
    cluster
        .succeed("$site tweet --config $config ann 'hello; \"you\"' && $site block --config $config ann bob");
    let log: Value = serde_json::from_str(&cluster.succeed("$site log --config $config --json")).unwrap();
    let lines = log.as_array().unwrap();
    let of_kind = |kind: &str| lines.iter().find(|line| line["kind"] == kind).unwrap();
    let (opening, tweet, block) = (of_kind("open"), of_kind("tweet"), of_kind("block"));
    assert!(opening["nonce"].as_str().unwrap().parse::<u64>().is_ok(), "{opening}");
    assert_eq!((&tweet["user"], &tweet["text"]), (&"ann".into(), &"hello; \"you\"".into()), "{tweet}");
    assert_eq!((&block["user"], &block["whom"]), (&"ann".into(), &"bob".into()), "{block}");
    for line in lines {
        let (slot, index) = (line["slot"].as_u64().unwrap(), line["index"].as_u64().unwrap());
        assert_eq!(line["at"], format!("{slot}.{index}"));
        assert!(line["client"].as_str().unwrap().starts_with('C') && line["by"] == "client", "{line}");
    }
    assert_eq!(tweet["session"], opening["at"], "{tweet}");
    assert_eq!((tweet["number"].as_u64(), tweet["is_last"].as_bool()), (Some(1), Some(true)), "{tweet}");
}

#[test]
fn a_client_reads_what_became_of_datagrams_at_a_site_without_a_terminal() {
    let mut cluster = Cluster::init("counters");
    cluster.start(&[0, 1]);
    // A datagram that does not belong to the cluster.
    let address = cluster.succeed("grep -o '127.0.0.1:[0-9]*' $config | head -1");
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"garbage", address.trim()).unwrap();
    let text = cluster.succeed("$site status --config $config --site 0 --counters");
    let counters = text.lines().find(|line| line.starts_with("datagrams: S0 received=")).unwrap();
    assert!(counters.contains(" sent=") && counters.contains(" version=1"), "{counters}");
    let json = cluster.succeed("$site status --config $config --counters --json --timeout 1s");
    let sites: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(sites[0]["datagrams"]["dropped"]["version"], 1, "{sites}");
    assert!(sites[1]["datagrams"]["received"].as_u64() > Some(0), "{sites}");
    assert!(sites[2]["datagrams"].is_null() && sites[2]["is_silent"] == true, "{sites}");
    let without: Value =
        serde_json::from_str(&cluster.succeed("$site status --config $config --json --timeout 1s")).unwrap();
    assert!(without[0]["datagrams"].is_null() && without[0]["phase"].is_string(), "{without}");
}

#[test]
fn shells_are_given_what_completes_commands_and_flags() {
    let cluster = Cluster::init("completions");
    let offered = r#"source <($site completions bash)
        COMP_WORDS=(site stat); COMP_CWORD=1; _site site stat site; echo ${COMPREPLY[@]}
        COMP_WORDS=(site status --cou); COMP_CWORD=2; _site site --cou status; echo ${COMPREPLY[@]}"#;
    assert_eq!(cluster.succeed(offered), "status\n--counters\n");
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = cluster.succeed(&format!("$site completions {shell}"));
        assert!(script.contains("client-key") && script.contains("linearizable"), "{shell}: {script}");
        assert!(!script.contains("bench-part"), "{shell}: {script}");
        cluster.succeed(&format!("set -o pipefail; $site completions {shell} | head -1"));
    }
    let errors = cluster.fail("$site completions csh", 2);
    assert!(errors.contains("bash") && errors.contains("fish"), "{errors}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_bench_that_is_interrupted_leaves_neither_sites_nor_folders() {
    let cluster = Cluster::init("interrupted-bench");
    let left = cluster.succeed(
        "mkdir $dir/bench
        $site bench --sites 1 --outstanding 1 --milliseconds 600000 --dir $dir/bench >/dev/null 2>&1 & bench=$!
        until ls $dir/bench/*/*-1-1200/site-0 >/dev/null 2>&1; do sleep 0.1; done
        sleep 1
        kill -TERM $bench
        wait $bench || echo ended with $?
        ls $dir/bench
        grep -l $dir/benc[h]/ /proc/[0-9]*/cmdline 2>/dev/null || echo nothing runs",
    );
    assert_eq!(left, "ended with 143\nnothing runs\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_bench_that_loses_a_site_says_so() {
    let cluster = Cluster::init("bench-without-a-site");
    let errors = cluster.fail(
        "mkdir $dir/bench
        $site bench --sites 3 --outstanding 1 --milliseconds 5000 --dir $dir/bench & bench=$!
        until ls $dir/bench/*/bare-Runs-3-1200 >/dev/null 2>&1; do sleep 0.1; done
        sleep 1
        for file in /proc/[0-9]*/cmdline; do
            if tr '\\0' ' ' <$file 2>/dev/null | grep -q \"$dir/benc[h]/.*/ours-3-1200/sites.ron --id 2 \"; then
                kill -KILL $(basename $(dirname $file))
            fi
        done
        wait $bench",
        1,
    );
    assert!(errors.contains("site 2 has ended meanwhile: signal: 9 (SIGKILL)"), "{errors}");
}

#[test]
fn what_a_bench_cannot_measure_is_refused() {
    let cluster = Cluster::init("refused-bench");
    for (flags, why) in [
        ("--sites 3,1,3", "--sites names 3 twice"),
        ("--datagrams 1200,1200", "--datagrams names 1200 twice"),
        ("--forwarding --sites 1,3", "--forwarding asks a site that does not lead; name two or more"),
    ] {
        let errors = cluster.fail(&format!("$site bench {flags}"), 2);
        assert!(errors.contains(why), "{flags}: {errors}");
    }
}
