//! What the next row of a group says: `lead(…) OVER (PARTITION BY … ORDER BY …)`, as a walk.
//!
//! For the same reason as [`super::numbered`]: the engine's window takes some microseconds for each group, and a
//! history has as many groups as there are people.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::{concat, partition, take};
use arrow::datatypes::{Field, SchemaRef};
use datafusion::logical_expr::LogicalPlanBuilder;

use super::entity::{EntityAlgorithm, EntityState, walk_adding};
use crate::error::{Error, Result};

/// Adds the column `name`: what `column` says in the next row of the group, NULL in its last row.
///
/// Rows out are rows in. A group is what is alike in the columns `within`, NULL being like NULL; its rows follow each
/// other in the order of the columns `order`, ascending, NULLs last. All columns are taken by their plain names,
/// and come out so.
pub fn following(
    rows: LogicalPlanBuilder,
    within: &[&str],
    order: Vec<String>,
    column: &str,
    name: &str,
) -> Result<LogicalPlanBuilder> {
    let rows = rows.build().map_err(|error| Error::internal("rows cannot be put in order").with_source(error))?;
    let told = rows.schema().index_of_column_by_name(None, column).ok_or_else(misfit)?;
    let added = Field::new(name, rows.schema().field(told).data_type().clone(), true);
    let plan = walk_adding(rows, within, order, added, |groups, schema| Arc::new(Following { groups, told, schema }))?;
    Ok(LogicalPlanBuilder::from(plan))
}

#[derive(Debug)]
struct Following {
    /// Where the columns stand that name a group.
    groups: Vec<usize>,
    /// Where the column stands that is told.
    told: usize,
    schema: SchemaRef,
}

impl EntityAlgorithm for Following {
    fn name(&self) -> &'static str {
        "Following"
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn only_adds_columns(&self) -> bool {
        true
    }

    fn start(&self) -> Box<dyn EntityState> {
        let (groups, schema) = (self.groups.clone(), Arc::clone(&self.schema));
        Box::new(State { groups, told: self.told, schema, held: Vec::new() })
    }
}

struct State {
    groups: Vec<usize>,
    told: usize,
    schema: SchemaRef,
    /// The last row, whose next one has not come yet; no columns before the first.
    held: Vec<ArrayRef>,
}

impl EntityState for State {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let rows = self.after_held(batch.columns())?;
        let count = rows.first().map_or(0, |column| column.len());
        let groups = self.groups.iter().map(|at| rows.get(*at).cloned().ok_or_else(misfit));
        let mut next: Vec<Option<u32>> = Vec::with_capacity(count);
        for group in partition(&groups.collect::<Result<Vec<_>>>()?)?.ranges() {
            let last = u32::try_from(group.end).map_err(|_| misfit())?;
            next.extend((next.len() as u32 + 1..last).map(Some));
            next.push(None);
        }
        let end = UInt32Array::from(vec![u32::try_from(count - 1).map_err(|_| misfit())?]);
        self.held = rows.iter().map(|column| Ok(take(column, &end, None)?)).collect::<Result<_>>()?;
        next.pop();
        let told = take(rows.get(self.told).ok_or_else(misfit)?, &UInt32Array::from(next), None)?;
        let mut columns: Vec<ArrayRef> = rows.iter().map(|column| column.slice(0, count - 1)).collect();
        columns.push(told);
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let mut columns = std::mem::take(&mut self.held);
        let Some(told) = columns.get(self.told) else { return Ok(None) };
        columns.push(new_null_array(told.data_type(), 1));
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }

    fn held_bytes(&self) -> usize {
        self.held.iter().map(|column| column.get_array_memory_size()).sum()
    }
}

impl State {
    /// The row that is held, and those that came now.
    fn after_held(&self, now: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        if self.held.is_empty() {
            return Ok(now.to_vec());
        }
        self.held.iter().zip(now).map(|(held, now)| Ok(concat(&[held.as_ref(), now.as_ref()])?)).collect()
    }
}

fn misfit() -> Error {
    Error::internal("rows follow each other by columns that they do not have")
}
