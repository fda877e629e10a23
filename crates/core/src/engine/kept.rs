//! Rows that several plans of one model read, such as its crosswalk: worked out once, and kept in memory until the
//! model is done.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::logical_expr::LogicalPlan;

use super::entity_sort::{bytes_of, joined};
use super::frames::Frames;
use super::gather::{GatherAlgorithm, GatherAnswer, GatherState, Gathered, gather};
use crate::error::{Error, Result};
use crate::syntax::TableName;

/// What is kept for a model, by name.
#[derive(Debug, Default)]
struct Kept(Mutex<BTreeMap<&'static str, Arc<Gathered>>>);

/// A plan of the same rows, unqualified, that executes `rows` the first time alone. All rows kept under one name for
/// a model must be the same, until [`Frames::forget_shared`] lets go of them, as a run does before and after a model.
///
/// # Errors
/// What [`gather`] says of columns that are not distinct.
pub fn kept(frames: &Frames, model: &TableName, name: &'static str, rows: LogicalPlan) -> Result<LogicalPlan> {
    let all = frames.shared::<Kept>(model).unwrap_or_else(|| {
        let none = Arc::new(Kept::default());
        frames.share(model, Arc::clone(&none) as _);
        none
    });
    let schema = Arc::clone(rows.schema().inner());
    let mut works = all.0.lock().unwrap_or_else(PoisonError::into_inner);
    let work = works.entry(name).or_insert_with(|| Gathered::new(Arc::new(Keep { name, schema })));
    gather(vec![rows], work, 0)
}

#[derive(Debug)]
struct Keep {
    name: &'static str,
    schema: SchemaRef,
}

impl GatherAlgorithm for Keep {
    fn name(&self) -> &'static str {
        self.name
    }

    fn tables(&self) -> Vec<SchemaRef> {
        vec![Arc::clone(&self.schema)]
    }

    fn keeps_rows(&self) -> bool {
        true
    }

    fn start(&self) -> Box<dyn GatherState> {
        Box::new(Rows { schema: Arc::clone(&self.schema), batches: Vec::new(), bytes: 0 })
    }
}

struct Rows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl GatherState for Rows {
    fn push(&mut self, _: usize, batch: &RecordBatch) -> Result<()> {
        // Once as it came, once in one piece.
        self.bytes += 2 * bytes_of(batch);
        self.batches.push(batch.clone());
        Ok(())
    }

    fn solve(self: Box<Self>) -> Result<Arc<dyn GatherAnswer>> {
        let rows = match self.batches.is_empty() {
            true => RecordBatch::new_empty(self.schema),
            false => RecordBatch::try_new(Arc::clone(&self.schema), joined(&self.schema, self.batches)?)?,
        };
        Ok(Arc::new(Whole(rows)))
    }

    fn held_bytes(&self) -> usize {
        self.bytes
    }
}

struct Whole(RecordBatch);

impl GatherAnswer for Whole {
    fn rows(&self, _: usize) -> usize {
        self.0.num_rows()
    }

    fn batch(&self, _: usize, rows: Range<usize>) -> Result<RecordBatch> {
        if rows.end > self.0.num_rows() {
            return Err(Error::internal("more rows are asked for than are kept"));
        }
        Ok(self.0.slice(rows.start, rows.len()))
    }

    fn held_bytes(&self) -> usize {
        bytes_of(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Int64Array, StringViewArray};
    use arrow::datatypes::Int64Type;
    use datafusion::common::stats::Precision;
    use datafusion::datasource::{MemTable, provider_as_source};
    use datafusion::logical_expr::LogicalPlanBuilder;
    use datafusion::physical_plan::{StatisticsArgs, StatisticsContext};

    use super::super::Engine;
    use super::super::entity_tests::engine;
    use super::*;

    fn rows(numbers: &[i64]) -> LogicalPlan {
        let batches = numbers.chunks(3).map(|numbers| {
            let names: StringViewArray = numbers.iter().map(|n| Some(format!("somebody with number {n}"))).collect();
            let number: ArrayRef = Arc::new(Int64Array::from(numbers.to_vec()));
            RecordBatch::try_from_iter([("number", number), ("name", Arc::new(names) as ArrayRef)]).unwrap()
        });
        let batches: Vec<RecordBatch> = batches.collect();
        let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
        LogicalPlanBuilder::scan("t", provider_as_source(Arc::new(table)), None).unwrap().build().unwrap()
    }

    async fn read(engine: &Engine, plan: LogicalPlan) -> Vec<i64> {
        let batches = engine.collect(plan).await.unwrap();
        let mut found: Vec<(i64, String)> = Vec::new();
        for batch in batches {
            let numbers = batch.column(0).as_primitive::<Int64Type>().values().to_vec();
            found.extend(numbers.into_iter().zip(batch.column(1).as_string_view().iter().flatten().map(String::from)));
        }
        found.sort();
        assert!(found.iter().all(|(number, name)| *name == format!("somebody with number {number}")));
        found.into_iter().map(|(number, _)| number).collect()
    }

    #[tokio::test]
    async fn rows_are_worked_out_once_for_each_name_until_they_are_forgotten() {
        let (frames, model) = (Frames::default(), TableName::new_unchecked("credits"));
        let engine = engine(2, 4, 1 << 28);
        let (old, new): (Vec<i64>, Vec<i64>) = ((0..10).collect(), (20..25).collect());
        let plan = |name, numbers: &[i64]| kept(&frames, &model, name, rows(numbers)).unwrap();
        assert_eq!(read(&engine, plan("people", &old)).await, old);
        assert_eq!(read(&engine, plan("people", &new)).await, old);
        assert_eq!(read(&engine, plan("accounts", &new)).await, new);
        frames.forget_shared(&model);
        assert_eq!(read(&engine, plan("people", &new)).await, new);
    }

    /// The planner puts the smaller side of a join into memory, and must know which one it is.
    #[tokio::test]
    async fn their_number_is_known_before_and_after() {
        let (frames, model) = (Frames::default(), TableName::new_unchecked("credits"));
        let engine = engine(2, 4, 1 << 28);
        let plan = kept(&frames, &model, "people", rows(&[1, 2, 3, 4])).unwrap();
        let known = async || {
            let plan = engine.state().create_physical_plan(&plan).await.unwrap();
            StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).unwrap().num_rows
        };
        assert_eq!(known().await, Precision::Exact(4));
        assert_eq!(read(&engine, plan.clone()).await, [1, 2, 3, 4]);
        assert_eq!(known().await, Precision::Exact(4));
    }
}
