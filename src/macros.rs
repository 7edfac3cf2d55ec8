//! Macros that spare protocols repetition: [`label_enum!`](crate::label_enum) and
//! [`display_enum!`](crate::display_enum). The macros for byte forms are in [`wire`](crate::wire).

/// Implements [`Label`](crate::process::Label) for an enum.
///
/// The kind of a variant is its name, or the text after `as`. Its subject is the field after `about`, a number whose
/// name becomes the noun; of a tuple variant, the noun and after a colon the position. Without `about` it has no
/// subject.
///
/// ```
/// use aviary::process::Label;
///
/// enum Message {
///     Ask { request: u64 },
///     Answer(u64, String),
///     Beat,
/// }
/// aviary::label_enum!(Message { Ask about request, Answer about request: 0, Beat as "Heartbeat" });
///
/// assert_eq!(Message::kinds(), ["Ask", "Answer", "Heartbeat"]);
/// assert_eq!(Message::Ask { request: 7 }.subject().to_string(), "request 7");
/// assert_eq!(Message::Answer(7, "yes".to_owned()).subject().to_string(), "request 7");
/// assert_eq!(Message::Beat.kind(), "Heartbeat");
/// ```
///
/// A variant with one name in parentheses holds another value that is [`Label`](crate::process::Label), and has that
/// value's kind, subject and rank:
///
/// ```
/// # use aviary::process::Label;
/// enum Paxos { Prepare { ballot: u64 }, Nack }
/// enum Message { Paxos(Paxos), Request }
/// aviary::label_enum!(Paxos { Prepare about ballot, Nack });
/// aviary::label_enum!(Message { Paxos(inner), Request });
///
/// assert_eq!(Message::kinds(), ["Prepare", "Nack", "Request"]);
/// assert_eq!(Message::nouns(), ["ballot"]);
/// let message = Message::Paxos(Paxos::Prepare { ballot: 3 });
/// assert_eq!((message.kind(), message.subject().to_string()), ("Prepare", "ballot 3".to_owned()));
/// ```
///
/// With `NAME for` in front, it implements [`Labels`](crate::foreign::Labels) for the type `NAME`, for an enum of
/// another crate:
///
/// ```
/// use aviary::foreign::Labels;
///
/// struct ByValue; // says how `Option<u64>` is labelled
/// aviary::label_enum!(ByValue for Option<u64> { Some about value: 0, None });
///
/// assert_eq!(ByValue::kinds(), ["Some", "None"]);
/// assert_eq!(ByValue::subject(&Some(7)).to_string(), "value 7");
/// ```
#[macro_export]
macro_rules! label_enum {
    ($name:ident {
        $($variant:ident $(($inner:ident))? $(as $kind:literal)? $(about $noun:ident $(: $field:tt)?)?),* $(,)?
    }) => {
        impl $crate::process::Label for $name {
            $crate::label_enum!(@lists $name { $($variant $(($inner))? $(as $kind)? $(about $noun)?),* });

            fn kind(&self) -> &'static str {
                match self {
                    $($name::$variant { $(0: $inner,)? .. } => {
                        $crate::label_enum!(@kind $variant $(($inner))? $($kind)?)
                    })*
                }
            }

            fn subject(&self) -> $crate::process::Subject {
                match self {
                    $($name::$variant { $(0: $inner,)? $($($field:)? $noun,)? .. } => {
                        $crate::label_enum!(@subject $(($inner))? $($noun)?)
                    })*
                }
            }

            fn rank(&self) -> u8 {
                match self {
                    $($name::$variant { $(0: $inner,)? .. } => $crate::label_enum!(@rank $(($inner))?)),*
                }
            }
        }
    };
    ($labels:ident for $name:ident $(<$($of:ty),+>)? {
        $($variant:ident $(($inner:ident))? $(as $kind:literal)? $(about $noun:ident $(: $field:tt)?)?),* $(,)?
    }) => {
        impl $crate::foreign::Labels<$name $(<$($of),+>)?> for $labels {
            $crate::label_enum!(@lists $name { $($variant $(($inner))? $(as $kind)? $(about $noun)?),* });

            fn kind(value: &$name $(<$($of),+>)?) -> &'static str {
                match value {
                    $($name::$variant { $(0: $inner,)? .. } => {
                        $crate::label_enum!(@kind $variant $(($inner))? $($kind)?)
                    })*
                }
            }

            fn subject(value: &$name $(<$($of),+>)?) -> $crate::process::Subject {
                match value {
                    $($name::$variant { $(0: $inner,)? $($($field:)? $noun,)? .. } => {
                        $crate::label_enum!(@subject $(($inner))? $($noun)?)
                    })*
                }
            }

            fn rank(value: &$name $(<$($of),+>)?) -> u8 {
                match value {
                    $($name::$variant { $(0: $inner,)? .. } => $crate::label_enum!(@rank $(($inner))?)),*
                }
            }
        }
    };
    (@lists $name:ident {
        $($variant:ident $(($inner:ident))? $(as $kind:literal)? $(about $noun:ident)?),*
    }) => {
        fn kinds() -> $crate::alloc::vec::Vec<&'static str> {
            let kinds = [$($crate::label_enum!(@kinds $name $variant $(($inner))? $($kind)?)),*];
            $crate::alloc::vec::Vec::<$crate::alloc::vec::Vec<&'static str>>::from(kinds).concat()
        }

        fn nouns() -> $crate::alloc::vec::Vec<&'static str> {
            let nouns = [$($crate::label_enum!(@nouns $name $variant $(($inner))? $($noun)?)),*];
            $crate::alloc::vec::Vec::<$crate::alloc::vec::Vec<&'static str>>::from(nouns).concat()
        }
    };
    (@kinds $name:ident $variant:ident ($inner:ident)) => { $crate::process::kinds_in($name::$variant) };
    (@kinds $name:ident $variant:ident $($kind:literal)?) => {
        $crate::alloc::vec::Vec::from([$crate::label_enum!(@kind $variant $($kind)?)])
    };
    (@nouns $name:ident $variant:ident ($inner:ident)) => { $crate::process::nouns_in($name::$variant) };
    (@nouns $name:ident $variant:ident) => { $crate::alloc::vec::Vec::new() };
    (@nouns $name:ident $variant:ident $noun:ident) => { $crate::alloc::vec::Vec::from([stringify!($noun)]) };
    (@kind $variant:ident ($inner:ident)) => { $crate::process::Label::kind($inner) };
    (@kind $variant:ident) => { stringify!($variant) };
    (@kind $variant:ident $kind:literal) => { $kind };
    (@subject) => { $crate::process::Subject::NONE };
    (@subject ($inner:ident)) => { $crate::process::Label::subject($inner) };
    (@subject $noun:ident) => {
        $crate::process::Subject { noun: stringify!($noun), number: u64::from(*$noun) }
    };
    (@rank) => { 0 };
    (@rank ($inner:ident)) => { $crate::process::Label::rank($inner) };
}

/// Implements [`Display`](core::fmt::Display) for an enum: a text for each variant, which may use the fields named
/// before it, in braces or, of a tuple variant all of them, in parentheses.
///
/// ```
/// enum Command {
///     Write { client: u16, value: u64 },
///     Add(u16, u64),
///     Read,
/// }
/// aviary::display_enum!(Command {
///     Write { value } => "write {value}",
///     Add(_client, value) => "add {value}",
///     Read => "read",
/// });
///
/// assert_eq!(Command::Write { client: 0, value: 7 }.to_string(), "write 7");
/// assert_eq!(Command::Add(0, 7).to_string(), "add 7");
/// ```
#[macro_export]
macro_rules! display_enum {
    ($name:ident {
        $($variant:ident $({ $($field:ident),* $(,)? })? $(($($item:ident),* $(,)?))? => $text:literal),* $(,)?
    }) => {
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self {
                    $($crate::display_enum!(@pattern $name::$variant $(($($item),*))? $({ $($field),* })?) => {
                        write!(f, $text)
                    })*
                }
            }
        }
    };
    (@pattern $name:ident::$variant:ident ($($item:ident),*)) => { $name::$variant($($item),*) };
    (@pattern $name:ident::$variant:ident $({ $($field:ident),* })?) => { $name::$variant { $($($field,)*)? .. } };
}
