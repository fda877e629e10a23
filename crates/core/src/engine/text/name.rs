//! Names of people → keys: `Anne-Marie O'Brien`, `OBRIEN, Anne Marie` and `Dr. Ánne Marie O’Brien` are one.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::fold::{fold, is_mark};
use super::table::{Lazy, Map, Words, lines};
use super::{MAX_BYTES, head};

static TITLES: Lazy<Words> = Lazy::new(|| Words::read(include_str!("data/titles.txt")));

/// Short form → the names that it may stand for.
static NICKNAMES: Lazy<Map<Vec<&'static str>>> = Lazy::new(|| nicknames(include_str!("data/nicknames.txt")));

/// The words of a name, folded, in the order in which they stand.
///
/// A word is a run of letters and the marks on them. An apostrophe within it counts for nothing,
/// every other sign ends it, digits too.
pub fn tokens(text: &str) -> Vec<String> {
    words(&fold(head(text))).into_iter().map(Cow::into_owned).collect()
}

/// The words of a name in alphabetical order, without forms of address: `Smith, Dr. Ann` → `ann smith`.
/// `None` without a letter.
pub fn key(text: &str) -> Option<String> {
    key_cow(text).map(Cow::into_owned)
}

/// [`key`], without a copy where the text is its own key.
pub fn key_cow(text: &str) -> Option<Cow<'_, str>> {
    if let Some(word) = one_word(text) {
        return Some(word);
    }
    let folded = fold(head(text));
    let mut words = without_titles(words(&folded));
    words.sort_unstable();
    joined(&words)
}

/// All letters of a name in one word: `de la Cruz` and `De LaCruz` → `delacruz`.
pub fn letters(text: &str) -> Option<String> {
    letters_cow(text).map(Cow::into_owned)
}

/// [`letters`], without a copy where the text is its own key.
pub fn letters_cow(text: &str) -> Option<Cow<'_, str>> {
    if let Some(word) = one_word(text) {
        return Some(word);
    }
    let folded = fold(head(text));
    let kept: String = folded.chars().filter(|c| is_letter(*c)).nfc().collect();
    Some(head(&kept)).filter(|kept| kept.contains(char::is_alphabetic)).map(|kept| Cow::Owned(kept.to_string()))
}

/// A given name under the name that it is short for: `Bob`, `Robert J.` and `ROBERT` → `robert`.
///
/// Each word is looked up in the table of nicknames. A form that may stand for names of several
/// people (`chris`) stays as it is; [`may_be_same_given`] knows what it can mean. Initials go where
/// a longer word stands, forms of address always; the order of the words stays.
pub fn given_key(text: &str) -> Option<String> {
    given_key_cow(text).map(Cow::into_owned)
}

/// [`given_key`], without a copy where the text is its own key.
pub fn given_key_cow(text: &str) -> Option<Cow<'_, str>> {
    if let Some(word) = one_word(text) {
        return Some(long_form(&word).map_or(word, Cow::Borrowed));
    }
    let folded = fold(head(text));
    let mut words = without_titles(words(&folded));
    if words.iter().any(|word| !is_initial(word)) {
        words.retain(|word| !is_initial(word));
    }
    joined(&with_long_forms(words))
}

/// A full name, whatever its order, each word under the name that it is short for:
/// `Smith, Bob` and `Robert Smith` → `robert smith`.
pub fn full_key(text: &str) -> Option<String> {
    let folded = fold(head(text));
    let mut words = with_long_forms(without_titles(words(&folded)));
    words.sort_unstable();
    joined(&words).map(Cow::into_owned)
}

/// Whether two given names can be the same person's: equal keys, or one may be short for the other
/// (`chris` and `christine`), or both for a third. The first words count.
pub fn may_be_same_given(a: &str, b: &str) -> bool {
    let (Some(a), Some(b)) = (given_key(a), given_key(b)) else { return false };
    let first = |key: &str| key.split(' ').next().unwrap_or_default().to_string();
    let (a, b) = (first(&a), first(&b));
    let meanings = |word: &str| NICKNAMES.get(word).map(Vec::as_slice).unwrap_or_default();
    a == b
        || meanings(&a).contains(&b.as_str())
        || meanings(&b).contains(&a.as_str())
        || meanings(&a).iter().any(|name| meanings(&b).contains(name))
}

/// The name that a short form stands for, where it stands for one only.
fn long_form(word: &str) -> Option<&'static str> {
    match NICKNAMES.get(word).map(Vec::as_slice) {
        Some([name]) => Some(*name),
        _ => None,
    }
}

fn with_long_forms(words: Vec<Cow<'_, str>>) -> Vec<Cow<'_, str>> {
    words.into_iter().map(|word| long_form(&word).map_or(word, Cow::Borrowed)).collect()
}

/// The key of a text that is one word of plain letters, which most names are.
pub(super) fn one_word(text: &str) -> Option<Cow<'_, str>> {
    let plain = !text.is_empty() && text.len() <= MAX_BYTES && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    plain.then(|| lower_ascii(text))
}

/// ASCII in lower case.
pub(super) fn lower_ascii(text: &str) -> Cow<'_, str> {
    // Without leaving early, which would be a branch for each byte.
    if text.bytes().fold(false, |found, byte| found | byte.is_ascii_uppercase()) {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Borrowed(text)
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || is_mark(c)
}

/// The words of a folded text.
fn words(folded: &str) -> Vec<Cow<'_, str>> {
    let runs = folded.split(|c: char| c != '\'' && !is_letter(c));
    runs.map(without_apostrophes).filter(|word| word.contains(char::is_alphabetic)).collect()
}

/// What stands on both sides of an apostrophe may be one letter and its mark, so it is composed again.
pub(super) fn without_apostrophes(word: &str) -> Cow<'_, str> {
    if !word.contains('\'') {
        return Cow::Borrowed(word);
    }
    Cow::Owned(word.chars().filter(|c| *c != '\'').nfc().collect())
}

/// Forms of address go, unless there is nothing else.
fn without_titles(mut words: Vec<Cow<'_, str>>) -> Vec<Cow<'_, str>> {
    if words.iter().any(|word| !TITLES.has(word)) {
        words.retain(|word| !TITLES.has(word));
    }
    words
}

fn is_initial(word: &str) -> bool {
    word.len() == 1
}

/// Words apart by spaces, as many whole ones as fit into the limit.
pub(super) fn joined(words: &[Cow<'_, str>]) -> Option<Cow<'static, str>> {
    let mut key = String::with_capacity(words.iter().map(|word| word.len() + 1).sum());
    for word in words {
        let space = usize::from(!key.is_empty());
        if key.len() + space + word.len() > MAX_BYTES {
            break;
        }
        if space == 1 {
            key.push(' ');
        }
        key.push_str(word);
    }
    match (key.is_empty(), words.first()) {
        (true, Some(word)) => Some(Cow::Owned(head(word).to_string())),
        (true, None) => None,
        (false, _) => Some(Cow::Owned(key)),
    }
}

/// Reads `name: form, form` lines.
fn nicknames(text: &'static str) -> Map<Vec<&'static str>> {
    let mut forms: Vec<(&str, &str)> = lines(text)
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(name, forms)| forms.split(',').map(move |form| (form.trim(), name.trim())))
        .collect();
    forms.sort_unstable();
    let groups = forms.chunk_by(|(a, _), (b, _)| a == b);
    Map::new(groups.filter_map(|group| {
        let (form, _) = group.first()?;
        Some((*form, group.iter().map(|(_, name)| *name).collect()))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_write_differently_have_one_key() {
        let spellings = ["Anne-Marie O'Brien", "OBRIEN, Anne Marie", "Dr. Ánne Marie O’Brien", " anne  marie obrien"];
        for text in spellings {
            assert_eq!(key(text).as_deref(), Some("anne marie obrien"), "{text}");
        }
        assert_eq!(key("Müller").as_deref(), Some("muller"));
        assert_eq!(key("Smith Jr.").as_deref(), Some("jr smith"));
        assert_eq!(key("Dr").as_deref(), Some("dr"));
        assert_eq!(key("李 明").as_deref(), Some("明 李"));
        for text in ["", " ", "...", "123", "\u{301}", "''"] {
            assert_eq!(key(text), None, "{text:?}");
        }
    }

    #[test]
    fn letters_of_a_name_are_one_word() {
        assert_eq!(letters("De La Cruz").as_deref(), Some("delacruz"));
        assert_eq!(letters("O'Neill-Smith 2").as_deref(), Some("oneillsmith"));
        assert_eq!(letters("42"), None);
    }

    #[test]
    fn given_names_go_by_their_long_form() {
        let cases = [
            ("Bob", "robert"),
            ("ROBERT", "robert"),
            ("Robert J.", "robert"),
            ("Mr. Bill", "william"),
            ("Jean-Pierre", "jean pierre"),
            ("Chris", "chris"),
            ("J. R.", "j r"),
            ("Zoë", "zoe"),
        ];
        for (text, expected) in cases {
            assert_eq!(given_key(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(full_key("Smith, Bob"), full_key("Robert Smith"));
    }

    #[test]
    fn ambiguous_forms_may_be_any_of_their_names() {
        assert!(may_be_same_given("Chris", "Christine"));
        assert!(may_be_same_given("Christopher", "Chris"));
        assert!(may_be_same_given("Bob", "Robert"));
        assert!(!may_be_same_given("Christine", "Christopher"));
        assert!(!may_be_same_given("Ann", "Robert"));
        assert!(!may_be_same_given("", ""));
    }

    #[test]
    fn no_name_is_short_for_another_that_is_short_itself() {
        let text = include_str!("data/nicknames.txt");
        for (name, forms) in lines(text).map(|line| line.split_once(':').unwrap()) {
            assert_eq!(NICKNAMES.get(name.trim()), None, "{name} is a short form too");
            for word in forms.split(',').chain([name]) {
                assert_eq!(key(word.trim()).as_deref(), Some(word.trim()), "`{word}` is not written as a key");
            }
        }
        assert!(TITLES.iter().all(|title| NICKNAMES.get(title).is_none()));
    }
}
