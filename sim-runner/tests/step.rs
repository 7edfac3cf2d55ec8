//! The built program's debugger: who is let in, what is done by hand, and what is saved.
#![cfg(all(feature = "http", feature = "tweets", unix))]
#![expect(clippy::unwrap_used, reason = "a test fails where anything is amiss")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};

const QUIET: &str = r#"Scenario(about: "All is quiet.", seed: 3, sites: 3, leader: 0,
    network: (latency: Constant("10ms")),
    steps: [At("1s", Tweet(site: 0, user: "ann", text: "hello"))],
    expect: [Converges(within: "10s"), View(site: 1, user: "bob", sees: ["ann: hello"])])"#;

/// An empty folder of this test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("step").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("quiet.ron"), QUIET).unwrap();
    folder
}

fn runner(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim-runner"));
    command.current_dir(folder).args(args).env_remove("SIM_RUNNER_SEED").env_remove("CLICOLOR_FORCE");
    command
}

/// The exit code and both outputs of a command that ends by itself.
fn ended(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = runner(folder, args).stdin(Stdio::null()).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A running `step`.
struct Stepping {
    child: Child,
    out: BufReader<ChildStdout>,
    /// `127.0.0.1:PORT`
    host: String,
    /// `/TOKEN/`
    path: String,
    /// The fingerprint of the run that is shown.
    run: String,
}

impl Stepping {
    fn start(folder: &Path, args: &[&str]) -> Stepping {
        let mut command = runner(folder, &[&["step"], args].concat());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let rest = line.trim_end().strip_prefix("http://").unwrap();
        let (host, path) = rest.split_at(rest.find('/').unwrap());
        let (host, path) = (host.to_owned(), path.to_owned());
        Stepping { child, out, host, path, run: String::new() }
    }

    /// The status and the body that come back for this head and body.
    fn sent(&self, head: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        write!(stream, "{head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn ask(&mut self, request: &Value) -> Value {
        let Stepping { host, path, run, .. } = &*self;
        let head = format!(
            "POST {path}ask HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/json"
        );
        let (status, body) = self.sent(&head, &json!({ "run": run, "request": request }).to_string());
        assert_eq!(status, 200, "{body}");
        let reply: Value = serde_json::from_str(&body).unwrap();
        if let Some(fingerprint) = reply["run"]["fingerprint"].as_str() {
            self.run = fingerprint.to_owned();
        }
        reply
    }

    /// Interrupts it. Returns the exit code and what it said after the address.
    fn interrupt(mut self) -> (i32, String) {
        let killed = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let code = self.child.wait().unwrap().code().unwrap();
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (code, rest)
    }
}

impl Drop for Stepping {
    fn drop(&mut self) {
        // Of a test that failed.
        let _ = self.child.kill();
    }
}

/// The fingerprint of a replay.
fn replayed(folder: &Path, file: &str) -> String {
    let (_, text, error) = ended(folder, &["replay", file, "--format", "json"]);
    let line: Value = serde_json::from_str(text.trim_end()).unwrap_or_else(|_| panic!("{text}{error}"));
    line["fingerprint"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_done_is_saved_and_replayed_with_the_same_fingerprint() {
    let folder = folder("saved");
    let mut stepping = Stepping::start(&folder, &["quiet.ron"]);
    stepping.run = replayed(&folder, "quiet.ron");
    let begun = stepping.ask(&json!({ "do": "begin" }));
    assert_eq!((begun["is"].as_str(), begun["pokes"].as_array().map(Vec::len)), (Some("begun"), Some(0)));
    assert!(begun["examples"][0].as_str().unwrap().starts_with("Tweet("), "{begun}");
    let run = stepping.ask(&json!({ "do": "poke", "event": 30, "action": "Crash(Site(0))" }));
    assert_eq!(run["is"], "run", "{run}");
    let event = run["event"].as_u64().unwrap();
    let view = stepping.ask(&json!({ "do": "look", "event": event }));
    assert_eq!(
        (&view["processes"][0]["id"], &view["processes"][0]["status"]),
        (&json!("S0"), &json!("down"))
    );
    let copies = view["under_way"].as_array().unwrap();
    let copy =
        copies.iter().find(|copy| copy["can"].as_array().is_some_and(|can| can.contains(&json!("lose"))));
    let lost = json!({ "do": "poke", "event": event, "copy": copy.unwrap()["copy"], "how": "lose" });
    let run = stepping.ask(&lost);
    assert_eq!((&run["is"], run["pokes"].as_array().map(Vec::len)), (&json!("run"), Some(2)), "{run}");
    let saved = stepping.ask(&json!({ "do": "save" }));
    assert_eq!((&saved["is"], &saved["path"]), (&json!("saved"), &json!("quiet.stepped.ron")), "{saved}");
    assert_eq!(saved["fingerprint"], json!(stepping.run));
    assert_eq!(replayed(&folder, "quiet.stepped.ron"), stepping.run);
    let begun = stepping.ask(&json!({ "do": "begin" }));
    assert_eq!(begun["pokes"], run["pokes"], "a page that is loaded again knows what was done");
    let (code, rest) = stepping.interrupt();
    assert!(code == 0 && rest.starts_with("saved in quiet.stepped.ron; "), "{code}: {rest}");
    // Its own file may be written again, and so may what another session saved.
    let mut again = Stepping::start(&folder, &["quiet.ron"]);
    again.run = replayed(&folder, "quiet.ron");
    assert_eq!(again.ask(&json!({ "do": "save" }))["is"], "saved");
    assert_eq!(replayed(&folder, "quiet.stepped.ron"), again.run);
}

#[test]
fn an_interrupt_says_what_is_not_saved() {
    let folder = folder("unsaved");
    let (code, rest) = Stepping::start(&folder, &["quiet.ron"]).interrupt();
    assert_eq!((code, rest.as_str()), (0, "nothing was done, and nothing saved\n"));
    let mut stepping = Stepping::start(&folder, &["quiet.ron", "-o", "x.ron"]);
    stepping.run = replayed(&folder, "quiet.ron");
    stepping.ask(&json!({ "do": "poke", "event": 9, "action": "Pause(Site(2))" }));
    assert_eq!(stepping.ask(&json!({ "do": "save" }))["is"], "saved");
    assert_eq!(stepping.ask(&json!({ "do": "undo" }))["is"], "run");
    stepping.ask(&json!({ "do": "poke", "event": 9, "action": "Crash(Site(2))" }));
    let (code, rest) = stepping.interrupt();
    assert_eq!(
        (code, rest.as_str()),
        (0, "x.ron holds an earlier state: what was done since then is not saved\n")
    );
}

#[test]
fn what_somebody_else_wrote_meanwhile_stays() {
    let folder = folder("meanwhile");
    let mut stepping = Stepping::start(&folder, &["quiet.ron"]);
    stepping.run = replayed(&folder, "quiet.ron");
    fs::write(folder.join("quiet.stepped.ron"), "my notes").unwrap();
    let reply = stepping.ask(&json!({ "do": "save" }));
    assert!(reply["is"] == "refused" && reply.to_string().contains("has not saved it"), "{reply}");
    assert_eq!(fs::read_to_string(folder.join("quiet.stepped.ron")).unwrap(), "my notes");
    assert_eq!(stepping.interrupt(), (0, "nothing was done, and nothing saved\n".to_owned()));
}

#[test]
fn of_two_sessions_with_one_file_none_overwrites_the_other() {
    let folder = folder("two");
    let (mut one, mut other) =
        (Stepping::start(&folder, &["quiet.ron"]), Stepping::start(&folder, &["quiet.ron"]));
    for (stepping, site) in [(&mut one, 1), (&mut other, 2)] {
        stepping.run = replayed(&folder, "quiet.ron");
        stepping.ask(&json!({ "do": "poke", "event": 9, "action": format!("Pause(Site({site}))") }));
    }
    assert_eq!(one.ask(&json!({ "do": "save" }))["is"], "saved");
    let reply = other.ask(&json!({ "do": "save" }));
    assert!(reply["is"] == "refused" && reply.to_string().contains("has changed since"), "{reply}");
    assert_eq!(one.ask(&json!({ "do": "save" }))["is"], "saved", "what it saved itself has not changed");
    assert_eq!(replayed(&folder, "quiet.stepped.ron"), one.run);
}

#[test]
fn a_session_that_was_given_up_early_is_replayed_so() {
    let folder = folder("bounded");
    let bound = ["--events-max", "60", "--format", "json"];
    let end = |args: &[&str]| {
        let (_, text, _) = ended(&folder, &[args, &bound].concat());
        serde_json::from_str::<Value>(text.trim_end()).unwrap()["fingerprint"].as_str().unwrap().to_owned()
    };
    let mut stepping = Stepping::start(&folder, &["quiet.ron", "--events-max", "60"]);
    stepping.run = end(&["replay", "quiet.ron"]);
    let saved = stepping.ask(&json!({ "do": "save" }));
    assert!(saved["replay"].as_str().unwrap().ends_with("quiet.stepped.ron --events-max 60"), "{saved}");
    assert_eq!(end(&["replay", "quiet.stepped.ron"]), stepping.run);
    assert_ne!(replayed(&folder, "quiet.stepped.ron"), stepping.run, "the bound was never reached");
}

#[test]
fn a_seed_and_a_planted_bug_are_in_what_is_saved() {
    let folder = folder("seeded");
    let args = ["quiet.ron", "--seed", "11", "--saboteur", "forgets-promise"];
    let mut stepping = Stepping::start(&folder, &args);
    let (_, text, _) = ended(
        &folder,
        &["replay", "quiet.ron", "--seed", "11", "--saboteur", "forgets-promise", "--format", "json"],
    );
    let first: Value = serde_json::from_str(text.trim_end()).unwrap();
    stepping.run = first["fingerprint"].as_str().unwrap().to_owned();
    let saved = stepping.ask(&json!({ "do": "save" }));
    assert_eq!(saved["is"], "saved", "{saved}");
    assert!(
        saved["replay"].as_str().unwrap().ends_with("replay quiet.stepped.ron --saboteur forgets-promise")
    );
    let again =
        ended(&folder, &["replay", "quiet.stepped.ron", "--saboteur", "forgets-promise", "--format", "json"]);
    let again: Value = serde_json::from_str(again.1.trim_end()).unwrap();
    assert_eq!((&again["fingerprint"], &again["verdict"]), (&first["fingerprint"], &first["verdict"]));
}

#[test]
fn nobody_else_is_let_in_or_told_anything() {
    let folder = folder("refused");
    let stepping = Stepping::start(&folder, &["quiet.ron"]);
    let (host, path) = (&stepping.host, &stepping.path);
    let body = json!({ "run": "", "request": { "do": "begin" } }).to_string();
    let json = "Content-Type: application/json";
    for head in [
        format!("GET / HTTP/1.1\r\nHost: {host}"),
        format!("GET /{} HTTP/1.1\r\nHost: {host}", "A".repeat(path.len() - 1)),
        format!("GET {path} HTTP/1.1\r\nHost: rebound.example"),
        format!("GET {path} HTTP/1.1\r\nHost: localhost:{}", host.split(':').next_back().unwrap()),
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example"),
        format!("POST {path}ask HTTP/1.1\r\nHost: {host}\r\n{json}"),
        format!("POST {path}ask HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example\r\n{json}"),
        format!("POST {path}ask HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n{json}"),
        format!("POST /ask HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{json}"),
        format!("OPTIONS {path}ask HTTP/1.1\r\nHost: {host}\r\nOrigin: http://evil.example"),
    ] {
        assert_eq!(stepping.sent(&head, &body), (403, String::new()), "{head}");
    }
    let (status, page) = stepping.sent(&format!("GET {path} HTTP/1.1\r\nHost: {host}"), "");
    assert!(status == 200 && page.starts_with("<!doctype html>") && page.contains("connect-src 'self'"));
}

#[test]
fn wrong_requests_are_refused_with_what_helps() {
    let folder = folder("wrong");
    let mut stepping = Stepping::start(&folder, &["quiet.ron"]);
    let refusal = |reply: Value| {
        assert_eq!(reply["is"], "refused", "{reply}");
        reply["problems"][0]["message"].as_str().unwrap().to_owned()
    };
    let look = json!({ "do": "look", "event": 1 });
    assert!(refusal(stepping.ask(&look)).contains("another window"));
    stepping.run = replayed(&folder, "quiet.ron");
    assert_eq!(stepping.ask(&look)["is"], "view");
    assert!(refusal(stepping.ask(&json!({ "do": "dance" }))).contains("dance"));
    assert!(refusal(stepping.ask(&json!(["save"]))).contains("unknown"));
    assert!(refusal(stepping.ask(&json!({ "do": "save", "as": "other.ron" }))).contains("unknown"));
    let action = json!({ "do": "poke", "event": 1, "action": "Crsh(Site(0))" });
    assert!(refusal(stepping.ask(&action)).contains("Crsh"), "{:?}", stepping.ask(&action));
}

#[test]
fn what_is_wrong_is_said_before_anything_listens() {
    let folder = folder("files");
    fs::write(folder.join("bad.ron"), QUIET.replace("Tweet", "Twet")).unwrap();
    let (code, text, error) = ended(&folder, &["step", "bad.ron"]);
    assert!(
        code == 2 && text.is_empty() && error.contains("bad.ron:3:") && error.contains("`Tweet`"),
        "{text}{error}"
    );
    fs::write(folder.join("notes.ron"), "my notes").unwrap();
    let (code, text, error) = ended(&folder, &["step", "quiet.ron", "-o", "notes.ron"]);
    assert!(code == 2 && text.is_empty() && error.contains("`step` has not saved it"), "{text}{error}");
    let (code, _, error) = ended(&folder, &["step", "quiet.ron", "-o", "quiet.ron"]);
    assert!(code == 2 && error.contains("is what is stepped through"), "{error}");
    let (code, _, error) = ended(&folder, &["step", "quiet.ron", "-o", "none/x.ron"]);
    assert!(code == 2 && error.contains("failed to write none/x.ron"), "{error}");
    let (code, _, error) = ended(&folder, &["step", "quiet.ron", "--saboteur", "forgets-promis"]);
    assert!(code == 2 && error.contains("forgets-promise"), "{error}");
    assert_eq!(fs::read_to_string(folder.join("notes.ron")).unwrap(), "my notes");
}
