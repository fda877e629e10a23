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

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, Result as SqlResult, internal_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use tokio::sync::OnceCell;

use super::gather_exec::GatherExec;
use crate::error::{Error, Result};

/// What is made of the inputs; one value serves one run of one model.
pub trait GatherAlgorithm: fmt::Debug + Send + Sync {
    /// Its name in plans.
    fn name(&self) -> &'static str;
    /// The columns of each table that the answer holds.
    fn tables(&self) -> Vec<SchemaRef>;
    /// A fresh start.
    fn start(&self) -> Box<dyn GatherState>;
}

/// Takes in rows.
pub trait GatherState: Send {
    /// Takes the next rows of an input. Inputs come one after another, by number; the rows of one
    /// in no particular order.
    fn push(&mut self, input: usize, batch: &RecordBatch) -> Result<()>;
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
    solved: OnceCell<Solved>,
}

impl fmt::Debug for dyn GatherAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GatherAnswer")
    }
}

impl Gathered {
    /// Nothing solved yet.
    pub fn new(algorithm: Arc<dyn GatherAlgorithm>) -> Arc<Self> {
        Arc::new(Self { algorithm, solved: OnceCell::new() })
    }

    pub(super) fn algorithm(&self) -> &dyn GatherAlgorithm {
        self.algorithm.as_ref()
    }

    pub(super) fn solved(&self) -> &OnceCell<Solved> {
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
    let schema = DFSchema::try_from(schema.as_ref().clone())
        .map_err(|error| Error::internal("an operator's columns are not distinct").with_source(error))?;
    let node = GatherNode { inputs, work: Arc::clone(work), table, schema: Arc::new(schema) };
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

#[derive(Clone)]
struct GatherNode {
    inputs: Vec<LogicalPlan>,
    work: Arc<Gathered>,
    table: usize,
    schema: DFSchemaRef,
}

impl fmt::Debug for GatherNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserDefinedLogicalNodeCore::fmt_for_explain(self, f)
    }
}

// Two nodes are the same if they stream the same table of the same work.
impl PartialEq for GatherNode {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.work, &other.work) && self.table == other.table && self.inputs == other.inputs
    }
}
impl Eq for GatherNode {}
impl PartialOrd for GatherNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}
impl Hash for GatherNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.work.algorithm.name().hash(state);
        self.table.hash(state);
        self.inputs.hash(state);
    }
}

impl UserDefinedLogicalNodeCore for GatherNode {
    fn name(&self) -> &str {
        self.work.algorithm.name()
    }
    fn inputs(&self) -> Vec<&LogicalPlan> {
        self.inputs.iter().collect()
    }
    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }
    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }
    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: table {} of {} inputs", self.work.algorithm.name(), self.table, self.inputs.len())
    }
    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> SqlResult<Self> {
        if inputs.len() != self.inputs.len() {
            return internal_err!("{} reads {} inputs", self.work.algorithm.name(), self.inputs.len());
        }
        Ok(Self { inputs, ..self.clone() })
    }
    /// The algorithm reads every column of its inputs, whatever is wanted of its output.
    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(self.inputs.iter().map(|input| (0..input.schema().fields().len()).collect()).collect())
    }
}

/// Plans [`gather`] nodes.
pub(super) struct GatherPlanner;

#[async_trait]
impl ExtensionPlanner for GatherPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> SqlResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<GatherNode>() else { return Ok(None) };
        let partitions = session.config().target_partitions();
        let schema = Arc::new(node.schema.as_arrow().clone());
        Ok(Some(Arc::new(GatherExec::new(inputs.to_vec(), Arc::clone(&node.work), node.table, schema, partitions))))
    }
}
