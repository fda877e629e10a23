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
            "crm | 3 | <crm:3> | true | -",
            "crm | 4 | <crm:4> | true | -",
            "web | 7 | <web:7> | true | -",
            "web | 8 | <crm:3> | false | lower(email)",
        ]
    );
    // Ada: e-mail of the system preferred, phone of the record created first, names changed last.
    assert_eq!(
        made.lines(
            "people",
            &[
                "person_id",
                "email",
                "phone",
                "first_name",
                "last_name",
                "n_records",
                "n_systems",
                "first_seen_at",
                "last_updated_at"
            ]
        ),
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
        made.lines(
            "people_evidence",
            &["outcome", "rule", "left_system", "left_record_id", "right_system", "right_record_id"]
        ),
        [
            "linked | lower(email) | crm | 1 | web | 7",
            "linked | lower(email) | crm | 3 | web | 8",
            "linked | phone and name | crm | 1 | crm | 2",
        ]
    );
    made.assert_balanced();
    assert_eq!(made.fact("rule", "lower(email)"), Some(2));
}

/// One table `crm` with id, a key, another key, an external id and the days of change and creation.
fn one_table(extra: &str) -> String {
    format!(
        "
entity: person
records:
  - {{from: crm, id: id, updated_at: changed_at, created_at: made_at, fields: {{a: a, b: b, ext: ext}}}}
match: [a, b]
{extra}
"
    )
}

fn crm(rows: &str) -> Vec<(&'static str, RecordBatch)> {
    vec![("crm", table(&format!("id | a | b | ext | changed_at | made_at\n{rows}")))]
}

const EVIDENCE: [&str; 7] = ["outcome", "rule", "left_record_id", "right_record_id", "weight", "n_records", "reason"];

#[tokio::test]
async fn a_key_that_too_many_records_share_links_none_of_them() {
    let model = one_table("guards: {max_records_per_key: 2}");
    let rows = "
        1 | x | p | - | - | -
        2 | x | - | - | - | -
        3 | X | p | - | - | -
        4 | y | - | - | - | -
        5 | y | - | - | - | -";
    let made = run(&model, &crm(rows), PLAIN).await;
    assert_eq!(
        made.lines("people_crosswalk", &["record_id", "person_id"]),
        ["1 | <crm:1>", "2 | <crm:2>", "3 | <crm:1>", "4 | <crm:4>", "5 | <crm:4>"]
    );
    assert_eq!(
        made.lines("people_evidence", &EVIDENCE),
        ["key_too_common | a | 1 | - | - | 3 | -", "linked | a | 4 | 5 | - | - | -", "linked | b | 1 | 3 | - | - | -"]
    );
    assert_eq!(made.fact("policy", "keys_too_common"), Some(1));
}

#[tokio::test]
async fn the_weakest_link_between_two_values_of_a_unique_id_is_cut() {
    let model = one_table("guards: {one_value_per_cluster: [ext]}");
    // 1 and 2 by the stronger rule; 3 hangs on 2 by the weaker one and has another external id.
    let rows = "
        1 | x | - | e1 | - | -
        2 | x | p | -  | - | -
        3 | - | p | e2 | - | -";
    let made = run(&model, &crm(rows), PLAIN).await;
    assert_eq!(
        made.lines("people_crosswalk", &["record_id", "person_id", "linked_by"]),
        ["1 | <crm:1> | -", "2 | <crm:1> | a", "3 | <crm:3> | -"]
    );
    assert_eq!(
        made.lines("people_evidence", &EVIDENCE),
        [
            "linked | a | 1 | 2 | - | - | -",
            "refused | b | 2 | 3 | - | - | crm:1 and crm:3 have different values of ext"
        ]
    );
    assert_eq!(made.fact("policy", "links_refused_by_one_value_per_cluster"), Some(1));
}

#[tokio::test]
async fn a_cluster_that_grows_too_large_is_taken_apart() {
    let rows = "
        1 | x | p | - | - | -
        2 | x | - | - | - | -
        3 | - | p | - | - | -
        4 | y | - | - | - | -
        5 | y | - | - | - | -";
    let made = run(&one_table("guards: {max_cluster: 2}"), &crm(rows), PLAIN).await;
    assert_eq!(
        made.lines("people", &["person_id", "n_records", "is_quarantined"]),
        ["<crm:1> | 1 | true", "<crm:2> | 1 | true", "<crm:3> | 1 | true", "<crm:4> | 2 | false"]
    );
    assert_eq!(made.fact("policy", "records_quarantined"), Some(3));
    assert_eq!(
        made.lines("people_evidence", &EVIDENCE),
        [
            "linked | a | 4 | 5 | - | - | -",
            "refused | a | 1 | 2 | - | 3 | the cluster grew to 3 records",
            "refused | b | 1 | 3 | - | 3 | the cluster grew to 3 records"
        ]
    );
}

const DECIDED: &str = "decisions: {from: decided, left: l, right: r, decision: d}";

#[tokio::test]
async fn what_somebody_decided_goes_before_every_rule() {
    let rows = "
        1 | x | - | - | - | -
        2 | x | - | - | - | -
        3 | z | - | - | - | -";
    let decided = "
        l     | r     | d
        crm:1 | crm:2 | different
        crm:3 | crm:1 | same
        crm:9 | crm:1 | same";
    let mut tables = crm(rows);
    tables.push(("decided", table(decided)));
    let made = run(&one_table(DECIDED), &tables, PLAIN).await;
    assert_eq!(
        made.lines("people_crosswalk", &["record_id", "person_id", "linked_by"]),
        ["1 | <crm:1> | -", "2 | <crm:2> | -", "3 | <crm:1> | decision"]
    );
    assert_eq!(
        made.lines("people_evidence", &EVIDENCE),
        [
            "linked | decision | 1 | 3 | - | - | -",
            "refused | a | 1 | 2 | - | - | somebody decided that crm:1 and crm:2 are different"
        ]
    );
    assert_eq!(made.fact("policy", "decisions_about_unknown_records"), Some(1));
}

#[tokio::test]
async fn decisions_that_contradict_each_other_end_the_run() {
    let rows = "1 | x | - | - | - | -\n2 | y | - | - | - | -\n3 | z | - | - | - | -";
    for (decided, expected) in [
        (
            "crm:1 | crm:2 | same\ncrm:2 | crm:3 | same\ncrm:1 | crm:3 | different",
            "a decision says that `crm:2` and `crm:3` are the same, but another says that `crm:1` and `crm:3` are different",
        ),
        ("crm:1 | crm:2 | maybe", "the decision about `crm:1` and `crm:2` is `maybe`"),
        ("crm:1 | crm:1 | same", "a decision names `crm:1` twice"),
        ("- | crm:1 | -", "the decision about `` and `crm:1` is ``"),
    ] {
        let mut tables = crm(rows);
        tables.push(("decided", table(&format!("l | r | d\n{decided}"))));
        let failed = run_after(&one_table(DECIDED), &tables, PLAIN, "2025-01-01", None).await.unwrap_err();
        assert!(failed.to_string().contains(expected), "{failed}");
    }
}

#[tokio::test]
async fn rows_without_an_id_and_repeated_records_are_rejected() {
    let rows = "
        1 | x | - | - | 2024-01-01 | -
        1 | y | - | - | 2024-02-01 | -
        - | x | - | - | -          | -
          | x | - | - | -          | -
        2 | x | - | - | -          | -";
    let made = run(&one_table(""), &crm(rows), PLAIN).await;
    // The row of record 1 that was changed last has the key y.
    assert_eq!(made.lines("people_crosswalk", &["record_id", "person_id"]), ["1 | <crm:1>", "2 | <crm:2>"]);
    assert_eq!(
        made.lines("people_rejects", &["source_table", "source_key", "reason"]),
        ["crm | - | no_record_id", "crm | - | no_record_id", "crm | 1 | duplicate_record"]
    );
    made.assert_balanced();
}

#[tokio::test]
async fn ignored_and_blank_values_do_not_link() {
    let model = one_table("ignored_values: {a: [N/A, '0000']}");
    let rows = "
        1 | n/a  |  | - | - | -
        2 | N/A  |  | - | - | -
        3 | 0000 |  | - | - | -
        4 | 0000 |  | - | - | -";
    let made = run(&model, &crm(rows), PLAIN).await;
    assert_eq!(made.tables["people"].num_rows(), 4);
    // The value itself is kept.
    assert_eq!(made.lines("people", &["a", "b"]), ["0000 | -", "0000 | -", "N/A | -", "n/a | -"]);
}

#[tokio::test]
async fn every_policy_chooses_as_it_says() {
    let survive = |policy: &str| {
        format!(
            "
entity: person
records:
  - {{from: one, id: id, updated_at: changed_at, created_at: made_at, fields: {{k: k, v: v}}, fields_updated_at: {{v: v_at}}}}
  - {{from: two, id: id, updated_at: changed_at, created_at: made_at, fields: {{k: k, v: v}}}}
match: [k]
survive: {{v: {policy}}}
"
        )
    };
    let one = "
        id | k | v   | changed_at | made_at    | v_at
        1  | x | bb  | 2024-01-01 | 2023-05-01 | 2024-09-01
        2  | x | a   | 2024-05-01 | 2023-01-01 | -
        3  | x | -   | 2024-12-01 | 2022-01-01 | -";
    let two = "
        id | k | v   | changed_at | made_at
        1  | x | ccc | 2024-06-01 | 2023-02-01
        2  | x | a   | 2024-04-01 | 2023-03-01";
    let tables = [("one", table(one)), ("two", table(two))];
    for (policy, value, from) in [
        // The field's own instant of change goes before the row's.
        ("most_recent", "bb", "one:1"),
        // Of the first system's values the one changed last.
        ("source_priority", "bb", "one:1"),
        ("{prefer: [two]}", "ccc", "two:1"),
        ("most_complete", "ccc", "two:1"),
        // Twice a; the one of system one was changed later.
        ("most_frequent", "a", "one:2"),
        ("min", "a", "one:2"),
        ("max", "ccc", "two:1"),
        // Record 3 was created first, but has no value.
        ("first", "a", "one:2"),
    ] {
        let made = run(&survive(policy), &tables, PLAIN).await;
        assert_eq!(made.lines("people", &["v"]), [value], "{policy}");
        let provenance = made.lines("people_provenance", &["field", "system", "record_id", "n_values"]);
        let (system, id) = from.split_once(':').unwrap();
        assert!(provenance.contains(&format!("v | {system} | {id} | 4")), "{policy}: {provenance:?}");
    }
}

#[tokio::test]
async fn duplicates_are_counted_by_system_and_month() {
    let rows = "
        1 | x | - | - | - | 2024-01-10
        2 | x | - | - | - | 2024-02-10
        3 | y | - | - | - | 2024-02-20
        4 | z | - | - | - | -";
    let made = run(&one_table(""), &crm(rows), PLAIN).await;
    assert_eq!(
        made.lines(
            "people_quality",
            &["system", "month", "records", "duplicates", "duplicates_in_system", "duplicate_rate"]
        ),
        ["crm | - | 1 | 0 | 0 | 0.0", "crm | 2024-01-01 | 1 | 0 | 0 | 0.0", "crm | 2024-02-01 | 2 | 1 | 1 | 0.5"]
    );
}

#[tokio::test]
async fn nothing_at_all_makes_empty_tables() {
    let made = run(&one_table(""), &crm(""), PLAIN).await;
    assert!(made.tables.values().all(|table| table.num_rows() == 0));
    made.assert_balanced();
}

#[tokio::test]
async fn a_record_is_one_with_that_it_was_merged_into() {
    let crm = table(
        "id | master | mail            | tel  | changed_at | made_at
         1  | -      | ada@example.com | 0100 | 2024-01-01 | 2023-01-01
         2  | 1      | old@example.com | 0200 | 2024-06-01 | 2022-01-01
         3  | 2      | -               | 0300 | 2024-07-01 | 2023-01-01
         4  | 9      | bob@example.com | -    | 2024-01-01 | 2023-01-01
         5  | 5      | cy@example.com  | -    | 2024-01-01 | 2023-01-01",
    );
    let web = table(
        "id | mail            | tel | changed_at | made_at
         1  | old@example.com | -   | 2023-01-01 | 2024-01-01
         7  | cy@example.com  | -   | 2023-01-01 | 2024-01-01",
    );
    let yaml = "
entity: person
records:
  - {from: crm, id: id, updated_at: changed_at, created_at: made_at, merged_into: master, fields: {email: mail, phone: tel}}
  - {from: web, id: id, updated_at: changed_at, created_at: made_at, fields: {email: mail, phone: tel}}
match: [email]
";
    let tables = [("crm", crm), ("web", web)];
    let made = run(yaml, &tables, PLAIN).await;
    // 3 was merged into 2, and 2 into 1. The oldest is 2. Nobody is 9, and 5 is itself.
    assert_eq!(
        made.lines("people_crosswalk", &["system", "record_id", "person_id", "linked_by"]),
        [
            "crm | 1 | <crm:2> | merged_into",
            "crm | 2 | <crm:2> | -",
            "crm | 3 | <crm:2> | merged_into",
            "crm | 4 | <crm:4> | -",
            "crm | 5 | <crm:5> | -",
            "web | 1 | <crm:2> | email",
            "web | 7 | <crm:5> | email",
        ]
    );
    // 2 and 3 were changed later, but say nothing newer than 1 does, into which they were merged.
    assert_eq!(
        made.lines("people", &["person_id", "email", "phone", "n_records"]),
        [
            "<crm:2> | ada@example.com | 0100 | 4",
            "<crm:4> | bob@example.com | - | 1",
            "<crm:5> | cy@example.com | - | 2"
        ]
    );
    assert_eq!(made.fact("rule", "merged_into"), Some(2));
    assert_eq!(made.fact("policy", "merged_into_unknown_records"), Some(1));
    // Guards hold: ids that are there once for each person keep the records apart.
    let guarded = yaml.replace("email: mail,", "email: mail, ext_id: tel,");
    let guarded = run(&format!("{guarded}guards: {{one_value_per_cluster: ext_id}}\n"), &tables, PLAIN).await;
    assert_eq!(guarded.fact("rule", "merged_into"), Some(0));
    assert_eq!(guarded.fact("policy", "links_refused_by_one_value_per_cluster"), Some(2));
}
