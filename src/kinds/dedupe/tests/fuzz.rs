//! The kind against its naive twin, over random records.

use std::collections::BTreeSet;

use arrow::array::Int64Array;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::naive::{POLICIES, Person, Row, people};
use super::*;

const SYSTEMS: [&str; 3] = ["one", "two", "o-ne"];

pub(super) fn yaml(max_records_per_key: usize, max_cluster: usize) -> String {
    let source = |system: &str| {
        let fields: Vec<String> = (0..POLICIES.len()).map(|at| format!("v{at}: v")).collect();
        let table = system.replace('-', "_");
        format!(
            "  - {{from: {table}, system: {system}, id: id, updated_at: to_timestamp_micros(u), created_at: to_timestamp_micros(c), fields: {{k0: k0, k1: k1, {}}}}}\n",
            fields.join(", ")
        )
    };
    let policies: Vec<String> = POLICIES.iter().enumerate().map(|(at, policy)| format!("v{at}: {policy}")).collect();
    format!(
        "entity: person\nrecords:\n{}match: [k0, {{keys: [k1, 'lower(k1)'], name: twice}}]\nguards: {{max_records_per_key: {max_records_per_key}, max_cluster: {max_cluster}}}\nsurvive: {{{}}}\n",
        SYSTEMS.map(source).concat(),
        policies.join(", ")
    )
}

pub(super) fn rows(random: &mut ChaCha8Rng, count: usize) -> Vec<Row> {
    let ids = 1 + count as u32;
    let mut seen = BTreeSet::new();
    (0..count)
        .map(|at| {
            let mut maybe = |of: u32| random.random_bool(0.8).then(|| random.random_range(0..of));
            let word = |number: Option<u32>| number.map(|n| if n == 0 { " ".to_string() } else { format!("w{n}") });
            let keys = vec![word(maybe(ids)), word(maybe(ids))];
            let value = word(maybe(4)).map(|value| format!(" {value}").repeat(1 + at % 2));
            let (updated, created) = (maybe(4).map(i64::from), maybe(4).map(i64::from));
            let id = maybe(10 * ids);
            let system = random.random_range(0..SYSTEMS.len());
            // Rows of one record that are the same in everything but their values would be a toss.
            let id = id.filter(|id| seen.insert((system, *id, updated, created)));
            Row { system: (system, SYSTEMS[system].to_string()), id: word(id), updated, created, keys, value }
        })
        .collect()
}

pub(super) fn tables(rows: &[Row]) -> Vec<(&'static str, RecordBatch)> {
    let of = |system: usize| {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.system.0 == system).collect();
        let text = |of: &dyn Fn(&Row) -> Option<String>| -> ArrayRef {
            Arc::new(rows.iter().map(|row| of(row)).collect::<StringArray>())
        };
        let number = |of: fn(&Row) -> Option<i64>| -> ArrayRef {
            Arc::new(rows.iter().map(|row| of(row)).collect::<Int64Array>())
        };
        RecordBatch::try_from_iter_with_nullable([
            ("id", text(&|row| row.id.clone()), true),
            ("u", number(|row| row.updated), true),
            ("c", number(|row| row.created), true),
            ("k0", text(&|row| row.keys[0].clone()), true),
            ("k1", text(&|row| row.keys[1].clone()), true),
            ("v", text(&|row| row.value.clone()), true),
        ])
        .unwrap()
    };
    vec![("one", of(0)), ("two", of(1)), ("o_ne", of(2))]
}

/// The tables of a run in the form of the twin.
fn made_people(made: &Made) -> Vec<Person> {
    let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in made.lines("people_crosswalk", &["person_id", "system", "record_id"]) {
        let cells: Vec<&str> = line.split(" | ").collect();
        members.entry(cells[0].to_string()).or_default().insert(format!("{}:{}", cells[1], cells[2]));
    }
    let columns: Vec<String> =
        std::iter::once("person_id".to_string()).chain((0..POLICIES.len()).map(|at| format!("v{at}"))).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let person = |line: &String| {
        let mut cells = line.split(" | ");
        let id = cells.next().unwrap();
        let values = cells.map(|cell| Some(cell.to_string()).filter(|cell| cell != "-")).collect();
        (id.trim_matches(['<', '>']).to_string(), members[id].clone(), values)
    };
    let mut people: Vec<Person> = made.lines("people", &columns).iter().map(person).collect();
    people.sort();
    people
}

#[tokio::test]
async fn random_records_come_out_as_in_the_naive_way() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for (count, max_records_per_key, max_cluster) in [(3, 2, 3), (30, 3, 4), (200, 4, 6)] {
        let rows = rows(&mut random, count);
        let expected: Vec<Person> = people(&normal(&rows), max_records_per_key, max_cluster);
        let yaml = yaml(max_records_per_key, max_cluster);
        let mut first: Option<Made> = None;
        for (threads, batch) in [(1, 8192), (2, 1), (1, 2), (3, 7), (2, 50)] {
            let made = run(&yaml, &tables(&rows), How { threads, batch }).await;
            let found = made_people(&made);
            let differs = found.iter().zip(&expected).find(|(found, expected)| found != expected);
            assert_eq!(differs, None, "{count} records, {threads} threads, batches of {batch}");
            assert_eq!(found.len(), expected.len());
            made.assert_balanced();
            match &first {
                Some(first) => same_tables(first, &made),
                None => first = Some(made),
            }
        }
    }
}

/// Keys as the rules see them.
fn normal(rows: &[Row]) -> Vec<Row> {
    let normal = |key: &Option<String>| key.as_deref().map(|key| key.trim().to_lowercase());
    let mut rows = rows.to_vec();
    for row in &mut rows {
        row.keys = row.keys.iter().map(normal).collect();
    }
    rows
}

/// Neither threads nor batches nor the order of rows show in any table.
pub(super) fn same_tables(left: &Made, right: &Made) {
    for (name, table) in &left.tables {
        let names: Vec<String> = table.schema().fields().iter().map(|field| field.name().clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(left.lines(name, &names), right.lines(name, &names), "{name}");
    }
    assert_eq!(left.facts, right.facts);
}
