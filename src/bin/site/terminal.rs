//! Standard input and output: lines in, from a thread of its own; answers out.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use mio::Waker;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Editor, ExternalPrinter};

use crate::completion::Words;

/// Lines that were read and not looked at yet; beyond, reading waits.
const LINES_MAX: usize = 64;

/// Bytes of a line that are kept; no word is nearly as long.
const LINE_BYTES_MAX: u64 = 1 << 16;

/// Where answers go.
pub(crate) enum Printer {
    /// A pipe or a file.
    Plain,
    /// A terminal on which somebody may be typing.
    Beside(Box<dyn ExternalPrinter + Send>),
}

impl Printer {
    /// Prints whole lines.
    pub(crate) fn print(&mut self, lines: &str) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        match self {
            Printer::Plain => {
                let mut out = io::stdout().lock();
                out.write_all(lines.as_bytes())?;
                out.flush()
            }
            Printer::Beside(printer) => printer.print(lines.into()).map_err(io::Error::other),
        }
    }
}

/// Puts the terminal back into the state that it had, however the program ends.
pub(crate) struct Restore(Option<rustix::termios::Termios>);

impl Restore {
    /// For a program without a terminal.
    pub(crate) fn nothing() -> Restore {
        Restore(None)
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(state) = &self.0 {
            let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, state);
        }
    }
}

/// Starts to read. The lines end when the input does.
pub(crate) fn start(
    prompt: String,
    known: &'static [&'static str],
    waker: Arc<Waker>,
) -> io::Result<(Receiver<String>, Printer, Restore)> {
    let (lines, read) = sync_channel(LINES_MAX);
    let builder = thread::Builder::new().name("terminal".into());
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        builder.spawn(move || {
            read_plain(io::stdin().lock(), &lines, &waker);
            end(lines, &waker);
        })?;
        return Ok((read, Printer::Plain, Restore::nothing()));
    }
    let restore = Restore(rustix::termios::tcgetattr(io::stdin()).ok());
    let mut editor = Editor::<Words, DefaultHistory>::new().map_err(io::Error::other)?;
    editor.set_helper(Some(Words(known)));
    let printer = editor.create_external_printer().map_err(io::Error::other)?;
    builder.spawn(move || {
        read_edited(editor, &prompt, &lines, &waker);
        end(lines, &waker);
    })?;
    Ok((read, Printer::Beside(Box::new(printer)), restore))
}

/// Ends the lines, and says so.
fn end(lines: SyncSender<String>, waker: &Waker) {
    drop(lines);
    // Without a host nobody needs to know.
    let _ = waker.wake();
}

fn read_plain(mut input: impl BufRead, lines: &SyncSender<String>, waker: &Waker) {
    let mut line = Vec::new();
    loop {
        line.clear();
        // A longer line is read in pieces, and the pieces are no words.
        let read = io::Read::take(&mut input, LINE_BYTES_MAX).read_until(b'\n', &mut line);
        if !read.is_ok_and(|bytes| bytes > 0) {
            break;
        }
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
        if lines.send(text).is_err() || waker.wake().is_err() {
            return;
        }
    }
}

fn read_edited(
    mut editor: Editor<Words, DefaultHistory>,
    prompt: &str,
    lines: &SyncSender<String>,
    waker: &Waker,
) {
    loop {
        match editor.readline(prompt) {
            Ok(line) => {
                // History is a convenience.
                let _ = editor.add_history_entry(&line);
                let is_last = line.trim() == "quit";
                if lines.send(line).is_err() || waker.wake().is_err() || is_last {
                    return;
                }
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => break,
            Err(error) => {
                tracing::warn!(%error, "failed to read from the terminal");
                break;
            }
        }
    }
}
