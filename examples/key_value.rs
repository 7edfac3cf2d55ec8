//! A replicated key-value store in one file: the state machine, its words for scenarios, its judge, and real sites.
//!
//! ```sh
//! cargo run --example key_value -- sweep --seeds 0..200
//! cargo run --example key_value --features udp -- init store 3 7300
//! ```

use std::collections::BTreeMap;
use std::process::ExitCode;

use aviary::judges::models::{Kv, KvAnswer, KvOperation};
use aviary::prelude::*;
use aviary::replicated::calls::{ClientCall, ClientCalls};
use aviary::replicated::service::{StateService, site};
use aviary::replicated::{
    Chunk, Command, Config, Level, Machine, Note, Position, Replicated, ShortText, ShortTextError,
};
use aviary::replicated::{Message, Query as Ask};
use aviary::scenario::draw::{Asking, Draws, Wanted};
use aviary::scenario::step::Target;
use aviary::wire::WireError;

type Key = ShortText<32>;
type Value = ShortText<200>;

// ---- The state machine.

/// What every site holds after the same operations.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Store(BTreeMap<Key, Value>);

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    Put { key: Key, value: Value },
    // Puts `to` if `from` is what the key has.
    Swap { key: Key, from: Option<Value>, to: Value },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Put,
    Swapped,
    Found { value: Option<Value> },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Query {
    Get { key: Key },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    Got { value: Option<Value> },
}

// Tag 1 of outcomes, and 2 and 4 of queries and replies, are the site's own.
wire_enum!(Operation { 1 => Put { key, value }, 2 => Swap { key, from, to } });
wire_enum!(Outcome { 2 => Put, 3 => Swapped, 4 => Found { value } });
wire_enum!(Query { 1 => Get { key } });
wire_enum!(Reply { 1 => Got { value } });

impl Machine for Store {
    type Operation = Operation;
    type Outcome = Outcome;
    type Query = Query;
    type Reply = Reply;

    const OPERATION_BYTES_MAX: usize = 1 + Key::ENCODED_MAX + 1 + 2 * Value::ENCODED_MAX;
    const OUTCOME_BYTES_MAX: usize = 2 + Value::ENCODED_MAX;
    const QUERY_BYTES_MAX: usize = 1 + Key::ENCODED_MAX;
    const REPLY_BYTES_MAX: usize = 2 + Value::ENCODED_MAX;

    fn apply(&mut self, _: Position, _: Level, operation: &Operation) -> Outcome {
        match operation {
            Operation::Put { key, value } => {
                self.0.insert(key.clone(), value.clone());
                Outcome::Put
            }
            Operation::Swap { key, from, to } if self.0.get(key) == from.as_ref() => {
                self.0.insert(key.clone(), to.clone());
                Outcome::Swapped
            }
            Operation::Swap { key, .. } => Outcome::Found { value: self.0.get(key).cloned() },
        }
    }

    /// Linearizable, for `Machine::read` is left as it is: a site asks a quorum how far the log reaches.
    fn query(&self, Query::Get { key }: &Query) -> Reply {
        Reply::Got { value: self.0.get(key).cloned() }
    }

    fn save(&self, _: Level) -> impl Iterator<Item = Chunk> {
        Chunk::of(self.0.iter().map(|(key, value)| (key.clone(), value.clone())))
    }

    fn load(_: Level, chunks: impl Iterator<Item = Chunk>) -> Result<Store, WireError> {
        Chunk::items(chunks).map(|items| Store(items.into_iter().collect()))
    }
}

display_enum!(Operation {
    Put { key, value } => "put {key} = {value}",
    Swap { key, from, to } => "swap {key} from {from:?} to {to}",
});
display_enum!(Outcome { Put => "", Swapped => "", Found { value } => "finds {value:?}" });
display_enum!(Query { Get { key } => "get {key}" });
display_enum!(Reply { Got { value } => "finds {value:?}" });

// ---- Its words for scenarios.

/// What a terminal or a client is asked to do.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum Words {
    Put { who: Target, key: String, value: String },
    Swap { who: Target, key: String, from: Option<String>, to: String },
    Get { who: Target, key: String },
}

#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum Expectation {
    /// What this site has applied.
    Holds { site: u8, key: String, value: Option<String> },
}

fn text<const MAX: usize>(field: &'static str, text: &str) -> Result<ShortText<MAX>, Vec<Problem>> {
    text.parse()
        .map_err(|why: ShortTextError| vec![Problem::new(Place::whole().field(field), why.to_string())])
}

/// The store with words, judged for linearizability.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyValue;

impl StateService for KeyValue {
    type Machine = Store;
    type Process = Replicated<Store>;
    type Judges = Judges;
    type Words = Words;
    type Expectation = Expectation;

    fn compile(words: &Words) -> Compiled<KeyValue> {
        match words {
            Words::Put { who, key, value } => {
                let (key, value) = (text("key", key)?, text("value", value)?);
                Order::of(*who, Command::Do(Operation::Put { key, value }))
            }
            Words::Swap { who, key, from, to } => {
                let from = from.as_deref().map(|from| text("from", from)).transpose()?;
                let (key, to) = (text("key", key)?, text("to", to)?);
                Order::of(*who, Command::Do(Operation::Swap { key, from, to }))
            }
            Words::Get { who, key } => {
                Order::of(*who, Command::Query(Ask::Of(Query::Get { key: text("key", key)? })))
            }
        }
    }

    fn draw(draws: &mut Draws, asking: &Asking) -> Option<Words> {
        let (who, key) = (asking.who, (*draws.one_of(&["a", "b", "c"])?).to_owned());
        let value = asking.number.to_string();
        Some(match asking.wanted {
            Wanted::Read | Wanted::AgreedRead => Words::Get { who, key },
            Wanted::Anything if draws.one_in(2) => Words::Get { who, key },
            _ if draws.one_in(3) => {
                // What the key may have: mostly what was put there a while ago.
                let before = asking.number.saturating_sub(draws.between(1, 8));
                Words::Swap { who, key, from: (before > 0).then(|| before.to_string()), to: value }
            }
            _ => Words::Put { who, key, value },
        })
    }

    fn judges(_: &Config, _: &Shape) -> Judges {
        Judges::default()
    }

    fn unknown(judges: &Judges) -> Vec<String> {
        judges.answers.unknown().into_iter().collect()
    }

    fn who(words: &mut Words) -> &mut Target {
        match words {
            Words::Put { who, .. } | Words::Swap { who, .. } | Words::Get { who, .. } => who,
        }
    }

    fn site(Expectation::Holds { site, .. }: &mut Expectation) -> Option<&mut u8> {
        Some(site)
    }

    fn expect(expectation: &Expectation, cluster: &Cluster<'_, Replicated<Store>>) -> Result<(), String> {
        let Expectation::Holds { site: number, key, value } = expectation;
        let id = SiteId::new(*number).ok_or("there is no such site")?;
        let found = site::<Store, _>(cluster, id)?.machine().0.iter().find(|(of, _)| of.as_str() == key);
        let found = found.map(|(_, value)| value.to_string());
        same(&format!("what {key} has at {id}"), value, &found)
    }

    fn probe() -> Option<Operation> {
        let (key, to) = ("probe".parse().ok()?, "there".parse().ok()?);
        Some(Operation::Swap { key, from: None, to })
    }
}

// ---- Its judge.

/// Whether every client is answered as by one store that does one thing at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judges {
    calls: ClientCalls,
    answers: Linearizable<Kv<Key, Value>>,
}

impl<P: Process<Message = Message<Store>, Note = Note<Store>>> Judge<P> for Judges {
    fn observe(&mut self, now: Instant, seen: &Observation<'_, P>) -> Result<(), Violation> {
        let Judges { calls, answers } = self;
        calls.follow(seen, |call| match call {
            ClientCall::Executes(who, Operation::Put { key, value }) => {
                let (key, value) = (key.clone(), value.clone());
                Ok(answers.begin(who, KvOperation::Put { key, value }, now))
            }
            ClientCall::Executes(who, Operation::Swap { key, from, to }) => {
                let (key, from, to) = (key.clone(), from.clone(), to.clone());
                Ok(answers.begin(who, KvOperation::Swap { key, from, to }, now))
            }
            ClientCall::Asks(who, Query::Get { key }) => {
                Ok(answers.begin(who, KvOperation::Get { key: key.clone() }, now))
            }
            ClientCall::Done(number, Outcome::Put) => answers.end(number, KvAnswer::Put, now),
            ClientCall::Done(number, Outcome::Swapped) => answers.end(number, KvAnswer::Swapped, now),
            ClientCall::Done(number, Outcome::Found { value })
            | ClientCall::Answered(number, Reply::Got { value }) => {
                answers.end(number, KvAnswer::Found(value.clone()), now)
            }
        })
    }
}

// ---- Real sites, and their clients.

#[cfg(feature = "udp")]
mod real {
    use std::io::{self, Write};
    use std::path::Path;

    use aviary::replicated::real::{Client, ClientOptions, init, local, start};

    use super::{Operation, Query, Replicated, Store};

    type Done = Result<(), Box<dyn std::error::Error>>;

    pub(super) fn run(args: &[String]) -> Option<Done> {
        Some(match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["init", dir, count, port] => write(Path::new(dir), count, port),
            ["run", dir, id] => serve(Path::new(dir), id),
            ["put", dir, key, value] => call(dir, key, Some((None, value))),
            ["swap", dir, key, from, to] => call(dir, key, Some((Some(from), to))),
            ["get", dir, key] => call(dir, key, None),
            _ => return None,
        })
    }

    fn write(dir: &Path, count: &str, port: &str) -> Done {
        Ok(init::<Store>(dir, &local(count.parse()?, port.parse()?)?)?)
    }

    fn serve(dir: &Path, id: &str) -> Done {
        Ok(start::<Store, Replicated<Store>>(dir, id.parse()?)?.until_a_signal()?)
    }

    /// Puts, swaps from a value (`-` for none), or gets.
    fn call(dir: &str, key: &str, change: Option<(Option<&str>, &str)>) -> Done {
        let options = ClientOptions { is_one_shot: true, ..ClientOptions::default() };
        let mut client = Client::<Store>::open(Path::new(dir), &options)?;
        let key = key.parse()?;
        let operation = match change {
            None => {
                let reply = client.query(Query::Get { key })?;
                return Ok(writeln!(io::stdout(), "{reply}")?);
            }
            Some((None, value)) => Operation::Put { key, value: value.parse()? },
            Some((Some(from), to)) => {
                let from = Some(from).filter(|from| *from != "-").map(str::parse).transpose()?;
                Operation::Swap { key, from, to: to.parse()? }
            }
        };
        let (at, outcome) = client.execute(operation)?;
        Ok(writeln!(io::stdout(), "done at {at} {outcome}")?)
    }
}

pub(crate) fn main() -> ExitCode {
    #[cfg(feature = "udp")]
    if let Some(done) = real::run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        return sim_runner::ended(done);
    }
    sim_runner::main::<KeyValue>()
}
