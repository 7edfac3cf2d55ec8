//! A store with a planted bug: a site answers a request that it has taken before it is applied.

use core::borrow::Borrow;

use aviary::mix::Seed;
use aviary::prelude::*;
use aviary::process::{Given, Size};
use aviary::replicated::service::StateService;
use aviary::replicated::{
    Answer, Command, Config, Level, Machine, Message, Note, Position, Record, Replicated, Request, RequestId,
    Site,
};
use aviary::scenario::draw::{Asking, Draws};
use aviary::scenario::step::Target;

use crate::key_value::{Expectation, Judges, KeyValue, Store, Words};

/// A wrapper around the real process.
#[derive(Clone, Debug)]
pub(crate) struct Hasty(Replicated<Store>);

impl Borrow<Replicated<Store>> for Hasty {
    fn borrow(&self) -> &Replicated<Store> {
        &self.0
    }
}

/// The outcome of a waiting request, as far as `site` can tell before the log has it.
fn guess(site: &Site<Store>, id: RequestId) -> Option<Message<Store>> {
    let submission = site.queue().iter().find(|submission| submission.request.id() == id)?;
    let Request::Execute { operation, .. } = &submission.request else { return None };
    let at = Position { slot: site.log().end().0, index: 0 };
    let outcome = site.machine().clone().apply(at, Level::FIRST, operation);
    Some(Message::Applied { id, at, answer: Answer::Of(outcome) })
}

impl Process for Hasty {
    type Message = Message<Store>;
    type Record = Record<Store>;
    type Note = Note<Store>;
    type Command = Command<Store>;
    type Config = Config;

    fn start(
        config: &Config,
        id: ProcessId,
        seed: Seed,
        kept: Recovered<Self::Record>,
    ) -> Result<Self, Damage> {
        Replicated::start(config, id, seed, kept).map(Hasty)
    }

    fn handle(&mut self, now: Instant, input: Input<Self>, effects: &mut Effects<Self>) {
        let input = match input {
            Input::Started => Input::Started,
            Input::Wake => Input::Wake,
            Input::Message { from, message } => Input::Message { from, message },
            Input::Command(command) => Input::Command(command),
            Input::DiskSpace { is_low } => Input::DiskSpace { is_low },
            Input::Link { peer, up } => Input::Link { peer, up },
        };
        let mut inner = Effects::default();
        self.0.handle(now, input, &mut inner);
        let Given { records, messages, notes, .. } = inner.take().expect("its codec is tested");
        records.iter().for_each(|record| effects.append(record));
        for letter in messages {
            let hasty = match (&letter.message, self.0.as_site()) {
                (Message::Taken { id }, Some(site)) => guess(site, *id),
                _ => None,
            };
            let message = hasty.unwrap_or(letter.message);
            if letter.is_independent {
                effects.send_independent(letter.to, &message);
            } else {
                effects.send(letter.to, &message);
            }
        }
        notes.into_iter().for_each(|note| effects.note(note));
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.0.deadline()
    }

    fn role(&self) -> Role {
        self.0.role()
    }

    fn progress(&self) -> u64 {
        self.0.progress()
    }

    fn rekey(&mut self, salt: u64) {
        self.0.rekey(salt);
    }

    fn unanswered(&self) -> usize {
        self.0.unanswered()
    }

    fn sizes(&self, see: impl FnMut(Size)) {
        self.0.sizes(see);
    }
}

/// The store's vocabulary and judge, over the hasty sites.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HastyStore;

impl StateService for HastyStore {
    type Machine = Store;
    type Process = Hasty;
    type Judges = Judges;
    type Words = Words;
    type Expectation = Expectation;

    fn compile(words: &Words) -> Compiled<HastyStore> {
        let Order { to, command, place } = <KeyValue as StateService>::compile(words)?;
        Ok(Order { to, command, place })
    }

    fn draw(draws: &mut Draws, asking: &Asking) -> Option<Words> {
        KeyValue::draw(draws, asking)
    }

    fn judges(config: &Config, shape: &Shape) -> Judges {
        <KeyValue as StateService>::judges(config, shape)
    }

    fn who(words: &mut Words) -> &mut Target {
        KeyValue::who(words)
    }

    fn site(expectation: &mut Expectation) -> Option<&mut u8> {
        KeyValue::site(expectation)
    }

    fn expect(_: &Expectation, _: &Cluster<'_, Hasty>) -> Result<(), String> {
        Ok(())
    }
}
