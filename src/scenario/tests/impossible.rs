//! What can be read and cannot be: each refusal says where, and what can be.

use super::*;

#[test]
fn what_does_not_exist_is_refused() {
    check("steps: [At(\"1s\", Crash(Site(3)))]", "3", &["there is no site 3", "the sites are 0 to 2"]);
    check("steps: [At(\"1s\", Pause(Client(1)))]", "1", &["there is no client 1", "the only client is 0"]);
    check("steps: [At(\"1s\", Crash(Machine(3)))]", "3", &["there is no machine 3"]);
    check("steps: [At(\"1s\", Put(site: 3, number: 1))]", "3", &["there is no site 3"]);
    check("steps: [At(\"1s\", Put(site: 0, number: 100))]", "100", &["100 is too much", "at most 99"]);
    check("leader: 3", "3", &["there is no site 3", "the sites are 0 to 2"]);
    check("steps: [At(\"1s\", Mend(0, 4))]", "4", &["there is no site 4"]);
    check("steps: [At(\"1s\", Cut(from: [0], to: [1, 9]))]", "9", &["there is no site 9"]);
    check("steps: [At(\"1s\", Expect(Holds(site: 5, number: 1)))]", "5", &["there is no site 5"]);
    check("rules: [(then: Drop), (from: Terminal(8), then: Drop)]", "8", &["there is no site 8"]);
    let both = "steps: [On(Noted(kind: \"Kept\", subject: \"number 3\", slot: 3), Heal)]";
    check(both, "3", &["about two things at once"]);
    check("settings: (is_broken: true)", "true", &["broken"]);
}

#[test]
fn clusters_that_cannot_be_are_refused() {
    for (sites, message) in [(0, "a cluster of 0 sites"), (10, "a cluster of 10 sites")] {
        let bad =
            wrong(&format!("Scenario(about: \"x\", sites: {sites}, expect: [Holds(site: 12, number: 1)])"));
        assert!(bad.to_string().contains(message) && bad.to_string().contains("1 to 9 sites"), "{bad}");
        let place = (bad.diagnostics[0].column, bad.diagnostics[0].end_column);
        assert_eq!((bad.diagnostics.len(), place), (1, (29, 29 + sites.to_string().len())));
    }
    check("machines: [[0, 1]]", "[[0, 1]]", &["site 2 is in no machine"]);
    check("machines: [[0, 1], [1, 2]]", "1, 2", &["site 1 is named twice"]);
    check("machines: [[0, 1, 2], []]", "[]", &["an empty group"]);
    let table = "network: (latency: Table([[Constant(\"1ms\")], [], []]))";
    let bad = wrong(&format!("Scenario(about: \"x\", sites: 3, {table})"));
    assert!(bad.to_string().contains("1 latencies for 3 sites"), "{bad}");
    let regions = "Regions(within: Constant(\"1ms\"), between: Constant(\"9ms\"), of: [[0, 1]])";
    check(&format!("network: (latency: {regions})"), "[[0, 1]]", &["site 2 is in no region"]);
}

#[test]
fn contradictions_are_refused() {
    check(
        "steps: [At(\"9s\", Heal), At(\"8s\", Heal)]",
        "\"8s\"",
        &["the step before it fires at 9s or later"],
    );
    let after = "steps: [At(\"9s\", Heal), After(\"2s\", Heal), At(\"10s\", Heal)]";
    check(after, "\"10s\"", &["fires at 11s or later"]);
    check("steps: [At(\"1s\", Partition([[0, 1], [1, 2]]))]", "1, 2", &["site 1 is named twice"]);
    check("steps: [At(\"1s\", Partition([[0, 1]]))]", "[[0, 1]]", &["a partition into one group"]);
    check("steps: [At(\"1s\", Restart(Any))]", "Any", &["`Any` says nothing here"]);
    check("steps: [At(\"1s\", Restart(Leader))]", "Leader", &["who is down has no role"]);
    check("steps: [At(\"1s\", Isolate(Any))]", "Any", &["`Any` says nothing here"]);
    check("steps: [At(\"1s\", Mend(1, 1))]", "1", &["no link goes from a site to itself"]);
    check("network: (latency: Uniform(\"2ms\", \"1ms\"))", "Uniform", &["from 2ms to 1ms is no range"]);
    check("rules: [(since: \"2s\", until: \"1s\", then: Drop)]", "\"1s\"", &["never live"]);
    check(
        "expect: [Converges(within: \"1s\"), Converges(within: \"2s\")]",
        "Converges(within: \"2s",
        &["second"],
    );
    check("steps: [At(\"1s\", Expect(Converges(within: \"1s\")))]", "Converges", &["belongs into `expect`"]);
    check("steps: [At(\"1s\", Expect(Never(Leads(Any))))]", "Never", &["belongs into `expect`"]);
    check(
        "steps: [At(\"1s\", Expect(Restarts))]",
        "Restarts",
        &["speaks of the end", "belongs into `expect`"],
    );
    check(
        "steps: [At(\"1s\", Expect(LeadershipsAtMost(1)))]",
        "LeadershipsAtMost",
        &["the whole run", "belongs into `expect`"],
    );
    check("steps: [At(\"1s\", Expect(Prompt))]", "Prompt", &["the whole run", "belongs into `expect`"]);
    check("expect: [Prompt, Prompt]", "Prompt", &["the same twice", "one `Prompt`"]);
    check("network: (loss: \"1%\"), expect: [Prompt]", "Prompt", &["datagrams are lost", "`Constant`"]);
    check("disk: (mode: Blocking), expect: [Prompt]", "Prompt", &["syncs wait for each other"]);
    check("steps: [At(\"1s\", Isolate(Site(0)))], expect: [Prompt]", "Prompt", &["`Crash` and `Restart`"]);
    check("expect: [Restarts, Restarts]", "Restarts", &["the same twice", "one `Restarts`"]);
    check("expect: [Stops(Leader)]", "Leader", &["who stops is known from the start", "`Site(0)`"]);
    check("steps: [At(\"1s\", Expect(Stops(Leader)))]", "Leader", &["who stops is known from the start"]);
    check("expect: [LeadershipsAtMost(0)]", "0", &["without a leader nothing is ever done"]);
    check("expect: [Progresses]", "Progresses", &["this service brings no probe", "bring `Service::probe`"]);
}

#[test]
fn steps_that_can_never_fire_are_refused() {
    check("steps: [On(Leads(Client(0)), Heal)]", "Client(0)", &["a client never leads"]);
    check("steps: [On(Leads(Follower), Heal)]", "Follower", &["who leads is no follower"]);
    check("steps: [On(Sent(nth: 0), Heal)]", "0", &["`nth` counts from 1"]);
    check("steps: [On(Crashed(Site(0)), Heal)]", "Crashed", &["no step of this scenario crashes"]);
    check("steps: [On(Restarted(Site(0)), Crash(Site(1)))]", "Restarted", &["restarts anything"]);
    check("steps: [On(Sent(from: Site(0), to: Site(0)), Heal)]", "Site(0)), Heal", &["to itself"]);
    check("steps: [At(\"61s\", Heal)]", "\"61s\"", &["steps are given up at 1min"]);
    check("steps: [At(\"1s\", Crash(Client(0), BeforeSync))]", "Client(0)", &["neither a disk nor seams"]);
}

#[test]
fn rough_networks_that_cannot_be_are_refused() {
    let network = |words: &str, at: &str, parts: &[&str]| check(&format!("network: ({words})"), at, parts);
    network("bursts: (chance: \"1%\", length: \"0s\")", "\"0s\"", &["a burst of no length", "above 0s"]);
    network(
        "bursts: (chance: \"1%\", length: \"1s\", loss: \"0%\")",
        "\"0%\"",
        &["lose nothing", "above 0%"],
    );
    network("late_copies: (chance: \"1%\", after: \"0s\")", "\"0s\"", &["no time at all", "`duplication`"]);
    network("late_copies: (chance: \"1%\", after: \"2min\")", "\"2min\"", &["of 2min ago", "at most 1min"]);
    network("bandwidth: (rate: 0, queue: 9)", "0", &["never sends anything", "bytes per second"]);
    let bad = wrong("Scenario(about: \"x\", sites: 2, network: (misdelivery: \"1%\"))");
    assert!(bad.to_string().contains("three sites, or two and a client"), "{bad}");
    right("Scenario(about: \"x\", sites: 2, clients: 1, network: (misdelivery: \"1%\"))");
    let rule = |words: &str, at: &str, parts: &[&str]| check(&format!("rules: [({words})]"), at, parts);
    rule("then: Keep", "Keep", &["can never arrive again", "a `name`"]);
    rule("name: \"all\", count: 101, then: Keep", "101", &["101 copies", "at most 100"]);
    rule("then: Misdeliver(Any)", "Any", &["`Any` says nothing here"]);
    rule("then: Misdeliver(Site(3))", "3", &["there is no site 3"]);
    check("steps: [At(\"1s\", Clog(from: [1], to: [1]))]", "[1]))", &["no link goes from a site to itself"]);
    check("steps: [At(\"1s\", Clog(from: [], to: [1]))]", "[], to", &["no site at all"]);
    check("steps: [At(\"1s\", Unclog(from: [0], to: [1]))]", "Unclog", &["no link is ever clogged"]);
    check(
        "steps: [At(\"1s\", Redeliver(\"old\"))]",
        "\"old\"",
        &["no rule `old` keeps anything", "`then: Keep`"],
    );
    let kept = "rules: [(name: \"odd\", then: Keep)], steps: [At(\"1s\", Redeliver(\"old\"))]";
    check(kept, "\"old\"", &["no rule `old` keeps anything", "did you mean `odd`?"]);
}

#[test]
fn ends_of_a_datagram_are_named_where_there_is_one() {
    check(
        "steps: [At(\"1s\", Crash(Sender))]",
        "Sender",
        &["no datagram is meant here", "`On(Sent(..), ..)`"],
    );
    check("rules: [(from: Recipient, then: Drop)]", "Recipient", &["no datagram is meant here"]);
    check("steps: [On(Sent(from: Sender), Heal)]", "Sender", &["no datagram is meant here"]);
    check("steps: [On(Sent(), Expect(Leader(Sender)))]", "Sender", &["no datagram is meant here"]);
    check("steps: [On(Sent(from: Client(0)), Wipe(Sender))]", "Sender))", &["neither a disk"]);
    check("steps: [On(Sent(to: Terminal(0)), Crash(Recipient))]", "Recipient", &["dies with its site"]);
    check("steps: [At(\"1s\", Restart(Laggard))]", "Laggard", &["who is down has no role"]);
    check("steps: [On(Leads(Candidate), Heal)]", "Candidate", &["who tries to lead does not lead"]);
}

#[test]
fn more_storage_than_can_be_lost_is_refused() {
    let help = "`budget: Unlimited`";
    let two = "the storage of 2 of 3 sites may be damaged or wiped, and 1 can be lost for good";
    check("steps: [At(\"1s\", Wipe(Site(0))), At(\"2s\", Disk(Site(1), Rot))]", "Site(1)", &[two, help]);
    check(
        "steps: [At(\"1s\", Wipe(Site(0)))], also: [[At(\"2s\", Disk(Leader, Misdirect))]]",
        "Leader",
        &[two],
    );
    check(
        "steps: [At(\"1s\", Disk(Site(0), LoseFile)), At(\"2s\", Disk(Site(1), Rot))]",
        "Site(1)",
        &[two, help],
    );
    check("steps: [At(\"1s\", Wipe(AllSites))]", "AllSites", &["the storage of 3 of 3 sites"]);
    right("(about: \"x\", sites: 3, steps: [At(\"1s\", Wipe(Site(0))), At(\"2s\", Disk(Site(0), Rot))])");
    right("(about: \"x\", sites: 3, budget: Unlimited, steps: [At(\"1s\", Wipe(AllSites))])");
    let (save, restore) = ("At(\"1s\", Disk(Site(0), Save))", "At(\"2s\", Disk(Site(1), Restore))");
    let both = format!("steps: [{save}, {restore}]");
    check(&both, "Site(1)", &["has forgotten what it said", "only what is expected is judged"]);
    right(&format!("(about: \"x\", sites: 3, budget: Unlimited, {both})"));
    let never = format!("budget: Unlimited, steps: [{restore}]");
    check(&never, "Site(1)", &["no copy is ever made", "`Disk(Site(1), Save)`"]);
    let both = "budget: Unlimited, expect: [Converges(within: \"1s\")]";
    check(both, "[Converges", &["under an unlimited budget nothing must converge"]);
}

#[test]
fn faults_of_disks_sites_and_clocks_have_their_limits() {
    let step = |action: &str| format!("steps: [At(\"1s\", {action})]");
    let check = |action: &str, at: &str, parts: &[&str]| check(&step(action), at, parts);
    check("Disk(Client(0), Full)", "Client(0)", &["a client has neither a disk nor seams"]);
    check("Crash(Terminal(0))", "Terminal(0)", &["a terminal lives and dies with its site", "`Client(..)`"]);
    check("Wipe(Terminal(0))", "Terminal(0)", &["a terminal lives and dies with its site"]);
    check("Slow(Any, \"1ms\")", "Any", &["`Any` says nothing here"]);
    check("Slow(Site(0), \"2min\")", "\"2min\"", &["2min for each input", "at most 1min"]);
    check("Clock(Site(0), Fast(\"51%\"))", "\"51%\"", &["drifts by 51 %", "at most 50%"]);
    check("Clock(Site(0), Behind(\"0s\"))", "\"0s\"", &["set by 0us"]);
    check("Clock(Site(0), Fast(\"1.5%\"))", "\"1.5%\"", &["a whole number of percent, like \"10%\""]);
    check("Crash(Site(0), Torn, Scattered)", ")", &["contradict each other"]);
}

#[test]
fn files_too_short_for_the_service_are_refused() {
    check(
        "disk: (file_bytes: 100)",
        "100",
        &["files of 100 bytes", "one input makes a site write fits one file"],
    );
}

#[test]
fn what_cannot_happen_on_links_of_an_order_is_refused() {
    let network = |words: &str, at: &str, parts: &[&str]| check(&format!("network: ({words})"), at, parts);
    let whole = "with `order: Stream` a link brings everything once, whole and in the order of sending";
    for (fault, at, order) in [
        ("loss: \"1%\"", "\"1%\"", "Fifo"),
        ("duplication: \"1%\"", "\"1%\"", "Fifo"),
        ("bursts: (chance: \"2%\", length: \"1s\")", "(chance", "Fifo"),
        ("corruption: \"1%\"", "\"1%\"", "Fifo"),
        ("truncation: \"1%\"", "\"1%\"", "Fifo"),
        ("bandwidth: (rate: 9, queue: 9)", "(rate", "Fifo"),
        ("reordering: (chance: \"1%\", by: \"1ms\")", "(chance", "Datagrams"),
        ("late_copies: (chance: \"1%\", after: \"1s\")", "(chance", "Datagrams"),
        ("misdelivery: \"1%\"", "\"1%\"", "Datagrams"),
    ] {
        let word = fault.split(':').next().unwrap();
        let help = format!("leave out `{word}`, or say `order: {order}` under `network`");
        network(&format!("{fault}, order: Stream"), at, &[whole, &help]);
        if order == "Fifo" {
            right(&format!("Scenario(about: \"x\", sites: 3, network: ({fault}, order: Fifo))"));
        } else {
            let alone = "with `order: Fifo` a link brings datagrams to its other end alone";
            network(&format!("{fault}, order: Fifo"), at, &[alone, &help]);
        }
    }
    let ruled =
        |then: &str, order: &str| format!("network: (order: {order}), rules: [(name: \"a\", then: {then})]");
    for then in ["Drop", "Duplicate()", "Corrupt", "Truncate"] {
        let at = &format!("{then})]");
        check(&ruled(then, "Stream"), at, &[whole, "or say `order: Fifo`"]);
        right(&format!("Scenario(about: \"x\", sites: 3, {})", ruled(then, "Fifo")));
    }
    for (then, at) in [("Misdeliver(Site(2))", "Misdeliver"), ("Keep", "Keep)]")] {
        check(&ruled(then, "Fifo"), at, &["or say `order: Datagrams`"]);
    }
    let kept = "rules: [(name: \"a\", then: Keep)], steps: [At(\"1s\", Redeliver(\"a\"))]";
    let bad = wrong(&format!("Scenario(about: \"x\", sites: 3, network: (order: Fifo), {kept})"));
    assert!(bad.to_string().contains("leave out `Redeliver`, or say `order: Datagrams`"), "{bad}");
    right(&format!("Scenario(about: \"x\", sites: 3, {})", ruled("Delay(\"1s\")", "Stream")));
    network(
        "break_after: \"1s\"",
        "\"1s\"",
        &["a link with `order: Datagrams` never breaks", "`order: Stream`"],
    );
    network("order: Fifo, break_after: \"1s\"", "\"1s\"", &["a link with `order: Fifo` never breaks"]);
    network("order: Stream, break_after: \"0s\"", "\"0s\"", &["breaks at once", "above 0s"]);
    network("order: Streams", "Streams", &["`Datagrams`, `Fifo` or `Stream`"]);
    let waits = |order: &str| format!("network: (order: {order}), steps: [On(LinkDown(Site(0)), Heal)]");
    check(&waits("Fifo"), "LinkDown", &["this never happens", "say `order: Stream` under `network`"]);
    right(&format!("Scenario(about: \"x\", sites: 3, {})", waits("Stream")));
    right("Scenario(about: \"x\", sites: 3, expect: [Never(LinkUp(Any))])");
}
