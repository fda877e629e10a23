//! Cases worked out by hand, one for each policy.

use super::*;

const LADDER: &str = "
stages: [lead, mql, sql, customer]
detours: [recycled]
exits: [lost]
sources:
  - {from: changes, entity: who, at: at, was: was, to: now, record: id, system: crm}
";

pub(super) fn to<'a>(who: &'a str, at: &'a str, now: &'a str, id: i64) -> Row<'a> {
    (Some(who), Some(at), None, Some(now), id)
}

pub(super) async fn journey(extra: &str, rows: &[Row<'_>]) -> Made {
    let made = run(&format!("{LADDER}{extra}"), &[("changes", history(rows))], PLAIN).await;
    made.assert_balanced();
    made
}

const SHORT: [&str; 6] = ["visit_seq", "stage", "entered_at", "exited_at", "transition", "inferred_by"];
const AT: [&str; 9] = [
    "2024-01-01",
    "2024-01-02",
    "2024-01-03",
    "2024-01-04",
    "2024-01-05",
    "2024-01-06",
    "2024-01-07",
    "2024-01-08",
    "2024-01-09",
];

#[tokio::test]
async fn a_plain_way_up() {
    let rows = [to("a", "2024-01-02", "MQL", 2), to("a", "2024-01-01", "Lead", 1), to("a", "2024-01-03", " sql ", 3)];
    let made = journey("", &rows).await;
    let columns =
        ["entity_id", "visit_seq", "stage", "stage_rank", "entered_at", "exited_at", "from_stage", "transition"];
    assert_eq!(
        made.lines(0, &columns),
        [
            "a | 1 | lead | 1 | 2024-01-01 00:00:00 | 2024-01-02 00:00:00 | - | initial",
            "a | 2 | mql | 2 | 2024-01-02 00:00:00 | 2024-01-03 00:00:00 | lead | advance",
            "a | 3 | sql | 3 | 2024-01-03 00:00:00 | - | mql | advance",
        ]
    );
    let origin = ["visit_seq", "source_system", "source_record", "definition_version", "is_current", "is_first_entry"];
    assert_eq!(made.lines(0, &origin)[2], "3 | crm | 3 | initial | true | true");
    let entity =
        ["entity_id", "current_stage", "current_since", "became_lead_at", "became_customer_at", "visits", "is_closed"];
    assert_eq!(made.lines(1, &entity), ["a | sql | 2024-01-03 00:00:00 | 2024-01-01 00:00:00 | - | 3 | false"]);
}

#[tokio::test]
async fn skipped_stages() {
    let rows = [to("a", "2024-01-01", "mql", 1), to("a", "2024-01-05", "customer", 2)];
    let none = journey("", &rows).await;
    assert_eq!(
        none.lines(0, &SHORT),
        [
            "1 | mql | 2024-01-01 00:00:00 | 2024-01-05 00:00:00 | initial | -",
            "2 | customer | 2024-01-05 00:00:00 | - | skip | -",
        ]
    );
    assert_eq!(none.fact("policy", "skipped"), Some(1));
    let filled = journey("policies: {skipped: same_time}", &rows).await;
    assert_eq!(
        filled.lines(0, &SHORT),
        [
            "1 | lead | 2024-01-01 00:00:00 | 2024-01-01 00:00:00 | initial | skipped_stage",
            "2 | mql | 2024-01-01 00:00:00 | 2024-01-05 00:00:00 | skip | -",
            "3 | sql | 2024-01-05 00:00:00 | 2024-01-05 00:00:00 | advance | skipped_stage",
            "4 | customer | 2024-01-05 00:00:00 | - | skip | -",
        ]
    );
    assert_eq!(filled.fact("policy", "skipped"), Some(2));
    assert_eq!(filled.lines(0, &["visit_seq", "source_record"]), ["1 | -", "2 | 1", "3 | -", "4 | 2"]);
}

#[tokio::test]
async fn regressions_and_reentries() {
    let rows = [
        to("a", "2024-01-01", "lead", 1),
        to("a", "2024-01-02", "mql", 2),
        to("a", "2024-01-03", "lead", 3),
        to("a", "2024-01-04", "lead", 4),
        to("a", "2024-01-05", "mql", 5),
        to("a", "2024-01-06", "sql", 6),
    ];
    let brief =
        ["visit_seq", "stage", "visit_number", "transition", "is_first_entry", "is_latest_entry", "changes_absorbed"];
    let allowed = journey("", &rows).await;
    assert_eq!(
        allowed.lines(0, &brief),
        [
            "1 | lead | 1 | initial | true | false | 0",
            "2 | mql | 1 | advance | true | false | 0",
            "3 | lead | 2 | regress | false | true | 1",
            "4 | mql | 2 | re_entry | false | true | 0",
            "5 | sql | 1 | advance | true | true | 0",
        ]
    );
    assert_eq!(allowed.fact("policy", "regressions"), Some(1));
    assert_eq!(allowed.fact("policy", "reentries"), Some(2));
    assert_eq!(allowed.fact("rows_out", "repeats_absorbed"), Some(1));
    let dates = ["became_lead_at", "latest_lead_at", "regressions", "re_entries", "changes_absorbed"];
    assert_eq!(allowed.lines(1, &dates), ["2024-01-01 00:00:00 | 2024-01-03 00:00:00 | 1 | 2 | 1"]);

    // Without the way down, the second change to mql is a repeat.
    let brief = ["visit_seq", "stage", "exited_at", "changes_absorbed", "changes_ignored"];
    let upward = journey("policies: {regressions: ignore}", &rows).await;
    assert_eq!(
        upward.lines(0, &brief),
        ["1 | lead | 2024-01-02 00:00:00 | 0 | 0", "2 | mql | 2024-01-06 00:00:00 | 1 | 2", "3 | sql | - | 0 | 0"]
    );
    assert_eq!(upward.fact("rows_out", "regressions_left_out"), Some(2));
    let once = journey("policies: {reentries: ignore}", &rows).await;
    assert_eq!(once.lines(0, &brief), upward.lines(0, &brief));
    assert_eq!(once.fact("rows_out", "reentries_left_out"), Some(2));
}

#[tokio::test]
async fn detours_and_exits() {
    let rows = [
        to("a", "2024-01-01", "lead", 1),
        to("a", "2024-01-02", "mql", 2),
        to("a", "2024-01-03", "Recycled", 3),
        to("a", "2024-01-04", "mql", 4),
        to("a", "2024-01-05", "lost", 5),
        to("b", "2024-01-01", "lost", 6),
    ];
    let made = journey("", &rows).await;
    let brief = ["entity_id", "visit_seq", "stage", "stage_rank", "transition"];
    assert_eq!(
        made.lines(0, &brief),
        [
            "a | 1 | lead | 1 | initial",
            "a | 2 | mql | 2 | advance",
            "a | 3 | recycled | - | recycle",
            "a | 4 | mql | 2 | re_entry",
            "a | 5 | lost | - | close",
            "b | 1 | lost | - | initial",
        ]
    );
    let brief = ["entity_id", "current_stage", "is_closed", "recycles", "latest_recycled_at"];
    assert_eq!(made.lines(1, &brief), ["a | lost | true | 1 | 2024-01-03 00:00:00", "b | lost | true | 0 | -"]);
}

#[tokio::test]
async fn ties() {
    // One source says sql and lead at one instant, another, listed first, mql.
    let yaml = "
stages: [lead, mql, sql]
sources:
  - {from: statuses, entity: who, at: at, to: now, record: id}
  - {from: changes, entity: who, at: at, to: now, record: id}
";
    let at = "2024-01-01";
    let statuses = history(&[to("a", at, "mql", 9), to("a", at, "lead", 8)]);
    let changes = history(&[to("a", at, "sql", 1), to("a", at, "lead", 2)]);
    let tables = [("statuses", statuses), ("changes", changes)];
    let made = run(yaml, &tables, PLAIN).await;
    made.assert_balanced();
    let brief = ["visit_seq", "stage", "source_system", "source_record", "changes_absorbed"];
    // The lead that the second source tells of is the first source's again.
    assert_eq!(
        made.lines(0, &brief),
        ["1 | lead | statuses | 8 | 1", "2 | mql | statuses | 9 | 0", "3 | sql | changes | 1 | 0"]
    );
    assert_eq!(made.fact("policy", "ties"), Some(2));
    let made = run(&format!("{yaml}policies: {{ties: source_order}}\n"), &tables, PLAIN).await;
    assert_eq!(
        made.lines(0, &brief),
        [
            "1 | lead | statuses | 8 | 0",
            "2 | mql | statuses | 9 | 0",
            "3 | lead | changes | 2 | 0",
            "4 | sql | changes | 1 | 0"
        ]
    );
}

const CREATED: &str = "
stages: [lead, mql, sql]
sources:
  - {from: changes, entity: who, at: at, was: was, to: now, record: id, created_at: \"TIMESTAMP '2024-01-01 00:00:00'\"}
";

#[tokio::test]
async fn history_that_starts_late() {
    let late = [
        (Some("a"), Some("2024-03-01"), Some("mql"), Some("sql"), 1),
        (Some("b"), Some("2024-03-01"), None, Some("mql"), 2),
    ];
    let brief = ["entity_id", "stage", "entered_at", "exited_at", "inferred_by"];
    let from_change = journey("", &late).await;
    assert_eq!(
        from_change.lines(0, &brief),
        [
            "a | mql | 2024-03-01 00:00:00 | 2024-03-01 00:00:00 | late_history",
            "a | sql | 2024-03-01 00:00:00 | - | -",
            "b | mql | 2024-03-01 00:00:00 | - | -",
        ]
    );
    assert_eq!(from_change.fact("policy", "history_starts_late"), Some(1));
    let tables = [("changes", history(&late))];
    let from_created =
        run(&format!("{CREATED}policies: {{history_starts_late: from_created}}\n"), &tables, PLAIN).await;
    assert_eq!(
        from_created.lines(0, &brief),
        [
            "a | mql | 2024-01-01 00:00:00 | 2024-03-01 00:00:00 | late_history",
            "a | sql | 2024-03-01 00:00:00 | - | -",
            "b | lead | 2024-01-01 00:00:00 | 2024-03-01 00:00:00 | late_history",
            "b | mql | 2024-03-01 00:00:00 | - | -",
        ]
    );
    // The second change of c says it was recycled, which nobody has seen it.
    let gap = [
        (Some("c"), Some("2024-03-01"), Some("lead"), Some("mql"), 1),
        (Some("c"), Some("2024-03-02"), Some("recycled"), Some("customer"), 2),
    ];
    let gap = journey("policies: {skipped: same_time}", &gap).await;
    let seen = ["visit_seq", "stage", "from_stage", "history_gap"];
    assert_eq!(
        gap.lines(0, &seen),
        ["1 | lead | - | false", "2 | mql | lead | false", "3 | sql | mql | false", "4 | customer | sql | true"]
    );
    assert_eq!(gap.fact("policy", "history_gaps"), Some(1));
    let none = journey("policies: {history_starts_late: none}", &late).await;
    assert_eq!(none.tables[0].num_rows(), 2);
}

#[tokio::test]
async fn rejects_name_the_reason() {
    let rows = [
        (None, Some("2024-02-01"), None, Some("lead"), 1),
        (Some("a"), None, None, Some("lead"), 2),
        (Some("a"), Some("2024-02-01"), None, Some("Lode"), 3),
        (Some("a"), Some("2024-02-01"), None, None, 4),
        (Some("a"), Some("2025-01-01 00:00:01"), None, Some("mql"), 5),
        (Some("a"), Some("2023-12-31"), None, Some("mql"), 6),
        (Some("a"), Some("2025-01-01"), None, Some("sql"), 7),
    ];
    let made = run(CREATED, &[("changes", history(&rows))], PLAIN).await;
    made.assert_balanced();
    assert_eq!(
        made.lines(2, &["source_table", "source_key", "reason", "detail"]),
        [
            "changes | 1 | null_key | -",
            "changes | 2 | null_time | -",
            "changes | 3 | unmapped_stage | Lode",
            "changes | 4 | unmapped_stage | -",
            "changes | 5 | future | 2025-01-01T00:00:01Z",
            "changes | 6 | before_created | 2023-12-31T00:00:00Z",
        ]
    );
    assert_eq!(made.lines(0, &["stage"]), ["sql"]);
    assert_eq!(made.fact("rows_in", "changes"), Some(7));
    assert_eq!(made.fact("rows_rejected", "unmapped_stage"), Some(2));
    let keep = format!("{CREATED}policies: {{future: keep, before_created: keep}}\n");
    let kept = run(&keep, &[("changes", history(&rows))], PLAIN).await;
    assert_eq!(kept.tables[2].num_rows(), 4);
}

#[tokio::test]
async fn values_lead_to_stages() {
    let extra = "
values:
  mql: [Marketing Qualified, ~^hot]
  sql: ~qualified
ignored: ['', ~^test]
otherwise: lead
";
    let words = ["MARKETING qualified ", "Hottest", "sales-Qualified", "", "Testing", "anything", "Customer"];
    let rows: Vec<Row<'_>> =
        words.iter().zip(1i64..).map(|(word, id)| (Some("a"), Some(AT[id as usize]), None, Some(*word), id)).collect();
    let made = journey(extra, &rows).await;
    assert_eq!(made.lines(0, &["source_record", "stage"]), ["1 | mql", "3 | sql", "6 | lead", "7 | customer"]);
    assert_eq!(made.fact("rows_out", "values_left_out"), Some(2));
    assert_eq!(made.fact("rows_out", "repeats_absorbed"), Some(1));
}

#[tokio::test]
async fn what_cannot_be_used_is_rejected_though_no_value_can_be_wrong() {
    let rows = [
        (None, Some("2024-02-01"), None, Some("lead"), 1),
        (Some("a"), None, None, Some("what"), 2),
        (Some("a"), Some("2025-02-01"), None, Some("what"), 3),
        (Some("a"), Some("2025-02-01"), None, Some("lead"), 4),
        (Some("a"), Some("2024-02-01"), None, Some("lead"), 5),
    ];
    let made = journey("otherwise: ignore", &rows).await;
    assert_eq!(made.lines(2, &["source_key", "reason"]), ["1 | null_key", "2 | null_time", "4 | future"]);
    assert_eq!(made.lines(0, &["source_record"]), ["5"]);
}
