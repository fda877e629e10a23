//! How alike two short texts are: Jaro–Winkler, edits, shared words.
//!
//! The hot loop of matching. Nothing here allocates: texts are at most [`MAX_CHARS`] long, so that
//! the state of a comparison fits into one machine word of 128 bits. Results equal those of the
//! crate `strsim`, which the tests compare with.

/// The longest text that is compared; [`super::normal`] cuts longer ones there.
pub const MAX_CHARS: usize = 128;

/// Which characters a text has, folded to 64 bits: a bit that is set in one text and not in
/// another stands for a character that the other surely lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Letters(u64);

impl Letters {
    /// The letters of `text`.
    pub fn of(text: &str) -> Self {
        Self(text.chars().fold(0, |bits, c| bits | 1 << place(c)))
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

/// A text made ready for comparison: its characters and which there are.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// The text itself, in normal form.
    pub text: &'a str,
    /// Its letters.
    pub letters: Letters,
}

impl<'a> Text<'a> {
    /// Makes `text` ready.
    pub fn new(text: &'a str) -> Self {
        Self { text, letters: Letters::of(text) }
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
    if !(a.text.is_ascii() && b.text.is_ascii()) {
        return jaro_winkler(a.text, b.text);
    }
    let (x, y) = (cut(a.text.as_bytes()), cut(b.text.as_bytes()));
    let agreeing = |length: usize, missing: u32| length.saturating_sub(missing as usize);
    let most = agreeing(x.len(), a.letters.missing_in(b.letters)).min(agreeing(y.len(), b.letters.missing_in(a.letters)));
    if most == 0 || x.is_empty() || y.is_empty() {
        return if x.is_empty() && y.is_empty() { 1.0 } else { 0.0 };
    }
    let best = (most as f64 / x.len() as f64 + most as f64 / y.len() as f64 + 1.0) / 3.0;
    let bound = best + 0.1 * common_prefix(x, y) as f64 * (1.0 - best);
    // A hair is left for rounding: the bound and the result are summed in different orders.
    if bound + 1e-9 < floor { 0.0 } else { winkler(x, y) }
}

fn common_prefix<T: PartialEq>(a: &[T], b: &[T]) -> usize {
    a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count()
}

fn winkler<T: Copy + PartialEq>(a: &[T], b: &[T]) -> f64 {
    let similarity = jaro(a, b);
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
    let matched = f64::from(matches);
    (matched / a.len() as f64 + matched / b.len() as f64 + (matched - moved as f64) / matched) / 3.0
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
    if a.letters.edits_at_least(b.letters) > most {
        return None;
    }
    if a.text.is_ascii() && b.text.is_ascii() && a.text.len().abs_diff(b.text.len()) > most as usize {
        return None;
    }
    Some(edits(a.text, b.text)).filter(|edits| *edits <= most)
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
        let partner = b.split_ascii_whitespace().enumerate().take(128).find(|(j, other)| taken >> j & 1 == 0 && alike(word, other));
        if let Some((j, _)) = partner {
            taken |= 1 << j;
        }
    }
    2.0 * f64::from(taken.count_ones()) / (in_a + in_b) as f64
}

fn alike(a: &str, b: &str) -> bool {
    a == b || (a.len() >= 5 && b.len() >= 5 && a.len().abs_diff(b.len()) <= 1 && edits(a, b) <= 1)
}
