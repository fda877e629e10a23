//! The physical side of [`super::map::map`]: reads the side tables once, feeds batches.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as SqlResult, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_expr::{Distribution, PhysicalExpr};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::map::{RowAlgorithm, RowState};
use super::once::Once;
use super::operator;

/// The rows of the side tables and the memory they are accounted with.
pub(super) type SideTables = (Vec<Vec<RecordBatch>>, MemoryReservation);

/// Runs one [`RowAlgorithm`] over each partition of its first input.
#[derive(Debug)]
pub(super) struct MapExec {
    rows: Arc<dyn ExecutionPlan>,
    tables: Vec<Arc<dyn ExecutionPlan>>,
    algorithm: Arc<dyn RowAlgorithm>,
    /// Read by whichever partition comes first.
    loaded: Arc<Once<SideTables>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl MapExec {
    pub(super) fn new(
        rows: Arc<dyn ExecutionPlan>,
        tables: Vec<Arc<dyn ExecutionPlan>>,
        algorithm: Arc<dyn RowAlgorithm>,
    ) -> Self {
        let partitions = rows.output_partitioning().partition_count();
        let properties = operator::properties(algorithm.output_schema(), partitions);
        let (loaded, metrics) = (Arc::default(), ExecutionPlanMetricsSet::new());
        Self { rows, tables, algorithm, loaded, properties, metrics }
    }
}

impl DisplayAs for MapExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MapExec: {}", self.algorithm.name())
    }
}

impl ExecutionPlan for MapExec {
    fn name(&self) -> &'static str {
        "MapExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        let tables = self.tables.iter().map(|_| Distribution::SinglePartition);
        std::iter::once(Distribution::UnspecifiedDistribution).chain(tables).collect()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        std::iter::once(&self.rows).chain(&self.tables).collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> SqlResult<TreeNodeRecursion>,
    ) -> SqlResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let Some((rows, tables)) = children.split_first() else { return internal_err!("a map reads rows") };
        Ok(Arc::new(Self::new(Arc::clone(rows), tables.to_vec(), Arc::clone(&self.algorithm))))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> SqlResult<SendableRecordBatchStream> {
        let schema = self.algorithm.output_schema();
        let consumer = MemoryConsumer::new(format!("{}[{partition}]", self.algorithm.name()));
        let work = Work {
            rows: self.rows.execute(partition, Arc::clone(&context))?,
            tables: self.tables.clone(),
            algorithm: Arc::clone(&self.algorithm),
            loaded: Arc::clone(&self.loaded),
            held: consumer.register(context.memory_pool()),
            metrics: BaselineMetrics::new(&self.metrics, partition),
            state: None,
            context,
        };
        let batches =
            stream::try_unfold(work, |mut work| async move { Ok(work.next().await?.map(|batch| (batch, work))) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

struct Work {
    rows: SendableRecordBatchStream,
    tables: Vec<Arc<dyn ExecutionPlan>>,
    algorithm: Arc<dyn RowAlgorithm>,
    loaded: Arc<Once<SideTables>>,
    held: MemoryReservation,
    metrics: BaselineMetrics,
    state: Option<Box<dyn RowState>>,
    context: Arc<TaskContext>,
}

impl Work {
    async fn next(&mut self) -> SqlResult<Option<RecordBatch>> {
        // Before the first row: once sorts have begun to gather rows, side tables find no memory left.
        let mut state = match self.state.take() {
            Some(state) => state,
            None => {
                let begin = || load(self.tables.clone(), Arc::clone(&self.context));
                let loaded = self.loaded.get(begin).await?;
                let (tables, _) = loaded.as_ref();
                self.algorithm.start(tables).map_err(operator::external)?
            }
        };
        let Some(batch) = self.rows.next().await.transpose()? else { return Ok(None) };
        let made = {
            let _timer = self.metrics.elapsed_compute().timer();
            state.apply(&batch).map_err(operator::external)?
        };
        self.held.try_resize(state.held_bytes())?;
        self.state = Some(state);
        if made.num_rows() != batch.num_rows() || made.schema() != self.algorithm.output_schema() {
            return internal_err!("{} made other rows than announced", self.algorithm.name());
        }
        self.metrics.record_output(made.num_rows());
        Ok(Some(made))
    }
}

/// Reads side tables whole, their memory accounted for.
pub(super) async fn load(tables: Vec<Arc<dyn ExecutionPlan>>, context: Arc<TaskContext>) -> SqlResult<SideTables> {
    let held = MemoryConsumer::new("lookup tables").register(context.memory_pool());
    let mut loaded = Vec::with_capacity(tables.len());
    for table in tables {
        let mut batches = Vec::new();
        let mut rows = table.execute(0, Arc::clone(&context))?;
        while let Some(batch) = rows.try_next().await? {
            held.try_grow(batch.get_array_memory_size())?;
            batches.push(batch);
        }
        loaded.push(batches);
    }
    Ok((loaded, held))
}
