//! What other crates bring: types that implement no trait of this crate, as messages, records, notes and commands;
//! processes that are not `Clone`; and log lines.
//!
//! [`rebuilt`] makes clones of processes that cannot be cloned, and [`logs`] brings log lines into traces. Neither
//! changes what a process does.
//!
//! A [`Foreign`] holds such a value. A [`Form`] gives it bytes, and [`Labels`] give it a kind and a subject. There are
//! two forms: `Serde` for what derives serde's traits, `Prost` for protocol buffers. Both are features of this crate. A
//! type that has another codec brings a form of its own.
//!
//! 1. A value has one form. Bytes that decode to a value which would be encoded otherwise are refused, so that what
//!    crosses the network or lies on a disk can be compared by its bytes.
//! 2. Bytes from elsewhere never panic. What decoding allocates grows with the number of bytes, not with a number in
//!    them.

#[cfg(feature = "std")]
pub mod logs;
#[cfg(feature = "serde")]
mod read;
#[cfg(feature = "std")]
pub mod rebuilt;
#[cfg(feature = "prost")]
mod with_prost;
#[cfg(feature = "serde")]
#[macro_use]
mod with_serde;
#[cfg(all(test, feature = "serde"))]
mod tests;
#[cfg(feature = "serde")]
pub(crate) mod variants;
#[cfg(feature = "serde")]
mod write;

use alloc::vec::Vec;
use core::fmt::{self, Debug, Display};
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

#[cfg(feature = "prost")]
pub use with_prost::{Prost, ProstForm, TypeName};
#[cfg(feature = "serde")]
pub use with_serde::{Serde, SerdeForm, VariantNames};

#[cfg(feature = "std")]
pub use rebuilt::{Rebuilt, SUSPECTS, Uncloned};

use crate::process::{Label, Subject};
use crate::wire::{Reader, Wire, WireError};

/// A value of a type that need not implement [`Wire`] or [`Label`]: `F` is its [`Form`], `L` its [`Labels`].
///
/// It is used as the value is: it dereferences to the value, and `From` and `into` make it of one. It is shown as the
/// value's [`Debug`] text, also by [`Display`], which notes and commands need. A pattern is
/// `Serde { inner: Message::Ask { .. }, .. }`.
pub struct Foreign<T, F, L> {
    /// The value.
    pub inner: T,
    by: PhantomData<fn() -> (F, L)>,
}

/// The bytes of values of type `T`.
pub trait Form<T> {
    /// Appends the bytes of `value`. A value that has none is a mistake of its type, and a panic.
    fn encode(value: &T, out: &mut Vec<u8>);

    /// Reads one value and leaves `input` just after it. It refuses bytes that [`encode`](Form::encode) would not have
    /// written.
    fn decode(input: &mut Reader<'_>) -> Result<T, WireError>;

    /// How many bytes [`encode`](Form::encode) appends.
    fn size(value: &T) -> usize {
        let mut out = Vec::new();
        Self::encode(value, &mut out);
        out.len()
    }
}

/// The kinds and subjects of values of type `T`: [`Label`], said by another type on behalf of `T`.
///
/// [`label_enum!`](crate::label_enum) implements it for an enum.
pub trait Labels<T> {
    /// Every name that [`kind`](Labels::kind) returns. A name in a scenario that is not among them is an error.
    fn kinds() -> Vec<&'static str>;

    /// The kind of a value: `Accept`.
    fn kind(value: &T) -> &'static str;

    /// Every noun of its [subjects](Labels::subject).
    fn nouns() -> Vec<&'static str> {
        Vec::new()
    }

    /// The subject of a value: an identity (a slot, a request), never a watermark. By default there is none.
    fn subject(_value: &T) -> Subject {
        Subject::NONE
    }

    /// The sort key of messages that share a datagram, as in [`Label::rank`].
    fn rank(_value: &T) -> u8 {
        0
    }
}

/// The [`Labels`] of a type that is [`Label`] itself: for your own type in a form that is not [`Wire`].
#[derive(Clone, Copy, Debug)]
pub struct OwnLabel;

impl<T: Label> Labels<T> for OwnLabel {
    fn kinds() -> Vec<&'static str> {
        T::kinds()
    }

    fn kind(value: &T) -> &'static str {
        value.kind()
    }

    fn nouns() -> Vec<&'static str> {
        T::nouns()
    }

    fn subject(value: &T) -> Subject {
        value.subject()
    }

    fn rank(value: &T) -> u8 {
        value.rank()
    }
}

impl<T, F, L> Foreign<T, F, L> {
    /// The value as one that this crate can send and keep.
    pub const fn new(value: T) -> Foreign<T, F, L> {
        Foreign { inner: value, by: PhantomData }
    }

    /// The value alone.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: Clone + Debug, F: Form<T>, L> Wire for Foreign<T, F, L> {
    fn encode(&self, out: &mut Vec<u8>) {
        F::encode(&self.inner, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Foreign<T, F, L>, WireError> {
        F::decode(input).map(Foreign::new)
    }

    fn size(&self) -> usize {
        F::size(&self.inner)
    }
}

impl<T, F, L: Labels<T>> Label for Foreign<T, F, L> {
    fn kinds() -> Vec<&'static str> {
        L::kinds()
    }

    fn nouns() -> Vec<&'static str> {
        L::nouns()
    }

    fn kind(&self) -> &'static str {
        L::kind(&self.inner)
    }

    fn subject(&self) -> Subject {
        L::subject(&self.inner)
    }

    fn rank(&self) -> u8 {
        L::rank(&self.inner)
    }
}

/// The name of `T` without its path and parameters: the kind of what has no variants.
#[cfg(any(feature = "serde", feature = "prost"))]
fn type_name<T>() -> &'static str {
    let whole = core::any::type_name::<T>();
    let whole = whole.split_once('<').map_or(whole, |(name, _)| name);
    whole.rsplit_once("::").map_or(whole, |(_, name)| name)
}

impl<T, F, L> From<T> for Foreign<T, F, L> {
    fn from(value: T) -> Foreign<T, F, L> {
        Foreign::new(value)
    }
}

impl<T, F, L> Deref for Foreign<T, F, L> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T, F, L> DerefMut for Foreign<T, F, L> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: Debug, F, L> Debug for Foreign<T, F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T: Debug, F, L> Display for Foreign<T, F, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.inner)
    }
}

impl<T: Clone, F, L> Clone for Foreign<T, F, L> {
    fn clone(&self) -> Foreign<T, F, L> {
        Foreign::new(self.inner.clone())
    }
}

impl<T: Copy, F, L> Copy for Foreign<T, F, L> {}

impl<T: Default, F, L> Default for Foreign<T, F, L> {
    fn default() -> Foreign<T, F, L> {
        Foreign::new(T::default())
    }
}

impl<T: PartialEq, F, L> PartialEq for Foreign<T, F, L> {
    fn eq(&self, other: &Foreign<T, F, L>) -> bool {
        self.inner == other.inner
    }
}

impl<T: Eq, F, L> Eq for Foreign<T, F, L> {}

impl<T: PartialOrd, F, L> PartialOrd for Foreign<T, F, L> {
    fn partial_cmp(&self, other: &Foreign<T, F, L>) -> Option<core::cmp::Ordering> {
        self.inner.partial_cmp(&other.inner)
    }
}

impl<T: Ord, F, L> Ord for Foreign<T, F, L> {
    fn cmp(&self, other: &Foreign<T, F, L>) -> core::cmp::Ordering {
        self.inner.cmp(&other.inner)
    }
}

impl<T: Hash, F, L> Hash for Foreign<T, F, L> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}
