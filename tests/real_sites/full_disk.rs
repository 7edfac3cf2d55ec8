//! A real site whose disk is full reports that and continues when there is room: on a file system of 16 MiB in a mount
//! namespace of its own. Skipped, with the reason, where a program may not create one.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use aviary::replicated::sites_ron::Sites;
use aviary::time::Duration;
use aviary::tweets::client::{Client, ClientError, ClientOptions};
use aviary::udp::ClientKey;

use crate::{SITE, may_mount, pause, ports};

/// Creates a small file system with a cluster of one site, copies for the client next to it, and runs the site.
const SCRIPT: &str = r#"set -e
mount -t tmpfs -o size=16m tmpfs "$1/disk"
"$0" init --sites 1 --base-port "$2" --dir "$1/disk/cluster" >/dev/null
cp "$1/disk/cluster/sites.ron" "$1/disk/cluster/client.key" "$1"
exec "$0" run --config "$1/disk/cluster/sites.ron" --id 0 --headless"#;

/// More tweets than fit into the segment that the site writes and the one that it has reserved.
const TWEETS_MAX: usize = 20_000;

struct Small {
    folder: PathBuf,
    site: Child,
}

impl Small {
    fn start() -> Small {
        let folder = std::env::temp_dir().join(format!("aviary-full-disk-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("disk")).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", SCRIPT, SITE]);
        command.arg(&folder).arg(ports(1)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Small { site: command.spawn().unwrap(), folder }
    }

    /// A file on the small file system, seen from outside its namespace.
    fn filler(&self) -> PathBuf {
        let disk = self.folder.join("disk/filler");
        let inside = disk.strip_prefix("/").unwrap();
        PathBuf::from(format!("/proc/{}/root", self.site.id())).join(inside)
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let mut file = OpenOptions::new().create_new(true).write(true).open(self.filler()).unwrap();
        while file.write_all(&[1; 4_096]).is_ok() {}
    }

    fn client(&self, patience: Duration) -> Client {
        let sites = Sites::read(&self.folder.join("sites.ron")).unwrap();
        let key = ClientKey::read(&self.folder.join("client.key")).unwrap();
        Client::start(&sites, key, &ClientOptions { patience, ..ClientOptions::default() }).unwrap()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = self.site.kill();
        let _ = self.site.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_full_disk_refuses_what_comes_and_keeps_what_it_has_until_there_is_room() {
    if !may_mount() {
        return;
    }
    let small = Small::start();
    for _ in 0..300 {
        if small.folder.join("client.key").exists() {
            break;
        }
        pause(100);
    }
    let mut client = small.client(Duration::from_secs(20));
    let (ann, text) = ("ann".parse().unwrap(), "🐦".repeat(200));
    let tweet = |client: &mut Client, n: usize| {
        client.tweet("ann".parse().unwrap(), format!("{n} {}", &text[..text.len() - 32]).parse().unwrap())
    };
    tweet(&mut client, 0).unwrap();
    small.fill();
    // The site has a segment in reserve, and uses it up first.
    let mut impatient = small.client(Duration::from_millis(1_500));
    let refused = (1..TWEETS_MAX).find_map(|n| tweet(&mut impatient, n).err().map(|error| (n, error)));
    let (mut first_refused, mut error) = refused.expect("a disk of 16 MiB is full at some time");
    if let ClientError::NoAnswer { last: None, .. } = error {
        // The site took this tweet just before. It waits for room, and the next request is refused.
        impatient = small.client(Duration::from_millis(1_500));
        first_refused += 1;
        error = tweet(&mut impatient, first_refused).unwrap_err();
    }
    let ClientError::NoAnswer { last, .. } = &error else { panic!("{error}") };
    assert_eq!(last.as_deref(), Some("finds S0 busy: its disk is nearly full"), "{error}");
    // The site still shows what it has.
    assert_eq!(impatient.view(ann, 3).unwrap().tweets.len(), 3);
    fs::remove_file(small.filler()).unwrap();
    tweet(&mut client, first_refused).unwrap();
    let shown = client.view_linearizable("bob".parse().unwrap(), 2, None).unwrap();
    assert!(shown.tweets[0].text.as_str().starts_with(&format!("{first_refused} ")), "{shown:?}");
}
