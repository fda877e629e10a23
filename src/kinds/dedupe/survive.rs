//! Which record each value of an entity is taken from.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, DynComparator, make_comparator};
use arrow::compute::SortOptions;

use super::columns::{NEVER, Records};
use super::fields::Field;
use super::groups::Groups;
use super::intake::Work;
use super::policy::Policy;
use crate::error::Result;

/// No record of the cluster has a value.
pub(super) const NOBODY: u32 = u32::MAX;

/// By field and cluster: the row whose value survives, and of how many.
#[derive(Debug)]
pub(super) struct Survivors {
    pub(super) rows: Vec<Vec<u32>>,
    pub(super) values: Vec<Vec<u32>>,
}

impl Survivors {
    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        4 * self.rows.iter().chain(&self.values).map(Vec::capacity).sum::<usize>()
    }
}

/// Decides for every field of every cluster.
pub(super) fn survivors(work: &Work, records: &Records, groups: &Groups) -> Result<Survivors> {
    let mut instants = records.instants.iter();
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for (field, column) in work.fields.iter().zip(&records.fields) {
        let own = if field.has_instant { instants.next() } else { None };
        let judge = Judge::new(work, records, field, column, own.map(Vec::as_slice))?;
        let (winners, counts) = judge.all(groups);
        rows.push(winners);
        values.push(counts);
    }
    Ok(Survivors { rows, values })
}

/// Compares the candidates for one field.
struct Judge<'a> {
    work: &'a Work,
    records: &'a Records,
    field: &'a Field,
    column: &'a ArrayRef,
    /// When the field was changed, by row, where the sources know.
    instants: Option<&'a [i64]>,
    compare: DynComparator,
}

impl<'a> Judge<'a> {
    fn new(
        work: &'a Work,
        records: &'a Records,
        field: &'a Field,
        column: &'a ArrayRef,
        instants: Option<&'a [i64]>,
    ) -> Result<Self> {
        let compare = make_comparator(column, column, SortOptions::default())?;
        Ok(Self { work, records, field, column, instants, compare })
    }

    /// By cluster: the row that wins, and how many records have a value.
    fn all(&self, groups: &Groups) -> (Vec<u32>, Vec<u32>) {
        let nulls = self.column.logical_nulls();
        let has_value = |row: &u32| nulls.as_ref().is_none_or(|valid| valid.is_valid(*row as usize));
        let mut winners = Vec::with_capacity(groups.len());
        let mut counts = Vec::with_capacity(groups.len());
        let mut candidates: Vec<u32> = Vec::new();
        for cluster in 0..groups.len() {
            candidates.clear();
            let rows = groups.members(cluster).iter().map(|record| self.records.row(*record) as u32);
            candidates.extend(rows.filter(has_value));
            counts.push(candidates.len() as u32);
            winners.push(match candidates.as_slice() {
                [] => NOBODY,
                [only] => *only,
                several => self.winner(several),
            });
        }
        (winners, counts)
    }

    /// Candidates come in the order of their keys, which decides what nothing else does.
    fn winner(&self, candidates: &[u32]) -> u32 {
        let best = |rows: &[u32], order: &dyn Fn(u32, u32) -> Ordering| {
            let mut rows = rows.iter().copied();
            let first = rows.next().unwrap_or(NOBODY);
            rows.fold(first, |best, row| if order(row, best).is_lt() { row } else { best })
        };
        match &self.field.policy {
            Policy::MostFrequent => self.most_frequent(candidates),
            Policy::MostRecent => best(candidates, &|l, r| self.recent(l, r)),
            Policy::SourcePriority | Policy::Prefer(_) => {
                best(candidates, &|l, r| self.prior(l, r).then_with(|| self.newer(l, r)))
            }
            Policy::MostComplete => best(candidates, &|l, r| {
                self.length(r).cmp(&self.length(l)).then_with(|| self.recent(l, r))
            }),
            Policy::Min => best(candidates, &|l, r| self.values(l, r).then_with(|| self.prior(l, r))),
            Policy::Max => best(candidates, &|l, r| self.values(r, l).then_with(|| self.prior(l, r))),
            Policy::First => best(candidates, &|l, r| {
                let created = |row: u32| self.records.created(row as usize);
                created(l).cmp(&created(r)).then_with(|| self.prior(l, r))
            }),
        }
    }

    /// Of the values held most often the one changed last.
    fn most_frequent(&self, candidates: &[u32]) -> u32 {
        let mut rows: Vec<(u32, u32)> = candidates.iter().copied().zip(0..).collect();
        rows.sort_by(|left, right| self.values(left.0, right.0));
        let same = |left: &(u32, u32), right: &(u32, u32)| self.values(left.0, right.0).is_eq();
        let bests = rows.chunk_by(same).filter_map(|run| {
            let best = run.iter().min_by(|l, r| self.recent(l.0, r.0).then_with(|| l.1.cmp(&r.1)))?;
            Some((run.len(), *best))
        });
        let best = bests.min_by(|(many, left), (more, right)| {
            more.cmp(many).then_with(|| self.recent(left.0, right.0)).then_with(|| left.1.cmp(&right.1))
        });
        best.map_or(NOBODY, |(_, (row, _))| row)
    }

    fn recent(&self, left: u32, right: u32) -> Ordering {
        self.newer(left, right).then_with(|| self.prior(left, right))
    }

    /// The one changed later comes first.
    fn newer(&self, left: u32, right: u32) -> Ordering {
        self.changed(right).cmp(&self.changed(left))
    }

    /// When the value was changed; where nobody knows, when its record was.
    fn changed(&self, row: u32) -> i64 {
        let own = self.instants.and_then(|instants| instants.get(row as usize)).copied();
        own.filter(|at| *at != NEVER).unwrap_or_else(|| self.records.updated(row as usize))
    }

    /// The one of the system to be believed first comes first.
    fn prior(&self, left: u32, right: u32) -> Ordering {
        let rank = |row: u32| {
            let system = self.records.system(self.work, row as usize);
            self.field.priority.get(usize::from(system)).copied().unwrap_or(u16::MAX)
        };
        rank(left).cmp(&rank(right))
    }

    fn values(&self, left: u32, right: u32) -> Ordering {
        (self.compare)(left as usize, right as usize)
    }

    /// In characters; values that are not texts are all equally long.
    fn length(&self, row: u32) -> usize {
        let text = self.column.as_string_opt::<i32>().map(|texts| texts.value(row as usize));
        let large = || self.column.as_string_opt::<i64>().map(|texts| texts.value(row as usize));
        text.or_else(large).map_or(0, |text| text.chars().count())
    }
}
