//! A project over real third-party data, whose facts are known; skipped where the data is not at hand.

use std::fs::File;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::support::cli::{Project, copy, files, repository};

/// The project over the sales pipeline, the day after its last event; `None` where the data is not at hand.
fn crm_sales() -> Option<Project> {
    let data = repository().join("../shared/data/crm_sales");
    if !data.is_dir() {
        println!("skipped: {} is not there", data.display());
        return None;
    }
    let project = Project::empty().with("CRM_SALES", data.to_string_lossy()).at_instant("2018-01-01T00:00:00Z");
    copy(&repository().join("tests/projects/crm_sales"), project.path());
    Some(project)
}

#[test]
fn the_sales_pipeline_is_published_with_its_known_facts_and_defects() {
    let Some(project) = crm_sales() else { return };
    let summary = project.publish(&[]).exits(0).json();
    let table =
        |name: &str| summary["tables"].as_array().unwrap().iter().find(|table| table["name"] == name).unwrap().clone();
    assert_eq!(table("deals")["rows"], 8_800);
    assert_eq!(table("deal_stages_entities")["rows"], 8_800);
    // 500 in prospecting, 8,300 engaged, of which 4,238 were won and 2,473 lost.
    assert_eq!(table("deal_stages")["rows"], 500 + 8_300 + 4_238 + 2_473);
    assert_eq!(table("deal_stages")["rejects"], 0);

    let failures = |check: &str| {
        let checks = table("deals")["checks"].as_array().unwrap().clone();
        let found = checks.into_iter().find(|found| found["check"] == check).unwrap();
        (found["status"].clone(), found["failures"].clone(), found["sample"].clone())
    };
    let (status, nulls, _) = failures("not_null_account");
    assert_eq!((status, nulls), ("warn".into(), 1_425.into()));
    let (status, strangers, sample) = failures("relationships_product_products");
    assert_eq!(status, "warn");
    assert!(strangers.as_u64().unwrap() > 1_000, "{strangers}");
    assert!(sample[0].as_str().unwrap().ends_with("product=GTXPro"), "{sample}");
}

/// Open deals are looked at as of the run. The curves' numbers are those of lifelines 0.30.3 over the
/// same deals: `KaplanMeierFitter` with open and lost ones censored, limits by `qth_survival_times` of
/// its confidence interval; and of `AalenJohansenFitter`, which shakes ties apart, to three decimals.
#[test]
fn deals_take_as_long_as_is_known_and_longer_once_open_ones_count() {
    let Some(project) = crm_sales() else { return };
    let summary = project.publish(&[]).exits(0).json();
    let rows = table(&summary, "deal_speed_summary");
    let row = |number: &str, columns: &[&str]| {
        let row = (0..rows.num_rows()).find(|row| cell(&rows, "pair_number", *row) == number).unwrap();
        columns.iter().map(|column| cell(&rows, column, row)).collect::<Vec<_>>().join(" | ")
    };
    let counts = ["entered", "converted", "lost", "open", "excluded"];
    assert_eq!(row("1", &counts), "8300 | 4238 | 2473 | 1589 | 0");
    assert_eq!(row("2", &counts), "8300 | 2473 | 4238 | 1589 | 0");
    // Of the won alone: a mean of 51.782 days, a median of 57.
    let completed = ["days_mean", "days_p50", "days_p75", "days_p90"];
    assert_eq!(row("1", &completed), "51.781972629 | 57 | 88 | 106");
    assert_eq!(row("2", &completed), "41.479175091 | 14 | 79 | 100");
    // With those still open: a Kaplan-Meier median of 93 days.
    let curve = ["days_km_p50", "days_km_p50_low", "days_km_p50_high", "km_p50_at_risk", "km_p75_reason"];
    assert_eq!(row("1", &curve), "93 | 92 | 94 | 2718 | not_reached");
    assert_eq!(row("2", &curve), "- | - | - | - | not_reached");
    let incidence = ["converted_incidence", "other_end_incidence", "converted_incidence_at_horizon"];
    assert_eq!(row("1", &incidence), "0.519246563 | 0.3016494 | 0.39694307");
    assert_eq!(row("2", &incidence[..2]), "0.3016494 | 0.519246563");
    let horizon = ["entered_observed", "converted_within_horizon"];
    assert_eq!(row("1", &horizon), "7232 | 2682");
    let durations = table(&summary, "deal_speed");
    assert_eq!(durations.num_rows(), 2 * 8_300);
}

/// The rows of a table that was published for the first time.
fn table(summary: &Value, name: &str) -> RecordBatch {
    let tables = summary["tables"].as_array().unwrap();
    let location = tables.iter().find(|table| table["name"] == name).unwrap()["location"].as_str().unwrap();
    let folder = Path::new(location.strip_prefix("file://").unwrap_or(location));
    let parts = files(folder).into_iter().filter(|file| file.ends_with(".parquet"));
    let batches: Vec<RecordBatch> = parts
        .flat_map(|file| {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(folder.join(file)).unwrap()).unwrap();
            reader.build().unwrap().map(Result::unwrap).collect::<Vec<_>>()
        })
        .collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

/// A value as text, NULL as `-`, decimals without their last zeros.
fn cell(rows: &RecordBatch, column: &str, row: usize) -> String {
    let column = rows.column_by_name(column).expect(column);
    let options = FormatOptions::new().with_null("-");
    let text = ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string();
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// Credits of a real panel close: every model shares the 4,065,660 dollars won, and the cost of every
/// touch is found again under every model.
#[test]
fn the_touchpoints_are_credited_to_the_cent() {
    let data = repository().join("../shared/data/touchpoints");
    if !data.is_dir() {
        println!("skipped: {} is not there", data.display());
        return;
    }
    let project = Project::empty().with("TOUCHPOINTS", data.to_string_lossy());
    copy(&repository().join("tests/projects/touchpoints"), project.path());
    let summary = project.publish(&[]).exits(0).json();
    let tables = summary["tables"].as_array().unwrap().clone();
    let table =
        |name: &str| tables.iter().find(|table| table["name"] == name).unwrap_or_else(|| panic!("{name}")).clone();
    assert_eq!(table("totals")["rows"], 9);
    assert_eq!(table("credits_reconciliation")["rows"], 9);
    assert_eq!(table("credits")["rejects"], 0);
    let passed = |name: &str, check: &str| {
        let checks = table(name)["checks"].as_array().unwrap().clone();
        let found = checks.into_iter().find(|found| found["check"] == check).unwrap_or_else(|| panic!("{check}"));
        assert_eq!(found["status"], "pass", "{found}");
    };
    passed("credits_reconciliation", "amount_closes");
    passed("credits_reconciliation", "credit_closes");
    passed("credits_returns", "rates_known");
    passed("credits", "rows_balance");
    for check in
        ["amounts_are_the_deals_won", "credits_are_the_deals_won", "costs_are_those_of_the_touches", "nine_models"]
    {
        passed("totals", check);
    }
}
