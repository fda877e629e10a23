//! Rows → ordinals: records in the byte order of their keys, each key once.

use std::cmp::Ordering;
use std::fmt::Write;

use arrow::array::{Array, DynComparator, StringArray, StringBuilder, make_comparator};
use arrow::compute::SortOptions;

use super::columns::Arrivals;
use super::growing::too_long;
use super::intake::Work;
use crate::error::Result;

/// Which rows are records.
pub(super) struct Numbering {
    /// By ordinal.
    pub(super) rows: Vec<u32>,
    /// By ordinal, `<system>:<id>`; ascending.
    pub(super) names: StringArray,
    /// The sources of rows without an id.
    pub(super) without_id: Vec<u16>,
    /// Source and id of rows whose record was there already, in the order of their keys.
    pub(super) repeated: Vec<(u16, String)>,
}

/// Puts the records in order.
///
/// A record key is `<system>:<id>`, and no system's name holds a `:`; so the order of keys is the
/// order of `<system>:`, then that of ids.
pub(super) fn number(work: &Work, arrivals: &Arrivals) -> Result<Numbering> {
    let ids = &arrivals.ids;
    let mut systems: Vec<(String, u16)> = (0..).zip(&work.systems).map(|(at, name)| (format!("{name}:"), at)).collect();
    systems.sort();
    let (mut by_system, without_id) = by_system(work, arrivals);
    let choice = Choice::new(arrivals)?;
    let mut rows = Vec::with_capacity(ids.len() - without_id.len());
    let bytes = ids.values().len() + rows.capacity() * systems.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    i32::try_from(bytes).map_err(|_| too_long())?;
    let mut names = StringBuilder::with_capacity(rows.capacity(), bytes);
    let mut repeated = Vec::new();
    for (name, system) in systems {
        let of_system = by_system.get_mut(usize::from(system)).map(std::mem::take).unwrap_or_default();
        let mut sorted = sorted(ids, of_system);
        let same = |left: &Entry, right: &Entry| {
            left.beginning == right.beginning && ids.value(left.row as usize) == ids.value(right.row as usize)
        };
        for group in sorted.chunk_by_mut(same) {
            if group.len() > 1 {
                group.sort_by(|left, right| choice.compare(arrivals, left.row, right.row));
            }
            let Some((Entry { row, .. }, others)) = group.split_first() else { continue };
            let id = ids.value(*row as usize);
            rows.push(*row);
            // Writing to memory does not fail.
            let _ = names.write_str(&name);
            names.append_value(id);
            let source = |row: &u32| arrivals.sources.get(*row as usize).copied().unwrap_or(0);
            repeated.extend(others.iter().map(|other| (source(&other.row), id.to_string())));
        }
    }
    Ok(Numbering { rows, names: names.finish(), without_id, repeated })
}

/// The rows of each system, and the sources of rows without an id.
fn by_system(work: &Work, arrivals: &Arrivals) -> (Vec<Vec<u32>>, Vec<u16>) {
    let mut by_system: Vec<Vec<u32>> = vec![Vec::new(); work.systems.len()];
    let mut without_id = Vec::new();
    for (row, source) in (0u32..).zip(&arrivals.sources) {
        match by_system.get_mut(usize::from(work.system(*source))) {
            Some(rows) if arrivals.ids.is_valid(row as usize) => rows.push(row),
            _ => without_id.push(*source),
        }
    }
    without_id.sort_unstable();
    (by_system, without_id)
}

/// A row that is to be put in order.
#[derive(Clone, Copy)]
struct Entry {
    /// 16 bytes of its id after what the ids of its system begin with: they decide almost always, without the text
    /// being looked up.
    beginning: (u64, u64),
    row: u32,
}

/// Rows in the order of their ids.
fn sorted(ids: &StringArray, rows: Vec<u32>) -> Vec<Entry> {
    let bytes = |row: u32| ids.value(row as usize).as_bytes();
    let Some(first) = rows.first() else { return Vec::new() };
    let common = rows.iter().fold(bytes(*first), |common, row| {
        let alike = common.iter().zip(bytes(*row)).take_while(|(left, right)| left == right).count();
        common.get(..alike).unwrap_or_default()
    });
    let skip = common.len();
    let word = |bytes: &[u8], from: usize| {
        let mut word = [0; 8];
        for (to, byte) in word.iter_mut().zip(bytes.iter().skip(from)) {
            *to = *byte;
        }
        u64::from_be_bytes(word)
    };
    let entry = |row| Entry { beginning: (word(bytes(row), skip), word(bytes(row), skip + 8)), row };
    let mut entries: Vec<Entry> = rows.into_iter().map(entry).collect();
    entries.sort_unstable_by(|left, right| {
        let beginning = left.beginning.cmp(&right.beginning);
        beginning.then_with(|| bytes(left.row).cmp(bytes(right.row))).then_with(|| left.row.cmp(&right.row))
    });
    entries
}

/// Which of several rows of one record counts: the one changed last. What is left undecided is
/// decided by the values, so that the order of arrival never does.
struct Choice {
    /// Of the fields, and of what records were merged into.
    values: Vec<DynComparator>,
}

impl Choice {
    fn new(arrivals: &Arrivals) -> Result<Self> {
        let options = SortOptions { descending: false, nulls_first: false };
        let columns = arrivals.fields.iter().chain(&arrivals.masters);
        let values = columns.map(|column| Ok(make_comparator(column, column, options)?));
        Ok(Self { values: values.collect::<Result<_>>()? })
    }

    /// The row that counts comes first.
    fn compare(&self, arrivals: &Arrivals, left: u32, right: u32) -> Ordering {
        let (left, right) = (left as usize, right as usize);
        let ours = |row: usize| {
            let keys = arrivals.keys.iter().map(move |keys| keys.get(row).copied().unwrap_or(0));
            let uniques = arrivals.uniques.iter().map(move |ids| u128::from(ids.get(row).copied().unwrap_or(0)));
            let instants = arrivals.instants.iter().map(move |at| at.get(row).copied().unwrap_or(0) as u128);
            keys.chain(uniques).chain(instants)
        };
        let number = |of: &[i64], row: usize| of.get(row).copied().unwrap_or_default();
        number(&arrivals.updated, right)
            .cmp(&number(&arrivals.updated, left))
            .then_with(|| number(&arrivals.created, left).cmp(&number(&arrivals.created, right)))
            .then_with(|| arrivals.sources.get(left).cmp(&arrivals.sources.get(right)))
            .then_with(|| {
                let different = self.values.iter().map(|compare| compare(left, right));
                different.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            })
            .then_with(|| ours(left).cmp(ours(right)))
    }
}
