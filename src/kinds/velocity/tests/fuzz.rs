//! Random journeys, computed twice.

use std::collections::BTreeMap;

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::super::naive::{NaiveDuration, NaiveModel, NaiveVisit, durations, incidence, quantile, survival};
use super::super::spec::Measure;
use super::*;

const HALF_HOUR: i64 = 1_800_000_000;
/// 20 days.
const HORIZON: i64 = 960 * HALF_HOUR;
const LADDER: [&str; 4] = ["lead", "mql", "sql", "won"];

fn any_model(rng: &mut ChaCha8Rng) -> (NaiveModel, String) {
    let mut yaml = String::from("from: stages\nsegments: {system: source_system}\nhorizon: 20 days\n");
    let has_ladder = rng.random();
    if has_ladder {
        yaml.push_str("stages: [lead, mql, sql, won]\n");
    }
    let mut pairs = vec![("lead", "mql"), ("mql", "sql"), ("sql", "won")];
    if !has_ladder || rng.random() {
        pairs = vec![("mql", "won"), ("lead", "mql"), ("sql", "lead"), ("lost", "lead"), ("recycled", "mql")];
        let written: Vec<String> = pairs.iter().map(|(from, to)| format!("{{from: {from}, to: {to}}}")).collect();
        yaml.push_str(&format!("pairs: [{}]\n", written.join(", ")));
    }
    let lost = rng.random_bool(0.5).then(|| vec!["recycled", "lost"]);
    if lost.is_some() {
        yaml.push_str("lost: [recycled, lost]\n");
    }
    let measures = [
        (Measure::Elapsed, "elapsed"),
        (Measure::FirstVisit, "first_visit"),
        (Measure::LatestVisit, "latest_visit"),
        (Measure::Cumulative, "cumulative"),
    ];
    let (measure, word) = *measures.choose(rng).unwrap();
    yaml.push_str(&format!("measure: {word}\nmin_n: {}\n", rng.random_range(1..6)));
    let include_inferred = rng.random();
    if include_inferred {
        yaml.push_str("inferred: include\n");
    }
    let observed = rng.random::<bool>().then(|| instant("2024-05-10"));
    if observed.is_some() {
        yaml.push_str("observed_from: TIMESTAMP '2024-05-10T00:00:00Z'\n");
    }
    if rng.random() {
        yaml.push_str("cohort: month\n");
    }
    let mut pauses = Vec::new();
    if rng.random() {
        yaml.push_str("pauses: {from: holds, entity: who, since: since, until: until}\n");
        for _ in 0..rng.random_range(0..60) {
            let since = instant("2024-04-20") + rng.random_range(0..3_000) * HALF_HOUR;
            pauses.push((rng.random_range(0..40), since, since + rng.random_range(1..500) * HALF_HOUR));
        }
    }
    let ladder = if has_ladder { LADDER.to_vec() } else { Vec::new() };
    let as_of = as_of().timestamp_micros();
    (NaiveModel { pairs, ladder, lost, measure, include_inferred, observed, pauses, as_of }, yaml)
}

fn any_visits(rng: &mut ChaCha8Rng) -> Vec<Visit> {
    let mut all = Vec::new();
    for entity in 0..rng.random_range(0..40) {
        let mut at = instant("2024-04-20") + rng.random_range(0..2_000) * HALF_HOUR;
        for seq in 1..=rng.random_range(1..9) {
            let stage = *STAGES.choose(rng).unwrap();
            all.push(Visit {
                entity,
                seq,
                stage: stage.to_string(),
                entered: at,
                transition: if stage == "lost" { "close" } else { "advance" },
                inferred_by: match rng.random_range(0..10) {
                    0 => Some("skipped_stage"),
                    1 => Some("late_history"),
                    _ => None,
                },
                system: Some(["hubspot", "salesforce"][entity as usize % 2]),
            });
            // Few lengths, so that ties are many; the last visits may lie after the run.
            at += rng.random_range(0..4) * rng.random_range(0..300) * HALF_HOUR;
        }
    }
    all.shuffle(rng);
    all
}

fn holds(pauses: &[(i64, i64, i64)]) -> RecordBatch {
    let at = |of: fn(&(i64, i64, i64)) -> i64| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_iter_values(pauses.iter().map(of)).with_timezone("UTC"))
    };
    let who = Arc::new(Int64Array::from_iter_values(pauses.iter().map(|(who, _, _)| *who)));
    RecordBatch::try_from_iter([
        ("who", who as ArrayRef),
        ("since", at(|(_, since, _)| *since)),
        ("until", at(|(_, _, until)| *until)),
    ])
    .unwrap()
}

fn naive(rows: &[Visit]) -> Vec<NaiveVisit> {
    rows.iter()
        .map(|row| NaiveVisit {
            entity: row.entity,
            seq: row.seq,
            stage: row.stage.clone(),
            entered: row.entered,
            closing: row.transition == "close",
            inferred: row.inferred_by,
        })
        .collect()
}

fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_string(), |value| value.to_string())
}

fn time(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).unwrap().format("%Y-%m-%d %H:%M:%S").to_string()
}

const COLUMNS: [&str; 10] = [
    "entity_id",
    "pair_number",
    "status",
    "excluded_because",
    "ended_in",
    "entered_at",
    "left_at",
    "duration_us",
    "within_horizon",
    "horizon_passed",
];

fn line(row: &NaiveDuration) -> String {
    let known = !matches!(row.because, Some("reached_before" | "start_unknown"));
    [
        row.entity.to_string(),
        (row.pair + 1).to_string(),
        row.status.to_string(),
        or_none(row.because),
        or_none(row.ended_in.clone()),
        time(row.entered),
        or_none(row.left.map(time)),
        or_none(known.then(|| row.length())),
        or_none((row.status == "converted").then_some(row.waited <= HORIZON)),
        (row.age >= HORIZON).to_string(),
    ]
    .join(" | ")
}

/// The number that a decimal with nine places stands for.
fn rounded(num: i128, den: i128) -> String {
    let scaled = (num * 2_000_000_000 + den) / (2 * den);
    let text = format!("{}.{:09}", scaled / 1_000_000_000, scaled % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

const FIGURES: [&str; 15] = [
    "system",
    "cohort_or_not",
    "pair_number",
    "entered",
    "converted",
    "lost",
    "skipped",
    "open",
    "excluded",
    "days_mean",
    "days_p90",
    "days_km_p50",
    "km_p50_at_risk",
    "converted_incidence",
    "other_end_incidence",
];

fn figures(rows: &[&NaiveDuration], model: &NaiveModel, min_n: usize) -> Vec<String> {
    let count = |status: &str| rows.iter().filter(|row| row.status == status).count();
    let counted: Vec<&&NaiveDuration> = rows.iter().filter(|row| row.status != "excluded").collect();
    let completed: Vec<i64> = rows.iter().filter(|row| row.status == "converted").map(|row| row.length()).collect();
    let all: Vec<(i64, i64, &str)> =
        counted.iter().map(|row| (row.unobserved(model.observed), row.length(), row.status)).collect();
    let times: Vec<(i64, i64, &str)> = all.into_iter().filter(|(late, time, _)| *late == 0 || late < time).collect();
    let day = 86_400_000_000i128;
    let enough = completed.len() >= min_n && !completed.is_empty();
    let told = times.len() >= min_n && !times.is_empty();
    let mean = enough.then(|| rounded(completed.iter().map(|t| i128::from(*t)).sum(), completed.len() as i128 * day));
    let p90 = quantile(&completed, 9, 10).filter(|_| enough).map(|(num, den)| rounded(num, den * day));
    let crossing = survival(&times, 0.5).filter(|_| told);
    let (converted, other) = incidence(&times, None);
    let share = |share: f64| told.then(|| format!("{share:.6}"));
    let mut line = vec![counted.len().to_string()];
    line.extend(["converted", "lost", "skipped", "open", "excluded"].map(|status| count(status).to_string()));
    line.extend([or_none(mean), or_none(p90)]);
    line.push(or_none(crossing.map(|(time, _)| rounded(i128::from(time), day))));
    line.push(or_none(crossing.map(|(_, at_risk)| at_risk)));
    line.extend([or_none(share(converted)), or_none(share(other))]);
    line
}

fn summary(rows: &[NaiveDuration], model: &NaiveModel, yaml: &str) -> Vec<String> {
    let min_n = yaml.split("min_n: ").nth(1).unwrap()[..1].parse().unwrap();
    let has_cohort = yaml.contains("cohort: month");
    // The reporting zone is two hours ahead in these months.
    let month = |at: i64| if has_cohort { time(at + 4 * HALF_HOUR)[..7].to_string() } else { "-".to_string() };
    let mut groups: BTreeMap<(String, String, usize), Vec<&NaiveDuration>> = BTreeMap::new();
    for row in rows {
        let system = ["hubspot", "salesforce"][row.entity as usize % 2].to_string();
        if let Some(left) = row.left.filter(|_| has_cohort && row.status == "converted") {
            groups.entry((system.clone(), month(left), row.pair + 1)).or_default();
        }
        groups.entry((system, month(row.entered), row.pair + 1)).or_default().push(row);
    }
    let mut lines: Vec<String> = groups
        .iter()
        .map(|((system, cohort, pair), rows)| {
            [vec![system.clone(), cohort.clone(), pair.to_string()], figures(rows, model, min_n)].concat().join(" | ")
        })
        .collect();
    lines.sort();
    lines
}

/// The summary's lines, incidences cut to six places: the naive way adds in another order.
fn found_summary(made: &Made, has_cohort: bool) -> Vec<String> {
    let columns: Vec<&str> = FIGURES
        .iter()
        .filter(|name| has_cohort || **name != "cohort_or_not")
        .map(|name| if *name == "cohort_or_not" { "cohort" } else { name })
        .collect();
    let lines = made.lines(1, &columns).into_iter().map(|line| {
        let mut cells: Vec<String> = line.split(" | ").map(str::to_string).collect();
        if !has_cohort {
            cells.insert(1, "-".to_string());
        }
        for cell in cells.iter_mut().skip(13).filter(|cell| *cell != "-") {
            *cell = format!("{:.6}", cell.parse::<f64>().unwrap());
        }
        cells.join(" | ")
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn the_plan_and_the_obvious_way_agree() {
    for seed in 0..24 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (model, yaml) = any_model(&mut rng);
        let rows = any_visits(&mut rng);
        let naive = naive(&rows);
        let expected = durations(&naive, &model);
        let mut lines: Vec<String> = expected.iter().map(line).collect();
        lines.sort();
        let summary = summary(&expected, &model, &yaml);
        for (batch, threads) in [(1, 2), (2, 1), (7, 3), (50, 5), (8192, 2)] {
            let tables = [("stages", visits(&rows)), ("holds", holds(&model.pauses))];
            let made = run(&yaml, &tables, How { threads, batch }).await;
            for (found, expected) in
                [(made.lines(0, &COLUMNS), &lines), (found_summary(&made, yaml.contains("cohort: month")), &summary)]
            {
                let differs = found.iter().zip(expected).find(|(found, expected)| found != expected);
                assert_eq!(differs, None, "seed {seed}, batch {batch}, {threads} threads\n{yaml}");
                assert_eq!(found.len(), expected.len(), "seed {seed}");
            }
        }
    }
}

#[tokio::test]
async fn business_time_is_what_half_hours_add_up_to() {
    let yaml = "
from: stages
pairs: [{from: lead, to: mql}]
measure: cumulative
calendars: {ny: {timezone: America/New_York, hours: {mon-fri: [09:00-12:30, 13:00-17:00], sun: 01:00-04:00}}}
";
    use chrono::{Datelike, Timelike};
    let open = |at: i64| {
        let local = DateTime::from_timestamp_micros(at).unwrap().with_timezone(&chrono_tz::America::New_York);
        let minute = local.hour() * 60 + local.minute();
        match local.weekday().num_days_from_monday() {
            0..=4 => (540..750).contains(&minute) || (780..1020).contains(&minute),
            6 => (60..240).contains(&minute),
            _ => false,
        }
    };
    for seed in 0..4 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut rows = any_visits(&mut rng);
        // Over the night on which clocks went forward.
        rows.iter_mut().for_each(|row| row.entered -= 48 * 60 * HALF_HOUR);
        let made = run(yaml, &[("stages", visits(&rows))], How { threads: 2, batch: 7 }).await;
        let model = NaiveModel {
            pairs: vec![("lead", "mql")],
            ladder: Vec::new(),
            lost: None,
            measure: Measure::Cumulative,
            include_inferred: false,
            observed: None,
            pauses: Vec::new(),
            as_of: as_of().timestamp_micros(),
        };
        let naive = naive(&rows);
        let business = |row: &NaiveDuration| -> i64 {
            let halves =
                |(from, until): &(i64, i64)| (*from..*until).step_by(HALF_HOUR as usize).filter(|at| open(*at)).count();
            row.spans.iter().map(halves).sum::<usize>() as i64 * HALF_HOUR
        };
        let unknown = |row: &NaiveDuration| matches!(row.because, Some("reached_before" | "start_unknown"));
        let mut expected: Vec<String> = durations(&naive, &model)
            .iter()
            .map(|row| format!("{} | {}", row.entity, or_none((!unknown(row)).then(|| business(row)))))
            .collect();
        expected.sort();
        assert_eq!(made.lines(0, &["entity_id", "business_us"]), expected, "seed {seed}");
    }
}
