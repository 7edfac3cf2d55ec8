use aviary::prelude::*;
#[derive(Clone, Debug)]
struct Site { sites: SiteSet, value: u64 }
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message { Value(u64) } // from site to site
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Command { Put { at: Target, value: u64 } } // what a user asks: `Put(..)` in a scenario means this
impl Protocol for Site {
    type Message = Message; type Command = Command; type Answer = (); type Record = u64; // a record is one durable fact
    fn start(start: Start<u64>) -> Site { Site { sites: start.sites, value: start.records.last().copied().unwrap_or(0) } }
    fn handle(&mut self, _now: Instant, input: SiteInput<Site>, effects: &mut SiteEffects<Site>) {
        let (SiteInput::Command { command: Command::Put { value, .. }, .. }
        | SiteInput::Message { message: Message::Value(value), .. }) = input else { return };
        if value > self.value {
            self.value = value;
            effects.append(value); // messages of this call wait until it is on disk
            effects.send(self.sites, Message::Value(value));
        }
    }
    fn converged(cluster: &SitesOf<Site>) -> Result<(), String> { cluster.agree("holds", |site| site.value) }
}
#[test]
#[ignore = "it fails, as README.md shows"]
fn every_site_learns_the_greatest_value() {
    let text = r#"Scenario(about: "Every site learns it.", sites: 3, network: (loss: "20%"),
        steps: [At("1s", Put(at: Site(0), value: 7)), After("1s", Heal)], expect: [Converges(within: "5s", all: true)])"#;
    Sweep::<Sites<Site>>::of_text("greatest", text).seeds(0..100).check();
}
