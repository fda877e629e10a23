//! Real input, where it is at hand: `../shared/data` and the reference results beside it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn at_hand(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn parquet(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

/// The sales pipeline: dated stages, and open deals without any date as of the run.
const PIPELINE: &str = "
entity: opportunity
stages:
  - prospecting
  - engaging
  - {name: won, closes: true}
exits: [lost]
sources:
  - name: dates
    from: sales_pipeline
    entity: opportunity_id
    record: opportunity_id
    dates:
      engaging: engage_date
      won: CASE WHEN deal_stage = 'Won' THEN close_date END
      lost: CASE WHEN deal_stage = 'Lost' THEN close_date END
  - name: statuses
    from: sales_pipeline
    where: deal_stage IN ('Prospecting', 'Engaging')
    entity: opportunity_id
    record: opportunity_id
    at: coalesce(engage_date, current_date())
    to: deal_stage
values: {prospecting: prospecting, engaging: engaging}
";

#[tokio::test]
async fn the_sales_pipeline_has_its_known_counts() {
    let Some(path) = at_hand("data/crm_sales/sales_pipeline.parquet") else { return };
    let made = run(PIPELINE, &[("sales_pipeline", parquet(&path))], PLAIN).await;
    made.assert_balanced();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for line in made.lines(1, &["current_stage", "is_closed"]) {
        *counts.entry(line).or_default() += 1;
    }
    let expected = [("engaging | false", 1589), ("lost | true", 2473), ("prospecting | false", 500), ("won | true", 4238)];
    assert_eq!(counts, expected.map(|(line, count)| (line.to_string(), count)).into());
    assert_eq!(made.tables[2].num_rows(), 0);
}

/// The benchmark's lifecycle job.
pub(super) const BENCH: &str = "
entity: person
stages:
  - {name: subscriber, label: Subscriber}
  - {name: lead, label: Lead}
  - {name: mql, label: MQL}
  - {name: sal, label: SAL}
  - {name: sql, label: SQL}
  - {name: opportunity, label: Opportunity}
  - {name: customer, label: Customer}
detours: [disqualified]
sources:
  - from: stage_history
    entity: person_id
    at: changed_at
    to: stage_label
    record: change_id
values:
  subscriber: [subscriber, newsletter subscriber]
  lead: [lead, new, open - not contacted]
  mql: [mql, marketing qualified, marketing qualified lead, marketingqualifiedlead]
  sal: [sal, sales accepted]
  sql: [sql, sales qualified, salesqualifiedlead, working - qualified]
  opportunity: [opportunity, opp]
  customer: [customer, closed won]
  disqualified: [disqualified, junk, unqualified]
otherwise: ignore
policies: {skipped: same_time}
";

/// Needs `MARQUETRY_BENCH_SLICE`: the folder that the benchmark's generator wrote its slice to.
#[tokio::test]
async fn the_reference_job_agrees_row_for_row() {
    let Some(expected) = at_hand("bench/expected/SLICE/lifecycle_events.parquet") else { return };
    let Some(slice) = option_env!("MARQUETRY_BENCH_SLICE") else {
        println!("skipped: MARQUETRY_BENCH_SLICE is not set");
        return;
    };
    let history = parquet(&Path::new(slice).join("stage_history.parquet"));
    let made = run(BENCH, &[("stage_history", history)], PLAIN).await;
    made.assert_balanced();
    let theirs = [
        "person_id", "event_seq", "stage", "stage_rank", "entered_at", "exited_at", "entry_number", "is_filled",
        "is_regression", "is_current", "change_id",
    ];
    let ours = [
        "entity_id", "visit_seq", "stage", "stage_rank", "entered_at", "exited_at", "visit_number", "inferred",
        "transition", "is_current", "source_record",
    ];
    let expected = parquet(&expected);
    assert_eq!(made.tables[0].num_rows(), expected.num_rows());
    let mut columns: Vec<(String, ArrayRef, bool)> = Vec::new();
    for name in theirs {
        columns.push((name.to_string(), expected.column_by_name(name).unwrap().clone(), true));
    }
    let expected = Made {
        contracts: Vec::new(),
        tables: vec![RecordBatch::try_from_iter_with_nullable(columns).unwrap()],
        facts: Vec::new(),
    };
    let expected: Vec<String> = expected.lines(0, &theirs).iter().map(|line| line.to_lowercase()).collect();
    let rows = &made.tables[0];
    let transition = rows.column_by_name("transition").unwrap();
    assert_eq!(transition.data_type(), &DataType::Utf8);
    let mut found: Vec<String> = made
        .lines(0, &ours)
        .iter()
        .map(|line| {
            let mut cells: Vec<&str> = line.split(" | ").collect();
            cells[8] = if cells[8] == "regress" { "true" } else { "false" };
            cells.join(" | ")
        })
        .collect();
    found.sort();
    let mut expected = expected;
    expected.sort();
    let differs = found.iter().zip(&expected).find(|(found, expected)| found != expected);
    assert_eq!(differs, None);
}
