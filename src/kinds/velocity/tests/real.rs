//! The benchmark's reference tables, where they are at hand in `../shared`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::Int64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::engine::Frames;
use crate::kinds::Settings;

fn at_hand(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bench/expected/SLICE").join(path);
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

/// The stage visits of the reference, as a lifecycle publishes them.
fn reference_visits(rows: &RecordBatch) -> RecordBatch {
    let of = |name: &str| Arc::clone(rows.column_by_name(name).unwrap());
    let text = |value: Option<&str>| -> ArrayRef { Arc::new(StringArray::from(vec![value; rows.num_rows()])) };
    let stage = cast(&of("stage"), &DataType::Utf8).unwrap();
    let stage: StringArray = stage.as_string::<i32>().iter().map(|name| name.map(str::to_lowercase)).collect();
    let number = cast(&of("entry_number"), &DataType::Int32).unwrap();
    let first: BooleanArray =
        number.as_primitive::<arrow::datatypes::Int32Type>().iter().map(|number| Some(number? == 1)).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("entity_id", of("person_id"), true),
        ("visit_seq", of("event_seq"), true),
        ("stage", Arc::new(stage) as ArrayRef, true),
        ("entered_at", of("entered_at"), true),
        ("transition", text(Some("advance")), true),
        ("inferred_by", text(None), true),
        ("is_first_entry", Arc::new(first) as ArrayRef, true),
        ("source_system", text(None), true),
    ])
    .unwrap()
}

const LADDER: [&str; 7] = ["subscriber", "lead", "mql", "sal", "sql", "opportunity", "customer"];

#[tokio::test]
async fn the_benchmark_has_the_counts_of_its_reference() {
    let (Some(visits), Some(expected)) = (at_hand("lifecycle_events.parquet"), at_hand("stage_velocity.parquet"))
    else {
        return;
    };
    let mut pairs: Vec<(&str, &str)> = LADDER.iter().copied().zip(LADDER[1..].iter().copied()).collect();
    pairs.extend([("mql", "sql"), ("lead", "customer"), ("mql", "customer")]);
    let written: Vec<String> = pairs.iter().map(|(from, to)| format!("{{from: {from}, to: {to}}}")).collect();
    let yaml = format!("from: stages\npairs: [{}]\nlost: disqualified\ncohort: month\nmin_n: 1\n", written.join(", "));
    let (spec, sources) = model(&yaml);
    let engine = engine_at(PLAIN, sources, "2025-01-01T00:00:00Z".parse().unwrap());
    let mut frames = Frames::default();
    frames.insert(TableName::new_unchecked("stages"), frame(&reference_visits(&parquet(&visits)), PLAIN));
    let stages = [LADDER.as_slice(), &["disqualified"]].concat();
    frames.insert(TableName::new_unchecked("stages_entities"), entities(&stages));
    let settings = Settings { reporting_timezone: chrono_tz::UTC, currency: "EUR".to_string() };
    let made = Made(fixture::run(&spec, "speed", &settings, frames, &engine, 2).await.unwrap());
    let counts = ["entered", "converted", "open", "lost"];
    let columns = [["cohort_start", "from_stage", "to_stage"].as_slice(), &counts].concat();
    let found: Vec<String> =
        made.lines(1, &columns).into_iter().filter(|line| line.split(" | ").nth(3) != Some("0")).collect();
    assert_eq!(found, over_segments(&parquet(&expected), &counts));
    assert!(found.len() > 300, "{}", found.len());
}

/// The reference's counts, added up over its segments.
fn over_segments(rows: &RecordBatch, counts: &[&str]) -> Vec<String> {
    let mut totals: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let named: BooleanArray =
        eq(rows.column_by_name("segment").unwrap(), rows.column_by_name("segment").unwrap()).unwrap();
    assert_eq!(named.true_count(), rows.num_rows(), "the reference has a name for every segment");
    for row in 0..rows.num_rows() {
        let text = |name: &str| cell(rows.column_by_name(name).unwrap(), row).to_lowercase();
        let key = ["cohort_month", "from_stage", "to_stage"].map(text).join(" | ");
        let total = totals.entry(key).or_insert_with(|| vec![0; counts.len()]);
        for (total, name) in total.iter_mut().zip(counts) {
            *total += rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().value(row);
        }
    }
    let line = |(key, total): (String, Vec<i64>)| {
        format!("{key} | {}", total.iter().map(i64::to_string).collect::<Vec<_>>().join(" | "))
    };
    let mut lines: Vec<String> = totals.into_iter().map(line).collect();
    lines.sort();
    lines
}
