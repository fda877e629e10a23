//! The keys of records for a rule, by row; 0 where a record has none.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeBinaryArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;

use super::intake::keys;
use super::key_hash::KEY_BYTES;
use crate::engine::scratch::{ColumnFile, ColumnWriter, Scratch};
use crate::error::Result;

/// Keys that are put into bytes at once.
const AT_ONCE: usize = 65_536;

/// Keys while their records come in.
#[derive(Debug, Default)]
pub(super) struct GrowingKeys {
    held: Vec<u128>,
    on_disk: Option<ColumnWriter>,
}

/// Keys when all are there, in memory or on disk.
#[derive(Debug)]
pub(super) enum Keys {
    /// In memory.
    Held(Vec<u128>),
    /// On disk, as [`super::key_hash`] makes them.
    OnDisk(Box<ColumnFile>),
}

impl GrowingKeys {
    /// Takes the next rows.
    pub(super) fn push(&mut self, array: &ArrayRef) -> Result<()> {
        keys(array, &mut self.held)
    }

    /// Puts on disk what is held.
    pub(super) fn spill(&mut self, scratch: &Scratch) -> Result<()> {
        let writer = match &mut self.on_disk {
            Some(writer) => writer,
            None => self.on_disk.insert(scratch.column(&DataType::FixedSizeBinary(KEY_BYTES))?),
        };
        for some in std::mem::take(&mut self.held).chunks(AT_ONCE) {
            let bytes: Vec<u8> = some.iter().flat_map(|key| key.to_le_bytes()).collect();
            let array = FixedSizeBinaryArray::try_new(KEY_BYTES, Buffer::from_vec(bytes), None)?;
            writer.push(&(Arc::new(array) as ArrayRef))?;
        }
        Ok(())
    }

    /// All rows.
    pub(super) fn finish(mut self, scratch: Option<&Scratch>) -> Result<Keys> {
        if let Some(scratch) = scratch.filter(|_| self.on_disk.is_some()) {
            self.spill(scratch)?;
        }
        Ok(match self.on_disk {
            Some(writer) => Keys::OnDisk(Box::new(writer.finish()?)),
            None => Keys::Held(self.held),
        })
    }

    /// Bytes held in memory.
    pub(super) fn held_bytes(&self) -> usize {
        size_of::<u128>() * self.held.len()
    }
}

impl Keys {
    /// Those of all rows; nothing where the rule has none.
    pub(super) fn all(&self) -> Result<Cow<'_, [u128]>> {
        match self {
            Self::Held(held) => Ok(Cow::Borrowed(held)),
            Self::OnDisk(file) => {
                let mut all = Vec::with_capacity(file.len());
                file.parts().try_for_each(|part| keys(&part?, &mut all))?;
                Ok(Cow::Owned(all))
            }
        }
    }

    /// Those of single rows.
    pub(super) fn at(&self, rows: &[u32]) -> Result<Vec<u128>> {
        match self {
            Self::Held(held) => Ok(rows.iter().map(|row| held.get(*row as usize).copied().unwrap_or(0)).collect()),
            Self::OnDisk(file) => {
                let mut found = Vec::with_capacity(rows.len());
                keys(&file.at(rows)?, &mut found)?;
                Ok(found)
            }
        }
    }

    /// Bytes held in memory.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Held(held) => size_of::<u128>() * held.capacity(),
            Self::OnDisk(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::TaskContext;

    use super::*;

    #[test]
    fn keys_are_the_same_wherever_they_are() {
        let scratch = Scratch::of(&TaskContext::default());
        let hashes = |from: u128, rows: u128| -> ArrayRef {
            let key = |row: u128| (!row.is_multiple_of(3)).then(|| (row << 90 | row).to_le_bytes());
            Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size((from..from + rows).map(key), 16).unwrap())
        };
        let (mut held, mut spilled) = (GrowingKeys::default(), GrowingKeys::default());
        for (from, rows) in [(0, 70_000), (70_000, 5), (70_005, 0), (70_005, 100)] {
            held.push(&hashes(from, rows)).unwrap();
            spilled.push(&hashes(from, rows)).unwrap();
            if rows != 5 {
                spilled.spill(&scratch).unwrap();
                assert_eq!(spilled.held_bytes(), 0);
            }
        }
        spilled.push(&hashes(1, 2)).unwrap();
        held.push(&hashes(1, 2)).unwrap();
        let (held, spilled) = (held.finish(None).unwrap(), spilled.finish(Some(&scratch)).unwrap());
        let rows = [70_106, 4, 0, 65_536, 4];
        assert_eq!(spilled.at(&rows).unwrap(), held.at(&rows).unwrap());
        assert!(spilled.held_bytes() == 0 && held.held_bytes() > 1_000_000);
        assert_eq!(spilled.all().unwrap(), held.all().unwrap());
    }
}
