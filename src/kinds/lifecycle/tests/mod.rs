//! The kind through a real engine: YAML in, tables out.

mod documents;
mod example;
mod fuzz;
mod golden;
mod memory;
mod mistakes;
mod real;
mod sources;

use std::ops::Deref;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Schema;
use chrono::{DateTime, Utc};

use super::Lifecycle;
use crate::diag::{Diagnostic, Sources};
use crate::engine::Engine;
use crate::kinds::fixture;
pub(super) use crate::kinds::fixture::{How, PLAIN, cell, instant, scope, settings};

/// The tables in order: visits, entities, rejects.
#[derive(Debug)]
pub(super) struct Made(fixture::Made);

impl Deref for Made {
    type Target = fixture::Made;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

pub(super) fn model(yaml: &str) -> (Lifecycle, Sources) {
    fixture::model(yaml)
}

pub(super) fn engine(how: How, sources: Sources) -> Engine {
    fixture::engine(how, sources, as_of())
}

pub(super) fn as_of() -> DateTime<Utc> {
    "2025-01-01T00:00:00Z".parse().unwrap()
}

/// Runs a model; the tables come out as their contracts promise, in the order of their first columns.
pub(super) async fn run(yaml: &str, tables: &[(&str, RecordBatch)], how: How) -> Made {
    run_tables(yaml, tables, how, usize::MAX).await
}

/// The visits alone, which is a good deal quicker.
pub(super) async fn run_visits(yaml: &str, tables: &[(&str, RecordBatch)], how: How) -> Made {
    run_tables(yaml, tables, how, 1).await
}

/// The first so many tables.
pub(super) async fn run_tables(yaml: &str, tables: &[(&str, RecordBatch)], how: How, outputs: usize) -> Made {
    let (spec, sources) = model(yaml);
    let (engine, frames) = (engine(how, sources), fixture::frames(tables, how));
    Made(fixture::run(&spec, "journey", &settings(), frames, &engine, outputs).await.unwrap())
}

impl Made {
    /// Some columns of a table, a line a row, sorted by all of them.
    pub(super) fn lines(&self, table: usize, columns: &[&str]) -> Vec<String> {
        fixture::lines(&self.tables[table], columns, cell)
    }
}

/// Entity, instant, old value, new value, record.
pub(super) type Row<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>, Option<&'a str>, i64);

/// A history.
pub(super) fn history(rows: &[Row<'_>]) -> RecordBatch {
    let text =
        |of: fn(&Row<'_>) -> Option<String>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<StringArray>()) };
    let at: TimestampMicrosecondArray = rows.iter().map(|row| row.1.map(instant)).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("who", text(|row| row.0.map(str::to_string)), true),
        ("at", Arc::new(at.with_timezone("UTC")) as ArrayRef, true),
        ("was", text(|row| row.2.map(str::to_string)), true),
        ("now", text(|row| row.3.map(str::to_string)), true),
        ("id", Arc::new(rows.iter().map(|row| row.4).collect::<Int64Array>()) as ArrayRef, true),
    ])
    .unwrap()
}

/// The mistakes found in a model over tables of these schemas.
pub(super) fn mistakes(yaml: &str, tables: &[(&str, Schema)]) -> Vec<Diagnostic> {
    let (spec, sources) = model(yaml);
    fixture::mistakes(&spec, "journey", &engine(PLAIN, sources), tables)
}
