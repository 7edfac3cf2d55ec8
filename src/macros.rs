//! Macros that spare protocols repetition: [`label_enum!`](crate::label_enum) and
//! [`display_enum!`](crate::display_enum). The macros for byte forms are in [`wire`](crate::wire).

/// Implements [`Label`](crate::process::Label) for an enum of struct-like or unit variants.
///
/// The kind of a variant is its name, or the text after `as`. Its subject is the field after `about`, a number whose
/// name becomes the noun. Without `about` it has no subject.
///
/// ```
/// use aviary::process::Label;
///
/// enum Message {
///     Ask { request: u64 },
///     Beat,
/// }
/// aviary::label_enum!(Message { Ask about request, Beat as "Heartbeat" });
///
/// assert_eq!(Message::kinds(), ["Ask", "Heartbeat"]);
/// assert_eq!(Message::Ask { request: 7 }.subject().to_string(), "request 7");
/// assert_eq!(Message::Beat.kind(), "Heartbeat");
/// ```
#[macro_export]
macro_rules! label_enum {
    ($name:ident { $($variant:ident $(as $kind:literal)? $(about $noun:ident)?),* $(,)? }) => {
        impl $crate::process::Label for $name {
            fn kinds() -> $crate::alloc::vec::Vec<&'static str> {
                $crate::alloc::vec::Vec::from([$($crate::label_enum!(@kind $variant $($kind)?)),*])
            }

            fn nouns() -> $crate::alloc::vec::Vec<&'static str> {
                $crate::alloc::vec::Vec::from([$($(stringify!($noun),)?)*])
            }

            fn kind(&self) -> &'static str {
                match self {
                    $($name::$variant { .. } => $crate::label_enum!(@kind $variant $($kind)?)),*
                }
            }

            fn subject(&self) -> $crate::process::Subject {
                match self {
                    $($name::$variant { $($noun,)? .. } => $crate::label_enum!(@subject $($noun)?)),*
                }
            }
        }
    };
    (@kind $variant:ident) => { stringify!($variant) };
    (@kind $variant:ident $kind:literal) => { $kind };
    (@subject) => { $crate::process::Subject::NONE };
    (@subject $noun:ident) => {
        $crate::process::Subject { noun: stringify!($noun), number: u64::from(*$noun) }
    };
}

/// Implements [`Display`](core::fmt::Display) for an enum: a text for each variant, which may use the fields named in
/// braces before it.
///
/// ```
/// enum Command {
///     Write { client: u16, value: u64 },
///     Read,
/// }
/// aviary::display_enum!(Command { Write { value } => "write {value}", Read => "read" });
///
/// assert_eq!(Command::Write { client: 0, value: 7 }.to_string(), "write 7");
/// ```
#[macro_export]
macro_rules! display_enum {
    ($name:ident { $($variant:ident $({ $($field:ident),* $(,)? })? => $text:literal),* $(,)? }) => {
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $($name::$variant { $($($field,)*)? .. } => write!(f, $text)),*
                }
            }
        }
    };
}
