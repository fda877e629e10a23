//! Which record each value of an entity is taken from.

use std::cmp::{Ordering, Reverse};

use arrow::array::{Array, ArrayRef, AsArray, DynComparator, UInt32Array, make_comparator};
use arrow::compute::{SortOptions, take};

use super::groups::Groups;
use super::intake::Work;
use super::policy::Policy;
use super::ranking::Ranking;
use super::records::Records;
use crate::error::Result;

/// No record of the cluster has a value.
pub(super) const NOBODY: u32 = u32::MAX;

/// By field and cluster: the record whose value survives, and of how many where that is told.
#[derive(Debug, Default)]
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
    let mut found = Survivors { records: Vec::new(), values: Vec::new() };
    let mut ranking = None;
    for (field, column) in work.fields.iter().zip(&records.fields) {
        let own = if field.has_instant { instants.next() } else { None };
        let known = ranking.take().filter(|known: &Ranking| own.is_none() && known.is_for(field));
        let known = known.unwrap_or_else(|| Ranking::new(records, groups, field, own.map(Vec::as_slice)));
        let (winners, counts) = Judge::new(&field.policy, column, records.rows())?.all(&known, groups, work.provenance);
        found.records.push(winners);
        found.values.push(counts);
        ranking = Some(known);
    }
    Ok(found)
}

/// By field the values that survive, one for each cluster; those of the records are given up one field
/// after another, so that both are never held at once.
pub(super) fn values(records: &mut Records, survivors: &Survivors) -> Result<Vec<ArrayRef>> {
    let (fields, rows) = records.give_up_fields();
    let of_field = |(values, winners): (ArrayRef, &Vec<u32>)| {
        // Nobody is no record, and has no row.
        let winners: UInt32Array = winners.iter().map(|record| rows.get(*record as usize).copied()).collect();
        Ok(take(&values, &winners, None)?)
    };
    fields.into_iter().zip(&survivors.records).map(of_field).collect()
}

/// Compares the values of one field.
struct Judge<'a> {
    policy: &'a Policy,
    column: &'a ArrayRef,
    compare: DynComparator,
    /// By record, where its value lies.
    rows: &'a [u32],
}

impl<'a> Judge<'a> {
    fn new(policy: &'a Policy, column: &'a ArrayRef, rows: &'a [u32]) -> Result<Self> {
        let compare = make_comparator(column, column, SortOptions::default())?;
        Ok(Self { policy, column, compare, rows })
    }

    /// By cluster: the record that wins, and of how many with a value where `counted`.
    fn all(&self, ranking: &Ranking, groups: &Groups, counted: bool) -> (Vec<u32>, Vec<u32>) {
        let nulls = self.column.logical_nulls();
        let has_value = |record: &u32| nulls.as_ref().is_none_or(|valid| valid.is_valid(self.row(*record)));
        let mut winners = Vec::with_capacity(groups.len());
        let mut counts = Vec::with_capacity(if counted { groups.len() } else { 0 });
        let mut candidates: Vec<u32> = Vec::new();
        for members in ranking.clusters(groups) {
            candidates.clear();
            candidates.extend(members.iter().copied().filter(has_value));
            if counted {
                counts.push(candidates.len() as u32);
            }
            winners.push(self.winner(&candidates).unwrap_or(NOBODY));
        }
        (winners, counts)
    }

    /// Candidates come in the order in which they are believed, which decides what their values do not.
    fn winner(&self, candidates: &[u32]) -> Option<u32> {
        let best = |order: &dyn Fn(u32, u32) -> Ordering| {
            candidates.iter().copied().reduce(|best, next| if order(next, best).is_lt() { next } else { best })
        };
        match self.policy {
            Policy::MostRecent | Policy::SourcePriority | Policy::Prefer(_) | Policy::First => {
                candidates.first().copied()
            }
            Policy::MostFrequent => self.most_frequent(candidates),
            Policy::MostComplete => best(&|l, r| self.length(r).cmp(&self.length(l))),
            Policy::Min => best(&|l, r| self.values(l, r)),
            Policy::Max => best(&|l, r| self.values(r, l)),
        }
    }

    /// Of the values held most often the one that is believed first.
    fn most_frequent(&self, candidates: &[u32]) -> Option<u32> {
        let mut sorted: Vec<(usize, u32)> = candidates.iter().copied().enumerate().collect();
        // Equal values stay in order, so the first of a run is the one to be believed.
        sorted.sort_by(|(_, left), (_, right)| self.values(*left, *right));
        let runs = sorted.chunk_by(|(_, left), (_, right)| self.values(*left, *right).is_eq());
        let firsts = runs.filter_map(|run| run.first().map(|(place, first)| (Reverse(run.len()), *place, *first)));
        firsts.min().map(|(_, _, first)| first)
    }

    fn values(&self, left: u32, right: u32) -> Ordering {
        (self.compare)(self.row(left), self.row(right))
    }

    fn row(&self, record: u32) -> usize {
        self.rows.get(record as usize).map_or(0, |row| *row as usize)
    }

    /// In characters; values that are not texts are all equally long.
    fn length(&self, record: u32) -> usize {
        let row = self.row(record);
        let text = self.column.as_string_opt::<i32>().map(|texts| texts.value(row));
        let large = || self.column.as_string_opt::<i64>().map(|texts| texts.value(row));
        text.or_else(large).map_or(0, |text| text.chars().count())
    }
}
