//! Row-wise work that SQL says badly: every row in gives one row out.
//!
//! [`map`] puts a node into a logical plan that hands a [`RowAlgorithm`] the batches of its first
//! input as they come, in any partition. Small tables that the algorithm looks things up in are
//! further inputs: they are read whole, once, before the first batch.
//!
//! ```text
//! rows in   touch_id, at, utm_source, …   │ side tables: campaigns, source categories
//! rows out  (algorithm's own), one for each row in
//! ```

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::{Result as SqlResult, internal_err};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

use super::map_exec::MapExec;
use super::operator::{self, Operator};
use crate::error::Result;

/// What is done to the rows; one value serves all partitions.
pub trait RowAlgorithm: fmt::Debug + Send + Sync {
    /// Its name in plans.
    fn name(&self) -> &'static str;
    /// The columns of the rows it makes.
    fn output_schema(&self) -> SchemaRef;
    /// A fresh start for one partition; `tables` holds the rows of the side inputs, in no particular order.
    fn start(&self, tables: &[Vec<RecordBatch>]) -> Result<Box<dyn RowState>>;
}

/// One partition's work. What it remembers between batches may make it faster, never different.
pub trait RowState: Send {
    /// Makes one row of each row of the batch, in the same order.
    fn apply(&mut self, batch: &RecordBatch) -> Result<RecordBatch>;
    /// Bytes held between calls, which count against the run's memory limit.
    fn held_bytes(&self) -> usize;
}

/// Adds the algorithm to a plan; the output has the algorithm's own schema, unqualified.
pub fn map(rows: LogicalPlan, tables: Vec<LogicalPlan>, algorithm: Arc<dyn RowAlgorithm>) -> Result<LogicalPlan> {
    let side_tables = tables.len();
    operator::node(std::iter::once(rows).chain(tables).collect(), Arc::new(Mapping { side_tables, algorithm }))
}

#[derive(Debug)]
struct Mapping {
    side_tables: usize,
    algorithm: Arc<dyn RowAlgorithm>,
}

impl Operator for Mapping {
    fn name(&self) -> &str {
        self.algorithm.name()
    }

    fn details(&self) -> String {
        format!("{} side tables", self.side_tables)
    }

    fn output_schema(&self) -> SchemaRef {
        self.algorithm.output_schema()
    }

    fn physical(&self, inputs: &[Arc<dyn ExecutionPlan>], _: &dyn Session) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let Some((rows, tables)) = inputs.split_first() else {
            return internal_err!("{} reads at least one input", self.name());
        };
        Ok(Arc::new(MapExec::new(Arc::clone(rows), tables.to_vec(), Arc::clone(&self.algorithm))))
    }
}
