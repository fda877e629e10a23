//! What all operators of ours share: the node that stands for one in a logical plan, and the planner
//! that turns such nodes into physical plans.
//!
//! An operator says what it is called, which columns it makes, and how it is executed over inputs
//! that are already planned; [`node`] puts it into a plan.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, Result as SqlResult, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{ExecutionPlan, Partitioning, PlanProperties};
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use crate::error::{Error, Result};

/// An operator of ours, before it is planned.
pub(super) trait Operator: fmt::Debug + Send + Sync {
    /// Its name in plans.
    fn name(&self) -> &str;
    /// What a plan shows after the name.
    fn details(&self) -> String;
    /// The columns of the rows it makes.
    fn output_schema(&self) -> SchemaRef;
    /// Its execution over inputs as many as the node has, in their order.
    fn physical(&self, inputs: &[Arc<dyn ExecutionPlan>], session: &dyn Session) -> SqlResult<Arc<dyn ExecutionPlan>>;
}

/// Adds an operator to a plan; the output has the operator's own schema, unqualified.
pub(super) fn node(inputs: Vec<LogicalPlan>, operator: Arc<dyn Operator>) -> Result<LogicalPlan> {
    let schema = DFSchema::try_from(operator.output_schema().as_ref().clone())
        .map_err(|error| Error::internal("an operator's columns are not distinct").with_source(error))?;
    let node = OperatorNode { inputs, operator, schema: Arc::new(schema) };
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}

#[derive(Clone)]
struct OperatorNode {
    inputs: Vec<LogicalPlan>,
    operator: Arc<dyn Operator>,
    schema: DFSchemaRef,
}

impl fmt::Debug for OperatorNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserDefinedLogicalNodeCore::fmt_for_explain(self, f)
    }
}

// Two nodes are the same if they share the operator itself.
impl PartialEq for OperatorNode {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.operator, &other.operator) && self.inputs == other.inputs
    }
}
impl Eq for OperatorNode {}
impl PartialOrd for OperatorNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self == other).then_some(Ordering::Equal)
    }
}
impl Hash for OperatorNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.operator.name().hash(state);
        self.inputs.hash(state);
    }
}

impl UserDefinedLogicalNodeCore for OperatorNode {
    fn name(&self) -> &str {
        self.operator.name()
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
        write!(f, "{}: {}", self.operator.name(), self.operator.details())
    }
    fn with_exprs_and_inputs(&self, _: Vec<Expr>, inputs: Vec<LogicalPlan>) -> SqlResult<Self> {
        if inputs.len() != self.inputs.len() {
            return internal_err!("{} reads {} inputs", self.operator.name(), self.inputs.len());
        }
        Ok(Self { inputs, ..self.clone() })
    }
    /// An operator reads every column of its inputs, whatever is wanted of its output.
    fn necessary_children_exprs(&self, _: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(self.inputs.iter().map(|input| (0..input.schema().fields().len()).collect()).collect())
    }
}

/// DataFusion's planner, which also knows our operators.
#[derive(Debug)]
pub(super) struct Planner;

#[async_trait]
impl QueryPlanner for Planner {
    async fn create_physical_plan(&self, plan: &LogicalPlan, state: &dyn Session) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(OperatorPlanner)]);
        planner.create_physical_plan(plan, state).await
    }
}

struct OperatorPlanner;

#[async_trait]
impl ExtensionPlanner for OperatorPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> SqlResult<Option<Arc<dyn ExecutionPlan>>> {
        node.as_any().downcast_ref::<OperatorNode>().map(|node| node.operator.physical(inputs, session)).transpose()
    }
}

/// What the engine knows of an operator's rows: how many partitions, and no order of its own.
pub(super) fn properties(schema: SchemaRef, partitions: usize) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(schema),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}

/// Our error on its way through the engine, which hands it back as it was.
pub(super) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
