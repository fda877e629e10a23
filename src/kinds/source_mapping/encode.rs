//! Numbers → dictionary-encoded text columns, so that nothing is hashed again when they are written.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
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

    /// The column of these numbers.
    pub(super) fn column(&self, numbers: impl Iterator<Item = Option<u32>>) -> Result<ArrayRef> {
        let keys: Int32Array = numbers.map(|number| number.map(|number| number as i32)).collect();
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(&self.texts))?))
    }
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
        let keys: Int32Array = ids
            .map(|id| {
                let slot = self.used.get_mut(id as usize).filter(|_| id != EMPTY)?;
                if slot.0 != self.round {
                    *slot = (self.round, texts.len() as i32);
                    texts.push(values.text(id));
                }
                Some(slot.1)
            })
            .collect();
        let texts = Arc::new(StringArray::from_iter_values(texts));
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, texts)?))
    }
}
