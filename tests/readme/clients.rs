//! What docs/adopting.md shows of protocols of sites: a counter with clients, and a judge of its calls.

use std::collections::BTreeMap;

use aviary::prelude::*;

#[derive(Clone, Debug)]
struct Counter {
    id: SiteId,
    first: SiteId,
    count: u64,
    answers: BTreeMap<CallId, u64>,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Command {
    Add { at: Target, number: u64 },
}

impl Counter {
    fn add(&mut self, call: CallId, number: u64) {
        self.count += number;
        self.answers.insert(call, self.count);
    }
}

impl Protocol for Counter {
    type Message = (); // sites tell each other nothing
    type Command = Command;
    type Answer = u64;
    type Record = (CallId, u64);
    const NOTES: &'static [&'static str] = &["added"];

    fn start(start: Start<(CallId, u64)>) -> Counter {
        let first = start.sites.iter().next().expect("a cluster has a site");
        let mut counter = Counter { id: start.id, first, count: 0, answers: BTreeMap::new() };
        start.records.into_iter().for_each(|(call, number)| counter.add(call, number));
        counter
    }

    fn handle(&mut self, _now: Instant, input: SiteInput<Counter>, effects: &mut SiteEffects<Counter>) {
        let SiteInput::Command { call, command: Command::Add { number, .. } } = input else { return };
        if self.id != self.first {
            return effects.redirect(call, self.first);
        }
        // A client that heard no answer asks again. Without this line its number counts twice.
        if !self.answers.contains_key(&call) {
            self.add(call, number);
            effects.append((call, number));
            effects.note("added", number.to_string());
        }
        effects.answer(call, self.answers[&call]);
    }

    fn converged(_cluster: &SitesOf<Counter>) -> Result<(), String> {
        Ok(()) // clients that wait for answers are waited for anyway
    }

    fn judges() -> Judges<Counter> {
        Judges::none().calls(Total::default())
    }
}

/// No answer is more than everything that was asked for.
#[derive(Clone, Default)]
struct Total {
    asked: u64,
}

impl CallJudge<Counter> for Total {
    fn asked(&mut self, _now: Instant, _call: CallId, command: &Command) {
        let Command::Add { number, .. } = command;
        self.asked += number;
    }

    fn answered(&mut self, _now: Instant, call: CallId, answer: &u64) -> Result<(), Violation> {
        ensure!(*answer <= self.asked, "total", "{call}: {answer} is more than {}", self.asked);
        Ok(())
    }
}

#[test]
fn nothing_is_counted_twice() {
    let text = r#"Scenario(about: "Nothing is counted twice.", sites: 3, clients: 2,
        network: (loss: "20%", latency: Uniform("1ms", "30ms")), settings: (retry: "100ms"), steps: [
            At("1s", Add(at: Client(0), number: 3)), After("0s", Add(at: Client(1), number: 4)),
            On(Sent(kind: "Answer", from: Site(0)), Crash(Site(0))), After("1s", Restart(Site(0))),
            After("1s", Add(at: Client(1), number: 5)),
        ])"#;
    Sweep::<Sites<Counter>>::of_text("counter", text).seeds(0..100).check();
}
