//! The crosswalk as it was published last, held as compactly as the records.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use uuid::Uuid;

use super::cluster::ids::{Crosswalk, CrosswalkRow, broken};
use super::columns::SPILL_BYTES;
use super::identity::{texts, uuid};
use super::intake::{instants, misfit};
use super::stored::Stored;
use super::values::Values;
use crate::contract::ColumnType;
use crate::engine::scratch::Scratch;
use crate::error::Result;

/// Keys that are read at once.
const AT_ONCE: usize = 65_536;

/// What is held for each row while clusters are given their ids: its record, and its id with its anchor.
const WORK_BYTES: usize = 37;

/// Its rows while they come in.
#[derive(Debug)]
pub(super) struct FormerRows {
    keys: Values,
    ids: Ids,
    /// Where keys go, if they do not fit into memory.
    scratch: Option<Scratch>,
}

/// All of its rows.
pub(super) struct Former {
    keys: Stored,
    ids: Ids,
}

/// Everything but the records' keys, by row.
#[derive(Debug, Default)]
struct Ids {
    ids: Vec<Uuid>,
    anchors: Vec<bool>,
    since: Vec<i64>,
    id_since: Vec<i64>,
}

impl FormerRows {
    pub(super) fn new() -> Self {
        Self { keys: Values::new(ColumnType::Text), ids: Ids::default(), scratch: None }
    }

    /// Takes a batch of [`super::state::crosswalk`].
    ///
    /// # Errors
    /// Data, where it holds what no run publishes.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let [key, id, anchor, at, id_at] = batch.columns() else { return Err(misfit()) };
        self.keys.push(key, self.scratch.as_ref())?;
        for text in texts(id)? {
            self.ids.ids.push(uuid(text)?.ok_or_else(|| broken("has a record without an id"))?);
        }
        for (name, column) in [("is_anchor", anchor), ("linked_since", at), ("id_since", id_at)] {
            if column.null_count() > 0 {
                return Err(broken(&format!("has a record without `{name}`")));
            }
        }
        let anchors = anchor.as_boolean_opt().ok_or_else(misfit)?;
        self.ids.anchors.extend(anchors.iter().map(|anchor| anchor == Some(true)));
        instants(at, 0, &mut self.ids.since)?;
        instants(id_at, 0, &mut self.ids.id_since)?;
        match self.scratch.clone() {
            Some(scratch) if self.keys.held_bytes() > SPILL_BYTES => self.spill(&scratch),
            _ => Ok(()),
        }
    }

    /// Puts keys on disk, and those that come later with them.
    pub(super) fn spill(&mut self, scratch: &Scratch) -> Result<()> {
        self.scratch = Some(scratch.clone());
        self.keys.spill(scratch)
    }

    /// # Errors
    /// World, where there is no room for keys.
    pub(super) fn finish(self) -> Result<Former> {
        Ok(Former { keys: self.keys.finish(self.scratch.as_ref())?, ids: self.ids })
    }

    /// Bytes held, and what going on from them will take.
    pub(super) fn held_bytes(&self) -> usize {
        self.keys.held_bytes() + (size_of::<Uuid>() + 1 + 8 + 8 + WORK_BYTES) * self.ids.ids.len()
    }
}

impl Crosswalk for Former {
    fn len(&self) -> usize {
        self.ids.ids.len()
    }

    fn row(&self, at: usize) -> CrosswalkRow {
        CrosswalkRow {
            id: self.ids.ids.get(at).copied().unwrap_or_default(),
            anchor: self.ids.anchors.get(at).copied().unwrap_or_default(),
            since: self.ids.since.get(at).copied().unwrap_or_default(),
            id_since: self.ids.id_since.get(at).copied().unwrap_or_default(),
        }
    }

    fn keys(&self, see: &mut dyn FnMut(&str)) -> Result<()> {
        for start in (0..self.len()).step_by(AT_ONCE) {
            let keys = self.keys.slice(start..self.len().min(start + AT_ONCE))?;
            let keys = cast(&keys, &DataType::Utf8View)?;
            for key in keys.as_string_view_opt().ok_or_else(misfit)? {
                see(key.ok_or_else(|| broken("has a row without a record"))?);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, StringArray, StringViewArray, TimestampMicrosecondArray};
    use datafusion::execution::TaskContext;

    use super::*;

    fn batch(keys: impl Iterator<Item = String>) -> RecordBatch {
        let keys = StringViewArray::from_iter_values(keys);
        let rows = keys.len();
        let ids = StringArray::from_iter_values((0..rows).map(|row| Uuid::from_u128(row as u128).to_string()));
        let at = || Arc::new(TimestampMicrosecondArray::from(vec![7; rows]).with_timezone("UTC")) as ArrayRef;
        let columns: [(&str, ArrayRef); 5] = [
            ("record", Arc::new(keys)),
            ("id", Arc::new(ids)),
            ("is_anchor", Arc::new(BooleanArray::from(vec![true; rows]))),
            ("linked_since", at()),
            ("id_since", at()),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn keys(former: &Former) -> Vec<String> {
        let mut keys = Vec::new();
        former.keys(&mut |key| keys.push(key.to_string())).unwrap();
        keys
    }

    #[test]
    fn keys_are_the_same_on_disk_and_held() {
        let scratch = Scratch::of(&TaskContext::default());
        // So few that they are held as words, and more than are read at once.
        for rows in [0, 300, 150_000] {
            let all: Vec<String> = (0..rows).map(|row| format!("crm:{row:06}")).collect();
            for spilled_after in [None, Some(0), Some(100), Some(70_000)] {
                let mut former = FormerRows::new();
                for (at, part) in all.chunks(100).enumerate() {
                    if spilled_after == Some(100 * at) {
                        former.spill(&scratch).unwrap();
                        assert!(former.held_bytes() < 75 * 100 * at.max(1) + 20_000, "keys are no longer held");
                    }
                    former.push(&batch(part.iter().cloned())).unwrap();
                }
                let former = former.finish().unwrap();
                assert_eq!((former.len(), keys(&former)), (rows, all.clone()));
            }
        }
    }

    #[test]
    fn a_row_without_a_record_is_refused() {
        let mut former = FormerRows::new();
        former.push(&batch(["crm:1".to_string(), " ".to_string()].into_iter())).unwrap();
        let told = former.finish().unwrap().keys(&mut |_| ()).unwrap_err();
        assert!(told.message().contains("has a row without a record"), "{told}");
    }
}
