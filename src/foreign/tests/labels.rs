//! The kinds and subjects of types of others.

use super::*;

/// As OmniPaxos nests its messages.
mod nested {
    use super::*;

    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    pub enum Message<T> {
        SequencePaxos(PaxosMessage<T>),
        #[serde(rename = "Ballots")]
        Ble(BleMessage),
        Read {
            level: Level,
        },
        Status(Status),
        Levels(Vec<Level>),
        Perhaps(Option<Level>),
        Pair(Level, Level),
        Beat,
    }
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    pub struct PaxosMessage<T> {
        pub from: u64,
        pub to: u64,
        pub msg: PaxosMsg<T>,
    }
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    pub enum PaxosMsg<T> {
        Prepare(Prepare),
        Accept { entries: Vec<T> },
        Compaction(Compaction),
        Carries(Box<Message<T>>),
    }
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    pub struct Prepare {
        pub ballot: u64,
        pub level: Option<Level>,
    }
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    pub enum Compaction {
        Trim(usize),
        Snapshot(Option<usize>),
    }
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    pub struct BleMessage(pub HeartbeatMsg);
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    pub enum HeartbeatMsg {
        Request,
        Reply { ballot: u64 },
    }
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    pub enum Level {
        Weak,
        Strong,
    }
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    pub struct Status {
        pub wanted: Level,
        pub found: Level,
    }
}

#[test]
fn the_kind_is_the_innermost_variant() {
    use nested::*;

    let paxos = |msg| Message::SequencePaxos(PaxosMessage { from: 1, to: 2, msg });
    let expected: [(Message<u64>, &str); 13] = [
        (paxos(PaxosMsg::Prepare(Prepare { ballot: 1, level: Some(Level::Weak) })), "Prepare"),
        (paxos(PaxosMsg::Accept { entries: vec![7] }), "Accept"),
        (paxos(PaxosMsg::Compaction(Compaction::Trim(7))), "Trim"),
        (paxos(PaxosMsg::Compaction(Compaction::Snapshot(None))), "Snapshot"),
        (Message::Ble(BleMessage(HeartbeatMsg::Request)), "Request"),
        (Message::Ble(BleMessage(HeartbeatMsg::Reply { ballot: 3 })), "Reply"),
        (Message::Read { level: Level::Strong }, "Read"),
        (Message::Status(Status { wanted: Level::Weak, found: Level::Strong }), "Status"),
        (Message::Levels(vec![Level::Weak]), "Levels"),
        (Message::Perhaps(Some(Level::Weak)), "Perhaps"),
        (Message::Pair(Level::Weak, Level::Weak), "Pair"),
        (Message::Beat, "Beat"),
        (paxos(PaxosMsg::Carries(Box::new(paxos(PaxosMsg::Compaction(Compaction::Trim(7)))))), "Trim"),
    ];
    for (message, kind) in &expected {
        assert_eq!(Serde::<_>::new(message.clone()).kind(), *kind, "{message:?}");
    }
    // Every kind that a message has, once, and no other.
    let names: Vec<&str> = expected[..12].iter().map(|(_, kind)| *kind).collect();
    assert_eq!(Serde::<Message<u64>>::kinds(), names);
}

#[test]
fn a_type_without_variants_has_its_own_name() {
    assert_eq!(Serde::<Everything>::kinds(), ["Everything"]);
    assert_eq!(Serde::<Everything>::default().kind(), "Everything");
    assert_eq!(Serde::<Vec<Choice>>::kinds(), ["Vec"]);
    assert_eq!(Serde::<Vec<Choice>>::default().kind(), "Vec");
    assert_eq!(Serde::<Result<Choice, ()>>::kinds(), ["Unit", "One", "Two", "Named", "Err"]);
}

#[test]
fn kinds_are_the_names_that_serde_writes() {
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Named {
        LongName,
        #[serde(rename = "other")]
        Renamed,
    }
    assert_eq!(Serde::<Named>::kinds(), ["long-name", "other"]);
    assert_eq!(Serde::<_>::new(Named::Renamed).kind(), "other");
}

#[test]
fn one_generic_enum_inside_itself_is_two() {
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    enum Layer<T> {
        Data(T),
        Control,
    }
    assert_eq!(Serde::<Layer<Layer<nested::Level>>>::kinds(), ["Weak", "Strong", "Control"]);
    let message = Serde::<_>::new(Layer::Data(Layer::Data(nested::Level::Strong)));
    assert_eq!(message.kind(), "Strong");
}

#[test]
fn the_label_of_a_type_is_its_own_if_asked_for() {
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    enum Ask {
        Value { request: u64 },
        Beat,
    }
    crate::label_enum!(Ask { Value about request, Beat as "Heartbeat" });
    type Message = Serde<Ask, OwnLabel>;
    assert_eq!((Message::kinds(), Message::nouns()), (vec!["Value", "Heartbeat"], vec!["request"]));
    assert_eq!(Message::new(Ask::Value { request: 7 }).subject().to_string(), "request 7");
    assert_eq!(Message::new(Ask::Beat).kind(), "Heartbeat");
}

#[test]
fn a_value_in_another_has_no_prefix() {
    let pair: (Serde<Choice>, u64) = (Choice::One(5).into(), 6);
    assert_eq!(pair.to_bytes(), [1, 5, 6]);
    assert_eq!(<(Serde<Choice>, u64)>::from_bytes(&[1, 5, 6]), Ok(pair));
}
