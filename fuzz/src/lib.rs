//! The function of each fuzz target. A function that returns has found nothing; a finding is a panic.
//!
//! Nothing here needs a fuzzer: `tests/fuzz_seeds.rs` of the main crate runs the same functions over the seeds.

mod files;
pub mod words;

use std::sync::LazyLock;

use aviary::frame::{self, Rejected, Sender};
use aviary::ids::{ProcessId, SiteId};
use aviary::journal::{Journal, JournalError};
use aviary::mix::Seed;
use aviary::process::{Recipients, Records, Recovered};
use aviary::scenario::{plan, read};
use aviary::sim::{ProcessStatus, TraceLevel, World, WorldSettings};
use aviary::time::{Duration, Instant};
use aviary::tweets::service::Timelines;
use aviary::tweets::site::{Config, Message, Participant, Record};
use aviary::wire::Wire;

pub use files::{IDENTITY, Image};

/// A datagram is rejected, or its messages do not decode, or they encode to the very same bytes.
pub fn datagram(bytes: &[u8]) {
    let _ = framed(bytes);
    // Sealed again, since a fuzzer does not find a right checksum by chance.
    if bytes.len() >= frame::FRAME_BYTES {
        let mut sealed = bytes.to_vec();
        frame::seal(&mut sealed);
        assert!(!matches!(framed(&sealed), Err(Rejected::Checksum)), "a sealed datagram has its checksum");
    }
}

fn framed(bytes: &[u8]) -> Result<(), Rejected> {
    let (header, messages) = frame::read(bytes)?;
    let Ok(messages) = messages.decode::<Message>() else { return Ok(()) };
    let mut again = Vec::new();
    frame::Head::new(&header.sender).begin(&mut again, header.to);
    for message in &messages {
        frame::put_message(&mut again, &message.to_bytes());
    }
    frame::seal(&mut again);
    assert!(again == bytes, "{header:?} with {messages:?} has two byte forms");
    let Sender { cluster, configuration, .. } = header.sender;
    let members = header.to.iter().collect::<Vec<_>>();
    for to in members {
        assert!(frame::open(bytes, cluster, configuration, to).is_ok(), "{to} is a recipient");
    }
    Ok(())
}

/// A record does not decode, or it encodes to the very same bytes. Those of older journals, whose first byte is 1 or 2,
/// encode to other bytes that are the same record.
pub fn record(bytes: &[u8]) {
    if let Ok(record) = Record::from_bytes(bytes) {
        let again = record.to_bytes();
        if matches!(bytes.first(), Some(1 | 2)) {
            assert!(
                Record::from_bytes(&again).as_ref() == Ok(&record),
                "{record:?} is read otherwise than it is written"
            );
        } else {
            assert!(again == bytes, "{record:?} has two byte forms");
        }
    }
}

/// A journal is refused with an error, or it opens; then it takes one more record and keeps all of them.
pub fn journal(bytes: &[u8]) {
    let Some(mut image) = Image::parse(bytes) else { return };
    opened(&image);
    image.mend();
    opened(&image);
}

fn opened(image: &Image) {
    let Some(mut disk) = image.disk() else { return };
    let Ok((mut journal, recovered)) = Journal::open(&mut disk, &IDENTITY) else { return };
    let _ = recovered.clone().decode::<Record>();
    let mut records = Records::default();
    records.push(b"x");
    match journal.append(&mut disk, &records) {
        Ok(_) => {}
        Err(JournalError::TooLarge { .. }) => return,
        Err(error) => {
            assert!(matches!(error, JournalError::Disk { .. }), "an open journal takes a record: {error}");
            return;
        }
    }
    while let Some(last) = journal.start_sync(&mut disk).expect("this disk does not fail") {
        while let Some(sync) = disk.next_started() {
            disk.finish(sync).expect("no fault is injected");
        }
        let durable = journal.on_synced(&mut disk, last).expect("this disk does not fail");
        assert_eq!(durable, journal.appended(), "a finished sync covers what was appended before it");
    }
    disk.crash(aviary::sim::Leaves::Nothing, 0);
    if recovered.incarnation == u64::MAX {
        // The header has a right checksum but the last incarnation, so none is left.
        return;
    }
    let (_, again) = Journal::open(&mut disk, &IDENTITY).expect("what opened once opens again");
    let Recovered { incarnation, records } = recovered;
    assert!(again.incarnation > incarnation, "{} is not above {incarnation}", again.incarnation);
    let expected: Vec<Vec<u8>> = records.into_iter().chain([b"x".to_vec()]).collect();
    assert!(again.records == expected, "{} records, expected {}", again.records.len(), expected.len());
}

/// A text is refused with a place in it, or it is a scenario that has a plan.
pub fn scenario(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    match read::<Timelines>("fuzz.ron", text) {
        Ok(scenario) => assert!(plan(&scenario).is_ok(), "what was checked when it was read has a plan"),
        Err(bad) => {
            let rendered = bad.render(false);
            assert!(rendered.contains("fuzz.ron:"), "no place is named: {rendered}");
        }
    }
}

/// Three sites, one of which leads, receive messages from clients, and run on.
///
/// No judge watches: the messages put into the network here were not sent by any process.
pub fn outsider(bytes: &[u8]) {
    static CALM: LazyLock<World<Participant, ()>> = LazyLock::new(calm);
    let mut world = CALM.clone();
    // Each piece is one message: recipient, sender, length, and bytes.
    let mut rest = bytes;
    while let [ends, length, behind @ ..] = rest {
        let (message, others) = behind.split_at(behind.len().min((*length).into()));
        rest = others;
        let from = ProcessId::Client(u16::from(ends >> 2) % 4);
        let to = SiteId::new(ends % 4 % 3).expect("there are three sites");
        let mut datagram = Vec::new();
        let sender = Sender { cluster: world.settings().cluster, configuration: 0, from, incarnation: 1 };
        frame::Head::new(&sender).begin(&mut datagram, Recipients::One(to.into()));
        frame::put_message(&mut datagram, message);
        frame::seal(&mut datagram);
        world.inject(to.into(), &datagram);
        let until = world.now() + Duration::from_millis(3);
        world.run_until(until).unwrap_or_else(|violation| panic!("{violation}"));
    }
    let until = world.now() + Duration::from_millis(300);
    world.run_until(until).unwrap_or_else(|violation| panic!("{violation}"));
    for site in world.sites().iter() {
        assert_eq!(
            world.status(site.into()),
            Some(ProcessStatus::Up),
            "{site} does not stop because of a client"
        );
    }
}

fn calm() -> World<Participant, ()> {
    let mut settings: WorldSettings<Participant> = WorldSettings::calm(Seed(1), 3, Config::new(3));
    settings.clients = 4;
    settings.trace.level = TraceLevel::Off;
    settings.datagram_max = settings.config.datagram_max;
    settings.journal.segment_bytes = 256 << 10;
    let mut world = World::new(settings, ()).expect("calm settings");
    world.run_until(Instant::ZERO + Duration::from_secs(2)).expect("a calm world");
    assert!(world.leader().is_some(), "somebody leads after 2s");
    world
}
