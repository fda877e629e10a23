//! The records as columns: gathered batch by batch, then numbered in the order of their keys.

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

/// What ordering, clustering and identifying take at most for each record, beside what is held already.
const WORK_BYTES: usize = 64;

/// What was pushed so far, row by row in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Columns {
    sources: Vec<u16>,
    ids: Vec<ArrayRef>,
    updated: Vec<i64>,
    created: Vec<i64>,
    masters: Vec<ArrayRef>,
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
        if work.knows_merges {
            let masters = stored(next()?, ColumnType::Text)?;
            self.bytes += masters.get_array_memory_size();
            self.masters.push(masters);
        }
        for (field, parts) in work.fields.iter().zip(&mut self.fields) {
            let values = stored(next()?, field.ty())?;
            self.bytes += values.get_array_memory_size();
            parts.push(values);
        }
        self.instants.iter_mut().try_for_each(|to| instants(next()?, NEVER, to))?;
        for (_, to) in work.rules.iter().zip(&mut self.keys).filter(|(rule, _)| rule.keyed()) {
            keys(next()?, to)?;
        }
        self.uniques.iter_mut().try_for_each(|to| numbers(next()?, to))
    }

    /// Bytes held, with the room that growing leaves unused and what the work will take.
    pub(super) fn held_bytes(&self) -> usize {
        let numbers = self.updated.capacity() + self.created.capacity();
        let instants: usize = self.instants.iter().map(Vec::capacity).sum();
        let keys: usize = self.keys.iter().map(Vec::capacity).sum();
        let uniques: usize = self.uniques.iter().map(Vec::capacity).sum();
        let work = WORK_BYTES * self.sources.len();
        self.bytes + work + 2 * self.sources.capacity() + 8 * (numbers + instants + uniques) + 16 * keys
    }

    /// Numbers the records and sorts out those that cannot be used.
    pub(super) fn finish(self, work: &Work) -> Result<Records> {
        if u32::try_from(self.sources.len()).is_err() {
            return Err(Error::data("more than 4,294,967,295 records cannot be compared at once"));
        }
        let ids = one(self.ids, ColumnType::Text)?;
        let ids = ids.as_string_opt::<i32>().ok_or_else(too_long)?;
        let fields = self.fields.into_iter().zip(&work.fields).map(|(parts, field)| one(parts, field.ty()));
        let mut records = Records {
            sources: self.sources,
            updated: self.updated,
            created: self.created,
            masters: if work.knows_merges { Some(one(self.masters, ColumnType::Text)?) } else { None },
            fields: fields.collect::<Result<_>>()?,
            instants: self.instants,
            keys: self.keys,
            uniques: self.uniques,
            names: StringArray::new_null(0),
            rows: Vec::new(),
            without_id: Vec::new(),
            repeated: Vec::new(),
        };
        order::number(work, &mut records, ids)?;
        Ok(records)
    }
}

/// The parts of a column as one array; texts of more than 2 GiB become large ones.
pub(super) fn one(parts: Vec<ArrayRef>, ty: ColumnType) -> Result<ArrayRef> {
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

/// Record keys are held as one array of texts.
pub(super) fn too_long() -> Error {
    Error::data("the ids of the records are longer than 2 GiB in all")
}

/// All records. Columns are by row, in the order of arrival; a record's ordinal is its place in the
/// order of record keys, and `rows` leads from one to the other.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) sources: Vec<u16>,
    pub(super) updated: Vec<i64>,
    pub(super) created: Vec<i64>,
    /// The ids of the records that others were merged into, where they are known.
    pub(super) masters: Option<ArrayRef>,
    pub(super) fields: Vec<ArrayRef>,
    /// Of those fields that have instants of their own, in their order.
    pub(super) instants: Vec<Vec<i64>>,
    /// By rule; 0 where a record has no key.
    pub(super) keys: Vec<Vec<u128>>,
    /// By unique id; 0 where a record has no value.
    pub(super) uniques: Vec<Vec<u64>>,
    /// By ordinal.
    pub(super) rows: Vec<u32>,
    /// By ordinal, `<system>:<id>`; ascending.
    pub(super) names: StringArray,
    /// The sources of rows without an id.
    pub(super) without_id: Vec<u16>,
    /// Source and id of rows whose record was there already, in the order of their keys.
    pub(super) repeated: Vec<(u16, String)>,
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

    /// `<system>:<id>`.
    pub(super) fn key(&self, ordinal: u32) -> &str {
        let ordinal = ordinal as usize;
        if ordinal < self.names.len() { self.names.value(ordinal) } else { "" }
    }

    /// The id of a record in its system.
    pub(super) fn id(&self, work: &Work, ordinal: u32) -> &str {
        let system = usize::from(self.system(work, self.row(ordinal)));
        let prefix = work.systems.get(system).map_or(0, |system| system.len() + 1);
        self.key(ordinal).get(prefix..).unwrap_or_default()
    }

    /// The record of that key.
    pub(super) fn find(&self, key: &str) -> Option<u32> {
        let (mut low, mut high) = (0, self.len() as u32);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.key(middle).as_bytes().cmp(key.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The links from records to those they were merged into, as pairs; and how many name a record that
    /// is not there.
    pub(super) fn merged(&self, work: &Work) -> Result<(Vec<(u32, u32)>, i64)> {
        let (mut pairs, mut unknown) = (Vec::new(), 0);
        let Some(masters) = &self.masters else { return Ok((pairs, unknown)) };
        let masters = masters.as_string_opt::<i32>().ok_or_else(too_long)?;
        for (record, row) in (0u32..).zip(&self.rows) {
            let row = *row as usize;
            if masters.is_null(row) {
                continue;
            }
            let system = work.systems.get(usize::from(self.system(work, row))).map_or("", String::as_str);
            match self.find(&format!("{system}:{}", masters.value(row))) {
                Some(master) if master == record => {}
                Some(master) => pairs.push((record, master)),
                None => unknown += 1,
            }
        }
        Ok((pairs, unknown))
    }

    /// When a row's record was changed; [`NEVER`] where nobody knows.
    pub(super) fn updated(&self, row: usize) -> i64 {
        self.updated.get(row).copied().unwrap_or(NEVER)
    }

    /// When a row's record was created; [`UNKNOWN`] where nobody knows.
    pub(super) fn created(&self, row: usize) -> i64 {
        self.created.get(row).copied().unwrap_or(UNKNOWN)
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        let values: usize = self.fields.iter().map(|field| field.get_array_memory_size()).sum();
        let instants: usize = self.instants.iter().map(Vec::capacity).sum();
        let keys: usize = self.keys.iter().map(Vec::capacity).sum();
        let uniques: usize = self.uniques.iter().map(Vec::capacity).sum();
        let rejected = 2 * self.without_id.capacity() + 64 * self.repeated.capacity();
        let numbers = self.updated.capacity() + self.created.capacity() + instants + uniques;
        let names = self.names.get_array_memory_size() + 4 * self.rows.capacity() + 2 * self.sources.capacity();
        let masters = self.masters.as_ref().map_or(0, |masters| masters.get_array_memory_size());
        values + masters + names + 8 * numbers + 16 * keys + rejected
    }
}
