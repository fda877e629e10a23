//! Sorting rows for a walk: by entity first and, within an entity, by what orders its rows.
//!
//! The general sort compares rows whole, in encoded form, and merges hundreds of sorted batches. A
//! walk's columns are mostly numbers and its entities have few rows, so it is quicker to bring each
//! column into one piece, to put the numbers of the rows in order ([`super::entity_order`]), and then
//! to gather the rows.
//!
//! Where the first column is of a type without words, or memory runs short, the rows go through the
//! general sort, which spills. Both give the same order.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as SqlResult, Statistics, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, EquivalenceProperties, LexOrdering, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{
    ChildStats, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    SendableRecordBatchStream, StatisticsArgs,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::entity_order::{has_words, order};
use super::in_order::together;

/// Sorts each partition by entity and order, ascending, NULLs last.
#[derive(Debug)]
pub(super) struct EntitySortExec {
    input: Arc<dyn ExecutionPlan>,
    entity: Vec<Arc<dyn PhysicalExpr>>,
    ordering: LexOrdering,
    properties: Arc<PlanProperties>,
}

impl EntitySortExec {
    /// `ordering` begins with the columns of `entity`.
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        entity: Vec<Arc<dyn PhysicalExpr>>,
        ordering: LexOrdering,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(input.schema(), [ordering.clone()]),
            input.output_partitioning().clone(),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { input, entity, ordering, properties: Arc::new(properties) }
    }

    /// Where the sort columns stand, if the first is of a type that is sorted here.
    fn columns(&self) -> Option<Vec<usize>> {
        let schema = self.input.schema();
        let place = |at: usize, expr: &Arc<dyn PhysicalExpr>| {
            let column = expr.downcast_ref::<Column>()?.index();
            let data_type = schema.fields().get(column)?.data_type();
            (at > 0 || has_words(data_type)).then_some(column)
        };
        self.ordering.iter().enumerate().map(|(at, sort)| place(at, &sort.expr)).collect()
    }
}

impl DisplayAs for EntitySortExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntitySortExec: order=[{}]", self.ordering)
    }
}

impl ExecutionPlan for EntitySortExec {
    fn name(&self) -> &'static str {
        "EntitySortExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![together(self.input.as_ref(), &self.entity)]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> SqlResult<TreeNodeRecursion>,
    ) -> SqlResult<TreeNodeRecursion> {
        for sort in &self.ordering {
            if f(&sort.expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> SqlResult<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else { return internal_err!("a sort reads one input") };
        Ok(Arc::new(Self::new(input, self.entity.clone(), self.ordering.clone())))
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _: &StatisticsArgs) -> SqlResult<Arc<Statistics>> {
        inputs.first().map_or_else(|| internal_err!("a sort reads one input"), |rows| Ok(Arc::clone(rows)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> SqlResult<SendableRecordBatchStream> {
        let consumer = MemoryConsumer::new(format!("EntitySort[{partition}]"));
        let sort = Sort {
            input: self.input.execute(partition, Arc::clone(&context))?,
            columns: self.columns(),
            ordering: self.ordering.clone(),
            schema: self.schema(),
            most_bytes: most_bytes(&context, self.properties.output_partitioning().partition_count(), &self.schema()),
            held: consumer.register(context.memory_pool()),
            context,
        };
        let sorted = stream::once(sort.run()).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), sorted)))
    }
}

/// The work on one partition.
struct Sort {
    input: SendableRecordBatchStream,
    columns: Option<Vec<usize>>,
    ordering: LexOrdering,
    schema: SchemaRef,
    most_bytes: usize,
    held: MemoryReservation,
    context: Arc<TaskContext>,
}

/// What is sorted here cannot be spilled, so it leaves most of the memory to those that can.
const SHARE: usize = 4;

fn most_bytes(context: &TaskContext, partitions: usize, schema: &Schema) -> usize {
    let bytes = match context.memory_pool().memory_limit() {
        MemoryLimit::Finite(bytes) => bytes / SHARE / partitions.max(1),
        _ => usize::MAX,
    };
    // A column in one piece must not outgrow its offsets.
    let has_small_offsets = |field: &FieldRef| {
        let data_type = field.data_type();
        !data_type.is_primitive() && !matches!(data_type, DataType::Boolean | DataType::Utf8View)
    };
    if schema.fields().iter().any(has_small_offsets) { bytes.min(i32::MAX as usize) } else { bytes }
}

impl Sort {
    async fn run(mut self) -> SqlResult<SendableRecordBatchStream> {
        let Some(columns) = self.columns.take() else { return self.general(Vec::new()) };
        let mut batches = Vec::new();
        while let Some(batch) = self.input.next().await.transpose()? {
            // The rows as they came, once more in one piece, and their order.
            let bytes = 2 * bytes_of(&batch) + batch.num_rows() * size_of::<(u64, u32)>();
            batches.push(batch);
            if self.held.size() + bytes > self.most_bytes || self.held.try_grow(bytes).is_err() {
                return self.general(batches);
            }
        }
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if rows == 0 || u32::try_from(rows).is_err() {
            return self.general(batches);
        }
        let whole = joined(&self.schema, batches)?;
        let order = order(&whole, &columns)?;
        let size = self.context.session_config().batch_size();
        let (schema, held) = (Arc::clone(&self.schema), self.held);
        let made = stream::iter((0..rows).step_by(size)).map(move |start| {
            // What is held is given back when the last batch is made.
            let _held = &held;
            let rows = order.get(start..(start + size).min(order.len())).unwrap_or_default();
            let rows = UInt32Array::from(rows.to_vec());
            let columns: Result<Vec<ArrayRef>, _> = whole.iter().map(|column| take(column, &rows, None)).collect();
            Ok(RecordBatch::try_new(Arc::clone(&schema), columns?)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema, made)))
    }

    /// The general sort over the rows read so far and those that follow.
    fn general(self, batches: Vec<RecordBatch>) -> SqlResult<SendableRecordBatchStream> {
        self.held.free();
        let schema = Arc::clone(&self.schema);
        let all = stream::iter(batches.into_iter().map(Ok)).chain(self.input);
        let all: SendableRecordBatchStream = Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), all));
        let rows = Arc::new(Once { schema: Arc::clone(&schema), rows: Mutex::new(Some(all)) });
        let input = StreamingTableExec::try_new(schema, vec![rows], None, Vec::new(), false, None)?;
        SortExec::new(self.ordering, Arc::new(input)).execute(0, self.context)
    }
}

/// Rows that are read once.
struct Once {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Once({})", self.schema)
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner).take();
        rows.unwrap_or_else(|| Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::empty())))
    }
}

/// The bytes of a batch's own values. Views share the texts of the batch they were taken from with those
/// of other partitions, and each would count all of them.
pub(super) fn bytes_of(batch: &RecordBatch) -> usize {
    let of = |column: &ArrayRef| match column.as_string_view_opt() {
        Some(views) => views.len() * size_of::<u128>() + views.total_buffer_bytes_used(),
        None => column.get_array_memory_size(),
    };
    batch.columns().iter().map(of).sum()
}

/// Rows that are taken from a column of views name all of its buffers, used or not. From so many on, those of all
/// batches that were read, they are made one.
const FEW_BUFFERS: usize = 16;

/// Each column in one piece; the batches are let go of.
pub(super) fn joined(schema: &SchemaRef, batches: Vec<RecordBatch>) -> SqlResult<Vec<ArrayRef>> {
    let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(batches.len()); schema.fields().len()];
    for batch in batches {
        columns.iter_mut().zip(batch.columns()).for_each(|(pieces, piece)| pieces.push(Arc::clone(piece)));
    }
    let join = |pieces: Vec<ArrayRef>| -> SqlResult<ArrayRef> {
        let whole = concat(&pieces.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
        drop(pieces);
        Ok(match whole.as_string_view_opt() {
            Some(views) if views.data_buffers().len() > FEW_BUFFERS => Arc::new(views.gc()),
            _ => whole,
        })
    };
    columns.into_iter().map(join).collect()
}
