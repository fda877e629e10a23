//! A project over real third-party data, whose facts are known; skipped where the data is not at hand.

use crate::support::cli::{Project, copy, repository};

#[test]
fn the_sales_pipeline_is_published_with_its_known_facts_and_defects() {
    let data = repository().join("../shared/data/crm_sales");
    if !data.is_dir() {
        println!("skipped: {} is not there", data.display());
        return;
    }
    let project = Project::empty().with("CRM_SALES", data.to_string_lossy());
    copy(&repository().join("tests/projects/crm_sales"), project.path());
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
