//! What triggers mean: a step, `Never` and `Sometimes` see the same events, in every role.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Cluster, Compiled, Order, Outcome, Problem, RunOptions, Service, Shape, read, run};
use crate::ids::{ProcessId, SiteId, SiteSet};
use crate::mix::Seed;
use crate::process::{Damage, Effects, Input, Process, Recipients, Recovered, Role};
use crate::time::Instant;

/// Does what its commands say, notes it, and does nothing else.
#[derive(Clone, Debug)]
struct Actor {
    id: ProcessId,
    role: Role,
    progress: u64,
}

#[derive(Clone, Debug)]
enum Greeting {
    Hello { number: u64 },
    Bye {},
}

#[derive(Clone, Debug)]
struct Kept {
    number: u64,
}

#[derive(Clone, Debug)]
enum Done {
    Done,
}

wire_enum!(Greeting { 1 => Hello { number }, 2 => Bye {} });
wire_struct!(Kept { number });
label_enum!(Greeting { Hello about number, Bye });
label_enum!(Done { Done });
display_enum!(Done { Done => "done" });

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Action {
    Lead(u64),
    Campaign,
    Know(u64),
    /// To this site.
    Greet(u8),
    /// To this site, and goodbye in the same datagram.
    GreetTwice(u8),
    /// To every site in one broadcast, to itself too.
    GreetSites,
    GreetClients,
    GreetItself,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Process for Actor {
    type Message = Greeting;
    type Record = Kept;
    type Note = Done;
    type Command = Action;
    type Config = Shape;

    fn start(_: &Shape, id: ProcessId, _: Seed, _: Recovered<Kept>) -> Result<Actor, Damage> {
        Ok(Actor { id, role: Role::Follower, progress: 0 })
    }

    fn handle(&mut self, _: Instant, input: Input<Actor>, effects: &mut Effects<Actor>) {
        let Input::Command(action) = input else { return };
        effects.note(Done::Done);
        let hello = Greeting::Hello { number: 7 };
        let site = |number| SiteId::new(number).unwrap();
        match action {
            Action::Lead(rank) => self.role = Role::Leader { rank },
            Action::Campaign => self.role = Role::Candidate,
            Action::Know(progress) => self.progress = progress,
            Action::Greet(number) => effects.send(site(number), &hello),
            Action::GreetTwice(number) => {
                effects.send(site(number), &hello);
                effects.send(site(number), &hello);
                effects.send(site(number), &Greeting::Bye {});
            }
            Action::GreetSites => effects.send(SiteSet::first(3), &hello),
            Action::GreetClients => effects.send(Recipients::Clients { count: 2 }, &hello),
            Action::GreetItself => effects.send(self.id, &hello),
        }
    }

    fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }

    fn role(&self) -> Role {
        self.role
    }

    fn progress(&self) -> u64 {
        self.progress
    }
}

#[derive(Clone, Debug)]
struct Stage;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum Command {
    Site { site: u8, does: Action },
    AtTerminal { site: u8, does: Action },
    AtClient { client: u16, does: Action },
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Nothing {}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Settings {}

impl Service for Stage {
    type Process = Actor;
    type Judges = ();
    type Command = Command;
    type Expectation = Nothing;
    type Settings = Settings;

    fn compile(command: &Command) -> Compiled<Stage> {
        match command.clone() {
            Command::Site { site, does } => Order::at_site(site, does),
            Command::AtTerminal { site, does } => Order::at_terminal(site, does),
            Command::AtClient { client, does } => Order::at_client(client, does),
        }
    }

    fn config(_: &Settings, shape: &Shape) -> Result<Shape, Vec<Problem>> {
        Ok(shape.clone())
    }

    fn judges(_: &Shape, _: &Shape) {}

    fn expect(expectation: &Nothing, _: &Cluster<'_, Actor>) -> Result<(), String> {
        match *expectation {}
    }

    fn converged(_: &Cluster<'_, Actor>) -> Result<(), String> {
        Ok(())
    }
}

fn outcome(text: &str) -> Outcome {
    let scenario = read::<Stage>("test.ron", text).unwrap_or_else(|bad| panic!("{bad}"));
    run(&scenario, &RunOptions::default()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// Checks whether `event` happens during these steps, for a step, for `Sometimes` and for `Never`.
#[track_caller]
fn check(steps: &str, event: &str, happens: bool) {
    let text = |also: &str, expect: &str| {
        // The last step keeps faults from stopping before everything has arrived.
        let steps = format!("steps: [{steps}, At(\"2s\", Mend(0, 1))]");
        let fields = format!("also: [{also}], expect: [{expect}]");
        format!("Scenario(about: \"a test\", sites: 3, clients: 2, limit: \"3s\", {steps}, {fields})")
    };
    let fires = outcome(&text(&format!("[Optional(On({event}, Mend(0, 1)))]"), ""));
    assert!(fires.verdict.is_pass(), "{}", fires.verdict);
    let trace: Vec<_> = fires.trace.iter().map(|line| line.what.as_str()).collect();
    let sometimes = outcome(&text("", &format!("Sometimes({event})"))).verdict;
    let never = outcome(&text("", &format!("Never({event})"))).verdict;
    let found = [
        ("a step", fires.skipped == 0),
        ("Sometimes", sometimes.is_pass()),
        ("Never", never.to_string().contains("never: expect[0] forbids that")),
    ];
    assert_eq!(found, found.map(|(who, _)| (who, happens)), "{event}\n{}", trace.join("\n"));
}

#[test]
fn a_datagram_counts_once_however_many_of_its_messages_match() {
    let twice = r#"At("1s", Site(site: 0, does: GreetTwice(1)))"#;
    for what in ["Sent", "Delivered"] {
        check(twice, &format!(r#"{what}(kind: "Hello")"#), true);
        check(twice, &format!(r#"{what}(kind: "Bye", subject: "number 7")"#), false);
        check(twice, &format!(r#"{what}(kind: "Bye")"#), true);
        check(twice, &format!(r#"{what}(kind: "Hello", nth: 2)"#), false);
        check(twice, &format!("{what}(nth: 2)"), false);
    }
}

#[test]
fn a_message_to_oneself_crosses_no_network() {
    let itself = r#"At("1s", Site(site: 0, does: GreetItself))"#;
    let sites = r#"At("1s", Site(site: 0, does: GreetSites))"#;
    for what in ["Sent", "Delivered"] {
        check(itself, &format!(r#"{what}(kind: "Hello")"#), false);
        check(sites, &format!(r#"{what}(kind: "Hello", nth: 2)"#), true);
        check(sites, &format!(r#"{what}(kind: "Hello", nth: 3)"#), false);
        check(sites, &format!(r#"{what}(kind: "Hello", to: Site(0))"#), false);
        let clients = r#"At("1s", AtClient(client: 1, does: GreetClients))"#;
        check(clients, &format!("{what}(from: Client(1))"), true);
        check(clients, &format!("{what}(from: Client(1), nth: 2)"), false);
    }
}

#[test]
fn what_crosses_no_network_but_leaves_its_process_counts() {
    let terminal = r#"At("1s", AtTerminal(site: 1, does: Greet(1)))"#;
    check(terminal, r#"Sent(kind: "Hello")"#, true);
    check(terminal, r#"Delivered(kind: "Hello", to: Site(1))"#, true);
}

#[test]
fn only_recipients_that_a_cut_broadcast_reached_are_sent_to() {
    let cut = r#"At("1s", Crash(Site(0), BetweenRecipients)), After("1ms", Site(site: 0, does: GreetSites))"#;
    check(cut, "Sent(to: Site(1))", true);
    check(cut, "Sent(to: Site(2))", false);
    check(cut, r#"Sent(kind: "Hello", nth: 2)"#, false);
    let by_a_step = r#"At("1s", Site(site: 0, does: GreetSites)), On(Sent(to: Site(1)), Crash(Sender))"#;
    check(by_a_step, r#"Sent(kind: "Hello", nth: 2)"#, false);
}

#[test]
fn a_datagram_is_delivered_though_its_receiver_does_not_live_to_handle_it() {
    let crash = r#"At("1s", Site(site: 0, does: Greet(1))), On(Delivered(to: Site(1)), Crash(Recipient))"#;
    check(crash, r#"Delivered(kind: "Hello", from: Site(0))"#, true);
}

#[test]
fn who_is_paused_plays_no_part_but_the_leaders() {
    let lead = r#"At("1s", Site(site: 0, does: Lead(1)))"#;
    let greet = |prepare: &str, number: u8| {
        format!(
            r#"{lead}, {prepare} After("1ms", Pause(Site(1))),
               After("1ms", AtClient(client: 0, does: Greet({number})))"#
        )
    };
    let campaign =
        r#"After("1ms", Site(site: 1, does: Campaign)), After("0s", Site(site: 2, does: Campaign)),"#;
    let know = r#"After("1ms", Site(site: 0, does: Know(2))), After("0s", Site(site: 2, does: Know(1))),"#;
    for (role, prepare) in [("Follower", ""), ("Candidate", campaign), ("Laggard", know)] {
        let event = format!("Sent(from: Client(0), to: {role})");
        check(&greet(prepare, 2), &event, true);
        check(&greet(prepare, 1), &event, false);
    }
    let outranked = r#"After("1ms", Site(site: 1, does: Lead(2))),"#;
    check(&greet(outranked, 1), "Sent(to: Leader)", true);
    check(&greet(outranked, 0), "Sent(to: Leader)", false);
}

#[test]
fn of_two_leaders_of_one_rank_the_lower_number_leads() {
    let greet = |number: u8| {
        format!(
            r#"At("1s", Site(site: 0, does: Lead(1))), After("1ms", Site(site: 1, does: Lead(1))),
               After("1ms", Site(site: 2, does: Greet({number})))"#
        )
    };
    check(&greet(0), "Sent(to: Leader)", true);
    check(&greet(1), "Sent(to: Leader)", false);
    let leads = format!("sites: 3, steps: [{}], expect: [Leader(Site(0))]", greet(0));
    assert_eq!(outcome(&format!("Scenario(about: \"a test\", {leads})")).verdict.to_string(), "passed");
}

#[test]
fn a_crash_is_its_part_who_crashes() {
    let crash = |number: u8| {
        format!(r#"At("1s", Site(site: 0, does: Lead(1))), After("1ms", Crash(Site({number})))"#)
    };
    check(&crash(0), "Crashed(Leader)", true);
    check(&crash(0), "Crashed(Follower)", false);
    check(&crash(1), "Crashed(Follower)", true);
    check(&crash(2), "Crashed(Follower)", false);
}

#[test]
fn a_note_is_made_in_the_part_that_its_input_gave() {
    check(r#"At("1s", Site(site: 1, does: Lead(1)))"#, r#"Noted(kind: "Done", who: Leader)"#, true);
    check(r#"At("1s", Site(site: 1, does: Campaign))"#, r#"Noted(kind: "Done", who: Candidate)"#, true);
    let deposed = r#"At("1s", Site(site: 1, does: Campaign)), After("1ms", Site(site: 1, does: Lead(1)))"#;
    check(&format!("{deposed}, After(\"1ms\", Crash(Site(1)))"), "Crashed(Candidate)", false);
}

#[test]
fn parts_are_asked_for_anew_between_two_recipients() {
    // The first recipient is the follower. The second one is, once the first is paused.
    let pause = r#"At("1s", Site(site: 0, does: Lead(1))), After("1ms", Site(site: 0, does: GreetSites)),
                   On(Sent(to: Site(1)), Pause(Site(1)))"#;
    check(pause, "Sent(to: Follower, nth: 2)", true);
}

#[test]
fn to_lead_is_an_edge_of_any_process_and_of_every_rank() {
    check(r#"At("1s", AtClient(client: 0, does: Lead(1)))"#, "Leads(Any)", true);
    check(r#"At("1s", Site(site: 1, does: Lead(1)))"#, "Leads(Leader)", true);
    let lower = r#"At("1s", Site(site: 1, does: Lead(2))), After("1ms", Site(site: 2, does: Lead(1)))"#;
    check(lower, "Leads(Site(2))", true);
    let steady = |steps: &str, most: u64| {
        let fields = format!("sites: 3, steps: [{steps}], expect: [LeadershipsAtMost({most})]");
        outcome(&format!("Scenario(about: \"a test\", {fields})")).verdict.to_string()
    };
    let twice = r#"At("1s", Site(site: 1, does: Lead(1))), After("1ms", Site(site: 1, does: Lead(1))),
                   After("1ms", Site(site: 1, does: Lead(2)))"#;
    assert!(steady(twice, 1).contains("leaderships: expect[0] allows 1 leadership, S1 leads as number 2"));
    assert_eq!(steady(twice, 2), "passed");
}
