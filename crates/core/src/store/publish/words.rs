//! The dictionary of a column chunk: distinct texts, numbered as they turn up.

use std::hash::BuildHasher;

use datafusion::common::hash_utils::RandomState;
use hashbrown::HashTable;

/// Distinct texts of a chunk, held once: where they stand is what the index knows of them.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// One after the other.
    texts: String,
    /// Where each ends in `texts`.
    ends: Vec<usize>,
    /// Numbers by the hash of their text, which is kept so that growing does not read texts.
    index: HashTable<(u64, u32)>,
    hasher: RandomState,
    closed: bool,
}

impl Words {
    /// Of a chunk that is plain text from its first row on.
    pub(super) fn closed() -> Self {
        Self { closed: true, ..Self::default() }
    }

    /// The number of a text.
    pub(super) fn id(&mut self, text: &str) -> u32 {
        let Self { texts, ends, index, hasher, .. } = self;
        let hash = hasher.hash_one(text.as_bytes());
        let is_text = |(known, id): &(u64, u32)| *known == hash && word(texts, ends, *id) == text;
        if let Some((_, id)) = index.find(hash, is_text) {
            return *id;
        }
        let id = ends.len() as u32;
        texts.push_str(text);
        ends.push(texts.len());
        index.insert_unique(hash, (hash, id), |(hash, _)| *hash);
        id
    }

    /// The text of a number.
    pub(super) fn text(&self, id: u32) -> &str {
        word(&self.texts, &self.ends, id)
    }

    /// All of them, one after the other.
    pub(super) fn texts(&self) -> &[u8] {
        self.texts.as_bytes()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes the dictionary page has.
    pub(super) fn page_bytes(&self) -> usize {
        self.texts.len() + self.len() * size_of::<u32>()
    }

    /// The dictionary page.
    pub(super) fn into_page(self) -> Vec<u8> {
        let mut page = Vec::with_capacity(self.page_bytes());
        (0..self.len()).for_each(|id| plain(self.text(id as u32), &mut page));
        page
    }

    /// There are too many: what follows is written as plain text.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.index = HashTable::new();
    }

    /// Whether no further text is numbered.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }
}

/// The text of a number, empty for one that was not given.
fn word<'a>(texts: &'a str, ends: &[usize], id: u32) -> &'a str {
    let id = id as usize;
    let start = id.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    let end = ends.get(id).copied().unwrap_or(start);
    texts.get(start..end).unwrap_or_default()
}

/// Appends a text as the format writes it: after its length in four bytes.
pub(super) fn plain(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}
