//! Values at rest: in memory, or on disk where they do not fit into it.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Int32Type};

use super::growing::Growing;
use super::intake::misfit;
use crate::contract::ColumnType;
use crate::engine::scratch::{ColumnFile, ColumnWriter, Scratch};
use crate::error::Result;

/// Values that are looked up at once to be put on disk.
const AT_ONCE: usize = 65_536;

/// A column of a field's values.
#[derive(Debug)]
pub(super) enum Stored {
    /// As one array: a dictionary where there are few texts.
    Held(ArrayRef),
    /// The same on disk.
    OnDisk(Box<OnDisk>),
}

/// Values on disk; of few texts their numbers are there, and the texts are held.
#[derive(Debug)]
pub(super) struct OnDisk {
    file: ColumnFile,
    words: Option<ArrayRef>,
}

impl Stored {
    /// What was written, texts by the numbers of their words where there are any.
    pub(super) fn written(writer: ColumnWriter, words: Option<ArrayRef>) -> Result<Self> {
        Ok(Self::OnDisk(Box::new(OnDisk { file: writer.finish()?, words })))
    }

    /// Holds values, or puts them on disk where a place is named.
    pub(super) fn new(values: ArrayRef, scratch: Option<&Scratch>) -> Result<Self> {
        let Some(scratch) = scratch else { return Ok(Self::Held(values)) };
        let (numbers, words) = split(&values);
        let mut writer = scratch.column(numbers.data_type())?;
        writer.push(&numbers)?;
        Self::written(writer, words)
    }

    /// The same of some rows, which on their way to disk are never in memory at once.
    pub(super) fn chosen(values: &ArrayRef, rows: &UInt32Array, scratch: Option<&Scratch>) -> Result<Self> {
        let Some(scratch) = scratch else { return Ok(Self::Held(take(values, rows, None)?)) };
        let (numbers, words) = split(values);
        let mut writer = scratch.column(numbers.data_type())?;
        for start in (0..rows.len()).step_by(AT_ONCE) {
            let some = rows.slice(start, AT_ONCE.min(rows.len() - start));
            writer.push(&take(&numbers, &some, None)?)?;
        }
        Self::written(writer, words)
    }

    /// All values as one array.
    pub(super) fn all(&self) -> Result<ArrayRef> {
        match self {
            Self::Held(values) => Ok(Arc::clone(values)),
            Self::OnDisk(on_disk) => on_disk.all(),
        }
    }

    /// The values of a stretch of rows.
    pub(super) fn slice(&self, rows: Range<usize>) -> Result<ArrayRef> {
        match self {
            Self::Held(values) => Ok(values.slice(rows.start, rows.len())),
            Self::OnDisk(on_disk) => on_disk.of(on_disk.file.slice(rows)?),
        }
    }

    /// The values of single rows.
    pub(super) fn at(&self, rows: &[u32]) -> Result<ArrayRef> {
        match self {
            Self::Held(values) => Ok(take(values, &UInt32Array::from(rows.to_vec()), None)?),
            Self::OnDisk(on_disk) => on_disk.of(on_disk.file.at(rows)?),
        }
    }

    /// Bytes held in memory.
    pub(super) fn held_bytes(&self) -> usize {
        let words = |on_disk: &OnDisk| on_disk.words.as_ref().map_or(0, |words| words.get_array_memory_size());
        match self {
            Self::Held(values) => values.get_array_memory_size(),
            Self::OnDisk(on_disk) => words(on_disk),
        }
    }
}

/// What goes to disk and what stays in memory: the numbers of words, and the words.
fn split(values: &ArrayRef) -> (ArrayRef, Option<ArrayRef>) {
    match values.as_dictionary_opt::<Int32Type>() {
        Some(few) => (Arc::new(few.keys().clone()), Some(Arc::clone(few.values()))),
        None => (Arc::clone(values), None),
    }
}

/// Texts by the numbers of their words.
pub(super) fn of_words(numbers: &ArrayRef, words: &ArrayRef) -> Result<ArrayRef> {
    let numbers = numbers.as_primitive_opt::<Int32Type>().ok_or_else(misfit)?.clone();
    Ok(Arc::new(DictionaryArray::try_new(numbers, Arc::clone(words))?))
}

impl OnDisk {
    fn of(&self, numbers: ArrayRef) -> Result<ArrayRef> {
        self.words.as_ref().map_or(Ok(Arc::clone(&numbers)), |words| of_words(&numbers, words))
    }

    fn all(&self) -> Result<ArrayRef> {
        if *self.file.data_type() == DataType::Utf8 {
            // Read into a buffer that grows, texts are not held twice.
            let mut texts = Growing::new(ColumnType::Text);
            self.file.parts().try_for_each(|part| texts.push(&part?))?;
            return texts.finish();
        }
        let parts = self.file.parts().collect::<Result<Vec<_>>>()?;
        match parts.is_empty() {
            true => self.of(self.file.slice(0..0)?),
            false => self.of(concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())?),
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringArray, TimestampMicrosecondArray};
    use datafusion::execution::TaskContext;

    use super::*;

    #[test]
    fn values_are_the_same_wherever_they_are() {
        let words = StringArray::from(vec!["ant", "bee", "cat"]);
        let few = (0..20_000).map(|row| (row % 5 < 3).then_some(row % 3)).collect::<Int32Array>();
        let texts = (0..20_000).map(|row| (row % 3 > 0).then(|| format!("text {row}"))).collect::<StringArray>();
        let instants = TimestampMicrosecondArray::from_iter_values(0..20_000).with_timezone("UTC");
        let columns: [ArrayRef; 4] = [
            Arc::new(DictionaryArray::try_new(few, Arc::new(words)).unwrap()),
            Arc::new(texts),
            Arc::new(instants),
            Arc::new(StringArray::from(Vec::<&str>::new())),
        ];
        let scratch = Scratch::of(&TaskContext::default());
        for values in columns {
            let aside = Stored::new(Arc::clone(&values), Some(&scratch)).unwrap();
            let held = Stored::new(Arc::clone(&values), None).unwrap();
            assert_eq!(&aside.all().unwrap(), &values);
            let rows = if values.is_empty() { vec![] } else { vec![19_999, 0, 8_192, 8_191, 0] };
            assert_eq!(&aside.at(&rows).unwrap(), &held.at(&rows).unwrap());
            let rows = (0..70_000).map(|row| (row % 4 > 0 && !values.is_empty()).then_some(row * 7 % 20_000));
            let rows = rows.collect::<UInt32Array>();
            let some = Stored::chosen(&values, &rows, Some(&scratch)).unwrap();
            assert_eq!(&some.all().unwrap(), &take(&values, &rows, None).unwrap());
            let middle = values.len() / 3..values.len() / 2;
            assert_eq!(&aside.slice(middle.clone()).unwrap(), &held.slice(middle).unwrap());
            assert!(aside.held_bytes() < 1_000 && (values.is_empty() || held.held_bytes() > 10_000));
        }
    }
}
