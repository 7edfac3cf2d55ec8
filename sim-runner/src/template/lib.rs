//! The protocol: every site learns the greatest value that any site was given. Replace it with yours.

use aviary::prelude::*;

/// How long a site waits for the others before it sends its value again.
const RETRY: Duration = Duration::from_millis(200);

/// A planted bug: tests must notice it.
pub const NEVER_RETRIES: &str = "never retries";

/// One site.
#[derive(Clone, Debug)]
pub struct Site {
    sites: SiteSet,
    /// The greatest value it knows. It is on its disk.
    pub value: u64,
    /// The sites that may not know this value yet.
    missing: SiteSet,
    /// When to send it again to those.
    retry_at: Instant,
    /// One of [`Protocol::VARIANTS`], or `""` as usual.
    variant: &'static str,
}

/// Messages from site to site.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// Learn this value.
    Value(u64),
    /// The sender knows this value.
    Known(u64),
}

/// What a user asks. A scenario writes `Put(at: Client(0), value: 7)`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Keep this value if it is the greatest. The answer is the greatest value that the site knows then.
    Put {
        /// The client that asks, or the site that is given the value.
        at: Target,
        /// The value.
        value: u64,
    },
}

impl Protocol for Site {
    type Message = Message;
    type Command = Command;
    type Answer = u64;
    type Record = u64;

    const VARIANTS: &'static [&'static str] = &[NEVER_RETRIES];

    fn start(start: Start<u64>) -> Self {
        let value = start.records.last().copied().unwrap_or(0);
        // What it knew before a crash it sends again: nobody may have heard of it.
        let missing = if value > 0 { start.sites } else { SiteSet::EMPTY };
        Site { sites: start.sites, value, missing, retry_at: Instant::ZERO, variant: start.variant }
    }

    fn handle(&mut self, now: Instant, input: SiteInput<Self>, effects: &mut SiteEffects<Self>) {
        match input {
            SiteInput::Command { call, command: Command::Put { value, .. } } => {
                self.learn(now, value, effects);
                effects.answer(call, self.value);
            }
            SiteInput::Message { from, message: Message::Value(value) } => {
                self.learn(now, value, effects);
                effects.send(from, Message::Known(self.value));
            }
            SiteInput::Message { from, message: Message::Known(value) } => {
                if value >= self.value {
                    self.missing = self.missing.without(from);
                }
            }
            SiteInput::Wake => self.send(now, effects),
            SiteInput::DiskSpace { .. } | SiteInput::Link { .. } => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        let retries = self.variant != NEVER_RETRIES && !self.missing.is_empty();
        retries.then_some((self.retry_at, "send again"))
    }

    fn converged(cluster: &SitesOf<Self>) -> Result<(), String> {
        cluster.agree("knows", |site| site.value)
    }

    fn show(&self, shown: &mut Shown) {
        shown.debug(self);
    }

    fn draw(draws: &mut Draws, asking: &Asking) -> Option<Command> {
        Some(Command::Put { at: asking.who.into(), value: draws.between(1, 1000) })
    }
}

impl Site {
    fn learn(&mut self, now: Instant, value: u64, effects: &mut SiteEffects<Self>) {
        if value > self.value {
            self.value = value;
            // Every message and answer of this call waits until this record is on disk.
            effects.append(value);
            self.missing = self.sites;
            self.send(now, effects);
        }
    }

    fn send(&mut self, now: Instant, effects: &mut SiteEffects<Self>) {
        effects.send(self.missing, Message::Value(self.value));
        self.retry_at = now + RETRY;
    }
}
