//! `replay-recording`: replays what a real site recorded, and compares.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use aviary::process::Savable;
use aviary::recording::{
    CutShort, File, PlayFailure, Player, RecordingHeader, Refusal, Report, Seen, Tally, describe,
};
use aviary::scenario::caught;

use crate::Exit;
use crate::args::ReplayRecordingArgs;
use crate::report::{BAD, DIM, GOOD, WARN, program, quoted, stdout, usage};

pub(crate) fn replay_recording<P: Savable>(args: &ReplayRecordingArgs) -> io::Result<Exit> {
    let files = match files(&args.folder, args.from.as_deref()) {
        Ok(files) => files,
        Err(why) => return Ok(usage(&why)),
    };
    let mut out = stdout();
    let mut player = Player::<P>::default();
    let mut header = None;
    for (index, path) in files.iter().enumerate() {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(why) => return Ok(usage(&format!("failed to read {}: {why}", path.display()))),
        };
        let mut wrote = Ok(());
        let mut print = |seen: Seen<'_, P>| {
            if wrote.is_ok() {
                wrote = line(&mut out, &seen);
            }
        };
        let printer: Option<Report<'_, P>> = if args.verbose { Some(&mut print) } else { None };
        let played = player.play(&bytes, &|act| caught(act), printer);
        wrote?;
        match played {
            Ok(cut) => {
                header = File::header_of(&bytes).ok().or(header);
                notable(&mut out, &player, path, cut)?;
            }
            Err(PlayFailure::Differs(difference)) => {
                let (shown, tally) = (path.display(), player.tally());
                writeln!(out, "{BAD}differs{BAD:#}   {shown}, {difference}")?;
                writeln!(out, "  {} outputs before that were the recorded ones", tally.outputs)?;
                let again = files.get(index.saturating_sub(1)).unwrap_or(path);
                let (program, folder) = (program(), quoted(&args.folder));
                writeln!(out, "  reproduce: {program} replay-recording {folder} --from {}", quoted(again))?;
                out.flush()?;
                return Ok(Exit::Nondeterministic);
            }
            Err(failure) => {
                out.flush()?;
                return Ok(usage(&refused::<P>(&failure, &files[index..])));
            }
        }
    }
    summary(&mut out, header.as_ref(), player.tally())?;
    out.flush()?;
    Ok(Exit::Passed)
}

/// The files of the recording in `folder`, in the order of their numbers: all, or those from `from` on.
pub(crate) fn files(folder: &Path, from: Option<&Path>) -> Result<Vec<PathBuf>, String> {
    let failed =
        |why: io::Error| format!("failed to read {}: {why}; name a folder of a recording", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(number) = number_of(&path) {
            files.push((number, path));
        }
    }
    files.sort();
    if files.is_empty() {
        let shown = folder.display();
        return Err(format!(
            "{shown} holds no recording: no file like 00000017.rec; `site run --record` writes one"
        ));
    }
    if let Some(from) = from {
        let number = number_of(from).filter(|number| files.iter().any(|(known, _)| known == number));
        let Some(number) = number else {
            let (first, last) = (files[0].1.display(), files[files.len() - 1].1.display());
            return Err(format!("there is no {}; --from is one of {first} to {last}", from.display()));
        };
        files.retain(|(known, _)| *known >= number);
    }
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

fn number_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".rec")?.parse().ok()
}

/// Why the first of these files cannot be played, with a cure.
pub(crate) fn refused<P: Savable>(failure: &PlayFailure, files: &[PathBuf]) -> String {
    format!("{}: {failure}{}", files[0].display(), later::<P>(failure, files))
}

/// Names the first file of this code, if the recording was refused because other code recorded it.
fn later<P: Savable>(failure: &PlayFailure, files: &[PathBuf]) -> String {
    let PlayFailure::Refused(Refusal::Code { .. }) = failure else { return String::new() };
    let is_ours = |path: &&PathBuf| {
        let header = fs::read(path).ok().and_then(|bytes| File::header_of(&bytes).ok());
        header.is_some_and(|header: RecordingHeader| header.code == P::CODE)
    };
    let first = files.iter().find(is_ours);
    first.map_or(String::new(), |path| {
        format!("; what this code recorded begins with --from {}", path.display())
    })
}

fn line<P: Savable>(out: &mut impl Write, seen: &Seen<'_, P>) -> io::Result<()> {
    match seen {
        Seen::Opened { .. } => Ok(()),
        Seen::Input { entry, now, process, input } => {
            writeln!(out, "{now} {DIM}#{entry}{DIM:#} {}", describe::input(*process, input))
        }
        Seen::Output { output, notes, .. } => {
            notes.iter().try_for_each(|note| writeln!(out, "    {DIM}| {note}{DIM:#}"))?;
            describe::output::<P>(output).iter().try_for_each(|words| writeln!(out, "    {words}"))
        }
        Seen::Panicked { message, .. } => writeln!(out, "    panics: {message}"),
    }
}

/// Prints whether a replayed file was cut short or ends with a panic.
fn notable<P: Savable>(
    out: &mut impl Write,
    player: &Player<P>,
    path: &Path,
    cut: Option<CutShort>,
) -> io::Result<()> {
    let shown = path.display();
    if let Some(CutShort(at)) = cut {
        writeln!(out, "{WARN}cut short{WARN:#} {shown} at byte {at}, by a crash; it was read up to there")?;
    }
    if let Some(message) = player.last_panic() {
        writeln!(out, "{WARN}panics{WARN:#}    {shown}, at its last input: {message}")?;
    }
    Ok(())
}

/// Whose recording it is, and how much was played of it.
pub(crate) fn extent(header: Option<&RecordingHeader>, tally: &Tally) -> String {
    let owner = header
        .map_or(String::new(), |header| format!("{} of cluster 0x{:016x}: ", header.process, header.cluster));
    let inputs: u64 = tally.inputs.values().sum();
    let (seconds, millis) = (tally.micros / 1_000_000, tally.micros / 1_000 % 1_000);
    format!(
        "{owner}{} in {} over {seconds}.{millis:03} s, {} of {}",
        counted(inputs, "input"),
        counted(tally.files, "file"),
        counted(tally.starts, "start"),
        counted(tally.incarnations, "incarnation"),
    )
}

fn counted(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

fn summary(out: &mut impl Write, header: Option<&RecordingHeader>, tally: &Tally) -> io::Result<()> {
    writeln!(out, "{GOOD}same{GOOD:#}      {}", extent(header, tally))?;
    let kinds: Vec<String> = tally.inputs.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    writeln!(out, "  inputs: {}", kinds.join(", "))?;
    writeln!(
        out,
        "  came out as recorded: {}, {}, {}",
        counted(tally.outputs, "output"),
        counted(tally.states, "state"),
        counted(tally.panics, "panic")
    )?;
    if tally.open > 0 {
        writeln!(out, "  {} without a recorded output: a crash came between", counted(tally.open, "input"))?;
    }
    if tally.gaps > 0 {
        writeln!(
            out,
            "  {WARN}{}{WARN:#}: the recorder could not keep up, or files are missing",
            counted(tally.gaps, "gap")
        )?;
    }
    Ok(())
}
