//! The test that README.md shows, mended: a site repeats its value every 100 ms.

use aviary::prelude::*;
#[derive(Clone, Debug)]
struct Site { sites: SiteSet, value: u64, next: Instant }
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message { Value(u64) } // from site to site
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Command { Put { at: Target, value: u64 } } // what a user asks: `Put(..)` in a scenario means this
impl Protocol for Site {
    type Message = Message; type Command = Command; type Answer = (); type Record = u64; // a record is one durable fact
    fn start(start: Start<u64>) -> Site {
        Site { sites: start.sites, value: start.records.last().copied().unwrap_or(0), next: Instant::ZERO }
    }
    fn handle(&mut self, now: Instant, input: SiteInput<Site>, effects: &mut SiteEffects<Site>) {
        let value = match input {
            SiteInput::Command { command: Command::Put { value, .. }, .. } => value,
            SiteInput::Message { message: Message::Value(value), .. } => value,
            SiteInput::Wake => {
                self.next = now + Duration::from_millis(100);
                return effects.send(self.sites, Message::Value(self.value));
            }
            _ => return,
        };
        if value > self.value {
            self.value = value;
            effects.append(value);
        }
    }
    fn deadline(&self) -> Option<(Instant, &'static str)> {
        (self.value > 0).then_some((self.next, "repeats its value"))
    }
    fn converged(cluster: &SitesOf<Site>) -> Result<(), String> { cluster.agree("holds", |site| site.value) }
}
#[test]
fn every_site_learns_the_greatest_value() {
    let text = r#"Scenario(about: "Every site learns it.", sites: 3, network: (loss: "20%"),
        steps: [At("1s", Put(at: Site(0), value: 7)), After("1s", Heal)], expect: [Converges(within: "5s", all: true)])"#;
    Sweep::<Sites<Site>>::of_text("greatest", text).seeds(0..100).check();
}
