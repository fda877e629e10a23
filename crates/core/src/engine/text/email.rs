//! E-mail addresses: as they are stored, and as keys that two spellings of one mailbox share.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;

use super::fold::invisible;
use super::table::{Lazy, Map, Words, lines};
use super::{MAX_BYTES, domain as domains};

static ROLES: Lazy<Words> = Lazy::new(|| Words::read(include_str!("data/role_local_parts.txt")));
static PROVIDERS: Lazy<Map<Provider>> = Lazy::new(|| providers(include_str!("data/providers.txt")));

/// Bytes of an address and of its local part (RFC 5321, 4.5.3.1, with the angle brackets off).
const MAX_ADDRESS: usize = 254;
const MAX_LOCAL: usize = 64;

/// Signs that stand in a local part beside letters and digits (RFC 5322, `atext`, and the dot).
const LOCAL_SIGNS: &[u8] = b"!#$%&'*+-/=?^_`{|}~.";

/// Which parts of an address a key drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// What the provider of the mailbox is known to ignore.
    ByProvider,
    /// That, and `+tag` at every other domain.
    Everywhere,
}

/// How a provider delivers variants of an address.
struct Provider {
    domain: Option<&'static str>,
    plus: bool,
    minus: bool,
    dots: bool,
}

/// An address as it is stored: display name, `mailto:`, comments and brackets off, NFKC, lower case,
/// the domain in ASCII (IDNA).
///
/// `None` where the rest is no address: not exactly one `@`, no domain with a dot, a local part that
/// is empty, over 64 bytes, quoted, or with a dot at an end or two in a row.
///
/// ```text
/// "Ann B." <Ann@Bücher.Example> → ann@xn--bcher-kva.example
/// ```
pub fn clean(text: &str) -> Option<String> {
    clean_cow(text).map(Cow::into_owned)
}

/// [`clean`], without a copy where the address is clean already.
pub fn clean_cow(text: &str) -> Option<Cow<'_, str>> {
    let trimmed = text.trim_ascii();
    if is_plain(trimmed) {
        return Some(super::name::lower_ascii(trimmed));
    }
    clean_any(text).map(Cow::Owned)
}

/// The address that two spellings of one mailbox share; for matching, not for sending to.
///
/// Drops what the mailbox's provider ignores (`data/providers.txt`). `None` where [`clean`] is, and
/// where nothing is left before the `@`.
///
/// ```text
/// A.nn+news@googlemail.com → ann@gmail.com · ann+news@example.com stays
/// ```
pub fn key(text: &str) -> Option<String> {
    key_cow(text, Tags::ByProvider).map(Cow::into_owned)
}

/// [`key`] with a choice of what is dropped, without a copy where the text is its own key.
pub fn key_cow(text: &str, tags: Tags) -> Option<Cow<'_, str>> {
    let address = clean_cow(text)?;
    let (local, host) = address.split_once('@')?;
    let provider = provider(host);
    let base = base(local, provider, tags);
    if base.is_empty() {
        return None;
    }
    let domain = provider.and_then(|provider| provider.domain).unwrap_or(host);
    if base == local && domain == host {
        return Some(address);
    }
    Some(Cow::Owned(format!("{base}@{domain}")))
}

/// The domain of an address, in ASCII.
pub fn domain(text: &str) -> Option<String> {
    let address = clean_cow(text)?;
    address.split_once('@').map(|(_, domain)| domain.to_string())
}

/// Whether the address is that of a function (`info@`, `no-reply@`) and not of a person; `None`
/// where the text is no address.
pub fn is_role(text: &str) -> Option<bool> {
    let address = clean_cow(text)?;
    let (local, _) = address.split_once('@')?;
    let local = local.split('+').next().unwrap_or_default();
    if !local.contains(['.', '-', '_']) {
        return Some(ROLES.has(local));
    }
    Some(ROLES.has(&local.replace(['.', '-', '_'], "")))
}

/// Whether the mailbox is at a service for mailboxes that are thrown away; `None` where the text is
/// no address.
pub fn is_disposable(text: &str) -> Option<bool> {
    let address = clean_cow(text)?;
    address.split_once('@').map(|(_, domain)| domains::host_is_disposable(domain))
}

/// [`clean`] for every text; addresses in plain ASCII have a faster way.
pub(super) fn clean_any(text: &str) -> Option<String> {
    let text = text.trim_ascii();
    if text.len() > MAX_BYTES {
        return None;
    }
    let text = plain_form(text);
    let address = without_wrapping(&text);
    let address = match without_scheme(address) {
        Some(rest) => plain_form(&percent_decode_str(rest).decode_utf8().ok()?),
        None => address.to_string(),
    };
    let (local, host) = without_wrapping(&address).split_once('@')?;
    let host = domains::to_ascii(host)?;
    let valid = is_local(local) && local.len() + 1 + host.len() <= MAX_ADDRESS;
    valid.then(|| format!("{local}@{host}"))
}

/// NFKC in lower case, without characters that have no shape.
fn plain_form(text: &str) -> String {
    let visible = text.chars().filter(|c| !invisible(*c));
    visible.nfkc().filter(|c| !invisible(*c)).flat_map(char::to_lowercase).nfkc().collect()
}

/// What stands in angle brackets, or before a comment; without quotes and punctuation around.
fn without_wrapping(text: &str) -> &str {
    let text = match text.rsplit_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
        None => text,
    };
    let around = |c: char| c.is_whitespace() || c.is_control() || "\"'`,;:<>[]“”‘’«»".contains(c);
    let text = text.trim_matches(around);
    let text = match text.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
        Some((before, _)) => before.trim_matches(around),
        None => text,
    };
    text.trim_end_matches(|c| c == '.' || around(c))
}

/// What follows `mailto:`, without the headers after `?`.
fn without_scheme(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("mailto:")?;
    rest.split('?').next()
}

fn is_local(local: &str) -> bool {
    let fits = !local.is_empty() && local.len() <= MAX_LOCAL;
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    fits && !dots && local.chars().all(is_local_char)
}

fn is_local_char(c: char) -> bool {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => byte.is_ascii_alphanumeric() || LOCAL_SIGNS.contains(&byte),
        _ => !c.is_whitespace() && !c.is_control(),
    }
}

/// Whether an address is clean but for capital letters, in ASCII, with nothing that IDNA looks at.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let at = bytes.iter().position(|byte| !LOCAL_BYTES[usize::from(*byte)]).unwrap_or(bytes.len());
    let (local, rest) = bytes.split_at(at);
    let Some(host) = text.get(at + 1..).filter(|_| rest.first() == Some(&b'@')) else { return false };
    // Quotes around an address are signs that a local part may have.
    let begins = !matches!(local.first(), None | Some(b'\'' | b'`' | b'.'));
    begins
        && local.len() <= MAX_LOCAL
        && local.last() != Some(&b'.')
        && !local.windows(2).any(|pair| pair == b"..")
        && bytes.len() <= MAX_ADDRESS
        && domains::is_plain_host(host)
}

/// By byte, whether it may stand in a local part of plain ASCII.
static LOCAL_BYTES: [bool; 256] = domains::alphanumeric_or(LOCAL_SIGNS);

fn provider(host: &str) -> Option<&'static Provider> {
    let of_family = || PROVIDERS.get_family(domains::first_label(host)).filter(|_| domains::is_name_and_suffix(host));
    PROVIDERS.get(host).or_else(of_family)
}

/// The local part that the provider delivers by.
fn base<'a>(local: &'a str, provider: Option<&Provider>, tags: Tags) -> Cow<'a, str> {
    let plus = provider.is_some_and(|provider| provider.plus) || tags == Tags::Everywhere;
    let minus = provider.is_some_and(|provider| provider.minus);
    let end = local.find(|c| (c == '+' && plus) || (c == '-' && minus)).unwrap_or(local.len());
    // A dot before a tag would stand at the end.
    let base = local.get(..end).unwrap_or(local).trim_end_matches('.');
    if provider.is_some_and(|provider| provider.dots) && base.contains('.') {
        return Cow::Owned(base.replace('.', ""));
    }
    Cow::Borrowed(base)
}

/// Reads lines of domain, key domain, signs, dots; a line that lacks a word says nothing, and a test
/// finds it.
fn providers(text: &'static str) -> Map<Provider> {
    Map::new(lines(text).filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, domain, signs, dots) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let (plus, minus) = (signs.contains("plus"), signs.contains("minus"));
        Some((
            name,
            Provider { domain: Some(domain).filter(|domain| *domain != "="), plus, minus, dots: dots == "dots" },
        ))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_out_of_what_people_paste() {
        let cases = [
            ("ann@example.org", "ann@example.org"),
            ("  Ann@Example.ORG ", "ann@example.org"),
            ("\"Ann B.\" <Ann@Bücher.Example>", "ann@xn--bcher-kva.example"),
            ("Ann Bee (work) <ann@example.org>", "ann@example.org"),
            ("ann@example.org (Ann)", "ann@example.org"),
            ("mailto:Ann%2Bx@example.org?subject=Hi", "ann+x@example.org"),
            ("<mailto:ann@example.org>", "ann@example.org"),
            ("'ann@example.org';", "ann@example.org"),
            ("ann@example.org.", "ann@example.org"),
            ("ａｎｎ＠ｅｘａｍｐｌｅ．ｏｒｇ", "ann@example.org"),
            ("\u{feff}ann\u{200b}@example.org\u{a0}", "ann@example.org"),
            ("o'brien@example.org", "o'brien@example.org"),
            ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
        ];
        for (text, expected) in cases {
            assert_eq!(clean(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_has_no_key() {
        let long = format!("{}@example.org", "a".repeat(65));
        let wide = format!("a@{}.org", "b.".repeat(130));
        let none = ["", " ", "ann", "@", "ann@", "@example.org", "a@b@c.org", "ann@localhost", "ann@10.0.0.1"];
        let more =
            ["ann b@example.org", ".ann@example.org", "ann.@example.org", "a..b@example.org", "a@b@c@example.org"];
        let rest = ["a@x.org, b@x.org", "a@-x.org", "a@x_y.org", "\u{0}@\u{1}", "mailto:%ff@example.org", &long, &wide];
        for text in none.into_iter().chain(more).chain(rest) {
            assert_eq!(clean(text), None, "{text}");
            assert_eq!(key(text), None, "{text}");
        }
    }

    #[test]
    fn keys_follow_the_provider() {
        let cases = [
            ("A.nn+news@googlemail.com", "ann@gmail.com"),
            ("a.n.n@gmail.com", "ann@gmail.com"),
            ("ann.b+x@outlook.com", "ann.b@outlook.com"),
            ("ann+x@hotmail.co.uk", "ann@hotmail.co.uk"),
            ("ann+x@live.com", "ann@live.com"),
            ("a.nn+x@icloud.com", "a.nn@icloud.com"),
            ("ann+x@me.com", "ann@me.com"),
            ("ann+x@fastmail.com", "ann@fastmail.com"),
            ("a.nn+x@proton.me", "ann@proton.me"),
            ("ann-shop@yahoo.com", "ann@yahoo.com"),
            ("ann-shop@yahoo.fr", "ann@yahoo.fr"),
            ("ann-shop+x@yahoo.co.jp", "ann-shop+x@yahoo.co.jp"),
            ("ann.+x@outlook.com", "ann@outlook.com"),
            ("a.nn+news@example.com", "a.nn+news@example.com"),
            ("ann+x@yahoo.example.com", "ann+x@yahoo.example.com"),
        ];
        for (text, expected) in cases {
            assert_eq!(key(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(key("+news@gmail.com"), None);
        assert_eq!(key_cow("ann+x@example.com", Tags::Everywhere).as_deref(), Some("ann@example.com"));
    }

    #[test]
    fn roles_and_throwaway_mailboxes_are_known() {
        for text in ["info@x.org", "No-Reply@x.org", "sales+de@x.org", "customer.service@x.org"] {
            assert_eq!(is_role(text), Some(true), "{text}");
        }
        assert_eq!(is_role("ann@x.org"), Some(false));
        assert_eq!(is_role("info"), None);
        assert_eq!(is_disposable("ann@mailinator.com"), Some(true));
        assert_eq!(is_disposable("ann@x.mailinator.com"), Some(true));
        assert_eq!(is_disposable("ann@example.org"), Some(false));
        assert_eq!(domain("Ann <ann@Mail.Example.org>").as_deref(), Some("mail.example.org"));
    }

    #[test]
    fn every_line_of_the_tables_is_read() {
        for line in lines(include_str!("data/providers.txt")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [name, domain, signs, dots] = words.as_slice() else { panic!("four words in `{line}`") };
            assert!(PROVIDERS.get(name).is_some());
            assert!(["plus", "plus,minus", "none"].contains(signs) && ["dots", "none"].contains(dots), "{line}");
            // A key written with another domain must follow the same rule, or it would have another key.
            let target = if *domain == "=" { name } else { domain };
            assert!(
                lines(include_str!("data/providers.txt")).any(|other| other.split_whitespace().next() == Some(target))
            );
        }
        for role in ROLES.iter() {
            assert!(role.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{role}");
        }
    }
}
