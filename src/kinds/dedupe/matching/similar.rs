//! How alike two short texts are: Jaro–Winkler, edits, shared words.
//!
//! The hot loop of matching: most pairs are settled by what is known of each text beforehand, and only
//! the rest are handed to [`crate::engine::text::similar`].

use crate::engine::text::similar;

/// The longest text that is compared; [`super::normal`] cuts longer ones there.
pub const MAX_CHARS: usize = 128;

/// Which characters a text has, folded to 64 bits: a bit that is set in one text and not in
/// another stands for a character that the other surely lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Letters(u64);

impl Letters {
    /// The letters of `text`, as far as it counts.
    pub fn of(text: &str) -> Self {
        Self(text.chars().take(MAX_CHARS).fold(0, |bits, c| bits | 1 << place(c)))
    }

    /// A lower bound for the number of characters of this text that `other` lacks.
    fn missing_in(self, other: Self) -> u32 {
        (self.0 & !other.0).count_ones()
    }

    /// A lower bound for the edits between the two texts: each edit mends one missing character a side.
    pub fn edits_at_least(self, other: Self) -> u32 {
        self.missing_in(other).max(other.missing_in(self))
    }
}

/// Digits and small letters have a bit of their own; the rest share 28.
fn place(c: char) -> u32 {
    match c {
        '0'..='9' => c as u32 - '0' as u32,
        'a'..='z' => c as u32 - 'a' as u32 + 10,
        other => 36 + other as u32 % 28,
    }
}

/// What is worth knowing of a text beforehand: its letters, its length, and whether it is ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    letters: Letters,
    /// In characters, at most [`MAX_CHARS`].
    length: u8,
    ascii: bool,
}

impl Shape {
    /// The shape of `text`.
    pub fn of(text: &str) -> Self {
        let length = text.chars().take(MAX_CHARS).count() as u8;
        Self { letters: Letters::of(text), length, ascii: text.is_ascii() }
    }
}

/// A text made ready for comparison.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// The text itself, in normal form.
    pub text: &'a str,
    /// Its shape.
    pub shape: Shape,
}

impl<'a> Text<'a> {
    /// Makes `text` ready.
    pub fn new(text: &'a str) -> Self {
        Self { text, shape: Shape::of(text) }
    }

    /// How many characters count.
    pub fn length(&self) -> usize {
        usize::from(self.shape.length)
    }
}

/// As much of a text as counts.
fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_CHARS).map(|(at, _)| at);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Jaro–Winkler similarity of what counts of two texts; see [`similar::jaro_winkler`].
pub fn jaro_winkler(a: &str, b: &str) -> f64 {
    similar::jaro_winkler(cut(a), cut(b))
}

/// [`jaro_winkler`], or 0 where a cheap bound shows that it stays below `floor`.
///
/// At most `length − missing` characters can agree; that many agreeing without transposition and
/// with a full prefix give the bound.
pub fn jaro_winkler_from(a: Text<'_>, b: Text<'_>, floor: f64) -> f64 {
    if !(a.shape.ascii && b.shape.ascii) {
        return jaro_winkler(a.text, b.text);
    }
    let (x, y) = (cut(a.text), cut(b.text));
    let agreeing = |length: usize, missing: u32| length.saturating_sub(missing as usize);
    let most = agreeing(x.len(), a.shape.letters.missing_in(b.shape.letters))
        .min(agreeing(y.len(), b.shape.letters.missing_in(a.shape.letters)));
    if most == 0 || x.is_empty() || y.is_empty() {
        return if x.is_empty() && y.is_empty() { 1.0 } else { 0.0 };
    }
    let best = (most as f64 / x.len() as f64 + most as f64 / y.len() as f64 + 1.0) / 3.0;
    let prefix = x.bytes().zip(y.bytes()).take(4).take_while(|(x, y)| x == y).count();
    // A hair is left for rounding: the bound and the result are summed in different orders.
    if best + 0.1 * prefix as f64 * (1.0 - best) + 1e-9 < floor { 0.0 } else { similar::jaro_winkler(x, y) }
}

/// The fewest insertions, deletions, replacements and swaps of neighbours between what counts of two
/// texts; see [`similar::alignment`].
pub fn edits(a: &str, b: &str) -> u32 {
    u32::try_from(similar::alignment(cut(a), cut(b))).unwrap_or(u32::MAX)
}

/// [`edits`] where they are at most `most`, found without counting where lengths or letters tell.
pub fn edits_up_to(a: Text<'_>, b: Text<'_>, most: u32) -> Option<u32> {
    if a.shape.letters.edits_at_least(b.shape.letters) > most || a.length().abs_diff(b.length()) > most as usize {
        return None;
    }
    Some(edits(a.text, b.text)).filter(|edits| *edits <= most)
}

/// The share of words that two texts have in common, 0 to 1: twice the common words by all words.
/// A word counts as common with one that is at most one edit away when both have five letters or more.
pub fn shared_words(a: &str, b: &str) -> f64 {
    let (in_a, in_b) = (a.split_ascii_whitespace().count(), b.split_ascii_whitespace().count());
    if in_a + in_b == 0 {
        return 0.0;
    }
    // Bit j is set when word j of `b` has found its partner.
    let mut taken = 0_u128;
    for word in a.split_ascii_whitespace() {
        let partner = b
            .split_ascii_whitespace()
            .enumerate()
            .take(128)
            .find(|(j, other)| taken >> j & 1 == 0 && alike(word, other));
        if let Some((j, _)) = partner {
            taken |= 1 << j;
        }
    }
    2.0 * f64::from(taken.count_ones()) / (in_a + in_b) as f64
}

/// One edit leaves the first two or the last two of five characters alone, which is cheap to see.
fn alike(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (x, y) = (a.as_bytes(), b.as_bytes());
    let long = x.len() >= 5 && y.len() >= 5 && x.len().abs_diff(y.len()) <= 1;
    let ends = x.first_chunk::<2>() == y.first_chunk::<2>() || x.last_chunk::<2>() == y.last_chunk::<2>();
    long && (ends || !a.is_ascii()) && edits(a, b) <= 1
}
