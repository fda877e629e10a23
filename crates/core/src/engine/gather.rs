//! Work over whole tables: several inputs read to their end, several tables made of them at once.
//!
//! [`gather`] puts a node into a logical plan that hands a [`GatherAlgorithm`] every batch of every
//! input, solves once, and then streams one of the answer's tables. The nodes for the other tables
//! of the same answer share the [`Gathered`] they are made with: whichever is executed first does
//! the work, the others only stream.
//!
//! ```text
//! rows in   records │ links known before │ …        each whole, in turn, in any order of rows
//! rows out  table 0 │ table 1 │ …                   the answer's own, by number
//! ```

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::Result as SqlResult;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;

use super::gather_exec::GatherExec;
use super::once::Once;
use super::operator::{self, Operator};
use super::scratch::Scratch;
use crate::error::{Error, Result};

/// What is made of the inputs; one value serves one run of one model.
pub trait GatherAlgorithm: fmt::Debug + Send + Sync {
    /// Its name in plans.
    fn name(&self) -> &'static str;
    /// The columns of each table that the answer holds.
    fn tables(&self) -> Vec<SchemaRef>;
    /// Whether the one table holds the rows of the one input as they are: what the planner knows of them then holds
    /// before they are gathered.
    fn keeps_rows(&self) -> bool {
        false
    }
    /// A fresh start.
    fn start(&self) -> Box<dyn GatherState>;
}

/// Takes in rows.
pub trait GatherState: Send {
    /// Takes the next rows of an input. Inputs come one after another, by number; the rows of one
    /// in no particular order.
    fn push(&mut self, input: usize, batch: &RecordBatch) -> Result<()>;
    /// Puts on disk what can wait there, because what is held does not fit into the run's memory. Nothing, if it
    /// needs all of it.
    fn spill(&mut self, _: &Scratch) -> Result<()> {
        Ok(())
    }
    /// All inputs have ended.
    fn solve(self: Box<Self>) -> Result<Arc<dyn GatherAnswer>>;
    /// Bytes held between calls, which count against the run's memory limit.
    fn held_bytes(&self) -> usize;
}

/// What was found, as tables.
pub trait GatherAnswer: Send + Sync {
    /// How many rows a table has.
    fn rows(&self, table: usize) -> usize;
    /// Some rows of a table, by number.
    fn batch(&self, table: usize, rows: Range<usize>) -> Result<RecordBatch>;
    /// Bytes held, which count against the run's memory limit.
    fn held_bytes(&self) -> usize;
}

/// An answer and the memory it is accounted with.
pub(super) type Solved = (Arc<dyn GatherAnswer>, MemoryReservation);

/// An algorithm with its answer, once there is one.
#[derive(Debug)]
pub struct Gathered {
    algorithm: Arc<dyn GatherAlgorithm>,
    solved: Once<Solved>,
}

impl fmt::Debug for dyn GatherAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatherAnswer")
    }
}

impl Gathered {
    /// Nothing solved yet.
    pub fn new(algorithm: Arc<dyn GatherAlgorithm>) -> Arc<Self> {
        Arc::new(Self { algorithm, solved: Once::default() })
    }

    pub(super) fn algorithm(&self) -> &Arc<dyn GatherAlgorithm> {
        &self.algorithm
    }

    pub(super) fn solved(&self) -> &Once<Solved> {
        &self.solved
    }

    pub(super) fn schema(&self, table: usize) -> Option<SchemaRef> {
        self.algorithm.tables().get(table).cloned()
    }
}

/// A plan of one of the tables; it has the algorithm's own schema, unqualified. The inputs must be
/// the same for all tables of one [`Gathered`].
pub fn gather(inputs: Vec<LogicalPlan>, work: &Arc<Gathered>, table: usize) -> Result<LogicalPlan> {
    let schema = work.schema(table).ok_or_else(|| Error::internal("an answer has fewer tables"))?;
    operator::node(inputs, Arc::new(Gathering { work: Arc::clone(work), table, schema }))
}

#[derive(Debug)]
struct Gathering {
    work: Arc<Gathered>,
    table: usize,
    schema: SchemaRef,
}

impl Operator for Gathering {
    fn name(&self) -> &str {
        self.work.algorithm.name()
    }

    fn details(&self) -> String {
        format!("table {}", self.table)
    }

    fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn physical(&self, inputs: &[Arc<dyn ExecutionPlan>], session: &dyn Session) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let (work, schema) = (Arc::clone(&self.work), Arc::clone(&self.schema));
        let partitions = session.config().target_partitions();
        Ok(Arc::new(GatherExec::new(inputs.to_vec(), work, self.table, schema, partitions)))
    }
}
