//! How alike two short texts are: Jaro–Winkler, edits, shared words.
//!
//! The hot loop of matching. Nothing here allocates: texts are at most [`MAX_CHARS`] long, so that
//! the state of a comparison fits into one machine word of 128 bits. Results equal those of the
//! crate `strsim`, which the tests compare with.

#[path = "similar_words.rs"]
mod words;

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

/// Runs `$body` on the characters of both texts: bytes where both are ASCII, else decoded on the stack.
macro_rules! on_characters {
    ($a:expr, $b:expr, |$x:ident, $y:ident| $body:expr) => {{
        if $a.is_ascii() && $b.is_ascii() {
            let ($x, $y) = (cut($a.as_bytes()), cut($b.as_bytes()));
            $body
        } else {
            let (mut left, mut right) = (['\0'; MAX_CHARS], ['\0'; MAX_CHARS]);
            let ($x, $y) = (decode($a, &mut left), decode($b, &mut right));
            $body
        }
    }};
}

fn cut<T>(characters: &[T]) -> &[T] {
    characters.get(..MAX_CHARS).unwrap_or(characters)
}

fn decode<'b>(text: &str, buffer: &'b mut [char; MAX_CHARS]) -> &'b [char] {
    let mut length = 0;
    for (slot, c) in buffer.iter_mut().zip(text.chars()) {
        *slot = c;
        length += 1;
    }
    buffer.get(..length).unwrap_or_default()
}

/// Jaro–Winkler similarity, 0 to 1, with a prefix of at most 4 at weight 0.1, boosted only above
/// 0.7 (W. Winkler, 1990). Texts count up to [`MAX_CHARS`].
pub fn jaro_winkler(a: &str, b: &str) -> f64 {
    on_characters!(a, b, |x, y| winkler(x, y))
}

/// [`jaro_winkler`], or 0 where a cheap bound shows that it stays below `floor`.
///
/// At most `length − missing` characters can agree; that many agreeing without transposition and
/// with a full prefix give the bound.
pub fn jaro_winkler_from(a: Text<'_>, b: Text<'_>, floor: f64) -> f64 {
    if !(a.shape.ascii && b.shape.ascii) {
        return jaro_winkler(a.text, b.text);
    }
    let (x, y) = (cut(a.text.as_bytes()), cut(b.text.as_bytes()));
    let agreeing = |length: usize, missing: u32| length.saturating_sub(missing as usize);
    let most = agreeing(x.len(), a.shape.letters.missing_in(b.shape.letters))
        .min(agreeing(y.len(), b.shape.letters.missing_in(a.shape.letters)));
    if most == 0 || x.is_empty() || y.is_empty() {
        return if x.is_empty() && y.is_empty() { 1.0 } else { 0.0 };
    }
    let best = (most as f64 / x.len() as f64 + most as f64 / y.len() as f64 + 1.0) / 3.0;
    let bound = best + 0.1 * common_prefix(x, y) as f64 * (1.0 - best);
    // A hair is left for rounding: the bound and the result are summed in different orders.
    if bound + 1e-9 < floor {
        return 0.0;
    }
    match words::jaro(x, y) {
        Some(similarity) => boosted(similarity, x, y),
        None => winkler(x, y),
    }
}

fn common_prefix<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count()
}

fn winkler<T: Copy + PartialEq>(a: &[T], b: &[T]) -> f64 {
    boosted(jaro(a, b), a, b)
}

fn boosted<T: PartialEq>(similarity: f64, a: &[T], b: &[T]) -> f64 {
    if similarity > 0.7 { similarity + 0.1 * common_prefix(a, b) as f64 * (1.0 - similarity) } else { similarity }
}

fn jaro<T: Copy + PartialEq>(a: &[T], b: &[T]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return if a.is_empty() && b.is_empty() { 1.0 } else { 0.0 };
    }
    let range = (a.len().max(b.len()) / 2).saturating_sub(1);
    let (mut hits_a, mut hits_b, mut matches) = (0_u128, 0_u128, 0_u32);
    for (i, x) in a.iter().enumerate() {
        let low = i.saturating_sub(range);
        for (j, y) in b.iter().enumerate().take(i + range + 1).skip(low) {
            if x == y && hits_b >> j & 1 == 0 {
                hits_a |= 1 << i;
                hits_b |= 1 << j;
                matches += 1;
                break;
            }
        }
    }
    if matches == 0 {
        return 0.0;
    }
    let moved = marked(a, hits_a).zip(marked(b, hits_b)).filter(|(x, y)| x != y).count() / 2;
    mean_of_shares(matches, moved as u32, a.len(), b.len())
}

/// Jaro's similarity of so many matching characters, of which `moved` pairs are out of order.
fn mean_of_shares(matches: u32, moved: u32, in_a: usize, in_b: usize) -> f64 {
    let matched = f64::from(matches);
    (matched / in_a as f64 + matched / in_b as f64 + (matched - f64::from(moved)) / matched) / 3.0
}

fn marked<T: Copy>(characters: &[T], marks: u128) -> impl Iterator<Item = T> + '_ {
    characters.iter().enumerate().filter(move |(i, _)| marks >> i & 1 == 1).map(|(_, c)| *c)
}

/// The fewest insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment), by the bit-parallel algorithm of H. Hyyrö (2003).
pub fn edits(a: &str, b: &str) -> u32 {
    on_characters!(a, b, |x, y| alignment(x, y))
}

/// [`edits`] where they are at most `most`, found without counting where lengths or letters tell.
pub fn edits_up_to(a: Text<'_>, b: Text<'_>, most: u32) -> Option<u32> {
    if a.shape.letters.edits_at_least(b.shape.letters) > most || a.length().abs_diff(b.length()) > most as usize {
        return None;
    }
    let quick = if a.shape.ascii && b.shape.ascii {
        words::alignment(cut(a.text.as_bytes()), cut(b.text.as_bytes()))
    } else {
        None
    };
    Some(quick.unwrap_or_else(|| edits(a.text, b.text))).filter(|edits| *edits <= most)
}

fn alignment<T: Copy + PartialEq>(a: &[T], b: &[T]) -> u32 {
    let Some(top) = a.len().checked_sub(1) else { return b.len() as u32 };
    let (mut vp, mut vn, mut d0, mut before) = (u128::MAX, 0_u128, 0_u128, 0_u128);
    let mut score = a.len() as u32;
    for y in b {
        let equal = a.iter().enumerate().fold(0_u128, |bits, (i, x)| bits | u128::from(x == y) << i);
        let swapped = ((!d0 & equal) << 1) & before;
        d0 = ((equal & vp).wrapping_add(vp) ^ vp) | equal | vn | swapped;
        let hp = vn | !(d0 | vp);
        let hn = d0 & vp;
        score = score + (hp >> top & 1) as u32 - (hn >> top & 1) as u32;
        let carried = hp << 1 | 1;
        vp = hn << 1 | !(d0 | carried);
        vn = carried & d0;
        before = equal;
    }
    score
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
    long && (ends || !a.is_ascii())
        && words::alignment(x, y).filter(|_| a.is_ascii() && b.is_ascii()).unwrap_or_else(|| edits(a, b)) <= 1
}
