//! Clocks that stand still for a while.

use super::*;

/// Pauses written as `1 customer 2024-06-03 14:00/2024-06-03 17:00`; `-` is NULL.
fn pauses(written: &[&str]) -> RecordBatch {
    let row = |text: &&str| -> (Option<i64>, String, Option<i64>, Option<i64>) {
        let (entity, rest) = text.split_once(' ').unwrap();
        let (reason, span) = rest.split_once(' ').unwrap();
        let (since, until) = span.split_once('/').unwrap();
        let at = |text: &str| (text != "-").then(|| fixture::instant(text));
        (entity.parse().ok(), reason.to_string(), at(since), at(until))
    };
    let rows: Vec<_> = written.iter().map(row).collect();
    let at = |of: &dyn Fn(usize) -> Option<i64>| -> ArrayRef {
        Arc::new((0..rows.len()).map(of).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    RecordBatch::try_from_iter_with_nullable([
        ("lead", Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()) as ArrayRef, true),
        ("reason", Arc::new(rows.iter().map(|row| Some(row.1.clone())).collect::<StringArray>()) as ArrayRef, true),
        ("since", at(&|row| rows[row].2), true),
        ("until", at(&|row| rows[row].3), true),
    ])
    .unwrap()
}

#[tokio::test]
async fn business_time_without_the_pauses() {
    let yaml = "
from: stages
min_n: 1
pairs: [{from: lead, to: mql, within: 4 business hours}]
calendars: {new_york: {timezone: America/New_York, hours: {mon-fri: 09:00-17:00}}}
pauses: {from: holds, entity: lead, since: since, until: until, where: reason = 'customer'}
";
    let visits = journeys(&[
        "lead 2024-06-03 13:00, mql 2024-06-03 20:00",
        "lead 2024-06-03 20:00, mql 2024-06-04 14:00",
        "lead 2024-06-27 13:00",
        "lead 2024-06-03 13:00, mql 2024-06-03 14:00",
    ]);
    let holds = pauses(&[
        // Monday 09:00 to 16:00 in New York, less 10:00 to 14:30.
        "1 customer 2024-06-03 16:00/2024-06-03 18:30",
        "1 customer 2024-06-03 14:00/2024-06-03 17:00",
        // 16:00 to 10:00 on the next day, less 16:30 to 09:30.
        "2 customer 2024-06-03 20:30/2024-06-04 13:30",
        // Thursday 09:00, on hold since 11:00.
        "3 customer 2024-06-27 15:00/-",
        // Not of those that are looked at, and none that says who or when.
        "4 illness 2024-06-03 13:00/2024-06-03 14:00",
        "- customer 2024-06-03 13:00/2024-06-03 14:00",
        "4 customer -/2024-06-03 14:00",
        "4 customer 2024-06-03 14:00/2024-06-03 13:00",
    ]);
    let made = run(yaml, &[("stages", visits), ("holds", holds)], How { threads: 3, batch: 2 }).await;
    assert_eq!(
        made.lines(0, &["entity_id", "business_hours", "duration_us", "paused_us", "target_status"]),
        [
            "1 | 2.5 | 9000000000 | 16200000000 | met",
            "2 | 1 | 3600000000 | 61200000000 | met",
            "3 | 2 | 7200000000 | 291600000000 | open_within",
            "4 | 1 | 3600000000 | 0 | met",
        ]
    );
    assert_eq!(made.summary(&["business_hours_mean", "target_compliance_rate"]), "1.5 | 1");
    assert_eq!(made.fact("policy", "pauses_left_out"), Some(3));
}

#[tokio::test]
async fn days_and_nights_without_the_pauses() {
    let yaml = "
from: stages
min_n: 1
measure: cumulative
horizon: 2 days
pairs: [{from: lead, to: mql, within: 1 day}]
pauses: {from: holds, entity: lead, since: since, until: until}
";
    let visits = journeys(&[
        // Two days in the stage; the pause takes the half of each visit and all that is between.
        "lead 2024-06-03, recycled 2024-06-04, lead 2024-06-06, mql 2024-06-07",
        // Three days old as of the run, half of them paused.
        "lead 2024-06-28",
        // Paused before it began and after it ended.
        "lead 2024-06-03, mql 2024-06-05",
    ]);
    let holds = pauses(&[
        "1 any 2024-06-03 12:00/2024-06-06 12:00",
        "2 any 2024-06-29/2024-06-30 12:00",
        "3 any 2024-06-01/2024-06-03",
        "3 any 2024-06-05/-",
    ]);
    let made = run(yaml, &[("stages", visits), ("holds", holds)], PLAIN).await;
    assert_eq!(
        made.lines(0, &["entity_id", "duration_days", "target_status", "within_horizon", "horizon_passed"]),
        ["1 | 1 | met | true | true", "2 | 1.5 | open_breached | - | false", "3 | 2 | breached | true | true"]
    );
    assert_eq!(made.summary(&["days_mean", "entered_observed", "converted_within_horizon"]), "1.5 | 2 | 2");
}

#[test]
fn pauses_that_cannot_be() {
    let holds = pauses(&[]).schema().as_ref().clone();
    let tables = [
        ("stages", visits(&[]).schema().as_ref().clone()),
        ("stages_entities", entities(&STAGES).schema().as_ref().clone()),
        ("holds", holds),
    ];
    let only = |written: &str| {
        let mut found = mistakes(&format!("from: stages\nstages: [lead, mql]\npauses: {{{written}}}"), &tables);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0).message
    };
    assert_eq!(only("from: hold, entity: lead, since: since, until: until"), "there is no table `hold`");
    assert_eq!(
        only("from: holds, entity: reason, since: since, until: until"),
        "`reason` is of type text, and a whole number, as the entities are, is wanted here"
    );
    assert_eq!(
        only("from: holds, entity: lead, since: reason, until: until"),
        "`reason` is of type text, and a timestamp or a date is wanted here"
    );
    assert_eq!(
        only("from: holds, entity: lead, since: since, until: until, where: reason"),
        "`reason` is of type text, and a condition is wanted here"
    );
}
