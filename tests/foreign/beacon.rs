//! A protocol that can be run as a process that is `Clone`, and as one that is not: each site repeats the greatest
//! number that it knows, at drawn moments and for a while only. That is its bug: a site may never learn a number.

use aviary::mix::{below, mix};
use aviary::prelude::*;

/// The times that a number is repeated.
const REPEATS: u64 = 2;

#[derive(Clone, Debug)]
pub(crate) enum Message {
    Greatest { number: u64 },
}
wire_enum!(Message { 1 => Greatest { number } });
label_enum!(Message { Greatest about number });

#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Command {
    Put { site: u8, number: u64 },
}
display_enum!(Command { Put { number } => "put {number}" });

#[derive(Clone, Debug)]
pub(crate) enum Note {
    Learned { number: u64 },
}
display_enum!(Note { Learned { number } => "learns {number}" });
label_enum!(Note { Learned about number });

#[derive(Clone, Debug)]
pub(crate) struct Beacon {
    id: ProcessId,
    sites: SiteSet,
    seed: Seed,
    pub(crate) number: u64,
    repeated: u64,
    next: Instant,
    /// Whether it sends one message to all sites, each in the order of a hash map of its own.
    is_impure: bool,
}

/// Whatever hosts the protocol.
pub(crate) trait Host:
    Process<Message = Message, Record = u64, Note = Note, Command = Command>
{
}
impl<P: Process<Message = Message, Record = u64, Note = Note, Command = Command>> Host for P {}

impl Beacon {
    fn new((sites, is_impure): (SiteSet, bool), id: ProcessId, seed: Seed, kept: &Recovered<u64>) -> Beacon {
        let number = kept.records.last().copied().unwrap_or(0);
        Beacon { id, sites, seed, number, repeated: REPEATS, next: Instant::ZERO, is_impure }
    }

    fn take<P: Host>(&mut self, now: Instant, input: Input<P>, effects: &mut Effects<P>) {
        match input {
            Input::Started => {
                if self.number > 0 {
                    self.repeated = 0;
                    self.sleep(now);
                }
            }
            Input::Command(Command::Put { number, .. })
            | Input::Message { message: Message::Greatest { number }, .. } => {
                if number > self.number {
                    self.number = number;
                    self.repeated = 0;
                    #[cfg(feature = "log")]
                    log::info!("{} learns {number}", self.id);
                    effects.append(&number);
                    effects.note(Note::Learned { number });
                    self.sleep(now);
                }
            }
            Input::Wake => {
                self.repeated += 1;
                self.tell(effects);
                self.sleep(now);
            }
            Input::DiskSpace { .. } | Input::Link { .. } => {}
        }
    }

    fn sleep(&mut self, now: Instant) {
        self.next =
            now + Duration::from_millis(1 + below(mix(self.seed.0, [self.number, self.repeated]), 100));
    }

    fn tell<P: Host>(&self, effects: &mut Effects<P>) {
        let message = Message::Greatest { number: self.number };
        let others = self.id.as_site().map_or(self.sites, |me| self.sites.without(me));
        if self.is_impure {
            in_hash_order(others).for_each(|site| effects.send(site, &message));
        } else {
            effects.send(others, &message);
        }
    }

    fn is_due(&self) -> Option<(Instant, &'static str)> {
        (self.repeated < REPEATS).then_some((self.next, "repeats its number"))
    }

    fn draw_anew(&mut self, salt: u64) {
        self.seed = self.seed.part([salt]);
    }
}

#[expect(clippy::disallowed_types, reason = "a crate that nobody here wrote may do this")]
fn in_hash_order(sites: SiteSet) -> impl Iterator<Item = SiteId> {
    let sites = sites.iter().map(|site| (site.number(), site));
    sites.collect::<std::collections::HashMap<_, _>>().into_values()
}

impl Process for Beacon {
    type Message = Message;
    type Record = u64;
    type Note = Note;
    type Command = Command;
    type Config = (SiteSet, bool);

    const TAKES_STARTED: bool = true;

    fn start(config: &Self::Config, id: ProcessId, seed: Seed, kept: Recovered<u64>) -> Result<Self, Damage> {
        Ok(Beacon::new(*config, id, seed, &kept))
    }

    fn handle(&mut self, now: Instant, input: Input<Self>, effects: &mut Effects<Self>) {
        self.take(now, input, effects);
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.is_due()
    }

    fn progress(&self) -> u64 {
        self.number
    }

    fn rekey(&mut self, salt: u64) {
        self.draw_anew(salt);
    }
}

/// The same, as if it could not be cloned.
pub(crate) struct Lonely(pub(crate) Beacon);

impl Uncloned for Lonely {
    type Message = Message;
    type Record = u64;
    type Note = Note;
    type Command = Command;
    type Config = (SiteSet, bool);

    const TAKES_STARTED: bool = true;

    fn start(config: &Self::Config, id: ProcessId, seed: Seed, kept: Recovered<u64>) -> Result<Self, Damage> {
        Ok(Lonely(Beacon::new(*config, id, seed, &kept)))
    }

    fn handle(&mut self, now: Instant, input: Input<Rebuilt<Self>>, effects: &mut Effects<Rebuilt<Self>>) {
        self.0.take(now, input, effects);
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.0.is_due()
    }

    fn progress(&self) -> u64 {
        self.0.number
    }

    fn rekey(&mut self, salt: u64) {
        self.0.draw_anew(salt);
    }
}

/// A process of either kind, for the service.
pub(crate) trait Numbered:
    Process<Config = (SiteSet, bool)> + Host + std::fmt::Debug + 'static
{
    fn number(&self) -> u64;
}

impl Numbered for Beacon {
    fn number(&self) -> u64 {
        self.number
    }
}

impl Numbered for Rebuilt<Lonely> {
    fn number(&self) -> u64 {
        self.0.number
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Beacons<P>(std::marker::PhantomData<P>);

#[derive(Clone, PartialEq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    is_impure: bool,
}

impl<P: Numbered> Service for Beacons<P> {
    type Process = P;
    type Judges = ();
    type Command = Command;
    type Expectation = ();
    type Settings = Settings;

    fn compile(command: &Command) -> Compiled<Self> {
        let Command::Put { site, .. } = command;
        Order::at_site(*site, command.clone())
    }

    fn config(settings: &Settings, shape: &Shape) -> Result<(SiteSet, bool), Vec<Problem>> {
        Ok((shape.all_sites(), settings.is_impure))
    }

    fn judges(_: &(SiteSet, bool), _: &Shape) {}

    fn expect((): &(), _: &Cluster<'_, P>) -> Result<(), String> {
        Ok(())
    }

    fn converged(cluster: &Cluster<'_, P>) -> Result<(), String> {
        cluster.agree("knows", Numbered::number)
    }

    fn final_state(cluster: &Cluster<'_, P>) -> String {
        let numbers = cluster.members.iter().map(|member| member.state.map_or(0, Numbered::number));
        format!("{:?}", numbers.collect::<Vec<_>>())
    }
}
