//! What stands around a text, of whatever kind, is not part of it; and what is blank is missing.

use arrow::array::StringArray;

use super::*;

/// Records 1, 2, … with these values of `value`, and what each is compared as.
async fn groups(model: &str, values: &[&str]) -> Vec<String> {
    let ids = StringArray::from_iter_values((1..=values.len()).map(|id| id.to_string()));
    let values = StringArray::from_iter_values(values);
    let columns: [(&str, ArrayRef); 2] = [("id", Arc::new(ids)), ("value", Arc::new(values))];
    let rows = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
    let made = run(model, &[("crm", rows)], PLAIN).await;
    made.lines("people_crosswalk", &["record_id", "person_id"])
}

fn model(field: &str, rule: &str) -> String {
    format!(
        "
entity: person
records:
  - {{from: crm, id: id, fields: {{{field}: value}}}}
match: [{rule}]
"
    )
}

#[tokio::test]
async fn no_white_space_tells_two_ids_apart() {
    let together = ["1 | <crm:1>", "2 | <crm:1>", "3 | <crm:1>", "4 | <crm:1>"];
    let values = ["X7", "X7\r\n", "\tX7", "\u{a0}X7 "];
    for (field, rule) in [("crm_id", "crm_id"), ("segment", "segment"), ("note", "{name: own, keys: [lower(note)]}")] {
        assert_eq!(groups(&model(field, rule), &values).await, together, "{field}");
    }
    assert_eq!(groups(&model("crm_id", "crm_id"), &["X7", "x7"]).await, ["1 | <crm:1>", "2 | <crm:2>"]);
}

#[tokio::test]
async fn what_is_blank_never_links() {
    let values = [" ", " ", "\t", "\t", "", ""];
    let apart = ["1 | <crm:1>", "2 | <crm:2>", "3 | <crm:3>", "4 | <crm:4>", "5 | <crm:5>", "6 | <crm:6>"];
    for rule in ["note", "{name: own, keys: [lower(note)]}", "{name: own, keys: [\"substr(note || '', 1, 9)\"]}"] {
        assert_eq!(groups(&model("note", rule), &values).await, apart, "{rule}");
    }
}

#[tokio::test]
async fn placeholders_are_nobody_in_whatever_is_around_them() {
    let values =
        ["test@test.com\t", "Bob <test@test.com>", "mailto:noemail@acme.com", "<NoEmail@acme.com>", "test@test.com"];
    let apart = ["1 | <crm:1>", "2 | <crm:2>", "3 | <crm:3>", "4 | <crm:4>", "5 | <crm:5>"];
    assert_eq!(groups(&model("email", "email"), &values).await, apart);
}
