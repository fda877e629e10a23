//! The dictionary of a column chunk: distinct texts, numbered as they turn up.

use std::collections::HashMap;

use datafusion::common::hash_utils::RandomState;

/// Distinct texts of a chunk.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// As the format writes them: each after its length in four bytes.
    page: Vec<u8>,
    texts: Vec<Box<str>>,
    index: HashMap<Box<str>, u32, RandomState>,
    closed: bool,
}

impl Words {
    /// Of a chunk that is plain text from its first row on.
    pub(super) fn closed() -> Self {
        Self { closed: true, ..Self::default() }
    }

    /// The number of a text.
    pub(super) fn id(&mut self, text: &str) -> u32 {
        if let Some(id) = self.index.get(text) {
            return *id;
        }
        let id = self.texts.len() as u32;
        plain(text, &mut self.page);
        self.texts.push(text.into());
        self.index.insert(text.into(), id);
        id
    }

    /// The text of a number.
    pub(super) fn text(&self, id: u32) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// All of them, as the dictionary page has them.
    pub(super) fn page(&self) -> &[u8] {
        &self.page
    }

    /// The dictionary page.
    pub(super) fn into_page(self) -> Vec<u8> {
        self.page
    }

    /// There are too many: what follows is written as plain text.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.index = HashMap::default();
    }

    /// Whether no further text is numbered.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }
}

/// Appends a text as the format writes it: after its length in four bytes.
pub(super) fn plain(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}
