//! Tables that stand beside the code as text: one entry a line, `#` begins a comment.

use std::borrow::Cow;
use std::sync::LazyLock;

/// The lines of a table, without comments and empty lines.
pub(super) fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Words that are in a table or not.
pub(super) struct Words(Vec<&'static str>);

impl Words {
    pub(super) fn read(text: &'static str) -> Self {
        Self::of(lines(text))
    }

    pub(super) fn of(words: impl Iterator<Item = &'static str>) -> Self {
        let mut words: Vec<&str> = words.collect();
        words.sort_unstable();
        words.dedup();
        Self(words)
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.0.binary_search(&word).is_ok()
    }

    /// Whether `name.*` is there.
    pub(super) fn has_family(&self, name: &str) -> bool {
        self.0.binary_search_by(|known| known.bytes().cmp(name.bytes().chain(*FAMILY))).is_ok()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().copied()
    }
}

/// What a table says of a word; a word that stands there twice has the first entry.
pub(super) struct Map<T>(Vec<(Cow<'static, str>, T)>);

impl<T> Map<T> {
    pub(super) fn new<W: Into<Cow<'static, str>>>(entries: impl IntoIterator<Item = (W, T)>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().map(|(word, value)| (word.into(), value)).collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.dedup_by(|(later, _), (first, _)| later == first);
        Self(entries)
    }

    pub(super) fn get(&self, word: &str) -> Option<&T> {
        let at = self.0.binary_search_by(|(known, _)| known.as_ref().cmp(word)).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// What it says of `name.*`.
    pub(super) fn get_family(&self, name: &str) -> Option<&T> {
        let at = self.0.binary_search_by(|(known, _)| known.bytes().cmp(name.bytes().chain(*FAMILY))).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }
}

/// The end of an entry that stands for a name under every public suffix.
const FAMILY: &[u8; 2] = b".*";

/// A table that is read when it is first asked.
pub(super) type Lazy<T> = LazyLock<T>;
