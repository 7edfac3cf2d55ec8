//! The form and the labels of protocol buffers that prost generated.

use alloc::vec::Vec;

use prost::Message;

use crate::foreign::{Foreign, Form, Labels, type_name};
use crate::wire::{self, Reader, WireError};

/// A message of protocol buffers, as prost 0.14 generates its type: a message, a record, a note or a command.
///
/// All its values have one kind, the name of the type. Implement [`Labels`] for a type of yours to name its kinds:
///
/// ```
/// use aviary::foreign::{Labels, Prost};
/// use aviary::process::{Label, Subject};
/// use aviary::wire::Wire;
///
/// # #[derive(Clone, PartialEq, prost::Message)]
/// # struct RaftMessage {
/// #     #[prost(enumeration = "MessageType", tag = "1")]
/// #     msg_type: i32,
/// #     #[prost(uint64, tag = "2")]
/// #     index: u64,
/// # }
/// # #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, prost::Enumeration)]
/// # #[repr(i32)]
/// # enum MessageType { MsgAppend = 0, MsgHeartbeat = 1 }
/// # impl MessageType {
/// #     fn as_str_name(&self) -> &'static str {
/// #         match self { MessageType::MsgAppend => "MsgAppend", MessageType::MsgHeartbeat => "MsgHeartbeat" }
/// #     }
/// # }
/// struct ByType;
/// impl Labels<RaftMessage> for ByType {
///     fn kinds() -> Vec<&'static str> {
///         [MessageType::MsgAppend, MessageType::MsgHeartbeat].iter().map(MessageType::as_str_name).collect()
///     }
///     fn kind(message: &RaftMessage) -> &'static str {
///         message.msg_type().as_str_name()
///     }
/// }
///
/// let message: Prost<RaftMessage, ByType> = RaftMessage { msg_type: 1, index: 300 }.into();
/// assert_eq!(message.kind(), "MsgHeartbeat");
/// assert_eq!(message.to_bytes(), [5, 8, 1, 16, 0xac, 0x02]);
/// assert_eq!(Wire::from_bytes(&message.to_bytes()), Ok(message));
/// ```
///
/// # Bytes
///
/// The length of the message, then the message. Bytes that prost would not have written for the decoded value are
/// refused: fields that it does not know, fields out of order or twice, a field that holds its default, and longer
/// forms of a number. So a field that a newer version added is refused by an older one.
///
/// A map has the order of a hash, unless the build has `prost_build::Config::btree_map(["."])`. Without that, a message
/// whose map has two entries is refused as soon as two orders differ, which the simulator reports as a violation of the
/// property `codec`.
pub type Prost<T, L = TypeName> = Foreign<T, ProstForm, L>;

/// The [`Form`] of [`Prost`].
#[derive(Clone, Copy, Debug)]
pub struct ProstForm;

impl<T: Message + Default> Form<T> for ProstForm {
    fn encode(value: &T, out: &mut Vec<u8>) {
        wire::put_u64(out, value.encoded_len() as u64);
        value.encode_raw(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<T, WireError> {
        let length = input.length(usize::MAX)?;
        let bytes = input.bytes(length)?;
        let value = T::decode(bytes).map_err(|_| WireError::Invalid("protocol buffer"))?;
        if value.encoded_len() == length && value.encode_to_vec() == bytes {
            Ok(value)
        } else {
            Err(WireError::Invalid("form of a protocol buffer: unknown or default fields, or a map in order of a hash"))
        }
    }

    fn size(value: &T) -> usize {
        let length = value.encoded_len();
        wire::u64_size(length as u64) + length
    }
}

/// The [`Labels`] of a type by its own name: one kind for all values.
#[derive(Clone, Copy, Debug)]
pub struct TypeName;

impl<T> Labels<T> for TypeName {
    fn kinds() -> Vec<&'static str> {
        Vec::from([type_name::<T>()])
    }

    fn kind(_: &T) -> &'static str {
        type_name::<T>()
    }
}
