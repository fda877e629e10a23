//! Cases worked out by hand: where changes come from, who they are about, and definitions that change.

use super::golden::{journey, to};
use super::*;

#[tokio::test]
async fn dates_are_changes() {
    let yaml = "
stages: [lead, mql]
exits: [lost]
sources:
  - from: people
    entity: who
    record: who
    dates: {lead: lead_on, mql: mql_on, lost: lost_at}
";
    let day = |text: Option<&str>| text.map(|text| (instant(text) / 86_400_000_000) as i32);
    let dates = |days: [Option<&str>; 3]| -> ArrayRef { Arc::new(arrow::array::Date32Array::from_iter(days.map(day))) };
    let lost: TimestampMicrosecondArray = [None, Some(instant("2024-01-03 08:00")), None].into_iter().collect();
    let people = RecordBatch::try_from_iter_with_nullable([
        ("who", Arc::new(StringArray::from(vec![Some("a"), Some("b"), None])) as ArrayRef, true),
        ("lead_on", dates([Some("2024-01-01"), Some("2024-07-01"), Some("2024-01-01")]), true),
        ("mql_on", dates([None, Some("2025-06-01"), Some("2024-01-02")]), true),
        ("lost_at", Arc::new(lost) as ArrayRef, true),
    ])
    .unwrap();
    let made = run(yaml, &[("people", people)], PLAIN).await;
    made.assert_balanced();
    // A date begins at midnight in Berlin; a timestamp without a zone is UTC.
    assert_eq!(
        made.lines(0, &["entity_id", "stage", "entered_at"]),
        ["a | lead | 2023-12-31 23:00:00", "b | lead | 2024-06-30 22:00:00", "b | lost | 2024-01-03 08:00:00",]
    );
    assert_eq!(made.fact("rows_in", "people"), Some(6));
    assert_eq!(made.lines(2, &["source_key", "reason"]), ["- | null_key", "- | null_key", "b | future"]);
}

#[tokio::test]
async fn hand_over_and_crosswalk() {
    let yaml = "
stages: [lead, mql, sql]
sources:
  - {from: leads, entity: who, at: at, to: now, record: id, system: crm}
  - {from: contacts, entity: who, at: at, to: now, record: id, system: crm}
  - {from: other, entity: who, at: at, to: now, record: id, system: hub}
hand_over: {from: converted, old: was, new: now}
crosswalk: {from: people, system: was, record: who, id: now}
";
    let leads = history(&[
        to("l1", "2024-01-01", "lead", 1),
        to("l1", "2024-01-03", "mql", 2),
        to("l2", "2024-01-01", "lead", 3),
    ]);
    let contacts = history(&[to("c1", "2024-01-04", "sql", 4)]);
    let other = history(&[to("c1", "2024-01-02", "lead", 5), to("h1", "2024-01-02", "mql", 6)]);
    // l1 became c1 (told twice); c1 in the crm and h1 in the hub are one person, c1 in the hub is nobody known.
    let converted = history(&[
        (None, None, Some("l1"), Some("c1"), 0),
        (None, None, Some("l1"), Some("c1"), 0),
        (None, None, Some("l2"), None, 0),
    ]);
    let people =
        history(&[(Some("c1"), None, Some("crm"), Some("p1"), 0), (Some("h1"), None, Some("hub"), Some("p1"), 0)]);
    let tables =
        [("leads", leads), ("contacts", contacts), ("other", other), ("converted", converted), ("people", people)];
    let made = run(yaml, &tables, PLAIN).await;
    made.assert_balanced();
    assert_eq!(
        made.lines(0, &["entity_id", "visit_seq", "stage", "source_record", "changes_absorbed"]),
        [
            "c1 | 1 | lead | 5 | 0",
            "l2 | 1 | lead | 3 | 0",
            "p1 | 1 | lead | 1 | 0",
            "p1 | 2 | mql | 6 | 1",
            "p1 | 3 | sql | 4 | 0",
        ]
    );
    assert_eq!(made.fact("policy", "hand_over"), Some(2));
    assert_eq!(made.fact("policy", "crosswalk"), Some(4));
}

#[tokio::test]
async fn definitions_change() {
    // From July in Berlin, sal stands between mql and sql, and `accepted` means it.
    let extra = "
values: {mql: [mql, accepted], sql: sql, lead: lead, customer: customer, recycled: recycled, lost: lost}
versions:
  - effective_from: 2024-07-01
    name: with sal
    stages: [lead, mql, sal, sql, customer]
    values: {sal: accepted}
policies: {skipped: same_time}
";
    let rows = [
        to("a", "2024-06-30 21:59:59", "accepted", 1),
        to("a", "2024-06-30 22:00:00", "accepted", 2),
        to("b", "2024-06-01", "sql", 3),
        to("b", "2024-08-01", "customer", 4),
        to("c", "2024-08-01", "sql", 5),
    ];
    let made = journey(extra, &rows).await;
    assert_eq!(
        made.lines(0, &["entity_id", "visit_seq", "stage", "stage_rank", "inferred", "definition_version"]),
        [
            "a | 1 | lead | 1 | true | initial",
            "a | 2 | mql | 2 | false | initial",
            "a | 3 | sal | 3 | false | with sal",
            "b | 1 | lead | 1 | true | initial",
            "b | 2 | mql | 2 | true | initial",
            "b | 3 | sql | 3 | false | initial",
            "b | 4 | customer | 5 | false | with sal",
            "c | 1 | lead | 1 | true | with sal",
            "c | 2 | mql | 2 | true | with sal",
            "c | 3 | sal | 3 | true | with sal",
            "c | 4 | sql | 4 | false | with sal",
        ]
    );
}
