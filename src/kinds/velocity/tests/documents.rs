//! What the kind says of itself: its guide and its contracts.

use serde::Deserialize;

use super::super::status::{Excluded, Status, TargetStatus};
use super::super::{GUIDE, group::reason};
use super::*;
use crate::contract::{Column, Contract, Pii, Role};
use crate::diag::Diagnostics;
use crate::engine::Frames;
use crate::kinds::ModelKind;
use crate::syntax::{ColumnName, Spanned, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Spanned<TableName>,
    description: String,
    velocity: Velocity,
}

#[test]
fn every_example_of_the_guide_is_read() {
    let examples: Vec<&str> = GUIDE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let mut diags = Diagnostics::default();
        let file: Option<File> = read(0, example, &mut diags);
        let file = file.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted()));
        assert!(!file.model.as_str().is_empty() && !file.description.is_empty());
        let inputs = file.velocity.inputs(&engine(PLAIN, Sources::default()), &mut Diagnostics::default());
        assert_eq!(inputs.len(), 3);
    }
}

#[test]
fn the_guide_knows_every_word_and_column() {
    let words = Status::WORDS.iter().chain(&TargetStatus::WORDS);
    let words = words.chain(Excluded::WORDS.iter().map(|(word, _)| word));
    for word in words.chain(&[reason::NOBODY, reason::BELOW_MIN_N, reason::NOT_REACHED, reason::NOT_OBSERVED]) {
        assert!(GUIDE.contains(&format!("`{word}`")), "{word}");
    }
    for contract in contracts() {
        for column in &contract.columns {
            let name = column.name.as_str();
            let plain = ["from_stage", "to_stage", "pair_number", "calendar", "cohort", "owner", "open", "lost"]
                .contains(&name);
            let figure = ["days_", "business_hours_", "km_", "target_"].iter().any(|start| name.starts_with(start));
            let known = plain || figure || name.ends_with("_at_horizon") || GUIDE.contains(name);
            assert!(known || GUIDE.contains(name.trim_end_matches("_incidence")), "{name}");
        }
    }
}

/// The contracts of two models that between them have every column.
fn contracts() -> Vec<Contract> {
    let plain = "
from: stages
entity: lead
stages: [lead, mql]
attributes: [{from: owners, entity: id}]
segments: {owner: owners.mail}
cohort: week
horizon: 3 days
observed_from: TIMESTAMP '2024-01-01T00:00:00Z'
";
    let business = "
from: stages
pairs: [{from: lead, to: mql, within: 4 business hours}]
pauses: {from: owners, entity: id, since: since, until: since}
calendars: {utc: {timezone: UTC, hours: {mon-fri: 09:00-17:00}}}
";
    [plain, business].into_iter().flat_map(contracts_of).collect()
}

fn contracts_of(yaml: &str) -> Vec<Contract> {
    let (spec, sources) = model(yaml);
    let engine = engine(PLAIN, sources);
    let mut frames = Frames::default();
    let pii = |name: &str, pii| Column::new(ColumnName::new_unchecked(name), ColumnType::Text, "It.").pii(pii);
    let stages = Frame::empty(visits(&[]).schema(), vec![pii("entity_id", Pii::Indirect)]);
    let owners = Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("mail", DataType::Utf8, true),
        Field::new("since", DataType::Date32, true),
    ]);
    frames.insert(TableName::new_unchecked("stages"), stages);
    frames.insert(TableName::new_unchecked("stages_entities"), entities(&STAGES));
    let owners = Frame::empty(Arc::new(owners), vec![pii("mail", Pii::Direct)]);
    frames.insert(TableName::new_unchecked("owners"), owners);
    let (settings, name) = (settings(), TableName::new_unchecked("speed"));
    spec.contract(&scope(&name, &settings, &frames, &engine), &mut Diagnostics::default()).unwrap()
}

#[test]
fn contracts_say_where_columns_come_from_and_how_personal_they_are() {
    let contracts = contracts();
    let names: Vec<(&str, Role)> = contracts.iter().map(|contract| (contract.table.as_str(), contract.role)).collect();
    let both = [("speed", Role::Main), ("speed_summary", Role::Companion)];
    assert_eq!(names, [both, both].concat());
    let of = |table: usize, column: &str| contracts[table].column(column).unwrap().clone();
    let lineage = |column: &Column| -> Vec<String> {
        column.lineage.iter().map(|from| format!("{}.{}", from.table, from.column)).collect()
    };
    assert_eq!(lineage(&of(0, "owner")), ["owners.mail"]);
    assert_eq!(lineage(&of(0, "cohort_start")), ["stages.entered_at"]);
    assert_eq!(lineage(&of(1, "days_km_p50")), ["stages.entered_at", "stages.stage", "stages.visit_seq"]);
    assert_eq!(
        (of(0, "entity_id").pii, of(0, "owner").pii, of(1, "owner").pii),
        (Pii::Indirect, Pii::Direct, Pii::Direct)
    );
    assert_eq!(of(0, "entity_id").ty, ColumnType::BigInt);
    assert!(of(1, "converted_within_horizon").description.contains("within 3 days"));
    assert_eq!(lineage(&of(2, "paused_us"))[0], "owners.since");
    assert!(of(3, "business_hours_p90").description.contains("business hours"));
}

#[test]
fn every_column_has_a_sentence_and_a_name_of_its_own() {
    fixture::assert_told(&contracts());
}

#[test]
fn no_segment_can_take_the_name_of_a_column() {
    for contract in contracts() {
        for column in contract.columns.iter().filter(|column| column.name.as_str() != "owner") {
            let (spec, sources) =
                model(&format!("from: stages\nstages: [lead, mql]\nsegments: {{{}: stage}}", column.name));
            let engine = engine(PLAIN, sources);
            let mut frames = Frames::default();
            frames.insert(TableName::new_unchecked("stages"), Frame::empty(visits(&[]).schema(), Vec::new()));
            frames.insert(TableName::new_unchecked("stages_entities"), entities(&STAGES));
            let (settings, name) = (settings(), TableName::new_unchecked("speed"));
            let mut diags = Diagnostics::default();
            assert!(spec.contract(&scope(&name, &settings, &frames, &engine), &mut diags).is_none(), "{}", column.name);
        }
    }
}

#[test]
fn the_schema_of_the_language_describes_every_key() {
    let keys = fixture::assert_keys_told::<Velocity>();
    assert!(keys > 30, "{keys}");
}
