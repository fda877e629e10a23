//! The kind through a real engine: YAML in, tables out.

mod documents;
mod fuzz;
mod golden;
mod memory;
mod mistakes;
mod real;

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;

use super::Lifecycle;
use crate::contract::Contract;
use crate::diag::{Diagnostic, Diagnostics, Place, Sources};
use crate::engine::{Engine, Frame, Frames, Limits};
use crate::kinds::{FactRow, ModelKind, Scope, Settings};
use crate::syntax::{TableName, read};

/// How a model is run.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) threads: usize,
    pub(super) batch: usize,
}

pub(super) const PLAIN: How = How { threads: 2, batch: 8192 };

/// What a run made: visits, entities, rejects; and the facts.
pub(super) struct Made {
    pub(super) tables: Vec<RecordBatch>,
    pub(super) facts: Vec<FactRow>,
}

pub(super) fn model(yaml: &str) -> (Lifecycle, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("models/m.yml", yaml);
    let mut diags = Diagnostics::default();
    let spec = read::<Lifecycle>(file, yaml, &mut diags);
    (spec.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted())), sources)
}

pub(super) fn engine(how: How, sources: Sources) -> Engine {
    let limits = Limits {
        threads: NonZeroUsize::new(how.threads).unwrap(),
        memory_bytes: 1 << 30,
        spill_dir: None,
        batch_size: NonZeroUsize::new(how.batch).unwrap(),
    };
    Engine::new(limits, as_of(), sources).unwrap()
}

pub(super) fn as_of() -> DateTime<Utc> {
    "2025-01-01T00:00:00Z".parse().unwrap()
}

pub(super) fn settings() -> Settings {
    Settings { reporting_timezone: chrono_tz::Europe::Berlin, currency: "EUR".to_string() }
}

/// A table cut into batches and dealt out to partitions.
pub(super) fn frame(table: &RecordBatch, how: How) -> Frame {
    let mut partitions = vec![Vec::new(); how.threads];
    let mut start = 0;
    while start < table.num_rows() {
        let rows = how.batch.min(table.num_rows() - start);
        partitions[(start / how.batch) % how.threads].push(table.slice(start, rows));
        start += rows;
    }
    let provider = MemTable::try_new(table.schema(), partitions).unwrap();
    Frame { provider: Arc::new(provider), columns: Vec::new() }
}

/// Runs a model; the tables come out as their contracts promise, in the order of their first columns.
pub(super) async fn run(yaml: &str, tables: &[(&str, RecordBatch)], how: How) -> Made {
    make(yaml, tables, how, usize::MAX).await
}

/// The visits alone, which is a good deal quicker.
pub(super) async fn run_visits(yaml: &str, tables: &[(&str, RecordBatch)], how: How) -> Made {
    make(yaml, tables, how, 1).await
}

async fn make(yaml: &str, tables: &[(&str, RecordBatch)], how: How, outputs: usize) -> Made {
    let (spec, sources) = model(yaml);
    let engine = &engine(how, sources);
    let mut frames = Frames::default();
    for (name, table) in tables {
        frames.insert(TableName::new_unchecked(name), frame(table, how));
    }
    let settings = settings();
    let name = TableName::new_unchecked("journey");
    let mut diags = Diagnostics::default();
    let contracts = {
        let scope = scope(&name, &settings, &frames, engine);
        spec.contract(&scope, &mut diags).unwrap_or_else(|| panic!("{:#?}", diags.into_sorted()))
    };
    let mut made = Vec::new();
    for contract in contracts.iter().take(outputs) {
        let plan = spec.plan(&scope(&name, &settings, &frames, engine), contract).unwrap();
        let rows = collect(engine, plan).await;
        let rows = as_promised(&rows, contract);
        let memory = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]).unwrap();
        frames.insert(contract.table.clone(), Frame { provider: Arc::new(memory), columns: contract.columns.clone() });
        made.push(rows);
    }
    let mut facts = Vec::new();
    if made.len() < contracts.len() {
        return Made { tables: made, facts };
    }
    for plan in spec.facts(&scope(&name, &settings, &frames, engine)).unwrap() {
        facts.extend(fact_rows(&collect(engine, plan).await));
    }
    facts.sort();
    Made { tables: made, facts }
}

pub(super) fn scope<'a>(
    model: &'a TableName,
    settings: &'a Settings,
    frames: &'a Frames,
    engine: &'a Engine,
) -> Scope<'a> {
    Scope { model, place: Place::default(), description: "", settings, frames, engine }
}

async fn collect(engine: &Engine, plan: LogicalPlan) -> RecordBatch {
    let schema: SchemaRef = Arc::new(plan.schema().as_arrow().clone());
    let frame = engine.ctx().execute_logical_plan(plan).await.unwrap();
    let batches = frame.collect().await.unwrap();
    let schema = batches.first().map_or(schema, |batch| batch.schema());
    concat_batches(&schema, &batches).unwrap()
}

fn as_promised(rows: &RecordBatch, contract: &Contract) -> RecordBatch {
    let names: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
    let schema = rows.schema();
    assert_eq!(schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(), names);
    let columns: Vec<ArrayRef> =
        rows.columns().iter().zip(&contract.columns).map(|(c, to)| cast(c, &to.ty.arrow()).unwrap()).collect();
    // Fails where a column promised to be NOT NULL holds NULLs.
    RecordBatch::try_new(Arc::new(contract.schema()), columns).unwrap()
}

fn fact_rows(rows: &RecordBatch) -> Vec<FactRow> {
    let text = |at: usize, row: usize| cell(rows.column(at), row);
    let numbers = rows.column(2).as_primitive::<arrow::datatypes::Int64Type>();
    (0..rows.num_rows())
        .map(|row| FactRow { fact: text(0, row), item: text(1, row), rows: numbers.value(row) })
        .collect()
}

/// One value as text, NULL as `-`.
pub(super) fn cell(column: &dyn Array, row: usize) -> String {
    let options = FormatOptions::new().with_null("-").with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S"));
    ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string()
}

impl Made {
    /// Some columns of a table, a line a row, sorted by all of them.
    pub(super) fn lines(&self, table: usize, columns: &[&str]) -> Vec<String> {
        let rows = &self.tables[table];
        let picked: Vec<&ArrayRef> = columns.iter().map(|name| rows.column_by_name(name).expect(name)).collect();
        let mut lines: Vec<String> = (0..rows.num_rows())
            .map(|row| picked.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(" | "))
            .collect();
        lines.sort();
        lines
    }

    pub(super) fn fact(&self, fact: &str, item: &str) -> Option<i64> {
        self.facts.iter().find(|row| row.fact == fact && row.item == item).map(|row| row.rows)
    }

    /// What went in is what came out and what was rejected.
    pub(super) fn assert_balanced(&self) {
        let sum = |fact: &str| self.facts.iter().filter(|row| row.fact == fact).map(|row| row.rows).sum::<i64>();
        assert_eq!(sum("rows_in"), sum("rows_out") + sum("rows_rejected"), "{:#?}", self.facts);
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

/// `2024-03-01`, `2024-03-01 10:00` or with seconds, in UTC microseconds.
pub(super) fn instant(text: &str) -> i64 {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{}:00Z", text.replace(' ', "T")),
        _ => format!("{}Z", text.replace(' ', "T")),
    };
    full.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
}

/// The mistakes found in a model over tables of these schemas.
pub(super) fn mistakes(yaml: &str, tables: &[(&str, Schema)]) -> Vec<Diagnostic> {
    let (spec, sources) = model(yaml);
    let engine = engine(PLAIN, sources);
    let mut frames = Frames::default();
    for (name, schema) in tables {
        frames.insert(TableName::new_unchecked(name), Frame::empty(Arc::new(schema.clone()), Vec::new()));
    }
    let (settings, name) = (settings(), TableName::new_unchecked("journey"));
    let mut diags = Diagnostics::default();
    let made = spec.contract(&scope(&name, &settings, &frames, &engine), &mut diags);
    assert_eq!(made.is_none(), diags.has_errors(), "{diags:#?}");
    diags.into_sorted()
}
