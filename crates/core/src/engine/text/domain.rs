//! Domains of addresses, hosts and URLs → keys of companies.

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::email;
use super::name::lower_ascii;
use super::table::{Lazy, Words};

static FREE_MAIL: Lazy<Words> = Lazy::new(|| Words::read(include_str!("data/free_mail.txt")));
static DISPOSABLE: Lazy<Words> = Lazy::new(|| Words::read(include_str!("data/disposable_domains.txt")));

/// The longest name that DNS has.
const MAX_HOST: usize = 253;
const MAX_LABEL: usize = 63;

/// The host of a URL, of an e-mail address or of a host as it was typed: lower case, ASCII (IDNA),
/// without port, a dot at the end and `www.`.
///
/// `None` where there is none: an IP address, a name without a dot, or with a sign that no host has.
///
/// ```text
/// https://www.Example.com:443/a?b → example.com · Ann <ann@mail.example.org> → mail.example.org
/// ```
pub fn host(text: &str) -> Option<String> {
    host_cow(text).map(Cow::into_owned)
}

/// [`host`], without a copy where the text is its own host.
pub fn host_cow(text: &str) -> Option<Cow<'_, str>> {
    if is_plain_host(text) {
        return Some(bare(lower_ascii(text)));
    }
    host_any(text)
}

/// [`host`] of every text; a host that stands alone in plain ASCII has a faster way.
pub(super) fn host_any(text: &str) -> Option<Cow<'_, str>> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let (scheme, rest) = after_scheme(text);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = match authority.rsplit_once('@') {
        Some(_) if !scheme => None,
        Some((_, host)) => to_ascii(without_port(host)),
        None => to_ascii(without_port(authority)),
    };
    // A display name may hold a slash, so what is no host may still be an address.
    let of_address = || email::domain(text).filter(|_| !scheme).map(Cow::Owned);
    host.or_else(of_address).map(bare)
}

/// Without `www.`.
fn bare(host: Cow<'_, str>) -> Cow<'_, str> {
    match host {
        Cow::Borrowed(host) => Cow::Borrowed(without_www(host)),
        Cow::Owned(host) => match without_www(&host).len() {
            whole if whole == host.len() => Cow::Owned(host),
            bare => Cow::Owned(host.get(host.len() - bare..).unwrap_or_default().to_string()),
        },
    }
}

/// The part of a domain that somebody registered, by the public suffix list with its private part:
/// `mail.example.co.uk` → `example.co.uk`, `ann.github.io` stays. Takes what [`host`] takes.
/// `None` where a name is a public suffix itself.
pub fn registrable(text: &str) -> Option<String> {
    registrable_part(&host_cow(text)?).map(str::to_string)
}

/// Whether anybody gets a mailbox there, so that the domain says nothing of a company. Takes what
/// [`host`] takes; `None` where there is no host.
pub fn is_free_mail(text: &str) -> Option<bool> {
    host_cow(text).map(|host| host_is_free_mail(&host))
}

/// The registrable domain, where it stands for a company: `None` for free mail and for mailboxes
/// that are made to be thrown away.
pub fn company_key(text: &str) -> Option<String> {
    let host = host_cow(text)?;
    let part = registrable_part(&host)?;
    (!host_is_free_mail(&host) && !host_is_disposable(&host)).then(|| part.to_string())
}

pub(super) fn host_is_free_mail(host: &str) -> bool {
    is_in(&FREE_MAIL, host)
}

pub(super) fn host_is_disposable(host: &str) -> bool {
    is_in(&DISPOSABLE, host)
}

/// The registrable part of a host that has been checked.
pub(super) fn registrable_part(host: &str) -> Option<&str> {
    marquetry_public_suffix::registrable_part(host)
}

/// Whether a host is one label and a public suffix.
pub(super) fn is_name_and_suffix(host: &str) -> bool {
    registrable_part(host) == Some(host)
}

/// The first label of a host.
pub(super) fn first_label(host: &str) -> &str {
    host.split('.').next().unwrap_or_default()
}

/// Whether a host is in a table: by itself, by its registrable part, or as one of a family `name.*`.
fn is_in(table: &Words, host: &str) -> bool {
    let known = |domain: &str| table.has(domain) || table.has_family(first_label(domain));
    table.has(host) || registrable_part(host).is_some_and(known)
}

/// A domain as DNS writes it, or `None` where it cannot be one: lower case, IDNA, at least two
/// labels, no IP address.
pub(super) fn to_ascii(domain: &str) -> Option<Cow<'_, str>> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if domain.len() > super::MAX_BYTES {
        return None;
    }
    if is_plain(domain) {
        return Some(lower_ascii(domain)).filter(|domain| ends_well(domain));
    }
    to_ascii_any(domain)
}

/// [`to_ascii`] for every name without a dot at its end; names of plain ASCII have a faster way.
pub(super) fn to_ascii_any(domain: &str) -> Option<Cow<'_, str>> {
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()?;
    ends_well(&ascii).then_some(ascii)
}

/// Whether [`to_ascii`] would leave a name as it is, but for its case.
pub(super) fn is_plain_host(host: &str) -> bool {
    is_plain(host) && ends_well(host)
}

/// A name of two labels or more that does not end as an IP address does.
fn ends_well(domain: &str) -> bool {
    domain.rsplit_once('.').is_some_and(|(_, last)| !last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Labels of ASCII letters, digits and inner hyphens that IDNA leaves as they are.
fn is_plain(domain: &str) -> bool {
    let mut rest = domain.as_bytes();
    if rest.len() > MAX_HOST {
        return false;
    }
    loop {
        let end = rest.iter().position(|byte| !LABEL_BYTES[usize::from(*byte)]).unwrap_or(rest.len());
        let (label, after) = rest.split_at(end);
        let inner_hyphens = label.first() != Some(&b'-') && label.last() != Some(&b'-');
        let is_coded = label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--"));
        if !(1..=MAX_LABEL).contains(&label.len()) || !inner_hyphens || is_coded {
            return false;
        }
        match after {
            [] => return true,
            [b'.', after @ ..] => rest = after,
            _ => return false,
        }
    }
}

/// By byte, whether it may stand in a label of plain ASCII.
static LABEL_BYTES: [bool; 256] = alphanumeric_or(b"-");

/// By byte, whether it is an ASCII letter or digit or one of these signs.
pub(super) const fn alphanumeric_or(signs: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut sign = 0;
    while sign < signs.len() {
        table[signs[sign] as usize] = true;
        sign += 1;
    }
    table
}

/// Whether a scheme stands before, and what follows it.
fn after_scheme(text: &str) -> (bool, &str) {
    if let Some((before, rest)) = text.split_once("://")
        && !before.contains(['/', '?', '#', '\\'])
    {
        return (true, rest);
    }
    (false, text.strip_prefix("//").unwrap_or(text))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Without `www.`, as often as it stands there and a domain is left.
fn without_www(mut host: &str) -> &str {
    while let Some(rest) = host.strip_prefix("www.").filter(|rest| rest.contains('.')) {
        host = rest;
    }
    host
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::text::table::lines;

    #[test]
    fn hosts_come_out_of_everything_that_has_one() {
        let cases = [
            ("https://www.Example.com:443/a?b=c@d", "example.com"),
            ("example.com", "example.com"),
            ("EXAMPLE.COM.", "example.com"),
            ("//cdn.example.com/x", "cdn.example.com"),
            ("http://ann:secret@example.org/", "example.org"),
            ("Ann <ann@mail.example.org>", "mail.example.org"),
            ("mailto:ann@example.org", "example.org"),
            ("example.org/@ann", "example.org"),
            ("Ann / Sales <ann@example.org>", "example.org"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("ｅｘａｍｐｌｅ.com", "example.com"),
            ("www.com", "www.com"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ];
        for (text, expected) in cases {
            assert_eq!(host(text).as_deref(), Some(expected), "{text}");
        }
        let none = ["", " ", "localhost", "10.0.0.1", "http://[::1]/", "acme inc.com", "a_b.com", "-a.com", "a..com"];
        for text in none.into_iter().chain(["a@b@c.com", ".com", "https://", "xn--a.com", "@"]) {
            assert_eq!(host(text), None, "{text}");
        }
    }

    #[test]
    fn the_registered_part_is_what_stands_before_a_public_suffix() {
        let cases = [
            ("mail.example.co.uk", Some("example.co.uk")),
            ("https://a.b.example.com/", Some("example.com")),
            ("ann.github.io", Some("ann.github.io")),
            ("www.食狮.公司.cn", Some("xn--85x722f.xn--55qx5d.cn")),
            ("co.uk", None),
            ("nothing", None),
        ];
        for (text, expected) in cases {
            assert_eq!(registrable(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn free_mail_is_no_company() {
        for text in ["gmail.com", "ann@yahoo.co.uk", "hotmail.fr", "x.fastmail.com", "Ann@GMX.DE"] {
            assert_eq!(is_free_mail(text), Some(true), "{text}");
            assert_eq!(company_key(text), None, "{text}");
        }
        assert_eq!(is_free_mail("ann@example.com"), Some(false));
        assert_eq!(is_free_mail("yahoo.example.com"), Some(false));
        assert_eq!(is_free_mail("no host"), None);
        assert_eq!(company_key("ann@sales.example.com").as_deref(), Some("example.com"));
        assert_eq!(company_key("ann@mailinator.com"), None);
    }

    #[test]
    fn tables_hold_domains_as_keys_write_them() {
        for table in [include_str!("data/free_mail.txt"), include_str!("data/disposable_domains.txt")] {
            let domains: Vec<&str> = lines(table).collect();
            assert!(domains.is_sorted(), "sort the table");
            for domain in domains {
                let example = domain.replace(".*", ".com");
                assert_eq!(registrable(&example).as_deref(), Some(example.as_str()), "{domain}");
            }
        }
    }
}
