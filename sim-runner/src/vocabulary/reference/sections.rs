//! The sections of the reference, in their order.

/// What is between two headings: a type of a file, or what only a table of the code knows.
pub(super) enum Section {
    /// A heading above others.
    Part(&'static str),
    /// A type by its name, under this title.
    Type(&'static str, &'static str),
    /// Every kind of action.
    Actions,
    /// Types that only the service has.
    OfService,
    Kinds,
    Facts,
    Recipes,
}

use Section::{Actions, Kinds, OfService, Part, Recipes, Type};

pub(super) const SECTIONS: &[Section] = &[
    Part("Reference of a scenario"),
    Type("Scenario", "Fields of a scenario"),
    Type("Network", "Network settings"),
    Type("Delivery", "Deliveries"),
    Type("Latency", "Latencies"),
    Type("Reordering", "Reordering"),
    Type("Bursts", "Bursts of losses"),
    Type("LateCopy", "Late copies"),
    Type("Bandwidth", "Bandwidth"),
    Type("Links", "Orders of links"),
    Type("Disk", "Disk settings"),
    Type("DiskMode", "Disk modes"),
    Type("Budget", "Budgets"),
    Type("History", "Histories"),
    Type("Settings", "Settings of the service"),
    Part("Reference of steps"),
    Type("Step", "Triggers"),
    Type("Target", "Targets"),
    Type("Event", "Events"),
    Type("Traffic", "Datagrams of an event"),
    Actions,
    Type("FlyingTraffic", "Datagrams under way"),
    Type("Rule", "Rules"),
    Type("Slots", "Slots of a rule"),
    Type("Ruling", "Rulings"),
    Part("Reference of claims"),
    Type("Claim", "Claims"),
    Part("Words of the service"),
    Type("Command", "Commands"),
    Type("Expectation", "Expectations"),
    OfService,
    Kinds,
    Part("Values"),
    Type("Duration", "Times"),
    Type("Chance", "Chances"),
    Type("Percent", "Percentages"),
    Type("About", "Subjects"),
    Part("Reference of a profile"),
    Type("Profile", "Fields of a profile"),
    Type("NetworkDrawn", "Drawn networks"),
    Type("LatencyKind", "Drawn latencies"),
    Type("DiskDrawn", "Drawn disks"),
    Type("DiskErrorKind", "Drawn disk errors"),
    Type("FaultKind", "Kinds of episodes"),
    Type("TargetKind", "Drawn targets"),
    Type("CutsDrawn", "Drawn cuts"),
    Type("CutShape", "Shapes of cuts"),
    Type("CrashesDrawn", "Drawn crashes"),
    Type("CrashMoment", "Moments of crashes"),
    Type("MessagesDrawn", "Drawn rules"),
    Type("RulingKind", "Drawn rulings"),
    Type("ClogsDrawn", "Drawn clogs"),
    Type("ClocksDrawn", "Drawn clocks"),
    Type("MustHappen", "What must happen"),
    Section::Facts,
    Recipes,
    Part("Reference of a saved failure"),
    Type("Failure", "Fields of a failure"),
    Type("Found", "Origin of a failure"),
];

/// Types that the section on actions describes.
pub(super) const OF_ACTIONS: [&str; 5] = ["Action", "Seam", "Leaves", "DiskFault", "ClockFault"];

/// What stands inside of another type.
pub(super) const INSIDE: [&str; 1] = ["Trigger"];
