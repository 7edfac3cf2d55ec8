//! The host refuses processes that assume more than datagrams.

use super::*;

/// A process that assumes connections.
#[derive(Clone)]
struct Connected;

impl Process for Connected {
    type Message = Word;
    type Record = Fact;
    type Note = NoNote;
    type Command = u64;
    type Config = ();

    const LINKS: Links = Links::Stream;

    fn start(_: &(), _: ProcessId, _: Seed, _: Recovered<Fact>) -> Result<Connected, Damage> {
        Ok(Connected)
    }

    fn handle(&mut self, _: Instant, _: Input<Connected>, _: &mut Effects<Connected>) {}
}

/// A host evaluates this check when it is compiled.
#[test]
#[should_panic(expected = "this process assumes other links (Process::LINKS)")]
fn a_process_that_assumes_connections_has_no_host_for_datagrams() {
    check_links::<Clerk>();
    check_links::<Connected>();
}
