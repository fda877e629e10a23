//! Which record each value of an entity is taken from.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, DynComparator, make_comparator};
use arrow::compute::SortOptions;

use super::columns::{NEVER, Records};
use super::fields::Field;
use super::groups::Groups;
use super::intake::Work;
use super::policy::Policy;
use super::ranking::Ranking;
use crate::error::Result;

/// No record of the cluster has a value.
pub(super) const NOBODY: u32 = u32::MAX;

/// By field and cluster: the record whose value survives, and of how many where that is told.
#[derive(Debug)]
pub(super) struct Survivors {
    pub(super) records: Vec<Vec<u32>>,
    pub(super) values: Vec<Vec<u32>>,
}

impl Survivors {
    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        4 * self.records.iter().chain(&self.values).map(Vec::capacity).sum::<usize>()
    }
}

/// Decides for every field of every cluster.
pub(super) fn survivors(work: &Work, records: &Records, groups: &Groups) -> Result<Survivors> {
    let mut instants = records.instants.iter();
    let (mut chosen, mut values) = (Vec::new(), Vec::new());
    let mut ranking = None;
    for (field, column) in work.fields.iter().zip(&records.fields) {
        let own = if field.has_instant { instants.next() } else { None };
        let (winners, counts) = if own.is_none() && Ranking::tells(&field.policy) {
            let known = ranking.take().filter(|known: &Ranking| known.is_for(field));
            let known = known.unwrap_or_else(|| Ranking::new(work, records, groups, field));
            ranking.insert(known).first(column, groups, work.provenance)
        } else {
            Judge::new(work, records, field, column, own.map(Vec::as_slice))?.all(groups)
        };
        chosen.push(winners);
        values.push(counts);
    }
    Ok(Survivors { records: chosen, values })
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

    /// By cluster: the record that wins, and how many have a value.
    fn all(&self, groups: &Groups) -> (Vec<u32>, Vec<u32>) {
        let nulls = self.column.logical_nulls();
        let has_value = |record: &u32| nulls.as_ref().is_none_or(|valid| valid.is_valid(self.records.row(*record)));
        let mut winners = Vec::with_capacity(groups.len());
        let mut counts = Vec::with_capacity(if self.work.provenance { groups.len() } else { 0 });
        let mut candidates: Vec<u32> = Vec::new();
        for cluster in 0..groups.len() {
            candidates.clear();
            candidates.extend(groups.members(cluster).iter().copied().filter(has_value));
            if self.work.provenance {
                counts.push(candidates.len() as u32);
            }
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
        let best = |records: &[u32], order: &dyn Fn(u32, u32) -> Ordering| {
            let mut records = records.iter().copied();
            let first = records.next().unwrap_or(NOBODY);
            records.fold(first, |best, next| if order(next, best).is_lt() { next } else { best })
        };
        match &self.field.policy {
            Policy::MostFrequent => self.most_frequent(candidates),
            Policy::MostRecent => best(candidates, &|l, r| self.recent(l, r)),
            Policy::SourcePriority | Policy::Prefer(_) => {
                best(candidates, &|l, r| self.prior(l, r).then_with(|| self.newer(l, r)))
            }
            Policy::MostComplete => {
                best(candidates, &|l, r| self.length(r).cmp(&self.length(l)).then_with(|| self.recent(l, r)))
            }
            Policy::Min => best(candidates, &|l, r| self.values(l, r).then_with(|| self.prior(l, r))),
            Policy::Max => best(candidates, &|l, r| self.values(r, l).then_with(|| self.prior(l, r))),
            Policy::First => best(candidates, &|l, r| {
                let created = |record: u32| self.records.created(self.records.row(record));
                created(l).cmp(&created(r)).then_with(|| self.prior(l, r))
            }),
        }
    }

    /// Of the values held most often the one changed last.
    fn most_frequent(&self, candidates: &[u32]) -> u32 {
        let mut sorted = candidates.to_vec();
        sorted.sort_by(|left, right| self.values(*left, *right));
        let newest = |left: u32, right: u32| self.recent(left, right).then_with(|| left.cmp(&right));
        let runs = sorted.chunk_by(|left, right| self.values(*left, *right).is_eq());
        let bests = runs.filter_map(|run| Some((run.len(), *run.iter().min_by(|l, r| newest(**l, **r))?)));
        let best = bests.min_by(|(many, left), (more, right)| more.cmp(many).then_with(|| newest(*left, *right)));
        best.map_or(NOBODY, |(_, record)| record)
    }

    fn recent(&self, left: u32, right: u32) -> Ordering {
        self.newer(left, right).then_with(|| self.prior(left, right))
    }

    /// The one changed later comes first.
    fn newer(&self, left: u32, right: u32) -> Ordering {
        self.changed(right).cmp(&self.changed(left))
    }

    /// When the value was changed; where nobody knows, when its record was.
    fn changed(&self, record: u32) -> i64 {
        let row = self.records.row(record);
        let own = self.instants.and_then(|instants| instants.get(row)).copied();
        own.filter(|at| *at != NEVER).unwrap_or_else(|| self.records.updated(row))
    }

    /// The one of the system to be believed first comes first.
    fn prior(&self, left: u32, right: u32) -> Ordering {
        let rank = |record: u32| {
            let system = self.records.system(self.work, self.records.row(record));
            self.field.priority.get(usize::from(system)).copied().unwrap_or(u16::MAX)
        };
        rank(left).cmp(&rank(right))
    }

    fn values(&self, left: u32, right: u32) -> Ordering {
        (self.compare)(self.records.row(left), self.records.row(right))
    }

    /// In characters; values that are not texts are all equally long.
    fn length(&self, record: u32) -> usize {
        let row = self.records.row(record);
        let text = self.column.as_string_opt::<i32>().map(|texts| texts.value(row));
        let large = || self.column.as_string_opt::<i64>().map(|texts| texts.value(row));
        text.or_else(large).map_or(0, |text| text.chars().count())
    }
}
