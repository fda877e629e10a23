//! A column while its rows come in.
//!
//! Texts lie side by side in one buffer that grows: a large one is moved by its pages and not copied, and
//! room that is not filled yet is not memory. Put together of its batches in the end, a column would be
//! held twice for a while.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, NullBufferBuilder, StringArray, StringViewArray, new_empty_array};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::{cast, concat};
use arrow::datatypes::DataType;

use super::intake::misfit;
use crate::contract::ColumnType;
use crate::error::{Error, Result};

/// Texts without surrounding spaces, NULL where nothing is left; other values as their column promises them.
#[derive(Debug)]
pub(super) struct Growing {
    ty: ColumnType,
    text: String,
    /// Where the first text begins, and where each ends.
    ends: Vec<i32>,
    valid: NullBufferBuilder,
    /// Full arrays of texts, and batches of other values.
    parts: Vec<ArrayRef>,
    part_bytes: usize,
}

impl Growing {
    pub(super) fn new(ty: ColumnType) -> Self {
        let valid = NullBufferBuilder::new(0);
        Self { ty, text: String::new(), ends: vec![0], valid, parts: Vec::new(), part_bytes: 0 }
    }

    /// Of arrays that fit into memory.
    pub(super) fn data_type(&self) -> DataType {
        self.ty.arrow()
    }

    /// Takes the next rows.
    pub(super) fn push(&mut self, array: &ArrayRef) -> Result<()> {
        if self.ty == ColumnType::Text {
            let texts = cast(array, &DataType::Utf8View)?;
            return self.push_texts(texts.as_string_view_opt().ok_or_else(misfit)?);
        }
        let values = cast(array, &self.ty.arrow())?;
        self.keep(values);
        Ok(())
    }

    fn push_texts(&mut self, texts: &StringViewArray) -> Result<()> {
        let bytes: usize = texts.lengths().map(|length| length as usize).sum();
        if i32::try_from(self.text.len() + bytes).is_err() {
            self.seal()?;
            i32::try_from(bytes).map_err(|_| too_long())?;
        }
        self.ends.reserve(texts.len());
        for text in texts {
            let text = text.map_or("", trimmed);
            self.text.push_str(text);
            self.valid.append(!text.is_empty());
            self.ends.push(self.text.len() as i32);
        }
        Ok(())
    }

    /// What came last becomes an array of its own.
    fn seal(&mut self) -> Result<()> {
        if self.ends.len() == 1 {
            return Ok(());
        }
        let (text, ends) = (std::mem::take(&mut self.text), std::mem::replace(&mut self.ends, vec![0]));
        let offsets = ScalarBuffer::from(ends);
        let texts =
            StringArray::try_new(OffsetBuffer::new(offsets), Buffer::from_vec(text.into_bytes()), self.valid.finish())?;
        self.keep(Arc::new(texts));
        Ok(())
    }

    fn keep(&mut self, part: ArrayRef) {
        self.part_bytes += part.get_array_memory_size();
        self.parts.push(part);
    }

    /// All rows as one array; texts of more than 2 GiB as large ones.
    pub(super) fn finish(mut self) -> Result<ArrayRef> {
        self.text.shrink_to_fit();
        self.seal()?;
        if let [only] = self.parts.as_slice() {
            return Ok(Arc::clone(only));
        }
        if self.parts.is_empty() {
            return Ok(new_empty_array(&self.ty.arrow()));
        }
        if self.ty == ColumnType::Text {
            let large = self.parts.iter().map(|part| Ok(cast(part, &DataType::LargeUtf8)?));
            self.parts = large.collect::<Result<_>>()?;
        }
        let parts: Vec<&dyn Array> = self.parts.iter().map(AsRef::as_ref).collect();
        Ok(concat(&parts)?)
    }

    /// What came since the last time, as arrays of one type.
    pub(super) fn take(&mut self) -> Result<Vec<ArrayRef>> {
        self.seal()?;
        let ty = self.ty;
        Ok(std::mem::replace(self, Self::new(ty)).parts)
    }

    /// The same of a column that must fit into one array.
    pub(super) fn finish_text(self) -> Result<StringArray> {
        Ok(self.finish()?.as_string_opt::<i32>().ok_or_else(too_long)?.clone())
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        let rows = self.ends.len() - 1;
        self.part_bytes + self.text.len() + 4 * rows + rows / 8
    }
}

/// Without surrounding spaces, which most texts are.
fn trimmed(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if is_plain(text.as_bytes().first()) && is_plain(text.as_bytes().last()) { text } else { text.trim() }
}

/// Record keys are held as one array of texts.
pub(super) fn too_long() -> Error {
    Error::data("the ids of the records are longer than 2 GiB in all")
}

#[cfg(test)]
mod tests {
    use arrow::array::Int32Array;

    use super::*;

    #[test]
    fn texts_are_trimmed_and_blank_ones_are_null() {
        let mut column = Growing::new(ColumnType::Text);
        for batch in [vec![Some(" a "), None, Some("")], vec![Some("bc"), Some("\t")]] {
            column.push(&(Arc::new(StringViewArray::from(batch)) as ArrayRef)).unwrap();
        }
        assert_eq!(column.held_bytes(), 3 + 4 * 5);
        let expected = StringArray::from(vec![Some("a"), None, None, Some("bc"), None]);
        assert_eq!(column.finish_text().unwrap(), expected);
    }

    #[test]
    fn texts_of_any_form_stay_in_the_order_in_which_they_came() {
        let mut column = Growing::new(ColumnType::Text);
        let parts: [ArrayRef; 3] = [
            Arc::new(StringArray::from(vec!["a"])),
            Arc::new(StringViewArray::from(vec!["b"])),
            Arc::new(StringArray::from(vec![" c", ""])),
        ];
        parts.iter().for_each(|part| column.push(part).unwrap());
        assert_eq!(column.finish_text().unwrap(), StringArray::from(vec![Some("a"), Some("b"), Some("c"), None]));
    }

    #[test]
    fn other_values_are_as_their_column_promises_them() {
        let mut column = Growing::new(ColumnType::BigInt);
        for batch in [vec![Some(1), None], vec![Some(3)]] {
            column.push(&(Arc::new(Int32Array::from(batch)) as ArrayRef)).unwrap();
        }
        let column = column.finish().unwrap();
        assert_eq!((column.len(), column.null_count()), (3, 1));
        assert_eq!(column.data_type(), &ColumnType::BigInt.arrow());
    }

    #[test]
    fn a_column_without_rows_has_its_type() {
        let column = Growing::new(ColumnType::Text).finish().unwrap();
        assert_eq!((column.len(), column.data_type()), (0, &DataType::Utf8));
    }

    #[test]
    fn texts_that_do_not_fit_into_one_array_become_large_ones() {
        let mut column = Growing::new(ColumnType::Text);
        for batch in [vec![Some("a"), None], vec![Some("b")]] {
            column.push(&(Arc::new(StringViewArray::from(batch)) as ArrayRef)).unwrap();
            column.seal().unwrap();
        }
        let column = column.finish().unwrap();
        assert_eq!(column.as_string::<i64>().iter().collect::<Vec<_>>(), [Some("a"), None, Some("b")]);
    }
}
