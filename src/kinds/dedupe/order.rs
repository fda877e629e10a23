//! Rows → ordinals: records in the byte order of their keys, each key once.

use std::cmp::Ordering;
use std::fmt::Write;

use arrow::array::{Array, ArrayRef, DynComparator, StringArray, StringBuilder, UInt32Array, make_comparator};
use arrow::compute::{SortOptions, take};

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
    let mut ties = Ties::default();
    let mut rows = Vec::with_capacity(ids.len() - without_id.len());
    let bytes = ids.values().len() + rows.capacity() * systems.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    i32::try_from(bytes).map_err(|_| too_long())?;
    let mut names = StringBuilder::with_capacity(rows.capacity(), bytes);
    let mut repeated = Vec::new();
    let mut written = Vec::new();
    for (name, system) in systems {
        let of_system = by_system.get_mut(usize::from(system)).map(std::mem::take).unwrap_or_default();
        let (common, mut sorted) = sorted(ids, of_system);
        let same = |left: &Entry, right: &Entry| {
            let alike = left.beginning == right.beginning && left.bytes == right.bytes;
            alike && (left.is_whole(common) || ids.value(left.row as usize) == ids.value(right.row as usize))
        };
        for group in sorted.chunk_by_mut(same) {
            if group.len() > 1 {
                group.sort_by(|left, right| by_instants(arrivals, left.row, right.row));
                ties.note(arrivals, rows.len(), group);
            }
            let Some((first, others)) = group.split_first() else { continue };
            let id = first.id(common, ids, &mut written);
            rows.push(first.row);
            // Writing to memory does not fail.
            let _ = names.write_str(&name);
            names.append_value(id);
            let source = |row: &u32| arrivals.sources.get(*row as usize).copied().unwrap_or(0);
            repeated.extend(others.iter().map(|other| (source(&other.row), id.to_string())));
        }
    }
    ties.settle(arrivals, &mut rows)?;
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
    /// How long its id is.
    bytes: u32,
}

impl Entry {
    /// Whether the whole id is known from what ids begin with, `common`, and its own beginning.
    fn is_whole(&self, common: &[u8]) -> bool {
        self.bytes as usize <= common.len() + 2 * size_of::<u64>()
    }

    /// Its id: put together in `written` where that is possible, as texts lie scattered.
    fn id<'a>(&self, common: &[u8], ids: &'a StringArray, written: &'a mut Vec<u8>) -> &'a str {
        let row = self.row as usize;
        if !self.is_whole(common) {
            return ids.value(row);
        }
        written.clear();
        written.extend_from_slice(common);
        written.extend(self.beginning.0.to_be_bytes());
        written.extend(self.beginning.1.to_be_bytes());
        written.truncate(self.bytes as usize);
        std::str::from_utf8(written).unwrap_or_else(|_| ids.value(row))
    }
}

/// What all ids begin with, and rows in the order of their ids.
fn sorted(ids: &StringArray, rows: Vec<u32>) -> (&[u8], Vec<Entry>) {
    let bytes = |row: u32| ids.value(row as usize).as_bytes();
    let Some(first) = rows.first() else { return (&[], Vec::new()) };
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
    let entry = |row| {
        let id = bytes(row);
        Entry { beginning: (word(id, skip), word(id, skip + 8)), row, bytes: id.len() as u32 }
    };
    let mut entries: Vec<Entry> = rows.into_iter().map(entry).collect();
    entries.sort_unstable_by(|left, right| {
        let beginning = left.beginning.cmp(&right.beginning);
        beginning.then_with(|| bytes(left.row).cmp(bytes(right.row))).then_with(|| left.row.cmp(&right.row))
    });
    (common, entries)
}

/// Which of several rows of one record counts comes first: the one changed last.
fn by_instants(arrivals: &Arrivals, left: u32, right: u32) -> Ordering {
    let (left, right) = (left as usize, right as usize);
    let number = |of: &[i64], row: usize| of.get(row).copied().unwrap_or_default();
    number(&arrivals.updated, right)
        .cmp(&number(&arrivals.updated, left))
        .then_with(|| number(&arrivals.created, left).cmp(&number(&arrivals.created, right)))
        .then_with(|| arrivals.sources.get(left).cmp(&arrivals.sources.get(right)))
}

/// Records of which no instant says which row counts. Their values decide, so that the order of arrival never does;
/// they are few, and values are looked up once for all.
#[derive(Default)]
struct Ties {
    /// The place of each record, and how many rows it has.
    records: Vec<(usize, usize)>,
    /// The rows of all of them.
    rows: Vec<u32>,
}

impl Ties {
    /// Looks at the rows of the record at `place`, which are in order.
    fn note(&mut self, arrivals: &Arrivals, place: usize, group: &[Entry]) {
        let Some(first) = group.first() else { return };
        let is_equal = |entry: &&Entry| by_instants(arrivals, first.row, entry.row).is_eq();
        let equal = group.iter().take_while(is_equal).map(|entry| entry.row);
        let before = self.rows.len();
        self.rows.extend(equal);
        match self.rows.len() - before {
            1 => self.rows.truncate(before),
            rows => self.records.push((place, rows)),
        }
    }

    /// Puts the row that counts at the place of its record.
    fn settle(&self, arrivals: &Arrivals, rows: &mut [u32]) -> Result<()> {
        if self.records.is_empty() {
            return Ok(());
        }
        let values = Rivals::of(arrivals, &self.rows)?;
        let mut next = 0;
        for (place, count) in &self.records {
            let best = (next..next + count).min_by(|left, right| values.compare(*left, *right));
            next += count;
            if let Some((to, best)) = rows.get_mut(*place).zip(best.and_then(|best| self.rows.get(best))) {
                *to = *best;
            }
        }
        Ok(())
    }
}

/// Everything that rows can differ in but their instants.
struct Rivals {
    /// Of the fields, and of what records were merged into.
    values: Vec<DynComparator>,
    /// Keys, unique ids and the instants of single fields.
    numbers: Vec<Vec<u128>>,
}

impl Rivals {
    fn of(arrivals: &Arrivals, rows: &[u32]) -> Result<Self> {
        let options = SortOptions { descending: false, nulls_first: false };
        let compare = |column: ArrayRef| Ok(make_comparator(&column, &column, options)?);
        let fields = arrivals.fields.iter().map(|field| compare(field.at(rows)?));
        let places = UInt32Array::from(rows.to_vec());
        let masters = arrivals.masters.iter().map(|masters| compare(take(masters, &places, None)?));
        let uniques = arrivals.uniques.iter().map(|ids| of_rows(rows, ids, |id| u128::from(*id)));
        let instants = arrivals.instants.iter().map(|at| of_rows(rows, at, |at| *at as u128));
        let mut numbers = arrivals.keys.iter().map(|keys| keys.at(rows)).collect::<Result<Vec<_>>>()?;
        numbers.extend(uniques.chain(instants));
        Ok(Self { values: fields.chain(masters).collect::<Result<_>>()?, numbers })
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        let values = self.values.iter().map(|compare| compare(left, right));
        let numbers = self.numbers.iter().map(|of| of.get(left).cmp(&of.get(right)));
        values.chain(numbers).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

fn of_rows<T>(rows: &[u32], values: &[T], number: impl Fn(&T) -> u128) -> Vec<u128> {
    rows.iter().map(|row| values.get(*row as usize).map_or(0, &number)).collect()
}

#[cfg(test)]
mod tests {
    use rand::seq::IndexedRandom;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn rows_are_in_the_order_of_their_ids_whole_or_not() {
        let mut rng = ChaCha8Rng::seed_from_u64(31);
        let parts = ["a", "b", "\0", "é", "日", "0123456789abcdef", "z"];
        for round in 0..400 {
            let start = ["", "00Q", "日本", "é"].choose(&mut rng).unwrap();
            let mut id = || {
                let parts = (0..rng.random_range(0..6)).map(|_| *parts.choose(&mut rng).unwrap());
                format!("{start}{}", parts.collect::<String>())
            };
            let texts: Vec<String> = (0..round % 40).map(|_| id()).collect();
            let ids = StringArray::from_iter_values(&texts);
            let (common, entries) = sorted(&ids, (0..ids.len() as u32).collect());
            let mut written = Vec::new();
            let read: Vec<String> =
                entries.iter().map(|entry| entry.id(common, &ids, &mut written).to_string()).collect();
            let mut expected: Vec<(&str, u32)> = texts.iter().map(String::as_str).zip(0..).collect();
            expected.sort_unstable();
            assert_eq!(read, expected.iter().map(|(id, _)| *id).collect::<Vec<_>>());
            assert!(entries.iter().map(|entry| entry.row).eq(expected.iter().map(|(_, row)| *row)));
        }
    }
}
