//! The program `site` on a terminal: the test holds the other end of a pseudo-terminal.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};

use rustix::pty::OpenptFlags;
use rustix::termios::{self, Termios, Winsize};

use crate::cluster::{Cluster, SITE, pause};

/// A program on a terminal of 24 rows. Dropping this kills it.
struct Terminal {
    master: File,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    before: Termios,
    /// The folder of its temporary files.
    temporary: PathBuf,
}

impl Terminal {
    /// Starts `site` with these words and these variables; `name` is the test's.
    fn start(name: &str, words: &[&str], variables: &[(&str, &str)]) -> Terminal {
        let temporary = std::env::temp_dir().join(format!("aviary-terminal-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&temporary);
        fs::create_dir_all(&temporary).unwrap();
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let slave = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let slave: OwnedFd =
            File::options().read(true).write(true).open(slave.to_str().unwrap()).unwrap().into();
        termios::tcsetwinsize(&master, size(24)).unwrap();
        let before = termios::tcgetattr(&slave).unwrap();
        let mut command = Command::new(SITE);
        command
            .args(words)
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .env_remove("CI")
            .env("TMPDIR", &temporary);
        command.envs(variables.iter().copied());
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        let child = command.spawn().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (master, sink) = (File::from(master), shown.clone());
        let mut output = master.try_clone().unwrap();
        let read = move || {
            let mut bytes = [0; 4_096];
            // Reading fails once no process has the other end open.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                sink.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        };
        std::thread::Builder::new().spawn(read).unwrap();
        Terminal { master, child, shown, before, temporary }
    }

    /// Starts a cluster of one site, and returns once it accepts lines.
    fn local(name: &str, variables: &[(&str, &str)]) -> Terminal {
        let terminal = Terminal::start(name, &["local", "--sites", "1"], variables);
        terminal.await_text("1 sites; `help` lists the words");
        terminal
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn await_text(&self, text: &str) {
        self.await_count(text, 1);
    }

    #[track_caller]
    fn await_count(&self, text: &str, count: usize) {
        for _ in 0..2_000 {
            if self.shown().matches(text).count() >= count {
                return;
            }
            pause(10);
        }
        panic!("{text:?} is not shown {count} times in 20 s: {:?}", self.shown());
    }

    /// Types or pastes the whole text at once.
    fn put(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    fn signal(&self, name: &str) {
        self.signal_often(name, 1);
    }

    /// Sends this many signals at once.
    fn signal_often(&self, name: &str, count: usize) {
        let ids = vec![self.child.id().to_string(); count];
        assert!(Command::new("kill").arg(name).args(ids).status().unwrap().success());
    }

    #[track_caller]
    fn ends(&mut self) -> ExitStatus {
        for _ in 0..2_000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            pause(10);
        }
        panic!("it has not ended in 20 s: {:?}", self.shown());
    }

    /// Whether keys are echoed and lines are edited as before the program began.
    fn is_restored(&self) -> bool {
        let found = termios::tcgetattr(&self.master).unwrap();
        let modes = |it: &Termios| (it.input_modes, it.output_modes, it.local_modes);
        modes(&found) == modes(&self.before)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

fn size(rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }
}

#[test]
fn every_pasted_line_is_done_marked_as_a_paste_or_not() {
    let lines: String = (0..200).map(|n| format!("\ttweet ann number {n}\r")).collect();
    for (name, text) in [("plain", lines.clone()), ("marked", format!("\x1b[200~{lines}\x1b[201~"))] {
        let mut terminal = Terminal::local(name, &[]);
        terminal.put(&text);
        terminal.await_count("S0: tweeted at ", 200);
        terminal.put("view bob 1000\rquit\r");
        assert_eq!(terminal.ends().code(), Some(0));
        terminal.await_text("S0: (200 tweets)");
        assert!(terminal.is_restored(), "{name}");
    }
}

#[test]
fn a_site_does_every_pasted_line() {
    let cluster = Cluster::init("pasted");
    let config = cluster.dir.join("sites.ron");
    let words = ["run", "--id", "0", "--config", config.to_str().unwrap()];
    let mut terminal = Terminal::start("run", &words, &[]);
    terminal.await_text("S0 of 3 sites at ");
    terminal.put("sites\rsites\rsites\rquit\r");
    assert_eq!(terminal.ends().code(), Some(0));
    terminal.await_count(" local (here)", 3);
    assert!(terminal.is_restored());
}

#[test]
fn a_dumb_terminal_has_its_lines_read_plainly() {
    for term in ["dumb", "DUMB", "emacs"] {
        let mut terminal = Terminal::local(term, &[("TERM", term)]);
        terminal.put("tweet ann hello\nview bob\nquit\n");
        assert_eq!(terminal.ends().code(), Some(0));
        let shown = terminal.shown();
        assert!(shown.contains("S0: ann: hello") && !shown.contains('\x1b'), "{term}: {shown:?}");
    }
}

#[test]
fn a_signal_ends_a_local_cluster_with_its_folder_and_gives_the_terminal_back() {
    for signal in ["-TERM", "-HUP", "-INT"] {
        let mut terminal = Terminal::local(signal, &[]);
        terminal.put("tweet ann hello\r");
        terminal.await_text("S0: tweeted at ");
        assert_eq!(fs::read_dir(&terminal.temporary).unwrap().count(), 1, "its folder");
        // Terminals that are closed may hang up more than once.
        terminal.signal_often(signal, if signal == "-HUP" { 3 } else { 1 });
        assert_eq!(terminal.ends().code(), Some(0), "{signal}");
        assert_eq!(fs::read_dir(&terminal.temporary).unwrap().count(), 0, "{signal}");
        assert!(terminal.is_restored(), "{signal}");
        assert!(terminal.shown().contains("\x1b[r\x1b[24;1H\x1b[2K"), "{signal}: all rows scroll again");
    }
}

#[test]
fn a_terminal_that_changes_its_size_goes_on_and_has_its_last_row_there() {
    let mut terminal = Terminal::local("resized", &[]);
    terminal.await_text("\x1b[1;23r");
    for rows in [30, 10, 40] {
        termios::tcsetwinsize(&terminal.master, size(rows)).unwrap();
        terminal.signal("-WINCH");
        terminal.await_text(&format!("\x1b[1;{}r", rows - 1));
        terminal.await_text(&format!("\x1b[{rows};1H"));
        terminal.put(&format!("tweet ann {rows}\r"));
    }
    terminal.await_count("S0: tweeted at ", 3);
    terminal.put("quit\r");
    assert_eq!(terminal.ends().code(), Some(0));
}

#[test]
fn colours_are_for_terminals_unless_it_is_said_otherwise() {
    let cluster = Cluster::init("colours");
    let wrong = cluster.dir.join("wrong.ron");
    cluster.succeed("sed 's/sync:/snyc:/' $config > $dir/wrong.ron");
    let check = |name: &str, words: &[&str], variables: &[(&str, &str)], expected: bool| {
        let mut terminal = Terminal::start(name, words, variables);
        assert!(!terminal.ends().success() || words.contains(&"--help"));
        // On some terminals the end of a program is seen before its last output.
        terminal.await_text("sync");
        let shown = terminal.shown();
        assert_eq!(shown.contains('\x1b'), expected, "{words:?} {variables:?}: {shown:?}");
    };
    let status = ["status", "--config", wrong.to_str().unwrap()];
    let with = |color| [&status[..], &["--color", color]].concat();
    check("auto", &status, &[], true);
    check("no-color", &status, &[("NO_COLOR", "1")], false);
    check("empty", &status, &[("NO_COLOR", "")], true);
    check("dumb-color", &status, &[("TERM", "dumb")], false);
    check("never", &with("never"), &[], false);
    check("always", &with("always"), &[("NO_COLOR", "1")], true);
    for (flags, expected) in [("", false), ("--color always", true), ("--color=never", false)] {
        let script = format!("$site {flags} status --config $dir/wrong.ron");
        assert_eq!(cluster.fail(&script, 2).contains('\x1b'), expected, "{script}");
        let script = format!("$site {flags} nonsense");
        assert_eq!(cluster.fail(&script, 2).contains('\x1b'), expected, "{script}");
        let script = format!("$site {flags} log --help");
        assert_eq!(cluster.succeed(&script).contains('\x1b'), expected, "{script}");
        // The site warns about that.
        let script = format!(
            "rm -f $dir/client-master.key; timeout 20 $site {flags} run --config $config --id 0 </dev/null"
        );
        let out = cluster.bash(&script);
        let logs = String::from_utf8(out.stderr).unwrap();
        assert!(out.status.success() && logs.contains("WARN"), "{script}: {logs}");
        assert_eq!(logs.contains('\x1b'), expected, "{script}: {logs}");
    }
}

#[test]
fn an_empty_variable_is_as_none() {
    let cluster = Cluster::init("empty-variable");
    let out = cluster.succeed("cd $dir && echo sites | TMPDIR= NO_COLOR= TERM= $site local --sites 1");
    assert!(out.contains("--config /tmp/aviary-"), "{out}");
}
