#![expect(clippy::disallowed_types, reason = "types of others may have the order of a hash")]

mod labels;
#[cfg(feature = "prost")]
mod with_prost;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use std::collections::HashMap;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;

/// One of everything that serde distinguishes.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Everything {
    flags: (bool, Option<bool>),
    signed: (i8, i16, i32, i64, i128),
    unsigned: (u8, u16, u32, u64, u128),
    letter: char,
    text: String,
    #[serde(with = "bytes")]
    blob: Vec<u8>,
    list: Vec<Choice>,
    map: BTreeMap<u16, String>,
    set: BTreeSet<u64>,
    array: [u8; 3],
    unit: (),
    nothing: Nothing,
    wrapped: Wrapped,
    floats: (f32, f64),
}

#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Nothing;

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Wrapped(Option<Box<Wrapped>>);

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
enum Choice {
    #[default]
    Unit,
    One(u64),
    Two(u8, String),
    Named {
        number: u32,
        inner: Box<Choice>,
    },
}

/// Serde's form of bytes, which no type of the standard library asks for.
mod bytes {
    use core::fmt;

    use serde::{Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        from.deserialize_byte_buf(Bytes)
    }

    struct Bytes;

    impl de::Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }
}

fn choices() -> impl Strategy<Value = Choice> {
    let leaf = prop_oneof![
        Just(Choice::Unit),
        any::<u64>().prop_map(Choice::One),
        (any::<u8>(), ".{0,4}").prop_map(|(number, text)| Choice::Two(number, text)),
    ];
    leaf.prop_recursive(4, 8, 1, |inner| {
        (any::<u32>(), inner).prop_map(|(number, inner)| Choice::Named { number, inner: Box::new(inner) })
    })
}

prop_compose! {
    fn everything()(
        flags in any::<(bool, Option<bool>)>(),
        signed in any::<(i8, i16, i32, i64, i128)>(),
        unsigned in any::<(u8, u16, u32, u64, u128)>(),
        (letter, text) in (any::<char>(), ".{0,8}"),
        blob in prop::collection::vec(any::<u8>(), 0..200),
        list in prop::collection::vec(choices(), 0..4),
        (map, set) in (prop::collection::btree_map(any::<u16>(), ".{0,3}", 0..4),
            prop::collection::btree_set(any::<u64>(), 0..4)),
        (array, depth, bits) in (any::<[u8; 3]>(), 0..5, any::<(u16, u32)>()),
    ) -> Everything {
        let wrapped = (0..depth).fold(Wrapped(None), |inner, _| Wrapped(Some(Box::new(inner))));
        let floats = (bits.0.into(), bits.1.into());
        Everything {
            flags, signed, unsigned, letter, text, blob, list, map, set, array, unit: (), nothing: Nothing, wrapped,
            floats,
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() }
}

fn read<T: Serialize + DeserializeOwned + Clone + Debug>(bytes: &[u8]) -> Result<T, WireError> {
    Serde::<T>::from_bytes(bytes).map(Foreign::into_inner)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_value_comes_back_and_its_bytes_are_those_of_postcard(value in everything()) {
        let bytes = Serde::<_>::new(value.clone()).to_bytes();
        prop_assert_eq!(&bytes, &postcard::to_allocvec(&value).unwrap());
        prop_assert_eq!(bytes.len(), Serde::<_>::new(value.clone()).size());
        prop_assert_eq!(read::<Everything>(&bytes), Ok(value));
    }

    #[test]
    fn what_is_cut_or_has_more_is_refused(value in everything(), place in any::<prop::sample::Index>()) {
        let mut bytes = Serde::<_>::new(value).to_bytes();
        prop_assert!(read::<Everything>(&bytes[..place.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert_eq!(read::<Everything>(&bytes), Err(WireError::TrailingBytes));
    }

    #[test]
    fn what_is_damaged_is_refused_or_is_the_form_of_another_value(
        value in everything(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8u8), 1..4),
    ) {
        let mut bytes = Serde::<_>::new(value).to_bytes();
        for (place, bit) in flips {
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
        }
        if let Ok(other) = read::<Everything>(&bytes) {
            prop_assert_eq!(Serde::<_>::new(other).to_bytes(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_are_the_form_of_a_value(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(value) = read::<Vec<Choice>>(&bytes) {
            prop_assert_eq!(Serde::<_>::new(value).to_bytes(), bytes);
        }
    }
}

/// Bytes that claim `count` items and have `rest` behind them.
fn claiming(count: u64, rest: &[u8]) -> Vec<u8> {
    let mut bytes = count.to_bytes();
    bytes.extend_from_slice(rest);
    bytes
}

#[test]
fn a_claimed_length_allocates_nothing() {
    for count in [1 << 10, 1 << 20, 1 << 40, u64::MAX] {
        let bytes = claiming(count, &[1; 100]);
        let counted = allocation_counter::measure(|| {
            assert!(read::<Vec<[u64; 32]>>(&bytes).is_err());
            assert!(read::<BTreeMap<u64, u64>>(&bytes).is_err());
            assert!(read::<HashMap<u64, [u64; 32]>>(&bytes).is_err());
            assert!(read::<String>(&bytes).is_err());
        });
        assert_eq!(counted.bytes_total, 0, "{count} claimed");
    }
    // As many as there are bytes is possible, so the first items are read.
    let counted = allocation_counter::measure(|| {
        assert_eq!(read::<Vec<[u64; 32]>>(&claiming(9_000, &[1; 9_000])), Err(WireError::Short));
    });
    let item = size_of::<[u64; 32]>() as u64;
    // It grows by doubling: what lives at once is below three times what was read.
    assert!(
        counted.bytes_max > 0 && counted.bytes_max <= 3 * (9_000 / 32 + 1) * item,
        "{} bytes",
        counted.bytes_max
    );
}

#[test]
fn items_without_bytes_cannot_be_claimed() {
    assert_eq!(read::<Vec<()>>(&u64::MAX.to_bytes()), Err(WireError::Short));
    assert_eq!(read::<Vec<Nothing>>(&claiming(2, &[0])), Err(WireError::Short));
}

#[test]
fn a_number_has_one_form() {
    assert_eq!(read::<u32>(&[0x80, 0]), Err(WireError::Invalid("number")));
    assert_eq!(read::<i32>(&[0x80, 0]), Err(WireError::Invalid("form of a value")));
    assert_eq!(read::<u16>(&[0xff, 0xff, 0x04]), Err(WireError::Invalid("number")));
    assert_eq!(read::<i16>(&[0xff, 0xff, 0x04]), Err(WireError::Invalid("number")));
    let longest = [[0xff; 18].as_slice(), &[0x03]].concat();
    assert_eq!(read::<u128>(&longest), Ok(u128::MAX));
    assert_eq!(read::<u128>(&[[0xff; 18].as_slice(), &[0x04]].concat()), Err(WireError::Invalid("number")));
    assert_eq!(read::<i128>(&longest), Ok(i128::MIN));
    assert_eq!(read::<char>(b"\x02ab"), Err(WireError::Invalid("letter")));
}

#[test]
fn maps_and_sets_have_one_order() {
    let refused = Err(WireError::Invalid("form of a value"));
    assert_eq!(read::<BTreeSet<u8>>(&[2, 1, 2]), Ok(BTreeSet::from([1, 2])));
    assert_eq!(read::<BTreeSet<u8>>(&[2, 2, 1]), refused);
    assert_eq!(read::<BTreeSet<u8>>(&[2, 1, 1]), refused);
    assert!(read::<BTreeMap<u8, u8>>(&[2, 2, 0, 1, 0]).is_err());
}

#[test]
fn deep_nesting_is_refused() {
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    enum Deep {
        End,
        In(Box<Deep>),
    }
    let bytes = |depth: usize| [vec![1; depth], vec![0]].concat();
    assert!(read::<Deep>(&bytes(127)).is_ok());
    assert_eq!(read::<Deep>(&bytes(128)), Err(WireError::Invalid("depth of nesting")));
    assert_eq!(read::<Deep>(&bytes(1 << 20)), Err(WireError::Invalid("depth of nesting")));
    assert_eq!(read::<Wrapped>(&bytes(1 << 20)), Err(WireError::Invalid("depth of nesting")));
    // Only what is innermost is a kind, however deep.
    assert_eq!(Serde::<Deep>::kinds(), ["End"]);
    assert_eq!(Serde::<Deep>::from_bytes(&bytes(100)).unwrap().kind(), "End");
}

#[test]
fn types_that_need_names_in_the_bytes_are_refused() {
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u64),
    }
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        inner: Wide,
    }
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    struct Wide {
        #[serde(skip_serializing_if = "Option::is_none")]
        number: Option<u64>,
    }
    let error = Serde::<Untagged>::from_bytes(&Serde::<_>::new(Untagged::Number(1)).to_bytes()).unwrap_err();
    assert!(error.to_string().contains("`untagged`, `tag` and `flatten`"), "{error}");
    let message = |value: Box<dyn FnOnce() -> Vec<u8>>| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(value)).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    };
    let text = message(Box::new(|| Serde::<_>::new(Flat { inner: Wide { number: Some(1) } }).to_bytes()));
    assert!(text.contains("Flat") && text.contains("as with `flatten`"), "{text}");
    let text = message(Box::new(|| Serde::<_>::new(Wide { number: None }).to_bytes()));
    assert!(text.contains("the field `number` is left out"), "{text}");
}
