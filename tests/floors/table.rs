//! Which module may use which: the table of floors.

/// One module of the library, or one of the programs on top of it.
pub struct Floor {
    pub number: u8,
    pub name: &'static str,
    /// The floors that it may use beside itself.
    pub uses: &'static [&'static str],
    pub why: &'static str,
}

/// The modules of the floor `border`, which may use each other.
pub const BORDER: [&str; 10] =
    ["cow_log", "foreign", "frame", "ids", "macros", "mix", "outbox", "process", "time", "wire"];

/// From the ground up: each floor uses only floors of earlier rows.
pub const FLOORS: [Floor; 30] = [
    Floor { number: 0, name: "border", uses: &[], why: "the border knows nothing but itself" },
    Floor {
        number: 1,
        name: "journal",
        uses: &["border"],
        why: "a journal does not know what a record means",
    },
    Floor { number: 1, name: "recording", uses: &["border"], why: "a recording is of any protocol" },
    Floor { number: 1, name: "ron_file", uses: &["border"], why: "whoever reads a file brings its schema" },
    Floor {
        number: 1,
        name: "replicated::paxos",
        uses: &["border"],
        why: "consensus knows no tweets, no files and no host",
    },
    Floor {
        number: 2,
        name: "replicated",
        uses: &["border", "replicated::paxos"],
        why: "a replicated state machine does not know what it is of",
    },
    Floor {
        number: 3,
        name: "sim",
        uses: &["border", "journal"],
        why: "the simulator knows no protocol, and nothing of the other host",
    },
    Floor {
        number: 3,
        name: "udp",
        uses: &["border", "journal", "recording"],
        why: "the real host knows no protocol, no service and nothing of the simulator",
    },
    Floor {
        number: 3,
        name: "tweets::timeline",
        uses: &["border", "replicated"],
        why: "a timeline knows no consensus",
    },
    Floor {
        number: 3,
        name: "tweets::site",
        uses: &["border", "replicated::paxos", "replicated", "tweets::timeline"],
        why: "a site does not know who hosts it, and its host keeps its records",
    },
    Floor {
        number: 4,
        name: "replicated::sites_ron",
        uses: &["border", "ron_file", "replicated", "udp"],
        why: "`sites.ron` configures real sites, without a simulator",
    },
    Floor {
        number: 4,
        name: "replicated::real",
        uses: &["border", "journal", "replicated", "replicated::sites_ron", "udp"],
        why: "real sites need no simulator",
    },
    Floor {
        number: 4,
        name: "tweets::client",
        uses: &[
            "border",
            "replicated",
            "tweets::timeline",
            "tweets::site",
            "udp",
            "replicated::sites_ron",
            "replicated::real",
        ],
        why: "the client is of the real service, without a simulator",
    },
    Floor { number: 4, name: "judges", uses: &["border", "sim"], why: "these judges are for any protocol" },
    Floor {
        number: 4,
        name: "foreign::logs",
        uses: &["border", "sim"],
        why: "log lines are of any process, and no process sees them",
    },
    Floor {
        number: 4,
        name: "foreign::rebuilt",
        uses: &["border", "foreign::logs"],
        why: "a clone is rebuilt in any host",
    },
    Floor {
        number: 4,
        name: "scenario",
        uses: &["border", "journal", "recording", "ron_file", "sim", "foreign::logs", "foreign::rebuilt"],
        why: "scenarios are for any protocol",
    },
    Floor {
        number: 4,
        name: "protocol",
        uses: &["border", "ron_file", "sim", "judges", "foreign::rebuilt", "scenario"],
        why: "sites and their clients are a process and a service of any protocol",
    },
    Floor {
        number: 4,
        name: "tweets::judges",
        uses: &[
            "border",
            "replicated::paxos",
            "replicated",
            "tweets::timeline",
            "tweets::site",
            "sim",
            "judges",
        ],
        why: "judges look at what a world shows, whoever runs it",
    },
    Floor {
        number: 4,
        name: "replicated::calls",
        uses: &["border", "replicated", "sim"],
        why: "what clients ask for is seen in a world",
    },
    Floor {
        number: 4,
        name: "replicated::service",
        uses: &["border", "journal", "replicated::paxos", "replicated", "sim", "scenario"],
        why: "what scenarios say of any machine knows nothing of the real host",
    },
    Floor {
        number: 4,
        name: "tweets::service",
        uses: &[
            "border",
            "journal",
            "replicated::paxos",
            "replicated",
            "replicated::service",
            "tweets::timeline",
            "tweets::site",
            "sim",
            "judges",
            "scenario",
            "tweets::judges",
        ],
        why: "the service in scenarios knows nothing of the real host, nor who runs them",
    },
    Floor { number: 4, name: "tweets", uses: &[], why: "the wing is what its modules are" },
    Floor {
        number: 5,
        name: "search",
        uses: &["border", "journal", "sim", "judges", "scenario"],
        why: "searches are for any protocol",
    },
    Floor {
        number: 5,
        name: "testing",
        uses: &["sim", "scenario", "search"],
        why: "tests out of files are for any protocol",
    },
    Floor {
        number: 5,
        name: "prelude",
        uses: &["border", "sim", "judges", "foreign::rebuilt", "scenario", "protocol", "search"],
        why: "whoever brings another protocol needs neither ours nor a real host",
    },
    Floor {
        number: 6,
        name: "bin",
        uses: &[
            "border",
            "journal",
            "recording",
            "replicated::paxos",
            "replicated",
            "tweets::timeline",
            "tweets::site",
            "udp",
            "replicated::sites_ron",
            "replicated::real",
            "tweets::client",
        ],
        why: "real sites have nothing of simulations in them",
    },
    Floor {
        number: 6,
        name: "sim-runner",
        uses: &[
            "border",
            "journal",
            "recording",
            "ron_file",
            "sim",
            "udp",
            "judges",
            "foreign::logs",
            "foreign::rebuilt",
            "scenario",
            "search",
            "prelude",
        ],
        why: "these commands are for any service",
    },
    Floor {
        number: 6,
        name: "sim-runner::tweets",
        uses: &[
            "border",
            "journal",
            "replicated::paxos",
            "replicated",
            "sim",
            "udp",
            "tweets::timeline",
            "tweets::site",
            "replicated::sites_ron",
            "tweets::client",
            "judges",
            "scenario",
            "tweets::judges",
            "tweets::service",
            "search",
            "sim-runner",
        ],
        why: "these commands are of the tweet service",
    },
    Floor {
        number: 6,
        name: "sim-runner::bin",
        uses: &["sim-runner::tweets"],
        why: "the program is one line",
    },
];

/// Names at the top of the library that are not its own modules.
pub const FOREIGN: [&str; 1] = ["alloc"];

/// The floor of the module `path`: a submodule has a row of its own, or the row of its parent.
pub fn floor_of<S: AsRef<str>>(path: &[S]) -> Option<&'static Floor> {
    let first = path.first()?.as_ref();
    let row = |name: &str| FLOORS.iter().find(|floor| floor.name == name);
    let part = path.get(1).and_then(|second| row(&format!("{first}::{}", second.as_ref())));
    part.or_else(|| row(if BORDER.contains(&first) { "border" } else { first }))
}
