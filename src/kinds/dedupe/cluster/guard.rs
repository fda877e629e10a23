//! What keeps two clusters apart although an edge would join them.

use std::collections::BTreeMap;

use super::union_find::UnionFind;

/// What is declared against merging too much.
#[derive(Debug, Clone, Default)]
pub struct Guards {
    /// For every column of which a cluster may hold one value only: the hash of each record's value,
    /// 0 where it has none.
    pub unique_ids: Vec<Vec<u64>>,
    /// Pairs that are never one.
    pub cannot_link: Vec<(u32, u32)>,
    /// A cluster of more records is dissolved; `None` for no limit.
    pub max_cluster: Option<u32>,
}

/// Why an edge does not link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Its clusters hold two values of a column of which one is allowed.
    UniqueId {
        /// The position of the column in [`Guards::unique_ids`].
        column: u16,
        /// The smallest ordinal with a value in the cluster of the edge's `a`.
        left: u32,
        /// The same in the cluster of the edge's `b`.
        right: u32,
    },
    /// Its clusters hold the two records of a cannot-link pair.
    CannotLink {
        /// The one in the cluster of the edge's `a`.
        left: u32,
        /// The one in the cluster of the edge's `b`.
        right: u32,
    },
    /// Its clusters hold two records of which a judge says that they are not one.
    Judged {
        /// The one in the cluster of the edge's `a`: of all such pairs the one that weighs least, then the smallest.
        left: u32,
        /// The one in the cluster of the edge's `b`.
        right: u32,
        /// What the two weigh.
        weight_millibits: i32,
    },
    /// It held together a cluster that grew too large.
    Oversized {
        /// How many records that cluster had.
        records: u32,
    },
}

/// No record of the cluster has a value.
const NOBODY: u32 = u32::MAX;

/// What [`Guards`] come to while clusters grow: 12 bytes a record and unique column.
pub(super) struct Guard {
    columns: Vec<UniqueColumn>,
    /// By root: the cannot-link pairs with one record inside, as (inside, other).
    apart: BTreeMap<u32, Vec<(u32, u32)>>,
}

struct UniqueColumn {
    values: Vec<u64>,
    /// By root: the smallest record of the cluster that has a value, or [`NOBODY`].
    bearers: Vec<u32>,
}

impl UniqueColumn {
    fn new(values: Vec<u64>) -> Self {
        let bearer = |(record, value): (usize, &u64)| if *value == 0 { NOBODY } else { record as u32 };
        Self { bearers: values.iter().enumerate().map(bearer).collect(), values }
    }

    fn bearer(&self, root: u32) -> Option<(u32, u64)> {
        let bearer = *self.bearers.get(root as usize)?;
        Some((bearer, *self.values.get(bearer as usize)?))
    }

    fn joined(&mut self, root: u32, gone: u32) {
        let other = self.bearers.get(gone as usize).copied().unwrap_or(NOBODY);
        if let Some(bearer) = self.bearers.get_mut(root as usize) {
            *bearer = other.min(*bearer);
        }
    }
}

impl Guard {
    /// `None` where nothing is declared, so that nothing need be asked.
    pub(super) fn new(unique_ids: Vec<Vec<u64>>, cannot_link: &[(u32, u32)]) -> Option<Self> {
        if unique_ids.is_empty() && cannot_link.is_empty() {
            return None;
        }
        let mut pairs: Vec<(u32, u32)> = cannot_link.iter().map(|&(a, b)| (a.min(b), a.max(b))).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut apart: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for (a, b) in pairs {
            apart.entry(a).or_default().push((a, b));
            apart.entry(b).or_default().push((b, a));
        }
        Some(Self { columns: unique_ids.into_iter().map(UniqueColumn::new).collect(), apart })
    }

    /// The values of every column, by record.
    pub(super) fn unique_ids(&self) -> Vec<&[u64]> {
        self.columns.iter().map(|column| column.values.as_slice()).collect()
    }

    /// What keeps the clusters of two roots apart: unique ids in their order, then the smallest
    /// cannot-link pair.
    pub(super) fn refusal(&self, union: &mut UnionFind, left: u32, right: u32) -> Option<Refusal> {
        for (column, unique) in self.columns.iter().enumerate() {
            if let (Some((l, one)), Some((r, other))) = (unique.bearer(left), unique.bearer(right))
                && one != other
            {
                return Some(Refusal::UniqueId { column: column as u16, left: l, right: r });
            }
        }
        let (ours, theirs) = (self.apart.get(&left)?, self.apart.get(&right)?);
        let (shorter, root, turned) =
            if ours.len() <= theirs.len() { (ours, right, false) } else { (theirs, left, true) };
        let pairs = shorter.iter().filter(|(_, other)| union.find(*other) == root);
        let pair = pairs.map(|&(inside, other)| if turned { (other, inside) } else { (inside, other) }).min();
        pair.map(|(left, right)| Refusal::CannotLink { left, right })
    }

    /// The cluster of `gone` is now part of that of `root`.
    pub(super) fn joined(&mut self, root: u32, gone: u32) {
        for unique in &mut self.columns {
            unique.joined(root, gone);
        }
        let Some(mut less) = self.apart.remove(&gone) else { return };
        let pairs = self.apart.entry(root).or_default();
        if pairs.len() < less.len() {
            std::mem::swap(pairs, &mut less);
        }
        pairs.append(&mut less);
    }
}
