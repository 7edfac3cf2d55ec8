//! The recording of a real site that is killed in the middle replays the same without sockets, disks and clocks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aviary::recording::{File, PlayFailure, Player, Refusal, put_preface};
use aviary::replicated::sites_ron::Sites;
use aviary::time::Duration;
use aviary::tweets::client::{Client, ClientOptions};
use aviary::tweets::site::Participant;
use aviary::udp::ClientKey;

use crate::{SITE, pause, ports};

/// A folder that is removed when this is dropped, and the processes in it.
struct Scratch(PathBuf, Vec<Child>);

impl Drop for Scratch {
    fn drop(&mut self) {
        for child in &mut self.1 {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(dir: &Path) -> Child {
    let (config, record) = (dir.join("sites.ron"), dir.join("recording"));
    let arguments = ["run", "--config", config.to_str().unwrap(), "--id", "0", "--headless", "--record"];
    let mut command = Command::new(SITE);
    command.args(arguments).arg(record).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().unwrap()
}

/// Waits longer than a recorder does before it writes.
fn recorded(dir: &Path) -> Vec<Vec<u8>> {
    let files = fs::read_dir(dir.join("recording")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn play(files: &[Vec<u8>]) -> Result<u64, PlayFailure> {
    let mut player = Player::<Participant>::default();
    for bytes in files {
        let act = |act: &mut dyn FnMut()| {
            act();
            Ok(())
        };
        player.play(bytes, &act, None)?;
    }
    Ok(player.tally().outputs)
}

#[test]
fn a_site_killed_and_restarted_is_played_again_bit_for_bit() {
    let dir = std::env::temp_dir().join(format!("aviary-recording-{}", std::process::id()));
    let _ = fs::remove_dir_all(&dir);
    let mut scratch = Scratch(dir.clone(), Vec::new());
    let init = ["init", "--sites", "1", "--base-port", &ports(1), "--dir", dir.to_str().unwrap()];
    assert!(Command::new(SITE).args(init).output().unwrap().status.success());
    let sites = Sites::read(&dir.join("sites.ron")).unwrap();
    for life in 0..2 {
        scratch.1.push(run(&dir));
        let key = ClientKey::read(&dir.join("client.key")).unwrap();
        let options = ClientOptions { patience: Duration::from_secs(30), ..ClientOptions::default() };
        let mut client = Client::start(&sites, key, &options).unwrap();
        for n in 0..20 {
            client.tweet("ann".parse().unwrap(), format!("{life} {n}").parse().unwrap()).unwrap();
        }
        assert!(client.view_linearizable("bob".parse().unwrap(), 20, None).is_ok());
        pause(500);
        // As with `kill -9`: unwritten entries are missing at the end, but nothing before them.
        let mut child = scratch.1.pop().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let files = recorded(&dir);
    assert!(play(&files).unwrap() > 20);
    // An entry with a wrong byte is refused, or ends the file as a crash does; it is never replayed.
    let mut damaged = files.clone();
    let middle = damaged[0].len() / 2;
    damaged[0][middle] ^= 1;
    assert!(play(&damaged[..1]).map_or(0, |outputs| outputs) < play(&files[..1]).unwrap());
    // A recording of other code.
    let mut header = File::header_of(&files[0]).unwrap();
    header.code = "0.0.0 of somebody else".into();
    let mut foreign = Vec::new();
    put_preface(&mut foreign, &header);
    let refused = play(&[foreign]).unwrap_err();
    assert!(matches!(refused, PlayFailure::Refused(Refusal::Code { .. })), "{refused}");
}
