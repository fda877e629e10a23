//! The kind through a real engine: YAML in, tables out.

mod apart;
mod blanks;
mod compared;
mod documents;
mod fuzz;
mod golden;
mod ids;
mod left_out;
mod related;
mod spilled;
mod values;

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};

use super::Dedupe;
use crate::diag::Sources;
use crate::engine::Engine;
use crate::error::Result;
pub(super) use crate::kinds::fixture::{How, PLAIN, frame, scope, settings, table};
use crate::kinds::{ModelKind, Settings, fixture};
use crate::syntax::TableName;

/// What a run made.
#[derive(Debug)]
pub(super) struct Made(fixture::Made);

impl Deref for Made {
    type Target = fixture::Made;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Made {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

pub(super) fn model(yaml: &str) -> (Dedupe, Sources) {
    fixture::model(yaml)
}

pub(super) fn engine(how: How, sources: Sources, as_of: &str) -> Engine {
    fixture::engine(how, sources, format!("{as_of}T00:00:00Z").parse().unwrap())
}

/// Runs a model that nothing was published of yet.
pub(super) async fn run(yaml: &str, tables: &[(&str, RecordBatch)], how: How) -> Made {
    run_after(yaml, tables, how, "2025-01-01", None).await.unwrap()
}

/// Runs a model as of a day, going on from what a run made before.
pub(super) async fn run_after(
    yaml: &str,
    tables: &[(&str, RecordBatch)],
    how: How,
    as_of: &str,
    before: Option<&Made>,
) -> Result<Made> {
    run_in(&settings(), yaml, tables, how, as_of, before).await
}

/// Runs a model after a rollback to what a run made; the other runs are those that it went behind, the newest first.
pub(super) async fn run_after_rollback(
    yaml: &str,
    tables: &[(&str, RecordBatch)],
    as_of: &str,
    before: &Made,
    behind: &[&Made],
) -> Made {
    let (spec, sources) = model(yaml);
    let mut frames = fixture::frames(tables, PLAIN);
    let remembered = |name: &str| spec.remembers().iter().any(|ending| name.ends_with(ending));
    for (name, table) in before.tables.iter().filter(|(name, _)| remembered(name)) {
        frames.insert_published(TableName::new_unchecked(name), frame(table, PLAIN));
    }
    for (name, table) in behind.iter().flat_map(|made| &made.tables).filter(|(name, _)| remembered(name)) {
        frames.insert_withdrawn(TableName::new_unchecked(name), frame(table, PLAIN));
    }
    let engine = engine(PLAIN, sources, as_of);
    Made(fixture::run(&spec, "people", &settings(), frames, &engine, usize::MAX).await.unwrap())
}

/// The same in a project with settings of its own.
pub(super) async fn run_in(
    settings: &Settings,
    yaml: &str,
    tables: &[(&str, RecordBatch)],
    how: How,
    as_of: &str,
    before: Option<&Made>,
) -> Result<Made> {
    let (spec, sources) = model(yaml);
    let mut frames = fixture::frames(tables, how);
    for (name, table) in before.into_iter().flat_map(|made| &made.tables) {
        if spec.remembers().iter().any(|ending| name.ends_with(ending)) {
            frames.insert_published(TableName::new_unchecked(name), frame(table, how));
        }
    }
    fixture::run(&spec, "people", settings, frames, &engine(how, sources, as_of), usize::MAX).await.map(Made)
}

/// One value as text, NULL as `-`; instants as their days.
pub(super) fn cell(column: &dyn Array, row: usize) -> String {
    let text = fixture::cell(column, row);
    text.strip_suffix(" 00:00:00").map_or(text.clone(), str::to_string)
}

impl Made {
    /// Some columns of a table, a line a row, sorted by all of them. Ids are shown as the anchor of
    /// their entity, as in `<crm:1>`.
    pub(super) fn lines(&self, table: &str, columns: &[&str]) -> Vec<String> {
        let ids = self.ids();
        fixture::lines(&self.tables[table], columns, |column, row| {
            let text = cell(column, row);
            ids.get(&text).cloned().unwrap_or(text)
        })
    }

    /// Ids → anchors.
    fn ids(&self) -> BTreeMap<String, String> {
        let crosswalk = &self.tables["people_crosswalk"];
        let text = |name: &str, row: usize| cell(crosswalk.column_by_name(name).unwrap(), row);
        let anchors = (0..crosswalk.num_rows()).filter(|row| text("is_anchor", *row) == "true");
        anchors
            .map(|row| (text("person_id", row), format!("<{}:{}>", text("system", row), text("record_id", row))))
            .collect()
    }

    /// Record keys → ids as they are.
    pub(super) fn people(&self) -> BTreeMap<String, String> {
        let crosswalk = &self.tables["people_crosswalk"];
        let text = |name: &str, row: usize| cell(crosswalk.column_by_name(name).unwrap(), row);
        (0..crosswalk.num_rows())
            .map(|row| (format!("{}:{}", text("system", row), text("record_id", row)), text("person_id", row)))
            .collect()
    }
}
