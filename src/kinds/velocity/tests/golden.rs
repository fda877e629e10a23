//! Cases worked out by hand.

use super::*;

const LADDER: &str = "from: stages\nstages: [lead, mql, sql, won]\nmin_n: 1\n";

async fn durations(extra: &str, written: &[&str]) -> Made {
    run(&format!("{LADDER}{extra}"), &[("stages", journeys(written))], PLAIN).await
}

const SHORT: [&str; 6] = ["entity_id", "from_stage", "to_stage", "status", "duration_days", "ended_in"];

#[tokio::test]
async fn a_plain_way_up() {
    let made = durations("", &["lead 2024-01-01, mql 2024-01-04, sql 2024-01-04 12:00"]).await;
    let columns = ["entity_id", "pair_number", "from_stage", "to_stage", "entered_at", "left_at", "status"];
    assert_eq!(
        made.lines(0, &columns),
        [
            "1 | 1 | lead | mql | 2024-01-01 00:00:00 | 2024-01-04 00:00:00 | converted",
            "1 | 2 | mql | sql | 2024-01-04 00:00:00 | 2024-01-04 12:00:00 | converted",
            "1 | 3 | sql | won | 2024-01-04 12:00:00 | - | open",
        ]
    );
    // From 4 January 12:00 to 1 July, a leap year: 178.5 days.
    assert_eq!(
        made.lines(0, &["pair_number", "duration_us", "duration_days", "is_censored"]),
        ["1 | 259200000000 | 3 | false", "2 | 43200000000 | 0.5 | false", "3 | 15422400000000 | 178.5 | true",]
    );
    assert_eq!((made.fact("rows_in", "stages"), made.fact("rows_out", "converted")), (Some(3), Some(2)));
}

#[tokio::test]
async fn the_four_measures() {
    let journey =
        "lead 2024-01-01, mql 2024-01-04, recycled 2024-01-09, mql 2024-01-20, sql 2024-01-25, mql 2024-02-01";
    for (measure, days) in [("elapsed", 21), ("first_visit", 5), ("latest_visit", 5), ("cumulative", 10)] {
        let made = durations(&format!("measure: {measure}"), &[journey]).await;
        let line = &made.lines(0, &["pair_number", "status", "entered_at", "left_at", "duration_days"])[1];
        let expected = format!("2 | converted | 2024-01-04 00:00:00 | 2024-01-25 00:00:00 | {days}");
        assert_eq!(*line, expected, "{measure}");
    }
    // Not converted: the clock stops outside of the stage, except for the time elapsed.
    let open = "mql 2024-06-01, recycled 2024-06-04, mql 2024-06-11, recycled 2024-06-21";
    for (measure, days) in [("elapsed", 30), ("first_visit", 3), ("latest_visit", 10), ("cumulative", 13)] {
        let made = durations(&format!("measure: {measure}"), &[open]).await;
        assert_eq!(made.lines(0, &["status", "duration_days"]), [format!("open | {days}")], "{measure}");
    }
    // Under way in the stage itself: as of the run.
    for (measure, days) in [("elapsed", 30), ("first_visit", 3), ("latest_visit", 20), ("cumulative", 23)] {
        let made =
            durations(&format!("measure: {measure}"), &["mql 2024-06-01, recycled 2024-06-04, mql 2024-06-11"]).await;
        assert_eq!(made.lines(0, &["status", "duration_days"]), [format!("open | {days}")], "{measure}");
    }
}

#[tokio::test]
async fn ways_that_end_elsewhere() {
    let made = durations(
        "",
        &[
            // Lost, and that is where it stays.
            "lead 2024-01-01, !lost 2024-01-11",
            // Lost and come back: under way again, and then converted.
            "lead 2024-01-01, !lost 2024-01-11, lead 2024-01-21, mql 2024-01-31",
            // Past mql: skipped on the day it jumped, whatever came later.
            "lead 2024-01-01, sql 2024-01-06, !lost 2024-01-11",
            // Past mql, and there after all.
            "lead 2024-01-01, sql 2024-01-06, mql 2024-01-08",
            // A detour is no end.
            "lead 2024-01-01, recycled 2024-01-06",
        ],
    )
    .await;
    let of_lead: Vec<String> =
        made.lines(0, &SHORT).into_iter().filter(|line| line.contains("| lead | mql |")).collect();
    assert_eq!(
        of_lead,
        [
            "1 | lead | mql | lost | 10 | lost",
            "2 | lead | mql | converted | 30 | -",
            "3 | lead | mql | skipped | 5 | sql",
            "4 | lead | mql | converted | 7 | -",
            "5 | lead | mql | open | 182 | -",
        ]
    );
    // The fourth came to sql before mql: its mql → sql says nothing of how long that takes.
    let of_mql: Vec<String> = made
        .lines(0, &["entity_id", "from_stage", "status", "excluded_because", "duration_days"])
        .into_iter()
        .filter(|line| line.contains("| mql |"))
        .collect();
    assert_eq!(of_mql, ["2 | mql | open | - | 152", "4 | mql | excluded | reached_before | -"]);
}

#[tokio::test]
async fn stages_declared_as_lost() {
    let journeys = ["lead 2024-01-01, recycled 2024-01-11, recycled 2024-01-12, !lost 2024-01-13"];
    let made = durations("lost: [recycled, lost]", &journeys).await;
    assert_eq!(made.lines(0, &SHORT), ["1 | lead | mql | lost | 10 | recycled"]);
    let made = durations("lost: recycled", &journeys).await;
    assert_eq!(made.lines(0, &["status"]), ["open"]);
    // A pair that begins where others end: coming back from lost.
    let back = "from: stages\npairs: [{from: lost, to: mql}]\nmin_n: 1";
    let made = run(back, &[("stages", super::journeys(&["lead 2024-01-01, !lost 2024-06-01"]))], PLAIN).await;
    assert_eq!(made.lines(0, &SHORT), ["1 | lost | mql | open | 30 | -"]);
}

#[tokio::test]
async fn inferred_visits() {
    let journeys = ["lead 2024-01-01, +mql 2024-01-11, sql 2024-01-11"];
    let without = durations("", &journeys).await;
    assert_eq!(without.lines(0, &SHORT), ["1 | lead | mql | skipped | 10 | sql", "1 | sql | won | open | 172 | -"]);
    assert_eq!(without.fact("policy", "inferred_visits_left_out"), Some(1));
    let with = durations("inferred: include", &journeys).await;
    assert_eq!(
        with.lines(0, &SHORT),
        ["1 | lead | mql | converted | 10 | -", "1 | mql | sql | converted | 0 | -", "1 | sql | won | open | 172 | -"]
    );
    // Nobody knows when the first stage began; with a creation date it is known.
    let late = ["?lead 2024-01-11, mql 2024-01-11", "?lead 2024-01-01, mql 2024-01-11"];
    let made = durations("", &late).await;
    assert_eq!(
        made.lines(0, &["entity_id", "from_stage", "status", "excluded_because", "duration_days"])
            .into_iter()
            .filter(|line| line.contains("| lead |"))
            .collect::<Vec<_>>(),
        ["1 | lead | excluded | start_unknown | -", "2 | lead | converted | - | 10"]
    );
}

#[tokio::test]
async fn equal_instants_follow_the_order_of_visits() {
    let made = durations("", &["lead 2024-01-01, mql 2024-01-01, sql 2024-01-01"]).await;
    assert_eq!(
        made.lines(0, &["pair_number", "status", "duration_us"]),
        ["1 | converted | 0", "2 | converted | 0", "3 | open | 15724800000000"]
    );
}

#[tokio::test]
async fn what_lies_after_the_run_is_not_looked_at() {
    let made = durations("", &["lead 2024-06-01, mql 2024-07-02", "lead 2024-07-03"]).await;
    assert_eq!(made.lines(0, &SHORT), ["1 | lead | mql | open | 30 | -"]);
    // An entry at the very instant counts.
    let made = durations("", &["lead 2024-06-01, mql 2024-07-01"]).await;
    assert_eq!(made.lines(0, &["status", "duration_days"])[0], "converted | 30");
}

#[tokio::test]
async fn segments_are_taken_at_entry() {
    let yaml = "
from: stages
stages: [lead, mql]
min_n: 1
attributes:
  - {from: people, entity: id}
  - {from: owners, entity: who, since: since}
segments:
  country: coalesce(people.country, 'unknown')
  system: upper(source_system)
  owner: owners.owner
";
    let people = RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(Int64Array::from(vec![1, 2, 2])) as ArrayRef, true),
        ("country", Arc::new(StringArray::from(vec![Some("DE"), Some("US"), Some("FR")])) as ArrayRef, true),
    ])
    .unwrap();
    let since: TimestampMicrosecondArray =
        ["2024-01-01", "2024-01-10", "2024-01-10", "2024-02-01"].iter().map(|at| Some(instant(at))).collect();
    let owners = RecordBatch::try_from_iter_with_nullable([
        ("who", Arc::new(Int64Array::from(vec![1, 1, 1, 2])) as ArrayRef, true),
        ("since", Arc::new(since.with_timezone("UTC")) as ArrayRef, true),
        ("owner", Arc::new(StringArray::from(vec!["ann", "bob", "cem", "dan"])) as ArrayRef, true),
    ])
    .unwrap();
    let visits = journeys(&["lead 2024-01-10, mql 2024-03-01", "lead 2024-01-20, mql 2024-01-21", "lead 2024-01-20"]);
    let made = run(yaml, &[("stages", visits), ("people", people), ("owners", owners)], PLAIN).await;
    assert_eq!(
        made.lines(0, &["entity_id", "country", "system", "owner", "status"]),
        [
            // Two owners since the same instant: the last by name. Two countries of one person: the last by name.
            "1 | DE | SALESFORCE | cem | converted",
            "2 | US | HUBSPOT | - | converted",
            "3 | unknown | SALESFORCE | - | open",
        ]
    );
    assert_eq!(
        made.lines(1, &["country", "system", "owner", "entered", "converted", "open", "days_mean"]),
        [
            "DE | SALESFORCE | cem | 1 | 1 | 0 | 51",
            "US | HUBSPOT | - | 1 | 1 | 0 | 1",
            "unknown | SALESFORCE | - | 1 | 0 | 1 | -"
        ]
    );
}

#[tokio::test]
async fn attributes_may_hold_from_a_day_on() {
    let yaml = "
from: stages
stages: [lead, mql]
attributes: [{from: owners, entity: who, since: since}]
segments: {owner: owners.owner}
";
    let days = ["2024-01-01", "2024-01-10"].map(|day| day.parse::<chrono::NaiveDate>().unwrap().to_epoch_days());
    let owners = RecordBatch::try_from_iter([
        ("who", Arc::new(Int64Array::from(vec![1, 1])) as ArrayRef),
        ("since", Arc::new(arrow::array::Date32Array::from(days.to_vec())) as ArrayRef),
        ("owner", Arc::new(StringArray::from(vec!["ann", "bob"])) as ArrayRef),
    ]);
    // In Berlin, 9 January 23:30 UTC is the tenth.
    let visits = journeys(&["lead 2024-01-09 23:30, mql 2024-03-01"]);
    let made = run(yaml, &[("stages", visits), ("owners", owners.unwrap())], PLAIN).await;
    assert_eq!(made.lines(0, &["entity_id", "owner"]), ["1 | bob"]);
}

#[tokio::test]
async fn cohorts_and_periods_are_two_things() {
    // Berlin is an hour ahead: 31 January 23:30 UTC is February there.
    let made = durations(
        "pairs: [{from: lead, to: mql}]\ncohort: month\nhorizon: 30 days\n",
        &[
            "lead 2024-01-01, mql 2024-01-11",
            "lead 2024-01-10, mql 2024-02-20",
            "lead 2024-01-31 23:30, mql 2024-02-10 23:30",
            "lead 2024-02-10",
            "lead 2024-06-20",
        ],
    )
    .await;
    let columns =
        ["cohort", "entered", "converted", "cohort_conversion_rate", "converted_in_period", "period_conversion_rate"];
    assert_eq!(
        made.lines(1, &columns),
        ["2024-01 | 2 | 2 | 1 | 1 | 0.5", "2024-02 | 2 | 1 | 0.5 | 2 | 1", "2024-06 | 1 | 0 | 0 | 0 | 0",]
    );
    // Of January one of two within 30 days; of June nobody has had 30 days yet.
    let columns =
        ["cohort_start", "entered_observed", "converted_within_horizon", "cohort_conversion_rate_within_horizon"];
    assert_eq!(
        made.lines(1, &columns),
        ["2024-01-01 | 2 | 1 | 0.5", "2024-02-01 | 2 | 1 | 0.5", "2024-06-01 | 0 | 0 | -"]
    );
    // The cohort of January ended 151 days before the run, and took at most 41.
    assert_eq!(
        made.lines(1, &["cohort", "is_mature", "completed_reason"]),
        ["2024-01 | true | -", "2024-02 | true | -", "2024-06 | - | nobody"]
    );
}

#[tokio::test]
async fn a_period_in_which_nobody_entered_has_a_row_too() {
    let made = durations("pairs: [{from: lead, to: mql}]\ncohort: day\n", &["lead 2024-01-01, mql 2024-01-03"]).await;
    let columns = ["cohort", "entered", "converted", "converted_in_period", "period_conversion_rate", "km_p50_reason"];
    assert_eq!(made.lines(1, &columns), ["2024-01-01 | 1 | 1 | 0 | 0 | -", "2024-01-03 | 0 | 0 | 1 | - | nobody"]);
}

/// Six deals: won after 3, 5 and 8 days, under way for 5, 10 and 12.
fn worked() -> Vec<String> {
    let won = [3, 5, 8].map(|days| format!("lead 2024-01-01, mql 2024-01-{:02}", days + 1));
    // 12 days before 1 July are 19 June.
    let open = [5, 10, 12].map(|days| format!("lead 2024-06-{:02}", 31 - days));
    won.into_iter().chain(open).collect()
}

#[tokio::test]
async fn the_worked_kaplan_meier() {
    let written = worked();
    let written: Vec<&str> = written.iter().map(String::as_str).collect();
    let yaml = "pairs: [{from: lead, to: mql}]\nquantiles: [0.5, 0.25, 0.75]\n";
    let made = durations(yaml, &written).await;
    // S is 5/6 at 3, 2/3 at 5, 4/9 at 8: the median is 8, where the converted alone say 5.
    assert_eq!(made.summary(&["entered", "converted", "open", "days_mean", "days_p50"]), "6 | 3 | 3 | 5.333333333 | 5");
    assert_eq!(
        made.summary(&["days_km_p50", "days_km_p50_low", "days_km_p50_high", "km_p50_at_risk", "km_p50_reason"]),
        "8 | 3 | - | 3 | -"
    );
    assert_eq!(
        made.summary(&["days_km_p25", "km_p25_at_risk", "days_km_p75", "km_p75_reason"]),
        "5 | 5 | - | not_reached"
    );
    assert_eq!(
        made.summary(&["converted_incidence", "other_end_incidence", "incidence_reason"]),
        "0.555555556 | 0 | -"
    );
    // Too few to tell.
    let few = "from: stages\nstages: [lead, mql]\nmin_n: 4\n";
    let made = run(few, &[("stages", journeys(&written))], PLAIN).await;
    let columns = ["days_mean", "days_p50", "completed_reason", "days_km_p50", "km_p50_reason"];
    assert_eq!(made.summary(&columns), "- | - | below_min_n | 8 | -");
    let few = "from: stages\nstages: [lead, mql]\nmin_n: 7\n";
    let made = run(few, &[("stages", journeys(&written))], PLAIN).await;
    assert_eq!(made.summary(&["days_km_p50", "km_p50_reason", "incidence_reason"]), "- | below_min_n | below_min_n");
}

#[tokio::test]
async fn quantiles_of_type_7() {
    let written = [1, 2, 3, 4, 10].map(|days| format!("lead 2024-01-01, mql 2024-01-{:02}", days + 1));
    let written: Vec<&str> = written.iter().map(String::as_str).collect();
    let made = durations("pairs: [{from: lead, to: mql}]\nquantiles: [0.25, 0.5, 0.75, 0.9]\n", &written).await;
    assert_eq!(made.summary(&["days_p25", "days_p50", "days_p75", "days_p90", "days_mean"]), "2 | 3 | 4 | 7.6 | 4");
    let made = durations("pairs: [{from: lead, to: mql}]\nunit: hours\nquantiles: [0.9]\n", &written).await;
    assert_eq!(made.summary(&["hours_p90", "hours_mean", "hours_km_p90"]), "182.4 | 96 | 240");
}

#[tokio::test]
async fn competing_exits_at_the_horizon() {
    // After 1 day one of four converts, after 2 one is lost, after 3 one converts, one is open since 4.
    let written = [
        "lead 2024-06-01, mql 2024-06-02",
        "lead 2024-06-01, !lost 2024-06-03",
        "lead 2024-06-01, mql 2024-06-04",
        "lead 2024-06-27",
    ];
    let made = durations("pairs: [{from: lead, to: mql}]\nhorizon: 2 days\n", &written).await;
    let columns = [
        "converted_incidence",
        "other_end_incidence",
        "converted_incidence_at_horizon",
        "other_end_incidence_at_horizon",
    ];
    assert_eq!(made.summary(&columns), "0.5 | 0.25 | 0.25 | 0.25");
    let made = durations("pairs: [{from: lead, to: mql}]\nhorizon: 5 days\n", &written).await;
    assert_eq!(made.summary(&["converted_incidence_at_horizon", "incidence_reason"]), "- | not_observed");
}

#[tokio::test]
async fn histories_that_are_observed_late() {
    let yaml = "pairs: [{from: lead, to: mql}]\nobserved_from: DATE '2024-02-01'\n";
    let made = durations(
        yaml,
        &[
            // Over before anybody looked.
            "lead 2024-01-01, mql 2024-01-20",
            // Begun before, ended after: at risk after its first 31 days (from midnight in Berlin, an hour less).
            "lead 2024-01-01, mql 2024-02-20",
            "lead 2024-02-10, mql 2024-02-15",
            "lead 2024-02-10, mql 2024-04-10",
        ],
    )
    .await;
    assert_eq!(
        made.lines(0, &["entity_id", "status", "excluded_because", "duration_days", "unobserved_us"])
            .into_iter()
            .filter(|line| !line.contains("| open |"))
            .collect::<Vec<_>>(),
        [
            "1 | excluded | before_history | 19 | 1641600000000",
            "2 | converted | - | 50 | 2674800000000",
            "3 | converted | - | 5 | 0",
            "4 | converted | - | 60 | 0",
        ]
    );
    // At 5 days two are at risk, not three: S is 1/2. At 50 again two: 1/4.
    assert_eq!(made.summary(&["entered", "excluded", "days_km_p50", "km_p50_at_risk"]), "3 | 1 | 5 | 2");
    assert_eq!(made.summary(&["days_km_p75", "km_p75_at_risk", "days_p50"]), "50 | 2 | 50");
}

#[tokio::test]
async fn transitions_that_are_not_to_count() {
    let yaml = "pairs: [{from: lead, to: mql}]\nexclude: source_system = 'hubspot'\n";
    let made = durations(yaml, &["lead 2024-01-01, mql 2024-01-02", "lead 2024-01-01, mql 2024-01-09"]).await;
    assert_eq!(
        made.lines(0, &["entity_id", "status", "excluded_because", "duration_days"]),
        ["1 | converted | - | 1", "2 | excluded | declared | 8"]
    );
    assert_eq!(made.summary(&["entered", "converted", "excluded", "days_p50"]), "1 | 1 | 1 | 1");
    assert_eq!(made.fact("rows_out", "declared"), Some(1));
}

#[tokio::test]
async fn nobody_at_all() {
    let made = durations("cohort: month\n", &[]).await;
    assert_eq!((made.tables[0].num_rows(), made.tables[1].num_rows()), (0, 0));
}
