//! The kind through a real engine: YAML and tables in, tables out.

mod documents;
mod fuzz;
mod golden;
mod mistakes;
mod names;

use std::ops::Deref;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};

use super::AccountMatching;
use crate::diag::Sources;
use crate::engine::Engine;
pub(super) use crate::kinds::fixture::{How, PLAIN, scope, settings, table};
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
