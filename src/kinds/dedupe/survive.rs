//! Which record each value of an entity is taken from.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DynComparator, UInt32Array, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::Int32Type;

use super::groups::{Groups, Member};
use super::intake::Work;
use super::policy::Policy;
use super::ranking::Ranking;
use super::records::Records;
use super::stored::Stored;
use crate::error::Result;

/// No record of the cluster has a value.
pub(super) const NOBODY: u32 = u32::MAX;

/// By field and cluster: the record whose value survives, and of how many; nothing where nobody asks.
#[derive(Debug, Default)]
pub(super) struct Survivors {
    /// [`NOBODY`] where no record has a value.
    pub(super) records: Vec<Stored>,
    pub(super) values: Vec<Stored>,
}

impl Survivors {
    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.records.iter().chain(&self.values).map(Stored::held_bytes).sum()
    }
}

/// By field the values that survive, one for each cluster, and where they are from if somebody asks. Those of the
/// records are given up one field after another, so that both are never held at once.
pub(super) fn survive(
    work: &Work,
    records: &mut Records,
    groups: &Groups,
    members: &[Member],
) -> Result<(Vec<Stored>, Survivors)> {
    let fields = records.give_up_fields();
    let mut instants = records.instants.iter();
    let (mut values, mut found) = (Vec::with_capacity(fields.len()), Survivors::default());
    let mut ranking = None;
    for (field, stored) in work.fields.iter().zip(fields) {
        let column = stored.all()?;
        drop(stored);
        let own = if field.has_instant { instants.next() } else { None };
        let known = ranking.take().filter(|known: &Ranking| own.is_none() && known.is_for(field));
        let known = known.unwrap_or_else(|| Ranking::new(groups, members, field, own.map(Vec::as_slice)));
        let chosen = Judge::new(&field.policy, &column)?.all(&known, groups, work.provenance);
        let of_value: UInt32Array = chosen.rows.into_iter().map(|row| (row != NOBODY).then_some(row)).collect();
        values.push(Stored::chosen(&column, &of_value, records.scratch.as_ref())?);
        if work.provenance {
            let numbers = |numbers: Vec<u32>| Arc::new(UInt32Array::from(numbers));
            found.records.push(Stored::new(numbers(chosen.records), records.scratch.as_ref())?);
            found.values.push(Stored::new(numbers(chosen.values), records.scratch.as_ref())?);
        }
        ranking = Some(known);
    }
    Ok((values, found))
}

/// What was decided for a field, by cluster.
#[derive(Default)]
struct Chosen {
    /// Where the value that survives lies, or [`NOBODY`].
    rows: Vec<u32>,
    /// The record that has it, or [`NOBODY`]; nothing where nobody asks.
    records: Vec<u32>,
    /// Of how many records with a value; nothing where nobody asks.
    values: Vec<u32>,
}

/// Compares the values of one field.
struct Judge<'a> {
    policy: &'a Policy,
    column: &'a ArrayRef,
    compare: DynComparator,
}

impl<'a> Judge<'a> {
    fn new(policy: &'a Policy, column: &'a ArrayRef) -> Result<Self> {
        let compare = make_comparator(column, column, SortOptions::default())?;
        Ok(Self { policy, column, compare })
    }

    /// Decides for every cluster; `told` asks for records and numbers of values as well.
    fn all(&self, ranking: &Ranking, groups: &Groups, told: bool) -> Chosen {
        let nulls = self.column.logical_nulls();
        let has_value = |row: &u32| nulls.as_ref().is_none_or(|valid| valid.is_valid(*row as usize));
        let mut chosen = Chosen { rows: Vec::with_capacity(groups.len()), ..Chosen::default() };
        let mut candidates: Vec<(u32, u32)> = Vec::new();
        for members in ranking.clusters(groups) {
            if !told && self.is_decided_by_order() {
                let first = members.iter().find(|(_, row)| has_value(row));
                chosen.rows.push(first.map_or(NOBODY, |(_, row)| *row));
                continue;
            }
            candidates.clear();
            candidates.extend(members.iter().filter(|(_, row)| has_value(row)));
            let (record, row) = self.winner(&candidates).unwrap_or((NOBODY, NOBODY));
            chosen.rows.push(row);
            if told {
                chosen.records.push(record);
                chosen.values.push(candidates.len() as u32);
            }
        }
        chosen
    }

    /// Whether the first candidate wins whatever the values are.
    fn is_decided_by_order(&self) -> bool {
        matches!(self.policy, Policy::MostRecent | Policy::SourcePriority | Policy::Prefer(_) | Policy::First)
    }

    /// Candidates, records and where their values lie, come in the order in which they are believed, which decides what
    /// their values do not.
    fn winner(&self, candidates: &[(u32, u32)]) -> Option<(u32, u32)> {
        let best = |order: &dyn Fn(u32, u32) -> Ordering| {
            candidates.iter().copied().reduce(|best, next| if order(next.1, best.1).is_lt() { next } else { best })
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
    fn most_frequent(&self, candidates: &[(u32, u32)]) -> Option<(u32, u32)> {
        let mut sorted: Vec<(usize, (u32, u32))> = candidates.iter().copied().enumerate().collect();
        // Equal values stay in order, so the first of a run is the one to be believed.
        sorted.sort_by(|(_, left), (_, right)| self.values(left.1, right.1));
        let runs = sorted.chunk_by(|(_, left), (_, right)| self.values(left.1, right.1).is_eq());
        let firsts = runs.filter_map(|run| run.first().map(|(place, first)| (Reverse(run.len()), *place, *first)));
        firsts.min().map(|(_, _, first)| first)
    }

    /// Of two rows.
    fn values(&self, left: u32, right: u32) -> Ordering {
        (self.compare)(left as usize, right as usize)
    }

    /// Of a row's text in characters; values that are not texts are all equally long.
    fn length(&self, row: u32) -> usize {
        let row = row as usize;
        let (column, row) = match self.column.as_dictionary_opt::<Int32Type>() {
            Some(words) => (words.values(), words.key(row).unwrap_or_default()),
            None => (self.column, row),
        };
        let text = column.as_string_opt::<i32>().map(|texts| texts.value(row));
        let large = || column.as_string_opt::<i64>().map(|texts| texts.value(row));
        text.or_else(large).map_or(0, |text| text.chars().count())
    }
}
