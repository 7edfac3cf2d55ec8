//! `show`: one run, or two beside each other, as a page for a browser.

pub(crate) mod pictures;
