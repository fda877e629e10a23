//! The kind through a real engine: YAML and visits in, tables out.

mod documents;
mod fuzz;
mod golden;
mod memory;
mod mistakes;
mod real;
mod targets;

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;

use super::Velocity;
use crate::contract::{ColumnType, Contract};
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

/// What a run made: durations, summary; and the facts.
pub(super) struct Made {
    pub(super) tables: Vec<RecordBatch>,
    pub(super) facts: Vec<FactRow>,
}

pub(super) fn model(yaml: &str) -> (Velocity, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("models/m.yml", yaml);
    let mut diags = Diagnostics::default();
    let spec = read::<Velocity>(file, yaml, &mut diags);
    (spec.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted())), sources)
}

pub(super) fn engine(how: How, sources: Sources) -> Engine {
    engine_at(how, sources, as_of())
}

pub(super) fn engine_at(how: How, sources: Sources, as_of: DateTime<Utc>) -> Engine {
    let limits = Limits {
        threads: NonZeroUsize::new(how.threads).unwrap(),
        memory_bytes: 1 << 30,
        spill_dir: None,
        batch_size: NonZeroUsize::new(how.batch).unwrap(),
    };
    Engine::new(limits, as_of, sources).unwrap()
}

pub(super) fn as_of() -> DateTime<Utc> {
    "2024-07-01T00:00:00Z".parse().unwrap()
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
    let engine = &engine(how, sources);
    let mut frames = Frames::default();
    frames.insert(TableName::new_unchecked("stages_entities"), entities(&STAGES));
    for (name, table) in tables {
        frames.insert(TableName::new_unchecked(name), frame(table, how));
    }
    let settings = settings();
    let name = TableName::new_unchecked("speed");
    let mut diags = Diagnostics::default();
    let contracts = {
        let scope = scope(&name, &settings, &frames, engine);
        spec.contract(&scope, &mut diags).unwrap_or_else(|| panic!("{:#?}", diags.into_sorted()))
    };
    let mut made = Vec::new();
    for contract in &contracts {
        let plan = spec.plan(&scope(&name, &settings, &frames, engine), contract).unwrap();
        let rows = as_promised(&collect(engine, plan).await, contract);
        let memory = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]).unwrap();
        frames.insert(contract.table.clone(), Frame { provider: Arc::new(memory), columns: contract.columns.clone() });
        made.push(rows);
    }
    let mut facts = Vec::new();
    for plan in spec.facts(&scope(&name, &settings, &frames, engine)).unwrap() {
        facts.extend(fact_rows(&collect(engine, plan).await));
    }
    facts.sort();
    let made = Made { tables: made, facts };
    made.assert_balanced();
    made
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

/// One value as text, NULL as `-`; decimals without their last zeros.
pub(super) fn cell(column: &dyn Array, row: usize) -> String {
    let options = FormatOptions::new().with_null("-").with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S"));
    let text = ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string();
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
        let rows = &self.tables[table];
        let picked: Vec<&ArrayRef> = columns.iter().map(|name| rows.column_by_name(name).expect(name)).collect();
        let mut lines: Vec<String> = (0..rows.num_rows())
            .map(|row| picked.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(" | "))
            .collect();
        lines.sort();
        lines
    }

    /// The only line of the summary.
    pub(super) fn summary(&self, columns: &[&str]) -> String {
        let lines = self.lines(1, columns);
        assert_eq!(lines.len(), 1, "{lines:#?}");
        lines[0].clone()
    }

    pub(super) fn fact(&self, fact: &str, item: &str) -> Option<i64> {
        self.facts.iter().find(|row| row.fact == fact && row.item == item).map(|row| row.rows)
    }

    /// What went in is what came out.
    fn assert_balanced(&self) {
        let sum = |fact: &str| self.facts.iter().filter(|row| row.fact == fact).map(|row| row.rows).sum::<i64>();
        assert_eq!(sum("rows_in"), sum("rows_out"), "{:#?}", self.facts);
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

/// The mistakes found in a model over tables of these schemas.
pub(super) fn mistakes(yaml: &str, tables: &[(&str, Schema)]) -> Vec<Diagnostic> {
    let (spec, sources) = model(yaml);
    let engine = engine(PLAIN, sources);
    let mut frames = Frames::default();
    for (name, schema) in tables {
        frames.insert(TableName::new_unchecked(name), Frame::empty(Arc::new(schema.clone()), Vec::new()));
    }
    let (settings, name) = (settings(), TableName::new_unchecked("speed"));
    let mut diags = Diagnostics::default();
    let made = spec.contract(&scope(&name, &settings, &frames, &engine), &mut diags);
    assert_eq!(made.is_none(), diags.has_errors(), "{diags:#?}");
    diags.into_sorted()
}
