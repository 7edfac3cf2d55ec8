//! The test that README.md shows, mended: a site repeats its value every 100 ms.

use aviary::{prelude::*, search::Sweep};

#[derive(Clone, Debug)]
struct Site { sites: SiteSet, value: u64, next: Instant }
#[derive(Clone, Debug)]
enum Message { Value { value: u64 } } // from site to site
wire_enum!(Message { 1 => Value { value } });
label_enum!(Message { Value about value });
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
enum Command { Put { site: u8, value: u64 } } // a request of a user: `Put(..)` in a scenario means this
display_enum!(Command { Put { value } => "put {value}" });

impl Process for Site {
    type Message = Message;
    type Command = Command;
    type Record = u64; // one durable fact
    type Note = NoNote; // what a site reports to traces and judges: nothing
    type Config = SiteSet; // all sites
    fn start(sites: &SiteSet, _: ProcessId, _: Seed, kept: Recovered<u64>) -> Result<Self, Damage> {
        Ok(Site { sites: *sites, value: kept.records.last().copied().unwrap_or(0), next: Instant::ZERO })
    }
    fn handle(&mut self, now: Instant, input: Input<Self>, effects: &mut Effects<Self>) {
        let value = match input {
            Input::Command(Command::Put { value, .. }) | Input::Message { message: Message::Value { value }, .. } => value,
            Input::Wake => {
                self.next = now + Duration::from_millis(100);
                return effects.send(self.sites, &Message::Value { value: self.value });
            }
            Input::Started | Input::DiskSpace { .. } | Input::Link { .. } => return,
        };
        if value > self.value {
            self.value = value;
            effects.append(&value);
        }
    }
    fn deadline(&self) -> Option<(Instant, &'static str)> {
        (self.value > 0).then_some((self.next, "repeats its value"))
    }
}

impl Service for Site {
    type Process = Self;
    type Command = Command;
    type Judges = (); // a judge watches every event; an expectation is a check in a file
    type Expectation = ();
    type Settings = ();
    fn compile(command: &Command) -> Compiled<Self> { let Command::Put { site, .. } = command; Order::at_site(*site, command.clone()) }
    fn config((): &(), shape: &Shape) -> Result<SiteSet, Vec<Problem>> { Ok(shape.all_sites()) }
    fn judges(_: &SiteSet, _: &Shape) {}
    fn expect((): &(), _: &Cluster<'_, Self>) -> Result<(), String> { Ok(()) }
    fn converged(cluster: &Cluster<'_, Self>) -> Result<(), String> {
        cluster.agree("holds", |site| site.value)
    }
}

#[test]
fn every_site_learns_the_greatest_value() {
    let text = r#"Scenario(about: "Every site learns it.", sites: 3, network: (loss: "20%"),
        steps: [At("1s", Put(site: 0, value: 7)), After("1s", Heal)], expect: [Converges(within: "5s", all: true)])"#;
    Sweep::<Site>::of_text("greatest", text).seeds(0..100).check();
}
