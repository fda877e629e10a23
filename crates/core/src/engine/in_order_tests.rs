//! Tables in the order of a walk: read without a sort where that serves, and never trusted too far.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use datafusion::common::JoinType;
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, ident, lit};
use datafusion::physical_plan::displayable;
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;
use url::Url;

use super::entity::{WalkOrder, walk};
use super::entity_tests::{Row, Spell, engine, letters, obvious, run};
use super::in_order::in_order;
use crate::store::{path_of, table_of_files};

fn schema() -> Arc<Schema> {
    let fields = [("who", DataType::Utf8), ("at", DataType::Int64), ("letter", DataType::Utf8)];
    Arc::new(Schema::new(fields.map(|(name, data_type)| Field::new(name, data_type, true)).to_vec()))
}

/// Writes each partition to a file, the first one to two, sorted; and reads them as a table that knows.
fn table(folder: &TempDir, name: &str, partitions: &[Vec<Row>]) -> LogicalPlanBuilder {
    let mut written = Vec::new();
    for (number, rows) in partitions.iter().enumerate() {
        let mut rows = rows.clone();
        rows.sort();
        let middle = rows.get(rows.len() / 2).filter(|_| number == 0).map_or("", |row| row.0.as_str());
        let (first, second) = rows.split_at(rows.partition_point(|row| row.0.as_str() < middle));
        let filled = [first, second].into_iter().filter(|rows| !rows.is_empty());
        let files = filled.enumerate().map(|(part, rows)| {
            let path = folder.path().join(format!("{name}-{number}-{part}.parquet"));
            let batch = RecordBatch::try_new(
                schema(),
                vec![
                    Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0))),
                    Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
                    Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.2))),
                ],
            );
            let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), schema(), None).unwrap();
            writer.write(&batch.unwrap()).unwrap();
            writer.close().unwrap();
            Url::from_file_path(path).unwrap()
        });
        written.push(files.collect::<Vec<_>>());
    }
    let urls: Vec<Url> = written.iter().flatten().cloned().collect();
    let paths = written.iter().map(|urls| urls.iter().map(|url| path_of(url).unwrap()).collect()).collect();
    let table = in_order(table_of_files(&urls, schema()).unwrap(), paths, order("who"));
    LogicalPlanBuilder::scan(name, provider_as_source(table), None).unwrap()
}

fn order(entity: &str) -> WalkOrder {
    WalkOrder { entity: vec![entity.to_string()], order: vec!["at".to_string(), "letter".to_string()] }
}

/// The rows dealt out so that no entity is in two hands; `shift` makes for other hands.
fn dealt(rows: &[Row], hands: usize, shift: usize) -> Vec<Vec<Row>> {
    let hand = |row: &Row| (row.0.bytes().map(usize::from).sum::<usize>() / 3 + shift) % hands;
    (0..hands).map(|number| rows.iter().filter(|row| hand(row) == number).cloned().collect()).collect()
}

fn spelt(rows: LogicalPlanBuilder) -> LogicalPlan {
    walk(rows.build().unwrap(), order("who"), Arc::new(Spell)).unwrap()
}

async fn text(engine: &super::Engine, plan: &LogicalPlan) -> String {
    let plan = engine.state().create_physical_plan(plan).await.unwrap();
    displayable(plan.as_ref()).indent(false).to_string()
}

#[tokio::test]
async fn what_a_walk_wrote_is_walked_without_a_sort() {
    let folder = TempDir::new().unwrap();
    let rows = letters(1, 400, 40);
    for (threads, batch) in [(3, 1), (3, 7), (3, 8192), (2, 50), (1, 2)] {
        let engine = engine(threads, batch, 1 << 30);
        let plan = spelt(table(&folder, "t", &dealt(&rows, 3, 0)));
        let shown = text(&engine, &plan).await;
        assert!(!shown.contains("Sort") && !shown.contains("Repartition"), "{shown}");
        assert_eq!(run(&engine, plan).await.unwrap(), obvious(&rows), "{threads} threads, batches of {batch}");
    }
}

#[tokio::test]
async fn filters_and_new_names_leave_the_order() {
    let folder = TempDir::new().unwrap();
    let rows = letters(2, 400, 40);
    let engine = engine(3, 50, 1 << 30);
    let read = table(&folder, "t", &dealt(&rows, 3, 0));
    let read = read.filter(ident("at").gt(lit(9i64))).unwrap();
    let read = read.project([ident("who").alias("name"), ident("at").alias("when"), ident("letter")]).unwrap();
    let order = WalkOrder { entity: vec!["name".to_string()], order: vec!["when".to_string(), "letter".to_string()] };
    let plan = walk(read.build().unwrap(), order, Arc::new(Spell)).unwrap();
    let shown = text(&engine, &plan).await;
    assert!(!shown.contains("Sort") && !shown.contains("Repartition"), "{shown}");
    let kept: Vec<Row> = rows.into_iter().filter(|row| row.1 > 9).collect();
    assert_eq!(run(&engine, plan).await.unwrap(), obvious(&kept));
}

#[tokio::test]
async fn fewer_partitions_than_threads_and_empty_ones_are_fine() {
    let folder = TempDir::new().unwrap();
    let rows = letters(3, 300, 12);
    for threads in [1, 2, 5, 8] {
        let mut partitions = dealt(&rows, 2, 0);
        partitions.insert(1, Vec::new());
        let engine = engine(threads, 7, 1 << 30);
        let made = run(&engine, spelt(table(&folder, "t", &partitions))).await.unwrap();
        assert_eq!(made, obvious(&rows), "{threads} threads");
    }
}

#[tokio::test]
async fn another_entity_is_dealt_out_and_sorted_anew() {
    let folder = TempDir::new().unwrap();
    let rows = letters(4, 300, 12);
    let engine = engine(3, 50, 1 << 30);
    let read = table(&folder, "t", &dealt(&rows, 3, 0));
    let read = read.project([ident("letter").alias("who"), ident("at"), ident("who").alias("letter")]).unwrap();
    let turned: Vec<Row> = rows.into_iter().map(|(who, at, letter)| (letter, at, who)).collect();
    assert_eq!(run(&engine, spelt(read)).await.unwrap(), obvious(&turned));
}

/// Two tables whose partitions look alike, and hold different entities.
#[tokio::test]
async fn tables_that_were_dealt_out_differently_are_not_matched_by_partition() {
    let folder = TempDir::new().unwrap();
    let (one, other) = (letters(5, 300, 30), letters(6, 300, 30));
    let engine = engine(3, 50, 1 << 30);
    let read = || (table(&folder, "a", &dealt(&one, 3, 0)), table(&folder, "b", &dealt(&other, 3, 1)));

    let (a, b) = read();
    let united = a.union(b.build().unwrap()).unwrap();
    let both: Vec<Row> = one.iter().chain(&other).cloned().collect();
    assert_eq!(run(&engine, spelt(united)).await.unwrap(), obvious(&both));

    let (a, b) = read();
    let joined = a.join(b.build().unwrap(), JoinType::Inner, (vec!["a.who"], vec!["b.who"]), None).unwrap();
    let joined = joined.aggregate([col("a.who")], [count(lit(1i64)).alias("rows")]).unwrap().build().unwrap();
    let made = engine.collect(joined).await.unwrap();
    let made: i64 = made.iter().flat_map(|batch| batch.column(1).as_primitive::<Int64Type>().values().to_vec()).sum();
    let expected = one.iter().map(|row| other.iter().filter(|other| other.0 == row.0).count()).sum::<usize>();
    assert_eq!(made, expected as i64);
}
