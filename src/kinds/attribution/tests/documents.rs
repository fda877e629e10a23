//! What the kind says of itself: its guide and its contracts.

use arrow::datatypes::{Field, TimeUnit};
use serde::Deserialize;

use super::super::GUIDE;
use super::super::models::KNOWN;
use super::*;
use crate::contract::{Additivity, Contract, Role};
use crate::diag::Diagnostics;
use crate::engine::{Frame, Frames};
use crate::kinds::ModelKind;
use crate::syntax::{Spanned, TableName, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Spanned<TableName>,
    description: String,
    attribution: Attribution,
}

#[test]
fn every_example_of_the_guide_is_read() {
    let examples: Vec<&str> = GUIDE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let expected = [("fct_attribution_credits", 8, 9), ("fct_primary_campaign_credits", 2, 1)];
    assert_eq!(examples.len(), expected.len());
    for (example, expected) in examples.into_iter().zip(expected) {
        let mut diags = Diagnostics::default();
        let file: Option<File> = read(0, example, &mut diags);
        let file = file.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted()));
        assert!(!file.description.is_empty());
        let engine = engine(PLAIN, Sources::default());
        let read = file.attribution.inputs(&engine, &mut Diagnostics::default());
        assert_eq!((file.model.as_str(), read.len(), file.attribution.models.len()), expected);
    }
}

#[test]
fn the_guide_knows_every_model_and_table() {
    for known in KNOWN {
        assert!(GUIDE.contains(&format!("`{}`", known.name)), "{}", known.name);
    }
    for ending in ["_pipeline", "_effects", "_comparison", "_reconciliation", "_returns", "_rejects"] {
        assert!(GUIDE.contains(&format!("`<model>{ending}`")), "{ending}");
    }
}

fn contracts(layout: &str) -> Vec<Contract> {
    contracts_of(layout, "")
}

/// The contracts of a model whose conversions say something more.
fn contracts_of(layout: &str, more: &str) -> Vec<Contract> {
    let yaml = format!(
        "
conversions: {{from: t, id: id, entity: who, at: at, created_at: at, amount: amount{more}}}
touches: {{from: t, id: id, entity: who, at: at, channel: channel, campaign: channel}}
session_gap: 30 minutes
milestones: {{lead_created: made}}
models: [linear, w_shaped, markov, {{name: decay_14, time_decay: {{half_life: 14 days}}}}]
spend: {{from: t, on: at, channel: channel, campaign: channel, cost: amount}}
layout: {layout}
version: 2026-Q3
"
    );
    let (spec, sources) = model(&yaml);
    let engine = engine(PLAIN, sources);
    let text = |name: &str| Field::new(name, TEXT, true);
    let at = Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true);
    let amount = Field::new("amount", DataType::Decimal128(18, 2), true);
    let made = at.clone().with_name("made");
    let schema = Schema::new(vec![text("id"), text("who"), at, made, text("channel"), amount, text("code")]);
    let mut frames = Frames::default();
    frames.insert(TableName::new_unchecked("t"), Frame::empty(Arc::new(schema), Vec::new()));
    let (settings, name) = (settings(), TableName::new_unchecked("credits"));
    spec.contract(&scope(&name, &settings, &frames, &engine), &mut Diagnostics::default()).unwrap()
}

#[test]
fn every_column_has_a_sentence_and_a_name_of_its_own() {
    fixture::assert_told(&contracts("long"));
    fixture::assert_told(&contracts("wide"));
}

#[test]
fn tables_say_their_parameters_and_what_does_not_add_up() {
    let all = contracts("wide");
    let names: Vec<&str> = all.iter().map(|contract| contract.table.as_str()).collect();
    let endings = ["", "_pipeline", "_effects", "_comparison", "_reconciliation", "_returns", "_rejects"];
    assert_eq!(names, endings.map(|ending| format!("credits{ending}")));
    assert_eq!(all.iter().filter(|contract| contract.role == Role::Main).count(), 1);
    let words = |table: usize, column: &str| all[table].column(column).unwrap().description.clone();
    assert!(words(0, "weight_decay_14").contains("half-life of 14 days"));
    assert!(
        words(0, "weight_w_shaped")
            .contains("30 % to the first touch, 30 % to the last touch at or before `lead_created`")
    );
    assert!(words(0, "definition_version").contains("`2026-Q3`"));
    assert!(words(1, "influenced_amount").contains("NOT ADDITIVE"));
    assert!(words(1, "influenced").contains("NOT ADDITIVE"));
    assert!(!words(1, "sourced_amount").contains("NOT ADDITIVE"));
}

/// Shares hang on milestones only where a model has a place for them, and amounts on whatever shares do.
#[test]
fn shares_name_what_they_come_from() {
    for (layout, columns) in
        [("wide", ["linear", "w_shaped"].map(|m| format!("_{m}"))), ("long", ["", ""].map(str::to_string))]
    {
        let all = contracts(layout);
        let from = |start: &str, model: &str| -> Vec<String> {
            let column = all[0].column(&format!("{start}{model}")).unwrap();
            column.lineage.iter().map(|from| from.column.to_string()).collect()
        };
        let [linear, w] = columns;
        assert_eq!(from("weight", &w), ["at", "channel", "made"]);
        assert_eq!(from("amount", &w), ["amount", "at", "channel", "made"]);
        if layout == "wide" {
            assert_eq!(from("weight", &linear), ["at", "channel"]);
            assert_eq!(from("amount", &linear), ["amount", "at", "channel"]);
        }
    }
}

/// Amounts of several currencies do not add up, and the contract says so wherever there are amounts.
#[test]
fn amounts_add_up_within_one_currency() {
    let within = |all: &[Contract], table: usize, column: &str| -> Vec<String> {
        match &all[table].column(column).unwrap().additivity {
            Additivity::Within(columns) => columns.iter().map(ToString::to_string).collect(),
            other => vec![format!("{other:?}")],
        }
    };
    let told = |layout: &str| contracts_of(layout, ", currency: code");
    let long = told("long");
    assert_eq!(within(&long, 0, "weight"), ["model"]);
    assert_eq!(within(&long, 0, "amount"), ["model", "currency"]);
    assert_eq!(within(&long, 1, "sourced_amount"), ["currency"]);
    assert_eq!(within(&long, 1, "influenced_amount"), ["channel", "currency"]);
    assert_eq!(within(&long, 3, "amount"), ["model", "currency"]);
    assert_eq!(within(&long, 4, "amount_converted"), ["model", "currency"]);
    assert_eq!(within(&long, 4, "conversions"), ["model"]);
    assert_eq!(within(&told("wide"), 0, "amount_linear"), ["currency"]);
    // Without a column of currencies all amounts are in the project's.
    assert_eq!(within(&contracts("long"), 0, "amount"), ["model"]);
    assert_eq!(within(&contracts("long"), 1, "sourced_amount"), ["Any"]);
}

#[test]
fn the_schema_of_the_language_describes_every_key() {
    let keys = fixture::assert_keys_told::<Attribution>();
    assert!(keys > 50, "{keys}");
}
