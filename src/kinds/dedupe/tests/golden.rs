//! Cases worked out by hand.

use super::*;

const CRM: &str = "
id | mail            | tel  | first | last  | changed_at | made_at
1  | Ada@Example.com | 0100 | Ada   | Byron | 2024-05-01 | 2023-01-01
2  | -               | 0100 | Ada   | Byron | 2024-06-01 | 2023-02-01
3  | bob@example.com | -    | Bob   | Stone | 2024-01-01 | 2023-03-01
4  | -               | -    | Cleo  | Reed  | 2024-01-02 | 2023-03-05
";

const WEB: &str = "
id | mail            | tel  | first   | last     | changed_at | made_at
7  | ada@example.com | 0200 | -       | Lovelace | 2024-07-01 | 2022-12-24
8  | bob@example.com | 0300 | Robert  | Stone    | 2024-03-01 | 2024-03-01
";

const MODEL: &str = "
entity: person
records:
  - {from: crm, id: id, updated_at: changed_at, created_at: made_at, fields: {email: mail, phone: tel, first_name: first, last_name: last}}
  - {from: web, id: id, updated_at: changed_at, created_at: made_at, fields: {email: mail, phone: tel, first_name: first, last_name: last}}
match:
  - lower(email)
  - {name: phone and name, keys: [phone || '', lower(last_name)]}
survive: {default: most_recent, email: {prefer: [crm]}, phone: first}
";

fn sources() -> Vec<(&'static str, RecordBatch)> {
    vec![("crm", table(CRM)), ("web", table(WEB))]
}

#[tokio::test]
async fn records_that_share_a_key_are_one_person() {
    let made = run(MODEL, &sources(), PLAIN).await;
    assert_eq!(
        made.lines("people_crosswalk", &["system", "record_id", "person_id", "is_anchor", "linked_by"]),
        [
            "crm | 1 | <web:7> | false | lower(email)",
            "crm | 2 | <web:7> | false | phone and name",
            "crm | 3 | <crm:3> | true | lower(email)",
            "crm | 4 | <crm:4> | true | -",
            "web | 7 | <web:7> | true | lower(email)",
            "web | 8 | <crm:3> | false | lower(email)",
        ]
    );
    // Ada: e-mail of the system preferred, phone of the record created first, names changed last.
    assert_eq!(
        made.lines("people", &["person_id", "email", "phone", "first_name", "last_name", "n_records", "n_systems", "first_seen_at", "last_updated_at"]),
        [
            "<crm:3> | bob@example.com | 0300 | Robert | Stone | 2 | 2 | 2023-03-01 | 2024-03-01",
            "<crm:4> | - | - | Cleo | Reed | 1 | 1 | 2023-03-05 | 2024-01-02",
            "<web:7> | Ada@Example.com | 0200 | Ada | Lovelace | 3 | 2 | 2022-12-24 | 2024-07-01",
        ]
    );
    assert_eq!(
        made.lines("people_provenance", &["person_id", "field", "system", "record_id", "rule", "n_values"]),
        [
            "<crm:3> | email | crm | 3 | prefer | 2",
            "<crm:3> | first_name | web | 8 | most_recent | 2",
            "<crm:3> | last_name | web | 8 | most_recent | 2",
            "<crm:3> | phone | web | 8 | first | 1",
            "<web:7> | email | crm | 1 | prefer | 2",
            "<web:7> | first_name | crm | 2 | most_recent | 2",
            "<web:7> | last_name | web | 7 | most_recent | 3",
            "<web:7> | phone | web | 7 | first | 3",
        ]
    );
    assert_eq!(
        made.lines("people_evidence", &["outcome", "rule", "left_system", "left_record_id", "right_system", "right_record_id"]),
        [
            "linked | lower(email) | crm | 1 | web | 7",
            "linked | lower(email) | crm | 3 | web | 8",
            "linked | phone and name | crm | 1 | crm | 2",
        ]
    );
    made.assert_balanced();
    assert_eq!(made.fact("rule", "lower(email)"), Some(2));
}
