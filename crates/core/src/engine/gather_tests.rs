//! [`super::gather`] through a real engine.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::{FutureExt, StreamExt, TryStreamExt};

use super::gather::{GatherAlgorithm, GatherAnswer, GatherState, Gathered, gather};
use super::{Engine, Frame, Frames, Limits};
use crate::diag::Sources;
use crate::error::{Error, ErrorKind, Result};
use crate::syntax::TableName;

/// Table 0 has all numbers in order, table 1 how many rows each input had.
#[derive(Debug, Default)]
struct Sorted {
    /// How often the work was begun.
    begun: Arc<AtomicUsize>,
    refuses: bool,
}

#[derive(Default)]
struct Taking {
    numbers: Vec<i64>,
    counts: Vec<i64>,
    refuses: bool,
}

struct Found([Vec<i64>; 2]);

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

fn batch(numbers: &[i64]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(numbers.to_vec()));
    RecordBatch::try_new(schema(), vec![column]).unwrap()
}

impl GatherAlgorithm for Sorted {
    fn name(&self) -> &'static str {
        "Sorted"
    }
    fn tables(&self) -> Vec<SchemaRef> {
        vec![schema(), schema()]
    }
    fn start(&self) -> Box<dyn GatherState> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Box::new(Taking { refuses: self.refuses, ..Taking::default() })
    }
}

impl GatherState for Taking {
    fn push(&mut self, input: usize, batch: &RecordBatch) -> Result<()> {
        assert!(input + 1 >= self.counts.len(), "inputs come one after another");
        self.counts.resize(input + 1, 0);
        let numbers = batch.column(0).as_primitive::<Int64Type>().values();
        self.counts[input] += numbers.len() as i64;
        self.numbers.extend(numbers);
        Ok(())
    }
    fn solve(mut self: Box<Self>) -> Result<Arc<dyn GatherAnswer>> {
        if self.refuses {
            return Err(Error::data("these numbers cannot be sorted"));
        }
        self.numbers.sort_unstable();
        Ok(Arc::new(Found([self.numbers, self.counts])))
    }
    fn held_bytes(&self) -> usize {
        8 * self.numbers.len()
    }
}

impl GatherAnswer for Found {
    fn rows(&self, table: usize) -> usize {
        self.0[table].len()
    }
    fn batch(&self, table: usize, rows: Range<usize>) -> Result<RecordBatch> {
        Ok(batch(&self.0[table][rows]))
    }
    fn held_bytes(&self) -> usize {
        8 * self.0[0].len()
    }
}

fn engine(threads: usize, batch_rows: usize, memory_bytes: usize) -> Engine {
    let limits = Limits {
        threads: NonZeroUsize::new(threads).unwrap(),
        memory_bytes,
        spill_dir: None,
        batch_size: NonZeroUsize::new(batch_rows).unwrap(),
    };
    Engine::new(limits, "2025-01-01T00:00:00Z".parse().unwrap(), Sources::default()).unwrap()
}

/// Two inputs, dealt out to partitions in single rows.
fn inputs(first: &[i64], second: &[i64], partitions: usize) -> Vec<LogicalPlan> {
    let mut frames = Frames::default();
    let names = ["first", "second"].map(TableName::new_unchecked);
    for (name, numbers) in names.iter().zip([first, second]) {
        let mut dealt = vec![Vec::new(); partitions];
        for (at, number) in numbers.iter().enumerate() {
            dealt[at % partitions].push(batch(&[*number]));
        }
        let provider = MemTable::try_new(schema(), dealt).unwrap();
        frames.insert(name.clone(), Frame { provider: Arc::new(provider), columns: Vec::new() });
    }
    names.iter().map(|name| frames.scan(name).unwrap().build().unwrap()).collect()
}

async fn rows(engine: &Engine, plan: LogicalPlan) -> datafusion::common::Result<Vec<i64>> {
    let batches = engine.ctx().execute_logical_plan(plan).await?.collect().await?;
    Ok(batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect())
}

#[tokio::test]
async fn the_work_is_done_once_for_all_tables() {
    let numbers: Vec<i64> = (0..100).map(|at| (at * 37) % 100).collect();
    let (first, second) = numbers.split_at(30);
    for (threads, batch_rows) in [(1, 8192), (2, 1), (3, 7), (5, 50)] {
        let engine = engine(threads, batch_rows, 1 << 30);
        let begun = Arc::new(AtomicUsize::new(0));
        let work = Gathered::new(Arc::new(Sorted { begun: Arc::clone(&begun), refuses: false }));
        let plan = |table| gather(inputs(first, second, threads), &work, table).unwrap();
        let mut sorted = rows(&engine, plan(0)).await.unwrap();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>(), "every row comes once");
        assert_eq!(rows(&engine, plan(1)).await.unwrap().iter().sum::<i64>(), 100);
        assert_eq!(begun.load(Ordering::Relaxed), 1);
    }
}

/// The plan of table 0 on three partitions, its inputs dealt out so that they are repartitioned, and how
/// often its work was begun.
async fn on_three_partitions(
    engine: &Engine,
    refuses: bool,
) -> (Arc<Gathered>, Arc<dyn ExecutionPlan>, Arc<AtomicUsize>) {
    let begun = Arc::new(AtomicUsize::new(0));
    let work = Gathered::new(Arc::new(Sorted { begun: Arc::clone(&begun), refuses }));
    let numbers: Vec<i64> = (0..90).collect();
    let plan = gather(inputs(&numbers, &numbers, 3), &work, 0).unwrap();
    let plan = engine.state().create_physical_plan(&plan).await.unwrap();
    assert_eq!(plan.output_partitioning().partition_count(), 3);
    (work, plan, begun)
}

#[tokio::test]
async fn a_reader_that_leaves_does_not_make_the_others_begin_again() {
    let engine = engine(3, 7, 1 << 30);
    let (_work, plan, begun) = on_three_partitions(&engine, false).await;
    let mut first = plan.execute(0, engine.ctx().task_ctx()).unwrap();
    assert!(first.next().now_or_never().is_none(), "it has to wait for its inputs");
    assert_eq!(begun.load(Ordering::Relaxed), 1);
    drop(first);
    let mut found = 0;
    for partition in [1, 2] {
        let rows = plan.execute(partition, engine.ctx().task_ctx()).unwrap();
        found += rows.try_collect::<Vec<_>>().await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>();
    }
    assert_eq!(found, 120);
    assert_eq!(begun.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn all_readers_are_told_of_an_error_and_none_begins_again() {
    let engine = engine(3, 7, 1 << 30);
    let (_work, plan, begun) = on_three_partitions(&engine, true).await;
    for partition in 0..3 {
        let rows = plan.execute(partition, engine.ctx().task_ctx()).unwrap();
        let failed = Error::from(rows.try_collect::<Vec<_>>().await.unwrap_err());
        assert_eq!((failed.kind(), failed.message()), (ErrorKind::Data, "these numbers cannot be sorted"));
    }
    assert_eq!(begun.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn empty_inputs_make_empty_tables() {
    let engine = engine(3, 7, 1 << 30);
    let work = Gathered::new(Arc::new(Sorted::default()));
    let found = rows(&engine, gather(inputs(&[], &[], 1), &work, 0).unwrap()).await.unwrap();
    assert_eq!(found, Vec::<i64>::new());
    assert!(gather(Vec::new(), &work, 2).is_err(), "there is no third table");
}

#[tokio::test]
async fn errors_and_the_memory_limit_end_the_work() {
    let refusing = Gathered::new(Arc::new(Sorted { refuses: true, ..Sorted::default() }));
    let plan = gather(inputs(&[1], &[2], 1), &refusing, 0).unwrap();
    let failed = Error::from(rows(&engine(2, 50, 1 << 30), plan).await.unwrap_err());
    assert_eq!((failed.kind(), failed.message()), (ErrorKind::Data, "these numbers cannot be sorted"));

    let many: Vec<i64> = (0..1_000).collect();
    let work = Gathered::new(Arc::new(Sorted::default()));
    let plan = gather(inputs(&many, &[], 1), &work, 0).unwrap();
    let failed = Error::from(rows(&engine(1, 50, 2_000), plan).await.unwrap_err());
    assert_eq!(failed.kind(), ErrorKind::World, "{failed}");
}
