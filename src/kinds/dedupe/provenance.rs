//! Where the values of entities are from that have several records; of others it is plain.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, UInt32Array};
use arrow::datatypes::UInt32Type;

use super::answer::Answer;
use super::groups::Groups;
use super::intake::misfit;
use super::rows::{dictionary, id_of, ids, names};
use super::stored::Stored;
use super::survive::{NOBODY, Survivors};
use crate::error::Result;

/// Rows are found by the clusters that they are of, so many at once.
const CLUSTERS: usize = 1_024;

/// What the table is made of. Its rows are not held: they are as many as values are.
#[derive(Debug)]
pub(super) struct Provenance {
    survivors: Survivors,
    /// How many rows come before each stretch of clusters, and how many there are.
    starts: Vec<usize>,
}

/// One value.
struct Row {
    cluster: usize,
    field: i32,
    /// Where it is from, and how many records have one.
    record: u32,
    values: u32,
}

impl Provenance {
    /// Of all clusters; no rows where nobody asked while values were chosen.
    pub(super) fn new(groups: &Groups, survivors: Survivors) -> Result<Self> {
        let mut provenance = Self { survivors, starts: vec![0] };
        if !provenance.survivors.records.is_empty() {
            for first in (0..groups.len()).step_by(CLUSTERS) {
                let rows = provenance.of_clusters(groups, first)?.len();
                provenance.starts.push(provenance.len() + rows);
            }
        }
        Ok(provenance)
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Some of them, in the order of clusters and fields, as columns.
    pub(super) fn rows(&self, answer: &Answer, rows: Range<usize>) -> Result<Vec<ArrayRef>> {
        let mut stretch = self.starts.partition_point(|start| *start <= rows.start).saturating_sub(1);
        let mut next = self.starts.get(stretch).copied().unwrap_or(0);
        let (skipped, mut values) = (rows.start - next, Vec::new());
        while next < rows.end && stretch + 1 < self.starts.len() {
            let found = self.of_clusters(&answer.groups, stretch * CLUSTERS)?;
            (next, stretch) = (next + found.len(), stretch + 1);
            values.extend(found);
        }
        let values = values.get(skipped..skipped + rows.len()).ok_or_else(misfit)?;
        let fields: Vec<String> = answer.work.fields.iter().map(|field| field.name.to_string()).collect();
        let policies: Vec<String> = answer.work.fields.iter().map(|field| field.policy.word().to_string()).collect();
        let [system, record] = names(answer, values.iter().map(|value| Some(value.record)))?;
        let field = || values.iter().map(|value| Some(value.field));
        Ok(vec![
            ids(values.iter().map(|value| id_of(answer, value.cluster))),
            dictionary(&fields, field())?,
            system,
            record,
            dictionary(&policies, field())?,
            Arc::new(Int32Array::from_iter_values(values.iter().map(|value| value.values as i32))),
        ])
    }

    /// The rows of a stretch of clusters.
    fn of_clusters(&self, groups: &Groups, first: usize) -> Result<Vec<Row>> {
        let clusters = first..groups.len().min(first + CLUSTERS);
        let stretch =
            |of: &[Stored]| of.iter().map(|column| numbers(column, clusters.clone())).collect::<Result<Vec<_>>>();
        let (records, values) = (stretch(&self.survivors.records)?, stretch(&self.survivors.values)?);
        let mut rows = Vec::new();
        for (at, cluster) in clusters.clone().enumerate().filter(|(_, cluster)| groups.size(*cluster) > 1) {
            for (field, (records, values)) in (0..).zip(records.iter().zip(&values)) {
                if let (Some(record), Some(values)) = (records.values().get(at), values.values().get(at))
                    && *record != NOBODY
                {
                    rows.push(Row { cluster, field, record: *record, values: *values });
                }
            }
        }
        Ok(rows)
    }

    /// Bytes held.
    pub(super) fn held_bytes(&self) -> usize {
        self.survivors.held_bytes() + size_of::<usize>() * self.starts.capacity()
    }
}

fn numbers(column: &Stored, rows: Range<usize>) -> Result<UInt32Array> {
    Ok(column.slice(rows)?.as_primitive_opt::<UInt32Type>().ok_or_else(misfit)?.clone())
}
