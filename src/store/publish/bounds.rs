//! The least and the greatest of texts, and how they are shortened to fit into a footer.

/// The longest text that a footer holds, in bytes.
const LONGEST: usize = 64;

/// The least and the greatest text seen.
#[derive(Debug, Default, Clone)]
pub(super) struct Bounds(Option<(String, String)>);

impl Bounds {
    /// Takes a text into account.
    pub(super) fn see(&mut self, text: &str) {
        match &mut self.0 {
            None => self.0 = Some((text.to_string(), text.to_string())),
            Some((least, greatest)) => {
                if text < least.as_str() {
                    *least = text.to_string();
                }
                if text > greatest.as_str() {
                    *greatest = text.to_string();
                }
            }
        }
    }

    /// Takes all texts that `other` has seen into account.
    pub(super) fn widen(&mut self, other: &Self) {
        if let Some((least, greatest)) = &other.0 {
            self.see(least);
            self.see(greatest);
        }
    }

    /// The least; none where nothing was seen.
    pub(super) fn least(&self) -> Option<&str> {
        self.0.as_ref().map(|(least, _)| least.as_str())
    }

    /// The greatest; none where nothing was seen.
    pub(super) fn greatest(&self) -> Option<&str> {
        self.0.as_ref().map(|(_, greatest)| greatest.as_str())
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
}
