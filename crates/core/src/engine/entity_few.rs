//! Rows in the order of a column with few values, such as a segment or a month: by counting.
//!
//! ```text
//! row     ─→ which of the values it has, by a look into a small table
//! values  ─→ in order: where the rows of each begin
//! rows    ─→ there, one after the other
//! ```

use std::hash::BuildHasher;

use datafusion::common::hash_utils::RandomState;

use super::entity_order::{Key, Row};

/// Fewer rows are sorted as quickly by comparing words.
const MANY_ROWS: usize = 1024;
/// More values than these are not few.
const MOST_VALUES: usize = 256;
/// Four places for each value, so that one is soon found.
const PLACES: usize = 4 * MOST_VALUES;

/// Sorts many rows by a column of few values; rows of one value stay as they are. Tells how many rows each value
/// has, in the order of the values; `None`, and all rows as they were, where rows are few or values many.
pub(super) fn by_counting(rows: &mut [Row], key: &Key<'_>) -> Option<Vec<usize>> {
    if rows.len() < MANY_ROWS {
        return None;
    }
    let mut values = Values { places: vec![None; PLACES], known: Vec::new(), state: RandomState::with_seed(0) };
    let of_rows = rows.iter().map(|row| values.number(key, row.1)).collect::<Option<Vec<u8>>>()?;
    let mut order: Vec<usize> = (0..values.known.len()).collect();
    let shown_by = |value: usize| values.known.get(value).copied().unwrap_or_default();
    order.sort_unstable_by(|a, b| key.compare(shown_by(*a), shown_by(*b)));
    let mut counts = vec![0; order.len()];
    for value in &of_rows {
        counts.get_mut(usize::from(*value)).into_iter().for_each(|count| *count += 1);
    }
    let counts: Vec<usize> = order.iter().map(|value| counts.get(*value).copied().unwrap_or(0)).collect();
    let mut next = vec![0; order.len()];
    let mut begin = 0;
    for (value, count) in order.iter().zip(&counts) {
        next.get_mut(*value).into_iter().for_each(|next| *next = begin);
        begin += count;
    }
    let before = rows.to_vec();
    for (row, value) in before.into_iter().zip(of_rows) {
        let Some(next) = next.get_mut(usize::from(value)) else { continue };
        rows.get_mut(*next).into_iter().for_each(|place| *place = row);
        *next += 1;
    }
    Some(counts)
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
        match key.text(row) {
            Some(text) => Some(self.state.hash_one(text)),
            None => Some(self.state.hash_one(key.number(row)?)),
        }
    }
}
