//! Two enums that share one set of names: the harness's own words and those of a service.
//!
//! An untagged enum would lose the place of an error. Here the name is read first. The rest of the variant, still
//! unread, goes to the enum that has the name.

use core::fmt;
use core::marker::PhantomData;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer,
    VariantAccess, Visitor,
};
use serde::ser::{Serialize, Serializer};

pub use crate::foreign::variants::of as names;
use crate::ron_file::nearest::nearest;

/// A word of the harness or of the service, in one namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word<H, S> {
    /// A word of the harness.
    Harness(H),
    /// A word of the service.
    Service(S),
}

impl<'de, H: DeserializeOwned, S: DeserializeOwned> Deserialize<'de> for Word<H, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Word<H, S>, D::Error> {
        deserializer.deserialize_enum("", &[], WordVisitor { what: "word", words: PhantomData })
    }
}

impl<H: DeserializeOwned, S: DeserializeOwned> Word<H, S> {
    /// Reads one of two enums. Errors call both of them `what`.
    pub(super) fn read<'de, D: Deserializer<'de>>(
        deserializer: D,
        what: &'static str,
    ) -> Result<Word<H, S>, D::Error> {
        deserializer.deserialize_enum(what, &[], WordVisitor { what, words: PhantomData })
    }
}

impl<H: Serialize, S: Serialize> Serialize for Word<H, S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        match self {
            Word::Harness(word) => word.serialize(serializer),
            Word::Service(word) => word.serialize(serializer),
        }
    }
}

struct WordVisitor<H, S> {
    what: &'static str,
    words: PhantomData<(H, S)>,
}

impl<'de, H: DeserializeOwned, S: DeserializeOwned> Visitor<'de> for WordVisitor<H, S> {
    type Value = Word<H, S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Word<H, S>, A::Error> {
        let (name, variant) = access.variant_seed(WordName)?;
        let (harness, service) = (names::<H>(), names::<S>());
        let unread = Unread { name: &name, variant };
        if harness.contains(&name.as_str()) {
            H::deserialize(unread).map(Word::Harness)
        } else if service.contains(&name.as_str()) {
            S::deserialize(unread).map(Word::Service)
        } else {
            let all: Vec<&str> = harness.iter().chain(service).copied().collect();
            Err(A::Error::custom(nearest(&name, &all).unknown(self.what)))
        }
    }
}

/// Reads one of these names. Errors call it `what`.
pub(super) fn one_of<'de, T: Copy, D: Deserializer<'de>>(
    deserializer: D,
    what: &'static str,
    legal: &[(&'static str, T)],
) -> Result<T, D::Error> {
    deserializer.deserialize_enum(what, &[], OneOf { what, legal })
}

struct OneOf<'a, T> {
    what: &'static str,
    legal: &'a [(&'static str, T)],
}

impl<'de, T: Copy> Visitor<'de> for OneOf<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<T, A::Error> {
        let (name, variant) = access.variant_seed(WordName)?;
        variant.unit_variant()?;
        let found = self.legal.iter().find(|(legal, _)| *legal == name);
        found.map(|(_, one)| *one).ok_or_else(|| {
            let legal: Vec<&str> = self.legal.iter().map(|(legal, _)| *legal).collect();
            A::Error::custom(nearest(&name, &legal).unknown(self.what))
        })
    }
}

struct WordName;

impl<'de> DeserializeSeed<'de> for WordName {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for WordName {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<String, E> {
        Ok(name.to_owned())
    }
}

/// A variant whose name is known and whose content is still unread.
struct Unread<'a, A> {
    name: &'a str,
    variant: A,
}

impl<'de, A: VariantAccess<'de>> Deserializer<'de> for Unread<'_, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, A: VariantAccess<'de>> EnumAccess<'de> for Unread<'_, A> {
    type Error = A::Error;
    type Variant = A;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, A), A::Error> {
        let name: StrDeserializer<'_, A::Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self.variant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug, PartialEq)]
    enum Ours {
        Heal,
        Mend(u8, u8),
    }

    #[derive(serde::Deserialize, Debug, PartialEq)]
    enum Theirs {
        Tweet { site: u8, text: String },
        Wait(u8),
    }

    type Both = Word<Ours, Theirs>;

    #[test]
    fn both_enums_are_read_in_one_namespace() {
        let read = |text: &str| ron::from_str::<Both>(text).unwrap();
        assert_eq!(read("Heal"), Word::Harness(Ours::Heal));
        assert_eq!(read("Mend(1, 2)"), Word::Harness(Ours::Mend(1, 2)));
        assert_eq!(read("Wait(3)"), Word::Service(Theirs::Wait(3)));
        let tweet = Theirs::Tweet { site: 1, text: "hi".into() };
        assert_eq!(read("Tweet(site: 1, text: \"hi\")"), Word::Service(tweet));
    }

    #[test]
    fn errors_keep_their_place_and_know_both_lists() {
        let error = ron::from_str::<Vec<Both>>("[Heal,\n  Twet(site: 1)]").unwrap_err();
        assert_eq!(error.span.start.line, 2);
        assert!(error.code.to_string().contains("did you mean `Tweet`?"), "{error}");
        assert!(error.code.to_string().contains("`Heal`, `Mend`, `Tweet` or `Wait`"), "{error}");
        let error = ron::from_str::<Vec<Both>>("[Heal,\n\n  Tweet(sit: 1)]").unwrap_err();
        assert_eq!(error.span.start.line, 3);
    }

    #[test]
    fn names_are_those_of_the_derived_implementation() {
        assert_eq!(names::<Theirs>(), ["Tweet", "Wait"]);
        assert!(names::<u8>().is_empty());
    }
}
