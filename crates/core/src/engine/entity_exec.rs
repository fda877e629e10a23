//! The physical side of [`super::entity::walk`]: asks for partitioning and order, feeds batches.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as SqlResult, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::{Distribution, LexOrdering, OrderingRequirements, PhysicalExpr};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildStats, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream, StatisticsArgs,
};
use futures::{StreamExt, stream};

use super::entity::{EntityAlgorithm, EntityState};
use super::in_order::together;
use super::map_exec::{SideTables, load};
use super::once::Once;
use super::operator::{self, external};
use crate::error::Result;

/// Runs one [`EntityAlgorithm`] over each partition of its input.
#[derive(Debug)]
pub(super) struct EntityExec {
    input: Arc<dyn ExecutionPlan>,
    tables: Vec<Arc<dyn ExecutionPlan>>,
    /// Read by whichever partition comes first.
    loaded: Arc<Once<SideTables>>,
    entity: Vec<Arc<dyn PhysicalExpr>>,
    ordering: LexOrdering,
    algorithm: Arc<dyn EntityAlgorithm>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl EntityExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        tables: Vec<Arc<dyn ExecutionPlan>>,
        entity: Vec<Arc<dyn PhysicalExpr>>,
        ordering: LexOrdering,
        algorithm: Arc<dyn EntityAlgorithm>,
    ) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = operator::properties(algorithm.output_schema(), partitions);
        let (loaded, metrics) = (Arc::default(), ExecutionPlanMetricsSet::new());
        Self { input, tables, loaded, entity, ordering, algorithm, properties, metrics }
    }

    pub(super) fn algorithm(&self) -> &dyn EntityAlgorithm {
        self.algorithm.as_ref()
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
        let tables = self.tables.iter().map(|_| Distribution::SinglePartition);
        std::iter::once(together(self.input.as_ref(), &self.entity)).chain(tables).collect()
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let tables = self.tables.iter().map(|_| None);
        std::iter::once(Some(OrderingRequirements::from(self.ordering.clone()))).chain(tables).collect()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        std::iter::once(&self.input).chain(&self.tables).collect()
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

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let Some((input, tables)) = children.split_first() else { return internal_err!("a walk reads rows") };
        let (entity, ordering) = (self.entity.clone(), self.ordering.clone());
        Ok(Arc::new(Self::new(Arc::clone(input), tables.to_vec(), entity, ordering, Arc::clone(&self.algorithm))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> SqlResult<SendableRecordBatchStream> {
        let schema = self.algorithm.output_schema();
        let consumer = MemoryConsumer::new(format!("{}[{partition}]", self.algorithm.name()));
        let (held, kept_back) = keep_back(consumer.register(context.memory_pool()), &context);
        let walk = Walk {
            input: self.input.execute(partition, Arc::clone(&context))?,
            tables: self.tables.clone(),
            loaded: Arc::clone(&self.loaded),
            algorithm: Arc::clone(&self.algorithm),
            state: None,
            held,
            kept_back,
            metrics: BaselineMetrics::new(&self.metrics, partition),
            schema: Arc::clone(&schema),
            context,
            step: Step::Read,
        };
        let batches =
            stream::try_unfold(walk, |mut walk| async move { Ok(walk.next().await?.map(|batch| (batch, walk))) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        std::iter::once(ChildStats::At(partition)).chain(self.tables.iter().map(|_| ChildStats::Skip)).collect()
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _: &StatisticsArgs) -> SqlResult<Arc<Statistics>> {
        let unknown = Statistics::new_unknown(&self.schema());
        let Some(rows) = inputs.first().filter(|_| self.algorithm.only_adds_columns()) else {
            return Ok(Arc::new(unknown));
        };
        let added = unknown.column_statistics.into_iter().skip(rows.column_statistics.len());
        let column_statistics = rows.column_statistics.iter().cloned().chain(added).collect();
        let (num_rows, total_byte_size) = (rows.num_rows, rows.total_byte_size.to_inexact());
        Ok(Arc::new(Statistics { num_rows, total_byte_size, column_statistics }))
    }
}

struct Walk {
    input: SendableRecordBatchStream,
    tables: Vec<Arc<dyn ExecutionPlan>>,
    loaded: Arc<Once<SideTables>>,
    algorithm: Arc<dyn EntityAlgorithm>,
    state: Option<Box<dyn EntityState>>,
    held: MemoryReservation,
    /// Bytes reserved all along, however few are held.
    kept_back: usize,
    metrics: BaselineMetrics,
    schema: SchemaRef,
    context: Arc<TaskContext>,
    step: Step,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Rows of the input.
    Read,
    /// What the rows read still give.
    More,
    /// Nothing.
    Done,
}

impl Walk {
    /// The next non-empty batch of the algorithm's rows.
    async fn next(&mut self) -> SqlResult<Option<RecordBatch>> {
        while self.step != Step::Done {
            // Before the first row: once sorts have begun to gather rows, side tables find no memory left.
            let mut state = match self.state.take() {
                Some(state) => state,
                None if self.tables.is_empty() => self.algorithm.start(),
                None => {
                    let begin = || load(self.tables.clone(), Arc::clone(&self.context));
                    let loaded = self.loaded.get(begin).await?;
                    let (tables, _) = loaded.as_ref();
                    self.algorithm.start_with(tables).map_err(external)?
                }
            };
            let batch = match self.step {
                Step::Read => self.input.next().await.transpose()?,
                _ => None,
            };
            let made = {
                let _timer = self.metrics.elapsed_compute().timer();
                take(self.step, &mut *state, batch.as_ref()).map_err(external)?
            };
            self.step = match (self.step, &batch) {
                (Step::More, _) if made.is_none() => Step::Read,
                (Step::More, _) | (_, Some(_)) => Step::More,
                (_, None) => Step::Done,
            };
            self.held.try_resize(state.held_bytes().max(self.kept_back))?;
            self.state = Some(state);
            if let Some(batch) = made.filter(|batch| batch.num_rows() > 0) {
                if batch.schema() != self.schema {
                    return internal_err!("rows with other columns than announced");
                }
                self.metrics.record_output(batch.num_rows());
                return Ok(Some(batch));
            }
        }
        self.held.free();
        Ok(None)
    }
}

/// One step of the algorithm.
fn take(step: Step, state: &mut dyn EntityState, batch: Option<&RecordBatch>) -> Result<Option<RecordBatch>> {
    match (step, batch) {
        (Step::More, _) => state.more(),
        (_, Some(batch)) => state.push(batch),
        (_, None) => state.finish(),
    }
}

/// Reserves twice what a sort keeps back for its own end. The sorts that feed a walk share out among
/// themselves all memory that is free when they begin, and the walk could not hold a single entity.
fn keep_back(held: MemoryReservation, context: &TaskContext) -> (MemoryReservation, usize) {
    let bytes = 2 * context.session_config().options().execution.sort_spill_reservation_bytes;
    let bytes = if held.try_grow(bytes).is_ok() { bytes } else { 0 };
    (held, bytes)
}
