//! Names of companies → keys: `The Ant & Bee Co., Ltd.` → `ant and bee`.

use std::borrow::Cow;

use super::fold::{fold, is_mark};
use super::head;
use super::name::{joined, without_apostrophes};
use super::table::{Lazy, Words};

/// Legal forms, by what they end with: a form of several words is looked for first.
static SUFFIXES: Lazy<Words> = Lazy::new(|| Words::read(include_str!("data/legal_suffixes.txt")));

/// The last words of legal forms of several words.
static ENDS: Lazy<Words> = Lazy::new(|| Words::of(SUFFIXES.iter().filter_map(|form| Some(form.rsplit_once(' ')?.1))));

/// The most words that a legal form has; a test compares it with the table.
const SUFFIX_WORDS: usize = 4;

/// A company's name as a key: folded, `&` written `and`, without its legal form and `the`.
///
/// Legal forms go only at the end and one after another (`GmbH & Co. KG`), `the` at both ends, and
/// each only while another word is left: `The Limited` → `limited`. Digits count, order too.
/// `None` without a letter or digit.
pub fn key(text: &str) -> Option<String> {
    let folded = fold(head(text));
    let words = words(&folded);
    joined(strip(&words)).map(Cow::into_owned)
}

/// The words between the articles and the legal forms.
fn strip<'a, 'b>(mut words: &'b [Cow<'a, str>]) -> &'b [Cow<'a, str>] {
    loop {
        words = match words {
            [the, rest @ ..] if the == "the" && !rest.is_empty() => rest,
            [rest @ .., the] if (the == "the" || the == "and") && !rest.is_empty() => rest,
            _ => match without_suffix(words) {
                Some(rest) => rest,
                None => return words,
            },
        };
    }
}

/// The words before a legal form, the longest that fits and leaves something.
fn without_suffix<'a, 'b>(words: &'b [Cow<'a, str>]) -> Option<&'b [Cow<'a, str>]> {
    let of_several = words.last().is_some_and(|word| ENDS.has(word));
    let longest = if of_several { SUFFIX_WORDS } else { 1 };
    (1..=longest.min(words.len().saturating_sub(1))).rev().find_map(|count| {
        let (rest, end) = words.split_at_checked(words.len() - count)?;
        let known = match end {
            [word] => SUFFIXES.has(word),
            several => SUFFIXES.has(&several.join(" ")),
        };
        known.then_some(rest)
    })
}

/// The words of a folded text: runs of letters and digits, and `and` for `&`.
fn words(folded: &str) -> Vec<Cow<'_, str>> {
    let mut words = Vec::new();
    for part in folded.split(char::is_whitespace) {
        match abbreviation(part) {
            Some(word) => words.push(Cow::Owned(word)),
            None => push_words(part, &mut words),
        }
    }
    words
}

fn push_words<'a>(part: &'a str, words: &mut Vec<Cow<'a, str>>) {
    for (at, text) in part.split('&').enumerate() {
        if at > 0 {
            words.push(Cow::Borrowed("and"));
        }
        let runs = text.split(|c: char| c != '\'' && !c.is_alphanumeric() && !is_mark(c));
        words.extend(runs.map(without_apostrophes).filter(|word| word.contains(char::is_alphanumeric)));
    }
}

/// Single letters apart by dots, with what punctuation follows: `s.p.a.` → `spa`, `l.l.c.,` → `llc`.
fn abbreviation(part: &str) -> Option<String> {
    let part = part.trim_matches(|c: char| !c.is_alphanumeric());
    let mut letters = String::new();
    for piece in part.split('.') {
        let mut chars = piece.chars();
        match (chars.next(), chars.next()) {
            (Some(letter), None) if letter.is_alphabetic() => letters.push(letter),
            _ => return None,
        }
    }
    (part.contains('.')).then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::text::table::lines;

    #[test]
    fn legal_forms_go_at_the_end_and_one_after_another() {
        let cases = [
            ("Acme, Inc.", "acme"),
            ("ACME LLC", "acme"),
            ("The Ant & Bee Co., Ltd.", "ant and bee"),
            ("Ant and Bee", "ant and bee"),
            ("Müller GmbH & Co. KG", "muller"),
            ("Ferretti S.p.A.", "ferretti"),
            ("Ferretti S. p. A.", "ferretti"),
            ("Novo A/S", "novo"),
            ("Société Générale S.A.", "societe generale"),
            ("Wombat Pty Ltd", "wombat"),
            ("Kowalski Sp. z o.o.", "kowalski"),
            ("Limited, The", "limited"),
            ("The Limited", "limited"),
            ("Inc", "inc"),
            ("The Company, Inc.", "company"),
            ("Co Star", "co star"),
            ("Inc. Magazine", "inc magazine"),
            ("3M Company", "3m"),
            ("Levi's", "levis"),
            ("Amazon.com Inc", "amazon com"),
            ("I.B.M. Corporation", "ibm"),
            ("&", "and"),
        ];
        for (text, expected) in cases {
            assert_eq!(key(text).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "  ", "-", "...", "'"] {
            assert_eq!(key(text), None, "{text:?}");
        }
    }

    #[test]
    fn forms_are_written_as_keys_are() {
        let longest = lines(include_str!("data/legal_suffixes.txt")).map(|form| form.split(' ').count()).max();
        assert_eq!(longest, Some(SUFFIX_WORDS));
        for form in SUFFIXES.iter() {
            let written: Vec<Cow<'_, str>> = words(form);
            assert_eq!(written.join(" "), form);
            assert_eq!(key(&format!("Acme {form}")).as_deref(), Some("acme"), "{form}");
        }
    }
}
