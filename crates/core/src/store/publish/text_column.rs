//! Text columns → Parquet column chunks, written by value and not by row.
//!
//! Most text columns repeat a few values, and their batches come as dictionaries. The writer of
//! the Parquet library hashes and compares the text of every row; this one looks at each value of a
//! batch's dictionary once, and a row costs a look-up in an array. A column of too many values goes
//! on as plain text, as the format's other writers do it.
//!
//! ```text
//! batch's keys ─ map ─→ chunk's keys ─ page of rows ─→ levels, hybrid of runs and packed bits ─ codec
//! ```

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, LargeStringArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder};
use parquet::file::reader::Length;
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::bounds::{Bounds, greatest_within, least_within};
use super::codec::{Codec, Compressor, hardly_shrinks};
use super::page::{DICTIONARY_BYTES, MadePage, PAGE_ROWS, PageRows};
use super::pieces::{Chunk, Pieces};
use super::words::Words;
use crate::error::{Error, Result};

/// Writes one text column of one row group.
pub(super) struct TextColumn {
    column: ColumnDescPtr,
    words: Words,
    page: PageRows,
    compressor: Compressor,
    /// Finished data pages; the dictionary goes before them.
    pages: TrackedWrite<Pieces>,
    uncompressed: usize,
    rows: u64,
    nulls: u64,
    bounds: Bounds,
    offsets: OffsetIndexBuilder,
    index: ColumnIndexBuilder,
    /// The values of the last batch's dictionary, and what they are here.
    mapped: Option<(ArrayRef, Vec<u32>)>,
}

/// So much of a chunk's texts is compressed to see whether that is worth while; of shorter chunks nothing is.
const SAMPLE_BYTES: usize = 1 << 16;
/// Not looked up yet.
const UNKNOWN: u32 = u32::MAX;

impl TextColumn {
    /// Whether columns of that type can be written here.
    pub(super) fn takes(data_type: &DataType) -> bool {
        match data_type {
            DataType::Dictionary(_, values) => matches!(values.as_ref(), DataType::Utf8 | DataType::LargeUtf8),
            other => matches!(other, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
        }
    }

    /// For a column of a file's schema, compressed so if at all. `is_varied` says that the chunk before had too
    /// many values for a dictionary: this one does without from the start.
    pub(super) fn new(column: ColumnDescPtr, codec: Option<Codec>, is_varied: bool) -> Result<Self> {
        let compressor = Compressor::new(codec)?;
        let page = PageRows::new(column.max_def_level() > 0);
        Ok(Self {
            column,
            words: if is_varied { Words::closed() } else { Words::default() },
            page,
            compressor,
            pages: TrackedWrite::new(Pieces::default()),
            uncompressed: 0,
            rows: 0,
            nulls: 0,
            bounds: Bounds::default(),
            offsets: OffsetIndexBuilder::new(),
            index: ColumnIndexBuilder::new(Type::BYTE_ARRAY),
            mapped: None,
        })
    }

    /// Adds the rows of an array of a type that [`TextColumn::takes`].
    pub(super) fn write(&mut self, array: &ArrayRef) -> Result<()> {
        let mut start = 0;
        while start < array.len() {
            let rows = self.page.room().min(array.len() - start);
            let part = if rows == array.len() { Arc::clone(array) } else { array.slice(start, rows) };
            self.part(&part)?;
            if self.page.is_full(&self.words) {
                self.end_page()?;
            }
            start += rows;
        }
        Ok(())
    }

    /// Whether the chunk has too many values for a dictionary.
    pub(super) fn is_varied(&self) -> bool {
        self.words.is_closed()
    }

    /// About as many bytes as the chunk would have if it ended here.
    pub(super) fn bytes(&self) -> usize {
        self.pages.bytes_written() + self.page.bytes(self.words.len()) + self.words.page_bytes()
    }

    fn part(&mut self, array: &ArrayRef) -> Result<()> {
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        self.page.validity(array.len(), nulls.as_ref());
        match array.data_type() {
            DataType::Dictionary(_, _) => self.dictionary(array, nulls.as_ref()),
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                self.texts(valid_rows(array.len(), nulls.as_ref()).map(|row| array.value(row)));
                Ok(())
            }
            DataType::LargeUtf8 => {
                let array = array.as_string::<i64>();
                self.texts(valid_rows(array.len(), nulls.as_ref()).map(|row| array.value(row)));
                Ok(())
            }
            DataType::Utf8View => {
                let array = array.as_string_view();
                self.page.views(array, nulls.as_ref(), &mut self.words);
                Ok(())
            }
            other => Err(Error::internal(format!("a column of type {other} is written as text"))),
        }
    }

    fn texts<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        texts.for_each(|text| self.page.text(text, &mut self.words));
    }

    fn dictionary(&mut self, array: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<()> {
        let dictionary = array.as_any_dictionary();
        let keys = cast(dictionary.keys(), &DataType::Int32)?;
        let keys: &Int32Array = keys.as_primitive::<Int32Type>();
        let known = self.mapped.take().filter(|(values, _)| Arc::ptr_eq(values, dictionary.values()));
        let (values, mut map) = match known {
            Some(known) => known,
            None => {
                let values = Arc::clone(dictionary.values());
                let map = vec![UNKNOWN; values.len()];
                (values, map)
            }
        };
        let texts = Texts::of(&values)?;
        let Self { page, words, .. } = self;
        let keys = keys.values();
        let valid = valid_rows(keys.len(), nulls).filter_map(|row| keys.get(row));
        if words.is_closed() {
            valid.for_each(|key| page.text(texts.value(*key as usize), words));
        } else {
            let number = |key: &i32| {
                let key = *key as usize;
                match map.get_mut(key) {
                    Some(slot) if *slot != UNKNOWN => *slot,
                    slot => {
                        let id = words.id(texts.value(key));
                        slot.into_iter().for_each(|slot| *slot = id);
                        id
                    }
                }
            };
            match nulls {
                None => page.keys(keys.iter().map(number)),
                Some(_) => page.keys(valid.map(number)),
            }
        }
        self.mapped = Some((values, map));
        Ok(())
    }

    /// Closes the page at hand, and the dictionary once it has grown too large.
    fn end_page(&mut self) -> Result<()> {
        if self.page.rows() == 0 {
            return Ok(());
        }
        let made = self.page.encode(&self.words);
        if self.rows == 0 {
            self.try_out(&made)?;
        }
        let spec = self.write_page(made.bytes, |buf| Page::DataPage {
            buf,
            num_values: made.rows,
            encoding: made.encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })?;
        self.offsets.append_offset_and_size(spec.0, spec.1);
        self.offsets.append_row_count(i64::from(made.rows));
        match (&made.bounds, made.nulls == made.rows) {
            (_, true) => self.index.append(true, Vec::new(), Vec::new(), i64::from(made.nulls)),
            (bounds, false) => match (least_within(bounds.least()), greatest_within(bounds.greatest())) {
                (Some(least), Some(greatest)) => {
                    self.index.append(false, least.into_bytes(), greatest.into_bytes(), i64::from(made.nulls));
                }
                _ => self.index.to_invalid(),
            },
        }
        self.bounds.widen(&made.bounds);
        self.rows += u64::from(made.rows);
        self.nulls += u64::from(made.nulls);
        if !self.words.is_closed() && (self.words.page_bytes() > DICTIONARY_BYTES || self.hardly_repeats()) {
            self.words.close();
            self.mapped = None;
        }
        Ok(())
    }

    /// Whether a full page or more has next to no text that comes again: the dictionary would be of no use, and soon
    /// too large.
    fn hardly_repeats(&self) -> bool {
        let texts = self.rows - self.nulls;
        texts >= PAGE_ROWS as u64 / 2 && 20 * self.words.len() as u64 > 19 * texts
    }

    /// Has a chunk of many different texts do without compression, should that spare little of the first of them:
    /// nothing is written of the chunk yet, and its other texts are likely to be of their kind.
    fn try_out(&mut self, first: &MadePage) -> Result<()> {
        let texts = if self.words.is_closed() { first.bytes.as_slice() } else { self.words.texts() };
        let is_varied = self.words.is_closed() || 2 * self.words.len() > first.rows as usize;
        let Some(sample) = texts.get(..SAMPLE_BYTES).filter(|_| is_varied) else { return Ok(()) };
        let compressed = self.compressor.compress(sample.to_vec())?.len();
        if hardly_shrinks(compressed as i64, SAMPLE_BYTES as i64) {
            self.compressor = Compressor::None;
        }
        Ok(())
    }

    /// Compresses and appends a page; where it begins, and how long it is with its header.
    fn write_page(&mut self, bytes: Vec<u8>, page: impl FnOnce(Bytes) -> Page) -> Result<(i64, i32)> {
        let uncompressed = bytes.len();
        let compressed = self.compressor.compress(bytes)?;
        let page = CompressedPage::new(page(compressed.into()), uncompressed);
        let written = SerializedPageWriter::new(&mut self.pages).write_page(page)?;
        self.uncompressed += written.uncompressed_size;
        let size = i32::try_from(written.compressed_size).map_err(|_| Error::internal("a page of over 2 GB"))?;
        Ok((written.offset as i64, size))
    }

    /// The chunk's bytes and what the file's footer says of it.
    pub(super) fn close(mut self) -> Result<(Chunk, ColumnCloseResult)> {
        self.end_page()?;
        let data = self.take_pages()?;
        let words = std::mem::take(&mut self.words);
        let num_values = u32::try_from(words.len()).unwrap_or(u32::MAX);
        let mut encodings = vec![Encoding::PLAIN, Encoding::RLE];
        // A chunk that was plain text from the start has no dictionary.
        let has_dictionary = num_values > 0 || !words.is_closed();
        if has_dictionary {
            encodings.push(Encoding::RLE_DICTIONARY);
            self.write_page(words.into_page(), |buf| Page::DictionaryPage {
                buf,
                num_values,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            })?;
        }
        let mut chunk = Chunk(self.take_pages()?);
        let before = chunk.len() as i64;
        chunk.0.extend(data);
        let bytes = chunk.len();
        let metadata = ColumnChunkMetaData::builder(self.column)
            .set_compression(self.compressor.parquet())
            .set_encodings(encodings)
            .set_total_compressed_size(bytes as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_num_values(self.rows as i64)
            .set_data_page_offset(before)
            .set_dictionary_page_offset(has_dictionary.then_some(0))
            .set_statistics(statistics(&self.bounds, self.nulls))
            .build()?;
        let mut offsets = self.offsets.build();
        offsets.page_locations.iter_mut().for_each(|page| page.offset += before);
        let close = ColumnCloseResult {
            bytes_written: bytes,
            rows_written: self.rows,
            metadata,
            bloom_filter: None,
            column_index: if self.index.valid() { Some(self.index.build()?) } else { None },
            offset_index: Some(offsets),
        };
        Ok((chunk, close))
    }

    /// What was written of pages since the last call.
    fn take_pages(&mut self) -> Result<Vec<Bytes>> {
        let pages = std::mem::replace(&mut self.pages, TrackedWrite::new(Pieces::default()));
        Ok(pages.into_inner()?.into_bytes())
    }
}

fn statistics(bounds: &Bounds, nulls: u64) -> Statistics {
    let (least, greatest) = (least_within(bounds.least()), greatest_within(bounds.greatest()));
    let exact = |kept: &Option<String>, whole: Option<&str>| kept.as_deref() == whole;
    let (least_exact, greatest_exact) = (exact(&least, bounds.least()), exact(&greatest, bounds.greatest()));
    let bytes = |text: Option<String>| text.map(|text| text.into_bytes().into());
    Statistics::ByteArray(
        ValueStatistics::new(bytes(least), bytes(greatest), None, Some(nulls), false)
            .with_min_is_exact(least_exact)
            .with_max_is_exact(greatest_exact),
    )
}

/// The rows that have a value.
fn valid_rows(rows: usize, nulls: Option<&NullBuffer>) -> impl Iterator<Item = usize> {
    let all = if nulls.is_none() { rows } else { 0 };
    (0..all).chain(nulls.into_iter().flat_map(NullBuffer::valid_indices))
}

/// A dictionary's values.
enum Texts<'a> {
    Small(&'a StringArray),
    Large(&'a LargeStringArray),
}

impl<'a> Texts<'a> {
    fn of(values: &'a ArrayRef) -> Result<Self> {
        let small = values.as_string_opt::<i32>().map(Self::Small);
        let texts = small.or_else(|| values.as_string_opt::<i64>().map(Self::Large));
        texts.ok_or_else(|| Error::internal(format!("a dictionary of {} is written as text", values.data_type())))
    }

    fn value(&self, key: usize) -> &'a str {
        match self {
            Self::Small(texts) => texts.value(key),
            Self::Large(texts) => texts.value(key),
        }
    }
}
