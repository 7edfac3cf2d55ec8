//! Protocol buffers as messages.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
struct Entry {
    #[prost(uint64, tag = "1")]
    index: u64,
    #[prost(string, repeated, tag = "2")]
    texts: Vec<String>,
    #[prost(message, optional, boxed, tag = "3")]
    next: Option<Box<Entry>>,
    #[prost(btree_map = "uint64, string", tag = "4")]
    sorted: BTreeMap<u64, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Hashed {
    #[prost(map = "uint64, uint64", tag = "1")]
    map: HashMap<u64, u64>,
}

fn entries() -> impl Strategy<Value = Entry> {
    let texts = || prop::collection::vec(".{0,4}", 0..3);
    let sorted = prop::collection::btree_map(any::<u64>(), ".{0,3}", 0..4);
    (any::<(u64, bool)>(), texts(), texts(), sorted).prop_map(|((index, has_next), texts, more, sorted)| {
        let next = has_next.then(|| Box::new(Entry { index: index / 2, texts: more, ..Entry::default() }));
        Entry { index, texts, next, sorted }
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_buffer_comes_back(value in entries()) {
        let value = Prost::<_>::new(value);
        let bytes = value.to_bytes();
        prop_assert_eq!(bytes.len(), value.size());
        prop_assert_eq!(Prost::from_bytes(&bytes), Ok(value));
    }

    #[test]
    fn a_damaged_buffer_is_refused_or_is_the_form_of_another_value(
        value in entries(),
        (place, bit) in (any::<prop::sample::Index>(), 0..8u8),
    ) {
        let mut bytes = Prost::<_>::new(value).to_bytes();
        let cut = place.index(bytes.len());
        prop_assert!(Prost::<Entry>::from_bytes(&bytes[..cut]).is_err());
        bytes[cut] ^= 1 << bit;
        if let Ok(other) = Prost::<Entry>::from_bytes(&bytes) {
            prop_assert_eq!(other.to_bytes(), &bytes[..]);
        }
        bytes.push(0);
        prop_assert!(Prost::<Entry>::from_bytes(&bytes).is_err());
    }
}

#[test]
fn a_buffer_has_one_form() {
    assert!(Prost::<Entry>::from_bytes(&[2, 8, 5]).is_ok());
    for (bytes, why) in [
        (&[2, 8, 0][..], "a field that holds its default"),
        (&[3, 8, 0x85, 0], "a longer number"),
        (&[4, 8, 5, 8, 6], "a field twice"),
        (&[4, 8, 5, 0x78, 1], "an unknown field"),
        (&[5, 0x12, 1, b'x', 8, 5], "fields out of order"),
        (&[0x80, 0], "a longer length"),
    ] {
        assert!(Prost::<Entry>::from_bytes(bytes).is_err(), "{why}");
    }
    assert!(Prost::<Entry>::from_bytes(&u64::MAX.to_bytes()).is_err());
}

#[test]
fn a_map_in_the_order_of_a_hash_is_refused() {
    // Of 20 entries, two maps have the same order once in 20!.
    let value = Hashed { map: (0..20).map(|number| (number, number)).collect() };
    let error = Prost::<Hashed>::from_bytes(&Prost::<_>::new(value).to_bytes()).unwrap_err();
    assert!(error.to_string().contains("a map in order of a hash"), "{error}");
}

#[test]
fn the_kind_of_a_buffer_is_its_type() {
    assert_eq!(Prost::<Entry>::kinds(), ["Entry"]);
    assert_eq!(Prost::<Entry>::default().kind(), "Entry");
}
