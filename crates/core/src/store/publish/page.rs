//! The rows of a data page of text, until it is full.

use arrow::array::{Array, BooleanBufferBuilder, StringViewArray};
use arrow::buffer::NullBuffer;
use parquet::basic::Encoding;

use super::bounds::Bounds;
use super::hybrid;
use super::words::{Words, plain};
use crate::views::SeenViews;

/// Rows of a page, as other writers have them: filters skip pages.
pub(super) const PAGE_ROWS: usize = 20_000;
/// Rows added before it is asked again whether the page is full.
const STEP_ROWS: usize = 4_096;
/// Bytes of plain text after which a page ends.
const PAGE_BYTES: usize = 1 << 20;
/// Bytes of distinct texts beyond which a chunk goes on as plain text.
pub(super) const DICTIONARY_BYTES: usize = 1 << 20;

/// Rows that are not written yet.
#[derive(Debug)]
pub(super) struct PageRows {
    rows: usize,
    nulls: usize,
    /// Which rows have a value; none where every row must.
    validity: Option<BooleanBufferBuilder>,
    /// The values as numbers of words, while these are open.
    keys: Vec<u32>,
    /// The values as the format writes them, once they are closed.
    plain: Vec<u8>,
    bounds: Bounds,
}

/// A page, ready to be compressed.
pub(super) struct MadePage {
    pub(super) bytes: Vec<u8>,
    pub(super) rows: u32,
    pub(super) nulls: u32,
    pub(super) encoding: Encoding,
    pub(super) bounds: Bounds,
}

impl PageRows {
    /// No rows; `nullable` tells whether rows can be without a value.
    pub(super) fn new(nullable: bool) -> Self {
        let validity = nullable.then(|| BooleanBufferBuilder::new(PAGE_ROWS));
        Self { rows: 0, nulls: 0, validity, keys: Vec::new(), plain: Vec::new(), bounds: Bounds::default() }
    }

    /// How many rows may be added before [`PageRows::is_full`] is asked.
    pub(super) fn room(&self) -> usize {
        (PAGE_ROWS - self.rows.min(PAGE_ROWS)).min(STEP_ROWS)
    }

    /// Whether the page is to be written before more rows come.
    pub(super) fn is_full(&self, words: &Words) -> bool {
        let too_many_words = !words.is_closed() && words.page_bytes() > DICTIONARY_BYTES;
        self.rows >= PAGE_ROWS || self.plain.len() >= PAGE_BYTES || too_many_words
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// About as many bytes as the page would have before it is compressed.
    pub(super) fn bytes(&self, words: usize) -> usize {
        self.plain.len() + self.keys.len() * hybrid::width(words) as usize / 8
    }

    /// Adds rows; the values of those that have one follow, by the methods below.
    pub(super) fn validity(&mut self, rows: usize, nulls: Option<&NullBuffer>) {
        self.rows += rows;
        self.nulls += nulls.map_or(0, NullBuffer::null_count);
        if let Some(validity) = &mut self.validity {
            match nulls {
                Some(nulls) => validity.append_buffer(nulls.inner()),
                None => validity.append_n(rows, true),
            }
        }
    }

    /// Adds values by their numbers; only while the words are open.
    pub(super) fn keys(&mut self, keys: impl Iterator<Item = u32>) {
        self.keys.extend(keys);
    }

    /// Adds a value.
    pub(super) fn text(&mut self, text: &str, words: &mut Words) {
        if words.is_closed() {
            self.plain(text);
        } else {
            self.keys.push(words.id(text));
        }
    }

    fn plain(&mut self, text: &str) {
        plain(text, &mut self.plain);
        self.bounds.see(text);
    }

    /// Adds the values of views.
    pub(super) fn views(&mut self, array: &StringViewArray, nulls: Option<&NullBuffer>, words: &mut Words) {
        if words.is_closed() {
            match nulls {
                None => {
                    // A view begins with the length of its text; under a NULL it may say anything.
                    let bytes = array.views().iter().map(|view| *view as u32 as usize + size_of::<u32>());
                    self.plain.reserve(bytes.sum());
                    (0..array.len()).for_each(|row| self.plain(array.value(row)));
                }
                Some(nulls) => nulls.valid_indices().for_each(|row| self.plain(array.value(row))),
            }
            return;
        }
        let mut seen = SeenViews::new(array.len(), 0);
        let mut number = |(row, view): (usize, &u128)| seen.get_or(*view, || words.id(array.value(row)));
        let views = array.views().iter().enumerate();
        match nulls {
            None => self.keys.extend(views.map(number)),
            Some(nulls) => self.keys.extend(views.zip(nulls).filter(|(_, valid)| *valid).map(|(view, _)| number(view))),
        }
    }

    /// The page, after which there are no rows.
    pub(super) fn encode(&mut self, words: &Words) -> MadePage {
        let mut bytes = Vec::new();
        let (rows, nulls) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.nulls));
        if let Some(validity) = &mut self.validity {
            let validity = validity.finish();
            let mut levels = Vec::new();
            match nulls {
                0 => hybrid::encode_uniform(rows, true, &mut levels),
                nulls if nulls == rows => hybrid::encode_uniform(rows, false, &mut levels),
                _ => hybrid::encode_bitmap(validity.sliced().as_slice(), &mut levels),
            }
            bytes.extend_from_slice(&(levels.len() as u32).to_le_bytes());
            bytes.extend_from_slice(&levels);
        }
        let mut bounds = std::mem::take(&mut self.bounds);
        let encoding = if words.is_closed() {
            bytes.append(&mut self.plain);
            Encoding::PLAIN
        } else {
            let width = hybrid::width(words.len());
            bytes.push(width as u8);
            hybrid::encode(&self.keys, width, &mut bytes);
            used(&self.keys, words.len()).for_each(|key| bounds.see(words.text(key)));
            self.keys.clear();
            Encoding::RLE_DICTIONARY
        };
        MadePage { bytes, rows: rows as u32, nulls: nulls as u32, encoding, bounds }
    }
}

/// Each number that occurs, once.
fn used(keys: &[u32], words: usize) -> impl Iterator<Item = u32> {
    let mut seen = vec![false; words];
    for key in keys {
        if let Some(seen) = seen.get_mut(*key as usize) {
            *seen = true;
        }
    }
    (0..).zip(seen).filter_map(|(key, seen)| seen.then_some(key))
}
