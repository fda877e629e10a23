//! How many of all pairs of records are at each level.

use super::compare::Pattern;
use super::em::FieldLevels;
use super::train::levels_of;

/// A number for each field and level.
pub type Table = Vec<Vec<f64>>;

/// What was counted.
#[derive(Debug)]
pub struct Counts {
    /// How many of the blocked pairs that were looked at have each pattern, in order of patterns.
    pub patterns: Vec<(Pattern, u64)>,
    /// How many blocked pairs each that was looked at stands for.
    pub scale: f64,
    /// Blocked pairs in all.
    pub blocked_pairs: f64,
    /// How many unblocked pairs that were looked at have each level, by field; place 0 is "missing".
    pub levels: Vec<Vec<u64>>,
    /// How many unblocked pairs were looked at.
    pub seen: u64,
    /// All pairs of records.
    pub pairs: f64,
}

/// Pairs at a level, and how many pairs one that was not seen may stand for.
pub struct Totals {
    pairs: Table,
    unseen: Table,
}

impl Totals {
    /// Of all pairs of records, by field and level.
    pub fn new(counts: &Counts, fields: &[FieldLevels<'_>]) -> Self {
        let mut pairs: Table = fields.iter().map(|field| vec![0.0; field.tests.len()]).collect();
        for (pattern, count) in &counts.patterns {
            add_at_levels(&mut pairs, *pattern, *count as f64 * counts.scale);
        }
        let weight = (counts.pairs - counts.blocked_pairs).max(0.0) / (counts.seen.max(1)) as f64;
        let mut unseen: Table = fields.iter().map(|field| vec![0.5 * weight.max(1.0); field.tests.len()]).collect();
        for ((own, seen), (unseen, field)) in pairs.iter_mut().zip(&counts.levels).zip(unseen.iter_mut().zip(fields)) {
            for (total, count) in own.iter_mut().zip(seen.iter().skip(1)) {
                *total += *count as f64 * weight;
            }
            if let (Some(exact), Some(total), Some(unseen)) = (field.equal_pairs, own.first_mut(), unseen.first_mut()) {
                (*total, *unseen) = (exact, 0.5);
            }
        }
        Self { pairs, unseen }
    }

    /// u: the share of the other pairs at each level, none of them nothing.
    pub fn others(&self, matches: &Table, related: &Table) -> Table {
        let row = |at: usize| {
            let of = |table: &Table, level: usize| table.get(at).and_then(|row| row.get(level)).copied().unwrap_or(0.0);
            let left = |(level, all): (usize, &f64)| {
                (all - of(matches, level) - of(related, level)).max(0.0) + of(&self.unseen, level)
            };
            let left: Vec<f64> = self.pairs.get(at).into_iter().flatten().enumerate().map(left).collect();
            let total: f64 = left.iter().sum();
            left.into_iter().map(|count| count / total).collect()
        };
        (0..self.pairs.len()).map(row).collect()
    }
}

/// Adds an amount at the level of each field of a pattern.
pub fn add_at_levels(table: &mut Table, pattern: Pattern, amount: f64) {
    let fields = table.len();
    for (row, level) in table.iter_mut().zip(levels_of(pattern, fields)) {
        if let Some(cell) = level.checked_sub(1).and_then(|place| row.get_mut(place)) {
            *cell += amount;
        }
    }
}
