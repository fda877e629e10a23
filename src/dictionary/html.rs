//! One page that holds everything: style, script and the dictionary itself. It asks nothing of the
//! network, and a policy in its head forbids it to; the script writes text, never markup, so a
//! description cannot become part of the page.

use super::{Document, json};
use crate::error::{Error, Result};

const PAGE: &str = include_str!("assets/page.html");
const STYLES: [&str; 4] = [
    include_str!("assets/base.css"),
    include_str!("assets/table.css"),
    include_str!("assets/exhibit.css"),
    include_str!("assets/print.css"),
];
/// In the order in which they build upon each other; `app.js` starts the page.
const SCRIPTS: [&str; 9] = [
    include_str!("assets/model.js"),
    include_str!("assets/lineage.js"),
    include_str!("assets/sidebar.js"),
    include_str!("assets/columns.js"),
    include_str!("assets/run.js"),
    include_str!("assets/exhibit.js"),
    include_str!("assets/guide.js"),
    include_str!("assets/pages.js"),
    include_str!("assets/app.js"),
];

/// `index.html`.
pub(super) fn page(document: &Document) -> Result<String> {
    let data = script_safe(&json::compact(document)?);
    let script = format!("(function () {{\n\"use strict\";\n{}}})();\n", SCRIPTS.concat());
    fill(PAGE, |slot| {
        Some(match slot {
            "title" => text_safe(&document.project.name),
            "style" => STYLES.concat(),
            "data" => data.clone(),
            "script" => script.clone(),
            _ => return None,
        })
    })
}

/// Replaces every `{{slot}}` of the template, once through: a slot's text is not searched again.
fn fill(template: &str, slot: impl Fn(&str) -> Option<String>) -> Result<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let unknown = || Error::internal("the dictionary's page has a slot that nothing fills");
        let (name, tail) = after.split_once("}}").ok_or_else(unknown)?;
        out.push_str(before);
        out.push_str(&slot(name).ok_or_else(unknown)?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// JSON that may stand in a script element: `<`, `>` and `&` occur in it only inside strings, where
/// an escape means the same, and neither `</script>` nor `<!--` can be spelled without them.
fn script_safe(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 16);
    for c in json.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            _ => out.push(c),
        }
    }
    out
}

fn text_safe(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
