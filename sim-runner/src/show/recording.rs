//! The page of what a real site recorded.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aviary::process::Savable;
use aviary::recording::{File, PlayFailure, Player, Seen, digest};
use aviary::scenario::picture::{RecordedFacts, RecordedPicture};
use aviary::scenario::{Picture, Service, caught};

use crate::Exit;
use crate::args::ShowArgs;
use crate::replay_recording::{extent, files, refused};
use crate::report::{program, quoted, usage};

/// Writes the page of the recording in the folder that `args` name.
pub(crate) fn show_recording<S: Service<Process: Savable>>(args: &ShowArgs) -> io::Result<Exit> {
    let folder = &args.path;
    let of_scenarios = [
        ("--against", args.against.is_some()),
        ("--blame", args.blame.is_some()),
        ("--seed", args.seed.is_some()),
        ("--saboteur", args.saboteur.is_some()),
    ];
    if let Some((flag, _)) = of_scenarios.iter().find(|(_, is_given)| *is_given) {
        let shown = folder.display();
        return Ok(usage(&format!(
            "{shown} is the folder of a recording, and {flag} is for scenarios: leave it out"
        )));
    }
    let files = match files(folder, None) {
        Ok(files) => files,
        Err(why) => return Ok(usage(&why)),
    };
    let name = fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
    let name = name.file_name().map_or("recording".into(), |name| name.to_string_lossy().into_owned());
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}.html")));
    let inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    if let Some(why) = super::unwritable(&output, &inputs) {
        return Ok(usage(&why));
    }
    let mut played = play::<S>(args, &files, &name, 0);
    if let Ok(picture) = &played
        && picture.left_out > 0
        && picture.verdict.name != "passed"
    {
        // Whoever looks at a failure looks at its end.
        played = play::<S>(args, &files, &name, picture.left_out);
    }
    match played {
        Ok(picture) => super::written(args, &output, &[picture]),
        Err(why) => Ok(usage(&why)),
    }
}

/// Plays the files, and makes a picture without the first `skipped` events.
fn play<S: Service<Process: Savable>>(
    args: &ShowArgs,
    files: &[PathBuf],
    name: &str,
    skipped: u64,
) -> Result<Picture, String> {
    let mut player = Player::<S::Process>::default();
    let mut picture = RecordedPicture::<S>::new(args.shown_max, skipped);
    let (mut header, mut seed, mut difference, mut digests) = (None, 0, None, Vec::new());
    for (index, path) in files.iter().enumerate() {
        let bytes = fs::read(path).map_err(|why| format!("failed to read {}: {why}", path.display()))?;
        digests.extend(digest(&bytes).to_le_bytes());
        let mut take = |seen: Seen<'_, S::Process>| picture.take(&seen);
        match player.play(&bytes, &|act| caught(act), Some(&mut take)) {
            Ok(_) => {}
            Err(PlayFailure::Differs(found)) => {
                difference = Some(format!("{}, {found}", path.display()));
            }
            Err(failure) => return Err(refused::<S::Process>(&failure, &files[index..])),
        }
        if let (None, Ok(file)) = (&header, File::read(&bytes, S::Process::CODE)) {
            let owner = file.openings.iter().find(|opening| opening.id == file.header.process);
            seed = owner.map_or(0, |opening| opening.seed.0);
            header = Some(file.header);
        }
        if difference.is_some() {
            break;
        }
    }
    let program = program();
    Ok(picture.finish(RecordedFacts {
        name: name.to_owned(),
        about: format!("What a real site recorded. {}.", extent(header.as_ref(), player.tally())),
        reproduce: format!("{program} replay-recording {} --verbose", quoted(&args.path)),
        seed,
        fingerprint: digest(&digests),
        difference,
    }))
}
