//! The kind through a real engine: YAML in, tables out.

mod compared;
mod documents;
mod fuzz;
mod golden;
mod ids;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;

use super::Dedupe;
use crate::contract::Contract;
use crate::diag::{Diagnostics, Place, Sources};
use crate::engine::{Engine, Frame, Frames, Limits};
use crate::error::Result;
use crate::kinds::{FactRow, ModelKind, Scope, Settings};
use crate::syntax::{TableName, read};

/// How a model is run.
#[derive(Clone, Copy)]
pub(super) struct How {
    pub(super) threads: usize,
    pub(super) batch: usize,
}

pub(super) const PLAIN: How = How { threads: 2, batch: 8192 };

/// What a run made: tables by name, and the facts.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) tables: BTreeMap<String, RecordBatch>,
    pub(super) facts: Vec<FactRow>,
}

pub(super) fn model(yaml: &str) -> (Dedupe, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("models/m.yml", yaml);
    let mut diags = Diagnostics::default();
    let spec = read::<Dedupe>(file, yaml, &mut diags);
    (spec.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted())), sources)
}

pub(super) fn engine(how: How, sources: Sources, as_of: &str) -> Engine {
    let limits = Limits {
        threads: NonZeroUsize::new(how.threads).unwrap(),
        memory_bytes: 1 << 30,
        spill_dir: None,
        batch_size: NonZeroUsize::new(how.batch).unwrap(),
    };
    Engine::new(limits, format!("{as_of}T00:00:00Z").parse().unwrap(), sources).unwrap()
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
    let (spec, sources) = model(yaml);
    let engine = &engine(how, sources, as_of);
    let mut frames = Frames::default();
    for (name, table) in tables {
        frames.insert(TableName::new_unchecked(name), frame(table, how));
    }
    for (name, table) in before.into_iter().flat_map(|made| &made.tables) {
        if spec.remembers().iter().any(|ending| name.ends_with(ending)) {
            frames.insert_published(TableName::new_unchecked(name), frame(table, how));
        }
    }
    let (settings, name) = (settings(), TableName::new_unchecked("people"));
    let mut diags = Diagnostics::default();
    let contracts = spec.contract(&scope(&name, &settings, &frames, engine), &mut diags);
    let contracts = contracts.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted()));
    let mut made = BTreeMap::new();
    for contract in &contracts {
        let plan = spec.plan(&scope(&name, &settings, &frames, engine), contract)?;
        let rows = as_promised(&collect(engine, plan).await?, contract);
        let memory = MemTable::try_new(rows.schema(), vec![vec![rows.clone()]]).unwrap();
        frames.insert(contract.table.clone(), Frame { provider: Arc::new(memory), columns: contract.columns.clone() });
        made.insert(contract.table.to_string(), rows);
    }
    let mut facts = Vec::new();
    for plan in spec.facts(&scope(&name, &settings, &frames, engine))? {
        facts.extend(fact_rows(&collect(engine, plan).await?));
    }
    facts.sort();
    Ok(Made { tables: made, facts })
}

pub(super) fn scope<'a>(
    model: &'a TableName,
    settings: &'a Settings,
    frames: &'a Frames,
    engine: &'a Engine,
) -> Scope<'a> {
    Scope { model, place: Place::default(), description: "", settings, frames, engine }
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
    let numbers = rows.column(2).as_primitive::<arrow::datatypes::Int64Type>();
    (0..rows.num_rows())
        .map(|row| FactRow { fact: text(0, row), item: text(1, row), rows: numbers.value(row) })
        .collect()
}

/// One value as text, NULL as `-`.
pub(super) fn cell(column: &dyn Array, row: usize) -> String {
    let options = FormatOptions::new().with_null("-").with_timestamp_tz_format(Some("%Y-%m-%d"));
    ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string()
}

impl Made {
    /// Some columns of a table, a line a row, sorted by all of them. Ids are shown as the anchor of
    /// their entity, as in `<crm:1>`.
    pub(super) fn lines(&self, table: &str, columns: &[&str]) -> Vec<String> {
        let ids = self.ids();
        let rows = &self.tables[table];
        let picked: Vec<&ArrayRef> = columns.iter().map(|name| rows.column_by_name(name).expect(name)).collect();
        let show = |column: &ArrayRef, row: usize| {
            let text = cell(column, row);
            ids.get(&text).cloned().unwrap_or(text)
        };
        let mut lines: Vec<String> = (0..rows.num_rows())
            .map(|row| picked.iter().map(|column| show(column, row)).collect::<Vec<_>>().join(" | "))
            .collect();
        lines.sort();
        lines
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

    pub(super) fn fact(&self, fact: &str, item: &str) -> Option<i64> {
        self.facts.iter().find(|row| row.fact == fact && row.item == item).map(|row| row.rows)
    }

    /// What went in is what came out and what was rejected.
    pub(super) fn assert_balanced(&self) {
        let sum = |fact: &str| self.facts.iter().filter(|row| row.fact == fact).map(|row| row.rows).sum::<i64>();
        assert_eq!(sum("rows_in"), sum("rows_out") + sum("rows_rejected"), "{:#?}", self.facts);
    }
}

/// A table written as lines of cells apart by `|`: the first names the columns. `-` is NULL; a
/// column whose name ends in `_at` holds days.
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
        } else {
            Arc::new(values.collect::<StringArray>())
        };
        (name.clone(), array, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns.collect::<Vec<_>>()).unwrap()
}

/// A day in UTC microseconds.
pub(super) fn instant(day: &str) -> i64 {
    format!("{day}T00:00:00Z").parse::<DateTime<Utc>>().unwrap().timestamp_micros()
}
