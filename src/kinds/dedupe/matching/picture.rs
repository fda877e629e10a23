//! A model's weights as a picture: one bar a level, to the right for evidence that two records are
//! one, to the left for evidence that they are not.

use std::fmt::Write as _;

use super::explain::{signed, words};
use super::model::{Level, Model, ModelField};

/// Pixels.
const WIDTH: i32 = 720;
const ROW: i32 = 18;
const HEAD: i32 = 28;
/// Where a weight of zero stands, and how far the longest bar reaches from it.
const ZERO: i32 = 440;
const REACH: i32 = 190;

/// The picture as SVG that stands alone: no script, no font or style from elsewhere, text that
/// takes the colour of its surroundings, and a title for those who do not see it.
pub fn picture(model: &Model) -> String {
    let levels: i32 = model.fields.iter().map(|field| field.levels.len() as i32).sum();
    let height = model.fields.len() as i32 * HEAD + levels * ROW + 30;
    let longest =
        model.fields.iter().flat_map(|field| &field.levels).map(|level| level.bits.abs()).max().unwrap_or(0).max(1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"currentColor\">\n\
         <title>What each finding weighs, in bits</title>\n"
    );
    let mut y = 4;
    for field in &model.fields {
        y = one_field(&mut svg, field, y, longest);
    }
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        "<line x1=\"{ZERO}\" y1=\"4\" x2=\"{ZERO}\" y2=\"{y}\" stroke=\"currentColor\" stroke-opacity=\"0.4\"/>"
    );
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill-opacity=\"0.7\">◂ different people</text>",
        ZERO - 6,
        y + 18
    );
    let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" fill-opacity=\"0.7\">one person ▸</text>", ZERO + 6, y + 18);
    svg.push_str("</svg>\n");
    svg
}

fn one_field(svg: &mut String, field: &ModelField, mut y: i32, longest: i32) -> i32 {
    let _ = writeln!(svg, "<text x=\"8\" y=\"{}\" font-weight=\"600\">{}</text>", y + 18, escaped(&field.name));
    y += HEAD;
    for level in &field.levels {
        one_level(svg, level, y, longest);
        y += ROW;
    }
    y
}

fn one_level(svg: &mut String, level: &Level, y: i32, longest: i32) {
    let length = level.bits.abs().saturating_mul(REACH) / longest;
    let (x, label, anchor, colour) = match level.bits {
        ..0 => (ZERO - length, ZERO - length - 4, "end", "#b3541e"),
        _ => (ZERO, ZERO + length + 4, "start", "#2b7a5b"),
    };
    let middle = y + 12;
    let _ = writeln!(svg, "<text x=\"20\" y=\"{middle}\">{}</text>", escaped(&words(level.when)));
    let _ = writeln!(svg, "<rect x=\"{x}\" y=\"{}\" width=\"{length}\" height=\"12\" fill=\"{colour}\"/>", y + 2);
    let _ = writeln!(svg, "<text x=\"{label}\" y=\"{middle}\" text-anchor=\"{anchor}\">{}</text>", signed(level.bits));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
