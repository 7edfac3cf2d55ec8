//! `check`: says whether files are well-formed, without running them.

use std::io::{self, Write};

use aviary::scenario::Service;

use crate::Exit;
use crate::args::CheckArgs;
use crate::files::load;
use crate::report::{load_errors, stdout};

pub(crate) fn check<S: Service>(args: &CheckArgs) -> io::Result<Exit> {
    let loaded = match load::<S>(&args.paths) {
        Ok(loaded) => loaded,
        Err(errors) => return Ok(load_errors(&errors)),
    };
    let mut out = stdout();
    for one in &loaded {
        writeln!(out, "ok  {}", one.path.display())?;
    }
    out.flush()?;
    Ok(Exit::Passed)
}
