//! One way to write each value, so that equal things are equal texts.
//!
//! Light and idempotent: callers that have better keys (E.164, provider rules of e-mail) hand those
//! in, and they pass unchanged.

use super::dates::DateOrder;
use super::kind::FieldKind;
use super::similar::MAX_CHARS;
use crate::engine::text::{fold, is_mark};

/// Writes the normal form of `raw` into `out`; empty when nothing is left, which counts as null.
///
/// | kind | what stays |
/// |---|---|
/// | names, company, city, text | letters and digits, folded as match keys are; one space between words |
/// | address | the same, and what stands before a number apart from it |
/// | phone | digits |
/// | id, postcode, domain | letters and digits, small (`.` and `-` in a domain) |
/// | e-mail | trimmed, small |
/// | date | `yyyymmdd` where it is one, else its digits |
///
/// Cut at [`MAX_CHARS`] characters; what lies behind them does not count.
pub fn normal_form(kind: FieldKind, order: DateOrder, raw: &str, out: &mut String) {
    out.clear();
    match kind {
        FieldKind::Phone => keep(raw, out, |c| c.is_ascii_digit()),
        FieldKind::Id | FieldKind::Postcode => keep(raw, out, char::is_alphanumeric),
        FieldKind::Email => keep(raw, out, |c| !c.is_whitespace()),
        FieldKind::Domain => keep(host(raw), out, |c| c.is_alphanumeric() || matches!(c, '.' | '-')),
        FieldKind::Date => order.normal_form(raw, out),
        _ => words(raw, out),
    }
}

/// The host of an address: without scheme, `www.`, path and port.
fn host(raw: &str) -> &str {
    let raw = raw.trim();
    let rest = raw.split_once("://").map_or(raw, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or(rest);
    match host.get(..4) {
        Some(www) if www.eq_ignore_ascii_case("www.") => host.get(4..).unwrap_or(host),
        _ => host,
    }
}

fn keep(raw: &str, out: &mut String, wanted: impl Fn(char) -> bool) {
    out.extend(fold(raw).chars().filter(|c| wanted(*c)).take(MAX_CHARS));
}

fn words(raw: &str, out: &mut String) {
    push_words(fold(raw).chars(), out);
}

/// Apostrophes join (`o'neill` → `oneill`), everything else that is no letter or digit parts.
fn push_words(characters: impl Iterator<Item = char>, out: &mut String) {
    let (mut length, mut gap) = (0, false);
    for c in characters {
        // Marks that are no accents belong to the letter before them.
        if !c.is_alphanumeric() && !is_mark(c) {
            gap |= !matches!(c, '\'' | '’');
            continue;
        }
        if gap && length > 0 {
            out.push(' ');
            length += 1;
        }
        if length >= MAX_CHARS {
            break;
        }
        gap = false;
        out.push(c);
        length += 1;
    }
    out.truncate(out.trim_end().len());
}
