//! Random histories, computed twice.

use rand::prelude::*;
use rand_chacha::ChaCha8Rng;

use super::super::naive::{NaiveChange, NaiveEntity, NaiveVersion, NaiveVisit, entities, version_at, visits};
use super::super::spec::{LateHistory, Policies, Reentries, Regressions, Skipped, Ties};
use super::*;

const STAGES: [&str; 8] = ["lead", "mql", "sal", "sql", "won", "recycled", "lost", "dead"];
const VERSION_AT: &str = "2024-02-01T00:00:00Z";
const SYSTEMS: [&str; 2] = ["alpha", "beta"];

fn versions() -> Vec<NaiveVersion> {
    let first = NaiveVersion {
        name: "initial",
        from: None,
        ladder: vec!["lead", "mql", "sql", "won"],
        detours: vec!["recycled"],
        exits: vec!["lost"],
    };
    let second = NaiveVersion {
        name: "second",
        from: Some(VERSION_AT.parse::<DateTime<Utc>>().unwrap().timestamp_micros()),
        ladder: vec!["lead", "sal", "mql", "sql"],
        detours: vec!["lost", "recycled"],
        exits: vec!["won", "dead"],
    };
    vec![first, second]
}

fn yaml(policies: &str) -> String {
    format!(
        "
stages: [lead, mql, sql, won]
detours: [recycled]
exits: [lost]
sources:
  - {{from: alpha, entity: entity, at: at, was: was, to: now, record: id, created_at: created}}
  - {{from: beta, entity: entity, at: at, to: now, record: id}}
otherwise: ignore
versions:
  - effective_from: {VERSION_AT}
    name: second
    stages: [lead, sal, mql, sql]
    detours: [lost, recycled]
    exits: [won, dead]
policies: {policies}
"
    )
}

fn any_policies(rng: &mut ChaCha8Rng) -> (Policies, String) {
    let (mut policies, mut text) = (Policies::default(), String::from("{before_created: keep"));
    if rng.random() {
        policies.skipped = Skipped::SameTime;
        text.push_str(", skipped: same_time");
    }
    if rng.random_bool(0.3) {
        policies.regressions = Regressions::Ignore;
        text.push_str(", regressions: ignore");
    }
    if rng.random_bool(0.3) {
        policies.reentries = Reentries::Ignore;
        text.push_str(", reentries: ignore");
    }
    if rng.random() {
        policies.ties = Ties::SourceOrder;
        text.push_str(", ties: source_order");
    }
    let late = [
        (LateHistory::None, "none"),
        (LateHistory::FromOldValue, "from_old_value"),
        (LateHistory::FromCreated, "from_created"),
    ];
    let (policy, word) = late[rng.random_range(0..3)];
    policies.history_starts_late = policy;
    text.push_str(&format!(", history_starts_late: {word}}}"));
    (policies, text)
}

fn any_changes(rng: &mut ChaCha8Rng) -> Vec<NaiveChange> {
    let count = rng.random_range(0..160);
    let entities = rng.random_range(1..20);
    let start = instant("2024-01-01");
    (0..count)
        .map(|record| {
            let source = rng.random_range(0..2);
            // Few instants, so that ties are many.
            let at = start + rng.random_range(0..60) * 86_400_000_000;
            NaiveChange {
                entity: rng.random_range(0..entities) * rng.random_range(1..3),
                at,
                to: STAGES.choose(rng).unwrap(),
                was: (source == 0 && rng.random()).then(|| *STAGES.choose(rng).unwrap()),
                source,
                record,
                created: (source == 0 && rng.random()).then(|| start + rng.random_range(-9..60) * 86_400_000_000),
            }
        })
        .collect()
}

fn table(changes: &[NaiveChange], source: usize) -> RecordBatch {
    let own: Vec<&NaiveChange> = changes.iter().filter(|change| change.source == source).collect();
    let instants = |of: fn(&NaiveChange) -> Option<i64>| -> ArrayRef {
        Arc::new(own.iter().map(|c| of(c)).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let texts = |of: fn(&NaiveChange) -> Option<&'static str>| -> ArrayRef {
        Arc::new(own.iter().map(|c| of(c)).collect::<StringArray>())
    };
    let numbers =
        |of: fn(&NaiveChange) -> i64| -> ArrayRef { Arc::new(own.iter().map(|c| of(c)).collect::<Int64Array>()) };
    RecordBatch::try_from_iter_with_nullable([
        ("entity", numbers(|c| c.entity), true),
        ("at", instants(|c| Some(c.at)), true),
        ("now", texts(|c| Some(c.to)), true),
        ("was", texts(|c| c.was), true),
        ("id", numbers(|c| c.record), true),
        ("created", instants(|c| c.created), true),
    ])
    .unwrap()
}

const COLUMNS: [&str; 17] = [
    "entity_id",
    "visit_seq",
    "stage",
    "stage_rank",
    "visit_number",
    "entered_at",
    "exited_at",
    "from_stage",
    "transition",
    "history_gap",
    "inferred_by",
    "is_latest_entry",
    "source_system",
    "source_record",
    "definition_version",
    "changes_absorbed",
    "changes_ignored",
];

fn time(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).unwrap().format("%Y-%m-%d %H:%M:%S").to_string()
}

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_string())
}

fn line(visit: &NaiveVisit) -> String {
    [
        visit.entity.to_string(),
        visit.seq.to_string(),
        visit.stage.to_string(),
        or_none(visit.rank.map(|rank| rank.to_string())),
        visit.number.to_string(),
        time(visit.entered),
        or_none(visit.exited.map(time)),
        or_none(visit.from.map(str::to_string)),
        visit.transition.to_string(),
        visit.gap.to_string(),
        or_none(visit.inferred.map(str::to_string)),
        visit.latest.to_string(),
        SYSTEMS[visit.source].to_string(),
        or_none(visit.record.map(|record| record.to_string())),
        visit.version.to_string(),
        visit.absorbed.to_string(),
        visit.ignored.to_string(),
    ]
    .join(" | ")
}

/// The changes to stages that their version has.
fn usable(changes: &[NaiveChange], versions: &[NaiveVersion]) -> Vec<NaiveChange> {
    let possible = |change: &&NaiveChange| {
        let version = version_at(versions, change.at);
        [&version.ladder, &version.detours, &version.exits].iter().any(|part| part.contains(&change.to))
    };
    changes.iter().filter(possible).cloned().collect()
}

#[tokio::test]
async fn the_plan_and_the_obvious_way_agree() {
    for seed in 0..20 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (policies, text) = any_policies(&mut rng);
        let changes = any_changes(&mut rng);
        let versions = versions();
        let mut expected: Vec<String> =
            visits(&usable(&changes, &versions), &versions, policies).iter().map(line).collect();
        expected.sort();
        let tables = [("alpha", table(&changes, 0)), ("beta", table(&changes, 1))];
        for (batch, threads) in [(1, 2), (2, 1), (7, 3), (50, 5), (8192, 2)] {
            let made = run_visits(&yaml(&text), &tables, How { threads, batch }).await;
            let found = made.lines(0, &COLUMNS);
            let differs = found.iter().zip(&expected).find(|(found, expected)| found != expected);
            assert_eq!(differs, None, "seed {seed}, batch {batch}, {threads} threads, {text}");
            assert_eq!(found.len(), expected.len(), "seed {seed}");
        }
        if seed % 4 == 0 {
            let made = run(&yaml(&text), &tables, PLAIN).await;
            let read = made.fact("rows_in", "alpha").unwrap() + made.fact("rows_in", "beta").unwrap();
            assert_eq!(read, changes.len() as i64);
            made.assert_balanced();
        }
    }
}

/// Every stage, in the order of first mention.
const MENTIONED: [&str; 8] = ["lead", "mql", "sql", "won", "recycled", "lost", "sal", "dead"];

fn entity_line(of: &NaiveEntity) -> String {
    let mut cells =
        vec![of.entity.to_string(), of.current.to_string(), time(of.since), time(of.first_seen), of.closed.to_string()];
    for entry in &of.entries {
        cells.push(or_none(entry.map(|(first, _)| time(first))));
        cells.push(or_none(entry.map(|(_, latest)| time(latest))));
    }
    cells.extend(of.counts.map(|count| count.to_string()));
    cells.join(" | ")
}

fn entity_columns() -> Vec<String> {
    let mut names: Vec<String> =
        ["entity_id", "current_stage", "current_since", "first_seen_at", "is_closed"].map(str::to_string).to_vec();
    names.extend(MENTIONED.iter().flat_map(|stage| [format!("became_{stage}_at"), format!("latest_{stage}_at")]));
    let counts =
        ["visits", "visits_inferred", "regressions", "recycles", "re_entries", "changes_absorbed", "changes_ignored"];
    names.extend(counts.map(str::to_string));
    names
}

#[tokio::test]
async fn entities_and_the_obvious_way_agree() {
    let columns = entity_columns();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    for seed in 100..106 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (policies, text) = any_policies(&mut rng);
        let changes = any_changes(&mut rng);
        let versions = versions();
        let visits = visits(&usable(&changes, &versions), &versions, policies);
        let mut expected: Vec<String> = entities(&visits, &MENTIONED, &versions).iter().map(entity_line).collect();
        expected.sort();
        let tables = [("alpha", table(&changes, 0)), ("beta", table(&changes, 1))];
        for (batch, threads) in [(1, 2), (2, 1), (7, 3), (50, 5), (8192, 2)] {
            let made = run_tables(&yaml(&text), &tables, How { threads, batch }, 2).await;
            assert_eq!(made.lines(1, &columns), expected, "seed {seed}, batch {batch}, {threads} threads, {text}");
        }
    }
}
