//! Profiles are read, and errors in them are shown in place.

use super::*;
use crate::tweets::service::Timelines;

#[test]
fn the_default_file_says_what_is_left_out_elsewhere() {
    let (name, text) = PROFILES[0];
    assert_eq!(name, "default");
    assert_eq!(Profile::read::<Timelines>(name, text).unwrap(), Profile::default());
    // Every number of the default profile is in the file.
    let value: ron::Value = ron::from_str(&text.replacen("Profile(", "(", 1)).unwrap();
    let ron::Value::Map(fields) = value else { panic!("{value:?}") };
    let written = ron::to_string(&Profile::default()).unwrap();
    let ron::Value::Map(all) = ron::from_str(&written).unwrap() else { panic!("{written}") };
    assert_eq!(fields.len(), all.len());
}

#[test]
fn every_profile_is_read_and_differs_from_the_others() {
    let all = PROFILES.map(|(name, text)| Profile::read::<Timelines>(name, text).unwrap());
    for (number, one) in all.iter().enumerate() {
        assert!(all[..number].iter().all(|other| other != one), "{number}");
    }
    assert_eq!(all[2].network, all[0].network);
}

#[test]
fn wrong_profiles_are_answered_in_place() {
    let check = |text: &str, line: usize, message: &str, help: &str| {
        let bad = Profile::read::<Timelines>("test.ron", text).expect_err(text);
        let found = &bad.diagnostics[0];
        assert_eq!((found.line, found.message.as_str()), (line, message), "{bad}");
        assert!(found.help.as_deref().unwrap_or("").contains(help), "{bad}");
    };
    check("Profile(\n    site: {3: 1},\n)", 2, "unknown field `site` in `Profile`", "did you mean `sites`?");
    let nothing = "nothing can be drawn: no weight is above 0";
    check("Profile(\n    sites: {3: 0},\n)", 2, nothing, "at least one weight above 0");
    check("Profile(\n\n    faults: {},\n)", 3, nothing, "at least one weight");
    check("Profile(sites: {3: 1, 10: 1})", 1, "a cluster of 10 sites", "1 to 9 sites");
    check("Profile(\n  commands: (9, 8))", 2, "from 9 to 8 is no range", "the smaller number first");
    check("Profile(users: (0, 3))", 1, "from 0 to 3", "1 to 26");
    check("Profile(lasts: (\"2s\", \"1s\"))", 1, "from 2s to 1s is no range", "the shorter time first");
    check("Profile(network: (loss: (\"9%\", \"1/50\")))", 1, "this is no range", "the smaller share first");
    check("Profile(cuts: (shapes: {Ring: 0}))", 1, nothing, "above 0");
    check("Profile(cuts: (shapes: {Rang: 1}))", 1, "unknown shape `Rang`", "did you mean `Ring`?");
    let rate = "Profile(network: (rate: (0, 9)))";
    check(rate, 1, "from 0 to 9", "1 to 1000000000");
    check("Profile(network: (queue: (100, 900)))", 1, "from 100 to 900", "150 to");
    check("Profile(network: (late_copies_after: (\"1s\", \"2min\")))", 1, "from 1s to 2min", "1us to 1min");
    check(
        "Profile(network: (misdelivery: (\"2%\", \"1%\")))",
        1,
        "this is no range",
        "the smaller share first",
    );
    check("Profile(clocks: (drift: (1, 51)))", 1, "from 1 to 51", "1 to 50");
    check("Profile(clogs: (count: (0, 2)))", 1, "from 0 to 2", "1 to 50");
    check("Profile(disk: (errors: {Full: 0}))", 1, nothing, "above 0");
    check("Profile(besides: {Rott: \"1%\"})", 1, "unknown fault `Rott`", "did you mean `Rot`?");
    check("Profile(recipes: [\"swizle\"])", 1, "unknown recipe `swizle`", "did you mean `swizzle`?");
    check(
        "Profile(must_happen: AllBut([\"clocks sett\"]))",
        1,
        "unknown fact `clocks sett`",
        "did you mean `clocks set`?",
    );
    check("Profile(must_happen: [])", 1, "expected identifier", "");
    check("Profile(converges_within: \"0s\")", 1, "nothing converges within no time", "above 0s");
    check(
        "Profile(tiny: \"120%\")",
        1,
        "expected a chance, like \"1%\" or \"1/64\", found the string \"120%\"",
        "",
    );
}
