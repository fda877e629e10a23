//! What the kind says of itself: its guide and its contracts.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use serde::Deserialize;

use super::super::GUIDE;
use super::*;
use crate::contract::{Column, ColumnType, Contract, Pii};
use crate::diag::Diagnostics;
use crate::engine::{Frame, Frames};
use crate::syntax::{ColumnName, Spanned, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Spanned<TableName>,
    description: String,
    dedupe: Dedupe,
}

#[test]
fn every_example_of_the_guide_is_read() {
    let examples: Vec<&str> = GUIDE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), 1);
    let mut diags = Diagnostics::default();
    let file: Option<File> = read(0, examples[0], &mut diags);
    let file = file.unwrap_or_else(|| panic!("{:#?}", diags.into_sorted()));
    assert_eq!((file.model.as_str(), file.description.is_empty()), ("people", false));
    let engine = engine(PLAIN, Sources::default(), "2025-01-01");
    assert_eq!(file.dedupe.inputs(&engine, &mut Diagnostics::default()).len(), 3);
}

#[test]
fn the_guide_knows_every_policy_setting_and_table() {
    for word in ["most_recent", "source_priority", "most_complete", "most_frequent", "min", "max", "first"] {
        assert!(GUIDE.contains(&format!("`{word}`")), "{word}");
    }
    for setting in ["max_records_per_key", "max_cluster", "max_block", "one_value_per_cluster"] {
        assert!(GUIDE.contains(&format!("| `{setting}` |")), "{setting}");
    }
    for contract in contracts() {
        let ending = contract.table.as_str().trim_start_matches("people");
        assert!(ending.is_empty() || GUIDE.contains(&format!("`{ending}`")), "{ending}");
    }
}

fn contracts() -> Vec<Contract> {
    let yaml = "
entity: person
records:
  - {from: crm, id: id, updated_at: at, created_at: at, fields: {email: mail, n: n}}
match: [email, {similar: {email: 0.9}, within: n}, probabilistic: {}]
survive: {n: max}
";
    let (spec, sources) = model(yaml);
    let engine = engine(PLAIN, sources, "2025-01-01");
    let at = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let fields = [("id", DataType::Utf8), ("mail", DataType::Utf8), ("n", DataType::Int32), ("at", at)];
    let schema = Schema::new(fields.map(|(name, ty)| Field::new(name, ty, true)).to_vec());
    let mail = Column::new(ColumnName::new_unchecked("mail"), ColumnType::Text, "The address.").pii(Pii::Direct);
    let mut frames = Frames::default();
    frames.insert(TableName::new_unchecked("crm"), Frame::empty(Arc::new(schema), vec![mail]));
    let (settings, name) = (settings(), TableName::new_unchecked("people"));
    spec.contract(&scope(&name, &settings, &frames, &engine), &mut Diagnostics::default()).unwrap()
}

#[test]
fn contracts_say_where_columns_come_from_and_how_personal_they_are() {
    let contracts = contracts();
    let of = |table: &str, column: &str| {
        let contract = contracts.iter().find(|contract| contract.table.as_str() == table).unwrap();
        contract.column(column).unwrap().clone()
    };
    let lineage = |column: &Column| -> Vec<String> {
        column.lineage.iter().map(|from| format!("{}.{}", from.table, from.column)).collect()
    };
    assert_eq!(
        (of("people", "email").pii, lineage(&of("people", "email"))),
        (Pii::Direct, vec!["crm.mail".to_string()])
    );
    assert_eq!((of("people", "n").ty, of("people", "n").pii), (ColumnType::Int, Pii::None));
    // An id stands for a person, whatever is said of record ids.
    for (table, column) in [
        ("people", "person_id"),
        ("people_crosswalk", "record_id"),
        ("people_redirects", "old_id"),
        ("people_evidence", "left_record_id"),
        ("people_evidence", "reason"),
        ("people_provenance", "record_id"),
        ("people_rejects", "source_key"),
    ] {
        assert_eq!(of(table, column).pii, Pii::Indirect, "{table}.{column}");
    }
}

#[test]
fn every_column_has_a_sentence_and_a_name_of_its_own() {
    let contracts = contracts();
    assert_eq!(contracts.len(), 8);
    fixture::assert_told(&contracts);
}

#[test]
fn the_schema_of_the_language_describes_every_key() {
    let keys = fixture::assert_keys_told::<Dedupe>();
    assert!(keys > 25, "{keys}");
}
