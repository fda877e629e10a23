//! A field's values while their records come in: every text once, as long as there are few.
//!
//! Names, countries and titles repeat. As numbers of words they take four bytes a record instead of a text each, a value
//! is looked at once and not for each of its records, and to choose one moves a number. A column of many different
//! texts goes on as [`Growing`] has it; which of the two it is shows in nothing that is published.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::hash_utils::RandomState;
use indexmap::IndexSet;

use super::growing::Growing;
use super::intake::misfit;
use super::stored::{Stored, of_words};
use crate::contract::ColumnType;
use crate::engine::scratch::{ColumnWriter, Scratch};
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
pub(super) struct Values {
    form: Form,
    /// The rows that came first, where they did not fit into memory: numbers of words, or the values themselves.
    on_disk: Option<ColumnWriter>,
}

#[derive(Debug)]
enum Form {
    /// Texts of which there are few.
    Few(Few),
    /// Other texts, and what is no text.
    Varied(Growing),
}

impl Values {
    pub(super) fn new(ty: ColumnType) -> Self {
        let form = if ty == ColumnType::Text { Form::Few(Few::default()) } else { Form::Varied(Growing::new(ty)) };
        Self { form, on_disk: None }
    }

    /// Takes the next rows.
    pub(super) fn push(&mut self, array: &ArrayRef, scratch: Option<&Scratch>) -> Result<()> {
        match &mut self.form {
            Form::Varied(values) => values.push(array),
            Form::Few(few) => {
                few.push(array)?;
                let rows = few.rows.len() + self.on_disk.as_ref().map_or(0, ColumnWriter::len);
                if few.words.len().max(few.short.len()) > FEW_WORDS + rows / ROWS_A_WORD {
                    self.vary(scratch)?;
                }
                Ok(())
            }
        }
    }

    /// From now on texts are many.
    fn vary(&mut self, scratch: Option<&Scratch>) -> Result<()> {
        let mut values = Growing::new(ColumnType::Text);
        if let Form::Few(few) = std::mem::replace(&mut self.form, Form::Varied(Growing::new(ColumnType::Text))) {
            let (numbers, words) = few.finish()?;
            if let Some((writer, scratch)) = self.on_disk.take().zip(scratch) {
                let mut texts = scratch.column(&DataType::Utf8)?;
                for numbers in writer.finish()?.parts() {
                    texts.push(&cast(&of_words(&numbers?, &words)?, &DataType::Utf8)?)?;
                }
                self.on_disk = Some(texts);
            }
            values.push(&of_words(&numbers, &words)?)?;
        }
        self.form = Form::Varied(values);
        Ok(())
    }

    /// Puts on disk what is held, but for the words of few texts.
    pub(super) fn spill(&mut self, scratch: &Scratch) -> Result<()> {
        let (ty, values) = match &mut self.form {
            Form::Few(few) => (DataType::Int32, vec![few.take_numbers()]),
            Form::Varied(values) => (values.data_type(), values.take()?),
        };
        let writer = match &mut self.on_disk {
            Some(writer) => writer,
            None => self.on_disk.insert(scratch.column(&ty)?),
        };
        values.iter().try_for_each(|values| writer.push(values))
    }

    /// All rows.
    pub(super) fn finish(mut self, scratch: Option<&Scratch>) -> Result<Stored> {
        if let Some(scratch) = scratch.filter(|_| self.on_disk.is_some()) {
            self.spill(scratch)?;
        }
        match (self.form, self.on_disk) {
            (Form::Few(few), Some(writer)) => Stored::written(writer, Some(few.finish()?.1)),
            (Form::Varied(_), Some(writer)) => Stored::written(writer, None),
            (Form::Few(few), None) => {
                let (numbers, words) = few.finish()?;
                Ok(Stored::Held(of_words(&numbers, &words)?))
            }
            (Form::Varied(values), None) => Ok(Stored::Held(values.finish()?)),
        }
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        match &self.form {
            Form::Few(few) => 4 * few.rows.len() + few.word_bytes,
            Form::Varied(values) => values.held_bytes(),
        }
    }

    /// Bytes of all rows, held or on disk; without the words of few texts, which are held anyway.
    pub(super) fn bytes_in_all(&self) -> usize {
        let held = match &self.form {
            Form::Few(few) => 4 * few.rows.len(),
            Form::Varied(values) => values.held_bytes(),
        };
        held + self.on_disk.as_ref().map_or(0, ColumnWriter::bytes)
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

    /// The numbers of the rows that are held; the words stay.
    fn take_numbers(&mut self) -> ArrayRef {
        let rows = std::mem::take(&mut self.rows);
        let known = rows.iter().map(|number| *number != NOTHING).collect();
        let rows: Vec<i32> = rows.into_iter().map(|number| number.max(0)).collect();
        Arc::new(Int32Array::new(rows.into(), Some(NullBuffer::new(known))))
    }

    /// The numbers of the rows that are held, and the words.
    fn finish(mut self) -> Result<(ArrayRef, ArrayRef)> {
        let numbers = self.take_numbers();
        Ok((numbers, Arc::new(StringArray::from_iter_values(self.words))))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{StringViewArray, TimestampMicrosecondArray};
    use datafusion::execution::TaskContext;

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
            column.push(&views(batch.map(|text| text.map(str::to_string))), None).unwrap();
        }
        assert_eq!(column.held_bytes(), 4 * 6 + (23 + 1) + 2 * 48 + 3 * 40);
        let column = column.finish(None).unwrap().all().unwrap();
        assert_eq!(column.as_any_dictionary().values().len(), 2);
        let expected = [Some("a long name of somebody"), None, None, Some("b"), Some("a long name of somebody"), None];
        assert_eq!(texts(&column), expected.map(|text| text.map(str::to_string)));
    }

    #[test]
    fn many_texts_are_held_one_after_the_other() {
        let text = |n: usize| (!n.is_multiple_of(7)).then(|| format!("{} of a longer name", n % 6_000));
        let mut column = Values::new(ColumnType::Text);
        for start in (0..20_000).step_by(1_000) {
            column.push(&views((start..start + 1_000).map(text)), None).unwrap();
        }
        assert!(matches!(column, Values { form: Form::Varied(_), .. }));
        let column = column.finish(None).unwrap().all().unwrap();
        assert_eq!(column.data_type(), &DataType::Utf8);
        assert_eq!(texts(&column), (0..20_000).map(text).collect::<Vec<_>>());
    }

    #[test]
    fn other_values_are_as_their_column_promises_them() {
        let mut column = Values::new(ColumnType::Timestamp);
        column
            .push(&(Arc::new(TimestampMicrosecondArray::from(vec![1, 2]).with_timezone("UTC")) as ArrayRef), None)
            .unwrap();
        assert_eq!(column.finish(None).unwrap().all().unwrap().data_type(), &ColumnType::Timestamp.arrow());
    }

    #[test]
    fn values_on_disk_are_those_that_came() {
        let few = |n: usize| (!n.is_multiple_of(7)).then(|| format!("{} of a longer name", n % 50));
        let many = |n: usize| (!n.is_multiple_of(7)).then(|| format!("{} of a longer name", n % 6_000));
        let scratch = Scratch::of(&TaskContext::default());
        // Texts turn out to be many after numbers of words were put on disk, and before.
        for (text, spilt_at) in [(&few as &dyn Fn(usize) -> Option<String>, 3_000), (&many, 3_000), (&many, 12_000)] {
            let mut column = Values::new(ColumnType::Text);
            for start in (0..20_000).step_by(1_000) {
                column.push(&views((start..start + 1_000).map(text)), Some(&scratch)).unwrap();
                if start >= spilt_at && start % 4_000 == 0 || start == spilt_at {
                    let held = column.held_bytes();
                    column.spill(&scratch).unwrap();
                    assert!(column.held_bytes() < held);
                }
            }
            let column = column.finish(Some(&scratch)).unwrap();
            assert!(matches!(column, Stored::OnDisk(_)));
            assert_eq!(texts(&column.all().unwrap()), (0..20_000).map(text).collect::<Vec<_>>());
        }
    }
}
