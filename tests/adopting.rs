//! The example of another protocol: its bug is found, its fix holds, and the documents show its real code and output.
//!
//! If `AVIARY_AS_EXAMPLE` is set, this program is the example itself, so that its output can be read.
//! `INSTA_UPDATE=always` rewrites the shown outputs; read them.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use libtest_mimic::{Arguments, Failed, Trial};

#[path = "../examples/quorum_register.rs"]
mod quorum_register;

const SCENARIO: &str = "examples/quorum_register.ron";
const COMMAND: &str = "cargo run --profile quick --example quorum_register";

fn main() -> ExitCode {
    if env::var_os("AVIARY_AS_EXAMPLE").is_some() {
        return quorum_register::main();
    }
    let mut trials = vec![
        Trial::test("the_bug_is_found_and_the_fix_holds_under_30_seeds", seeds),
        Trial::test("the_usual_starter_passes_with_the_fix", starter),
        Trial::test("what_is_wrong_with_its_files_is_said", wrong_files),
        Trial::test("it_has_no_commands_of_another_service", no_other_commands),
    ];
    for path in ["README.md", "docs/adopting.md"] {
        trials.push(Trial::test(format!("{path}_shows_the_example_as_it_is"), move || shown(path)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The exit code and the output of the example with these arguments.
fn example(args: &[&str]) -> Result<(Option<i32>, String), Failed> {
    let program = env::current_exe()?;
    let output = Command::new(&program)
        .args(args)
        .env("AVIARY_AS_EXAMPLE", "1")
        .env_remove("SIM_RUNNER_SEED")
        .env_remove("CLICOLOR_FORCE")
        .current_dir(file(""))
        .output()?;
    let text = String::from_utf8([output.stdout, output.stderr].concat())?;
    let name = program.to_str().ok_or("a program has a name")?;
    Ok((output.status.code(), text.replace(name, "target/quick/examples/quorum_register")))
}

fn ends(args: &[&str], code: i32, with: &str) -> Result<(), Failed> {
    let (ended, text) = example(args)?;
    if ended == Some(code) && text.contains(with) {
        return Ok(());
    }
    Err(format!("{args:?} ends with {ended:?}, expected {code} and {with:?}\n{text}").into())
}

fn seeds() -> Result<(), Failed> {
    for seed in 1..=30 {
        let seed = seed.to_string();
        ends(
            &["replay", SCENARIO, "--seed", &seed],
            1,
            "\n  never back: C2 got the answer 1 after C1 had got the answer 2\n",
        )?;
        ends(&["--fixed", "replay", SCENARIO, "--seed", &seed], 0, "passed ")?;
    }
    Ok(())
}

fn starter() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adopting");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let path = folder.join("mine.ron");
    ends(&["new", "mine", "--dir", &folder.to_string_lossy()], 0, "mine.ron")?;
    ends(&["--fixed", "replay", &path.to_string_lossy()], 0, "passed ")
}

fn wrong_files() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adopting_wrongly");
    fs::create_dir_all(&folder)?;
    let text = fs::read_to_string(file(SCENARIO))?;
    let wrongs = [
        ("kind: \"Store\"", "kind: \"Stor\"", "did you mean `Store`?"),
        ("subject: \"request 2\"", "subject: \"slot 2\"", "unknown subject `slot`"),
        ("Read(client: 1)", "Read(client: 9)", "the clients are 0 to 2"),
        ("Converges", "Convergs", "did you mean `Converges`?"),
    ];
    for (number, (right, wrong, message)) in wrongs.into_iter().enumerate() {
        let path = folder.join(format!("{number}.ron"));
        fs::write(&path, text.replacen(right, wrong, 1))?;
        ends(&["replay", &path.to_string_lossy()], 2, message)?;
    }
    ends(&["replay", "examples/none.ron"], 2, "failed to read examples/none.ron")
}

fn no_other_commands() -> Result<(), Failed> {
    for command in ["matrix", "saboteurs", "soak"] {
        ends(&[command], 2, &format!("unrecognized subcommand '{command}'"))?;
    }
    let planted = ["replay", SCENARIO, "--saboteur", "forgets-accept"];
    ends(&planted, 2, "no saboteurs are planted for this service")?;
    ends(&["replay-recording", "."], 2, "this program replays no recordings")
}

/// One fenced block: its language, its contents, and its place in the text.
struct Block<'a> {
    language: &'a str,
    text: &'a str,
    at: usize,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let (mut opened, mut at) = (None, 0);
    for line in text.split_inclusive('\n') {
        match (opened, line.strip_prefix("```")) {
            (None, Some(language)) => opened = Some((language.trim_end(), at + line.len())),
            (Some((language, start)), Some(_)) => {
                blocks.push(Block { language, text: &text[start..at], at: start });
                opened = None;
            }
            _ => {}
        }
        at += line.len();
    }
    blocks
}

/// Checks that every block of code is in the example's files, and that each command is followed by its output.
fn shown(path: &str) -> Result<(), Failed> {
    let text = fs::read_to_string(file(path))?;
    let sources = [
        "examples/quorum_register.rs",
        SCENARIO,
        "examples/voter.rs",
        "examples/cages/omnipaxos/src/lib.rs",
        "tests/readme/clients.rs",
    ];
    let sources =
        sources.map(|path| fs::read_to_string(file(path))).into_iter().collect::<Result<Vec<_>, _>>()?;
    let is_source = |block: &Block<'_>| sources.iter().any(|source| contains(source, block.text));
    let blocks = blocks(&text);
    let mut updated = text.clone();
    let mut commands = 0;
    // From the last to the first, so that earlier places stay valid.
    for (number, block) in blocks.iter().enumerate().rev() {
        let is_ours = path.starts_with("docs");
        match block.language {
            "rust" | "ron" if is_ours && !is_source(block) => {
                return Err(format!("{path} shows what the example does not have:\n{}", block.text).into());
            }
            "sh" if block.text.starts_with(COMMAND) => {
                let args: Vec<&str> = block.text[COMMAND.len()..].split_whitespace().skip(1).collect();
                let printed = steady(&example(&args)?.1);
                let output = blocks.get(number + 1).filter(|next| next.language == "text");
                let output =
                    output.ok_or_else(|| format!("{path} does not show what `{}` prints", block.text))?;
                if is_ours {
                    updated.replace_range(output.at..output.at + output.text.len(), &printed);
                } else {
                    // README.md shows some of its lines.
                    let mut rest = printed.lines();
                    let other = output.text.lines().find(|line| !rest.any(|printed| printed == *line));
                    other.map_or(Ok(()), |line| {
                        Err(format!(
                            "{path} shows {line:?}, which the example does not print there:\n{printed}"
                        ))
                    })?;
                }
                commands += 1;
            }
            _ => {}
        }
    }
    if commands == 0 {
        return Err(format!("{path} runs the example nowhere").into());
    }
    if updated == text {
        return Ok(());
    }
    if env::var_os("INSTA_UPDATE").is_some_and(|wanted| wanted == "always") {
        fs::write(file(path), updated)?;
        return Ok(());
    }
    let differs = |(old, new): &(&str, &str)| old != new;
    let (old, new) = text.lines().zip(updated.lines()).find(differs).unwrap_or_default();
    Err(format!("{path} shows\n{old}\nwhere the example prints\n{new}\nINSTA_UPDATE=always writes it anew")
        .into())
}

/// Whether these lines follow each other in `source`, at any indentation; `…` stands for any other lines.
fn contains(source: &str, lines: &str) -> bool {
    let mut rest: Vec<&str> = source.lines().map(str::trim).collect();
    lines.split('…').all(|part| {
        let part: Vec<&str> = part.lines().map(str::trim).collect();
        let part = part.iter().copied().skip_while(|line| line.is_empty()).collect::<Vec<_>>();
        let end = part.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        let found = rest.windows(end.max(1)).position(|window| end == 0 || *window == part[..end]);
        found.map(|start| rest.drain(..start + end)).is_some()
    })
}

/// The output of a run without the wall time and the fingerprint.
fn steady(printed: &str) -> String {
    let cut = |line: &str| match line.split_once(" s simulated") {
        Some((kept, _)) => format!("{kept} s simulated …\n"),
        None => format!("{line}\n"),
    };
    printed.lines().map(cut).collect()
}
