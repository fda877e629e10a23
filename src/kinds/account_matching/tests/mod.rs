//! The kind through a real engine: YAML and tables in, tables out.

mod documents;
mod fuzz;
mod golden;
mod mistakes;

use std::ops::Deref;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};

use super::AccountMatching;
use crate::diag::Sources;
use crate::engine::Engine;
pub(super) use crate::kinds::fixture::{How, PLAIN, instant, scope, settings};
use crate::kinds::{ModelKind, fixture};

/// What a run made.
#[derive(Debug)]
pub(super) struct Made(fixture::Made);

impl Deref for Made {
    type Target = fixture::Made;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Made {
    /// Some columns of a table, a line a row, sorted by all of them.
    pub(super) fn lines(&self, table: &str, columns: &[&str]) -> Vec<String> {
        fixture::lines(&self.tables[table], columns, cell)
    }

    /// Lead, account, tier, score, candidates, decided by, matched on.
    pub(super) fn matches(&self) -> Vec<String> {
        let columns = ["lead_id", "account_id", "tier", "score", "candidates", "decided_by", "matched_on"];
        self.lines("lead_accounts", &columns)
    }
}

/// One value as text, NULL as `-`.
pub(super) fn cell(column: &dyn Array, row: usize) -> String {
    fixture::cell(column, row)
}

pub(super) fn model(yaml: &str) -> (AccountMatching, Sources) {
    fixture::model(yaml)
}

pub(super) fn engine(how: How, sources: Sources) -> Engine {
    fixture::engine(how, sources, "2025-01-01T00:00:00Z".parse().unwrap())
}

/// Runs a model; the tables come out as their contracts promise, and the counts add up.
pub(super) async fn run(yaml: &str, tables: &[(&str, RecordBatch)], how: How) -> Made {
    let (spec, sources) = model(yaml);
    let frames = fixture::frames(tables, how);
    let engine = engine(how, sources);
    let made = fixture::run(&spec, "lead_accounts", &settings(), frames, &engine, usize::MAX).await.unwrap();
    made.assert_balanced();
    Made(made)
}

/// A table written as lines of cells apart by `|`: the first names the columns. `-` is NULL; a column
/// whose name ends in `_at` holds days, one that begins with `is_` conditions, one with `n_` numbers.
pub(super) fn table(text: &str) -> RecordBatch {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let cells = |line: &str| -> Vec<String> { line.split('|').map(|cell| cell.trim().to_string()).collect() };
    let names = cells(lines.next().unwrap());
    let rows: Vec<Vec<String>> = lines.map(cells).collect();
    let columns = names.iter().enumerate().map(|(at, name)| {
        let values = rows.iter().map(|row| Some(row[at].clone()).filter(|cell| cell != "-"));
        let array: ArrayRef = if name.ends_with("_at") {
            let days: TimestampMicrosecondArray = values.map(|day| day.map(|day| instant(&day))).collect();
            Arc::new(days.with_timezone("UTC"))
        } else if name.starts_with("is_") {
            Arc::new(values.map(|value| value.map(|value| value == "true")).collect::<BooleanArray>())
        } else if name.starts_with("n_") {
            Arc::new(values.map(|value| value.map(|value| value.parse().unwrap())).collect::<Int64Array>())
        } else {
            Arc::new(values.collect::<StringArray>())
        };
        (name.clone(), array, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns.collect::<Vec<_>>()).unwrap()
}
