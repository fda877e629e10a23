//! The records as columns: gathered batch by batch, then numbered in the order of their keys.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::{cast, concat};
use arrow::datatypes::DataType;

use super::intake::{Work, instants, keys, misfit, numbers, sources, stored};
use super::order;
use crate::contract::ColumnType;
use crate::error::{Error, Result};

/// No instant of change: older than every other.
pub(super) const NEVER: i64 = i64::MIN;
/// No instant of creation: later than every other.
pub(super) const UNKNOWN: i64 = i64::MAX;

/// What was pushed so far, row by row in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Columns {
    sources: Vec<u16>,
    ids: Vec<ArrayRef>,
    updated: Vec<i64>,
    created: Vec<i64>,
    fields: Vec<Vec<ArrayRef>>,
    instants: Vec<Vec<i64>>,
    keys: Vec<Vec<u128>>,
    uniques: Vec<Vec<u64>>,
    bytes: usize,
}

impl Columns {
    pub(super) fn new(work: &Work) -> Self {
        let instants = work.fields.iter().filter(|field| field.has_instant).count();
        Self {
            fields: vec![Vec::new(); work.fields.len()],
            instants: vec![Vec::new(); instants],
            keys: vec![Vec::new(); work.rules.len()],
            uniques: vec![Vec::new(); work.uniques.len()],
            ..Self::default()
        }
    }

    /// Takes a batch of [`super::plan`]'s records.
    pub(super) fn push(&mut self, work: &Work, batch: &RecordBatch) -> Result<()> {
        let mut columns = batch.columns().iter();
        let mut next = || columns.next().ok_or_else(misfit);
        sources(next()?, &mut self.sources)?;
        let ids = stored(next()?, ColumnType::Text)?;
        self.bytes += ids.get_array_memory_size();
        self.ids.push(ids);
        instants(next()?, NEVER, &mut self.updated)?;
        instants(next()?, UNKNOWN, &mut self.created)?;
        for (field, parts) in work.fields.iter().zip(&mut self.fields) {
            let values = stored(next()?, field.ty())?;
            self.bytes += values.get_array_memory_size();
            parts.push(values);
        }
        self.instants.iter_mut().try_for_each(|to| instants(next()?, NEVER, to))?;
        self.keys.iter_mut().try_for_each(|to| keys(next()?, to))?;
        self.uniques.iter_mut().try_for_each(|to| numbers(next()?, to))
    }

    /// Bytes held, with the room that growing leaves unused.
    pub(super) fn held_bytes(&self) -> usize {
        let numbers = self.updated.capacity() + self.created.capacity();
        let instants: usize = self.instants.iter().map(Vec::capacity).sum();
        let keys: usize = self.keys.iter().map(Vec::capacity).sum();
        let uniques: usize = self.uniques.iter().map(Vec::capacity).sum();
        self.bytes + 2 * self.sources.capacity() + 8 * (numbers + instants + uniques) + 16 * keys
    }

    /// Numbers the records and sorts out those that cannot be used.
    pub(super) fn finish(self, work: &Work) -> Result<Records> {
        if u32::try_from(self.sources.len()).is_err() {
            return Err(Error::data("more than 4,294,967,295 records cannot be compared at once"));
        }
        let ids = one(self.ids, ColumnType::Text)?;
        let ids = ids.as_string_opt::<i32>().ok_or_else(|| too_long("record ids"))?.clone();
        let fields = self.fields.into_iter().zip(&work.fields).map(|(parts, field)| one(parts, field.ty()));
        let mut records = Records {
            sources: self.sources,
            ids,
            updated: self.updated,
            created: self.created,
            fields: fields.collect::<Result<_>>()?,
            instants: self.instants,
            keys: self.keys,
            uniques: self.uniques,
            rows: Vec::new(),
            without_id: Vec::new(),
            repeated: Vec::new(),
        };
        order::number(work, &mut records)?;
        Ok(records)
    }
}

/// The parts of a column as one array; texts of more than 2 GiB become large ones.
fn one(parts: Vec<ArrayRef>, ty: ColumnType) -> Result<ArrayRef> {
    if parts.is_empty() {
        return Ok(arrow::array::new_empty_array(&ty.arrow()));
    }
    let bytes: usize = parts.iter().filter_map(|part| part.as_string_opt::<i32>()).map(|t| t.values().len()).sum();
    let parts: Vec<ArrayRef> = match i32::try_from(bytes) {
        Ok(_) => parts,
        Err(_) => parts.iter().map(|part| Ok(cast(part, &DataType::LargeUtf8)?)).collect::<Result<_>>()?,
    };
    let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
    Ok(concat(&parts)?)
}

fn too_long(what: &str) -> Error {
    Error::data(format!("the {what} are longer than 2 GiB in all"))
}

/// All records. Columns are by row, in the order of arrival; a record's ordinal is its place in the
/// order of record keys, and `rows` leads from one to the other.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) sources: Vec<u16>,
    pub(super) ids: StringArray,
    pub(super) updated: Vec<i64>,
    pub(super) created: Vec<i64>,
    pub(super) fields: Vec<ArrayRef>,
    /// Of those fields that have instants of their own, in their order.
    pub(super) instants: Vec<Vec<i64>>,
    /// By rule; 0 where a record has no key.
    pub(super) keys: Vec<Vec<u128>>,
    /// By unique id; 0 where a record has no value.
    pub(super) uniques: Vec<Vec<u64>>,
    /// By ordinal.
    pub(super) rows: Vec<u32>,
    /// Rows whose record has no id, by source.
    pub(super) without_id: Vec<u32>,
    /// Rows of records that were there already, in the order of their keys.
    pub(super) repeated: Vec<u32>,
}

impl Records {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row of a record.
    pub(super) fn row(&self, ordinal: u32) -> usize {
        self.rows.get(ordinal as usize).map_or(0, |row| *row as usize)
    }

    /// The system of a row, as an index into [`Work::systems`].
    pub(super) fn system(&self, work: &Work, row: usize) -> u16 {
        self.sources.get(row).map_or(0, |source| work.system(*source))
    }

    /// The id of a row's record.
    pub(super) fn id(&self, row: usize) -> &str {
        if row < self.ids.len() && self.ids.is_valid(row) { self.ids.value(row) } else { "" }
    }

    /// `<system>:<id>`.
    pub(super) fn key(&self, work: &Work, ordinal: u32) -> String {
        let row = self.row(ordinal);
        let system = work.systems.get(usize::from(self.system(work, row)));
        format!("{}:{}", system.map_or("", String::as_str), self.id(row))
    }

    /// When a row's record was changed; [`NEVER`] where nobody knows.
    pub(super) fn updated(&self, row: usize) -> i64 {
        self.updated.get(row).copied().unwrap_or(NEVER)
    }

    /// When a row's record was created; [`UNKNOWN`] where nobody knows.
    pub(super) fn created(&self, row: usize) -> i64 {
        self.created.get(row).copied().unwrap_or(UNKNOWN)
    }

    /// Lets go of what is not needed once clusters are found.
    pub(super) fn forget_keys(&mut self) {
        self.keys = Vec::new();
        self.uniques = Vec::new();
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        let values: usize = self.fields.iter().map(|field| field.get_array_memory_size()).sum();
        let instants: usize = self.instants.iter().map(Vec::capacity).sum();
        let keys: usize = self.keys.iter().map(Vec::capacity).sum();
        let uniques: usize = self.uniques.iter().map(Vec::capacity).sum();
        let rows = self.rows.capacity() + self.without_id.capacity() + self.repeated.capacity();
        let numbers = self.updated.capacity() + self.created.capacity() + instants + uniques;
        values + self.ids.get_array_memory_size() + 2 * self.sources.capacity() + 8 * numbers + 16 * keys + 4 * rows
    }
}

/// Shared with whoever needs a text column whatever its width.
pub(super) fn as_text(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Utf8 => Ok(Arc::clone(array)),
        _ => Ok(cast(array, &DataType::Utf8)?),
    }
}
