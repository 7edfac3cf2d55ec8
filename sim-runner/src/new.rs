//! `new`: writes a scenario to start from.

use std::io::{self, Write};

use aviary::scenario::{Service, starter};

use crate::Exit;
use crate::args::NewArgs;
use crate::files::write_new;
use crate::report::{error, program, stdout};

pub(crate) fn new<S: Service>(args: &NewArgs) -> io::Result<Exit> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if args.name.is_empty() || !args.name.bytes().all(is_part) {
        error(format_args!("{:?} is no name for a scenario: letters, digits, _ and -", args.name));
        return Ok(Exit::Usage);
    }
    let file = format!("{}.ron", args.name);
    let path = if args.dir.as_os_str() == "." { file.into() } else { args.dir.join(file) };
    if let Err(why) = write_new(&path, &starter::<S>()) {
        error(format_args!("failed to write {}: {why}", path.display()));
        return Ok(Exit::Usage);
    }
    let mut out = stdout();
    writeln!(out, "{}", path.display())?;
    writeln!(out, "run it: {} replay {} --trace", program(), crate::report::quoted(&path))?;
    out.flush()?;
    Ok(Exit::Passed)
}
