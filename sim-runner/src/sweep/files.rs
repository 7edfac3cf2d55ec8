//! The files that a sweep writes while it runs and at its end. Unwritable files are found before anything runs.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use aviary::search::{Again, Ran, Settled};
use serde::Serialize;

/// A new file, or why it cannot be created.
pub(super) fn create(path: &Path) -> Result<BufWriter<File>, String> {
    let file = File::create(path).map_err(|why| format!("failed to write {}: {why}", path.display()))?;
    Ok(BufWriter::new(file))
}

/// The message for a file that could not be written completely.
pub(super) fn failed(path: Option<&Path>, why: &io::Error) -> String {
    format!("failed to write {}: {why}", path.unwrap_or(Path::new("")).display())
}

/// Fails unless files can be written to this folder. A missing folder is created to try that, and removed again.
pub(super) fn probe(folder: &Path) -> Result<(), String> {
    let failed = |why: io::Error| format!("failed to write to the folder {}: {why}", folder.display());
    let is_new = !folder.exists();
    fs::create_dir_all(folder).map_err(failed)?;
    let probe = folder.join(format!(".sweep-{}", std::process::id()));
    File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(failed)?;
    // Its parents may have been created too; they stay.
    if is_new { fs::remove_dir(folder).map_err(failed) } else { Ok(()) }
}

/// One run as one line.
#[derive(Serialize)]
struct RunLine<'a> {
    source: &'a str,
    seed: u64,
    verdict: &'static str,
    /// The broken property, in one word; absent when everything held.
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    events: u64,
    simulated_ns: u64,
    fingerprint: String,
    /// What judges could not judge within their bounds; absent when they judged everything.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unknown: &'a [String],
    /// Whether a second run was the same; absent without a second run.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeats: Option<bool>,
}

/// Writes a run. It contains no time of day and no wall time: the same seeds give the same bytes.
pub(super) fn line(out: &mut impl Write, source: &str, ran: &Ran) -> io::Result<()> {
    let line = RunLine {
        source,
        seed: ran.seed,
        verdict: ran.verdict.name(),
        property: (!ran.verdict.is_pass()).then(|| ran.verdict.property()),
        reason: (!ran.verdict.is_pass()).then(|| ran.verdict.to_string()),
        events: ran.events,
        simulated_ns: ran.simulated.as_micros().saturating_mul(1_000),
        fingerprint: format!("{:016x}", ran.fingerprint),
        unknown: &ran.unknown,
        repeats: match ran.again {
            Again::Once => None,
            Again::Same => Some(true),
            Again::Differed(_) => Some(false),
        },
    };
    let text = serde_json::to_string(&line).map_err(io::Error::other)?;
    writeln!(out, "{text}")
}

/// A JUnit report for build servers: one case for each source, which passes if all of its runs do, one case for each
/// group of failures, and one case for runs that did not repeat themselves.
pub(super) fn junit(
    out: &mut impl Write,
    sources: &[(String, u64)],
    settled: &[Settled],
    pages: &[Option<PathBuf>],
    differed: &[(String, String)],
    seconds: f64,
) -> io::Result<()> {
    let is_failed = |source: &usize| settled.iter().any(|group| group.source == *source);
    let has_run = |source: &usize| sources[*source].1 > 0;
    let passed: Vec<usize> =
        (0..sources.len()).filter(|source| !is_failed(source) && has_run(source)).collect();
    let (tests, failures) = (passed.len() + settled.len() + differed.len(), settled.len() + differed.len());
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuite name="sweep" tests="{tests}" failures="{failures}" errors="0" time="{seconds:.3}">"#
    )?;
    for source in passed {
        let (name, runs) = &sources[source];
        writeln!(out, r#"  <testcase classname="{}" name="{runs} runs"/>"#, escaped(name))?;
    }
    let mut case = |class: &str, name: &str, message: &str, text: &str| {
        writeln!(out, r#"  <testcase classname="{}" name="{}">"#, escaped(class), escaped(name))?;
        writeln!(out, r#"    <failure message="{}">{}</failure>"#, escaped(message), escaped(text))?;
        writeln!(out, "  </testcase>")
    };
    for (group, page) in settled.iter().zip(pages) {
        let path = group.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let page = page.as_ref().map(|page| format!(", page {}", page.display())).unwrap_or_default();
        let text = format!("{} runs, first seed {}, {path}{page}", group.count, group.found.seed);
        let message = format!("{}: {}", group.property, group.explanation);
        let stem = group.path.as_ref().and_then(|path| path.file_stem());
        let name = stem.map_or_else(|| group.property.clone(), |stem| stem.to_string_lossy().into_owned());
        case(&group.found.profile, &name, &message, &text)?;
    }
    for (source, sentence) in differed {
        case(source, "repeats itself", "two runs of one seed differed", sentence)?;
    }
    writeln!(out, "</testsuite>")?;
    out.flush()
}

/// `text` escaped for XML, in attributes too. A character that XML cannot represent becomes a question mark.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            c if c.is_control() => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_takes_any_text() {
        assert_eq!(escaped("a<b> & \"c\"\nd\u{1}"), "a&lt;b&gt; &amp; &quot;c&quot;&#10;d?");
    }
}
