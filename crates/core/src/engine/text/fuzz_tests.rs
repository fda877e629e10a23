//! Every function over texts that nobody types, mixed with texts that everybody does: none panics,
//! keys are keys of themselves, and the fast ways agree with the slow ones.

use std::borrow::Cow;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::email::Tags;
use super::*;

const ROUNDS: usize = 5_000;

/// What texts are put together from.
const PARTS: &[&str] = &[
    "a",
    "B",
    "ann",
    "Bob",
    "chris",
    "O'Brien",
    "Dr",
    "Jr.",
    "smith",
    "Müller",
    "Łódź",
    "ß",
    "ẞ",
    "İ",
    "ı",
    "Σ",
    "ς",
    "ﬁ",
    "ŉ",
    "ǽ",
    "ø",
    "é",
    "e\u{301}",
    "\u{301}",
    "\u{300}\u{323}",
    "か\u{3099}",
    "\u{3099}",
    "रीमा",
    "김철수",
    "李",
    "שָׁלוֹם",
    "محمد",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{200d}",
    "👩‍👩‍👧",
    "ﷺ",
    "\u{fffd}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{10ffff}",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{3000}",
    " ",
    "  ",
    "\t",
    "\n",
    ".",
    "..",
    ",",
    ";",
    ":",
    "'",
    "’",
    "´",
    "`",
    "\"",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "@",
    "＠",
    "@@",
    "+",
    "＋",
    "-",
    "_",
    "/",
    "\\",
    "?",
    "#",
    "&",
    "%40",
    "%ff",
    "%",
    "*",
    "=",
    "gmail.com",
    "googlemail.com",
    "yahoo.co.uk",
    "yahoo.co.jp",
    "proton.me",
    "outlook.com",
    "example.org",
    "EXAMPLE.COM",
    "www.",
    "http://",
    "https://",
    "mailto:",
    "tel:",
    ";phone-context=",
    ";ext=",
    "x12",
    "xn--",
    "co.uk",
    "bücher.example",
    "例え。テスト",
    "127.0.0.1",
    ":443",
    "0",
    "1",
    "42",
    "00",
    "011",
    "+1",
    "+44",
    "(415) 555-2671",
    "020 7946 0958",
    "06 698 12345",
    "１２３",
    "٤٢",
    "FLOWERS",
    "the",
    "The",
    "Inc",
    "Ltd.",
    "GmbH",
    "Co.",
    "KG",
    "S.p.A.",
    "S.",
    "A.",
    "A/S",
    "sp",
    "z",
    "o.o.",
    "and",
    "ℌ",
    "Ⅳ",
    "½",
    "²",
    "ⓐ",
    "info",
    "no-reply",
    "mailinator.com",
];

const COUNTRIES: &[&str] = &["US", "GB", "DE", "IT", "United Kingdom", "Atlantis", "", "é", "ÅL", "001"];

fn text(rng: &mut ChaCha8Rng) -> String {
    let count = match rng.random_range(0..100) {
        0 => rng.random_range(100..800),
        1..10 => rng.random_range(8..40),
        _ => rng.random_range(0..8),
    };
    (0..count).map(|_| part(rng)).collect()
}

fn part(rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..10) {
        0 => char::from_u32(rng.random_range(0..0x11_0000)).unwrap_or('\u{fffd}').to_string(),
        1 => char::from(rng.random_range(0..128u8)).to_string(),
        2 => char::from_u32(rng.random_range(0..0x2000)).unwrap_or('a').to_string(),
        _ => PARTS.choose(rng).unwrap().to_string(),
    }
}

/// Something near an address, so that the deeper rules are reached.
fn address(rng: &mut ChaCha8Rng) -> String {
    let locals = ["ann", "A.nn", "ann+x", "a-n-n", "o'b", "用户", "é", ".ann", "ann.+x", "+x", "info"];
    let hosts =
        ["gmail.com", "Yahoo.fr", "x.org", "bücher.de", "proton.me", "outlook.com", "mail.x.co.uk", "x", "x-.org"];
    let wraps =
        [("", ""), ("Ann <", ">"), (" ", " "), ("mailto:", "?a=b"), ("'", "';"), ("", " (x)"), ("<", ""), ("", ".")];
    let (before, after) = wraps.choose(rng).unwrap();
    let odd = if rng.random_range(0..4) == 0 { part(rng) } else { String::new() };
    format!("{before}{}{odd}@{}{after}", locals.choose(rng).unwrap(), hosts.choose(rng).unwrap())
}

fn texts(seed: u64) -> impl Iterator<Item = String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..ROUNDS).map(move |round| if round % 4 == 0 { address(&mut rng) } else { text(&mut rng) })
}

/// A key of a key is the key, and no key is empty or has spaces around it.
fn is_key(text: &str, what: &str, function: impl Fn(&str) -> Option<String>) {
    let Some(key) = function(text) else { return };
    assert!(!key.is_empty() && key.trim() == key && key.len() <= MAX_BYTES, "{what} of {text:?}: {key:?}");
    assert_eq!(function(&key).as_deref(), Some(key.as_str()), "{what} of its key, for {text:?}");
}

#[test]
fn keys_are_keys_of_themselves() {
    for text in texts(1) {
        is_key(&text, "email::clean", email::clean);
        is_key(&text, "email::key", email::key);
        is_key(&text, "email::key everywhere", |text| email::key_cow(text, Tags::Everywhere).map(Cow::into_owned));
        is_key(&text, "name::key", name::key);
        is_key(&text, "name::letters", name::letters);
        is_key(&text, "phone::digits", |text| phone::digits_cow(text).map(Cow::into_owned));
        is_key(&text, "name::given_key", name::given_key);
        is_key(&text, "name::full_key", name::full_key);
        is_key(&text, "company::key", company::key);
        is_key(&text, "phone::country_key", phone::country_key);
        is_key(&text, "domain::host", domain::host);
        is_key(&text, "domain::registrable", domain::registrable);
        is_key(&text, "domain::company_key", domain::company_key);
    }
}

#[test]
fn a_clean_address_has_the_key_of_what_it_was() {
    let mut cleaned = 0;
    for text in texts(2) {
        let Some(clean) = email::clean(&text) else {
            assert_eq!(
                (email::key(&text), email::domain(&text), email::is_role(&text)),
                (None, None, None),
                "{text:?}"
            );
            continue;
        };
        cleaned += 1;
        assert_eq!(email::key(&clean), email::key(&text), "{text:?}");
        let domain = email::domain(&text).unwrap();
        assert!(clean.ends_with(&format!("@{domain}")) && clean.matches('@').count() == 1, "{text:?} {clean}");
        // A URL wins: `example.org/@ann.com` is a page of example.org.
        if !text.contains("://") {
            let host = domain::host(&text).unwrap_or_else(|| panic!("{text:?}"));
            assert!(
                domain.ends_with(&host) || text.contains(['/', '?', '#', '\\', '／', '？', '＃']),
                "{text:?} {host}"
            );
        }
        assert_eq!(email::is_role(&text), email::is_role(&clean));
    }
    assert!(cleaned > ROUNDS / 20, "{cleaned} addresses");
}

#[test]
fn names_do_not_care_for_case_accents_and_spaces() {
    for text in texts(3).filter(|text| text.len() < 300) {
        let wide = format!("  {} ", text.replace(' ', "   "));
        assert_eq!(name::key(&wide), name::key(&text), "{text:?}");
        assert_eq!(company::key(&wide), company::key(&text), "{text:?}");
        if text.is_ascii() {
            assert_eq!(name::key(&text.to_uppercase()), name::key(&text), "{text:?}");
            assert_eq!(company::key(&text.to_uppercase()), company::key(&text), "{text:?}");
        }
        let words = name::tokens(&text);
        let joined = words.join(" ");
        assert_eq!(name::key(&joined), name::key(&text), "{text:?}");
        assert!(words.iter().all(|word| !word.contains(|c: char| c.is_whitespace() || c.is_control())), "{text:?}");
    }
}

#[test]
fn numbers_are_read_again_as_they_are_written() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut found = 0;
    for _ in 0..ROUNDS / 4 {
        let digits: String = (0..rng.random_range(4..14)).map(|_| char::from(rng.random_range(b'0'..=b'9'))).collect();
        let text = if rng.random_range(0..2) == 0 { text(&mut rng) } else { digits };
        let countries = [*COUNTRIES.choose(&mut rng).unwrap(), *COUNTRIES.choose(&mut rng).unwrap()];
        let Some(key) = phone::key(&text, &countries) else { continue };
        found += 1;
        let digits = key.e164.strip_prefix('+').unwrap();
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.len() <= 17, "{text:?} {key:?}");
        let again = phone::key(&key.e164, &[]).unwrap_or_else(|| panic!("{text:?} {key:?}"));
        assert_eq!((&again.e164, again.toll_free), (&key.e164, key.toll_free), "{text:?}");
    }
    assert!(found > 100, "{found} numbers");
}

#[test]
fn fast_ways_agree_with_slow_ones() {
    for text in texts(5) {
        assert_eq!(fold::fold(&text), fold::fold_any(&text), "{text:?}");
        assert_eq!(email::clean(&text), email::clean_any(&text), "{text:?}");
        assert_eq!(domain::host_cow(&text), domain::host_any(&text), "{text:?}");
        let host = text.trim_end_matches('.');
        assert_eq!(domain::to_ascii(host), domain::to_ascii_any(host), "{text:?}");
        if text.len() < 300 {
            let folded = fold::fold_any(&text);
            assert_eq!(name::key(&text), name::key(&format!("{folded} ")), "{text:?}");
        }
    }
}

#[test]
fn similarities_keep_their_bounds() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let short = |rng: &mut ChaCha8Rng| {
        let letters = (0..rng.random_range(0..70)).map(|_| char::from(rng.random_range(b'a'..=b'd')));
        letters.collect::<String>()
    };
    for round in 0..ROUNDS / 4 {
        let (a, b) = if round % 4 == 0 { (text(&mut rng), text(&mut rng)) } else { (short(&mut rng), short(&mut rng)) };
        let (a, b) = (head(&a), head(&b));
        if a.len().max(b.len()) > 90 {
            continue;
        }
        let close = similar::jaro_winkler(a, b);
        assert!((0.0..=1.0).contains(&close), "{a:?} {b:?} {close}");
        assert_eq!(close.to_bits(), strsim::jaro_winkler(a, b).min(1.0).to_bits(), "{a:?} {b:?}");
        assert_eq!(similar::levenshtein(a, b), strsim::levenshtein(a, b), "{a:?} {b:?}");
        assert_eq!(similar::levenshtein(a, b), similar::levenshtein(b, a), "{a:?} {b:?}");
        assert!(similar::damerau_levenshtein(a, b) <= similar::levenshtein(a, b), "{a:?} {b:?}");
        let shared = similar::token_set(a, b);
        assert!((0.0..=1.0).contains(&shared) && shared == similar::token_set(b, a), "{a:?} {b:?}");
        if let Some(code) = similar::soundex(a) {
            assert_eq!(code.len(), 4, "{a:?}");
            assert!(code.starts_with(|c: char| c.is_ascii_uppercase()), "{a:?}");
        }
    }
}

#[test]
fn long_texts_are_cut_and_not_walked_for_ever() {
    for part in ["a", "é", "a ", "李", "\u{301}", "@", "a@", ".", "ﷺ", "1", "%20", "<", "(", "e\u{301}"] {
        let long = part.repeat(10_000);
        assert_eq!(email::clean(&long), None, "{part}");
        assert_eq!(phone::key(&long, &["US", "GB"]), None, "{part}");
        for key in [name::key(&long), name::given_key(&long), company::key(&long), name::letters(&long)] {
            assert!(key.is_none_or(|key| key.len() <= MAX_BYTES), "{part}");
        }
        assert_eq!(domain::host(&long), None, "{part}");
        assert_eq!(similar::levenshtein(&long, &long), 0);
        assert!(similar::damerau_levenshtein(&long, "") <= MAX_BYTES);
        similar::soundex(&long);
    }
}
