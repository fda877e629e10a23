//! Rows in the order of leading columns with few values, such as a segment and a month: by counting.
//!
//! ```text
//! column  ─→ of each row, which of its values in order it has         one pass, from the first row to the last
//! columns ─→ of each row, which combination of their values
//! rows    ─→ to where those of the combination begin, one after the other
//! ```
//!
//! To sort by one column after the other would look at each row's text where it happens to lie, and wait for memory
//! more than it compares.

use std::hash::BuildHasher;

use datafusion::common::hash_utils::RandomState;

use super::entity_order::{Key, Row};

/// Fewer rows are sorted as quickly by comparing words.
const MANY_ROWS: usize = 1024;
/// More values of a column than these are not few.
const MOST_VALUES: usize = 256;
/// Four places for each value, so that one is soon found.
const PLACES: usize = 4 * MOST_VALUES;
/// More combinations of values than these are not counted.
const MOST_GROUPS: usize = 1 << 16;

/// Rows in the order of their first columns.
#[derive(Debug)]
pub(super) struct Grouped {
    /// The rows, without a word; those that are alike in these columns stay as they are.
    pub(super) rows: Vec<Row>,
    /// How many rows each combination of values has, in order.
    pub(super) counts: Vec<usize>,
    /// How many columns that are.
    pub(super) columns: usize,
}

/// Puts so many rows in the order of the columns they are sorted by, as far as these have few values; `None` where
/// rows are few, or already the first column has many values.
pub(super) fn grouped(rows: usize, keys: &[Key<'_>]) -> Option<Grouped> {
    if rows < MANY_ROWS {
        return None;
    }
    let mut of_rows: Vec<u32> = vec![0; rows];
    let (mut groups, mut columns) = (1, 0);
    for key in keys {
        let Some(ranks) = Ranks::of(key, rows) else { break };
        if groups * ranks.count > MOST_GROUPS {
            break;
        }
        let width = u32::try_from(ranks.count).ok()?;
        of_rows.iter_mut().zip(ranks.of_rows()).for_each(|(group, rank)| *group = *group * width + rank);
        (groups, columns) = (groups * ranks.count, columns + 1);
    }
    if columns == 0 {
        return None;
    }
    let mut counts = vec![0usize; groups];
    for group in &of_rows {
        counts.get_mut(*group as usize).into_iter().for_each(|count| *count += 1);
    }
    let mut begin = 0;
    let mut begins = |count: &usize| {
        begin += count;
        begin - count
    };
    let mut next: Vec<usize> = counts.iter().map(&mut begins).collect();
    let mut sorted: Vec<Row> = vec![(0, 0); rows];
    for (row, group) in (0u32..).zip(of_rows) {
        let Some(next) = next.get_mut(group as usize) else { continue };
        sorted.get_mut(*next).into_iter().for_each(|place| *place = (0, row));
        *next += 1;
    }
    counts.retain(|count| *count > 0);
    Some(Grouped { rows: sorted, counts, columns })
}

/// Of each row, which of a column's values in order it has; NULL comes last.
struct Ranks {
    /// By row, the value's number in the order of appearance.
    values: Vec<u8>,
    /// By that number, the value's rank.
    ranks: Vec<u32>,
    count: usize,
}

impl Ranks {
    /// `None` where the column has many values, or is of a type without hashes.
    fn of(key: &Key<'_>, rows: usize) -> Option<Self> {
        let mut found = Values { places: vec![None; PLACES], known: Vec::new(), state: RandomState::with_seed(0) };
        let values = (0..rows as u32).map(|row| found.number(key, row)).collect::<Option<Vec<u8>>>()?;
        let mut order: Vec<usize> = (0..found.known.len()).collect();
        let row = |value: usize| found.known.get(value).copied().unwrap_or_default();
        order.sort_unstable_by(|a, b| key.compare(row(*a), row(*b)));
        let mut ranks = vec![0; order.len()];
        for (rank, value) in (0..).zip(&order) {
            ranks.get_mut(*value).into_iter().for_each(|place| *place = rank);
        }
        Some(Self { values, ranks, count: order.len() })
    }

    fn of_rows(&self) -> impl Iterator<Item = u32> {
        self.values.iter().map(|value| self.ranks.get(usize::from(*value)).copied().unwrap_or(0))
    }
}

/// The values found so far, numbered as they were found.
struct Values {
    /// Each value's number near the place that its hash names.
    places: Vec<Option<u8>>,
    /// By number, a row that has the value.
    known: Vec<u32>,
    state: RandomState,
}

impl Values {
    /// The number of the row's value; `None` where there are too many values, or the column has no hashes.
    fn number(&mut self, key: &Key<'_>, row: u32) -> Option<u8> {
        let mut place = self.hash(key, row)? as usize % PLACES;
        loop {
            match self.places.get(place).copied().flatten() {
                Some(value) if key.compare(*self.known.get(usize::from(value))?, row).is_eq() => return Some(value),
                Some(_) => place = (place + 1) % PLACES,
                None => break,
            }
        }
        let value = u8::try_from(self.known.len()).ok()?;
        self.known.push(row);
        *self.places.get_mut(place)? = Some(value);
        Some(value)
    }

    fn hash(&self, key: &Key<'_>, row: u32) -> Option<u64> {
        if key.is_null(row) {
            return Some(0);
        }
        match key.text(row) {
            Some(text) => Some(self.state.hash_one(text)),
            None => Some(self.state.hash_one(key.number(row)?)),
        }
    }
}
