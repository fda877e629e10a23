//! That rows are numbered, and know the next one, as by the engine's own windows.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, UInt64Type};
use datafusion::common::stats::Precision;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::functions_window::expr_fn::{lead, row_number};
use datafusion::logical_expr::{ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, ident};
use datafusion::physical_plan::{StatisticsArgs, StatisticsContext};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::Engine;
use super::entity_tests::engine;
use super::following::following;
use super::numbered::{NTH, numbered};

type Row = (Option<String>, Option<i64>, i64);

fn scan(rows: &[Row], threads: usize, batch: usize) -> LogicalPlanBuilder {
    let batches = rows.chunks(batch).map(|rows| {
        let who: StringArray = rows.iter().map(|row| row.0.as_deref()).collect();
        let at: Int64Array = rows.iter().map(|row| row.1).collect();
        let id = Int64Array::from_iter_values(rows.iter().map(|row| row.2));
        RecordBatch::try_from_iter_with_nullable([
            ("who", Arc::new(who) as _, true),
            ("at", Arc::new(at) as _, true),
            ("id", Arc::new(id) as _, false),
        ])
        .unwrap()
    });
    let batches: Vec<RecordBatch> = batches.collect();
    let schema = batches[0].schema();
    let mut partitions = vec![Vec::new(); threads];
    batches.into_iter().enumerate().for_each(|(number, batch)| partitions[number % threads].push(batch));
    let table = MemTable::try_new(schema, partitions).unwrap();
    LogicalPlanBuilder::scan("t", provider_as_source(Arc::new(table)), None).unwrap()
}

/// The numbers by row, in the order of the rows' ids.
async fn numbers(engine: &Engine, plan: LogicalPlan) -> Vec<(i64, u64)> {
    let mut found = Vec::new();
    for batch in engine.collect(plan).await.unwrap() {
        let id = batch.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec();
        let nth = batch.column_by_name(NTH).unwrap().as_primitive::<UInt64Type>().values().to_vec();
        found.extend(id.into_iter().zip(nth));
    }
    found.sort_unstable();
    found
}

/// What a column says by row, in the order of the rows' ids.
async fn told(engine: &Engine, plan: LogicalPlan, name: &str) -> Vec<(i64, Option<i64>)> {
    let mut found = Vec::new();
    for batch in engine.collect(plan).await.unwrap() {
        let id = batch.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec();
        found.extend(id.into_iter().zip(batch.column_by_name(name).unwrap().as_primitive::<Int64Type>()));
    }
    found.sort_unstable();
    found
}

/// Random rows, and how they lie: by threads and size of batches.
fn rounds() -> impl Iterator<Item = (Vec<Row>, usize, usize)> {
    let mut dice = ChaCha8Rng::seed_from_u64(15);
    (0..60usize).map(move |round| {
        let people = [1, 3, 40, 2_000][round % 4];
        let row = |id: i64| {
            let who = dice.random_bool(0.9).then(|| format!("p{}", dice.random_range(0..people)));
            (who, dice.random_bool(0.8).then(|| dice.random_range(0..9)), id)
        };
        ((0..400).map(row).collect(), [1, 2, 3][round % 3], [1, 7, 64, 8192][round / 2 % 4])
    })
}

#[tokio::test]
async fn rows_are_numbered_as_by_the_window() {
    for (rows, threads, batch) in rounds() {
        let engine = engine(threads, batch, 1 << 28);
        let order = ["at", "id"].map(|name| ident(name).sort(true, false)).to_vec();
        let nth = row_number().partition_by(vec![ident("who")]).order_by(order).build().unwrap().alias(NTH);
        let window = scan(&rows, threads, batch).window([nth]).unwrap().build().unwrap();
        let order = vec!["at".to_string(), "id".to_string()];
        let ours = numbered(scan(&rows, threads, batch), &["who"], order).unwrap().build().unwrap();
        assert_eq!(
            numbers(&engine, ours).await,
            numbers(&engine, window).await,
            "{threads} threads, batches of {batch}"
        );
    }
}

#[tokio::test]
async fn rows_know_the_next_one_as_by_the_window() {
    for (rows, threads, batch) in rounds() {
        let engine = engine(threads, batch, 1 << 28);
        let order = ["at", "id"].map(|name| ident(name).sort(true, false)).to_vec();
        let next = lead(ident("at"), Some(1), None).partition_by(vec![ident("who")]).order_by(order);
        let window = scan(&rows, threads, batch).window([next.build().unwrap().alias("until")]).unwrap();
        let order = vec!["at".to_string(), "id".to_string()];
        let ours = following(scan(&rows, threads, batch), &["who"], order, "at", "until").unwrap();
        let (ours, window) = (ours.build().unwrap(), window.build().unwrap());
        let (ours, window) = (told(&engine, ours, "until").await, told(&engine, window, "until").await);
        assert_eq!(ours, window, "{threads} threads, batches of {batch}");
    }
}

#[tokio::test]
async fn a_group_is_what_is_alike_in_all_columns() {
    let row = |who: &str, at: i64, id: i64| (Some(who.to_string()), Some(at), id);
    let rows = [row("a", 1, 3), row("a", 2, 2), row("a", 1, 1), row("b", 1, 4)];
    let plan = numbered(scan(&rows, 1, 2), &["who", "at"], vec!["id".to_string()]).unwrap().build().unwrap();
    assert_eq!(numbers(&engine(1, 2, 1 << 28), plan).await, [(1, 1), (2, 1), (3, 2), (4, 1)]);
}

/// The planner puts the smaller side of a join into memory, and must know which one it is.
#[tokio::test]
async fn what_is_known_of_the_rows_is_known_of_the_numbered_rows() {
    let rows: Vec<Row> = (0..10).map(|id| (Some("a".to_string()), Some(id), id)).collect();
    let plan = numbered(scan(&rows, 2, 3), &["who"], vec!["id".to_string()]).unwrap().build().unwrap();
    let plan = engine(2, 64, 1 << 28).state().create_physical_plan(&plan).await.unwrap();
    let known = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).unwrap();
    assert_eq!((known.num_rows, known.column_statistics.len()), (Precision::Exact(10), 4));
}
