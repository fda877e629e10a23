//! The sort before a walk against a plain sort of the rows, with and without NULLs and memory.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::compute::{SortColumn, SortOptions, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::Schema;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionConfig;
use futures::TryStreamExt;
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::entity_sort::EntitySortExec;

const COLUMNS: usize = 6;
const OPTIONS: SortOptions = SortOptions { descending: false, nulls_first: false };

/// The type of the entity.
#[derive(Clone, Copy, Debug)]
enum Named {
    Number,
    Text,
    View,
}

/// Entities and what they do; the last column makes the order total.
fn rows(rng: &mut ChaCha8Rng, count: usize, entities: i64, named: Named, nulls: bool) -> RecordBatch {
    let named_by_null = |id: i64| nulls && id % 7 == 3;
    let ids: Vec<i64> = (0..count).map(|_| rng.random_range(-entities..entities)).collect();
    let word = |id: &i64| match id % 4 {
        0 => format!("00Q5g{id:010}"),
        1 => format!("00Q5g{id}"),
        2 => "00Q5g".to_string(),
        _ => format!("00Q5g{}\u{0}", id / 8),
    };
    let entity: ArrayRef = match named {
        Named::Number => Arc::new(ids.iter().map(|id| (!named_by_null(*id)).then_some(*id)).collect::<Int64Array>()),
        Named::Text => Arc::new(StringArray::from_iter_values(ids.iter().map(word))),
        Named::View => {
            Arc::new(ids.iter().map(|id| (!named_by_null(*id)).then(|| word(id))).collect::<StringViewArray>())
        }
    };
    let at = (0..count).map(|_| (!nulls || rng.random_bool(0.9)).then(|| rng.random_range(-5..5_i64)));
    let at: TimestampMicrosecondArray = at.collect();
    let key: Int32Array = (0..count).map(|_| Some(rng.random_range(-3..3))).collect();
    let flag: BooleanArray = (0..count).map(|_| (!nulls || rng.random()).then(|| rng.random())).collect();
    let note = (0..count).map(|_| (!nulls || rng.random()).then(|| rng.random_range(0..12).to_string()));
    let note: StringViewArray = note.collect();
    let row = Int64Array::from_iter_values(0..count as i64);
    let columns: [(&str, ArrayRef); COLUMNS] = [
        ("entity", entity),
        ("at", Arc::new(at)),
        ("key", Arc::new(key)),
        ("flag", Arc::new(flag)),
        ("note", Arc::new(note)),
        ("row", Arc::new(row)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn plain(batch: &RecordBatch) -> RecordBatch {
    let column = |at: usize| SortColumn { values: Arc::clone(batch.column(at)), options: Some(OPTIONS) };
    let order = lexsort_to_indices(&(0..COLUMNS).map(column).collect::<Vec<_>>(), None).unwrap();
    take_record_batch(batch, &order).unwrap()
}

async fn sorted(batch: &RecordBatch, size: usize, memory_bytes: usize) -> RecordBatch {
    // Copies, as a repartitioning makes them: a slice would count as all that it is a slice of.
    let part = |at: usize| UInt32Array::from_iter_values(at as u32..(at + size).min(batch.num_rows()) as u32);
    let batches = (0..batch.num_rows()).step_by(size).map(|at| take_record_batch(batch, &part(at)).unwrap());
    let schema: Arc<Schema> = batch.schema();
    let input = MemorySourceConfig::try_new_exec(&[batches.collect()], Arc::clone(&schema), None).unwrap();
    let column = |at: usize| Arc::new(Column::new(schema.field(at).name(), at)) as Arc<dyn PhysicalExpr>;
    let ordering = LexOrdering::new((0..COLUMNS).map(|at| PhysicalSortExpr::new(column(at), OPTIONS))).unwrap();
    let sort = EntitySortExec::new(input, vec![column(0)], ordering);
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_bytes)));
    let mut config = SessionConfig::new().with_batch_size(size);
    config.options_mut().execution.sort_spill_reservation_bytes = 1_000;
    let context = TaskContext::default().with_runtime(runtime.build_arc().unwrap()).with_session_config(config);
    let made: Vec<RecordBatch> = sort.execute(0, Arc::new(context)).unwrap().try_collect().await.unwrap();
    assert!(made.iter().all(|batch| batch.num_rows() <= size));
    concat_batches(&schema, &made).unwrap()
}

#[tokio::test]
async fn rows_come_in_the_order_of_a_plain_sort() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for size in [1, 2, 7, 50, 8192] {
        for (count, entities) in
            [(0, 1), (1, 1), (200, 1), (500, 20), (1_000, 1_000), (2_500, 2), (4_000, 60), (4_000, 200)]
        {
            for (named, nulls) in [
                (Named::Number, false),
                (Named::Text, false),
                (Named::View, false),
                (Named::Number, true),
                (Named::View, true),
            ] {
                let batch = rows(&mut rng, count, entities, named, nulls);
                let made = sorted(&batch, size, 1 << 30).await;
                assert_eq!(
                    made,
                    plain(&batch),
                    "{count} rows of {entities}, batches of {size}, {named:?}, NULLs: {nulls}"
                );
            }
        }
    }
}

#[tokio::test]
async fn rows_that_do_not_fit_are_spilled() {
    let batch = rows(&mut ChaCha8Rng::seed_from_u64(6), 50_000, 5_000, Named::View, false);
    assert_eq!(sorted(&batch, 1_000, 3 << 20).await, plain(&batch));
}
