//! Real input, where it is at hand: `../shared/data` and the reference results beside it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::compute::concat_batches;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

pub(super) fn at_hand(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

pub(super) fn parquet(path: &Path) -> RecordBatch {
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
    let expected =
        [("engaging | false", 1589), ("lost | true", 2473), ("prospecting | false", 500), ("won | true", 4238)];
    assert_eq!(counts, expected.map(|(line, count)| (line.to_string(), count)).into());
    assert_eq!(made.tables[2].num_rows(), 0);
}
