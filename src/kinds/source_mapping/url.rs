//! Hosts and query parameters out of URLs, in one scan each, without ever refusing a text.
//!
//! URLs in extracts are cut off, doubly encoded or not URLs at all. What cannot be read is treated
//! as absent; nothing here fails.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The host part as it stands in the URL: between `://` (or a leading `//`) and the path, without
/// user and port. None where there is no host.
pub(super) fn raw_host(url: &str) -> Option<&str> {
    let url = url.trim();
    let rest = match url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) {
        Some(rest) => rest,
        None => after_scheme(url)?,
    };
    let end = rest.bytes().position(|b| matches!(b, b'/' | b'?' | b'#' | b'\\')).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let host = if authority.bytes().any(|b| matches!(b, b'@' | b':' | b'[')) { bare(authority)? } else { authority };
    (!host.is_empty()).then_some(host)
}

/// What follows `scheme://` or a leading `//`.
fn after_scheme(url: &str) -> Option<&str> {
    if let Some(rest) = url.strip_prefix("//") {
        return Some(rest);
    }
    let (scheme, rest) = url.split_once(':')?;
    let rest = rest.strip_prefix("//")?;
    let mut bytes = scheme.bytes();
    let named = bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    named.then_some(rest)
}

/// A host without user and port.
fn bare(authority: &str) -> Option<&str> {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match host.find(']').filter(|_| host.starts_with('[')) {
        Some(end) => host.get(..=end),
        None => Some(host.split_once(':').map_or(host, |(host, _)| host)),
    }
}

/// A host as rules see it: lower case, without a leading `www.` and a trailing dot.
pub(super) fn clean_host(raw: &str) -> String {
    let host = raw.trim().trim_end_matches('.').to_lowercase();
    host.strip_prefix("www.").map(str::to_string).unwrap_or(host)
}

/// The host, then its parent domains: `a.b.c`, `b.c`, `c`.
pub(super) fn parents(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), |host| host.split_once('.').map(|(_, parent)| parent))
}

/// The names and values of the query string, as they stand there, in order.
pub(super) fn query(url: &str) -> impl Iterator<Item = (&str, &str)> {
    let start = memchr2(b'?', b'#', url.as_bytes()).unwrap_or(url.len());
    let mut rest = url.get(start..).and_then(|rest| rest.strip_prefix('?')).unwrap_or_default();
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (part, equals, after) = next_part(rest);
            rest = after;
            if !part.is_empty() {
                return Some((part.get(..equals)?, part.get(equals + 1..).unwrap_or_default()));
            }
        }
        None
    })
}

/// The first part of a query string, where its `=` stands or else its end, and what follows the part.
fn next_part(query: &str) -> (&str, usize, &str) {
    let end = memchr2(b'&', b'#', query.as_bytes()).unwrap_or(query.len());
    let (part, after) = query.split_at(end);
    let equals = memchr(b'=', part.as_bytes()).unwrap_or(end);
    (part, equals, after.strip_prefix('&').unwrap_or_default())
}

/// Decodes a value of a query string once: `+` is a space, `%41` a byte. Escapes that are not
/// two hexadecimal digits stay as they are; bytes that are not UTF-8 become `�`.
pub(super) fn decode(value: &str) -> Cow<'_, str> {
    if !value.contains(['%', '+']) {
        return Cow::Borrowed(value);
    }
    let spaced = value.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned();
    Cow::Owned(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(url: &str) -> String {
        raw_host(url).map(clean_host).unwrap_or_default()
    }

    #[test]
    fn finds_hosts_in_what_extracts_hold() {
        for (url, expected) in [
            ("https://www.Google.com/search?q=a", "google.com"),
            ("http://m.facebook.com", "m.facebook.com"),
            ("android-app://com.slack/", "com.slack"),
            ("https://user:pw@news.example.com:8080/a@b", "news.example.com"),
            ("//cdn.example.com/x", "cdn.example.com"),
            ("https://example.com.", "example.com"),
            ("https://example.com?u=https://other.com", "example.com"),
            ("https://example.com#://x", "example.com"),
            ("https://[::1]:80/", "[::1]"),
            ("https://münchen.de/é", "münchen.de"),
            ("google.com/search", ""),
            ("https://", ""),
            ("://x.com", ""),
            ("1http://x.com", ""),
            ("", ""),
            ("%zz://%", ""),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
    }

    #[test]
    fn parents_end_with_the_last_label() {
        assert_eq!(parents("a.b.c").collect::<Vec<_>>(), ["a.b.c", "b.c", "c"]);
        assert_eq!(parents("").collect::<Vec<_>>(), [""]);
    }

    #[test]
    fn reads_query_strings() {
        let read = |url| query(url).collect::<Vec<_>>();
        assert_eq!(read("https://a.b/?x=1&y=&&z#w=2"), [("x", "1"), ("y", ""), ("z", "")]);
        assert_eq!(read("/p?x=a=b;c&y=2"), [("x", "a=b;c"), ("y", "2")]);
        assert_eq!(read("https://a.b/#?x=1"), []);
        assert_eq!(read("https://a.b/?"), []);
    }

    #[test]
    fn decodes_once_and_survives_anything() {
        assert_eq!(decode("a%20b+c"), "a b c");
        assert_eq!(decode("%2520"), "%20");
        assert_eq!(decode("50%"), "50%");
        assert_eq!(decode("%é%4"), "%é%4");
        assert_eq!(decode("%ff"), "\u{fffd}");
        assert!(matches!(decode("plain"), Cow::Borrowed(_)));
    }
}
