//! The curve as SVG: the probability of the failure over the time of the run, with the jump marked.

use std::fmt::Write;

use aviary::search::Blamed;
use aviary::sim::LineClass;

const WIDTH: u64 = 720;
const HEIGHT: u64 = 280;
/// Margins for the labels around the curve.
const LEFT: u64 = 52;
const TOP: u64 = 44;
const RIGHT: u64 = 16;
const BOTTOM: u64 = 64;
/// The maximum number of characters shown of the failure.
const TITLE: usize = 92;

/// The drawing as the text of a file.
pub(super) fn svg(name: &str, blamed: &Blamed) -> String {
    let end = blamed.curve.last().map_or(1, |point| point.at.as_micros().max(1));
    let x = |micros: u64| LEFT + micros * (WIDTH - LEFT - RIGHT) / end;
    let y = |per_mille: u64| TOP + (1_000 - per_mille.min(1_000)) * (HEIGHT - TOP - BOTTOM) / 1_000;
    let mut drawing = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    let mut add = |text: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(drawing, "{text}");
    };
    let title = format!("{name}: {}", blamed.outcome.verdict);
    let long = title.char_indices().nth(TITLE).map(|(end, _)| format!("{}…", &title[..end]));
    let title = escaped(&long.unwrap_or(title));
    add(format_args!("<text x=\"{LEFT}\" y=\"24\" font-size=\"14\">{title}</text>"));
    for percent in [0, 50, 100] {
        let (at, right) = (y(percent * 10), WIDTH - RIGHT);
        add(format_args!("<path d=\"M{LEFT} {at}H{right}\" stroke=\"#ddd\"/>"));
        let (near, below) = (LEFT - 6, at + 4);
        add(format_args!("<text x=\"{near}\" y=\"{below}\" text-anchor=\"end\">{percent} %</text>"));
    }
    for quarter in 0..=4 {
        let (micros, below) = (end / 4 * quarter, HEIGHT - BOTTOM + 18);
        let seconds = format!("{}.{:03} s", micros / 1_000_000, micros / 1_000 % 1_000);
        let at = x(micros);
        add(format_args!("<text x=\"{at}\" y=\"{below}\" text-anchor=\"middle\">{seconds}</text>"));
    }
    let points: Vec<String> = blamed
        .curve
        .iter()
        .map(|point| format!("{},{}", x(point.at.as_micros()), y(point.per_mille().into())))
        .collect();
    add(format_args!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#c22\" stroke-width=\"2\"/>",
        points.join(" ")
    ));
    for point in &points {
        let (cx, cy) = point.split_once(',').unwrap_or((point, "0"));
        add(format_args!("<circle cx=\"{cx}\" cy=\"{cy}\" r=\"2.5\" fill=\"#c22\"/>"));
    }
    if let Ok(jump) = &blamed.jump {
        let (at, foot) = (x(jump.after.at.as_micros()), HEIGHT - BOTTOM);
        add(format_args!("<path d=\"M{at} {TOP}V{foot}\" stroke=\"#36c\" stroke-dasharray=\"4 3\"/>"));
        let notable = jump.entries.iter().find(|entry| entry.class != LineClass::Routine);
        let what = notable.or(jump.entries.first()).map(ToString::to_string).unwrap_or_default();
        let what = escaped(&what.split_whitespace().collect::<Vec<_>>().join(" "));
        let low = HEIGHT - 16;
        add(format_args!("<text x=\"{LEFT}\" y=\"{low}\" fill=\"#36c\">{what}</text>"));
    }
    drawing.push_str("</svg>\n");
    drawing
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
