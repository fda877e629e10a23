//! The walk through a real plan: every row once, in order, whatever the batches and partitions.

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col, lit};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::entity::{EntityAlgorithm, EntityState, WalkOrder, walk, walk_with};
use super::{Engine, Limits};
use crate::diag::Sources;
use crate::error::{Error, Result};

/// For each entity: how many rows, and its values in the order in which they came.
#[derive(Debug)]
pub(super) struct Spell;

fn spelt() -> SchemaRef {
    let fields = [("who", DataType::Utf8), ("rows", DataType::Int64), ("word", DataType::Utf8)];
    Arc::new(Schema::new(fields.map(|(name, data_type)| Field::new(name, data_type, false)).to_vec()))
}

impl EntityAlgorithm for Spell {
    fn name(&self) -> &'static str {
        "Spell"
    }
    fn output_schema(&self) -> SchemaRef {
        spelt()
    }
    fn start(&self) -> Box<dyn EntityState> {
        Box::new(Spelling(Vec::new()))
    }
}

struct Spelling(Vec<(String, i64, String)>);

impl Spelling {
    fn emit(&mut self, keep: usize) -> Result<Option<RecordBatch>> {
        let done: Vec<_> = self.0.drain(..self.0.len().saturating_sub(keep)).collect();
        let batch = RecordBatch::try_new(
            spelt(),
            vec![
                Arc::new(StringArray::from_iter_values(done.iter().map(|entity| &entity.0))),
                Arc::new(Int64Array::from_iter_values(done.iter().map(|entity| entity.1))),
                Arc::new(StringArray::from_iter_values(done.iter().map(|entity| &entity.2))),
            ],
        )?;
        Ok(Some(batch))
    }
}

impl EntityState for Spelling {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let (who, letter) = (batch.column(0).as_string::<i32>(), batch.column(2).as_string::<i32>());
        if (0..who.len()).any(|row| letter.value(row) == "!") {
            return Err(Error::data("a letter that cannot be spelt"));
        }
        for row in 0..who.len() {
            match self.0.last_mut() {
                Some(last) if last.0 == who.value(row) => {
                    last.1 += 1;
                    last.2.push_str(letter.value(row));
                }
                _ => self.0.push((who.value(row).to_string(), 1, letter.value(row).to_string())),
            }
        }
        self.emit(1)
    }
    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        self.emit(0)
    }
    fn held_bytes(&self) -> usize {
        self.0.iter().map(|entity| entity.0.len() + entity.2.len()).sum()
    }
}

pub(super) fn engine(threads: usize, batch: usize, memory_bytes: usize) -> Engine {
    let limits = Limits {
        threads: NonZeroUsize::new(threads).unwrap(),
        memory_bytes,
        spill_dir: None,
        batch_size: NonZeroUsize::new(batch).unwrap(),
    };
    Engine::new(limits, "2025-01-01T00:00:00Z".parse().unwrap(), Sources::default()).unwrap()
}

pub(super) type Row = (String, i64, String);

fn plan(rows: &[Row], threads: usize, batch: usize) -> LogicalPlan {
    let fields = [("who", DataType::Utf8), ("at", DataType::Int64), ("letter", DataType::Utf8)];
    let schema = Arc::new(Schema::new(fields.map(|(name, data_type)| Field::new(name, data_type, true)).to_vec()));
    let mut partitions = vec![Vec::new(); threads];
    for (number, rows) in rows.chunks(batch).enumerate() {
        let batch = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0))),
                Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1))),
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.2))),
            ],
        );
        partitions[number % threads].push(batch.unwrap());
    }
    let table = MemTable::try_new(schema, partitions).unwrap();
    let scan = LogicalPlanBuilder::scan("t", provider_as_source(Arc::new(table)), None).unwrap();
    let order = WalkOrder { entity: vec!["who".to_string()], order: vec!["at".to_string(), "letter".to_string()] };
    walk(scan.build().unwrap(), order, Arc::new(Spell)).unwrap()
}

pub(super) async fn run(engine: &Engine, plan: LogicalPlan) -> datafusion::common::Result<Vec<Row>> {
    let batches = engine.ctx().execute_logical_plan(plan).await?.collect().await?;
    let mut rows: Vec<Row> = batches
        .iter()
        .flat_map(|batch| {
            let (who, count) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
            let word = batch.column(2).as_string::<i32>();
            let row = |row| (who.value(row).to_string(), count.value(row), word.value(row).to_string());
            (0..batch.num_rows()).map(row).collect::<Vec<_>>()
        })
        .collect();
    rows.sort();
    Ok(rows)
}

pub(super) fn letters(seed: u64, count: usize, entities: u32) -> Vec<Row> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| {
            let letter = char::from(rng.random_range(b'a'..=b'z')).to_string();
            (format!("entity {}", rng.random_range(0..entities)), rng.random_range(0..20), letter)
        })
        .collect()
}

pub(super) fn obvious(rows: &[Row]) -> Vec<Row> {
    let mut sorted = rows.to_vec();
    sorted.sort();
    let mut made: Vec<Row> = Vec::new();
    for (who, _, letter) in sorted {
        match made.last_mut() {
            Some(last) if last.0 == who => {
                last.1 += 1;
                last.2.push_str(&letter);
            }
            _ => made.push((who, 1, letter)),
        }
    }
    made
}

#[tokio::test]
async fn every_entity_is_walked_once_and_in_order() {
    for (seed, count, entities) in [(1, 0, 1), (2, 1, 1), (3, 300, 1), (4, 300, 12), (5, 300, 300)] {
        let rows = letters(seed, count, entities);
        for (threads, batch) in [(1, 1), (2, 2), (3, 7), (5, 50), (2, 8192)] {
            let engine = engine(threads, batch, 1 << 30);
            let made = run(&engine, plan(&rows, threads, batch)).await.unwrap();
            assert_eq!(made, obvious(&rows), "{count} rows, {threads} threads, batches of {batch}");
        }
    }
}

#[tokio::test]
async fn what_stands_around_a_walk_is_optimized_without_harm() {
    let rows = letters(7, 500, 20);
    let engine = engine(2, 50, 1 << 30);
    let above = LogicalPlanBuilder::from(plan(&rows, 2, 50))
        .filter(col("rows").gt(lit(25i64)))
        .and_then(|rows| rows.project([col("word"), col("rows"), col("who").alias("name")]))
        .and_then(|rows| rows.project([col("name"), col("rows"), col("word")]))
        .and_then(|rows| rows.build())
        .unwrap();
    let expected: Vec<Row> = obvious(&rows).into_iter().filter(|row| row.1 > 25).collect();
    assert!(!expected.is_empty() && expected.len() < 20);
    assert_eq!(run(&engine, above).await.unwrap(), expected);
}

#[tokio::test]
async fn a_failing_algorithm_ends_the_run_with_its_own_words() {
    let mut rows = letters(8, 100, 5);
    rows[40].2 = "!".to_string();
    let error = run(&engine(2, 7, 1 << 30), plan(&rows, 2, 7)).await.unwrap_err();
    assert!(error.to_string().contains("a letter that cannot be spelt"), "{error}");
}

#[tokio::test]
async fn what_a_walk_holds_counts_against_the_memory_limit() {
    // One entity with a long word: it is held until the entity ends.
    let rows = |letter: &str| (0..24_000).map(|at| ("a".to_string(), at, letter.to_string())).collect::<Vec<Row>>();
    let engine = engine(1, 1_000, 20 << 20);
    assert_eq!(run(&engine, plan(&rows("x"), 1, 1_000)).await.unwrap().len(), 1);
    let error = run(&engine, plan(&rows(&"x".repeat(1_000)), 1, 1_000)).await.unwrap_err();
    assert!(error.to_string().contains("Spell[0]"), "{error}");
}

/// Every row as a batch of its own, with the number of rows of a side table.
#[derive(Debug)]
struct Drip;

impl EntityAlgorithm for Drip {
    fn name(&self) -> &'static str {
        "Drip"
    }
    fn output_schema(&self) -> SchemaRef {
        spelt()
    }
    fn start(&self) -> Box<dyn EntityState> {
        Box::new(Dripping { rows: Vec::new(), known: -1 })
    }
    fn start_with(&self, tables: &[Vec<RecordBatch>]) -> Result<Box<dyn EntityState>> {
        let known = tables.iter().flatten().map(|batch| batch.num_rows() as i64).sum();
        Ok(Box::new(Dripping { rows: Vec::new(), known }))
    }
}

struct Dripping {
    rows: Vec<(String, i64, String)>,
    known: i64,
}

impl EntityState for Dripping {
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        assert!(self.rows.is_empty(), "rows were left when more came");
        let (who, letter) = (batch.column(0).as_string::<i32>(), batch.column(2).as_string::<i32>());
        self.rows
            .extend((0..who.len()).map(|row| (who.value(row).to_string(), self.known, letter.value(row).to_string())));
        self.more()
    }
    fn more(&mut self) -> Result<Option<RecordBatch>> {
        self.rows.pop().map(|row| Spelling(vec![row]).emit(0)).unwrap_or(Ok(None))
    }
    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        Ok(None)
    }
    fn held_bytes(&self) -> usize {
        0
    }
}

#[tokio::test]
async fn rows_may_come_in_several_batches_and_side_tables_are_at_hand() {
    let rows = letters(9, 200, 12);
    for (threads, batch) in [(1, 1), (3, 7), (2, 8192)] {
        let engine = engine(threads, batch, 1 << 30);
        let order = WalkOrder { entity: vec!["who".to_string()], order: vec!["at".to_string()] };
        let LogicalPlan::Extension(node) = plan(&rows, threads, batch) else { panic!("a walk is an extension") };
        let input = node.node.inputs()[0].clone();
        let side = LogicalPlanBuilder::from(input.clone()).limit(0, Some(3)).unwrap().build().unwrap();
        let dripped = walk_with(input, vec![side], order, Arc::new(Drip)).unwrap();
        let made = run(&engine, dripped).await.unwrap();
        let mut expected: Vec<Row> = rows.iter().map(|row| (row.0.clone(), 3, row.2.clone())).collect();
        expected.sort();
        assert_eq!(made, expected, "{threads} threads, batches of {batch}");
    }
}
