//! Catches the panic of a process as a value, with its message, and without output on standard error.
//!
//! The process-wide panic hook is replaced once. It stays silent for a thread inside [`caught`] and passes every
//! other panic to the previous hook.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    /// `Some` inside [`caught`]; holds the message after a panic.
    static MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// The result of `act`, or the message and place of its panic. After a panic, what `act` works on is left half-done:
/// good for reading only.
pub fn caught<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // Where a panic aborts, nobody comes back for the message.
            if !keep(info) || cfg!(panic = "abort") {
                before(info);
            }
        }));
    });
    let outer = MESSAGE.replace(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(act));
    let message = MESSAGE.replace(outer);
    result.map_err(|_| message.unwrap_or_default())
}

/// Keeps the message of a panic that [`caught`] catches. Returns whether this is one.
fn keep(info: &PanicHookInfo<'_>) -> bool {
    MESSAGE.with_borrow_mut(|message| {
        let Some(message) = message else { return false };
        *message = panic_message(info);
        true
    })
}

/// The message of a panic and its place in the code, as verdicts have them.
pub fn panic_message(info: &PanicHookInfo<'_>) -> String {
    let text = info.payload_as_str().unwrap_or("a panic without a message");
    match info.location() {
        Some(location) => format!("{text}, at {}:{}", location.file(), location.line()),
        None => text.to_owned(),
    }
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
