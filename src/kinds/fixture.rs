//! What the tests of kinds share: a model as YAML, tables in memory, a run through a real engine.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{Exhibit, FactRow, ModelKind, Scope, Settings};
use crate::contract::Contract;
use crate::diag::{Diagnostic, Diagnostics, Place, Sources};
use crate::engine::{Engine, Frame, Frames, Limits};
use crate::error::Result;
use crate::syntax::{TableName, read};

/// How a model is run.
#[derive(Clone, Copy, Debug)]
pub struct How {
    pub threads: usize,
    pub batch: usize,
}

pub const PLAIN: How = How { threads: 2, batch: 8192 };

/// A model's own settings as it is written, and the file they stand in.
pub fn model<T: DeserializeOwned>(yaml: &str) -> (T, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("models/m.yml", yaml);
    let mut diags = Diagnostics::default();
    let spec = read::<T>(file, yaml, &mut diags);
    (spec.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted())), sources)
}

pub fn engine(how: How, sources: Sources, as_of: DateTime<Utc>) -> Engine {
    let limits = Limits {
        threads: NonZeroUsize::new(how.threads).unwrap(),
        memory_bytes: 1 << 30,
        spill_dir: None,
        batch_size: NonZeroUsize::new(how.batch).unwrap(),
    };
    Engine::new(limits, as_of, sources).unwrap()
}

pub fn settings() -> Settings {
    Settings { reporting_timezone: chrono_tz::Europe::Berlin, currency: "EUR".to_string() }
}

/// A table cut into batches and dealt out to partitions.
pub fn frame(table: &RecordBatch, how: How) -> Frame {
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

/// Tables as frames, by name.
pub fn frames(tables: &[(&str, RecordBatch)], how: How) -> Frames {
    let mut frames = Frames::default();
    for (name, table) in tables {
        frames.insert(TableName::new_unchecked(name), frame(table, how));
    }
    frames
}

pub fn scope<'a>(model: &'a TableName, settings: &'a Settings, frames: &'a Frames, engine: &'a Engine) -> Scope<'a> {
    Scope { model, place: Place::default(), description: "", settings, frames, engine }
}

/// What a run made: the tables by name, in the order of the contracts, the facts, and what the model shows.
#[derive(Debug)]
pub struct Made {
    pub tables: IndexMap<String, RecordBatch>,
    pub facts: Vec<FactRow>,
    pub exhibits: Vec<Exhibit>,
}

/// Runs a model; the tables come out as their contracts promise. With fewer `outputs` than the
/// model has, only the first so many are made, and no facts.
pub async fn run(
    kind: &dyn ModelKind,
    name: &str,
    settings: &Settings,
    mut frames: Frames,
    engine: &Engine,
    outputs: usize,
) -> Result<Made> {
    let name = TableName::new_unchecked(name);
    let mut diags = Diagnostics::default();
    let contracts = kind.contract(&scope(&name, settings, &frames, engine), &mut diags);
    let contracts = contracts.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted()));
    let mut made = Made { tables: IndexMap::new(), facts: Vec::new(), exhibits: Vec::new() };
    for contract in contracts.iter().take(outputs) {
        let plan = kind.plan(&scope(&name, settings, &frames, engine), contract)?;
        let rows = as_promised(&collect(engine, plan).await?, contract);
        let memory = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]).unwrap();
        frames.insert(contract.table.clone(), Frame { provider: Arc::new(memory), columns: contract.columns.clone() });
        made.tables.insert(contract.table.to_string(), rows);
    }
    if made.tables.len() == contracts.len() {
        for plan in kind.facts(&scope(&name, settings, &frames, engine))? {
            made.facts.extend(fact_rows(&collect(engine, plan).await?));
        }
        made.facts.sort();
        let scope = scope(&name, settings, &frames, engine);
        for exhibitor in kind.exhibitors(&scope)? {
            let mut answers = Vec::new();
            while let Some(question) = exhibitor.question(&scope, &answers)? {
                answers.push(engine.collect(question).await?);
            }
            made.exhibits.extend(exhibitor.exhibit(&answers)?);
        }
    }
    Ok(made)
}

/// What a model foretells over tables of these rows.
pub async fn forecast(kind: &dyn ModelKind, name: &str, frames: &Frames, engine: &Engine) -> Option<RecordBatch> {
    let (name, settings) = (TableName::new_unchecked(name), settings());
    let plan = kind.forecast(&scope(&name, &settings, frames, engine)).unwrap()?;
    Some(collect(engine, plan).await.unwrap())
}

impl Made {
    /// A table of the only exhibit, a line a row.
    pub fn shown(&self, table: usize) -> Vec<String> {
        let [exhibit] = self.exhibits.as_slice() else { panic!("{:#?}", self.exhibits) };
        exhibit.tables[table].rows.iter().map(|row| row.join(" | ")).collect()
    }

    pub fn fact(&self, fact: &str, item: &str) -> Option<i64> {
        self.facts.iter().find(|row| row.fact == fact && row.item == item).map(|row| row.rows)
    }

    /// What went in is what came out and what was rejected.
    pub fn assert_balanced(&self) {
        let sum = |fact: &str| self.facts.iter().filter(|row| row.fact == fact).map(|row| row.rows).sum::<i64>();
        assert_eq!(sum("rows_in"), sum("rows_out") + sum("rows_rejected"), "{:#?}", self.facts);
    }
}

async fn collect(engine: &Engine, plan: LogicalPlan) -> Result<RecordBatch> {
    let schema: SchemaRef = Arc::new(plan.schema().as_arrow().clone());
    let batches = engine.ctx().execute_logical_plan(plan).await?.collect().await?;
    let schema = batches.first().map_or(schema, |batch| batch.schema());
    Ok(concat_batches(&schema, &batches)?)
}

fn as_promised(rows: &RecordBatch, contract: &Contract) -> RecordBatch {
    let names: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
    let schema = rows.schema();
    assert_eq!(schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(), names, "{}", contract.table);
    let columns: Vec<ArrayRef> =
        rows.columns().iter().zip(&contract.columns).map(|(c, to)| cast(c, &to.ty.arrow()).unwrap()).collect();
    // Fails where a column promised to be NOT NULL holds NULLs.
    RecordBatch::try_new(Arc::new(contract.schema()), columns).unwrap()
}

fn fact_rows(rows: &RecordBatch) -> Vec<FactRow> {
    let text = |at: usize, row: usize| cell(rows.column(at), row);
    let numbers = rows.column(2).as_primitive::<Int64Type>();
    (0..rows.num_rows())
        .map(|row| FactRow { fact: text(0, row), item: text(1, row), rows: numbers.value(row) })
        .collect()
}

/// One value as text, NULL as `-`.
pub fn cell(column: &dyn Array, row: usize) -> String {
    let options = FormatOptions::new().with_null("-").with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S"));
    ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string()
}

/// Some columns of a table, a line a row, sorted by all of them; `show` writes a value.
pub fn lines(rows: &RecordBatch, columns: &[&str], show: impl Fn(&dyn Array, usize) -> String) -> Vec<String> {
    let picked: Vec<&ArrayRef> = columns.iter().map(|name| rows.column_by_name(name).expect(name)).collect();
    let line = |row| picked.iter().map(|column| show(column, row)).collect::<Vec<_>>().join(" | ");
    let mut lines: Vec<String> = (0..rows.num_rows()).map(line).collect();
    lines.sort();
    lines
}

/// `2024-03-01`, `2024-03-01 10:00` or with seconds, in UTC microseconds.
pub fn instant(text: &str) -> i64 {
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{}:00Z", text.replace(' ', "T")),
        _ => format!("{}Z", text.replace(' ', "T")),
    };
    full.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
}

/// The mistakes found in a model over tables of these schemas.
pub fn mistakes(kind: &dyn ModelKind, name: &str, engine: &Engine, tables: &[(&str, Schema)]) -> Vec<Diagnostic> {
    let mut frames = Frames::default();
    for (name, schema) in tables {
        frames.insert(TableName::new_unchecked(name), Frame::empty(Arc::new(schema.clone()), Vec::new()));
    }
    let (settings, name) = (settings(), TableName::new_unchecked(name));
    let mut diags = Diagnostics::default();
    let made = kind.contract(&scope(&name, &settings, &frames, engine), &mut diags);
    assert_eq!(made.is_none(), diags.has_errors(), "{diags:#?}");
    diags.into_sorted()
}

/// Every column of the tables has a sentence and a name of its own, every table a purpose and a grain of its columns.
pub fn assert_told(contracts: &[Contract]) {
    assert!(!contracts.is_empty());
    for contract in contracts {
        let names: BTreeSet<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names.len(), contract.columns.len(), "{}", contract.table);
        for column in &contract.columns {
            let (name, text) = (&column.name, &column.description);
            assert!(text.len() > 8 && text.ends_with('.'), "{}.{name}: {text}", contract.table);
        }
        assert!(!contract.methodology.summary.is_empty(), "{}", contract.table);
        assert!(contract.grain.iter().all(|key| contract.column(key.as_str()).is_some()), "{}", contract.table);
    }
}

/// Every key of a kind's settings is described in the schema of the language; how many there are.
pub fn assert_keys_told<T: JsonSchema>() -> usize {
    let schema = serde_json::to_value(schemars::schema_for!(T)).unwrap();
    let parts = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let mut keys = 0;
    for (name, key) in parts.filter_map(|part| part["properties"].as_object()).flatten() {
        assert!(key["description"].as_str().is_some_and(|text| text.len() > 8), "{name}: {key}");
        keys += 1;
    }
    keys
}

/// A table written as lines of cells apart by `|`: the first names the columns. `-` is NULL; a column
/// whose name ends in `_at` holds days, one that begins with `is_` conditions, one with `n_` numbers.
pub fn table(text: &str) -> RecordBatch {
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
