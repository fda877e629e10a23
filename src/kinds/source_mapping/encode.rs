//! Numbers → dictionary-encoded text columns, so that nothing is hashed again when they are written.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Int32Type};

use super::values::{EMPTY, Values};
use crate::error::Result;

/// The type of the columns made here.
pub(super) fn data_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Texts that are the same for every batch.
#[derive(Debug)]
pub(super) struct Static {
    texts: ArrayRef,
}

impl Static {
    /// Numbered in this order.
    pub(super) fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self { texts: Arc::new(texts.into_iter().map(Some).collect::<StringArray>()) }
    }

    /// The column of these numbers, one for every row.
    pub(super) fn full(&self, numbers: impl Iterator<Item = u32>) -> Result<ArrayRef> {
        let keys = Int32Array::from_iter_values(numbers.map(|number| number as i32));
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(&self.texts))?))
    }

    /// The column of these numbers; no number is NULL.
    pub(super) fn column(&self, numbers: impl Iterator<Item = Option<u32>>) -> Result<ArrayRef> {
        let keys = keys(numbers.map(|number| number.map_or(NULL, |number| number as i32)).collect());
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(&self.texts))?))
    }
}

/// Stands for NULL among keys, which are never negative.
const NULL: i32 = -1;

fn keys(mut keys: Vec<i32>) -> Int32Array {
    let valid = BooleanBuffer::collect_bool(keys.len(), |row| keys.get(row) != Some(&NULL));
    if valid.count_set_bits() == keys.len() {
        return Int32Array::new(keys.into(), None);
    }
    // What stands under a NULL is never read, but must be a key.
    keys.iter_mut().for_each(|key| *key = (*key).max(0));
    Int32Array::new(keys.into(), Some(NullBuffer::new(valid)))
}

/// Texts of [`Values`], for one column. Batches share a dictionary as long as it is small, so that whoever
/// reads them looks at each text once and not once for every batch.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// For each value, its key in the dictionary.
    keys: Vec<i32>,
    /// For each key, its value.
    ids: Vec<u32>,
    texts: Option<ArrayRef>,
}

/// Values beyond which a dictionary serves no further batch.
const MOST_SHARED: usize = 4_096;

impl Shared {
    /// The column of these values; [`EMPTY`] is NULL. Numbers must mean what they meant in the last call.
    pub(super) fn column(&mut self, ids: impl ExactSizeIterator<Item = u32>, values: &Values) -> Result<ArrayRef> {
        // Nothing was ever seen but the missing value.
        if values.len() <= 1 {
            return Ok(new_null_array(&data_type(), ids.len()));
        }
        if self.keys.len() < values.len() {
            self.keys.resize(values.len(), NULL);
        }
        let before = self.ids.len();
        let keys = keys(ids.map(|id| self.key(id)).collect());
        let known = self.texts.take().filter(|_| self.ids.len() == before);
        let texts = known.unwrap_or_else(|| {
            Arc::new(StringArray::from_iter_values(self.ids.iter().map(|id| values.text(*id)))) as ArrayRef
        });
        if self.ids.len() > MOST_SHARED {
            self.forget();
        } else {
            self.texts = Some(Arc::clone(&texts));
        }
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, texts)?))
    }

    fn key(&mut self, id: u32) -> i32 {
        match self.keys.get_mut(id as usize) {
            Some(key) if id != EMPTY => {
                if *key == NULL {
                    *key = self.ids.len() as i32;
                    self.ids.push(id);
                }
                *key
            }
            _ => NULL,
        }
    }

    fn forget(&mut self) {
        for id in self.ids.drain(..) {
            if let Some(key) = self.keys.get_mut(id as usize) {
                *key = NULL;
            }
        }
    }
}
