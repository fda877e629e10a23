//! The kind through a real engine: YAML in, tables out.

// Cents stand apart from what is before them: 33_34 is 33.34.
#![allow(clippy::inconsistent_digit_grouping)]

mod documents;
mod fuzz;
mod golden;
mod joining;
mod learned;
mod memory;
mod mistakes;

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Int64Type, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;

use super::Attribution;
use crate::contract::Contract;
use crate::diag::{Diagnostic, Diagnostics, Place, Sources};
use crate::engine::{Engine, Frame, Frames, Limits};
use crate::kinds::{FactRow, ModelKind, Scope, Settings};
use crate::syntax::{TableName, read};

/// How a model is run.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    pub(super) threads: usize,
    pub(super) batch: usize,
}

pub(super) const PLAIN: How = How { threads: 2, batch: 8192 };

/// What a run made: the tables with their names, and the facts.
pub(super) struct Made {
    pub(super) tables: Vec<(String, RecordBatch)>,
    pub(super) facts: Vec<FactRow>,
}

pub(super) fn model(yaml: &str) -> (Attribution, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("models/m.yml", yaml);
    let mut diags = Diagnostics::default();
    let spec = read::<Attribution>(file, yaml, &mut diags);
    (spec.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted())), sources)
}

pub(super) fn engine(how: How, sources: Sources) -> Engine {
    let limits = Limits {
        threads: NonZeroUsize::new(how.threads).unwrap(),
        memory_bytes: 1 << 30,
        spill_dir: None,
        batch_size: NonZeroUsize::new(how.batch).unwrap(),
    };
    Engine::new(limits, "2025-01-01T00:00:00Z".parse().unwrap(), sources).unwrap()
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

pub(super) fn scope<'a>(
    model: &'a TableName,
    settings: &'a Settings,
    frames: &'a Frames,
    engine: &'a Engine,
) -> Scope<'a> {
    Scope { model, place: Place::default(), description: "", settings, frames, engine }
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
    let engine = &engine(how, sources);
    let mut frames = Frames::default();
    for (name, table) in tables {
        frames.insert(TableName::new_unchecked(name), frame(table, how));
    }
    let settings = settings();
    let name = TableName::new_unchecked("credits");
    let mut diags = Diagnostics::default();
    let contracts = {
        let scope = scope(&name, &settings, &frames, engine);
        spec.contract(&scope, &mut diags).unwrap_or_else(|| panic!("{:#?}", diags.clone().into_sorted()))
    };
    let mut made = Vec::new();
    for contract in contracts.iter().take(outputs) {
        let plan = spec.plan(&scope(&name, &settings, &frames, engine), contract).unwrap();
        let rows = as_promised(&collect(engine, plan).await, contract);
        let memory = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]).unwrap();
        frames.insert(contract.table.clone(), Frame { provider: Arc::new(memory), columns: contract.columns.clone() });
        made.push((contract.table.to_string(), rows));
    }
    let mut facts = Vec::new();
    if made.len() == contracts.len() {
        for plan in spec.facts(&scope(&name, &settings, &frames, engine)).unwrap() {
            facts.extend(fact_rows(&collect(engine, plan).await));
        }
    }
    facts.sort();
    Made { tables: made, facts }
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
    use arrow::array::AsArray;
    let text = |at: usize, row: usize| cell(rows.column(at), row);
    let numbers = rows.column(2).as_primitive::<Int64Type>();
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
    pub(super) fn table(&self, name: &str) -> &RecordBatch {
        let full = format!("credits{name}");
        &self.tables.iter().find(|(known, _)| *known == full).unwrap_or_else(|| panic!("no {full}")).1
    }

    /// Some columns of a table, a line a row, sorted by all of them.
    pub(super) fn lines(&self, name: &str, columns: &[&str]) -> Vec<String> {
        let rows = self.table(name);
        let picked: Vec<&ArrayRef> = columns.iter().map(|name| rows.column_by_name(name).expect(name)).collect();
        let mut lines: Vec<String> = (0..rows.num_rows())
            .map(|row| picked.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(" | "))
            .collect();
        lines.sort();
        lines
    }

    /// What went in is what came out and what was rejected, and credit closes for every model.
    pub(super) fn assert_closed(&self) {
        let sum = |fact: &str| self.facts.iter().filter(|row| row.fact == fact).map(|row| row.rows).sum::<i64>();
        assert_eq!(sum("rows_in"), sum("rows_out") + sum("rows_rejected"), "{:#?}", self.facts);
        let rows = self.table("_reconciliation");
        for name in ["credits_difference", "difference"] {
            let Some(column) = rows.column_by_name(name) else { continue };
            let open = (0..rows.num_rows()).find(|row| !cell(column, *row).trim_matches(['0', '.']).is_empty());
            assert_eq!(open, None, "{name}");
        }
    }

    pub(super) fn fact(&self, fact: &str, item: &str) -> Option<i64> {
        self.facts.iter().find(|row| row.fact == fact && row.item == item).map(|row| row.rows)
    }
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
    let engine = engine(PLAIN, sources);
    let mut frames = Frames::default();
    for (name, schema) in tables {
        frames.insert(TableName::new_unchecked(name), Frame::empty(Arc::new(schema.clone()), Vec::new()));
    }
    let (settings, name) = (settings(), TableName::new_unchecked("credits"));
    let mut diags = Diagnostics::default();
    let made = spec.contract(&scope(&name, &settings, &frames, &engine), &mut diags);
    assert_eq!(made.is_none(), diags.has_errors(), "{diags:#?}");
    diags.into_sorted()
}

/// A type that tests write often.
pub(super) const TEXT: DataType = DataType::Utf8;
