//! Keys that were published → the records that have them now.

use super::state::Records;

/// No record has the key any more.
pub(super) const GONE: u32 = u32::MAX;

/// Where keys were found, and which of them came twice.
pub(super) struct Located {
    /// For every key the ordinal of its record, or [`GONE`].
    pub(super) at: Vec<u32>,
    /// Of the keys that come more than once the smallest.
    pub(super) twice: Option<usize>,
}

/// Finds the record of each of `rows` keys, by merging; keys in byte order are not sorted again.
pub(super) fn locate<'k>(records: &dyn Records, rows: usize, key: &dyn Fn(usize) -> &'k str) -> Located {
    let mut located = Located { at: vec![GONE; rows], twice: None };
    let mut order: Vec<u32> = Vec::new();
    if (1..rows).any(|row| key(row - 1) > key(row)) {
        order = (0..rows as u32).collect();
        order.sort_unstable_by(|left, right| key(*left as usize).cmp(key(*right as usize)));
    }
    let (mut ordinal, mut last) = (0, None);
    for at in 0..rows {
        let row = order.get(at).map_or(at, |row| *row as usize);
        let wanted = key(row);
        if last == Some(wanted) && located.twice.is_none() {
            located.twice = Some(row);
        }
        last = Some(wanted);
        while (ordinal as usize) < records.len() && records.key(ordinal) < wanted {
            ordinal += 1;
        }
        if (ordinal as usize) < records.len() && records.key(ordinal) == wanted {
            located.at[row] = ordinal;
        }
    }
    located
}
