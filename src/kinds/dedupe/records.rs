//! The records in the order of their keys.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};

use super::cluster::ids::Finder;
use super::columns::{Arrivals, NEVER, UNKNOWN};
use super::growing::too_long;
use super::intake::Work;
use super::keys::Keys;
use super::order::{self, Numbering};
use super::stored::Stored;
use crate::engine::scratch::Scratch;
use crate::error::Result;

/// All records. A record's ordinal is its place in the order of record keys.
///
/// What is asked of every record is by ordinal. Other values stay in the order in which their rows came,
/// as most are never looked at; `rows` leads to them.
#[derive(Debug)]
pub(super) struct Records {
    /// As indexes into [`Work::systems`].
    systems: Vec<u16>,
    /// When a record was changed; [`NEVER`] where nobody knows.
    updated: Vec<i64>,
    /// When a record was created; [`UNKNOWN`] where nobody knows.
    pub(super) created: Vec<i64>,
    /// Of those fields that have instants of their own, in their order.
    pub(super) instants: Vec<Vec<i64>>,
    /// By rule and row.
    pub(super) keys: Vec<Keys>,
    /// By unique id; 0 where a record has no value.
    pub(super) uniques: Vec<Vec<u64>>,
    /// By row: the ids of the records that others were merged into, where they are known.
    pub(super) masters: Option<ArrayRef>,
    /// By field, how many rows have a value that is no address or number; none where that is not looked at.
    pub(super) unreadable: Vec<Option<i64>>,
    /// By row.
    fields: Vec<Stored>,
    /// By field and row, what rules see of its values that look at values; nothing where they see them as they are.
    pub(super) compared: Vec<Option<ArrayRef>>,
    rows: Vec<u32>,
    /// `<system>:<id>`; ascending.
    names: StringArray,
    /// The sources of rows without an id.
    pub(super) without_id: Vec<u16>,
    /// Source and id of rows whose record was there already, in the order of their keys.
    pub(super) repeated: Vec<(u16, String)>,
    /// Where values go that do not fit into memory, if that is so.
    pub(super) scratch: Option<Scratch>,
}

impl Records {
    /// Numbers the rows that are records.
    pub(super) fn new(work: &Work, arrivals: Arrivals) -> Result<Self> {
        let Numbering { rows, names, without_id, repeated } = order::number(work, &arrivals)?;
        let Arrivals { sources, ids, updated, created, masters, fields, compared, unreadable, .. } = arrivals;
        let (instants, keys, uniques, scratch) = (arrivals.instants, arrivals.keys, arrivals.uniques, arrivals.scratch);
        drop(ids);
        let system = |row: &u32| sources.get(*row as usize).map_or(0, |source| work.system(*source));
        Ok(Self {
            systems: rows.iter().map(system).collect(),
            updated: by_ordinal(&rows, updated),
            created: by_ordinal(&rows, created),
            instants: instants.into_iter().map(|at| by_ordinal(&rows, at)).collect(),
            keys,
            uniques: uniques.into_iter().map(|ids| by_ordinal(&rows, ids)).collect(),
            masters,
            fields,
            compared,
            unreadable,
            rows,
            names,
            without_id,
            repeated,
            scratch,
        })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.systems.len()
    }

    /// Where a record's values lie in `fields`.
    pub(super) fn row(&self, ordinal: u32) -> u32 {
        self.rows.get(ordinal as usize).copied().unwrap_or(0)
    }

    /// The key of every record, of the keys of a rule; nothing where it has none.
    pub(super) fn keys_of<'a>(&'a self, keys: &'a [u128]) -> impl Iterator<Item = u128> + 'a {
        let all = if keys.is_empty() { &[] } else { self.rows.as_slice() };
        all.iter().map(|row| keys.get(*row as usize).copied().unwrap_or(0))
    }

    /// The same of all records.
    pub(super) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The values of a field, by row.
    pub(super) fn field(&self, field: usize) -> Option<&Stored> {
        self.fields.get(field)
    }

    /// The fields; they are held no longer, nor where the values of each record lie in them.
    pub(super) fn give_up_fields(&mut self) -> Vec<Stored> {
        self.rows = Vec::new();
        std::mem::take(&mut self.fields)
    }

    /// When records were created and changed is held no longer.
    pub(super) fn give_up_instants(&mut self) {
        (self.updated, self.created) = (Vec::new(), Vec::new());
    }

    /// The system of a record, as an index into [`Work::systems`].
    pub(super) fn system(&self, ordinal: u32) -> u16 {
        self.systems.get(ordinal as usize).copied().unwrap_or(0)
    }

    /// When a record was changed; [`NEVER`] where nobody knows.
    pub(super) fn updated(&self, ordinal: u32) -> i64 {
        self.updated.get(ordinal as usize).copied().unwrap_or(NEVER)
    }

    /// When a record was created; [`UNKNOWN`] where nobody knows.
    pub(super) fn created(&self, ordinal: u32) -> i64 {
        self.created.get(ordinal as usize).copied().unwrap_or(UNKNOWN)
    }

    /// `<system>:<id>`.
    pub(super) fn key(&self, ordinal: u32) -> &str {
        let ordinal = ordinal as usize;
        if ordinal < self.names.len() { self.names.value(ordinal) } else { "" }
    }

    /// The id of a record in its system.
    pub(super) fn id(&self, work: &Work, ordinal: u32) -> &str {
        let prefix = work.systems.get(usize::from(self.system(ordinal))).map_or(0, |system| system.len() + 1);
        self.key(ordinal).get(prefix..).unwrap_or_default()
    }

    /// The record of that key.
    pub(super) fn find(&self, key: &str) -> Option<u32> {
        Finder::new(self).find(key)
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
            let system = work.systems.get(usize::from(self.system(record))).map_or("", String::as_str);
            match self.find(&format!("{system}:{}", masters.value(row))) {
                Some(master) if master == record => {}
                Some(master) => pairs.push((record, master)),
                None => unknown += 1,
            }
        }
        Ok((pairs, unknown))
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        let texts = self.masters.iter().chain(self.compared.iter().flatten());
        let values = texts.map(|values| values.get_array_memory_size()).sum::<usize>()
            + self.fields.iter().map(Stored::held_bytes).sum::<usize>();
        let instants: usize = self.instants.iter().map(Vec::capacity).sum();
        let keys: usize = self.keys.iter().map(Keys::held_bytes).sum();
        let uniques: usize = self.uniques.iter().map(Vec::capacity).sum();
        let numbers = self.updated.capacity() + self.created.capacity() + instants + uniques;
        let names = self.names.get_array_memory_size() + 4 * self.rows.capacity() + 2 * self.systems.capacity();
        let rejected = 2 * self.without_id.capacity() + 64 * self.repeated.capacity();
        values + names + 8 * numbers + keys + rejected
    }
}

/// The values of records, from those of all rows; nothing where there are none.
fn by_ordinal<T: Copy + Default>(rows: &[u32], values: Vec<T>) -> Vec<T> {
    if values.is_empty() {
        return values;
    }
    rows.iter().map(|row| values.get(*row as usize).copied().unwrap_or_default()).collect()
}
