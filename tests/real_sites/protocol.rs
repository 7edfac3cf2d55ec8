//! A protocol of sites on the real host: a socket, a clock and files instead of the simulator.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use aviary::frame::DATAGRAM_DEFAULT;
use aviary::journal::{Identity, Journal, JournalConfig};
use aviary::outbox::SyncMode;
use aviary::prelude::*;
use aviary::protocol::SitesConfig;
use aviary::udp::{Files, Host, HostSettings, Key, Keys, OffloadSocket};

/// One site that adds numbers up.
#[derive(Clone, Debug)]
struct Counter {
    count: u64,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Command {
    Add { at: Target, number: u64 },
}

impl Protocol for Counter {
    type Message = ();
    type Command = Command;
    type Answer = u64;
    type Record = u64;

    fn start(start: Start<u64>) -> Counter {
        Counter { count: start.records.iter().sum() }
    }

    fn handle(&mut self, _now: Instant, input: SiteInput<Counter>, effects: &mut SiteEffects<'_, Counter>) {
        let SiteInput::Command { call, command: Command::Add { number, .. } } = input else { return };
        self.count += number;
        effects.append(number);
        effects.answer(call, self.count);
    }

    fn converged(_cluster: &SitesOf<'_, Counter>) -> Result<(), String> {
        Ok(())
    }
}

const CLUSTER: u64 = 7;

type CounterHost = Host<Sites<Counter>, Files, OffloadSocket>;

fn start(folder: &Path, seed: u64) -> CounterHost {
    let socket = OffloadSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let settings = HostSettings {
        cluster: CLUSTER,
        configuration: 0,
        me: SiteId::new(0).unwrap(),
        addresses: vec![socket.local_addr().unwrap()],
        config: SitesConfig { sites: SiteSet::first(1), retry: Duration::from_secs(2), variant: "" },
        record_max: JournalConfig::default().record_max,
        datagram_max: DATAGRAM_DEFAULT,
        keys: Keys { sites: Some(Key::from_bytes([1; 32])), ..Keys::default() },
        outbox_max: 1 << 20,
        sync_mode: SyncMode::Overlapped,
        seed: Seed(seed),
    };
    Host::start(settings, socket, Files::open(folder).unwrap()).unwrap()
}

/// The answer that the terminal gets.
fn ask(host: &mut CounterHost, number: u64) -> u64 {
    host.command(Command::Add { at: Target::Terminal(0), number }.into());
    for _ in 0..1_000 {
        host.turn(Some(host.now() + Duration::from_millis(50))).unwrap();
        let answered = |(_, note)| match note {
            SitesNote::Answered { answer, .. } => Some(answer),
            _ => None,
        };
        if let Some(answer) = host.take_notes().into_iter().find_map(answered) {
            return answer;
        }
    }
    panic!("no answer came to {number}");
}

#[test]
fn a_protocol_of_sites_runs_on_the_real_host_and_keeps_what_it_answered() {
    let folder = std::env::temp_dir().join(format!("aviary-udp-protocol-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let identity = Identity { cluster: CLUSTER, process: ProcessId::site(0) };
    Journal::format(&mut Files::open(&folder).unwrap(), &identity, &JournalConfig::default()).unwrap();
    let mut host = start(&folder, 1);
    assert_eq!((ask(&mut host, 3), ask(&mut host, 4)), (3, 7));
    host.stop().unwrap();
    assert_eq!(ask(&mut start(&folder, 2), 5), 12);
    std::fs::remove_dir_all(&folder).unwrap();
}
