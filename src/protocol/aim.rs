//! The field `at` of a command, found by its name in the text that a scenario has for the command.

use core::ops::Range;

use ron::extensions::Extensions;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ron_file::Place;
use crate::scenario::step::Target;

/// The name of the field.
pub(super) const FIELD: &str = "at";

fn options() -> ron::Options {
    let extensions = Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES;
    ron::Options::default().with_default_extension(extensions)
}

/// The text of a command, and where it has the value of the field; `None` if it has no such field.
fn located<C: Serialize>(command: &C) -> Option<(String, Range<usize>)> {
    let text = options().to_string(command).ok()?;
    let place = Place::whole().field(FIELD).locate(&text);
    // Without the field, the place is the whole command.
    (place.start > 0).then_some((text, place))
}

/// Whom `command` is for; `None` if it does not say so.
pub(super) fn of<C: Serialize>(command: &C) -> Option<Target> {
    let (text, place) = located(command)?;
    options().from_str(&text[place]).ok()
}

/// The same command for `who`.
pub(super) fn turned<C: Serialize + DeserializeOwned>(command: &C, who: Target) -> Option<C> {
    let (mut text, place) = located(command)?;
    text.replace_range(place, &options().to_string(&who).ok()?);
    options().from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    enum Command {
        Put { text: String, at: Target, value: Option<u64> },
        Get(Get),
        Stop(Target),
        Halt,
    }

    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    struct Get {
        at: Target,
    }

    #[test]
    fn the_field_is_found_whatever_is_around_it_and_is_replaced() {
        let put = |at| Command::Put { text: "at: (\"Site(9)".to_owned(), at, value: Some(7) };
        for at in [Target::Leader, Target::Site(3), Target::Client(70)] {
            assert_eq!(of(&put(at)), Some(at));
            assert_eq!(turned(&put(Target::Any), at), Some(put(at)));
            assert_eq!(of(&Command::Get(Get { at })), Some(at));
            assert_eq!(turned(&Command::Get(Get { at: Target::Any }), at), Some(Command::Get(Get { at })));
        }
        assert_eq!(of(&Command::Stop(Target::Leader)), None);
        assert_eq!(of(&Command::Halt), None);
    }
}
