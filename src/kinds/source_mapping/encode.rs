//! Numbers → dictionary-encoded text columns, so that nothing is hashed again when they are written.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
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

/// Texts of [`Values`]: each batch has a dictionary of only those that occur in it.
#[derive(Debug, Default)]
pub(super) struct Local {
    /// For each value, the round it was last used in and its key there.
    used: Vec<(u32, i32)>,
    round: u32,
}

impl Local {
    /// The column of these values; [`EMPTY`] is NULL.
    pub(super) fn column(&mut self, ids: impl Iterator<Item = u32>, values: &Values) -> Result<ArrayRef> {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.used.clear();
            self.round = 1;
        }
        if self.used.len() < values.len() {
            self.used.resize(values.len(), (0, 0));
        }
        let mut texts: Vec<&str> = Vec::new();
        let local = ids.map(|id| match self.used.get_mut(id as usize) {
            Some((round, key)) if id != EMPTY => {
                if *round != self.round {
                    (*round, *key) = (self.round, texts.len() as i32);
                    texts.push(values.text(id));
                }
                *key
            }
            _ => NULL,
        });
        let keys = keys(local.collect());
        let texts = Arc::new(StringArray::from_iter_values(texts));
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, texts)?))
    }
}
