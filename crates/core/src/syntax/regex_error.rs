//! What is wrong with a regular expression, at the character where it is.

use super::Spanned;
use crate::diag::{Diagnostic, codes};

/// The mistake of `pattern`, which stands in `entry` after a `~`, underlined at the character that the
/// parser stopped at.
pub fn bad_regex(entry: &Spanned<String>, pattern: &str, error: &regex::Error) -> Diagnostic {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_string();
    // The last such line: the expression itself may begin with `^` and stands above.
    let caret = text.lines().rev().find(|line| line.trim_start().starts_with('^')).and_then(|line| line.find('^'));
    let column = caret.and_then(|at| at.checked_sub(PARSER_INDENT)).unwrap_or_default();
    let offset = pattern.char_indices().nth(column).map_or(pattern.len(), |(at, _)| at);
    // The text stands as it is, plain or in quotes without escapes, or it is underlined whole.
    let written = (entry.place.end - entry.place.start) as usize;
    let quote = match written.checked_sub(entry.value.len()) {
        Some(0) => Some(0),
        Some(2) => Some(1),
        _ => None,
    };
    let width = pattern.get(offset..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
    let place = quote.filter(|_| caret.is_some()).map_or(entry.place, |quote| {
        let start = quote + 1 + offset;
        let last = written.saturating_sub(quote + 1);
        entry.place.part(start.min(last), width)
    });
    Diagnostic::error(codes::BAD_REGEX, place, format!("`{pattern}` is not a regular expression: {reason}"))
        .hint("a text that begins with `~` is one; without the `~` it is compared as it stands")
}

/// How far the parser indents the expression in its messages.
const PARSER_INDENT: usize = 4;
