//! `${NAME}` and `${NAME:-default}` in the values of `marquetry.yml`.
//!
//! Values are put in after the file was parsed, so they cannot change its structure, and
//! diagnostics show the file as it is written, never a value from the environment. A value that is a
//! number counts as one, as it would if it stood in the file; in quotes it is text.

use crate::diag::{Diagnostic, Diagnostics, Place, codes};
use crate::store::Env;
use crate::syntax::{Node, Value};

/// Replaces references in every text value below `node`.
pub(super) fn expand(node: &mut Node, env: &Env, diags: &mut Diagnostics) {
    match &mut node.value {
        Value::Text(text) if text.contains("${") => {
            if let Some(expanded) = expand_text(text, node.place, env, diags) {
                let quoted = (node.place.end - node.place.start) as usize != text.len();
                node.value =
                    if !quoted && is_number(&expanded) { Value::Number(expanded) } else { Value::Text(expanded) };
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| expand(item, env, diags)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, _, value)| expand(value, env, diags)),
        _ => {}
    }
}

fn expand_text(text: &str, place: Place, env: &Env, diags: &mut Diagnostics) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, reference) = rest.split_at(start);
        out.push_str(before);
        let Some(end) = reference.find('}') else {
            diags.push(malformed(text, place, "has no closing `}`"));
            return None;
        };
        let inner = reference.get(2..end).unwrap_or_default();
        let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
        if !is_variable(name) {
            diags.push(malformed(text, place, "does not hold the name of a variable"));
            return None;
        }
        match env.get(name).filter(|value| !value.is_empty()).or(default) {
            Some(value) => out.push_str(value),
            None => {
                let message = format!("the environment variable `{name}` is not set");
                let hint = format!("set it, or give a default: `${{{name}:-…}}`");
                let offset = text.len() - rest.len() + start;
                let at = part(text, place, offset, end + 1);
                diags.push(Diagnostic::error(codes::MISSING_ENV, at, message).hint(hint));
                return None;
            }
        }
        rest = reference.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    Some(out)
}

/// A part of a text that stands in its file as it is, or in quotes; all of it where that is not so.
fn part(text: &str, place: Place, offset: usize, len: usize) -> Place {
    match ((place.end - place.start) as usize).checked_sub(text.len()) {
        Some(0) => place.part(offset, len),
        Some(2) => place.part(offset + 1, len),
        _ => place,
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok() && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn malformed(text: &str, place: Place, what: &str) -> Diagnostic {
    let message = format!("`{text}` {what}");
    Diagnostic::error(codes::BAD_ENV_SYNTAX, place, message).hint("write `${NAME}` or `${NAME:-default}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    /// What `text`, a file with the key `a`, holds once the environment is put in.
    fn expanded(text: &str) -> Value {
        let mut diags = Diagnostics::default();
        let mut tree = parse(0, text, &mut diags).unwrap();
        expand(&mut tree, &Env::new([("N".to_string(), "4".to_string())]), &mut diags);
        assert!(diags.is_empty());
        let Value::Map(entries) = tree.value else { panic!("no mapping") };
        entries[0].2.value.clone()
    }

    #[test]
    fn a_number_of_the_environment_is_a_number_unless_quoted() {
        let number = |digits: &str| Value::Number(digits.to_string());
        let text = |text: &str| Value::Text(text.to_string());
        for (written, value) in [
            ("a: ${N}", number("4")),
            ("a: ${M:-2.5}", number("2.5")),
            ("a: ${M:--2}", number("-2")),
            ("a: \"${N}\"", text("4")),
            ("a: '${N}'", text("4")),
            ("a: ${N}gb", text("4gb")),
            ("a: ${M:-inf}", text("inf")),
            ("a: ${M:-1e3}", text("1e3")),
        ] {
            assert_eq!(expanded(written), value, "{written}");
        }
    }
}
