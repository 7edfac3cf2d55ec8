//! `words`: every step that a scenario can have, out of the simulator's table.

use std::io::{self, Write};

use aviary::sim::{Aim, EffectTime, ScriptAction};

use crate::Exit;
use crate::report::stdout;

pub(crate) fn words() -> io::Result<Exit> {
    let mut out = stdout();
    for row in ScriptAction::<()>::rows().filter(|row| !row.word.is_empty()) {
        writeln!(out, "{}\n    {}", row.word, row.means.trim())?;
        let aim = match row.aim {
            Aim::Nobody => "aims at nobody",
            Aim::Processes => "aims at any process",
            Aim::Sites => "aims at sites",
            Aim::Lives => "aims at sites and clients",
            Aim::LivesByNumber => "aims at sites and clients, but not by role",
        };
        let effect = match row.effect {
            EffectTime::AtOnce => "at once",
            EffectTime::Later => "once the process at work is done",
        };
        write!(out, "    {}: {aim}, {effect}", row.kind)?;
        if row.damages {
            write!(out, "; damages storage for good")?;
        }
        if let Some(counter) = row.counter {
            write!(out, "; counted as \"{counter}\"")?;
        }
        writeln!(out)?;
    }
    out.flush()?;
    Ok(Exit::Passed)
}
