//! Tests of the kind as a whole.

mod fuzz;
mod mistakes;
mod vectors;

use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::LogicalPlan;

use super::SourceMapping;
use crate::contract::{Contract, Pii, Role};
use crate::diag::{Diagnostic, Diagnostics, Place, Sources};
use crate::engine::{Engine, Frame, Frames, Limits};
use crate::kinds::{FactRow, ModelKind, Scope, Settings};
use crate::syntax::{TableName, read};

/// A row's cells as text; NULL is `-`.
pub(super) type Row = Vec<String>;

/// One model over tables in memory.
pub(super) struct Project {
    engine: Engine,
    frames: Frames,
    settings: Settings,
    model: TableName,
    pub(super) spec: SourceMapping,
}

fn engine(threads: usize, batch_size: usize, sources: Sources) -> Engine {
    let size = |number| NonZeroUsize::new(number).unwrap();
    let limits =
        Limits { threads: size(threads), memory_bytes: 256 << 20, spill_dir: None, batch_size: size(batch_size) };
    Engine::new(limits, "2026-09-01T00:00:00Z".parse().unwrap(), sources).unwrap()
}

pub(super) fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

pub(super) fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

pub(super) fn frame(batches: Vec<RecordBatch>) -> Frame {
    let schema = batches[0].schema();
    Frame { provider: Arc::new(MemTable::try_new(schema, vec![batches]).unwrap()), columns: Vec::new() }
}

impl Project {
    /// A model called `touches`; panics where the YAML is wrong.
    pub(super) fn new(yaml: &str, tables: Vec<(&str, Frame)>) -> Self {
        let mut sources = Sources::default();
        let file = sources.add("touches.yml", yaml);
        let mut diags = Diagnostics::default();
        let spec = read::<SourceMapping>(file, yaml, &mut diags);
        let spec = spec.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted()));
        let mut frames = Frames::default();
        for (name, frame) in tables {
            frames.insert(TableName::new(name).unwrap(), frame);
        }
        let settings = Settings { reporting_timezone: chrono_tz::UTC, currency: "EUR".to_string() };
        Self { engine: engine(2, 8192, sources), frames, settings, model: TableName::new("touches").unwrap(), spec }
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            model: &self.model,
            place: Place::default(),
            description: "",
            settings: &self.settings,
            frames: &self.frames,
            engine: &self.engine,
        }
    }

    pub(super) fn check(&self) -> (Option<Vec<Contract>>, Vec<Diagnostic>) {
        let mut diags = Diagnostics::default();
        let contracts = self.spec.contract(&self.scope(), &mut diags);
        (contracts, diags.into_sorted())
    }

    fn collect(&self, plan: LogicalPlan) -> Vec<RecordBatch> {
        let ctx = self.engine.ctx().clone();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async move { ctx.execute_logical_plan(plan).await.unwrap().collect().await.unwrap() })
    }

    pub(super) fn explain(&self, role: Role) -> String {
        let contracts = self.check().0.unwrap();
        let contract = contracts.iter().find(|contract| contract.role == role).unwrap();
        let plan = self.spec.plan(&self.scope(), contract).unwrap();
        let ctx = self.engine.ctx().clone();
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let plan = runtime.block_on(async move {
            ctx.execute_logical_plan(plan).await.unwrap().create_physical_plan().await.unwrap()
        });
        datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string()
    }

    /// Runs the model as a run does: contracts in order, each output readable afterwards.
    pub(super) fn run(&mut self) -> Vec<(Contract, Vec<RecordBatch>)> {
        let (contracts, diags) = self.check();
        let contracts = contracts.unwrap_or_else(|| panic!("{diags:#?}"));
        let mut outputs = Vec::new();
        for contract in contracts {
            let plan = self.spec.plan(&self.scope(), &contract).unwrap();
            let names: Vec<String> = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
            let promised: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(names, promised);
            let schema = plan.schema().as_arrow().clone();
            let mut batches = self.collect(plan);
            if batches.is_empty() {
                batches.push(RecordBatch::new_empty(Arc::new(schema)));
            }
            for (column, name) in promised.iter().enumerate() {
                let nulls: usize = batches.iter().map(|batch| batch.column(column).null_count()).sum();
                assert!(nulls == 0 || contract.columns[column].nullable, "{name} is NULL");
            }
            self.frames.insert(contract.table.clone(), frame(batches.clone()));
            outputs.push((contract, batches));
        }
        outputs
    }

    /// The rows of one of the outputs, those columns, sorted by the first.
    pub(super) fn rows(&mut self, role: Role, columns: &[&str]) -> Vec<Row> {
        let outputs = self.run();
        let (_, batches) = outputs.into_iter().find(|(contract, _)| contract.role == role).unwrap();
        let mut rows: Vec<Row> = batches.iter().flat_map(|batch| cells(batch, columns)).collect();
        rows.sort();
        rows
    }

    pub(super) fn facts(&self) -> Vec<FactRow> {
        let mut facts = Vec::new();
        for plan in self.spec.facts(&self.scope()).unwrap() {
            for batch in self.collect(plan) {
                facts.extend(cells(&batch, &["fact", "item", "rows"]).into_iter().map(|row| FactRow {
                    fact: row[0].clone(),
                    item: row[1].clone(),
                    rows: row[2].parse().unwrap(),
                }));
            }
        }
        facts.sort();
        facts
    }
}

pub(super) fn cells(batch: &RecordBatch, columns: &[&str]) -> Vec<Row> {
    let options = FormatOptions::default().with_null("-");
    let arrays: Vec<ArrayFormatter<'_>> = columns
        .iter()
        .map(|name| ArrayFormatter::try_new(batch.column_by_name(name).unwrap(), &options).unwrap())
        .collect();
    (0..batch.num_rows()).map(|row| arrays.iter().map(|array| array.value(row).to_string()).collect()).collect()
}

fn instants(micros: &[Option<i64>]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(micros.to_vec()).with_timezone("UTC"))
}

/// Touches 1, 2, … one second apart, with these text columns.
pub(super) fn touches(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let rows = columns[0].1.len();
    let ids: Vec<String> = (1..=rows).map(|row| format!("t{row:03}")).collect();
    let ids: Vec<Option<&str>> = ids.iter().map(|id| Some(id.as_str())).collect();
    let times: Vec<Option<i64>> = (0..rows as i64).map(|row| Some(row * 1_000_000)).collect();
    let mut all = vec![("id", texts(&ids)), ("at", instants(&times))];
    all.extend(columns);
    table(all)
}

const OWN_RULES: &str = "
from: events
touch_id: id
at: at
keep: {person_id: person, upper_id: upper(id)}
utm: {source: src, medium: med, campaign: camp}
referrer: ref
landing_page: page
click_ids: {gclid: gclid}
internal_domains: [shop.example.com]
channels: none
synonyms: {medium: {ppc: cpc}}
missing_source: (none)
rules:
  - {id: list, channel: Listed, when: {campaign_in: {from: plans, column: name}}}
  - {channel: Paid, source: google, when: {source: ~^(google|adwords), medium: [cpc, ~^paid]}}
  - {id: partner, channel: Partner, when: {referrer_host: partner.com}}
  - {id: click, channel: Click, when: {click_id: paid}}
  - {id: search, channel: Search, when: {source_category: search}}
campaigns: {from: plans, key: name, channel: channel}
unmapped: {channel: Unknown, list: 2}
";

fn own_rules() -> Project {
    let touches = touches(vec![
        ("person", texts(&[Some("p1"), None, None, None, None, None, None])),
        ("src", texts(&[Some("x"), Some(" AdWords"), None, None, None, Some("gogle"), None])),
        ("med", texts(&[None, Some("PPC"), None, None, None, Some("paper"), None])),
        ("camp", texts(&[Some("SPRING"), None, Some("autumn"), None, None, None, None])),
        (
            "ref",
            texts(&[
                None,
                None,
                None,
                Some("https://blog.partner.com/a"),
                Some("https://www.google.de/"),
                None,
                Some("https://shop.example.com"),
            ]),
        ),
        ("page", texts(&[None, None, None, None, None, Some("https://x/?utm_source=google&gclid=1"), None])),
        ("gclid", texts(&[None, None, None, None, None, None, None])),
    ]);
    let plans = table(vec![
        ("name", texts(&[Some("Spring "), Some("Spring"), Some("Autumn"), None])),
        ("channel", texts(&[Some("Zeta"), Some("Alpha"), None, Some("Nothing")])),
    ]);
    Project::new(OWN_RULES, vec![("events", frame(vec![touches])), ("plans", frame(vec![plans]))])
}

#[test]
fn own_rules_decide_in_order() {
    let columns = ["touch_id", "person_id", "upper_id", "channel", "source", "medium", "campaign", "channel_rule"];
    let rows = own_rules().rows(Role::Main, &columns);
    let expected = [
        // Of two channels in the table of campaigns, the first in byte order.
        ["t001", "p1", "T001", "Alpha", "x", "-", "spring", "campaign_table"],
        ["t002", "-", "T002", "Paid", "google", "cpc", "-", "02_paid"],
        // The table lists the campaign but gives no channel: the rules decide.
        ["t003", "-", "T003", "Listed", "(none)", "-", "autumn", "list"],
        ["t004", "-", "T004", "Partner", "blog.partner.com", "-", "-", "partner"],
        ["t005", "-", "T005", "Search", "google.de", "-", "-", "search"],
        // The column `gclid` is empty, so the one in the URL does not count.
        ["t006", "-", "T006", "Unknown", "gogle", "paper", "-", "unmapped"],
        // The own site is no source.
        ["t007", "-", "T007", "Unknown", "(none)", "-", "-", "unmapped"],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn unmapped_values_name_the_nearest_rule() {
    let columns =
        ["rank", "source", "medium", "referrer_host", "touches", "first_seen_at", "nearest_rule", "nearest_value"];
    let rows = own_rules().rows(Role::Companion, &columns);
    let expected = [
        ["1", "(none)", "-", "shop.example.com", "1", "1970-01-01T00:00:06Z", "-", "-"],
        ["2", "gogle", "paper", "-", "1", "1970-01-01T00:00:05Z", "02_paid", "google"],
    ];
    assert_eq!(rows, expected);
}

#[test]
fn unused_rules_are_reviewed() {
    let mut project = own_rules();
    project.run();
    let facts = project.facts();
    let mut diags = Diagnostics::default();
    project.spec.review(&facts, &mut diags);
    let messages: Vec<String> = diags.into_sorted().into_iter().map(|found| found.message).collect();
    assert_eq!(messages, ["the rule `click` held first for no touch of this run"]);
}

#[test]
fn rows_without_id_or_time_are_rejected_and_counted() {
    let yaml = "{from: events, touch_id: id, at: at, utm: {source: src, medium: src}}";
    let events = table(vec![
        ("id", texts(&[Some("a"), None, Some("c"), None])),
        ("at", instants(&[Some(0), Some(1), None, None])),
        ("src", texts(&[Some("email"); 4])),
    ]);
    let mut project = Project::new(yaml, vec![("events", frame(vec![events]))]);
    let rejects = project.rows(Role::Rejects, &["source_table", "source_key", "reason", "detail"]);
    let expected =
        [["events", "-", "null_key", "-"], ["events", "-", "null_key", "-"], ["events", "c", "null_time", "-"]];
    assert_eq!(rejects, expected);
    let facts: Vec<(String, String, i64)> =
        project.facts().into_iter().map(|row| (row.fact, row.item, row.rows)).collect();
    let expected = [
        ("rows_in", "events", 4),
        ("rows_out", "touches", 1),
        ("rows_rejected", "null_key", 2),
        ("rows_rejected", "null_time", 1),
        ("rule", "ga4_email_source", 1),
    ];
    assert_eq!(facts, expected.map(|(fact, item, rows)| (fact.to_string(), item.to_string(), rows)));
}

#[test]
fn contracts_know_where_values_come_from() {
    let mut project = own_rules();
    let name = TableName::new("events").unwrap();
    let mut events = project.frames.get("events").unwrap().clone();
    let column = crate::contract::Column::new(
        crate::syntax::ColumnName::new("person").unwrap(),
        crate::contract::ColumnType::Text,
        "Who it was.",
    );
    events.columns.push(column.pii(Pii::Direct));
    project.frames.insert(name, events);
    let contracts = project.check().0.unwrap();
    let main = &contracts[0];
    let person = main.column("person_id").unwrap();
    assert_eq!((person.pii, person.description.as_str()), (Pii::Direct, "Who it was."));
    let lineage = |column: &str| {
        let column = main.column(column).unwrap();
        column.lineage.iter().map(|origin| format!("{}.{}", origin.table, origin.column)).collect::<Vec<_>>()
    };
    assert_eq!(lineage("campaign"), ["events.camp"]);
    assert_eq!(lineage("medium"), ["events.gclid", "events.med", "events.page"]);
    assert_eq!(lineage("upper_id"), ["events.id"]);
    for contract in &contracts {
        assert!(contract.columns.iter().all(|column| column.description.len() > 10), "{contract:#?}");
    }
}

#[test]
fn a_touch_is_classified_once_and_only_needed_columns_are_read() {
    let events = touches(vec![
        ("src", texts(&[Some("google")])),
        ("unused", texts(&[Some("x")])),
        ("kept", texts(&[Some("x")])),
    ]);
    let yaml = "{from: events, touch_id: id, at: at, keep: {kept: kept}, utm: {source: src}}";
    let project = Project::new(yaml, vec![("events", frame(vec![events]))]);
    let plan = project.explain(Role::Main);
    assert_eq!(plan.matches("MapExec").count(), 1, "{plan}");
    assert!(!plan.contains("unused"), "{plan}");
}

#[test]
fn results_do_not_depend_on_threads_or_batches() {
    let expected = own_rules().rows(Role::Main, &["touch_id", "channel", "source", "utm_grade", "utm_grade_reason"]);
    for (threads, batch_size) in [(1, 1), (2, 2), (5, 7), (2, 50)] {
        let mut project = own_rules();
        project.engine = engine(threads, batch_size, Sources::default());
        let rows = project.rows(Role::Main, &["touch_id", "channel", "source", "utm_grade", "utm_grade_reason"]);
        assert_eq!(rows, expected, "{threads} threads, batches of {batch_size}");
    }
}

#[test]
fn the_guide_names_every_key_and_column() {
    let schema = serde_json::to_value(schemars::schema_for!(SourceMapping)).unwrap();
    let keys = schema["properties"].as_object().unwrap().keys();
    for key in keys {
        assert!(super::GUIDE.contains(&format!("`{key}`")), "the guide does not explain `{key}`");
    }
    for contract in own_rules().check().0.unwrap() {
        for column in
            contract.columns.iter().filter(|column| !["person_id", "upper_id"].contains(&column.name.as_str()))
        {
            assert!(
                super::GUIDE.contains(&format!("`{}`", column.name)),
                "the guide does not explain `{}`",
                column.name
            );
        }
    }
}

fn field(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true)
}

#[test]
fn empty_tables_are_enough_to_check() {
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        field("at"),
        Field::new("s", DataType::Utf8View, true),
    ]);
    let frame = Frame::empty(Arc::new(schema), Vec::new());
    let mut project = Project::new("{from: e, touch_id: id, at: at, utm: {source: s}}", vec![("e", frame)]);
    assert!(project.rows(Role::Main, &["touch_id", "channel"]).is_empty());
    assert!(project.rows(Role::Companion, &["rank"]).is_empty());
}
