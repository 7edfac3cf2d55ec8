//! `new-protocol`: writes a package that tests a protocol, to start from.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use crate::Exit;
use crate::args::NewProtocolArgs;
use crate::report::{error, quoted, stdout};

/// The files of the package, by path. `{{…}}` are the words that [`filled`] replaces.
const FILES: [(&str, &str); 12] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.in")),
    ("README.md", include_str!("template/README.md.in")),
    (".gitignore", include_str!("template/gitignore")),
    (".github/workflows/test.yml", include_str!("template/test.yml")),
    ("src/lib.rs", include_str!("template/lib.rs")),
    ("src/main.rs", include_str!("template/main.rs.in")),
    ("tests/scenarios.rs", include_str!("template/scenarios.rs.in")),
    ("tests/sweeps.rs", include_str!("template/sweeps.rs.in")),
    ("profiles/default.ron", include_str!("template/default.ron")),
    ("scenarios/site_crashes.ron", include_str!("template/site_crashes.ron")),
    ("snapshots/site_crashes.snap", include_str!("template/site_crashes.snap")),
    ("clippy.toml", include_str!("template/clippy.toml")),
];

/// The sources of this program, where they were when it was built.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

pub(crate) fn new_protocol(args: &NewProtocolArgs) -> io::Result<Exit> {
    let name = &args.name;
    if let Err(why) = check_name(name) {
        error(format_args!("{name:?} is no name for a package: {why}"));
        return Ok(Exit::Usage);
    }
    let folder = args.dir.join(name);
    let written = match Dependency::of(args, &folder) {
        Ok(dependency) => write_all(&folder, name, &dependency),
        Err(why) => Err(why),
    };
    if let Err(why) = written {
        error(format_args!("{why}"));
        return Ok(Exit::Usage);
    }
    let mut out = stdout();
    writeln!(out, "{}", folder.display())?;
    writeln!(out, "test it: cd {} && cargo test", quoted(&folder))?;
    if args.git.is_none() {
        writeln!(
            out,
            "elsewhere, as in its workflow: write it with --git URL, or have Aviary where Cargo.toml says"
        )?;
    }
    out.flush()?;
    Ok(Exit::Passed)
}

fn check_name(name: &str) -> Result<(), &'static str> {
    let is_part =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if !name.bytes().all(is_part) {
        return Err("lower-case letters, digits, _ and -");
    }
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Err("it begins with a letter");
    }
    if TAKEN.contains(&name.replace('-', "_").as_str()) {
        return Err("Rust or this package uses it for something else");
    }
    Ok(())
}

/// Names that cargo refuses for a package, or that the package's own files use.
const TAKEN: [&str; 62] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "aviary",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "sim_runner",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// Where the package takes the harness from.
struct Dependency {
    /// The fields of the dependency on the library.
    library: String,
    /// The fields of the dependency on the command line.
    runner: String,
}

impl Dependency {
    fn of(args: &NewProtocolArgs, folder: &Path) -> Result<Dependency, String> {
        if let Some(url) = &args.git {
            let git = format!("git = {url:?}");
            return Ok(Dependency { library: git.clone(), runner: git });
        }
        let given = args.aviary.as_deref();
        let sources = given.unwrap_or(Path::new(SOURCES));
        let manifest = fs::read_to_string(sources.join("Cargo.toml")).unwrap_or_default();
        if manifest.contains("name = \"aviary-sim\"") {
            let library = relative(folder, sources)?;
            let runner = format!("{library}/sim-runner");
            return Ok(Dependency {
                library: format!("path = {library:?}"),
                runner: format!("path = {runner:?}"),
            });
        }
        match given {
            Some(path) => Err(format!("{} does not hold the sources of Aviary", path.display())),
            None => {
                let version = format!("version = {:?}", env!("CARGO_PKG_VERSION"));
                Ok(Dependency { library: version.clone(), runner: version })
            }
        }
    }
}

/// The path to `target` from the folder `from`, which need not exist yet.
fn relative(from: &Path, target: &Path) -> Result<String, String> {
    let canonical = |path: &Path| fs::canonicalize(path).map_err(|why| format!("{}: {why}", path.display()));
    let parent = from.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let from = canonical(parent)?.join(from.file_name().unwrap_or_default());
    let target = canonical(target)?;
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), target.components().collect());
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    // Below the root alone there is nothing that both share: then the whole path is clearer.
    if shared < 2 {
        return Ok(target.display().to_string());
    }
    let up = from[shared..].iter().map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to[shared..].iter().copied()).collect();
    Ok(path.display().to_string())
}

fn write_all(folder: &Path, name: &str, dependency: &Dependency) -> Result<(), String> {
    let failed = |path: &Path, why: io::Error| format!("failed to write {}: {why}", path.display());
    fs::create_dir(folder).map_err(|why| failed(folder, why))?;
    for (path, text) in FILES {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|why| failed(parent, why))?;
        fs::write(&path, filled(text, name, dependency)).map_err(|why| failed(&path, why))?;
    }
    Ok(())
}

fn filled(text: &str, name: &str, dependency: &Dependency) -> String {
    text.replace("{{name}}", name)
        .replace("{{crate}}", &name.replace('-', "_"))
        .replace("{{library}}", &dependency.library)
        .replace("{{runner}}", &dependency.runner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_cargo_takes_for_a_package() {
        for name in ["lease", "primary-backup", "raft2", "a_b"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in
            ["", "2pc", "Lease", "a/b", "..", "-x", "self", "sim-runner", "test", "lüge", "use", "where"]
        {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(TAKEN.is_sorted());
    }

    #[test]
    fn the_way_to_the_sources_is_relative_where_both_are_near() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(relative(&here.join("mine"), &here.join("src")).unwrap(), "../src");
        assert_eq!(relative(&here.join("src/mine"), here).unwrap(), "../..");
        assert!(relative(&here.join("nowhere/mine"), here).is_err());
    }
}
