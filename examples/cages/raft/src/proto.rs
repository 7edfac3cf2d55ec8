//! The types of raft-rs are those of `rust-protobuf`, which knows no serde: they travel as their bytes.

use protobuf::Message;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<T: Message, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    value.write_to_bytes().expect("memory has room").serialize(to)
}

pub(crate) fn deserialize<'de, T: Message, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    T::parse_from_bytes(&Vec::<u8>::deserialize(from)?).map_err(D::Error::custom)
}
