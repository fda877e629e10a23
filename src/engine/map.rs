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

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, Result as SqlResult, internal_err};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::map_exec::MapExec;
use crate::error::{Error, Result};

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
    let schema = DFSchema::try_from(algorithm.output_schema().as_ref().clone())
        .map_err(|error| Error::internal("an operator's columns are not distinct").with_source(error))?;
    let inputs = std::iter::once(rows).chain(tables).collect();
    let node = MapNode { inputs, algorithm, schema: Arc::new(schema) };
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

#[derive(Clone)]
struct MapNode {
    /// The rows, then the side tables.
    inputs: Vec<LogicalPlan>,
    algorithm: Arc<dyn RowAlgorithm>,
    schema: DFSchemaRef,
}

impl fmt::Debug for MapNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserDefinedLogicalNodeCore::fmt_for_explain(self, f)
    }
}

// Two nodes are the same work if they share the algorithm itself.
impl PartialEq for MapNode {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.algorithm, &other.algorithm) && self.inputs == other.inputs
    }
}
impl Eq for MapNode {}
impl PartialOrd for MapNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}
impl Hash for MapNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.algorithm.name().hash(state);
        self.inputs.hash(state);
    }
}

impl UserDefinedLogicalNodeCore for MapNode {
    fn name(&self) -> &str {
        self.algorithm.name()
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
        write!(f, "{}: {} side tables", self.algorithm.name(), self.inputs.len().saturating_sub(1))
    }
    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> SqlResult<Self> {
        if inputs.len() != self.inputs.len() {
            return internal_err!("{} reads {} inputs", self.algorithm.name(), self.inputs.len());
        }
        Ok(Self { inputs, ..self.clone() })
    }
    /// The algorithm reads every column of its inputs, whatever is wanted of its output.
    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(self.inputs.iter().map(|input| (0..input.schema().fields().len()).collect()).collect())
    }
}

/// Plans [`map`] nodes.
pub(super) struct MapPlanner;

#[async_trait]
impl ExtensionPlanner for MapPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> SqlResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<MapNode>() else { return Ok(None) };
        let Some((rows, tables)) = inputs.split_first() else {
            return internal_err!("{} reads at least one input", node.algorithm.name());
        };
        Ok(Some(Arc::new(MapExec::new(Arc::clone(rows), tables.to_vec(), Arc::clone(&node.algorithm)))))
    }
}
