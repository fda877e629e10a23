//! The kind through a real engine: YAML in, tables out.

// Cents stand apart from what is before them: 33_34 is 33.34.
#![allow(clippy::inconsistent_digit_grouping)]

mod campaigns;
mod documents;
mod example;
mod fuzz;
mod gate;
mod golden;
mod joining;
mod journeys;
mod learned;
mod memory;
mod mistakes;
mod window;

use std::ops::Deref;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Schema};

use super::Attribution;
use crate::diag::{Diagnostic, Sources};
use crate::engine::Engine;
use crate::kinds::fixture;
pub(super) use crate::kinds::fixture::{How, PLAIN, cell, instant, scope, settings};

/// What a run made.
#[derive(Debug)]
pub(super) struct Made(fixture::Made);

impl Deref for Made {
    type Target = fixture::Made;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

pub(super) fn model(yaml: &str) -> (Attribution, Sources) {
    fixture::model(yaml)
}

pub(super) fn engine(how: How, sources: Sources) -> Engine {
    fixture::engine(how, sources, "2025-01-01T00:00:00Z".parse().unwrap())
}

/// Runs a model; the tables come out as their contracts promise.
pub(super) async fn run(yaml: &str, tables: &[(&str, RecordBatch)], how: How) -> Made {
    make(yaml, tables, how, usize::MAX).await
}

/// The ledger alone, which is a good deal quicker.
pub(super) async fn run_ledger(yaml: &str, tables: &[(&str, RecordBatch)], how: How) -> Made {
    make(yaml, tables, how, 1).await
}

async fn make(yaml: &str, tables: &[(&str, RecordBatch)], how: How, outputs: usize) -> Made {
    let (spec, sources) = model(yaml);
    let (engine, frames) = (engine(how, sources), fixture::frames(tables, how));
    Made(fixture::run(&spec, "credits", &settings(), frames, &engine, outputs).await.unwrap())
}

impl Made {
    pub(super) fn table(&self, ending: &str) -> &RecordBatch {
        &self.tables[format!("credits{ending}").as_str()]
    }

    /// Some columns of a table, a line a row, sorted by all of them.
    pub(super) fn lines(&self, ending: &str, columns: &[&str]) -> Vec<String> {
        fixture::lines(self.table(ending), columns, cell)
    }

    /// What went in is what came out and what was rejected, and credit closes for every model.
    pub(super) fn assert_closed(&self) {
        self.assert_balanced();
        let rows = self.table("_reconciliation");
        for name in ["credits_difference", "difference"] {
            let Some(column) = rows.column_by_name(name) else { continue };
            let open = (0..rows.num_rows()).find(|row| !cell(column, *row).trim_matches(['0', '.']).is_empty());
            assert_eq!(open, None, "{name}");
        }
    }
}

/// A column of texts.
pub(super) fn texts<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

/// A column of instants.
pub(super) fn instants<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    let values: TimestampMicrosecondArray = values.into_iter().map(|text| text.map(instant)).collect();
    Arc::new(values.with_timezone("UTC"))
}

/// A column of amounts in cents.
pub(super) fn cents(values: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    let values: Decimal128Array = values.into_iter().map(|cents| cents.map(i128::from)).collect();
    Arc::new(values.with_precision_and_scale(18, 2).unwrap())
}

/// A column of whole numbers.
pub(super) fn numbers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Int64Array>())
}

/// A table of columns.
pub(super) fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

/// Touches: id, entity, instant, channel.
pub(super) fn touches(rows: &[(&str, &str, &str, &str)]) -> RecordBatch {
    table(vec![
        ("id", texts(rows.iter().map(|row| Some(row.0)))),
        ("who", texts(rows.iter().map(|row| Some(row.1)))),
        ("at", instants(rows.iter().map(|row| Some(row.2)))),
        ("channel", texts(rows.iter().map(|row| Some(row.3)))),
    ])
}

/// Id, entity, instant, cents, currency.
pub(super) type Deal<'a> = (&'a str, &'a str, &'a str, Option<i64>, Option<&'a str>);

/// A table of conversions.
pub(super) fn conversions(rows: &[Deal<'_>]) -> RecordBatch {
    table(vec![
        ("id", texts(rows.iter().map(|row| Some(row.0)))),
        ("who", texts(rows.iter().map(|row| Some(row.1)))),
        ("at", instants(rows.iter().map(|row| Some(row.2)))),
        ("amount", cents(rows.iter().map(|row| row.3))),
        ("currency", texts(rows.iter().map(|row| row.4))),
    ])
}

/// The mistakes found in a model over tables of these schemas.
pub(super) fn mistakes(yaml: &str, tables: &[(&str, Schema)]) -> Vec<Diagnostic> {
    let (spec, sources) = model(yaml);
    fixture::mistakes(&spec, "credits", &engine(PLAIN, sources), tables)
}

/// A type that tests write often.
pub(super) const TEXT: DataType = DataType::Utf8;
