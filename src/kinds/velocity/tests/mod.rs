//! The kind through a real engine: YAML and visits in, tables out.

mod documents;
mod fuzz;
mod golden;
mod memory;
mod mistakes;
mod pauses;
mod real;
mod targets;

use std::ops::Deref;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{DateTime, Utc};

use super::Velocity;
use crate::contract::ColumnType;
use crate::diag::{Diagnostic, Sources};
use crate::engine::{Engine, Frame};
use crate::kinds::fixture;
pub(super) use crate::kinds::fixture::{How, PLAIN, engine as engine_at, frame, instant, scope, settings};
use crate::syntax::TableName;

/// The tables in order: durations, summary.
#[derive(Debug)]
pub(super) struct Made(fixture::Made);

impl Deref for Made {
    type Target = fixture::Made;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

pub(super) fn model(yaml: &str) -> (Velocity, Sources) {
    fixture::model(yaml)
}

pub(super) fn engine(how: How, sources: Sources) -> Engine {
    engine_at(how, sources, as_of())
}

pub(super) fn as_of() -> DateTime<Utc> {
    "2024-07-01T00:00:00Z".parse().unwrap()
}

/// One visit: entity, seq, stage, entered, how it came about, why it was inferred, and a system.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) entity: i64,
    pub(super) seq: i32,
    pub(super) stage: String,
    pub(super) entered: i64,
    pub(super) transition: &'static str,
    pub(super) inferred_by: Option<&'static str>,
    pub(super) system: Option<&'static str>,
}

/// The visits' table, with the columns that matter here.
pub(super) fn visits(rows: &[Visit]) -> RecordBatch {
    let text =
        |of: &dyn Fn(&Visit) -> Option<String>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<StringArray>()) };
    let at: TimestampMicrosecondArray = rows.iter().map(|row| Some(row.entered)).collect();
    let before =
        |row: &Visit, other: &Visit| (other.entity, &other.stage) == (row.entity, &row.stage) && other.seq < row.seq;
    let first: BooleanArray = rows.iter().map(|row| Some(!rows.iter().any(|other| before(row, other)))).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("entity_id", Arc::new(rows.iter().map(|row| row.entity).collect::<Int64Array>()) as ArrayRef, true),
        ("visit_seq", Arc::new(rows.iter().map(|row| row.seq).collect::<Int32Array>()) as ArrayRef, true),
        ("stage", text(&|row| Some(row.stage.clone())), true),
        ("entered_at", Arc::new(at.with_timezone("UTC")) as ArrayRef, true),
        ("transition", text(&|row| Some(row.transition.to_string())), true),
        ("inferred_by", text(&|row| row.inferred_by.map(str::to_string)), true),
        ("is_first_entry", Arc::new(first) as ArrayRef, true),
        ("source_system", text(&|row| row.system.map(str::to_string)), true),
    ])
    .unwrap()
}

/// The visits of entities that are written as `lead 2024-01-01, mql 2024-01-04 10:00`; an exit is
/// `!lost`, one inferred for a skipped stage `+mql`, one for a late history `?lead`.
pub(super) fn journeys(written: &[&str]) -> RecordBatch {
    let mut rows = Vec::new();
    for (entity, journey) in (1..).zip(written) {
        for (seq, visit) in (1..).zip(journey.split(", ").filter(|visit| !visit.is_empty())) {
            let (stage, at) = visit.split_once(' ').unwrap();
            let inferred_by = match &stage[..1] {
                "+" => Some("skipped_stage"),
                "?" => Some("late_history"),
                _ => None,
            };
            rows.push(Visit {
                entity,
                seq,
                stage: stage.trim_start_matches(['!', '+', '?']).to_string(),
                entered: instant(at),
                transition: if stage.starts_with('!') { "close" } else { "advance" },
                inferred_by,
                system: Some(if entity % 2 == 0 { "hubspot" } else { "salesforce" }),
            });
        }
    }
    visits(&rows)
}

pub(super) const STAGES: [&str; 6] = ["lead", "mql", "sql", "won", "recycled", "lost"];

/// The entities' table of a lifecycle with these stages, without rows.
pub(super) fn entities(stages: &[&str]) -> Frame {
    let at = |stage: &&str| Field::new(format!("became_{stage}_at"), ColumnType::Timestamp.arrow(), true);
    Frame::empty(Arc::new(Schema::new(stages.iter().map(at).collect::<Vec<_>>())), Vec::new())
}

/// Runs a model over the table `stages`; the tables come out as their contracts promise.
pub(super) async fn run(yaml: &str, tables: &[(&str, RecordBatch)], how: How) -> Made {
    let (spec, sources) = model(yaml);
    let mut frames = fixture::frames(tables, how);
    if frames.get("stages_entities").is_none() {
        frames.insert(TableName::new_unchecked("stages_entities"), entities(&STAGES));
    }
    let made = fixture::run(&spec, "speed", &settings(), frames, &engine(how, sources), usize::MAX).await.unwrap();
    made.assert_balanced();
    Made(made)
}

/// One value as text, NULL as `-`; decimals without their last zeros.
pub(super) fn cell(column: &dyn Array, row: usize) -> String {
    let text = fixture::cell(column, row);
    match column.data_type() {
        DataType::Decimal128(_, _) if text.contains('.') => {
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        }
        _ => text,
    }
}

impl Made {
    /// Some columns of a table, a line a row, sorted by all of them.
    pub(super) fn lines(&self, table: usize, columns: &[&str]) -> Vec<String> {
        fixture::lines(&self.tables[table], columns, cell)
    }

    /// The only line of the summary.
    pub(super) fn summary(&self, columns: &[&str]) -> String {
        let lines = self.lines(1, columns);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        lines[0].clone()
    }
}

/// The mistakes found in a model over tables of these schemas.
pub(super) fn mistakes(yaml: &str, tables: &[(&str, Schema)]) -> Vec<Diagnostic> {
    let (spec, sources) = model(yaml);
    fixture::mistakes(&spec, "speed", &engine(PLAIN, sources), tables)
}
