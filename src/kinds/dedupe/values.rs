//! A field's values while their records come in: every text once, as long as there are few.
//!
//! Names, countries and titles repeat. As numbers of words they take four bytes a record instead of a text each, a value
//! is looked at once and not for each of its records, and to choose one moves a number. A column of many different
//! texts goes on as [`Growing`] has it; which of the two it is shows in nothing that is published.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::hash_utils::RandomState;
use indexmap::IndexSet;

use super::growing::Growing;
use super::intake::misfit;
use crate::contract::ColumnType;
use crate::error::Result;
use crate::views::SeenViews;

/// A column may always have so many words,
const FEW_WORDS: usize = 4_096;
/// and one more for so many rows.
const ROWS_A_WORD: usize = 16;
/// Texts of up to so many bytes are part of their view (Arrow columnar format, variable-size binary view).
const IN_VIEW_BYTES: u32 = 12;
/// The number of no word.
const NOTHING: i32 = -1;

/// A column of values, read by [`super::growing::Growing`]'s rules.
#[derive(Debug)]
pub(super) enum Values {
    /// Texts of which there are few.
    Few(Few),
    /// Other texts, and what is no text.
    Varied(Growing),
}

impl Values {
    pub(super) fn new(ty: ColumnType) -> Self {
        if ty == ColumnType::Text { Self::Few(Few::default()) } else { Self::Varied(Growing::new(ty)) }
    }

    /// Takes the next rows.
    pub(super) fn push(&mut self, array: &ArrayRef) -> Result<()> {
        match self {
            Self::Varied(values) => values.push(array),
            Self::Few(few) => {
                few.push(array)?;
                if few.words.len().max(few.short.len()) > FEW_WORDS + few.rows.len() / ROWS_A_WORD {
                    let mut values = Growing::new(ColumnType::Text);
                    values.push(&std::mem::take(few).finish()?)?;
                    *self = Self::Varied(values);
                }
                Ok(())
            }
        }
    }

    /// All rows as one array: a dictionary where there are few texts.
    pub(super) fn finish(self) -> Result<ArrayRef> {
        match self {
            Self::Few(few) => few.finish(),
            Self::Varied(values) => values.finish(),
        }
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Few(few) => 4 * few.rows.len() + few.word_bytes,
            Self::Varied(values) => values.held_bytes(),
        }
    }
}

/// Texts without surrounding spaces, by number.
#[derive(Debug, Default)]
pub(super) struct Few {
    words: IndexSet<Box<str>, RandomState>,
    /// Numbers by views that hold their whole text, which most names fit into.
    short: HashMap<u128, i32, RandomState>,
    word_bytes: usize,
    /// By row the number of its word, or [`NOTHING`].
    rows: Vec<i32>,
}

impl Few {
    fn push(&mut self, array: &ArrayRef) -> Result<()> {
        let texts = cast(array, &DataType::Utf8View)?;
        let texts = texts.as_string_view_opt().ok_or_else(misfit)?;
        let mut rows = std::mem::take(&mut self.rows);
        let mut seen = SeenViews::new(texts.len(), NOTHING);
        rows.extend(texts.views().iter().enumerate().map(|(row, view)| {
            if texts.is_null(row) {
                return NOTHING;
            }
            seen.get_or(*view, || match *view as u32 {
                0..=IN_VIEW_BYTES => self.short(*view, texts.value(row)),
                _ => self.number(texts.value(row).trim()),
            })
        }));
        self.rows = rows;
        Ok(())
    }

    fn short(&mut self, view: u128, text: &str) -> i32 {
        if let Some(number) = self.short.get(&view) {
            return *number;
        }
        let number = self.number(text.trim());
        self.short.insert(view, number);
        self.word_bytes += 40;
        number
    }

    fn number(&mut self, text: &str) -> i32 {
        if text.is_empty() {
            return NOTHING;
        }
        if let Some(number) = self.words.get_index_of(text) {
            return number as i32;
        }
        // Its bytes, and what the box and the table take.
        self.word_bytes += text.len() + 48;
        self.words.insert_full(text.into()).0 as i32
    }

    fn finish(self) -> Result<ArrayRef> {
        let known = self.rows.iter().map(|number| *number != NOTHING).collect();
        let rows: Vec<i32> = self.rows.into_iter().map(|number| number.max(0)).collect();
        let rows = Int32Array::new(rows.into(), Some(NullBuffer::new(known)));
        let words = StringArray::from_iter_values(self.words);
        Ok(Arc::new(DictionaryArray::try_new(rows, Arc::new(words))?))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{StringViewArray, TimestampMicrosecondArray};

    use super::*;

    fn views(texts: impl IntoIterator<Item = Option<String>>) -> ArrayRef {
        Arc::new(texts.into_iter().collect::<StringViewArray>())
    }

    fn texts(column: &ArrayRef) -> Vec<Option<String>> {
        let texts = cast(column, &DataType::Utf8).unwrap();
        texts.as_string::<i32>().iter().map(|text| text.map(str::to_string)).collect()
    }

    #[test]
    fn few_texts_are_held_once() {
        let mut column = Values::new(ColumnType::Text);
        for batch in [
            [Some(" a long name of somebody "), None, Some("")],
            [Some("b"), Some("a long name of somebody"), Some("\t")],
        ] {
            column.push(&views(batch.map(|text| text.map(str::to_string)))).unwrap();
        }
        assert_eq!(column.held_bytes(), 4 * 6 + (23 + 1) + 2 * 48 + 3 * 40);
        let column = column.finish().unwrap();
        assert_eq!(column.as_any_dictionary().values().len(), 2);
        let expected = [Some("a long name of somebody"), None, None, Some("b"), Some("a long name of somebody"), None];
        assert_eq!(texts(&column), expected.map(|text| text.map(str::to_string)));
    }

    #[test]
    fn many_texts_are_held_one_after_the_other() {
        let text = |n: usize| (!n.is_multiple_of(7)).then(|| format!("{} of a longer name", n % 6_000));
        let mut column = Values::new(ColumnType::Text);
        for start in (0..20_000).step_by(1_000) {
            column.push(&views((start..start + 1_000).map(text))).unwrap();
        }
        assert!(matches!(column, Values::Varied(_)));
        let column = column.finish().unwrap();
        assert_eq!(column.data_type(), &DataType::Utf8);
        assert_eq!(texts(&column), (0..20_000).map(text).collect::<Vec<_>>());
    }

    #[test]
    fn other_values_are_as_their_column_promises_them() {
        let mut column = Values::new(ColumnType::Timestamp);
        column.push(&(Arc::new(TimestampMicrosecondArray::from(vec![1, 2]).with_timezone("UTC")) as ArrayRef)).unwrap();
        assert_eq!(column.finish().unwrap().data_type(), &ColumnType::Timestamp.arrow());
    }
}
