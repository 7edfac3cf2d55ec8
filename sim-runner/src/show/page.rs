//! One file for a browser: the page, its style, its script and the runs. It loads nothing and runs nothing else.

use std::io::{self, Write};

use aviary::scenario::Picture;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("../../page/page.html");
const STYLE: &str = include_str!("../../page/style.css");

/// The scripts in the order in which each uses those before it.
const SCRIPTS: [&str; 12] = [
    include_str!("../../page/data.js"),
    include_str!("../../page/history.js"),
    include_str!("../../page/cause.js"),
    include_str!("../../page/calls.js"),
    include_str!("../../page/bands.js"),
    include_str!("../../page/layout.js"),
    include_str!("../../page/labels.js"),
    include_str!("../../page/draw.js"),
    include_str!("../../page/panel.js"),
    include_str!("../../page/about.js"),
    include_str!("../../page/view.js"),
    include_str!("../../page/main.js"),
];

/// Two runs beside each other.
#[derive(Serialize)]
struct Runs<'a> {
    runs: &'a [Picture],
}

/// The page of one run, or of several.
pub(super) fn page(runs: &[Picture]) -> io::Result<String> {
    let script = format!("(function(){{\"use strict\";\n{}\n}})()", SCRIPTS.join("\n"));
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; img-src data:",
        source(&script),
        source(STYLE)
    );
    let run = packed(&Runs { runs })?;
    // What is filled in last may hold the other marks as text.
    let parts =
        [("{{policy}}", policy.as_str()), ("{{style}}", STYLE), ("{{run}}", &run), ("{{script}}", &script)];
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + script.len() + run.len());
    let mut rest = PAGE;
    for (mark, text) in parts {
        let (before, after) =
            rest.split_once(mark).unwrap_or_else(|| panic!("page.html has {mark} in its place"));
        page += before;
        page += text;
        rest = after;
    }
    page += rest;
    Ok(page)
}

/// How a content security policy names a text.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

fn packed(runs: &Runs<'_>) -> io::Result<String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    serde_json::to_writer(&mut gzip, runs).map_err(io::Error::other)?;
    gzip.flush()?;
    Ok(STANDARD.encode(gzip.finish()?))
}
