//! How alike two texts are. Texts are compared as they stand: fold them with a key first.
//!
//! Distances take time in the product of the lengths; of each text the first
//! [`super::MAX_BYTES`] bytes count.

use super::fold::{fold, is_mark};
use super::{head, words};

/// Jaro–Winkler similarity, 0 to 1: scale .1, prefix of at most 4, and the prefix counts only where
/// the Jaro similarity is above .7, as in Winkler's own program. Two empty texts are alike.
pub fn jaro_winkler(a: &str, b: &str) -> f64 {
    let (a, b) = (head(a), head(b));
    if a == b {
        return 1.0;
    }
    match ascii(a, b).filter(|_| !a.is_empty() && !b.is_empty()).and_then(|(a, b)| words::jaro(a, b)) {
        Some(jaro) if jaro > 0.7 => {
            let prefix = a.bytes().zip(b.bytes()).take(4).take_while(|(a, b)| a == b).count();
            jaro + 0.1 * count(prefix) * (1.0 - jaro)
        }
        Some(jaro) => jaro,
        None => strsim::jaro_winkler(a, b),
    }
}

/// Insertions, deletions and substitutions of characters between two texts.
pub fn levenshtein(a: &str, b: &str) -> usize {
    let (a, b) = (head(a), head(b));
    ascii(a, b).and_then(|(a, b)| words::levenshtein(a, b)).unwrap_or_else(|| strsim::levenshtein(a, b))
}

/// As [`levenshtein`], where two neighbours that change places count once and are not changed further
/// (optimal string alignment).
pub fn alignment(a: &str, b: &str) -> usize {
    let (a, b) = (head(a), head(b));
    let quick = ascii(a, b).and_then(|(a, b)| words::alignment(a, b));
    quick.map_or_else(|| strsim::osa_distance(a, b), |edits| edits as usize)
}

/// As [`levenshtein`], where two neighbours that change places count once, whatever else is changed
/// between them.
pub fn damerau_levenshtein(a: &str, b: &str) -> usize {
    let (a, b) = (head(a), head(b));
    if a == b { 0 } else { strsim::damerau_levenshtein(a, b) }
}

/// The share of words that both texts have among the words of either (Jaccard), 0 to 1. Words are
/// runs of letters and digits without case and accents, each counted once. 0 where there is none.
pub fn token_set(a: &str, b: &str) -> f64 {
    let (a, b) = (fold(head(a)), fold(head(b)));
    let (a, b) = (word_set(&a), word_set(&b));
    let both = a.iter().filter(|word| b.binary_search(word).is_ok()).count();
    let either = a.len() + b.len() - both;
    if either == 0 { 0.0 } else { count(both) / count(either) }
}

/// American Soundex of the first word with Latin letters: a letter and three digits. `None` where
/// there is none. `h` and `w` do not part equal sounds: `Ashcraft` → `A261`.
pub fn soundex(text: &str) -> Option<String> {
    let folded = fold(head(text));
    let word = folded.split(|c: char| !c.is_alphanumeric() && c != '\'').find(|word| word.contains(is_latin))?;
    let mut letters = word.bytes().filter(u8::is_ascii_lowercase);
    let first = letters.next()?;
    let mut code = String::from(char::from(first.to_ascii_uppercase()));
    let mut last = sound(first);
    for letter in letters {
        let this = sound(letter);
        if let Some(digit) = this.filter(|digit| last != Some(*digit)) {
            code.push(digit);
        }
        if !matches!(letter, b'h' | b'w') {
            last = this;
        }
        if code.len() == 4 {
            return Some(code);
        }
    }
    while code.len() < 4 {
        code.push('0');
    }
    Some(code)
}

fn is_latin(c: char) -> bool {
    c.is_ascii_lowercase()
}

fn sound(letter: u8) -> Option<char> {
    match letter {
        b'b' | b'f' | b'p' | b'v' => Some('1'),
        b'c' | b'g' | b'j' | b'k' | b'q' | b's' | b'x' | b'z' => Some('2'),
        b'd' | b't' => Some('3'),
        b'l' => Some('4'),
        b'm' | b'n' => Some('5'),
        b'r' => Some('6'),
        _ => None,
    }
}

fn word_set(folded: &str) -> Vec<&str> {
    let runs = folded.split(|c: char| !c.is_alphanumeric() && !is_mark(c));
    let mut words: Vec<&str> = runs.filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Both as bytes, where each is a character.
fn ascii<'a>(a: &'a str, b: &'a str) -> Option<(&'a [u8], &'a [u8])> {
    (a.is_ascii() && b.is_ascii()).then_some((a.as_bytes(), b.as_bytes()))
}

/// A count as a float; counts here are at most 1,000.
fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jaro_winkler_of_the_known_pairs() {
        let cases = [
            ("MARTHA", "MARHTA", 0.961111),
            ("DIXON", "DICKSONX", 0.813333),
            ("DWAYNE", "DUANE", 0.840000),
            ("jon", "john", 0.933333),
            ("", "", 1.0),
            ("a", "", 0.0),
            ("same", "same", 1.0),
            ("abc", "xyz", 0.0),
        ];
        for (a, b, expected) in cases {
            let found = jaro_winkler(a, b);
            assert!((found - expected).abs() < 5e-7, "{a} {b}: {found}");
        }
    }

    #[test]
    fn distances_of_the_known_pairs() {
        assert_eq!(levenshtein("kitten", "sitting"), 3);
        assert_eq!(levenshtein("", "abc"), 3);
        assert_eq!(levenshtein("abc", ""), 3);
        assert_eq!(levenshtein("Müller", "Muller"), 1);
        assert_eq!(damerau_levenshtein("ca", "abc"), 2);
        assert_eq!(damerau_levenshtein("smith", "smiht"), 1);
        assert_eq!(levenshtein("smith", "smiht"), 2);
    }

    #[test]
    fn soundex_of_the_known_names() {
        let cases = [
            ("Robert", "R163"),
            ("Rupert", "R163"),
            ("Rubin", "R150"),
            ("Ashcraft", "A261"),
            ("Ashcroft", "A261"),
            ("Tymczak", "T522"),
            ("Pfister", "P236"),
            ("Honeyman", "H555"),
            ("O'Brien", "O165"),
            ("Müller", "M460"),
            ("Lee", "L000"),
        ];
        for (text, expected) in cases {
            assert_eq!(soundex(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(soundex("李"), None);
        assert_eq!(soundex("42"), None);
    }

    #[test]
    fn sets_of_words_share_what_they_share() {
        let close = |a: &str, b: &str, expected: f64| assert!((token_set(a, b) - expected).abs() < 1e-12, "{a} {b}");
        close("Ant & Bee Ltd", "bee ANT", 2.0 / 3.0);
        close("a b c", "c b a", 1.0);
        close("a", "b", 0.0);
        close("", "", 0.0);
        close("a a a", "a", 1.0);
    }
}
