//! The physical side of [`super::gather::gather`]: reads the inputs once, streams a table.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result as SqlResult, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::physical_expr::{Distribution, EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildStats, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, SendableRecordBatchStream,
    StatisticsArgs,
};
use futures::{TryStreamExt, stream};

use super::gather::{GatherAlgorithm, Gathered, Solved};
use super::heap;
use super::operator::external;
use super::scratch::Scratch;

/// Streams one table of the answer, a stretch of its rows for each partition.
#[derive(Debug)]
pub(super) struct GatherExec {
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    work: Arc<Gathered>,
    table: usize,
    schema: SchemaRef,
    partitions: usize,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl GatherExec {
    pub(super) fn new(
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        work: Arc<Gathered>,
        table: usize,
        schema: SchemaRef,
        partitions: usize,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions.max(1)),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        let metrics = ExecutionPlanMetricsSet::new();
        Self { inputs, work, table, schema, partitions: partitions.max(1), properties: Arc::new(properties), metrics }
    }
}

impl DisplayAs for GatherExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatherExec: {}, table {}", self.work.algorithm().name(), self.table)
    }
}

impl ExecutionPlan for GatherExec {
    fn name(&self) -> &'static str {
        "GatherExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        self.inputs.iter().map(|_| Distribution::SinglePartition).collect()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> SqlResult<TreeNodeRecursion>,
    ) -> SqlResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let (work, schema) = (Arc::clone(&self.work), Arc::clone(&self.schema));
        Ok(Arc::new(Self::new(children, work, self.table, schema, self.partitions)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> SqlResult<SendableRecordBatchStream> {
        let answer = Reader {
            work: Arc::clone(&self.work),
            inputs: self.inputs.clone(),
            table: self.table,
            partition,
            partitions: self.partitions,
            at: None,
            schema: Arc::clone(&self.schema),
            metrics: BaselineMetrics::new(&self.metrics, partition),
            context,
        };
        let batches =
            stream::try_unfold(answer, |mut read| async move { Ok(read.next().await?.map(|batch| (batch, read))) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, _: Option<usize>) -> Vec<ChildStats> {
        let keeps_rows = self.work.algorithm().keeps_rows();
        self.inputs.iter().map(|_| if keeps_rows { ChildStats::At(None) } else { ChildStats::Skip }).collect()
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], args: &StatisticsArgs) -> SqlResult<Arc<Statistics>> {
        let unknown = Statistics::new_unknown(&self.schema);
        let known = match (self.work.solved().done(), inputs) {
            _ if args.partition().is_some() => unknown,
            (Some(solved), _) => unknown.with_num_rows(Precision::Exact(solved.0.rows(self.table))),
            (None, [rows]) if self.work.algorithm().keeps_rows() => rows.as_ref().clone(),
            _ => unknown,
        };
        Ok(Arc::new(known))
    }
}

struct Reader {
    work: Arc<Gathered>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    table: usize,
    partition: usize,
    partitions: usize,
    /// The next row, once the work is done.
    at: Option<usize>,
    schema: SchemaRef,
    metrics: BaselineMetrics,
    context: Arc<TaskContext>,
}

impl Reader {
    async fn next(&mut self) -> SqlResult<Option<RecordBatch>> {
        let begin = || solve(Arc::clone(self.work.algorithm()), self.inputs.clone(), Arc::clone(&self.context));
        let solved = self.work.solved().get(begin).await?;
        let (answer, _) = solved.as_ref();
        let _timer = self.metrics.elapsed_compute().timer();
        let rows = answer.rows(self.table);
        let (start, end) = (rows * self.partition / self.partitions, rows * (self.partition + 1) / self.partitions);
        let from = self.at.unwrap_or(start);
        let to = end.min(from + self.context.session_config().batch_size());
        if from >= to {
            return Ok(None);
        }
        let batch = answer.batch(self.table, from..to).map_err(external)?;
        if batch.num_rows() != to - from || batch.schema() != self.schema {
            return internal_err!("{} made other rows than announced", self.work.algorithm().name());
        }
        self.at = Some(to);
        self.metrics.record_output(batch.num_rows());
        Ok(Some(batch))
    }
}

/// Reads the inputs in turn and solves; what is held is reserved all along.
async fn solve(
    algorithm: Arc<dyn GatherAlgorithm>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    context: Arc<TaskContext>,
) -> SqlResult<Solved> {
    let held = MemoryConsumer::new(algorithm.name()).register(context.memory_pool());
    let scratch = Scratch::of(&context);
    let mut state = algorithm.start();
    for (number, input) in inputs.iter().enumerate() {
        let mut rows = input.execute(0, Arc::clone(&context))?;
        while let Some(batch) = rows.try_next().await? {
            state.push(number, &batch).map_err(external)?;
            if held.try_resize(state.held_bytes()).is_err() {
                state.spill(&scratch).map_err(external)?;
                held.try_resize(state.held_bytes())?;
            }
        }
    }
    // Seconds of pure computing must not keep the reactor from its other tasks.
    let solved = tokio::task::spawn_blocking(move || {
        let answer = state.solve();
        // What the work took beside its answer would otherwise lie free while the tables are written.
        heap::give_back();
        answer
    })
    .await;
    let answer = solved.map_err(|error| DataFusionError::External(Box::new(error)))?.map_err(external)?;
    held.try_resize(answer.held_bytes())?;
    Ok((answer, held))
}
