//! The state machine that sites replicate, which any user of this crate may define.

use alloc::vec::Vec;
use core::fmt::{self, Debug, Display};
use core::str::FromStr;

use crate::mix;
use crate::wire::{Tagged, Wire, WireError};

/// A state that changes by operations alone, in the order of the log, in the same way at every site.
///
/// [`Default`] is the state before the first operation.
///
/// 1. [`apply`](Machine::apply) is a function of the state and its arguments: no clock, no randomness, no hash order.
/// 2. Equal sequences of operations lead to equal states, and equal states [save](Machine::save) equal bytes.
/// 3. A query looks at a bounded part of the state, however large the state is.
///
/// The [`Display`] of an operation or a query says what is asked for. That of an outcome or a reply follows the request
/// in notes and traces, like `finds 7`, or is empty.
pub trait Machine: Clone + Default + PartialEq + Eq + Debug + 'static {
    /// Changes the state, or looks at it from its place in the log. Sites and judges share it.
    type Operation: Wire + PartialEq + Eq + Display + Send + Sync;
    /// The result of an operation, which is remembered for retries. [`Answer`](super::Answer) takes tag 1.
    type Outcome: Tagged + PartialEq + Eq + Display;
    /// A question to a site, without an entry in the log. [`Query`](super::Query) takes tags 2 and 4.
    type Query: Tagged + PartialEq + Eq + Display;
    /// The answer to a query. [`Reply`](super::Reply) takes tags 2 and 4.
    type Reply: Tagged + PartialEq + Eq + Display;

    /// The most bytes of an encoded operation.
    const OPERATION_BYTES_MAX: usize;
    /// The most bytes of an encoded outcome.
    const OUTCOME_BYTES_MAX: usize;
    /// The most bytes of an encoded query.
    const QUERY_BYTES_MAX: usize;
    /// The most bytes of an encoded reply.
    const REPLY_BYTES_MAX: usize;
    /// About the most that [`looks`](Machine::looks) may grow by for one outcome or reply.
    const LOOKS_MAX: u64 = u64::MAX;

    /// Executes an operation. The meaning of an operation at a level never changes.
    fn apply(&mut self, at: Position, level: Level, operation: &Self::Operation) -> Self::Outcome;

    /// Answers a query from the state as it is, in at most [`REPLY_BYTES_MAX`](Machine::REPLY_BYTES_MAX) bytes: longer
    /// answers come in pages.
    fn query(&self, query: &Self::Query) -> Self::Reply;

    /// How much of the log the answer to `query` must show.
    fn read(_query: &Self::Query) -> Read {
        Read::Quorum
    }

    /// The whole state in its one canonical form.
    fn save(&self, level: Level) -> impl Iterator<Item = Chunk>;

    /// The state that is saved in these chunks, all of them and in order.
    ///
    /// # Errors
    /// When the chunks hold no state.
    fn load(level: Level, chunks: impl Iterator<Item = Chunk>) -> Result<Self, WireError>;

    /// Distinguishes an operation from every other one that a request of the same number may carry, except by chance.
    fn digest(operation: &Self::Operation) -> u64 {
        mix::absorb(0, &operation.to_bytes())
    }

    /// The number of items that were looked up in its containers, by their own count. A machine that counts nothing is
    /// not judged for its work.
    fn looks(&self) -> u64 {
        0
    }
}

/// How much of the log the answer to a query must show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read {
    /// The log as the asked site has applied it, and no less than the client has seen.
    Local,
    /// Everything that anybody saw before the query was asked: the site asks a quorum how far the logs reach.
    Quorum,
}

/// The meaning that all sites of a cluster give to operations and to saved states.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Level(pub u16);

impl Level {
    /// The only level.
    pub const FIRST: Level = Level(1);
}

/// A part of a saved state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk(pub Vec<u8>);

impl Chunk {
    /// A chunk ends with the first item that brings it to this many bytes.
    pub const BYTES: usize = 16 << 10;

    /// The chunks that hold `items`, in order.
    pub fn of<T: Wire>(items: impl IntoIterator<Item = T>) -> impl Iterator<Item = Chunk> {
        let mut items = items.into_iter().peekable();
        core::iter::from_fn(move || {
            items.peek()?;
            let mut bytes = Vec::new();
            while bytes.len() < Chunk::BYTES
                && let Some(item) = items.next()
            {
                item.encode(&mut bytes);
            }
            Some(Chunk(bytes))
        })
    }

    /// The items that these chunks hold.
    ///
    /// # Errors
    /// When the bytes do not decode.
    pub fn items<T: Wire>(chunks: impl Iterator<Item = Chunk>) -> Result<Vec<T>, WireError> {
        let mut items = Vec::new();
        for Chunk(bytes) in chunks {
            let mut input = crate::wire::Reader::new(&bytes);
            while !input.rest().is_empty() {
                items.push(T::decode(&mut input)?);
            }
        }
        Ok(items)
    }
}

/// A place in the log: a slot and an index among the events of its entry. Displayed as `7.0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Position {
    /// The slot.
    pub slot: u64,
    /// The index.
    pub index: u64,
}

impl Position {
    /// The first position after this one.
    #[must_use]
    pub fn next(self) -> Position {
        Position { slot: self.slot, index: self.index.saturating_add(1) }
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Position, PositionError> {
        let parts =
            text.split_once('.').and_then(|(slot, index)| Some((slot.parse().ok()?, index.parse().ok()?)));
        parts.map(|(slot, index)| Position { slot, index }).ok_or(PositionError)
    }
}

/// The text is no position in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PositionError;

impl fmt::Display for PositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a slot and an index, as 7.0")
    }
}

impl core::error::Error for PositionError {}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.index)
    }
}

wire_struct!(Position { slot, index });

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ids::ProcessId;
    use crate::mix::Seed;
    use crate::process::{Effects, Input, Process, Recovered};
    use crate::replicated::{Config, Message, Query, Replicated, Request};
    use crate::time::Instant;
    use alloc::string::{String, ToString};
    use alloc::vec;

    /// Keeps what is written and breaks its bounds: `long` may have any length, and a reply holds everything. Loading
    /// drops the last byte if `FORGETS`.
    #[derive(Clone, PartialEq, Eq, Debug, Default)]
    pub(in crate::replicated) struct Tape<const FORGETS: bool>(pub(in crate::replicated) Vec<u8>);

    #[derive(Clone, PartialEq, Eq, Debug)]
    pub(in crate::replicated) enum Word {
        Write { long: Vec<u8> },
        All { long: Vec<u8> },
    }

    wire_enum!(Word { 3 => Write { long }, 5 => All { long } });
    display_enum!(Word { Write => "write", All => "all" });

    impl<const FORGETS: bool> Machine for Tape<FORGETS> {
        type Operation = Word;
        type Outcome = Word;
        type Query = Word;
        type Reply = Word;

        const OPERATION_BYTES_MAX: usize = 8;
        const OUTCOME_BYTES_MAX: usize = 8;
        const QUERY_BYTES_MAX: usize = 8;
        const REPLY_BYTES_MAX: usize = 8;

        fn apply(&mut self, _: Position, _: Level, operation: &Word) -> Word {
            let (Word::Write { long } | Word::All { long }) = operation;
            self.0.extend(long);
            Word::Write { long: vec![] }
        }

        fn query(&self, _: &Word) -> Word {
            Word::All { long: self.0.clone() }
        }

        fn read(_: &Word) -> Read {
            Read::Local
        }

        fn save(&self, _: Level) -> impl Iterator<Item = Chunk> {
            Chunk::of(self.0.iter().copied())
        }

        fn load(_: Level, chunks: impl Iterator<Item = Chunk>) -> Result<Self, WireError> {
            let mut read = Chunk::items(chunks)?;
            if FORGETS {
                read.pop();
            }
            Ok(Tape(read))
        }
    }

    const CLIENT: ProcessId = ProcessId::Client(1);

    fn leader() -> Replicated<Tape<false>> {
        let fresh = Recovered { incarnation: 1, records: Vec::new() };
        let mut site = Replicated::start(&Config::new(1), ProcessId::site(0), Seed(1), fresh).unwrap();
        for at in [0, 900, 1_000] {
            hand_in_at(&mut site, at, Input::Wake);
        }
        site
    }

    /// The notes that an input causes a second after the start.
    fn hand_in(site: &mut Replicated<Tape<false>>, input: Input<Replicated<Tape<false>>>) -> Vec<String> {
        hand_in_at(site, 1_000, input)
    }

    fn hand_in_at(
        site: &mut Replicated<Tape<false>>,
        ms: u64,
        input: Input<Replicated<Tape<false>>>,
    ) -> Vec<String> {
        let (mut inputs, mut notes) = (vec![input], Vec::new());
        while let Some(input) = inputs.pop() {
            let mut effects = Effects::default();
            site.handle(Instant::from_micros(ms * 1_000), input, &mut effects);
            let given = effects.take().unwrap();
            notes.extend(given.notes.iter().map(ToString::to_string));
            let own = given.messages.into_iter().filter(|letter| letter.to.contains(ProcessId::site(0)));
            inputs.extend(
                own.map(|letter| Input::Message { from: ProcessId::site(0), message: letter.message }),
            );
        }
        notes
    }

    fn ask(request: Request<Tape<false>>) -> Input<Replicated<Tape<false>>> {
        Input::Message { from: CLIENT, message: Message::Request { request } }
    }

    fn write(number: u64, long: usize) -> Input<Replicated<Tape<false>>> {
        let operation = Word::Write { long: vec![7; long] };
        let session = Position { slot: 0, index: 0 };
        ask(Request::Execute { client: CLIENT, session, number, operation, is_last: false })
    }

    fn opened() -> Replicated<Tape<false>> {
        let mut site = leader();
        let notes = hand_in(&mut site, ask(Request::Open { client: CLIENT, nonce: 1 }));
        assert!(notes.iter().any(|note| note.contains("chose slot")), "{notes:?}");
        site
    }

    #[test]
    fn an_operation_that_is_too_large_is_dropped_where_it_comes_from_the_network() {
        let mut site = opened();
        let notes = hand_in(&mut site, write(1, 7));
        assert_eq!(notes, ["ignored Request of C1: it is larger than an operation may be"]);
        let notes = hand_in(&mut site, write(1, 6));
        assert!(notes.iter().any(|note| note.starts_with("applied")), "{notes:?}");
    }

    #[test]
    #[should_panic = "the reply to `all` takes 14 bytes, of 8 at most"]
    fn a_machine_that_says_more_than_it_declares_is_broken() {
        let mut site = opened();
        for number in 1..=2 {
            hand_in(&mut site, write(number, 6));
        }
        let query = Query::Of(Word::All { long: vec![] });
        let asked = Message::Query { id: 1, seen: crate::replicated::paxos::Slot(0), query };
        hand_in(&mut site, Input::Message { from: CLIENT, message: asked });
    }

    #[test]
    fn chunks_hold_items_in_their_order_and_nothing_else() {
        let items: Vec<u32> = (0..20_000).collect();
        let chunks: Vec<Chunk> = Chunk::of(items.iter().copied()).collect();
        assert!(chunks.len() > 2 && chunks.iter().all(|chunk| chunk.0.len() < Chunk::BYTES + 8));
        assert_eq!(Chunk::items(chunks.iter().cloned()), Ok(items));
        assert_eq!(Chunk::of(Vec::<u32>::new()).count(), 0);
        assert_eq!(Chunk::items::<u32>([Chunk(vec![0x80])].into_iter()), Err(WireError::Short));
    }

    /// The compiler refuses a machine with such tags; this tests the function that it asks.
    #[test]
    fn tags_of_the_site_are_no_machines() {
        use crate::replicated::message::are_free;
        assert!(are_free(&[1, 3, 5], &[2, 4]) && are_free(&[], &[2, 4]));
        assert!(!are_free(&[1, 2], &[2, 4]) && !are_free(&[4], &[2, 4]) && !are_free(&[1, 3], &[1]));
    }
}
