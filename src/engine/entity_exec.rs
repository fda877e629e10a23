//! The physical side of [`super::entity::walk`]: asks for partitioning and order, feeds batches.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as SqlResult, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::{Distribution, LexOrdering, OrderingRequirements, PhysicalExpr};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, stream};

use super::entity::{EntityAlgorithm, EntityState};
use super::operator;

/// Runs one [`EntityAlgorithm`] over each partition of its input.
#[derive(Debug)]
pub(super) struct EntityExec {
    input: Arc<dyn ExecutionPlan>,
    entity: Vec<Arc<dyn PhysicalExpr>>,
    ordering: LexOrdering,
    algorithm: Arc<dyn EntityAlgorithm>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl EntityExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        entity: Vec<Arc<dyn PhysicalExpr>>,
        ordering: LexOrdering,
        algorithm: Arc<dyn EntityAlgorithm>,
    ) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = operator::properties(algorithm.output_schema(), partitions);
        let metrics = ExecutionPlanMetricsSet::new();
        Self { input, entity, ordering, algorithm, properties, metrics }
    }
}

impl DisplayAs for EntityExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntityExec: {}, order=[{}]", self.algorithm.name(), self.ordering)
    }
}

impl ExecutionPlan for EntityExec {
    fn name(&self) -> &'static str {
        "EntityExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::KeyPartitioned(self.entity.clone())]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![Some(OrderingRequirements::from(self.ordering.clone()))]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> SqlResult<TreeNodeRecursion>,
    ) -> SqlResult<TreeNodeRecursion> {
        for expr in &self.entity {
            if f(expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else { return internal_err!("a walk reads one input") };
        let (entity, ordering) = (self.entity.clone(), self.ordering.clone());
        Ok(Arc::new(Self::new(input, entity, ordering, Arc::clone(&self.algorithm))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> SqlResult<SendableRecordBatchStream> {
        let schema = self.algorithm.output_schema();
        let consumer = MemoryConsumer::new(format!("{}[{partition}]", self.algorithm.name()));
        let walk = Walk {
            input: self.input.execute(partition, Arc::clone(&context))?,
            state: self.algorithm.start(),
            held: consumer.register(context.memory_pool()),
            metrics: BaselineMetrics::new(&self.metrics, partition),
            schema: Arc::clone(&schema),
            done: false,
        };
        let batches =
            stream::try_unfold(walk, |mut walk| async move { Ok(walk.next().await?.map(|batch| (batch, walk))) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

struct Walk {
    input: SendableRecordBatchStream,
    state: Box<dyn EntityState>,
    held: MemoryReservation,
    metrics: BaselineMetrics,
    schema: SchemaRef,
    done: bool,
}

impl Walk {
    /// The next non-empty batch of the algorithm's rows.
    async fn next(&mut self) -> SqlResult<Option<RecordBatch>> {
        while !self.done {
            let made = match self.input.next().await.transpose()? {
                Some(batch) => {
                    let _timer = self.metrics.elapsed_compute().timer();
                    self.state.push(&batch).map_err(operator::external)?
                }
                None => {
                    self.done = true;
                    self.state.finish().map_err(operator::external)?
                }
            };
            self.held.try_resize(self.state.held_bytes())?;
            if let Some(batch) = made.filter(|batch| batch.num_rows() > 0) {
                if batch.schema() != self.schema {
                    return internal_err!("rows with other columns than announced");
                }
                self.metrics.record_output(batch.num_rows());
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}
