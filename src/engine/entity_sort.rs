//! Sorting rows for a walk: by entity first and, within an entity, by what orders its rows.
//!
//! The general sort compares rows whole, in encoded form, and merges hundreds of sorted batches. A
//! walk's columns are mostly numbers and its entities have few rows, so it is quicker to sort one
//! word of 64 bits for each row and then to put the few rows of each word in order:
//!
//! ```text
//! entity ─→ word    a number as it is; a text's first eight bytes after what all texts share
//! sort (word, row) │ in each run of one word: sort by entity, then by the other columns │ gather
//! ```
//!
//! Where the entity is of another type or has NULLs, or memory runs short, the rows go through the
//! general sort, which spills. Both give the same order.

use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayRef, AsArray, DynComparator, RecordBatch, StringArray, StringViewArray, UInt32Array, make_comparator,
};
use arrow::compute::{concat, take};
use arrow::datatypes::{
    DataType, Date32Type, FieldRef, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as SqlResult, internal_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Distribution, EquivalenceProperties, LexOrdering, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::in_order::{ASCENDING, together};

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

fn has_words(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Int32
            | DataType::Int64
            | DataType::Date32
            | DataType::Timestamp(TimeUnit::Microsecond, _)
            | DataType::Utf8
            | DataType::Utf8View
    )
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
            let first = columns.first().and_then(|at| batch.columns().get(*at));
            let has_nulls = first.is_none_or(|first| first.null_count() > 0);
            // The rows as they came, once more in one piece, and their order.
            let bytes = 2 * bytes_of(&batch) + batch.num_rows() * size_of::<(u64, u32)>();
            batches.push(batch);
            if has_nulls || self.held.size() + bytes > self.most_bytes || self.held.try_grow(bytes).is_err() {
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
fn bytes_of(batch: &RecordBatch) -> usize {
    let of = |column: &ArrayRef| match column.as_string_view_opt() {
        Some(views) => views.len() * size_of::<u128>() + views.total_buffer_bytes_used(),
        None => column.get_array_memory_size(),
    };
    batch.columns().iter().map(of).sum()
}

/// Each column in one piece; the batches are let go of.
fn joined(schema: &SchemaRef, batches: Vec<RecordBatch>) -> SqlResult<Vec<ArrayRef>> {
    let mut columns: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(batches.len()); schema.fields().len()];
    for batch in batches {
        columns.iter_mut().zip(batch.columns()).for_each(|(pieces, piece)| pieces.push(Arc::clone(piece)));
    }
    let join = |pieces: Vec<ArrayRef>| Ok(concat(&pieces.iter().map(AsRef::as_ref).collect::<Vec<_>>())?);
    columns.into_iter().map(join).collect()
}

/// The rows in order.
fn order(whole: &[ArrayRef], sorted: &[usize]) -> SqlResult<Vec<u32>> {
    let column = |at: &usize| whole.get(*at).map_or_else(|| internal_err!("a sort column is not there"), Ok);
    let Some((first, rest)) = sorted.split_first() else { return internal_err!("a sort needs columns") };
    let first = column(first)?;
    let texts = Texts::of(first);
    let mut rows: Vec<(u64, u32)> = match (&texts, Numbers::of(first)) {
        (Some(texts), _) => texts.words().zip(0..).collect(),
        (None, Some(numbers)) => numbers.words().zip(0..).collect(),
        (None, None) => return internal_err!("rows are sorted by a column of type {}", first.data_type()),
    };
    let rest = rest.iter().map(|at| Rest::of(column(at)?)).collect::<SqlResult<Vec<_>>>()?;
    rows.sort_unstable();
    for run in rows.chunk_by_mut(|one, next| one.0 == next.0).filter(|run| run.len() > 1) {
        run.sort_unstable_by(|(_, a), (_, b)| {
            let by_text = texts.as_ref().map(|texts| texts.get(*a as usize).cmp(texts.get(*b as usize)));
            let by_rest = rest.iter().map(|column| column.compare(*a as usize, *b as usize));
            by_text.into_iter().chain(by_rest).find(|order| order.is_ne()).unwrap_or(a.cmp(b))
        });
    }
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// A column that orders rows of one word.
enum Rest<'a> {
    Numbers(Numbers<'a>),
    Other(DynComparator),
}

impl<'a> Rest<'a> {
    fn of(column: &'a ArrayRef) -> SqlResult<Self> {
        match Numbers::of(column) {
            Some(numbers) if column.null_count() == 0 => Ok(Self::Numbers(numbers)),
            _ => Ok(Self::Other(make_comparator(column, column, ASCENDING)?)),
        }
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Numbers(numbers) => numbers.get(a).cmp(&numbers.get(b)),
            Self::Other(compare) => compare(a, b),
        }
    }
}

/// The values of a column that is sorted as a number.
enum Numbers<'a> {
    Wide(&'a [i64]),
    Narrow(&'a [i32]),
}

impl<'a> Numbers<'a> {
    fn of(column: &'a ArrayRef) -> Option<Self> {
        match column.data_type() {
            DataType::Int64 => Some(Self::Wide(column.as_primitive::<Int64Type>().values())),
            DataType::Int32 => Some(Self::Narrow(column.as_primitive::<Int32Type>().values())),
            DataType::Date32 => Some(Self::Narrow(column.as_primitive::<Date32Type>().values())),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Some(Self::Wide(column.as_primitive::<TimestampMicrosecondType>().values()))
            }
            _ => None,
        }
    }

    fn get(&self, row: usize) -> i64 {
        match self {
            Self::Wide(values) => values.get(row).copied().unwrap_or_default(),
            Self::Narrow(values) => values.get(row).copied().map_or(0, i64::from),
        }
    }

    /// Numbers without a sign, in the same order.
    fn words(&self) -> impl Iterator<Item = u64> {
        let (wide, narrow): (&[i64], &[i32]) = match self {
            Self::Wide(values) => (values, &[]),
            Self::Narrow(values) => (&[], values),
        };
        wide.iter().copied().chain(narrow.iter().map(|value| i64::from(*value))).map(|value| (value as u64) ^ (1 << 63))
    }
}

/// The values of a text column.
enum Texts<'a> {
    Views(&'a StringViewArray),
    Plain(&'a StringArray),
}

impl<'a> Texts<'a> {
    fn of(column: &'a ArrayRef) -> Option<Self> {
        column.as_string_view_opt().map(Self::Views).or_else(|| column.as_string_opt().map(Self::Plain))
    }

    fn get(&self, row: usize) -> &'a [u8] {
        match self {
            Self::Views(texts) => texts.value(row).as_bytes(),
            Self::Plain(texts) => texts.value(row).as_bytes(),
        }
    }

    /// Of each text the eight bytes that follow what all texts begin with: less for lesser texts, and
    /// equal for some that differ.
    fn words(&self) -> impl Iterator<Item = u64> {
        let rows = match self {
            Self::Views(texts) => texts.len(),
            Self::Plain(texts) => texts.len(),
        };
        let first = if rows == 0 { &[][..] } else { self.get(0) };
        let shared = (0..rows).fold(first.len(), |shared, row| {
            let (one, other) = (first.get(..shared).unwrap_or_default(), self.get(row));
            if other.starts_with(one) { shared } else { one.iter().zip(other).take_while(|(a, b)| a == b).count() }
        });
        (0..rows).map(move |row| {
            let mut bytes = [0; 8];
            let rest = self.get(row).get(shared..).unwrap_or_default();
            bytes.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            u64::from_be_bytes(bytes)
        })
    }
}
