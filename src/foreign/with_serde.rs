//! The form and the labels of types that derive serde's traits.

use alloc::vec::Vec;
use core::any;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::foreign::{Foreign, Form, Labels, read, type_name, variants, write};
use crate::wire::{Reader, WireError};

/// A value of a type that derives serde's `Serialize` and `Deserialize`, `Clone` and `Debug`. It needs nothing else to
/// be a message, a record, a note or a command.
///
/// ```
/// use aviary::foreign::Serde;
/// use aviary::process::Label;
/// use aviary::wire::Wire;
///
/// #[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
/// enum Message {
///     Ask { request: u64 },
///     Answer(String),
/// }
///
/// let message: Serde<Message> = Message::Ask { request: 300 }.into();
/// assert_eq!(message.to_bytes(), [0, 0xac, 0x02]);
/// assert_eq!(Serde::from_bytes(&[0, 0xac, 0x02]), Ok(message.clone()));
/// assert_eq!(message.kind(), "Ask");
/// assert_eq!(Serde::<Message>::kinds(), ["Ask", "Answer"]);
/// assert_eq!(message.to_string(), "Ask { request: 300 }");
/// ```
///
/// # Bytes
///
/// The bytes are those of [postcard](https://postcard.jamesmunns.com/wire-format): fields in the order of their
/// declaration, and the number of a variant. So a variant that is inserted in the middle changes the bytes of all
/// after it. Unlike that crate this form refuses more:
///
/// - Bytes that the decoded value would not be encoded to: longer forms of a number, maps and sets out of order or with
///   an item twice.
/// - A list or map of more items than bytes follow, so items that take no bytes, such as `()`. Without that, 10 bytes
///   could make a receiver build 2⁶⁴ of them.
/// - Values nested deeper than 128 levels.
///
/// Some types cannot be read from bytes that do not name their fields: what has the attributes `untagged`, `tag`,
/// `flatten` or `skip_serializing_if`. To encode the last two is a panic that says so. To decode the others is an
/// error, which the simulator reports as a violation of the property `codec` at the first message. A `HashMap` or
/// `HashSet` has no order, so bytes that hold one are refused as soon as two orders differ: take a `BTreeMap`.
///
/// # Kinds
///
/// The kind is that of [`VariantNames`], and there is no subject. To have one, implement
/// [`Labels`] for a type of yours and name that: `Serde<Message, ByRequest>`. If `Message` is your own enum, use
/// `label_enum!` for it and write `Serde<Message, OwnLabel>`.
///
/// ```
/// use aviary::foreign::{Labels, Serde, VariantNames};
/// use aviary::process::{Label, Subject};
///
/// struct ByRequest;
/// impl Labels<Result<u64, String>> for ByRequest {
///     fn kinds() -> Vec<&'static str> {
///         <VariantNames as Labels<Result<u64, String>>>::kinds()
///     }
///     fn kind(value: &Result<u64, String>) -> &'static str {
///         VariantNames::kind(value)
///     }
///     fn nouns() -> Vec<&'static str> {
///         vec!["request"]
///     }
///     fn subject(value: &Result<u64, String>) -> Subject {
///         value.as_ref().map_or(Subject::NONE, |number| Subject { noun: "request", number: *number })
///     }
/// }
///
/// let message: Serde<Result<u64, String>, ByRequest> = Ok(7).into();
/// assert_eq!((message.kind(), message.subject().to_string()), ("Ok", "request 7".to_owned()));
/// ```
///
/// # Speed
///
/// Compared with `wire_enum!`, a message of two numbers and a text takes 1.6 times as long to encode and 2.3 times as
/// long to decode, since what was decoded is compared with its bytes. An event of a simulation whose processes do
/// nothing but send such messages takes 1.2 times as long (medians of 7, November 2026).
pub type Serde<T, L = VariantNames> = Foreign<T, SerdeForm, L>;

/// The [`Form`] of [`Serde`].
#[derive(Clone, Copy, Debug)]
pub struct SerdeForm;

impl<T: Serialize + DeserializeOwned> Form<T> for SerdeForm {
    fn encode(value: &T, out: &mut Vec<u8>) {
        if let Err(error) = write::append(value, out) {
            panic!("a value of type `{}` has no bytes: {error}", any::type_name::<T>());
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<T, WireError> {
        let before = input.rest();
        let value = read::next(input)?;
        let taken = &before[..before.len() - input.rest().len()];
        if write::is(&value, taken) { Ok(value) } else { Err(WireError::Invalid("form of a value")) }
    }

    fn size(value: &T) -> usize {
        write::size(value)
    }
}

/// The [`Labels`] of a type by the names of its variants.
///
/// The kind of a value is the name of its innermost variant, found like this:
///
/// 1. The kind of an enum is the name of its variant. If the variant holds exactly one value, without a name
///    (`Paxos(..)`), and that value has a kind, its kind takes the place of the name.
/// 2. The kind of a struct with named fields is the kind of its only field that is an enum. With no such field or
///    several, the struct has none.
/// 3. `Box`, `Arc` and structs with one field without a name count as what they hold. Nothing else has a kind:
///    options, lists, maps, tuples.
///
/// So the kind of `Message::SequencePaxos(PaxosMessage { from, to, msg: PaxosMsg::Prepare(..) })` is `Prepare`, and
/// that of `Message::Read { level: Level::Strong }` is `Read`. A type that has no kind by these rules has its own name.
///
/// Names are those that serde gives the variants. An `alias` of serde is among the kinds too, though no value has it.
#[derive(Clone, Copy, Debug)]
pub struct VariantNames;

impl<T: Serialize + DeserializeOwned> Labels<T> for VariantNames {
    fn kinds() -> Vec<&'static str> {
        let kinds = variants::innermost::<T>();
        if kinds.is_empty() { Vec::from([type_name::<T>()]) } else { kinds }
    }

    fn kind(value: &T) -> &'static str {
        variants::kind(value).unwrap_or_else(type_name::<T>)
    }
}

/// Gives your own types what [`Serde`](crate::foreign::Serde) has: [`Wire`](crate::wire::Wire),
/// [`Label`](crate::process::Label) and [`Display`](core::fmt::Display), with the same bytes, kinds and texts. They are
/// then messages, records, notes and commands without a wrapper.
///
/// ```
/// use aviary::{by_serde, process::Label, wire::Wire};
///
/// #[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
/// enum Message { Ask { request: u64 }, Answer(String) }
/// by_serde!(Message);
///
/// assert_eq!(Message::kinds(), ["Ask", "Answer"]);
/// let message = Message::Ask { request: 7 };
/// assert_eq!((message.kind(), message.to_string().as_str()), ("Ask", "Ask { request: 7 }"));
/// assert_eq!(Message::from_bytes(&message.to_bytes()), Ok(message));
/// ```
#[macro_export]
macro_rules! by_serde {
    ($($name:ident),+ $(,)?) => {
        $(impl $crate::wire::Wire for $name {
            fn encode(&self, out: &mut $crate::alloc::vec::Vec<u8>) {
                <$crate::foreign::SerdeForm as $crate::foreign::Form<$name>>::encode(self, out);
            }

            fn decode(input: &mut $crate::wire::Reader<'_>) -> Result<$name, $crate::wire::WireError> {
                <$crate::foreign::SerdeForm as $crate::foreign::Form<$name>>::decode(input)
            }

            fn size(&self) -> usize {
                <$crate::foreign::SerdeForm as $crate::foreign::Form<$name>>::size(self)
            }
        }

        impl $crate::process::Label for $name {
            fn kinds() -> $crate::alloc::vec::Vec<&'static str> {
                <$crate::foreign::VariantNames as $crate::foreign::Labels<$name>>::kinds()
            }

            fn kind(&self) -> &'static str {
                <$crate::foreign::VariantNames as $crate::foreign::Labels<$name>>::kind(self)
            }

            fn subject(&self) -> $crate::process::Subject {
                $crate::process::Subject::NONE
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(self, f)
            }
        })+
    };
}

/// As the value itself, so that one enum can be a command of a process and of a scenario.
impl<T: Serialize, F, L> Serialize for Foreign<T, F, L> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.inner.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>, F, L> Deserialize<'de> for Foreign<T, F, L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Foreign<T, F, L>, D::Error> {
        T::deserialize(deserializer).map(Foreign::new)
    }
}
