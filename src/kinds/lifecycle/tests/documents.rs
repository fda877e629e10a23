//! What the kind says of itself: its guide and its contracts.

use arrow::datatypes::{DataType, Field, TimeUnit};
use serde::Deserialize;

use super::super::GUIDE;
use super::*;
use crate::contract::{Column, ColumnType, Contract, Pii, Role};
use crate::diag::Diagnostics;
use crate::engine::{Frame, Frames};
use crate::kinds::ModelKind;
use crate::syntax::{ColumnName, Spanned, TableName, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Spanned<TableName>,
    description: String,
    lifecycle: Lifecycle,
}

#[test]
fn every_example_of_the_guide_is_read() {
    let examples: Vec<&str> = GUIDE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let mut diags = Diagnostics::default();
        let file: Option<File> = read(0, example, &mut diags);
        let file = file.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted()));
        assert_eq!((file.model.as_str(), file.description.is_empty()), ("fct_lead_stages", false));
        let expected = if file.lifecycle.crosswalk.is_some() { 3 } else { 1 };
        assert_eq!(
            file.lifecycle.inputs(&engine(PLAIN, Sources::default()), &mut Diagnostics::default()).len(),
            expected
        );
    }
}

#[test]
fn the_guide_knows_every_policy_and_column() {
    for contract in contracts() {
        for column in contract.columns.iter().filter(|_| contract.role == Role::Main) {
            let name = column.name.as_str();
            let known = ["stage", "visit_", "is_", "source_", "from_stage"].iter().any(|start| name.starts_with(start));
            assert!(known || GUIDE.contains(name) || name == "inferred_by", "{name}");
        }
    }
    for policy in ["skipped", "regressions", "reentries", "ties", "history_starts_late", "future", "before_created"] {
        assert!(GUIDE.contains(&format!("| `{policy}` |")), "{policy}");
    }
}

fn contracts() -> Vec<Contract> {
    let yaml = "
entity: lead
stages: [lead, {name: won, label: Closed Won, closes: true}]
sources:
  - {from: t, entity: mail, at: at, was: old, to: now, record: id}
";
    let (spec, sources) = model(yaml);
    let engine = engine(PLAIN, sources);
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let at = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let id = Field::new("id", DataType::Int32, true);
    let schema = Schema::new(vec![text("mail"), Field::new("at", at, true), text("old"), text("now"), id]);
    let mail = Column::new(ColumnName::new_unchecked("mail"), ColumnType::Text, "The address.").pii(Pii::Direct);
    let mut frames = Frames::default();
    frames.insert(TableName::new_unchecked("t"), Frame::empty(Arc::new(schema), vec![mail]));
    let (settings, name) = (settings(), TableName::new_unchecked("journey"));
    spec.contract(&scope(&name, &settings, &frames, &engine), &mut Diagnostics::default()).unwrap()
}

#[test]
fn contracts_say_where_columns_come_from_and_how_personal_they_are() {
    let contracts = contracts();
    let names: Vec<&str> = contracts.iter().map(|contract| contract.table.as_str()).collect();
    assert_eq!(names, ["journey", "journey_entities", "journey_rejects"]);
    let of = |table: usize, column: &str| contracts[table].column(column).unwrap().clone();
    let lineage = |column: &Column| -> Vec<String> {
        column.lineage.iter().map(|from| format!("{}.{}", from.table, from.column)).collect()
    };
    assert_eq!(lineage(&of(0, "stage")), ["t.now", "t.old"]);
    assert_eq!(lineage(&of(0, "exited_at")), ["t.at"]);
    assert_eq!((of(0, "entity_id").pii, of(1, "entity_id").pii), (Pii::Direct, Pii::Direct));
    assert_eq!((of(0, "stage").pii, of(0, "source_record").ty), (Pii::None, ColumnType::Int));
    assert_eq!(of(2, "source_key").pii, Pii::Direct);
    assert!(of(1, "became_won_at").description.contains("the lead first came into `won` (Closed Won)"));
    assert!(of(1, "is_closed").description.contains("`won`"));
}

#[test]
fn every_column_has_a_sentence_and_a_name_of_its_own() {
    fixture::assert_told(&contracts());
}

#[test]
fn the_schema_of_the_language_describes_every_key() {
    let keys = fixture::assert_keys_told::<Lifecycle>();
    assert!(keys > 40, "{keys}");
}
