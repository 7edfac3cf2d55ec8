//! Progress lines on a terminal; nothing in a pipe.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often an idle line is redrawn, so that its clock advances.
const EVERY: Duration = Duration::from_millis(200);

/// The progress through a list of items. The line disappears when this is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Progress through `of` items.
    pub(crate) fn new(of: usize) -> Progress {
        Progress::styled(of as u64, "[{pos}/{len}] {wide_msg} {eta}")
    }

    /// Progress of a task whose end is unknown.
    pub(crate) fn endless(what: &str) -> Progress {
        let progress = Progress::styled(0, "{spinner} {wide_msg} {elapsed}");
        progress.bar.set_message(what.to_owned());
        progress
    }

    fn styled(of: u64, template: &'static str) -> Progress {
        // In a pipe nobody looks for progress lines between the output.
        let is_shown = io::stderr().is_terminal() && io::stdout().is_terminal();
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(of), target);
        bar.set_style(style(template));
        bar.enable_steady_tick(EVERY);
        Progress { bar }
    }

    /// Names the item that begins.
    pub(crate) fn begin(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Counts one more finished item.
    pub(crate) fn done(&self) {
        self.bar.inc(1);
    }

    /// Prints something while the line is hidden.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The style for one of our templates.
pub(crate) fn style(template: &'static str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("its words are those of the library");
    style.progress_chars("#..")
}
