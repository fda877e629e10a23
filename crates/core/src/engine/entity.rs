//! Walking sorted rows entity by entity: the plumbing for algorithms that SQL says badly.
//!
//! [`walk`] puts a node into a logical plan that hands an [`EntityAlgorithm`] the rows of its
//! input, hash-partitioned by entity and sorted by entity and then by `order`. Where the input lies
//! so already, as a walk before wrote it, nothing is sorted again ([`super::in_order`]). The algorithm
//! sees plain record batches; an entity may straddle any number of them.
//!
//! ```text
//! rows in  (entity, at, …)   p1 09:00 │ p1 09:05 │ p2 08:00 │ …
//! rows out (algorithm's own) as many as the algorithm makes of them, entity by entity
//! ```

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::{Result as SqlResult, internal_err};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::entity_exec::EntityExec;
use super::entity_sort::EntitySortExec;
use super::in_order::{ASCENDING, is_together};
use super::operator::{self, Operator};
use crate::error::{Error, Result};

/// What is done to the sorted rows; one value serves all partitions.
pub trait EntityAlgorithm: fmt::Debug + Send + Sync {
    /// Its name in plans.
    fn name(&self) -> &'static str;
    /// The columns of the rows it makes.
    fn output_schema(&self) -> SchemaRef;
    /// The order in which its rows leave, where they leave entity by entity: columns of its own that
    /// name the entity, and columns that order the rows of one. A table that is written in that order
    /// spares the next walk its sort; see [`super::in_order`].
    fn leaves(&self) -> Option<WalkOrder> {
        None
    }
    /// Whether every row comes out, its columns before those that are added: what the planner knows of the
    /// input then holds of the output too. It chooses by that how a join goes about its work.
    fn only_adds_columns(&self) -> bool {
        false
    }
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
    operator::node(std::iter::once(input).chain(tables).collect(), Arc::new(Walk { order, algorithm }))
}

/// The walk of an algorithm that adds one column to rows, group by group: `algorithm` is made of where the columns
/// `within` stand that name a group, and of all columns with the one that is added.
pub(super) fn walk_adding(
    rows: LogicalPlan,
    within: &[&str],
    order: Vec<String>,
    added: Field,
    algorithm: impl FnOnce(Vec<usize>, SchemaRef) -> Arc<dyn EntityAlgorithm>,
) -> Result<LogicalPlan> {
    let mut fields: Vec<_> = rows.schema().fields().iter().cloned().collect();
    let place = |name: &&str| fields.iter().position(|field| field.name() == name);
    let groups = within.iter().map(place).collect::<Option<_>>();
    let groups = groups.ok_or_else(|| Error::internal("a walk goes by columns that its rows do not have"))?;
    fields.push(Arc::new(added));
    let entity = within.iter().map(ToString::to_string).collect();
    walk(rows, WalkOrder { entity, order }, algorithm(groups, Arc::new(Schema::new(fields))))
}

/// The order of the rows of each partition of a plan, where it is a walk whose rows leave in one: no
/// entity is in two of the partitions.
pub fn left_in_order(plan: &dyn ExecutionPlan) -> Option<WalkOrder> {
    plan.downcast_ref::<EntityExec>().and_then(|walk| walk.algorithm().leaves())
}

#[derive(Debug)]
struct Walk {
    order: WalkOrder,
    algorithm: Arc<dyn EntityAlgorithm>,
}

impl Operator for Walk {
    fn name(&self) -> &str {
        self.algorithm.name()
    }

    fn details(&self) -> String {
        format!("entity=[{}], order=[{}]", self.order.entity.join(", "), self.order.order.join(", "))
    }

    fn output_schema(&self) -> SchemaRef {
        self.algorithm.output_schema()
    }

    fn physical(&self, inputs: &[Arc<dyn ExecutionPlan>], _: &dyn Session) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let Some((input, tables)) = inputs.split_first() else {
            return internal_err!("{} reads at least one input", self.name());
        };
        let schema = input.schema();
        let column = |name: &String| -> SqlResult<Arc<dyn PhysicalExpr>> {
            Ok(Arc::new(PhysicalColumn::new_with_schema(name, &schema)?))
        };
        let entity = self.order.entity.iter().map(column).collect::<SqlResult<Vec<_>>>()?;
        let sorted = self.order.entity.iter().chain(&self.order.order);
        let sort =
            sorted.map(|name| Ok(PhysicalSortExpr::new(column(name)?, ASCENDING))).collect::<SqlResult<Vec<_>>>()?;
        let Some(ordering) = LexOrdering::new(sort) else { return internal_err!("a walk needs an order") };
        let is_sorted = input.equivalence_properties().ordering_satisfy(ordering.clone())?;
        let rows: Arc<dyn ExecutionPlan> = match is_sorted && is_together(input.as_ref(), &entity) {
            true => Arc::clone(input),
            false => Arc::new(EntitySortExec::new(Arc::clone(input), entity.clone(), ordering.clone())),
        };
        Ok(Arc::new(EntityExec::new(rows, tables.to_vec(), entity, ordering, Arc::clone(&self.algorithm))))
    }
}
