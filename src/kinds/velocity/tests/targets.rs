//! Business time and targets.

use super::*;
use crate::diag::Diagnostics;
use crate::engine::Frames;
use crate::kinds::ModelKind;

const OFFICE: &str = "
from: stages
min_n: 1
pairs:
  - {from: lead, to: mql, within: 4 business hours}
calendars:
  new_york:
    timezone: America/New_York
    hours: {mon-fri: 09:00-17:00}
    holidays: {from: holidays, date: day, closed_from: closed_from, closed_until: closed_until, where: \"region = 'US'\"}
";

/// Days, from when, until when, region.
fn holidays() -> RecordBatch {
    let days = ["2024-05-27", "2024-07-04", "2024-06-28", "2024-06-27"];
    let days: arrow::array::Date32Array =
        days.iter().map(|day| Some(day.parse::<chrono::NaiveDate>().unwrap().to_epoch_days())).collect();
    let text = |values: [Option<&str>; 4]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    RecordBatch::try_from_iter_with_nullable([
        ("day", Arc::new(days) as ArrayRef, true),
        ("closed_from", text([None, None, Some("13:00"), None]), true),
        ("closed_until", text([None, None, None, Some("11:00")]), true),
        ("region", text([Some("US"), Some("US"), Some("US"), Some("EU")]), true),
    ])
    .unwrap()
}

async fn office(written: &[&str]) -> Made {
    run(OFFICE, &[("stages", journeys(written)), ("holidays", holidays())], PLAIN).await
}

#[tokio::test]
async fn business_hours_between_two_stages() {
    let made = office(&[
        // Friday 16:30 to Tuesday 09:30 over Memorial Day, New York: an hour.
        "lead 2024-05-24 20:30, mql 2024-05-28 13:30",
        // Over the night on which clocks went forward, 10 March: an hour.
        "lead 2024-03-08 21:30, mql 2024-03-11 13:30",
        // Created on a Saturday, answered on the Sunday: nothing.
        "lead 2024-06-01 12:00, mql 2024-06-02 12:00",
        // Answered at night: until the last closing.
        "lead 2024-06-03 19:00, mql 2024-06-04 02:00",
        // 28 June is closed from 13:00 on; 27 June is a holiday elsewhere only.
        "lead 2024-06-27 20:00, mql 2024-06-28 20:00",
    ])
    .await;
    assert_eq!(
        made.lines(0, &["entity_id", "calendar", "business_hours", "duration_days", "target", "target_status"]),
        [
            "1 | new_york | 1 | 3.708333333 | 4 business hours | met",
            "2 | new_york | 1 | 2.666666667 | 4 business hours | met",
            "3 | new_york | 0 | 1 | 4 business hours | met",
            "4 | new_york | 2 | 0.291666667 | 4 business hours | met",
            "5 | new_york | 5 | 1 | 4 business hours | breached",
        ]
    );
    assert_eq!(
        made.summary(&["business_hours_mean", "business_hours_p50", "business_hours_km_p50", "target_compliance_rate"]),
        "1.8 | 1 | 1 | 0.8"
    );
}

#[tokio::test]
async fn hours_that_change_within_a_transition() {
    let yaml = OFFICE
        .replace("    holidays:", "    changes: [{from: 2024-06-12, hours: {mon-sun: 10:00-13:00}}]\n    holidays:");
    let journey = journeys(&["lead 2024-06-11 20:00, mql 2024-06-12 15:00"]);
    let made = run(&yaml, &[("stages", journey), ("holidays", holidays())], PLAIN).await;
    // From 16:00 to 17:00 by the old hours, and on the next day from 10:00 to 11:00 by the new ones.
    assert_eq!(made.lines(0, &["calendar", "business_hours", "target_status"]), ["new_york | 2 | met"]);
}

#[tokio::test]
async fn every_status_of_a_target() {
    // The run is at 30 June 20:00 in New York, a Sunday; 28 June was a Friday that closed at 13:00.
    let made = office(&[
        "lead 2024-06-03 13:00, mql 2024-06-03 17:00",
        "lead 2024-06-03 13:00, mql 2024-06-03 17:00:01",
        "lead 2024-06-28 13:00",
        "lead 2024-06-28 12:00",
        "lead 2024-06-27 20:59",
        "lead 2024-06-03 13:00, !lost 2024-06-03 14:00",
        "lead 2024-06-03 13:00, !lost 2024-06-04 14:00",
        "mql 2024-06-01, lead 2024-06-03 13:00, mql 2024-06-03 14:00",
    ])
    .await;
    assert_eq!(
        made.lines(0, &["entity_id", "status", "target_status", "business_hours"]),
        [
            "1 | converted | met | 4",
            "2 | converted | breached | 4.000277778",
            "3 | open | open_within | 4",
            "4 | open | open_within | 4",
            "5 | open | open_breached | 4.016666667",
            "6 | lost | excluded | 1",
            "7 | lost | breached | 9",
            "8 | excluded | excluded | -",
        ]
    );
    let columns = ["target_met", "target_breached", "target_open_within", "target_open_breached", "target_excluded"];
    assert_eq!(made.summary(&columns), "1 | 2 | 2 | 1 | 2");
    // One of the four that were due: overdue ones are breaches.
    assert_eq!(made.summary(&["target_compliance_rate", "target", "from_stage"]), "0.25 | 4 business hours | lead");
}

#[tokio::test]
async fn horizons_and_targets_run_from_the_first_entry_under_every_measure() {
    let yaml = "
from: stages
pairs: [{from: lead, to: mql, within: 10 days}]
horizon: 30 days
cohort: month
min_n: 1
";
    // Two days in the stage each, but five months to the first's conversion, and half a year without the second's.
    // The third is a lead once more before it converts after 9 days; the beginning of the fourth is not known.
    let rows = journeys(&[
        "lead 2024-01-01, recycled 2024-01-03, mql 2024-06-01",
        "lead 2024-01-01, recycled 2024-01-03",
        "lead 2024-01-30, recycled 2024-02-01, lead 2024-02-07, mql 2024-02-08",
        "?lead 2024-01-05, mql 2024-01-05",
    ]);
    for (measure, days) in [
        ("elapsed", ["152", "182", "9"]),
        ("first_visit", ["2", "2", "2"]),
        ("latest_visit", ["2", "2", "1"]),
        ("cumulative", ["2", "2", "3"]),
    ] {
        let made = run(&format!("{yaml}measure: {measure}\n"), &[("stages", rows.clone())], PLAIN).await;
        let columns = ["cohort_start", "status", "duration_days", "within_horizon", "horizon_passed", "target_status"];
        let [first, second, third] = days;
        let mut expected = [
            format!("2024-01-01 | converted | {first} | false | true | breached"),
            format!("2024-01-01 | converted | {third} | true | true | met"),
            "2024-01-01 | excluded | - | - | true | excluded".to_string(),
            format!("2024-01-01 | open | {second} | - | true | open_breached"),
        ];
        expected.sort();
        assert_eq!(made.lines(0, &columns), expected, "{measure}");
        let columns = ["entered_observed", "converted_within_horizon", "target_compliance_rate"];
        let january = made.lines(1, &[&["cohort"], &columns[..]].concat()).remove(0);
        assert_eq!(january, "2024-01 | 3 | 1 | 0.333333333", "{measure}");
        // What is told of a cohort's age, or of the share by the horizon, needs the time that ran through.
        let told =
            ["is_mature", "converted_incidence_at_horizon"].map(|name| made.tables[1].column_by_name(name).is_some());
        assert_eq!(told, [measure == "elapsed"; 2], "{measure}");
    }
}

#[tokio::test]
async fn targets_by_day_and_night_and_pairs_without_any() {
    let yaml = "
from: stages
min_n: 1
pairs: [{from: lead, to: mql, within: 1 day}, {from: mql, to: sql}]
";
    let visits = journeys(&["lead 2024-06-01, mql 2024-06-02, sql 2024-06-03", "lead 2024-06-01, mql 2024-06-03"]);
    let made = run(yaml, &[("stages", visits)], PLAIN).await;
    assert_eq!(
        made.lines(0, &["pair_number", "entity_id", "target", "target_status"]),
        ["1 | 1 | 1 day | met", "1 | 2 | 1 day | breached", "2 | 1 | - | -", "2 | 2 | - | -"]
    );
    assert_eq!(
        made.lines(1, &["pair_number", "target", "target_met", "target_compliance_rate"]),
        ["1 | 1 day | 1 | 0.5", "2 | - | - | -"]
    );
}

#[tokio::test]
async fn calendars_are_chosen_by_row() {
    let yaml = "
from: stages
min_n: 1
unit: minutes
horizon: 60 business minutes
pairs: [{from: lead, to: mql, within: 30 business minutes}]
calendars:
  berlin: {timezone: Europe/Berlin, hours: {mon-fri: [09:00-12:00, 13:00-17:00]}}
  hubspot: {timezone: UTC, hours: {mon-sun: 00:00-24:00}}
calendar: berlin
calendar_by: source_system
";
    // Odd ones are of salesforce, which has no calendar of its own; 3 June 2024 is a Monday.
    let made = run(
        yaml,
        &[(
            "stages",
            journeys(&["lead 2024-06-03 09:00, mql 2024-06-03 11:30", "lead 2024-06-03 09:00, mql 2024-06-03 11:30"]),
        )],
        PLAIN,
    )
    .await;
    assert_eq!(
        made.lines(0, &["entity_id", "calendar", "business_us", "target_status", "within_horizon", "horizon_passed"]),
        // 11:00 to 13:30 in Berlin, with an hour for lunch.
        ["1 | berlin | 5400000000 | breached | false | true", "2 | hubspot | 9000000000 | breached | false | true"]
    );
    assert_eq!(made.summary(&["business_minutes_mean", "converted_within_horizon"]), "120 | 0");
    assert_eq!((made.fact("rule", "berlin"), made.fact("rule", "hubspot")), (Some(1), Some(1)));
}

#[tokio::test]
async fn business_time_of_several_visits() {
    let yaml = "
from: stages
min_n: 1
measure: cumulative
pairs: [{from: lead, to: mql}]
calendars: {utc: {timezone: UTC, hours: {mon-fri: 09:00-17:00}}}
";
    // Monday 16:00–18:00 and Wednesday 08:00–10:00: an hour of each.
    let journey = "lead 2024-06-03 16:00, recycled 2024-06-03 18:00, lead 2024-06-05 08:00, mql 2024-06-05 10:00";
    let made = run(yaml, &[("stages", journeys(&[journey]))], PLAIN).await;
    assert_eq!(made.lines(0, &["business_hours", "duration_us"]), ["2 | 14400000000"]);
}

#[tokio::test]
async fn a_holiday_that_is_no_time_of_day_stops_the_run() {
    let (spec, sources) = model(OFFICE);
    let engine = engine(PLAIN, sources);
    let mut frames = Frames::default();
    frames.insert(TableName::new_unchecked("stages_entities"), entities(&STAGES));
    frames.insert(TableName::new_unchecked("stages"), frame(&journeys(&["lead 2024-06-03"]), PLAIN));
    let bad = RecordBatch::try_new(holidays().schema(), {
        let mut columns = holidays().columns().to_vec();
        columns[1] = Arc::new(StringArray::from(vec!["noon"; 4]));
        columns
    });
    frames.insert(TableName::new_unchecked("holidays"), frame(&bad.unwrap(), PLAIN));
    let (settings, name) = (settings(), TableName::new_unchecked("speed"));
    let scope = scope(&name, &settings, &frames, &engine);
    let contracts = spec.contract(&scope, &mut Diagnostics::default()).unwrap();
    let plan = spec.plan(&scope, &contracts[0]).unwrap();
    let failed = engine.ctx().execute_logical_plan(plan).await.unwrap().collect().await.unwrap_err();
    assert!(failed.to_string().contains("the holidays hold `noon`, which is not a time of day"), "{failed}");
}
