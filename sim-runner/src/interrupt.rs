//! The first interrupt asks a command to come to an end, the second ends the program.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};

/// How a program ends that was interrupted.
const INTERRUPTED: i32 = 130;

/// Set at the first interrupt.
pub(crate) fn flag() -> io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first interrupt finds the flag down and sets it, the second finds it up.
        register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&flag))?;
        register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}
