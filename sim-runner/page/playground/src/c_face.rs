//! What WebAssembly exports. A worker asks one thing at a time:
//!
//! 1. `room` gives it room for a request, and it writes the request there, as UTF-8.
//! 2. `ask` takes the request and returns the reply: its address in the upper half, its length in bytes in the lower half.
//!    The reply stays there until the next call.
//!
//! A panic ends an instance in the middle of `ask`. Then `panicked` says what happened, and nothing else may be called.

use std::cell::{Cell, RefCell};
use std::panic;
use std::ptr;

use aviary::scenario::panic_message;

use crate::Playground;

thread_local! {
    static PLAYGROUND: RefCell<Playground> = RefCell::default();
    static REPLY: RefCell<String> = const { RefCell::new(String::new()) };
    static PANIC: Cell<Option<String>> = const { Cell::new(None) };
}

/// Prepares an instance: call it first. From here on the messages of panics are kept for `panicked`.
#[unsafe(no_mangle)]
pub extern "C" fn begin() {
    panic::set_hook(Box::new(|info| PANIC.set(Some(panic_message(info)))));
}

/// Room for a request of this many bytes.
#[unsafe(no_mangle)]
pub extern "C" fn room(bytes: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; bytes].into_boxed_slice()).cast()
}

/// Answers the request at this address.
///
/// # Safety
/// The address is one that `room` returned for this many bytes, and is given back once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ask(request: *mut u8, bytes: usize) -> u64 {
    // SAFETY: `room` made this box, as the caller promises.
    let request = unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(request, bytes)) };
    let request = String::from_utf8_lossy(&request);
    reply(PLAYGROUND.with_borrow_mut(|playground| playground.answer(&request)))
}

/// After a panic: what happened where, as JSON.
#[unsafe(no_mangle)]
pub extern "C" fn panicked() -> u64 {
    let message = PANIC.take().unwrap_or_else(|| "it ended without a message".to_owned());
    // SAFETY: the call that borrowed the playground was cut short and never goes on. What it left half-done is only read:
    // which process was at work, and how far the run was.
    let panicked = PLAYGROUND.with(|playground| unsafe { &*playground.as_ptr() }.panicked(message));
    reply(serde_json::to_string(&panicked).expect("it has string keys only"))
}

/// Where a text is until the next reply.
fn reply(text: String) -> u64 {
    REPLY.with_borrow_mut(|kept| {
        *kept = text;
        (kept.as_ptr() as u64) << 32 | kept.len() as u64
    })
}
