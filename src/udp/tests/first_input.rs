//! The input that a process asks for directly after its start, on the real host and in a recording.

use super::*;
use crate::process::Savable;
use crate::recording::Player;
use crate::wire::Wire;

/// A process that appends and sends while it is built.
#[derive(Clone, Debug)]
struct Builder {
    id: ProcessId,
    is_built: bool,
    before: Vec<Fact>,
}

impl Process for Builder {
    type Message = Word;
    type Record = Fact;
    type Note = NoNote;
    type Command = u64;
    type Config = u64;

    const TAKES_STARTED: bool = true;

    fn start(_: &u64, id: ProcessId, _: Seed, recovered: Recovered<Fact>) -> Result<Builder, Damage> {
        Ok(Builder { id, is_built: false, before: recovered.records })
    }

    fn handle(&mut self, _: Instant, input: Input<Builder>, effects: &mut Effects<Builder>) {
        assert_eq!(matches!(input, Input::Started), !self.is_built, "{} takes {input:?}", self.id);
        self.is_built = true;
        if matches!(input, Input::Started) && self.id.as_site().is_some() {
            let number = self.before.len() as u64 + 1;
            effects.append(&Fact(number));
            effects.send(ProcessId::site(1), &Word::Kept { number });
        }
    }
}

impl Savable for Builder {
    const CODE: &'static str = "builder";

    fn save(&self, out: &mut Vec<u8>) {
        self.is_built.encode(out);
        self.before.encode(out);
    }

    fn load(_: &u64, id: ProcessId, bytes: &[u8]) -> Result<Builder, WireError> {
        let (is_built, before) = Wire::from_bytes(bytes)?;
        Ok(Builder { id, is_built, before })
    }
}

#[test]
fn a_process_that_asks_for_it_sends_and_appends_while_it_is_built() {
    let (disk, records) = (Scratch::new("built"), Scratch::new("built-records"));
    format(&disk.0);
    let peer = StdSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    peer.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    for start in 1..=2 {
        let socket = socket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let settings = HostSettings {
            configuration: 0,
            cluster: CLUSTER,
            me: SiteId::new(0).unwrap(),
            addresses: vec![socket.local_addr().unwrap(), peer.local_addr().unwrap()],
            config: 0,
            record_max: RECORD,
            datagram_max: DATAGRAM,
            keys: keys(),
            outbox_max: 1 << 20,
            sync_mode: SyncMode::Blocking,
            seed: Seed(1),
        };
        let site = ProcessId::site(0);
        let recorder =
            RecorderSettings { folder: records.0.clone(), bytes_max: 16 << 20, cluster: CLUSTER, site };
        let recorder = Recorder::open(recorder).unwrap();
        let files = Files::open(&disk.0).unwrap();
        // Nobody takes a turn of the host: what the first input asked for is done when the host has started.
        let host = Host::<Builder, _, _>::start_recorded(settings, socket, files, Some(recorder)).unwrap();
        let mut bytes = [0; 2_000];
        let length = peer.recv(&mut bytes).unwrap();
        assert_eq!(words(&bytes[..length]).1, [Word::Kept { number: start }]);
        assert_eq!(host.site().before.len() as u64, start - 1);
        host.stop().unwrap();
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir(&records.0).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut player = Player::<Builder>::default();
    let catch = |act: &mut dyn FnMut()| {
        act();
        Ok(())
    };
    for file in files {
        player.play(&fs::read(file).unwrap(), &catch, None).unwrap();
    }
    let tally = player.tally();
    assert_eq!(tally.inputs.get("first inputs"), Some(&4), "{tally:?}");
}
