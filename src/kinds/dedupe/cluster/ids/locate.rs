//! Keys that were published → the records that have them now.

use super::state::{Crosswalk, Records, broken};
use crate::error::{Error, Result};

/// No record has the key any more.
pub(super) const GONE: u32 = u32::MAX;

/// Finds records by their keys. Each is looked for from the one before on, as most keys come in stretches that are in
/// byte order.
pub struct Finder<'a> {
    records: &'a dyn Records,
    next: u32,
}

impl<'a> Finder<'a> {
    /// Looks from the first record on.
    pub fn new(records: &'a dyn Records) -> Self {
        Self { records, next: 0 }
    }

    /// The ordinal of the record with this key, if it is there.
    pub fn find(&mut self, key: &str) -> Option<u32> {
        let (records, end) = (self.records, self.records.len() as u32);
        let is_behind = self.next > 0 && records.key(self.next - 1) >= key;
        let mut from = if is_behind { 0 } else { self.next };
        let (mut to, mut step) = (from, 1_u32);
        while to < end && records.key(to) < key {
            from = to + 1;
            to = to.saturating_add(step).min(end);
            step = step.saturating_mul(2);
        }
        while from < to {
            let middle = from + (to - from) / 2;
            if records.key(middle) < key {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        let found = to < end && records.key(to) == key;
        self.next = to + u32::from(found);
        found.then_some(to)
    }
}

/// Where the keys of a crosswalk were found.
#[derive(Debug)]
pub(super) struct Located {
    /// By row the ordinal of its record, or [`GONE`].
    pub(super) at: Vec<u32>,
    /// The keys of rows whose records are gone.
    pub(super) gone: Gone,
}

/// Finds the record of every row of a crosswalk.
///
/// # Errors
/// Data, where a row has no record or several rows have the same; world, where keys cannot be read.
pub(super) fn locate(records: &dyn Records, crosswalk: &dyn Crosswalk) -> Result<Located> {
    let mut at = Vec::with_capacity(crosswalk.len());
    let mut gone = Gone::default();
    let mut seen = vec![false; records.len()];
    let mut twice: Option<u32> = None;
    let mut finder = Finder::new(records);
    crosswalk.keys(&mut |key| {
        let ordinal = finder.find(key).unwrap_or(GONE);
        match seen.get_mut(ordinal as usize) {
            None => gone.push(at.len() as u32, key),
            Some(true) => twice = Some(twice.map_or(ordinal, |least| least.min(ordinal))),
            Some(seen) => *seen = true,
        }
        at.push(ordinal);
    })?;
    if at.len() != crosswalk.len() {
        return Err(Error::internal(format!("{} rows of a crosswalk have {} keys", crosswalk.len(), at.len())));
    }
    let twice = twice.map(|ordinal| records.key(ordinal));
    match twice.into_iter().chain(gone.twice()).min() {
        Some(key) => Err(broken(&format!("has the record `{key}` twice"))),
        None => Ok(Located { at, gone }),
    }
}

/// Keys of some rows, side by side.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// Ascending.
    rows: Vec<u32>,
    /// Where each key ends in `text`.
    ends: Vec<usize>,
    text: String,
}

impl Gone {
    fn push(&mut self, row: u32, key: &str) {
        self.rows.push(row);
        self.text.push_str(key);
        self.ends.push(self.text.len());
    }

    /// The key of a row; nothing where that is none of them.
    pub(super) fn key(&self, row: u32) -> &str {
        self.rows.binary_search(&row).map_or("", |at| self.at(at))
    }

    fn at(&self, at: usize) -> &str {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }

    /// Of the keys that come more than once the smallest.
    fn twice(&self) -> Option<&str> {
        let mut keys: Vec<&str> = (0..self.rows.len()).map(|at| self.at(at)).collect();
        keys.sort_unstable();
        let mut pairs = keys.iter().zip(keys.iter().skip(1));
        pairs.find(|(key, next)| key == next).map(|(key, _)| *key)
    }
}

#[cfg(test)]
mod tests {
    use rand::prelude::*;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    struct Keys(Vec<String>);

    impl Records for Keys {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn key(&self, ordinal: u32) -> &str {
            &self.0[ordinal as usize]
        }

        fn first_seen(&self, _: u32) -> Option<i64> {
            None
        }
    }

    #[test]
    fn keys_are_found_in_whatever_order_they_come() {
        let mut rng = ChaCha8Rng::seed_from_u64(41);
        for round in 0..200 {
            let share = [0.0, 0.1, 0.5, 1.0][round % 4];
            let all: Vec<String> = (0..rng.random_range(0..80)).map(|n| format!("crm:{n:03}")).collect();
            let records = Keys(all.iter().filter(|_| rng.random_bool(share)).cloned().collect());
            let mut wanted = all.clone();
            if round % 3 == 0 {
                wanted.shuffle(&mut rng);
            } else {
                let by = rng.random_range(0..=wanted.len());
                wanted.rotate_left(by);
            }
            wanted.extend(all.first().cloned());
            let mut finder = Finder::new(&records);
            for key in wanted {
                let expected = records.0.iter().position(|other| *other == key).map(|at| at as u32);
                assert_eq!(finder.find(&key), expected);
            }
        }
    }

    #[test]
    fn keys_of_rows_are_kept() {
        let mut gone = Gone::default();
        assert_eq!((gone.key(0), gone.twice()), ("", None));
        for (row, key) in [(2, "c"), (5, ""), (7, "a"), (9, "c"), (11, "a")] {
            gone.push(row, key);
        }
        assert_eq!([2, 5, 7, 8, 11].map(|row| gone.key(row)), ["c", "", "a", "", "a"]);
        assert_eq!(gone.twice(), Some("a"));
    }
}
