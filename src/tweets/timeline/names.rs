//! Names of users and texts of tweets: checked once where they enter, and always valid afterwards.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::wire::{Reader, Wire, WireError, put_text, text_size};

/// A user: a name of 1 to 32 ASCII letters, digits, `_` and `-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct User {
    /// The name, then zeros. No name holds a zero, so the order of these bytes is the order of the names as text.
    bytes: [u8; User::BYTES_MAX],
    length: u8,
}

/// The text of a tweet: 1 to 280 characters, at most 800 bytes, no control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Text(Arc<str>);

/// A text that is not a user name, cut to its first 40 characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameError(String);

/// Why a text cannot be a tweet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TextError {
    /// The text is empty.
    Empty,
    /// The text has this many characters.
    Characters(usize),
    /// The text has this many bytes.
    Bytes(usize),
    /// The text holds this control character.
    Control(char),
}

impl User {
    /// The most bytes of a name.
    pub const BYTES_MAX: usize = 32;

    /// The name.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).expect("a name is ASCII")
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The user of this name, if the name is valid.
    fn of(name: &[u8]) -> Option<User> {
        let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'-';
        let length = u8::try_from(name.len()).ok().filter(|length| *length > 0)?;
        let mut bytes = [0; User::BYTES_MAX];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        name.iter().all(is_allowed).then_some(User { bytes, length })
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("User").field(&self.as_str()).finish()
    }
}

impl Text {
    /// The most characters of a tweet.
    pub const CHARACTERS_MAX: usize = 280;
    /// The most bytes of a tweet in UTF-8.
    pub const BYTES_MAX: usize = 800;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for User {
    type Err = NameError;

    fn from_str(name: &str) -> Result<User, NameError> {
        User::of(name.as_bytes()).ok_or_else(|| NameError(name.chars().take(40).collect()))
    }
}

impl FromStr for Text {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Text, TextError> {
        // Most texts are printable ASCII, where every byte is a character.
        let is_plain = text.bytes().fold(true, |is_plain, byte| is_plain & matches!(byte, b' '..=b'~'));
        let characters = if is_plain { text.len() } else { text.chars().count() };
        if text.is_empty() {
            Err(TextError::Empty)
        } else if characters > Text::CHARACTERS_MAX {
            Err(TextError::Characters(characters))
        } else if text.len() > Text::BYTES_MAX {
            Err(TextError::Bytes(text.len()))
        } else if is_plain {
            Ok(Text(text.into()))
        } else if let Some(control) = text.chars().find(|character| character.is_control()) {
            Err(TextError::Control(control))
        } else {
            Ok(Text(text.into()))
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no user name: 1 to {} of letters, digits, _ and -", self.0, User::BYTES_MAX)
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::Empty => f.write_str("the text is empty")?,
            TextError::Characters(count) => write!(f, "the text has {count} characters")?,
            TextError::Bytes(count) => write!(f, "the text has {count} bytes")?,
            TextError::Control(control) => write!(f, "the text holds the control character {control:?}")?,
        }
        let (characters, bytes) = (Text::CHARACTERS_MAX, Text::BYTES_MAX);
        write!(
            f,
            ": a tweet is 1 to {characters} characters and at most {bytes} bytes, without control characters"
        )
    }
}

impl core::error::Error for NameError {}
impl core::error::Error for TextError {}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Wire for User {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.length);
        out.extend_from_slice(self.as_bytes());
    }

    fn size(&self) -> usize {
        1 + usize::from(self.length)
    }

    fn decode(input: &mut Reader<'_>) -> Result<User, WireError> {
        let length = input.length(User::BYTES_MAX)?;
        User::of(input.bytes(length)?).ok_or(WireError::Invalid("user name"))
    }
}

impl Wire for Text {
    fn encode(&self, out: &mut Vec<u8>) {
        put_text(out, &self.0);
    }

    fn size(&self) -> usize {
        text_size(&self.0)
    }

    fn decode(input: &mut Reader<'_>) -> Result<Text, WireError> {
        let mut ahead = input.clone();
        let length = ahead.length(Text::BYTES_MAX)?;
        input.shared(input.rest().len() - ahead.rest().len() + length, |input| {
            input.text(Text::BYTES_MAX)?.parse().map_err(|_| WireError::Invalid("text of a tweet"))
        })
    }
}
