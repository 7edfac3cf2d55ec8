//! Lines on a terminal that say how far a command is; nothing in a pipe.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a line is drawn anew where nothing happens, so that its clock goes on.
const EVERY: Duration = Duration::from_millis(200);

/// How far a list of things is; the line goes when this is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Of so many things.
    pub(crate) fn new(of: usize) -> Progress {
        Progress::styled(of as u64, "[{pos}/{len}] {wide_msg} {eta}")
    }

    /// Of something whose end nobody knows.
    pub(crate) fn endless(what: &str) -> Progress {
        let progress = Progress::styled(0, "{spinner} {wide_msg} {elapsed}");
        progress.bar.set_message(what.to_owned());
        progress
    }

    fn styled(of: u64, template: &'static str) -> Progress {
        // Beside what is printed in a pipe nobody looks for it.
        let is_shown = io::stderr().is_terminal() && io::stdout().is_terminal();
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(of), target);
        bar.set_style(style(template));
        bar.enable_steady_tick(EVERY);
        Progress { bar }
    }

    /// The next thing begins.
    pub(crate) fn begin(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// One more is done.
    pub(crate) fn done(&self) {
        self.bar.inc(1);
    }

    /// Prints something while the line is out of the way.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The style of a template of ours.
pub(crate) fn style(template: &'static str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("its words are those of the library");
    style.progress_chars("#..")
}
