//! Standard input and output: lines in, from a thread of its own; answers out.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use mio::Waker;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Cmd, Config, Editor, ExternalPrinter, KeyCode, KeyEvent, Modifiers};

use crate::completion::Words;
use crate::error::ProgramError;
use crate::writer::{Policy, Sink, Writer};

/// The most lines that are read and not looked at yet. Beyond that, reading waits.
const LINES_MAX: usize = 64;

/// The most bytes that are read as one line; no command is nearly as long.
const LINE_BYTES_MAX: u64 = 1 << 16;

/// Moves the cursor a line up, and down again.
const NO_MOVE: &str = "\x1b[A\n";

/// The longest time for which a program that must end at once waits for a reader that reads nothing.
pub(crate) const PRINT_PATIENCE: Duration = Duration::from_millis(500);

/// Prints answers. A reader that is slow or gone holds nothing up.
pub(crate) struct Printer {
    writer: Writer,
    is_terminal: bool,
}

impl Printer {
    /// Prints to a pipe or a file. Wakes the program when there is room again, or when the reader is gone.
    pub(crate) fn plain(waker: Arc<Waker>) -> io::Result<Printer> {
        let sink = |bytes: &[u8]| Ok(rustix::io::write(io::stdout(), bytes)?);
        Printer::start(Box::new(sink), waker, false)
    }

    /// Prints to a terminal on which somebody may be typing.
    fn beside(mut printer: impl ExternalPrinter + Send + 'static, waker: Arc<Waker>) -> io::Result<Printer> {
        let sink = move |bytes: &[u8]| {
            let lines = String::from_utf8_lossy(bytes).into_owned();
            match printer.print(lines) {
                Ok(()) => Ok(bytes.len()),
                // The editor is gone.
                Err(_) => Ok(rustix::io::write(io::stdout(), bytes)?),
            }
        };
        Printer::start(Box::new(sink), waker, true)
    }

    fn start(sink: Sink, waker: Arc<Waker>, is_terminal: bool) -> io::Result<Printer> {
        // If the host is gone, nobody waits.
        let call = move || drop(waker.wake());
        let writer = Writer::start("print", sink, Policy::Fails(Box::new(call)))?;
        Ok(Printer { writer, is_terminal })
    }

    /// Whether it prints to a terminal on which somebody may be typing.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Prints whole lines.
    pub(crate) fn print(&self, lines: &str) {
        self.writer.put(lines.as_bytes().to_vec());
    }

    /// Whether more may be asked: the reader keeps up with the answers.
    pub(crate) fn has_room(&self) -> bool {
        self.writer.has_room()
    }

    /// Whether printing has failed, as when the reader is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.writer.has_failed()
    }

    /// Waits until everything is printed, nothing can be, or `gives_up` is true. A reader that is gone is no failure.
    pub(crate) fn finish(&self, gives_up: impl Fn(Duration) -> bool) -> Result<(), ProgramError> {
        if self.is_terminal {
            // The editor takes texts one after another from a channel that holds one. Once the channel holds the second
            // of these, the editor has shown everything before the first.
            (0..2).for_each(|_| self.print(NO_MOVE));
        }
        self.writer.flush(gives_up);
        match self.writer.take_failure() {
            None => Ok(()),
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Some(error) => Err(ProgramError::Run(format!("failed to print answers: {error}"))),
        }
    }
}

/// Prints the answer of a command. A reader that is gone, like `| head`, is no failure.
pub(crate) fn answer(lines: &str) -> Result<(), ProgramError> {
    let mut out = io::stdout().lock();
    match out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(ProgramError::Run(format!("failed to print the answer: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints that everything was done. It was, even if this cannot be printed.
pub(crate) fn done(lines: &str) {
    if let Err(ProgramError::Run(why)) = answer(lines) {
        tracing::warn!("all is done, but {why}");
    }
}

/// The state of the terminal before this program read from it.
static BEFORE: Mutex<Option<rustix::termios::Termios>> = Mutex::new(None);

/// Puts the terminal back into the state that it had.
pub(crate) fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before {
        let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &before);
    }
}

/// Puts the terminal back into the state that it had, however the program ends.
pub(crate) struct TerminalGuard;

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
    }
}

/// Starts to read. The lines end when the input does.
pub(crate) fn start(
    prompt: String,
    known: &'static [&'static str],
    waker: Arc<Waker>,
) -> io::Result<(Receiver<String>, Printer, TerminalGuard)> {
    let (lines, read) = sync_channel(LINES_MAX);
    let builder = thread::Builder::new().name("terminal".into());
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) || is_plain() {
        let printer = Printer::plain(waker.clone())?;
        builder.spawn(move || {
            read_plain(io::stdin().lock(), &lines, &waker);
            end(lines, &waker);
        })?;
        return Ok((read, printer, TerminalGuard));
    }
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = rustix::termios::tcgetattr(io::stdin()).ok();
    let restore = TerminalGuard;
    let config = Config::builder().bracketed_paste(false).build();
    let mut editor = Editor::<Words, DefaultHistory>::with_config(config).map_err(io::Error::other)?;
    editor.set_helper(Some(Words(known)));
    // Pasted text counts as typed line by line, even where the terminal marks it without being asked to.
    for mark in [KeyCode::BracketedPasteStart, KeyCode::BracketedPasteEnd] {
        editor.bind_sequence(KeyEvent(mark, Modifiers::NONE), Cmd::Noop);
    }
    let printer = editor.create_external_printer().map_err(io::Error::other)?;
    let printer = Printer::beside(printer, waker.clone())?;
    builder.spawn(move || {
        read_edited(&mut editor, &prompt, &lines, &waker);
        end(lines, &waker);
        // The editor is what shows answers, until the program ends.
        while let Ok(_) | Err(ReadlineError::Signal(_)) = editor.readline("") {}
    })?;
    Ok((read, printer, restore))
}

/// Whether this terminal can do no more than take and print lines.
#[expect(clippy::disallowed_methods, reason = "only the environment says which terminal it is")]
fn is_plain() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    ["dumb", "cons25", "emacs"].iter().any(|plain| term.eq_ignore_ascii_case(plain))
}

/// Ends the lines, and wakes the program.
fn end(lines: SyncSender<String>, waker: &Waker) {
    drop(lines);
    // If the host is gone, nobody needs to know.
    let _ = waker.wake();
}

fn read_plain(mut input: impl BufRead, lines: &SyncSender<String>, waker: &Waker) {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = io::Read::take(&mut input, LINE_BYTES_MAX).read_until(b'\n', &mut line);
        if !read.is_ok_and(|bytes| bytes > 0) {
            break;
        }
        // The rest of a longer line is no command, and with an ellipsis its beginning is none either.
        if line.len() as u64 == LINE_BYTES_MAX && !line.ends_with(b"\n") {
            line.extend_from_slice(" …".as_bytes());
            if input.skip_until(b'\n').is_err() {
                break;
            }
        }
        let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
        if lines.send(text).is_err() || waker.wake().is_err() {
            return;
        }
    }
}

fn read_edited(
    editor: &mut Editor<Words, DefaultHistory>,
    prompt: &str,
    lines: &SyncSender<String>,
    waker: &Waker,
) {
    loop {
        match editor.readline(prompt) {
            Ok(line) => {
                // The program goes on without history.
                let _ = editor.add_history_entry(&line);
                let is_last = line.trim() == "quit";
                if lines.send(line).is_err() || waker.wake().is_err() || is_last {
                    return;
                }
            }
            // The size of the terminal changed.
            Err(ReadlineError::Signal(_)) => {}
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => break,
            Err(error) => {
                tracing::warn!(%error, "failed to read from the terminal");
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn what_is_behind_the_longest_line_is_no_command() {
        let poll = mio::Poll::new().expect("it is made");
        let waker = Waker::new(poll.registry(), mio::Token(0)).expect("it is made");
        let (lines, read) = sync_channel(9);
        let long = "x".repeat(1 << 16);
        read_plain(
            format!("view ann\n{long}tweet ann smuggled\nlog\n{}", &long[1..]).as_bytes(),
            &lines,
            &waker,
        );
        drop(lines);
        let read: Vec<String> = read.into_iter().collect();
        assert_eq!((read[0].as_str(), read[2].as_str(), read.len()), ("view ann", "log", 4));
        assert_eq!((&read[1], &read[3]), (&format!("{long} …"), &long[1..].to_owned()));
    }
}
