//! A text that is short enough for a message. It is checked once, on entry.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::wire::{Reader, Wire, WireError, put_text, text_size};

/// A text of 1 to `MAX` bytes of UTF-8 without control characters. Clones share the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShortText<const MAX: usize>(Arc<str>);

impl<const MAX: usize> ShortText<MAX> {
    /// The most bytes of an encoded text.
    pub const ENCODED_MAX: usize = MAX + if MAX < 0x80 { 1 } else { 2 };

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ShortTextError {
    /// It is empty.
    Empty,
    /// It has the first number of bytes; at most the second is allowed.
    Long(usize, usize),
    /// It contains this control character.
    Control(char),
}

impl<const MAX: usize> FromStr for ShortText<MAX> {
    type Err = ShortTextError;

    fn from_str(text: &str) -> Result<ShortText<MAX>, ShortTextError> {
        if text.is_empty() {
            Err(ShortTextError::Empty)
        } else if text.len() > MAX {
            Err(ShortTextError::Long(text.len(), MAX))
        } else if let Some(control) = text.chars().find(|character| character.is_control()) {
            Err(ShortTextError::Control(control))
        } else {
            Ok(ShortText(text.into()))
        }
    }
}

impl<const MAX: usize> Wire for ShortText<MAX> {
    fn encode(&self, out: &mut Vec<u8>) {
        put_text(out, &self.0);
    }

    fn size(&self) -> usize {
        text_size(&self.0)
    }

    fn decode(input: &mut Reader<'_>) -> Result<ShortText<MAX>, WireError> {
        let text = input.text(MAX)?;
        text.parse().map_err(|_| WireError::Invalid("text"))
    }
}

impl<const MAX: usize> fmt::Debug for ShortText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const MAX: usize> fmt::Display for ShortText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<const MAX: usize> From<ShortText<MAX>> for String {
    fn from(text: ShortText<MAX>) -> String {
        text.0.as_ref().into()
    }
}

impl fmt::Display for ShortTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShortTextError::Empty => f.write_str("it is empty"),
            ShortTextError::Long(found, max) => write!(f, "it has {found} bytes, and {max} are the most"),
            ShortTextError::Control(control) => write!(f, "it has the control character {control:?}"),
        }
    }
}

impl core::error::Error for ShortTextError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn what_is_too_long_or_unprintable_is_refused_where_it_enters() {
        type Short = ShortText<5>;
        let check = |text: &str, error: &str| {
            assert_eq!(text.parse::<Short>().unwrap_err().to_string(), error);
            let mut bytes = Vec::new();
            put_text(&mut bytes, text);
            assert!(Short::from_bytes(&bytes).is_err(), "{text:?}");
        };
        check("", "it is empty");
        check("abcdef", "it has 6 bytes, and 5 are the most");
        check("🐦🐦", "it has 8 bytes, and 5 are the most");
        check("a\nb", "it has the control character '\\n'");
        let longest: Short = "🐦a".parse().unwrap();
        assert_eq!((longest.to_bytes().len(), longest.size()), (Short::ENCODED_MAX, Short::ENCODED_MAX));
        assert_eq!(Short::from_bytes(&longest.to_bytes()), Ok(longest));
    }
}
