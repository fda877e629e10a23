//! The least and the greatest of texts, and how they are shortened to fit into a footer.

/// The longest text that a footer holds, in bytes.
const LONGEST: usize = 64;

/// The least and the greatest text seen.
#[derive(Debug, Default, Clone)]
pub(super) struct Bounds(Option<(End, End)>);

#[derive(Debug, Clone)]
struct End {
    text: String,
    /// Its [`prefix`].
    prefix: u64,
}

impl End {
    fn new(text: &str, prefix: u64) -> Self {
        Self { text: text.to_string(), prefix }
    }
}

/// The first eight bytes as a number. Of two texts with different ones, that with the lower is less.
fn prefix(text: &str) -> u64 {
    let bytes = text.as_bytes();
    match bytes.first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)) << (8 * (8 - bytes.len()) % 64),
    }
}

impl Bounds {
    /// Takes a text into account.
    #[inline]
    pub(super) fn see(&mut self, text: &str) {
        let prefix = prefix(text);
        match &self.0 {
            Some((least, greatest)) if least.prefix < prefix && prefix < greatest.prefix => {}
            _ => self.see_end(text, prefix),
        }
    }

    fn see_end(&mut self, text: &str, prefix: u64) {
        match &mut self.0 {
            None => self.0 = Some((End::new(text, prefix), End::new(text, prefix))),
            Some((least, greatest)) => {
                if text < least.text.as_str() {
                    *least = End::new(text, prefix);
                }
                if text > greatest.text.as_str() {
                    *greatest = End::new(text, prefix);
                }
            }
        }
    }

    /// Takes all texts that `other` has seen into account.
    pub(super) fn widen(&mut self, other: &Self) {
        if let Some((least, greatest)) = &other.0 {
            self.see(&least.text);
            self.see(&greatest.text);
        }
    }

    /// The least; none where nothing was seen.
    pub(super) fn least(&self) -> Option<&str> {
        self.0.as_ref().map(|(least, _)| least.text.as_str())
    }

    /// The greatest; none where nothing was seen.
    pub(super) fn greatest(&self) -> Option<&str> {
        self.0.as_ref().map(|(_, greatest)| greatest.text.as_str())
    }
}

/// A text of at most [`LONGEST`] bytes that is not greater.
pub(super) fn least_within(text: Option<&str>) -> Option<String> {
    text.map(|text| head(text).to_string())
}

/// A text of about [`LONGEST`] bytes that is not less; none where no such text exists.
pub(super) fn greatest_within(text: Option<&str>) -> Option<String> {
    let text = text?;
    let kept = head(text);
    if kept.len() == text.len() {
        return Some(text.to_string());
    }
    // The bytes of UTF-8 are ordered as its characters are: the next character makes it greater.
    let mut kept = kept.to_string();
    while let Some(last) = kept.pop() {
        let next = match last {
            // No characters are between these two.
            '\u{d7ff}' => Some('\u{e000}'),
            last => char::from_u32(last as u32 + 1),
        };
        if let Some(next) = next {
            kept.push(next);
            return Some(kept);
        }
    }
    None
}

fn head(text: &str) -> &str {
    let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortened_bounds_still_bound() {
        let long = |letter: char| letter.to_string().repeat(70);
        for letter in ['a', 'é', '\u{d7ff}', '\u{10fffe}'] {
            let text = long(letter);
            let (least, greatest) = (least_within(Some(&text)).unwrap(), greatest_within(Some(&text)).unwrap());
            assert!(least.len() <= 64 && least.as_str() <= text.as_str(), "{letter:?}");
            assert!(greatest.len() <= 67 && greatest.as_str() >= text.as_str(), "{letter:?}");
        }
        let none_greater = long('\u{10ffff}');
        assert_eq!(greatest_within(Some(&none_greater)), None);
        assert_eq!(least_within(Some(&none_greater)).unwrap(), "\u{10ffff}".repeat(16));
        assert_eq!(greatest_within(Some("short")).as_deref(), Some("short"));
        assert_eq!((least_within(None), greatest_within(None)), (None, None));
        let after = format!("{}{}", "a".repeat(60), "\u{10ffff}".repeat(9));
        assert_eq!(greatest_within(Some(&after)).unwrap(), format!("{}b", "a".repeat(59)));
    }

    #[test]
    fn bounds_widen() {
        let mut bounds = Bounds::default();
        assert_eq!((bounds.least(), bounds.greatest()), (None, None));
        ["m", "z", "b", "m"].iter().for_each(|text| bounds.see(text));
        let mut all = Bounds::default();
        all.widen(&Bounds::default());
        all.widen(&bounds);
        all.see("c");
        assert_eq!((all.least(), all.greatest()), (Some("b"), Some("z")));
    }

    #[test]
    fn bounds_are_those_of_a_sorted_list() {
        let texts = ["", "\0", "a", "a\0", "ab", "abcdefg", "abcdefgh", "abcdefghi", "abcdefgh\0", "é", "\u{10ffff}x"];
        for first in texts {
            for second in texts {
                assert!(prefix(first) == prefix(second) || (prefix(first) < prefix(second)) == (first < second));
                for third in texts {
                    let mut bounds = Bounds::default();
                    [first, second, third].iter().for_each(|text| bounds.see(text));
                    let mut sorted = [first, second, third];
                    sorted.sort_unstable();
                    assert_eq!((bounds.least(), bounds.greatest()), (Some(sorted[0]), Some(sorted[2])));
                }
            }
        }
    }
}
