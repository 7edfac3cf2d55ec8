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

/// The scripts of every page, in the order in which each uses those before it.
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

/// What ends the script of a page that only shows.
const SHOW: &str = include_str!("../../page/show.js");

/// What ends the script of a page with a session behind it, and its style.
#[cfg(feature = "http")]
const STEP: [&str; 2] = [include_str!("../../page/live.js"), include_str!("../../page/step.js")];
#[cfg(feature = "http")]
const STEP_STYLE: &str = include_str!("../../page/live.css");

/// Two runs beside each other.
#[derive(Serialize)]
struct Runs<'a> {
    runs: &'a [Picture],
}

/// The page of one run, or of several.
pub(super) fn page(runs: &[Picture]) -> io::Result<String> {
    Ok(joined(&packed(&Runs { runs }, Compression::best())?, &[SHOW], "", ""))
}

/// The page of one run with a session behind it, which its script asks at the page's own address.
#[cfg(feature = "http")]
pub(crate) fn live(run: &Picture) -> io::Result<String> {
    // It goes no further than this machine.
    let run = packed(&Runs { runs: std::slice::from_ref(run) }, Compression::fast())?;
    Ok(joined(&run, &STEP, STEP_STYLE, "; connect-src 'self'"))
}

/// The page of packed runs, with scripts and a style after those of every page, and with what else the policy allows.
fn joined(run: &str, scripts: &[&str], style: &str, also: &str) -> String {
    let script = format!("(function(){{\"use strict\";\n{}\n}})()", [&SCRIPTS, scripts].concat().join("\n"));
    let style = format!("{STYLE}{style}");
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; img-src data:{also}",
        source(&script),
        source(&style)
    );
    // What is filled in last may hold the other marks as text.
    let parts = [
        ("{{policy}}", policy.as_str()),
        ("{{style}}", &style),
        ("{{editor}}", ""),
        ("{{run}}", run),
        ("{{script}}", &script),
    ];
    let mut page = String::with_capacity(PAGE.len() + style.len() + script.len() + run.len());
    let mut rest = PAGE;
    for (mark, text) in parts {
        let (before, after) =
            rest.split_once(mark).unwrap_or_else(|| panic!("page.html has {mark} in its place"));
        page += before;
        page += text;
        rest = after;
    }
    page += rest;
    page
}

/// How a content security policy names a text.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

fn packed(runs: &Runs<'_>, compression: Compression) -> io::Result<String> {
    let mut gzip = GzEncoder::new(Vec::new(), compression);
    serde_json::to_writer(&mut gzip, runs).map_err(io::Error::other)?;
    gzip.flush()?;
    Ok(STANDARD.encode(gzip.finish()?))
}
