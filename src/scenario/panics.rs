//! A panic of a process as a value: caught, with its message, and without noise on standard error.
//!
//! The process-wide panic hook is replaced once. It stays silent for a thread that is inside of [`caught`] and
//! hands every other panic to the hook that was there before.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// `Some` inside of [`caught`]; the message once there was a panic.
    static MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// What `act` returns, or the message and place of its panic. What `act` works on is then left as it was in the
/// middle of things: good for reading only.
pub fn caught<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !keep(info) {
                before(info);
            }
        }));
    });
    let outer = MESSAGE.replace(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(act));
    let message = MESSAGE.replace(outer);
    result.map_err(|_| message.unwrap_or_default())
}

/// Keeps the message of a panic that is going to be caught; says whether it is.
fn keep(info: &PanicHookInfo<'_>) -> bool {
    MESSAGE.with_borrow_mut(|message| {
        let Some(message) = message else { return false };
        let text = info.payload_as_str().unwrap_or("a panic without a message");
        *message = match info.location() {
            Some(location) => format!("{text}, at {}:{}", location.file(), location.line()),
            None => text.to_owned(),
        };
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_value_with_its_message() {
        assert_eq!(caught(|| 3), Ok(3));
        let message = caught(|| -> u8 { panic!("{} is odd", 7) }).unwrap_err();
        assert!(message.starts_with("7 is odd, at src"), "{message}");
        let nested = caught(|| caught(|| -> u8 { panic!("inner") }).is_err());
        assert_eq!(nested, Ok(true));
    }
}
