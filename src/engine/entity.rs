//! Walking sorted rows entity by entity: the plumbing for algorithms that SQL says badly.
//!
//! [`walk`] puts a node into a logical plan that hands an [`EntityAlgorithm`] the rows of its
//! input, hash-partitioned by entity and sorted by entity and then by `order`. An ordering that
//! the input already has is used instead of sorting again. The algorithm sees plain record
//! batches; an entity may straddle any number of them.
//!
//! ```text
//! rows in  (entity, at, …)   p1 09:00 │ p1 09:05 │ p2 08:00 │ …
//! rows out (algorithm's own) as many as the algorithm makes of them, entity by entity
//! ```

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, Result as SqlResult, internal_err};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::entity_exec::EntityExec;
use crate::error::Result;

/// What is done to the sorted rows; one value serves all partitions.
pub trait EntityAlgorithm: fmt::Debug + Send + Sync {
    /// Its name in plans.
    fn name(&self) -> &'static str;
    /// The columns of the rows it makes.
    fn output_schema(&self) -> SchemaRef;
    /// A fresh start for one partition.
    fn start(&self) -> Box<dyn EntityState>;
    /// The same for an algorithm that looks things up; `tables` holds the rows of the side inputs of
    /// [`walk_with`], in no particular order.
    fn start_with(&self, _tables: &[Vec<RecordBatch>]) -> Result<Box<dyn EntityState>> {
        Ok(self.start())
    }
}

/// One partition's walk.
pub trait EntityState: Send {
    /// Takes the next rows, in order; returns rows that are finished, if any.
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>>;
    /// Further rows that the last rows taken give, where they are too many for one batch; called after
    /// every `push` until there are none.
    fn more(&mut self) -> Result<Option<RecordBatch>> {
        Ok(None)
    }
    /// The input has ended; returns the rest.
    fn finish(&mut self) -> Result<Option<RecordBatch>>;
    /// Bytes held between calls, which count against the run's memory limit.
    fn held_bytes(&self) -> usize;
}

/// How the rows reach the algorithm.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WalkOrder {
    /// Input columns that name the entity.
    pub entity: Vec<String>,
    /// Input columns that order an entity's rows, ascending, NULLs last; must make the order total.
    pub order: Vec<String>,
}

/// Adds the walk to a plan; the output has the algorithm's own schema, unqualified.
pub fn walk(input: LogicalPlan, order: WalkOrder, algorithm: Arc<dyn EntityAlgorithm>) -> Result<LogicalPlan> {
    walk_with(input, Vec::new(), order, algorithm)
}

/// The same for an algorithm that looks things up in small tables, which are read whole, once, before
/// the first row.
pub fn walk_with(
    input: LogicalPlan,
    tables: Vec<LogicalPlan>,
    order: WalkOrder,
    algorithm: Arc<dyn EntityAlgorithm>,
) -> Result<LogicalPlan> {
    let schema = DFSchema::try_from(algorithm.output_schema().as_ref().clone())
        .map_err(|error| crate::error::Error::internal("an operator's columns are not distinct").with_source(error))?;
    let node = EntityNode { input, tables, order, algorithm, schema: Arc::new(schema) };
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

#[derive(Clone)]
struct EntityNode {
    input: LogicalPlan,
    tables: Vec<LogicalPlan>,
    order: WalkOrder,
    algorithm: Arc<dyn EntityAlgorithm>,
    schema: DFSchemaRef,
}

impl fmt::Debug for EntityNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserDefinedLogicalNodeCore::fmt_for_explain(self, f)
    }
}

// Two nodes are the same walk if they share the algorithm itself.
impl PartialEq for EntityNode {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.algorithm, &other.algorithm)
            && self.order == other.order
            && self.input == other.input
            && self.tables == other.tables
    }
}
impl Eq for EntityNode {}
impl PartialOrd for EntityNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}
impl Hash for EntityNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.algorithm.name().hash(state);
        self.order.hash(state);
        self.input.hash(state);
        self.tables.hash(state);
    }
}

impl UserDefinedLogicalNodeCore for EntityNode {
    fn name(&self) -> &str {
        self.algorithm.name()
    }
    fn inputs(&self) -> Vec<&LogicalPlan> {
        std::iter::once(&self.input).chain(&self.tables).collect()
    }
    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }
    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }
    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: entity=[{}], order=[{}]",
            self.algorithm.name(),
            self.order.entity.join(", "),
            self.order.order.join(", ")
        )
    }
    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> SqlResult<Self> {
        let mut inputs = inputs.into_iter();
        match inputs.next() {
            Some(input) if inputs.len() == self.tables.len() => {
                Ok(Self { input, tables: inputs.collect(), ..self.clone() })
            }
            _ => internal_err!("{} reads {} inputs", self.algorithm.name(), 1 + self.tables.len()),
        }
    }
    /// The algorithm reads every column of its inputs, whatever is wanted of its output.
    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        let inputs = UserDefinedLogicalNodeCore::inputs(self);
        Some(inputs.iter().map(|input| (0..input.schema().fields().len()).collect()).collect())
    }
}

/// DataFusion's planner, which also knows [`walk`] and [`super::map::map`].
#[derive(Debug)]
pub(super) struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, state: &dyn Session) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![
            Arc::new(EntityPlanner),
            Arc::new(super::map::MapPlanner),
        ]);
        planner.create_physical_plan(plan, state).await
    }
}

struct EntityPlanner;

#[async_trait]
impl ExtensionPlanner for EntityPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> SqlResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<EntityNode>() else { return Ok(None) };
        let Some((input, tables)) = inputs.split_first() else {
            return internal_err!("{} reads at least one input", node.algorithm.name());
        };
        let schema = input.schema();
        let column = |name: &String| -> SqlResult<Arc<dyn PhysicalExpr>> {
            Ok(Arc::new(PhysicalColumn::new_with_schema(name, &schema)?))
        };
        let entity = node.order.entity.iter().map(column).collect::<SqlResult<Vec<_>>>()?;
        let options = SortOptions { descending: false, nulls_first: false };
        let sorted = node.order.entity.iter().chain(&node.order.order);
        let sort =
            sorted.map(|name| Ok(PhysicalSortExpr::new(column(name)?, options))).collect::<SqlResult<Vec<_>>>()?;
        let Some(ordering) = LexOrdering::new(sort) else { return internal_err!("a walk needs an order") };
        let (rows, algorithm) = (Arc::clone(input), Arc::clone(&node.algorithm));
        Ok(Some(Arc::new(EntityExec::new(rows, tables.to_vec(), entity, ordering, algorithm))))
    }
}
