//! One way to write each value, so that equal things are equal texts.
//!
//! Light and idempotent: callers that have better keys (E.164, provider rules of e-mail) hand those
//! in, and they pass unchanged.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::dates::DateOrder;
use super::kind::FieldKind;
use super::similar::MAX_CHARS;

/// Writes the normal form of `raw` into `out`; empty when nothing is left, which counts as null.
///
/// | kind | what stays |
/// |---|---|
/// | names, company, city, text | letters and digits, small, without accents; one space between words |
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

/// Small letters without accents, lazily: at most [`MAX_CHARS`] are taken by the callers.
fn small(raw: &str) -> impl Iterator<Item = char> + '_ {
    raw.trim().nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase)
}

fn keep(raw: &str, out: &mut String, wanted: impl Fn(char) -> bool) {
    if raw.is_ascii() {
        out.extend(raw.chars().map(|c| c.to_ascii_lowercase()).filter(|c| wanted(*c)).take(MAX_CHARS));
    } else {
        out.extend(small(raw).filter(|c| wanted(*c)).take(MAX_CHARS));
    }
}

fn words(raw: &str, out: &mut String) {
    if raw.is_ascii() {
        push_words(raw.chars().map(|c| c.to_ascii_lowercase()), out);
    } else {
        push_words(small(raw), out);
    }
}

/// Apostrophes join (`o'neill` → `oneill`), everything else that is no letter or digit parts.
fn push_words(characters: impl Iterator<Item = char>, out: &mut String) {
    let (mut length, mut gap) = (0, false);
    for c in characters {
        if !c.is_alphanumeric() {
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
