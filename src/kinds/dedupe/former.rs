//! The crosswalk as it was published last, held as compactly as the records.

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use uuid::Uuid;

use super::cluster::ids::{Crosswalk, CrosswalkRow};
use super::growing::Growing;
use super::identity::{broken, texts, uuid};
use super::intake::{instants, misfit};
use crate::contract::ColumnType;
use crate::error::Result;

/// Its rows while they come in.
#[derive(Debug)]
pub(super) struct FormerRows {
    keys: Growing,
    ids: Ids,
}

/// All of its rows.
pub(super) struct Former {
    keys: StringArray,
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
        Self { keys: Growing::new(ColumnType::Text), ids: Ids::default() }
    }

    /// Takes a batch of [`super::state::crosswalk`].
    ///
    /// # Errors
    /// Data, where it holds what no run publishes.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let [key, id, anchor, at, id_at] = batch.columns() else { return Err(misfit()) };
        self.keys.push(key)?;
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
        instants(id_at, 0, &mut self.ids.id_since)
    }

    /// # Errors
    /// Data, where a row has no record.
    pub(super) fn finish(self) -> Result<Former> {
        let keys = self.keys.finish_text()?;
        if keys.null_count() > 0 {
            return Err(broken("has a row without a record"));
        }
        Ok(Former { keys, ids: self.ids })
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.keys.held_bytes() + (size_of::<Uuid>() + 1 + 8 + 8) * self.ids.ids.len()
    }
}

impl Crosswalk for Former {
    fn len(&self) -> usize {
        self.ids.ids.len()
    }

    fn row(&self, at: usize) -> CrosswalkRow<'_> {
        CrosswalkRow {
            record: self.keys.value(at),
            id: self.ids.ids.get(at).copied().unwrap_or_default(),
            anchor: self.ids.anchors.get(at).copied().unwrap_or_default(),
            since: self.ids.since.get(at).copied().unwrap_or_default(),
            id_since: self.ids.id_since.get(at).copied().unwrap_or_default(),
        }
    }
}
