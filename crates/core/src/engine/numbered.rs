//! The rows of each group numbered from 1: `row_number() OVER (PARTITION BY … ORDER BY …)`, as a walk.
//!
//! The engine's window cuts a batch in pieces for each group and remembers all groups. That takes some
//! microseconds a group, which is most of a plan's time where nearly every group has one row, as the rows of an id
//! that should be a key.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{partition, take};
use arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::logical_expr::LogicalPlanBuilder;

use super::entity::{EntityAlgorithm, EntityState, walk_adding};
use crate::error::{Error, Result};

/// The column of [`numbered`].
pub const NTH: &str = "nth";

/// Adds the column [`NTH`], a BIGINT without a sign: which row of its group it is, from 1.
///
/// Rows out are rows in. A group is what is alike in the columns `within`, NULL being like NULL; its rows are
/// numbered in the order of the columns `order`, ascending, NULLs last. All columns are taken by their plain names,
/// and come out so.
pub fn numbered(rows: LogicalPlanBuilder, within: &[&str], order: Vec<String>) -> Result<LogicalPlanBuilder> {
    let rows = rows.build().map_err(|error| Error::internal("rows cannot be numbered").with_source(error))?;
    let added = Field::new(NTH, DataType::UInt64, false);
    let plan = walk_adding(rows, within, order, added, |groups, schema| Arc::new(Numbering { groups, schema }))?;
    Ok(LogicalPlanBuilder::from(plan))
}

#[derive(Debug)]
struct Numbering {
    /// Where the columns stand that name a group.
    groups: Vec<usize>,
    schema: SchemaRef,
}

impl EntityAlgorithm for Numbering {
    fn name(&self) -> &'static str {
        "Numbered"
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn only_adds_columns(&self) -> bool {
        true
    }

    fn start(&self) -> Box<dyn EntityState> {
        let (groups, schema) = (self.groups.clone(), Arc::clone(&self.schema));
        Box::new(State { groups, schema, last: Vec::new(), nth: 0 })
    }
}

struct State {
    groups: Vec<usize>,
    schema: SchemaRef,
    /// The group of the last row, each column an array of one; empty before the first row.
    last: Vec<ArrayRef>,
    /// The number of the last row.
    nth: u64,
}

impl EntityState for State {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let Some(end) = batch.num_rows().checked_sub(1) else { return Ok(None) };
        let of = |at: &usize| batch.columns().get(*at).cloned().ok_or_else(misfit);
        let groups = self.groups.iter().map(of).collect::<Result<Vec<_>>>()?;
        if !self.goes_on(&groups)? {
            self.nth = 0;
        }
        let mut numbers = Vec::with_capacity(batch.num_rows());
        for rows in partition(&groups)?.ranges() {
            if rows.start > 0 {
                self.nth = 0;
            }
            let first = self.nth + 1;
            self.nth += rows.len() as u64;
            numbers.extend(first..=self.nth);
        }
        let end = UInt32Array::from(vec![u32::try_from(end).map_err(|_| misfit())?]);
        self.last = groups.iter().map(|column| Ok(take(column, &end, None)?)).collect::<Result<_>>()?;
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(UInt64Array::from(numbers)));
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        Ok(None)
    }

    fn held_bytes(&self) -> usize {
        self.last.iter().map(|column| column.get_array_memory_size()).sum()
    }
}

impl State {
    /// Whether the first row belongs to the group that the batch before ended with.
    fn goes_on(&self, groups: &[ArrayRef]) -> Result<bool> {
        for (last, column) in self.last.iter().zip(groups) {
            if !not_distinct(last, &column.slice(0, 1))?.value(0) {
                return Ok(false);
            }
        }
        Ok(!self.last.is_empty())
    }
}

fn misfit() -> Error {
    Error::internal("rows are numbered by columns that they do not have")
}
