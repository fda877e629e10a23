//! Ids from release to release, through the tables that are published.

use arrow::array::{BooleanArray, new_null_array};
use arrow::datatypes::Schema;

use super::*;

const MODEL: &str = "
entity: person
records:
  - {from: crm, id: id, created_at: made_at, fields: {a: a}}
match: [a]
";

fn crm(rows: &str) -> Vec<(&'static str, RecordBatch)> {
    vec![("crm", table(&format!("id | a | made_at\n{rows}")))]
}

async fn next(rows: &str, as_of: &str, before: Option<&Made>) -> Made {
    run_after(MODEL, &crm(rows), PLAIN, as_of, before).await.unwrap()
}

const REDIRECTS: [&str; 6] = ["old_id", "person_id", "reason", "anchor", "id_since", "redirected_at"];

#[tokio::test]
async fn the_older_id_lives_when_people_merge_and_the_other_leads_to_it() {
    let first = next("1 | x | 2023-01-01\n2 | y | 2024-01-01", "2025-01-01", None).await;
    let merged = next("1 | x | 2023-01-01\n2 | x | 2024-01-01", "2025-02-01", Some(&first)).await;
    assert_eq!(merged.people()["crm:1"], first.people()["crm:1"]);
    assert_eq!(merged.people()["crm:2"], first.people()["crm:1"]);
    let gone = &first.people()["crm:2"];
    assert_eq!(
        merged.lines("people_redirects", &REDIRECTS),
        [format!("{gone} | <crm:1> | merged | crm:2 | 2025-01-01 | 2025-02-01")]
    );
    assert_eq!(
        merged.lines("people_crosswalk", &["record_id", "person_id", "is_anchor", "linked_since", "id_since"]),
        ["1 | <crm:1> | true | 2025-01-01 | 2025-01-01", "2 | <crm:1> | false | 2025-02-01 | 2025-01-01"]
    );
    // Apart again: the id that leads elsewhere never comes back.
    let split = next("1 | x | 2023-01-01\n2 | y | 2024-01-01", "2025-03-01", Some(&merged)).await;
    assert_eq!(split.people()["crm:1"], first.people()["crm:1"]);
    let fresh = split.people()["crm:2"].clone();
    assert!(fresh != *gone && fresh != split.people()["crm:1"], "{fresh}");
}

#[tokio::test]
async fn the_part_with_the_anchor_keeps_the_id_when_a_person_splits() {
    let first = next("1 | x | 2024-01-01\n2 | x | 2023-01-01\n3 | x | 2024-02-01", "2025-01-01", None).await;
    let split = next("1 | x | 2024-01-01\n2 | y | 2023-01-01\n3 | x | 2024-02-01", "2025-02-01", Some(&first)).await;
    // Record 2 was created first, so the id is made of it.
    assert_eq!(split.people()["crm:2"], first.people()["crm:2"]);
    assert_ne!(split.people()["crm:1"], first.people()["crm:1"]);
    assert_eq!(split.people()["crm:1"], split.people()["crm:3"]);
}

#[tokio::test]
async fn a_record_that_comes_before_all_others_changes_no_id() {
    let first = next("2 | x | 2024-01-01\n3 | x | -", "2025-01-01", None).await;
    let later = next("1 | x | 2020-01-01\n2 | x | 2024-01-01\n3 | x | -", "2025-02-01", Some(&first)).await;
    assert_eq!(later.people()["crm:1"], first.people()["crm:2"]);
    assert_eq!(later.tables["people_redirects"].num_rows(), 0);
}

#[tokio::test]
async fn an_id_without_records_is_retired_and_leads_nowhere() {
    let first = next("1 | x | -\n2 | y | -", "2025-01-01", None).await;
    let later = next("1 | x | -", "2025-02-01", Some(&first)).await;
    let gone = &first.people()["crm:2"];
    assert_eq!(
        later.lines("people_redirects", &REDIRECTS),
        [format!("{gone} | - | retired | crm:2 | 2025-01-01 | 2025-02-01")]
    );
    assert_eq!(later.fact("policy", "ids_retired"), Some(1));
    // It was that run which retired it, not the next.
    let last = next("1 | x | -", "2025-03-01", Some(&later)).await;
    assert_eq!(last.tables["people_redirects"].num_rows(), 1);
    assert_eq!((last.fact("policy", "ids_retired"), last.fact("policy", "ids_merged")), (Some(0), Some(0)));
}

#[tokio::test]
async fn an_id_of_a_release_that_was_taken_back_never_comes_to_mean_somebody_else() {
    let first = next("0 | z | 2023-01-01", "2025-01-01", None).await;
    // The id of 2 and 3 is made of 2; when 2 goes, 3 takes it over.
    let second = next("0 | z | 2023-01-01\n2 | x | 2024-01-01\n3 | x | 2024-01-02", "2025-02-01", Some(&first)).await;
    let third = next("0 | z | 2023-01-01\n3 | x | 2024-01-02", "2025-03-01", Some(&second)).await;
    assert_eq!(third.people()["crm:3"], second.people()["crm:2"]);
    // Back to the first: 3 comes under the id that it had, and 2 gets another than the one of before.
    let behind = [&third, &second];
    let rows = "0 | z | 2023-01-01\n2 | y | 2024-01-01\n3 | x | 2024-01-02";
    let again = run_after_rollback(MODEL, &crm(rows), "2025-04-01", &first, &behind).await;
    assert_eq!(again.people()["crm:0"], first.people()["crm:0"]);
    assert_eq!(again.people()["crm:3"], third.people()["crm:3"]);
    assert_ne!(again.people()["crm:2"], second.people()["crm:2"]);
    // Without 3 the id is known all the same, and leads to nothing.
    let without = run_after_rollback(MODEL, &crm("0 | z | 2023-01-01"), "2025-04-01", &first, &behind).await;
    let gone = &third.people()["crm:3"];
    assert_eq!(
        without.lines("people_redirects", &REDIRECTS),
        [format!("{gone} | - | retired | crm:3 | 2025-02-01 | 2025-04-01")]
    );
    // With somebody whom the first release knew, it leads there.
    let merged = "0 | z | 2023-01-01\n3 | z | 2024-01-02";
    let merged = run_after_rollback(MODEL, &crm(merged), "2025-04-01", &first, &behind).await;
    assert_eq!(
        merged.lines("people_redirects", &REDIRECTS),
        [format!("{gone} | <crm:0> | merged | crm:3 | 2025-02-01 | 2025-04-01")]
    );
}

#[tokio::test]
async fn a_rebuild_from_nothing_gives_the_same_ids() {
    let rows = "1 | x | -\n2 | y | 2024-01-01\n3 | y | -\n4 | - | -";
    let first = next(rows, "2025-01-01", None).await;
    let again = next(rows, "2026-01-01", None).await;
    assert_eq!(first.people(), again.people());
    let on = next(rows, "2026-01-01", Some(&first)).await;
    assert_eq!(first.people(), on.people());
    assert_eq!(first.tables["people_crosswalk"], on.tables["people_crosswalk"]);
}

#[tokio::test]
async fn a_crosswalk_of_another_version_is_refused() {
    let mut first = next("1 | x | -", "2025-01-01", None).await;
    let narrow = first.tables["people_crosswalk"].project(&[0, 1, 2]).unwrap();
    first.tables.insert("people_crosswalk".to_string(), narrow);
    let failed = run_after(MODEL, &crm("1 | x | -"), PLAIN, "2025-02-01", Some(&first)).await.unwrap_err();
    assert!(failed.to_string().contains("its column `is_anchor` is missing"), "{failed}");
    assert!(failed.hint().is_some());
}

#[tokio::test]
async fn a_crosswalk_that_no_run_published_is_refused() {
    let rows = "1 | x | -\n2 | x | -";
    let first = next(rows, "2025-01-01", None).await;
    let crosswalk = first.tables["people_crosswalk"].clone();
    let since = crosswalk.column_by_name("id_since").unwrap();
    let unknown = new_null_array(since.data_type(), 2);
    let cases: [(&str, ArrayRef, &str); 5] = [
        ("person_id", Arc::new(StringArray::from(vec!["not an id"; 2])), "has `not an id`, which is not an id"),
        ("is_anchor", Arc::new(BooleanArray::from(vec![false, false])), "does not have one anchor for the id"),
        ("is_anchor", Arc::new(BooleanArray::from(vec![true, true])), "does not have one anchor for the id"),
        ("is_anchor", Arc::new(BooleanArray::from(vec![Some(true), None])), "has a record without `is_anchor`"),
        ("id_since", unknown, "has a record without `id_since`"),
    ];
    for (name, column, expected) in cases {
        let (schema, mut columns) = (crosswalk.schema(), crosswalk.columns().to_vec());
        columns[schema.index_of(name).unwrap()] = column;
        let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let damaged = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        let mut published = next(rows, "2025-01-01", None).await;
        published.tables.insert("people_crosswalk".to_string(), damaged);
        let failed = run_after(MODEL, &crm(rows), PLAIN, "2025-02-01", Some(&published)).await.unwrap_err();
        assert!(failed.to_string().contains(expected), "{name}: {failed}");
        assert!(failed.hint().is_some());
    }
}
